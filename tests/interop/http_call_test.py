"""REST of the contract, and SOFARPC's calls over HTTP, asked by SOFARPC's Java clients and by curl (docs/protocols/http.md)."""

import json
import subprocess

import pytest

import conftest
import programs

pytestmark = pytest.mark.skipif(conftest.server_kind() == "java", reason="proves the C++ server")

JAVA_SECONDS = 240
JAVA_CHECKS_AT_LEAST = {"plain": 170, "with TLS": 360}
# Checks that expect an exception's class, which HTTP does not carry.
CLASS_IS_LOST = {name + suffix for name in ("plusDays.past_the_last_year", "getUser.no_level") for suffix in ("@h2c", "@h2c_blue", "@h2", "@h2_blue")}
VERSIONS = pytest.mark.parametrize("version", ["--http1.1", "--http2", "--http2-prior-knowledge"])
SECONDS = 20


def curl(*words):
    """Status, head (names in lower case) and body of one answer."""
    done = subprocess.run(["curl", "-sS", "-i", "--max-time", str(SECONDS), *words], capture_output=True, timeout=SECONDS + 10)
    assert done.returncode == 0, done.stderr.decode()
    head, _, body = done.stdout.partition(b"\r\n\r\n")
    while head.startswith((b"HTTP/1.1 100", b"HTTP/1.1 101")):
        head, _, body = body.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    fields = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines[1:])}
    return int(lines[0].split()[1]), fields, body.decode()


def run_java_client(address, kind):
    failed, passed = programs.run_checks(programs.java_command("HttpJavaClient", address), JAVA_SECONDS)
    others = [line for line in failed if line.split()[1].rstrip(":") not in CLASS_IS_LOST]
    assert not others, f"{len(others)} checks failed, {passed} passed:\n" + "\n".join(others)
    assert passed >= JAVA_CHECKS_AT_LEAST[kind]


def test_java_clients_of_rest_h2c_and_h2(java, one_port):
    run_java_client(one_port.address, "with TLS")


def run_cpp_client(target, at_least, *options):
    failed, passed = programs.run_checks([programs.binaries() / "interop-client", target, *options], JAVA_SECONDS)
    assert not failed, f"{len(failed)} checks failed, {passed} passed:\n" + "\n".join(failed)
    assert passed >= at_least


@pytest.mark.parametrize("scheme", ["http", "h2c", "h2"])
def test_cpp_client(one_port, certificates, scheme):
    tls = ["--tls-ca", certificates.ca] if scheme == "h2" else []
    run_cpp_client(f"{scheme}://{one_port.address}", 90, *tls)


def test_cpp_client_to_the_java_server_of_http_and_h2c(java):
    with programs.Server(programs.java_command("InteropJavaServer", "--http", 0, "--h2c", 0), protocol="http") as server:
        run_cpp_client(f"http://{server.address}?language=java", 20)
        run_cpp_client(f"h2c://127.0.0.1:{server.ports['h2c']}?language=java", 20)


def test_cpp_client_to_the_java_server_of_h2(java, certificates):
    certificate, key = certificates.server
    options = f"-Dssl=true -Dsofa.rpc.remoting.http.certificatePath={certificate} -Dsofa.rpc.remoting.http.privateKeyPath={key}"
    command = programs.java_command("InteropJavaServer", "--h2", 0)
    with programs.Server(command, environment={"JAVA_OPTIONS": options}, protocol="h2") as server:
        run_cpp_client(f"h2://{server.address}?language=java", 20, "--tls-ca", certificates.ca)


def test_java_clients_of_rest_and_h2c_on_ports_of_their_own(java):
    server = programs.Server([programs.binaries() / "interop-server", "--rest", 0, "--triple", 0], protocol="http1")
    try:
        assert curl(f"http://{server.address}/interop/hello/bob?times=2")[::2] == (200, "hello bob,hello bob")
        run_java_client(f"{server.address},127.0.0.1:{server.ports['h2']}", "plain")
    finally:
        server.stop()


@VERSIONS
def test_rest_by_curl(one_port, version):
    at = f"http://{one_port.address}/interop"
    status, fields, body = curl(version, f"{at}/hello/bob")
    assert (status, fields["content-type"], body) == (200, "text/plain; charset=utf-8", "hello bob")
    status, fields, body = curl(version, "-H", "content-type: application/json", "-d", '{"id":1,"name":"Ada","tags":["x"]}', f"{at}/user")
    assert (status, fields["content-type"]) == (200, "application/json")
    assert json.loads(body) == {"id": 2, "name": "Ada", "tags": ["x"]}
    assert curl(version, "-H", "X-Interop: v", f"{at}/header")[::2] == (200, "header=v")
    status, _, body = curl(version, f"{at}/fail?kind=runtime")
    assert status == 500 and "boom runtime" in body
    assert [curl(version, f"{at}/fail?kind={kind}")[0] for kind in ("illegal", "checked", "x")] == [500, 500, 500]
    assert curl(version, f"{at}/missing")[0] == 404


def test_trace_headers_are_answered(one_port):
    trace = ["-H", "SOFA-TraceId: 0a0fe8ec1700000000001", "-H", "SOFA-RpcId: 0.1"]
    _, fields, _ = curl(*trace, f"http://{one_port.address}/interop/hello/bob")
    assert (fields["sofa-traceid"], fields["sofa-rpcid"]) == ("0a0fe8ec1700000000001", "0.1")
    _, fields, _ = curl(f"http://{one_port.address}/interop/hello/bob")
    assert "sofa-traceid" not in fields


def message_of(error):
    """Of Connect's JSON; a client of SOFARPC's, and a wrong verb, get the sentence alone."""
    return json.loads(error)["message"] if error.startswith("{") else error


def call(server, method, *words, service="InteropService:1.0"):
    return curl(*words, f"http://{server.address}/sofa.interop.{service}/{method}")


@VERSIONS
@pytest.mark.parametrize("method, arguments, result", [
    ("hello", '["bob"]', "hello bob"),
    ("hello", '"bob"', "hello bob"),
    ("hello", '["bob", 3]', "hello bob,hello bob,hello bob"),
    ("hello", '{"name": "bob", "times": 2}', "hello bob,hello bob"),
    ("add", "[2147483647, 1]", -2147483648),
    ("addLong", "[null, 5]", 5),
    ("ping", "", None),
    ("ping", "[]", None),
    ("sum", "[1, 2, 3]", 6),
    ("sum", "[[1, 2, 3]]", 6),
    ("echo", "null", None),
    ("nextLevel", '["BRONZE"]', "SILVER"),
    ("sleep", "[1]", "slept 1"),
])
def test_json_by_curl(one_port, version, method, arguments, result):
    status, fields, body = call(one_port, method, version, "-d", arguments)
    assert (status, fields["content-type"]) == (200, "application/json"), body
    assert json.loads(body) == result


def test_objects_by_curl(one_port):
    status, _, body = call(one_port, "putUser", "-d", '[{"id": 41, "name": "Ada", "level": "GOLD"}]')
    assert status == 200
    user = json.loads(body)
    assert (user["id"], user["name"], user["level"]) == (42, "Ada", "GOLD")
    status, _, body = call(one_port, "putUser", "-d", '{"id": 41}')
    assert (status, json.loads(body)["id"]) == (200, 42)


@pytest.mark.parametrize("target, result", [
    ("hello?name=bob", "hello bob"),
    ("hello?arg0=bob&arg1=2", "hello bob,hello bob"),
    ("hello?times=2&name=bob", "hello bob,hello bob"),
    ("half?d=3", 1.5),
    ("nextLevel?l=GOLD", "BRONZE"),
    ("ping", None),
])
def test_get_by_curl(one_port, target, result):
    status, _, body = call(one_port, target)
    assert status == 200, body
    assert json.loads(body) == result


def test_services_are_told_apart_by_their_unique_names(one_port):
    assert call(one_port, "echo", "-d", '"x"', service="InteropService:1.0:blue")[::2] == (200, '"blue:x"')
    assert call(one_port, "echo", "-d", '"x"', service="InteropService%3A1.0%3Ablue")[::2] == (200, '"blue:x"')
    assert call(one_port, "echo", "-d", '"x"', service="InteropService")[::2] == (200, '"x"')
    status, _, body = call(one_port, "echo", "-d", '"x"', service="InteropService:1.0:nobody")
    assert (status, message_of(body)) == (404, "RPC-020100010: RPC cannot find service: [sofa.interop.InteropService:1.0:nobody] ")
    status, _, body = call(one_port, "nothing", "-d", "[]")
    assert status == 404 and "Cannot find invoke method: [nothing]" in body
    assert call(one_port, "hello", "-I")[0] == 200
    assert call(one_port, "nothing", "-I")[0] == 404


def test_a_protobuf_method_by_curl(one_port):
    status, _, body = call(one_port, "echo", "-d", '{"text": "x", "attrs": {"a": "b"}}', service="pb.Interop:1.0")
    assert status == 200 and json.loads(body) == {"text": "x", "attrs": {"a": "b"}}
    as_bytes = ["-H", "sofa_head_serialize_type: protobuf", "--data-binary", "\x0a\x01x"]
    status, fields, body = call(one_port, "echo", *as_bytes, service="InteropPbService:1.0")
    assert (status, fields["content-type"], body) == (200, "application/protobuf", "\x0a\x01x")


def test_what_the_service_throws_is_the_status_of_its_code(one_port):
    status, fields, body = call(one_port, "fail", "-d", '["illegal"]')
    assert (status, fields["sofa_head_response_error"]) == (400, "true")
    assert json.loads(body) == {"code": "invalid_argument", "message": "java.lang.IllegalArgumentException: boom illegal"}


def test_what_the_service_throws_is_200_to_a_client_of_sofarpc(one_port):
    status, fields, body = call(one_port, "fail", "-H", "sofa_head_serialize_type: json", "-d", '"illegal"')
    assert (status, fields["sofa_head_response_error"]) == (200, "true")
    assert body == "java.lang.IllegalArgumentException: boom illegal\n"


@pytest.mark.parametrize("method, words, status, says", [
    ("add", ["-d", '[1, "x"]'], 400, ["argument 2 of add", 'found "x"']),
    ("add", ["-d", "[1]"], 400, ["add takes 2 arguments (int, int), 1 came"]),
    ("half", ["-d", "[1, 2]"], 400, ["half takes 1 argument (double), 2 came"]),
    ("add", ["-d", "7"], 400, ["add takes 2 arguments (int, int) in an array", "'7'"]),
    ("add", ["-d", '{"a": 1, "b": 2}'], 400, ["declares no names", "(int, int)"]),
    ("hello", ["-d", '["a", 1, 2]'], 400, ["no overload of hello", "there are (java.lang.String), (java.lang.String name, int times)"]),
    ("hello", ["-d", '{"name": "x", "times": "many"}'], 400, ["argument 2 (times) of hello", "many"]),
    ("add", ["-d", "[1, 2"], 400, ["[1, 2"]),
    ("add?a=1&b=%zz", [], 400, ["%zz"]),
    ("add?a=1&b=x", [], 400, ["argument 2 of add", 'found "x"']),
    ("putUser", ["-d", '[{"id": "x"}]'], 400, ["argument 1 of putUser", "id"]),
    ("add", ["-H", "content-type: application/xml", "-d", "<a/>"], 415, ["application/xml", "application/json"]),
    ("add", ["-H", "sofa_head_serialize_type: kryo", "-d", "x"], 415, ["kryo", "hessian2"]),
    ("add", ["-H", "sofa_head_serialize_type: hessian2", "-d", "x"], 400, ["SofaRequest"]),
    ("add", ["-X", "PUT", "-d", "[1, 2]"], 405, ["POST or GET"]),
    ("sleep", ["-H", "sofa_head_deadline_remain_time: 20", "-d", "[5000]"], 504, ["deadline"]),
])
def test_errors_say_what_is_wrong(one_port, method, words, status, says):
    found, _, body = call(one_port, method, *words)
    assert found == status, body
    for text in says:
        assert text in message_of(body)
