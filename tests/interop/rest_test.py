"""Typed routes: the program examples/rest/users.cpp, asked by plain requests and curl."""

import http.client
import json
import re
import shlex
import subprocess
import urllib.parse

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

import conftest
import programs

pytestmark = pytest.mark.skipif(conftest.server_kind() == "java", reason="proves the C++ server")

SECONDS = 20
ADA = {"name": "Ada 中", "age": 36, "level": "high", "tags": ["a", "b"], "email": "ada@example.com"}


@pytest.fixture(scope="module")
def address():
    server = programs.Server([programs.binaries() / "rest-users", "--port", "0"], protocol="http1")
    yield server.address
    server.stop()
    assert server.process.returncode == 0, f"{server}"


def ask(address, method, path, body=None, **headers):
    connection = http.client.HTTPConnection(address, timeout=SECONDS)
    try:
        text = body if body is None or isinstance(body, (str, bytes)) else json.dumps(body)
        connection.request(method, path, text, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, answer.getheader("content-type"), answer.read()
    finally:
        connection.close()


def ask_json(address, method, path, body=None, **headers):
    status, content_type, answer = ask(address, method, path, body, **headers)
    assert content_type == "application/json", answer
    return status, json.loads(answer)


def problem(address, method, path, body=None, **headers):
    status, content_type, answer = ask(address, method, path, body, **headers)
    assert content_type == "application/problem+json", answer
    told = json.loads(answer)
    assert told["status"] == status
    return status, told["code"], told["detail"]


@pytest.fixture
def ada(address):
    status, user = ask_json(address, "POST", "/users", ADA)
    assert status == 201
    return user


def test_a_body_becomes_a_struct_and_a_struct_the_answer(address, ada):
    assert {**ADA, "id": ada["id"]} == ada
    assert ask_json(address, "GET", f"/users/{ada['id']}") == (200, ada)


def test_curl_over_http2(address, ada):
    done = subprocess.run(["curl", "-sS", "--http2-prior-knowledge", "--max-time", "20", f"http://{address}/users/{ada['id']}"], capture_output=True,
                          check=True, timeout=60)
    assert json.loads(done.stdout) == ada


def test_a_list_of_the_query_may_stand_several_times(address):
    for tags in (["q1"], ["q1", "q 2&"], ["q 2&"]):
        ask_json(address, "POST", "/users", {"name": "x", "tags": tags})
    query = urllib.parse.urlencode([("tag", "q1"), ("tag", "q 2&")])
    status, found = ask_json(address, "GET", f"/users?{query}")
    assert (status, [user["tags"] for user in found]) == (200, [["q1", "q 2&"]])
    status, found = ask_json(address, "GET", "/users?tag=q1&limit=1")
    assert (status, len(found)) == (200, 1)


def test_path_body_and_header_fill_one_struct(address, ada):
    path = f"/users/{ada['id']}/name"
    status, user = ask_json(address, "PUT", path, {"name": "Grace"}, x_who="me")
    assert (status, user["name"]) == (200, "Grace")
    assert problem(address, "PUT", path, {"name": "Grace"})[:2] == (403, "permission_denied")


def test_an_answer_of_nothing_is_204(address, ada):
    assert ask(address, "DELETE", f"/users/{ada['id']}") == (204, None, b"")
    assert problem(address, "DELETE", f"/users/{ada['id']}")[:2] == (404, "not_found")


@pytest.mark.parametrize("method, path, body, says", [
    ("GET", "/users/abc", None, ["id", '"abc"', "whole number"]),
    ("GET", "/users/0", None, ["id", "0", "1"]),
    ("GET", "/users/99999999999999999999", None, ["id", "9223372036854775807"]),
    ("GET", "/users?limit=1000", None, ["limit", "1000", "100"]),
    ("GET", "/users?limit=1&limit=2", None, ["limit", "2 times"]),
    ("GET", "/users?level=top", None, ["level", '"top"', "high"]),
    ("GET", "/users?color=red", None, ["color"]),
    ("GET", "/users?tag=%zz", None, ["%zz"]),
    ("POST", "/users", {"age": 3}, ["name"]),
    ("POST", "/users", {"name": "x", "age": "old"}, ["age", '"old"']),
    ("POST", "/users", {"name": "x", "age": 151}, ["age", "151", "150"]),
    ("POST", "/users", {"name": "x", "colour": 1}, ["colour"]),
    ("POST", "/users", {"name": "x", "tags": ["a", 1]}, ["tags", "1"]),
    ("POST", "/users", '{"name": "x", "name": "y"}', ["name"]),
    ("POST", "/users", '{"name": ', ["request:1"]),
    ("POST", "/users", "", ["request"]),
    ("POST", "/users", "[]", ["request"]),
    ("POST", "/users", '{"a":' * 1000, ["request"]),
    ("PUT", "/users/1/name", {"name": "x", "id": 2}, ["id"]),
    ("PUT", "/users/1/name", '{"name":"x"} }', ["request"]),
])
def test_what_is_wrong_is_400_with_the_field_and_the_value(address, method, path, body, says):
    status, code, detail = problem(address, method, path, body)
    assert (status, code) == (400, "invalid_argument")
    for part in says:
        assert part in detail


def test_a_body_that_says_it_is_no_json_is_refused(address):
    status, _, detail = problem(address, "POST", "/users", "name=x", content_type="application/x-www-form-urlencoded")
    assert status == 400 and "application/x-www-form-urlencoded" in detail


def test_a_body_over_the_limit_is_refused(address):
    status, code, _ = problem(address, "POST", "/users", " " * (5 << 20))
    assert (status, code) == (413, "resource_exhausted")


def test_a_form_with_files(address, tmp_path):
    (tmp_path / "a.bin").write_bytes(bytes(range(256)) + b"\r\n--")
    (tmp_path / "b.txt").write_bytes(b"")
    command = ["curl", "-sS", "--max-time", "20", "-F", "caption=a sea, 中", "-F", f"pictures=@{tmp_path}/a.bin", "-F",
               f"pictures=@{tmp_path}/b.txt;type=text/x-empty", f"http://{address}/users/7/portrait"]
    done = subprocess.run(command, capture_output=True, check=True, timeout=60)
    assert json.loads(done.stdout) == "7: a sea, 中, a.bin (application/octet-stream, 260 bytes), b.txt (text/x-empty, 0 bytes)"


def form(*parts):
    return "".join(f"--x\r\n{part}\r\n" for part in parts) + "--x--\r\n"


PART = 'content-disposition: form-data; name="{}"\r\n\r\nvalue'


@pytest.mark.parametrize("body, says", [
    ("nothing", "boundary"),
    (form(PART.format("color")), "color"),
    (form(PART.format("caption"), PART.format("caption")), "caption"),
    (form(PART.format("pictures")), "pictures"),
    (form(PART.format("caption")), "pictures"),
    (form("content-type: text/plain\r\n\r\nvalue"), "name"),
    (form("no head"), "part 1"),
    ("--x\r\n" + PART.format("caption"), "no end"),
    ("--xy\r\n", "part 1"),
    (form(*[PART.format("pictures")] * 1001), "1000"),
])
def test_a_form_that_is_none_is_400_with_what_is_wrong(address, body, says):
    status, _, detail = problem(address, "POST", "/users/7/portrait", body, content_type="multipart/form-data; boundary=x")
    assert status == 400 and says in detail


def test_events_come_one_by_one_and_end(address):
    status, content_type, body = ask(address, "GET", "/countdown?from=3")
    assert (status, content_type) == (200, "text/event-stream")
    assert body.decode() == "".join(f"event: tick\ndata: {i}\n\n" for i in (3, 2, 1))
    assert problem(address, "GET", "/countdown?from=-1")[0] == 400


def test_the_routes_describe_themselves(address):
    _, document = ask_json(address, "GET", "/openapi.json")
    assert document["openapi"] == "3.1.0" and document["info"] == {"title": "Users", "version": "1"}
    assert set(document["paths"]) == {"/users", "/users/{id}", "/users/{id}/name", "/users/{id}/portrait", "/countdown"}
    rename = document["paths"]["/users/{id}/name"]["put"]
    assert [(p["name"], p["in"], p.get("required", False)) for p in rename["parameters"]] == [("id", "path", True), ("x-who", "header", False)]
    body = rename["requestBody"]["content"]["application/json"]["schema"]
    assert body["required"] == ["name"] and set(body["properties"]) == {"name"}
    user = document["components"]["schemas"]["com.acme.User"]
    assert user["properties"]["level"]["enum"] == ["low", "middle", "high"]
    assert (user["properties"]["age"]["minimum"], user["properties"]["age"]["maximum"]) == (0, 150)
    assert document["paths"]["/users"]["post"]["responses"]["201"]["content"]["application/json"]["schema"]["$ref"] in references(document)


def check_openapi(document):
    """By a tool that no one here wrote: the schema of OpenAPI 3.1, and what it asks for beyond it (names of paths, references)."""
    faults = [f"{list(fault.absolute_path)}: {fault.message}" for fault in OpenAPIV31SpecValidator(document).iter_errors()]
    assert not faults, "\n".join(faults)


def test_the_description_is_openapi(address, orders):
    for server in (address, orders):
        check_openapi(ask_json(server, "GET", "/openapi.json")[1])


def test_the_check_of_openapi_finds_a_fault(address):
    _, document = ask_json(address, "GET", "/openapi.json")
    del document["info"]["title"]
    with pytest.raises(AssertionError):
        check_openapi(document)


def references(document):
    return {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}


def test_a_page_tries_the_routes(address):
    status, content_type, page = ask(address, "GET", "/docs")
    assert status == 200 and content_type.startswith("text/html") and b"/openapi.json" in page


def test_a_server_stops_when_a_reader_of_events_has_gone():
    server = programs.Server([programs.binaries() / "rest-users", "--port", "0"], protocol="http1")
    connection = http.client.HTTPConnection(server.address, timeout=SECONDS)
    connection.request("GET", "/countdown?from=1000")
    assert connection.getresponse().read(12) == b"event: tick\n"
    connection.close()
    assert server.stop(seconds=30) < 30 and server.process.returncode == 0, f"{server}"


def test_an_access_log_has_a_line_for_each_request():
    with programs.Server([programs.binaries() / "rest-users", "--port", "0", "--access-log"], protocol="http1") as server:
        assert problem(server.address, "GET", "/users/7")[0] == 404
        server.wait_for_line(r"access.*method=GET.*target=/users/7.*route=/users/\{id\}.*status=404", SECONDS)


@pytest.fixture(scope="module")
def orders():
    server = programs.Server([programs.binaries() / "rest-orders", "--port", "0"], protocol="http1")
    yield server.address
    server.stop()
    assert server.process.returncode == 0, f"{server}"


def test_one_declaration_serves_rest_and_json(orders):
    status, order = ask_json(orders, "POST", "/orders", {"item": "tea", "count": 2})
    assert (status, order) == (201, {"id": 1, "item": "tea", "count": 2})
    assert ask_json(orders, "GET", "/orders/1") == (200, order)
    assert ask_json(orders, "GET", "/orders?item=coffee") == (200, [])
    assert ask_json(orders, "POST", "/com.acme.Orders:1.0/find", [1], content_type="application/json") == (200, order)
    assert problem(orders, "GET", "/orders/7")[:2] == (404, "not_found")
    status, code, detail = problem(orders, "POST", "/orders", {"item": "tea", "count": 0})
    assert (status, code) == (400, "invalid_argument") and "count" in detail


def test_the_calls_that_the_example_shows_are_answered():
    shown = re.findall(r"^//   (curl .*?)(?: +# .*)?$", (programs.ROOT / "examples/rest/orders.cpp").read_text(), re.M)
    assert len(shown) == 3
    with programs.Server([programs.binaries() / "rest-orders", "--port", "0"], protocol="http1") as server:
        for line in shown:
            command = shlex.split(line.replace("127.0.0.1:12200", server.address))
            done = subprocess.run([*command, "-sS", "--fail", "--max-time", "20"], capture_output=True, text=True, timeout=SECONDS, check=False)
            assert done.returncode == 0, f"{line}: {done}"
            assert json.loads(done.stdout) == {"id": 1, "item": "tea", "count": 2}, line


def test_bound_routes_describe_themselves(orders):
    _, described = ask_json(orders, "GET", "/openapi.json")
    find = described["paths"]["/orders/{id}"]["get"]
    assert find["summary"] == "One order."
    assert [(parameter["name"], parameter["in"]) for parameter in find["parameters"]] == [("id", "path")]
