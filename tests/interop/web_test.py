"""curl and plain requests against the methods of a .proto: JSON, Connect and gRPC-Web, over HTTP/1.1 and HTTP/2 (docs/protocols/connect.md)."""

import base64
import gzip
import http.client
import json
import socket
import struct
import subprocess
import urllib.parse

import pytest

import conftest
import programs

pytestmark = pytest.mark.skipif(conftest.server_kind() == "java", reason="proves the C++ server")

SERVICE = "/sofa.interop.pb.Interop/"
ORIGIN = "https://app.example"
SECONDS = 20
TRAILERS, END_STREAM = 0x80, 2


@pytest.fixture(scope="module")
def address():
    server = programs.Server([programs.binaries() / "interop-server", "--port", 0, "--cors", ORIGIN], protocol="http1")
    yield server.address
    server.stop()
    assert server.process.returncode == 0, f"{server}"


def post(address, method, content_type, body, **headers):
    """Status, fields and body of the answer."""
    connection = http.client.HTTPConnection(address, timeout=SECONDS)
    try:
        fields = {"content-type": content_type, **{name.replace("_", "-"): value for name, value in headers.items()}}
        connection.request("POST", SERVICE + method, body, fields)
        answer = connection.getresponse()
        return answer.status, dict((name.lower(), value) for name, value in answer.getheaders()), answer.read()
    finally:
        connection.close()


def post_json(address, method, value, **headers):
    status, fields, body = post(address, method, "application/json", json.dumps(value), **headers)
    assert fields["content-type"] == "application/json"
    return status, json.loads(body)


def framed(message, flags=0):
    return struct.pack(">BI", flags, len(message)) + message


def frames(body):
    """The flags and the content of each frame."""
    found = []
    while body:
        flags, size = struct.unpack(">BI", body[:5])
        assert len(body) >= 5 + size, "the body ends inside a frame"
        found.append((flags, body[5:5 + size]))
        body = body[5 + size:]
    return found


def text_message(text):
    """EchoRequest{text}, and EchoResponse{text} with index 0: field 1."""
    assert len(text) < 128
    return b"\x0a" + bytes([len(text)]) + text


@pytest.mark.parametrize("version", ["--http1.1", "--http2-prior-knowledge", "--http2"])
def test_curl_calls_a_method_with_json(address, version):
    command = ["curl", "-sS", version, "--max-time", str(SECONDS), "-H", "content-type: application/json", "-w", "\n%{http_code}", "-d",
               '{"text": "中", "blob": "AAEC", "attrs": {"k": "v"}}', f"http://{address}{SERVICE}Echo"]
    done = subprocess.run(command, capture_output=True, check=True, timeout=60)
    body, status = done.stdout.decode().rsplit("\n", 1)
    assert (status, json.loads(body)) == ("200", {"text": "中", "blob": "AAEC", "attrs": {"k": "v"}})


@pytest.mark.parametrize("body, says", [
    ('{"times": "many"}', "times"),
    ('{"nothing": 1}', "nothing"),
    ('{"text": ', "sofa.interop.pb.EchoRequest"),
    ("", "sofa.interop.pb.EchoRequest"),
    ("[" * 100_000, "sofa.interop.pb.EchoRequest"),
])
def test_json_that_is_no_message_is_400_and_names_what_is_wrong(address, body, says):
    status, _, answer = post(address, "Echo", "application/json", body)
    error = json.loads(answer)
    assert (status, error["code"]) == (400, "invalid_argument")
    assert says in error["message"]


def test_errors_are_json_with_the_status_of_their_code(address):
    status, error = post_json(address, "Echo", {"fail": 'a "quoted" 中'}, connect_protocol_version="1")
    assert status == 500 and error["code"] == "unknown"
    assert 'boom a "quoted" 中' in error["message"]


def test_the_timeout_of_connect_ends_a_call(address):
    status, error = post_json(address, "Echo", {"sleepMs": 60_000}, connect_timeout_ms="50")
    assert (status, error["code"]) == (504, "deadline_exceeded")


@pytest.mark.parametrize("name, value, status, code", [
    ("connect-timeout-ms", "soon", 400, "invalid_argument"),
    ("connect-timeout-ms", "12345678901", 400, "invalid_argument"),
    ("connect-protocol-version", "2", 400, "invalid_argument"),
    ("content-encoding", "snappy", 501, "unimplemented"),
])
def test_a_head_that_cannot_be_served_is_named(address, name, value, status, code):
    answered, error = post_json(address, "Echo", {}, **{name: value})
    assert (answered, error["code"]) == (status, code)
    assert name in error["message"] and value in error["message"]


GET = "?connect=v1&encoding=json&message="


@pytest.mark.parametrize("version", ["--http1.1", "--http2-prior-knowledge"])
def test_curl_gets_a_method_without_side_effects(address, version):
    query = GET + urllib.parse.quote('{"text": "a&b 中"}')
    done = subprocess.run(["curl", "-sS", version, "--max-time", str(SECONDS), f"http://{address}{SERVICE}Echo{query}"],
                          capture_output=True, check=True, timeout=60)
    assert json.loads(done.stdout) == {"text": "a&b 中"}


def get(address, path):
    """Status, fields and body."""
    connection = http.client.HTTPConnection(address, timeout=SECONDS)
    try:
        connection.request("GET", SERVICE + path)
        answer = connection.getresponse()
        return answer.status, dict((name.lower(), value) for name, value in answer.getheaders()), answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize("coding", ["plain", "gzip"])
def test_a_get_may_have_its_message_in_base64_and_in_gzip(address, coding):
    message = gzip.compress(text_message(b"hello")) if coding == "gzip" else text_message(b"hello")
    query = f"?connect=v1&encoding=proto&base64=1&message={base64.urlsafe_b64encode(message).decode().rstrip('=')}"
    status, fields, body = get(address, "Echo" + query + ("&compression=gzip" if coding == "gzip" else ""))
    assert (status, fields["content-type"], body) == (200, "application/proto", text_message(b"hello"))


@pytest.mark.parametrize("query, status, says", [
    (GET.replace("v1", "v2") + "{}", 400, "connect=v1"),
    (GET.replace("json", "xml") + "{}", 400, "encoding=json"),
    (GET + "%7Bnot", 400, "sofa.interop.pb.EchoRequest"),
    (GET + "{}&compression=snappy", 501, "snappy"),
    (GET + "!!&base64=1", 400, "base64"),
    (GET + urllib.parse.quote('{"fail": "ed"}'), 500, "boom ed"),
])
def test_a_get_that_cannot_be_served_is_an_error_of_connect(address, query, status, says):
    answered, _, body = get(address, "Echo" + query)
    assert answered == status and says in json.loads(body)["message"]


def test_a_method_that_may_have_side_effects_is_not_called_by_get(address):
    assert get(address, "ServerStream" + GET + "{}")[0] in (404, 405)


@pytest.mark.parametrize("size, compressed", [(100, False), (100_000, True)])
def test_bodies_of_connect_may_be_in_gzip_both_ways(address, size, compressed):
    body = gzip.compress(json.dumps({"text": "x" * size}).encode())
    status, fields, answer = post(address, "Echo", "application/json", body, content_encoding="gzip", accept_encoding="gzip")
    assert (status, fields.get("content-encoding")) == (200, "gzip" if compressed else None)
    assert json.loads(gzip.decompress(answer) if compressed else answer) == {"text": "x" * size}


@pytest.mark.parametrize("body, status, code", [
    (b"no gzip at all", 500, "internal"),
    (gzip.compress(b" " * (64 << 20)), 429, "resource_exhausted"),
])
def test_a_body_that_is_no_gzip_or_too_big_is_refused(address, body, status, code):
    answered, _, error = post(address, "Echo", "application/json", body, content_encoding="gzip")
    assert (answered, json.loads(error)["code"]) == (status, code)


def test_streams_of_connect_may_be_in_gzip(address):
    request = gzip.compress(json.dumps({"text": "x" * 5000, "times": 2}).encode())
    status, fields, body = post(address, "ServerStream", "application/connect+json", framed(request, flags=1),
                                connect_content_encoding="gzip", connect_accept_encoding="gzip")
    assert (status, fields["connect-content-encoding"]) == (200, "gzip")
    *messages, (flags, _) = frames(body)
    assert [flag for flag, _ in messages] == [1, 1] and flags == END_STREAM
    assert [json.loads(gzip.decompress(message))["text"] for _, message in messages] == ["x" * 5000] * 2


def test_a_unary_call_in_protobuf(address):
    status, fields, body = post(address, "Echo", "application/proto", text_message(b"hello"))
    assert (status, fields["content-type"], body) == (200, "application/proto", text_message(b"hello"))


@pytest.mark.parametrize("method, content_type", [("Echo", "application/connect+json"), ("ServerStream", "application/proto"),
                                                  ("Echo", "application/x-www-form-urlencoded")])
def test_a_type_that_is_not_the_methods_is_415_with_those_that_are(address, method, content_type):
    status, fields, body = post(address, method, content_type, b"{}")
    assert status == 415
    assert "proto" in fields["accept-post"] and content_type in body.decode() and "--json" in body.decode()


def curl(*words):
    """The status that curl ends with, and what it prints."""
    done = subprocess.run(["curl", "-sSN", "--max-time", str(SECONDS), *words], capture_output=True, text=True, timeout=SECONDS + 10, check=False)
    return done.returncode, done.stdout


@pytest.mark.parametrize("version", ["--http1.1", "--http2-prior-knowledge"])
def test_curl_calls_a_stream_and_gets_an_answer_a_line(address, version):
    url = f"http://{address}{SERVICE}ServerStream"
    code, lines = curl(version, "--json", '{"text": "x", "times": 3}', url)
    assert code == 0
    assert [json.loads(line) for line in lines.splitlines()] == [{"text": "x"}, {"text": "x", "index": 1}, {"text": "x", "index": 2}]
    code, events = curl(version, "--json", '{"text": "x", "times": 2}', "-H", "accept: text/event-stream", url)
    assert code == 0 and events == 'data: {"text":"x"}\n\ndata: {"text":"x","index":1}\n\n'


def test_the_error_of_a_stream_is_its_last_line(address):
    url = f"http://{address}{SERVICE}ServerStream"
    code, lines = curl("--json", '{"times": 2, "fail": "now"}', url)
    assert code == 0
    error = json.loads(lines.splitlines()[-1])["error"]
    assert error["code"] == "unknown" and error["message"]
    code, lines = curl("--fail-with-body", "--json", '{"times": []}', url)
    assert code == 22 and json.loads(lines)["error"]["code"] == "invalid_argument", "before the first answer it is the status, too"


def test_a_key_that_stands_twice_is_refused(address):
    status, _, body = post(address, "Echo", "application/json", b'{"text": "a", "text": "b"}')
    assert status == 400 and '"text" stands twice' in json.loads(body)["message"]


def test_a_stream_of_connect_in_json(address):
    status, fields, body = post(address, "ServerStream", "application/connect+json", framed(b'{"text": "x", "times": 3}'))
    assert (status, fields["content-type"]) == (200, "application/connect+json")
    *messages, (flags, end) = frames(body)
    assert [json.loads(message) for _, message in messages] == [{"text": "x"}, {"text": "x", "index": 1}, {"text": "x", "index": 2}]
    assert (flags, json.loads(end)) == (END_STREAM, {})


def test_a_stream_of_connect_in_protobuf_takes_many_messages(address):
    body = b"".join(framed(text_message(text)) for text in (b"a", b"b", b"c"))
    status, _, answer = post(address, "ClientStream", "application/connect+proto", body)
    assert status == 200
    assert frames(answer) == [(0, text_message(b"abc") + b"\x10\x03"), (END_STREAM, b"{}")]


@pytest.mark.parametrize("body, code", [
    (framed(b'{"times": 2, "fail": "now"}'), "unknown"),
    (framed(b'{"times": []}'), "invalid_argument"),
    (framed(b"{}")[:-1], "invalid_argument"),
    (framed(b"{}", flags=1), "internal"),
    (b"", "internal"),
])
def test_a_stream_of_connect_ends_with_its_error(address, body, code):
    status, _, answer = post(address, "ServerStream", "application/connect+json", body)
    assert status == 200
    flags, end = frames(answer)[-1]
    error = json.loads(end)["error"]
    assert (flags, error["code"]) == (END_STREAM, code) and error["message"]


@pytest.mark.parametrize("content_type", ["application/grpc-web", "application/grpc-web+proto", "application/grpc-web-text",
                                          "application/grpc-web-text+proto"])
def test_grpc_web_has_its_trailers_in_the_body(address, content_type):
    text = "text" in content_type
    sent = framed(text_message(b"hello"))
    status, fields, body = post(address, "Echo", content_type, base64.b64encode(sent) if text else sent)
    assert (status, fields["content-type"]) == (200, content_type)
    # Each piece of the text is padded alone.
    body = b"".join(base64.b64decode(part + b"=" * (-len(part) % 4)) for part in split_padded(body)) if text else body
    (flags, message), (last, trailers) = frames(body)
    assert (flags, message) == (0, text_message(b"hello"))
    assert last == TRAILERS and b"grpc-status: 0\r\n" in trailers


def split_padded(text):
    """The parts of base64 that end with padding, and the rest."""
    parts = []
    while b"=" in text:
        at = text.index(b"=")
        end = (at // 4 + 1) * 4
        parts.append(text[:end])
        text = text[end:]
    return parts + [text]


def test_grpc_web_tells_errors_in_the_body(address):
    status, _, body = post(address, "Missing", "application/grpc-web", framed(b""))
    (flags, trailers), = frames(body)
    assert (status, flags) == (200, TRAILERS)
    assert b"grpc-status: 12\r\n" in trailers and b"Missing" in trailers


def test_grpc_web_text_that_is_no_base64_is_refused(address):
    _, _, body = post(address, "Echo", "application/grpc-web-text", b"!!!!")
    (flags, trailers), = frames(base64.b64decode(body))
    assert flags == TRAILERS and b"grpc-status: 3\r\n" in trailers


def test_a_big_message_is_refused_at_its_limit(address):
    connection = http.client.HTTPConnection(address, timeout=60)
    connection.putrequest("POST", SERVICE + "Echo")
    connection.putheader("content-type", "application/json")
    connection.putheader("content-length", str(64 << 20))
    connection.endheaders()
    try:
        for _ in range(64):
            connection.send(b" " * (1 << 20))
    except OSError:
        pass  # it is answered before it is whole
    answer = connection.getresponse()
    assert (answer.status, json.loads(answer.read())["code"]) == (429, "resource_exhausted")
    connection.close()


@pytest.mark.parametrize("origin, allowed", [(ORIGIN, ORIGIN), ("https://other.example", None)])
def test_a_page_of_an_allowed_origin_may_call(address, origin, allowed):
    connection = http.client.HTTPConnection(address, timeout=SECONDS)
    connection.request("OPTIONS", SERVICE + "Echo", headers={
        "origin": origin, "access-control-request-method": "POST", "access-control-request-headers": "content-type,connect-protocol-version"})
    assert connection.getresponse().getheader("access-control-allow-origin") == allowed
    connection.close()
    _, fields, _ = post(address, "Echo", "application/json", "{}", origin=origin)
    assert fields.get("access-control-allow-origin") == allowed


def asleep(content_type):
    """A message that lets the method sleep, and a big one, as the content type has them."""
    if content_type == "application/connect+json":
        return framed(b'{"sleepMs": 60000}'), framed(b'{"text": "' + b"x" * 60_000 + b'"}')
    plain = framed(b"\x28\xe0\xd4\x03"), framed(b"\x0a\xe0\xd4\x03" + b"x" * 60_000)
    return tuple(map(base64.b64encode, plain)) if "text" in content_type else plain


@pytest.mark.parametrize("content_type", ["application/connect+json", "application/grpc-web+proto", "application/grpc-web-text"])
def test_a_caller_waits_for_a_method_that_does_not_read(address, content_type):
    first, big = asleep(content_type)
    chunk = b"%x\r\n%s\r\n"
    with socket.create_connection(address.split(":"), timeout=SECONDS) as connection:
        connection.sendall(f"POST {SERVICE}ClientStream HTTP/1.1\r\nhost: localhost\r\ncontent-type: {content_type}\r\n"
                           "transfer-encoding: chunked\r\n\r\n".encode() + chunk % (len(first), first))
        connection.settimeout(1)
        sent, most = 0, 64 << 20  # more than all buffers on the way hold
        with pytest.raises(TimeoutError):
            while sent < most:
                connection.sendall(chunk % (len(big), big))
                sent += len(big)


def test_the_same_port_still_answers_plain_pages(address):
    connection = http.client.HTTPConnection(address, timeout=SECONDS)
    connection.request("GET", "/")
    assert connection.getresponse().status == 200
    connection.close()
