"""REST of the contract on the one port and on its own, asked by SOFARPC's Java client and by curl (docs/protocols/http.md)."""

import json
import subprocess

import pytest

import conftest
import programs

pytestmark = pytest.mark.skipif(conftest.server_kind() == "java", reason="proves the C++ server")

JAVA_SECONDS = 120
JAVA_CHECKS_AT_LEAST = 10
SECONDS = 20


@pytest.fixture(scope="module")
def one_port():
    server = programs.Server([programs.binaries() / "interop-server", "--port", 0], protocol="http1")
    yield server
    server.stop()


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


def test_java_client(java, one_port):
    failed, passed = programs.run_checks(programs.java_command("HttpJavaClient", one_port.address), JAVA_SECONDS)
    assert not failed, "\n".join(failed)
    assert passed >= JAVA_CHECKS_AT_LEAST


def test_rest_on_its_own_port():
    server = programs.Server([programs.binaries() / "interop-server", "--rest", 0], protocol="http1")
    try:
        assert curl(f"http://{server.address}/interop/hello/bob?times=2")[::2] == (200, "hello bob,hello bob")
    finally:
        server.stop()


@pytest.mark.parametrize("version", ["--http1.1", "--http2", "--http2-prior-knowledge"])
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
    assert curl(version, f"{at}/missing")[0] == 404


def test_trace_headers_are_answered(one_port):
    trace = ["-H", "SOFA-TraceId: 0a0fe8ec1700000000001", "-H", "SOFA-RpcId: 0.1"]
    _, fields, _ = curl(*trace, f"http://{one_port.address}/interop/hello/bob")
    assert (fields["sofa-traceid"], fields["sofa-rpcid"]) == ("0a0fe8ec1700000000001", "0.1")
    _, fields, _ = curl(f"http://{one_port.address}/interop/hello/bob")
    assert "sofa-traceid" not in fields
