"""Who may do what on the admin API of `sofa dev --auth` and `sofa server`: every route and every gRPC method that the running server tells of, without, with wrong, with
too weak and with right credentials. What is open to everybody stands here by name; a new route is tried without being named."""

import base64
import http.client
import json
import pathlib
import re
import ssl
import sys

import grpc
import pytest
from google.protobuf import descriptor_pb2
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "interop"), str(ROOT / "tests" / "e2e")]

import certificates  # noqa: E402
import programs  # noqa: E402
from platform_test import Platform, free_offset  # noqa: E402

OPEN = {("GET", "/healthz"), ("GET", "/livez"), ("GET", "/readyz"), ("GET", "/v1/session"), ("POST", "/v1/session"), ("DELETE", "/v1/session")}
OPEN_METHODS = {"/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch", "/sofa.admin.v1.Session/GetSession"}
# Two ways to take long that an argument out of bounds keeps short: it is looked at behind the gate.
LONG = {"/v1/profiles/cpu": "?seconds=0", "/debug/pprof/profile": "?seconds=0", "/debug/pprof/folded": "?seconds=0"}
UNAUTHENTICATED, DENIED = 401, 403


class Guarded:
    """A platform that asks who comes, and tokens of every sort for it."""

    def __init__(self, mode, folder):
        self.secure = mode == "server over TLS"
        self.platform = self.start(mode, folder)
        self.port = self.platform.port
        self.password = re.search(r"the password (\S+) ;", "\n".join(self.platform.lines))[1]
        basic = "Basic " + base64.b64encode(f"admin:{self.password}".encode()).decode()
        made = self.json("POST", "/v1/tokens", {"owner": "admin"}, authorization=basic)
        self.admin = {"authorization": f"Bearer {made['secret']}"}
        self.routes = self.json("GET", "/v1/routes", **self.admin)
        self.application = self.attach(folder, made["secret"])
        self.routes_of_application = self.json("GET", f"{self.application}/v1/routes", **self.admin)
        self.permissions = sorted({route["permission"] for route in self.routes + self.routes_of_application} - {""})
        self.make_tokens()
        self.process = f"/v1/processes/sofa-{self.platform.pid}"
        programs.until(lambda: self.ask("GET", self.process, **self.admin)[0] == 200)

    def start(self, mode, folder):
        if mode == "dev --auth":
            return Platform("dev", "--auth", "--data", folder / "data", "--port-offset", free_offset())
        tls = ""
        if self.secure:
            self.certificates = certificates.Certificates(folder)
            cert, key = self.certificates.server
            tls = f", tls: {{cert: {cert}, key: {key}}}"
        file = folder / "sofa.yaml"
        file.write_text(f"admin: {{port: 0{tls}}}\nplatform: {{data: {folder / 'data'}, auth: true}}\n")
        return Platform("server", "-c", file)

    def attach(self, folder, token):
        """The path of an application that has no gate of its own."""
        platform = f"https://localhost:{self.port}, platform_ca: {self.certificates.ca}" if self.secure else f"127.0.0.1:{self.port}"
        file = folder / "application.yaml"
        file.write_text(f"server: {{port: 0}}\nadmin: {{port: 0, platform: {platform}, platform_token: {token}}}\n")
        self.hello = programs.Program([programs.binaries() / "boot-hello", "--config", file])
        ready = self.hello.wait_for_line(r"^ready boot-hello pid=(\d+)", 30)
        path = f"/v1/processes/boot-hello-{ready[1]}"
        programs.until(lambda: self.ask("GET", path, **self.admin)[0] == 200)
        return path

    def kill(self):
        self.hello.kill()
        self.platform.kill()

    def make_tokens(self):
        """For each permission a token that has it alone (and may ask processes), and one that has all but it."""
        roles = {"nothing": ["nothing:at-all"]}
        for permission in self.permissions:
            roles[f"only-{permission.replace(':', '-')}"] = [permission, "processes:read", "processes:write"]
            roles[f"without-{permission.replace(':', '-')}"] = ["*:*", f"!{permission}"]
        for name, permissions in roles.items():
            self.json("PUT", f"/v1/roles/{name}", {"permissions": permissions}, **self.admin)
        self.json("POST", "/v1/users", {"name": "probe", "password": "a long password", "roles": list(roles)}, **self.admin)
        self.tokens = {name: self.json("POST", "/v1/tokens", {"owner": "probe", "roles": [name]}, **self.admin)["secret"] for name in roles}

    def bearer(self, role):
        return {"authorization": f"Bearer {self.tokens[role]}"}

    def only(self, permission):
        return self.bearer(f"only-{permission.replace(':', '-')}")

    def without(self, permission):
        return self.bearer(f"without-{permission.replace(':', '-')}")

    def connect(self):
        if self.secure:
            return http.client.HTTPSConnection("localhost", self.port, timeout=30, context=self.certificates.context())
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def send(self, method, path, body=None, **headers):
        """The answer with its head; the rest of a stream is left."""
        connection = self.connect()
        if method in ("POST", "PUT", "PATCH"):
            headers["content-type"] = "application/json"
            body = json.dumps({} if body is None else body)
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        ends = answer.getheader("content-type") != "text/event-stream"
        answer.text = answer.read().decode(errors="replace") if ends else ""
        connection.close()
        return answer

    def ask(self, method, path, body=None, **headers):
        answer = self.send(method, path, body, **headers)
        return answer.status, answer.text

    def json(self, method, path, body=None, **headers):
        status, text = self.ask(method, path, body, **headers)
        assert status == 200, f"{method} {path}: {status} {text}"
        return json.loads(text)

    def session(self):
        """The header of a signed-in browser, and its token for changes."""
        answer = self.send("POST", "/v1/session", {"user": "admin", "password": self.password})
        assert answer.status == 200, answer.text
        cookie = answer.getheader("set-cookie")
        return cookie, {"cookie": cookie.split(";")[0]}, json.loads(answer.text)["csrf_token"]

    def channel(self):
        if self.secure:
            return grpc.secure_channel(f"localhost:{self.port}", grpc.ssl_channel_credentials(self.certificates.ca.read_bytes()))
        return grpc.insecure_channel(f"127.0.0.1:{self.port}")


def path_of(route, process):
    """One that the route takes; what it names is not there, the process excepted."""
    path = route["pattern"].replace("/v1/processes/{id}", process)
    return re.sub(r"\{[^}]+\}", "nobody", path.replace("{path...}", "v1/routes")) + LONG.get(route["pattern"], "")


def changes(route):
    """By what it needs, or by its method: there is a GET that changes something."""
    return route["permission"] != "" and (route["method"] != "GET" or not route["permission"].endswith(":read"))


def passes(status):
    return status not in (UNAUTHENTICATED, DENIED, 405, 421) and status < 500


MODES = ["dev --auth", "server", "server over TLS"]


@pytest.fixture(scope="module", params=MODES)
def guarded(request, tmp_path_factory):
    one = Guarded(request.param, tmp_path_factory.mktemp("access"))
    yield one
    one.kill()


def test_what_is_open_is_named_here(guarded):
    assert {(route["method"], route["pattern"]) for route in guarded.routes if not route["permission"]} == OPEN
    assert len(guarded.routes) > 40 and len(guarded.permissions) > 10
    for method, path in OPEN:
        assert passes(guarded.ask(method, path)[0]), path
    assert guarded.ask("GET", "/console/")[0] == 200


def test_the_descriptions_know_no_route_that_the_list_does_not(guarded):
    listed = {(route["method"].lower(), route["pattern"]): route["permission"] for route in guarded.routes}
    described = guarded.json("GET", "/openapi.json", **guarded.admin)["paths"]
    found = 0
    for path, methods in described.items():
        for method, operation in methods.items():
            assert listed[(method, path)] == operation.get("x-permission", ""), path
            found += 1
    assert found > 25


def test_nobody_comes_in_without_credentials_or_with_wrong_ones(guarded):
    for route in guarded.routes:
        if not route["permission"]:
            continue
        path = path_of(route, guarded.process)
        methods = [route["method"], "HEAD"] if route["method"] == "GET" else [route["method"]]
        for method in methods:
            assert guarded.ask(method, path)[0] == UNAUTHENTICATED, path
        assert guarded.ask(route["method"], path, authorization="Bearer sofa_wrong")[0] == UNAUTHENTICATED, path
    for wrong in ({"cookie": "sofa-session=wrong"}, {"cookie": "__Host-sofa-session=wrong"}, {"authorization": "Basic ???"}, {"authorization": "Digest x"},
                  {"x_sofa_user": "admin"}, {"authorization": ""}):
        assert guarded.ask("GET", "/v1/users", **wrong)[0] == UNAUTHENTICATED, wrong


def test_each_route_takes_its_own_permission_and_no_other(guarded):
    for route in guarded.routes:
        permission = route["permission"]
        if not permission:
            continue
        path = path_of(route, guarded.process)
        assert guarded.ask(route["method"], path, **guarded.bearer("nothing"))[0] == DENIED, path
        status, text = guarded.ask(route["method"], path, **guarded.without(permission))
        assert status == DENIED and permission in text, f"{path}: {status} {text}"
        if "/{path...}" not in route["pattern"]:  # what it is passed on to asks for its own, too
            status, text = guarded.ask(route["method"], path, **guarded.only(permission))
            assert passes(status), f"{route['method']} {path}: {status} {text}"


def test_a_process_asks_for_the_same_permission_through_the_platform(guarded):
    for route in guarded.routes:
        permission = route["permission"]
        if route["pattern"].startswith("/v1/processes/{id}"):
            continue
        method, path = route["method"], guarded.process + path_of(route, guarded.process)
        assert guarded.ask(method, path)[0] == UNAUTHENTICATED, path
        assert guarded.ask(method, path, **guarded.bearer("nothing"))[0] == DENIED, path
        if permission:
            assert guarded.ask(method, path, **guarded.without(permission))[0] == DENIED, path
        if permission and not route["pattern"].startswith("/v1/processes"):
            status, text = guarded.ask(method, path, **guarded.only(permission))
            assert passes(status), f"{method} {path}: {status} {text}"


def test_a_process_without_a_gate_asks_for_the_same_permissions(guarded):
    assert len(guarded.routes_of_application) > 20
    for route in guarded.routes_of_application:
        permission = route["permission"]
        method, path = route["method"], guarded.application + path_of(route, guarded.application)
        assert guarded.ask(method, path)[0] == UNAUTHENTICATED, path
        assert guarded.ask(method, path, **guarded.bearer("nothing"))[0] == DENIED, path
        if permission:
            status, text = guarded.ask(method, path, **guarded.without(permission))
            assert status == DENIED and permission in text, f"{method} {path}: {status} {text}"
            status, text = guarded.ask(method, path, **guarded.only(permission))
            assert passes(status), f"{method} {path}: {status} {text}"


def test_who_may_read_processes_alone_sees_and_changes_nothing_in_one(guarded):
    for path in ("/actuator/triggerReadinessCallback", "/v1/logs", "/v1/config", "/v1/figures"):
        assert guarded.ask("GET", guarded.application + path, **guarded.only("processes:read"))[0] == DENIED, path


# gRPC


def methods_of(guarded, channel):
    """Every method that the server's reflection tells of."""
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    metadata = [("authorization", guarded.admin["authorization"])]

    def ask(**request):
        return next(stub.ServerReflectionInfo(iter([reflection_pb2.ServerReflectionRequest(**request)]), metadata=metadata, timeout=10))

    methods = set()
    for service in ask(list_services="").list_services_response.service:
        for raw in ask(file_containing_symbol=service.name).file_descriptor_response.file_descriptor_proto:
            file = descriptor_pb2.FileDescriptorProto.FromString(raw)
            methods.update(f"/{file.package}.{one.name}/{method.name}" for one in file.service for method in one.method)
    return methods


def code_of(channel, method, headers):
    """How a call without a request's fields ends; OK for one whose first answer comes, or that goes on."""
    call = channel.unary_stream(method)(b"", metadata=[(name.replace("_", "-"), value) for name, value in headers.items()], timeout=1)
    try:
        next(call, None)
        return grpc.StatusCode.OK
    except grpc.RpcError as refused:
        return refused.code()
    finally:
        call.cancel()


def test_each_grpc_method_takes_its_own_permission_and_no_other(guarded):
    permissions = {f"/sofa.admin.v1.{route['operation']}": route["permission"] for route in guarded.routes if route["operation"]}
    with guarded.channel() as channel:
        methods = methods_of(guarded, channel)
        assert methods == set(permissions) | OPEN_METHODS
        for method in sorted(methods):
            permission = permissions.get(method, "")
            if method in OPEN_METHODS:
                assert not permission and code_of(channel, method, {}) == grpc.StatusCode.OK, method
                continue
            assert code_of(channel, method, {}) == grpc.StatusCode.UNAUTHENTICATED, method
            assert code_of(channel, method, {"authorization": "Bearer sofa_wrong"}) == grpc.StatusCode.UNAUTHENTICATED, method
            assert code_of(channel, method, guarded.bearer("nothing")) == grpc.StatusCode.PERMISSION_DENIED, method
            assert code_of(channel, method, guarded.without(permission)) == grpc.StatusCode.PERMISSION_DENIED, method
            code = code_of(channel, method, guarded.only(permission))
            assert code not in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNIMPLEMENTED), f"{method}: {code}"


def test_reflection_is_for_those_who_may_read_the_api(guarded):
    with guarded.channel() as channel:
        for version in ("v1", "v1alpha"):
            method = f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo"
            assert code_of(channel, method, {}) == grpc.StatusCode.UNAUTHENTICATED
            assert code_of(channel, method, guarded.without("api:read")) == grpc.StatusCode.PERMISSION_DENIED
            assert code_of(channel, method, guarded.only("api:read")) == grpc.StatusCode.OK


# Browsers


def test_a_cookie_alone_changes_nothing(guarded):
    _, cookie, token = guarded.session()
    assert guarded.ask("GET", "/v1/users", **cookie)[0] == 200
    changing = [(route, "") for route in guarded.routes if changes(route)]
    changing += [(route, guarded.application) for route in guarded.routes_of_application if changes(route)]
    assert len(changing) > 20 and any(route["method"] == "GET" for route, _ in changing)
    for route, process in changing:
        path = process + path_of(route, guarded.process)
        for wrong in ({}, {"x_csrf_token": "wrong"}):
            status, text = guarded.ask(route["method"], path, **cookie, **wrong)
            assert status == DENIED and "x-csrf-token" in text, f"{path}: {status} {text}"
        assert guarded.ask(route["method"], path, x_csrf_token=token, **cookie)[0] not in (UNAUTHENTICATED, DENIED), path
    with guarded.channel() as channel:
        assert code_of(channel, "/sofa.admin.v1.Identity/RemoveUser", cookie) == grpc.StatusCode.PERMISSION_DENIED
        assert code_of(channel, "/sofa.admin.v1.Identity/ListUsers", cookie) == grpc.StatusCode.OK


def test_the_cookie_is_for_this_server_alone_and_ends_with_its_session(guarded):
    said, cookie, token = guarded.session()
    name, *attributes = [part.strip() for part in said.split(";")]
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(attributes) and not any(part.startswith("Domain") for part in attributes)
    assert ("Secure" in attributes) == guarded.secure and name.startswith("__Host-") == guarded.secure
    assert guarded.ask("DELETE", "/v1/session", x_csrf_token=token, **cookie)[0] == 204
    assert guarded.ask("GET", "/v1/users", **cookie)[0] == UNAUTHENTICATED


def test_no_page_may_put_the_server_into_a_frame(guarded):
    for path, headers in (("/", {}), ("/console/", {}), ("/v1/users", {}), ("/docs", guarded.admin), ("/v1/users", guarded.admin), ("/healthz", {}), ("/none", {})):
        answer = guarded.send("GET", path, **headers)
        assert answer.getheader("x-frame-options") == "DENY", path
        assert "frame-ancestors 'none'" in answer.getheader("content-security-policy"), path
        assert answer.getheader("x-content-type-options") == "nosniff", path


def refuses_foreign_pages_and_names(ask, routes, process, with_names):
    for route in routes:
        path = path_of(route, process)
        assert ask(route["method"], path, origin="https://evil.example")[0] == DENIED, path
        assert ask(route["method"], path, sec_fetch_site="cross-site")[0] == DENIED, path
        if with_names:
            assert ask(route["method"], path, host="evil.example")[0] == 421, path


def test_foreign_pages_and_names_are_refused_whoever_asks(guarded):
    def ask(method, path, **headers):
        return guarded.ask(method, path, **guarded.admin, **headers)

    refuses_foreign_pages_and_names(ask, guarded.routes, guarded.process, with_names=not guarded.secure)


def test_foreign_pages_and_names_are_refused_where_everybody_may_do_everything(tmp_path):
    dev = Platform("dev", "--data", tmp_path / "data", "--port-offset", free_offset())
    try:
        routes = dev.json("/v1/routes")

        def ask(method, path, **headers):
            return dev.ask(path, method, None if method == "GET" else {}, **{name.replace("_", "-"): value for name, value in headers.items()})

        refuses_foreign_pages_and_names(ask, routes, "/v1/processes/none", with_names=True)
        assert ask("DELETE", "/v1/users/nobody")[0] == 404
        assert ask("DELETE", "/v1/users/nobody", origin=f"http://{dev.address}")[0] == DENIED, "a page of its own lacks the token"
    finally:
        dev.kill()


# Guessing


def test_who_guesses_is_slowed_and_told_how_long(tmp_path):
    guarded = Guarded("dev --auth", tmp_path)
    try:
        def guess(name, password):
            return guarded.send("POST", "/v1/session", {"user": name, "password": password})

        answers = [guess("admin", f"guess number {i}") for i in range(6)]
        assert [answer.status for answer in answers[:3]] == [UNAUTHENTICATED] * 3
        assert answers[-1].status == 429 and re.search(r"try again in \d+ s", answers[-1].text), answers[-1].text
        assert guess("admin", guarded.password).status == 429, "the right one has to wait, too"
        basic = "Basic " + base64.b64encode(b"ann:guess number 7").decode()
        assert guarded.ask("GET", "/v1/users", authorization=basic)[0] == 429, "another name from the same place"
        assert guarded.ask("GET", "/v1/users", **guarded.admin)[0] == 200, "a token is no guess"
        refused = guarded.json("GET", "/v1/audit?action=login", **guarded.admin)["entries"]
        assert 3 <= len(refused) <= 6 and all(entry["result"] == "denied" for entry in refused)
    finally:
        guarded.platform.kill()
