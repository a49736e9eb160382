"""HTTP/1.1 as bytes on plain sockets: framing, order, limits, and what two readers could understand differently. And curl, which no one here wrote."""

import gzip
import re
import shutil
import socket
import subprocess
import time

import pytest

from http1 import Http1Server, Peer


@pytest.fixture(scope="module")
def server(certificates):
    made = Http1Server(*certificates.server_flags())
    yield made
    assert made.process.poll() is None, f"the server ended by itself: {made}"
    assert made.stop() < 5, f"the server took long to stop: {made}"
    assert made.process.returncode == 0, f"exit code {made.process.returncode}: {made}"


@pytest.fixture
def peer(server):
    with Peer(server) as made:
        yield made


@pytest.fixture(params=["cleartext", "tls"])
def tls(request, certificates):
    """How a connection is encrypted: None for not at all."""
    return certificates.context() if request.param == "tls" else None


@pytest.fixture
def either_peer(server, tls):
    with Peer(server, tls=tls) as made:
        yield made


def get(path, *headers, version="1.1", method="GET"):
    lines = [f"{method} {path} HTTP/{version}", "Host: test", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def post(path, body, *headers):
    return get(path, f"Content-Length: {len(body)}", *headers, method="POST") + body


# ---------------------------------------------------------------- what is refused

HOST = "Host: test\r\n"
SMUGGLING = {
    "length and coding": "POST /count HTTP/1.1\r\n" + HOST + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "coding and length": "POST /count HTTP/1.1\r\n" + HOST + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
    "two lengths": "POST /count HTTP/1.1\r\n" + HOST + "Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
    "two equal lengths": "POST /count HTTP/1.1\r\n" + HOST + "Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd",
    "a list of lengths": "POST /count HTTP/1.1\r\n" + HOST + "Content-Length: 4, 4\r\n\r\nabcd",
    "a length with a sign": "POST /count HTTP/1.1\r\n" + HOST + "Content-Length: +4\r\n\r\nabcd",
    "a negative length": "POST /count HTTP/1.1\r\n" + HOST + "Content-Length: -1\r\n\r\n",
    "a hexadecimal length": "POST /count HTTP/1.1\r\n" + HOST + "Content-Length: 0x4\r\n\r\nabcd",
    "a length over 64 bits": "POST /count HTTP/1.1\r\n" + HOST + "Content-Length: 18446744073709551616\r\n\r\n",
    "an empty length": "POST /count HTTP/1.1\r\n" + HOST + "Content-Length:\r\n\r\n",
    "two codings": "POST /count HTTP/1.1\r\n" + HOST + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked twice": "POST /count HTTP/1.1\r\n" + HOST + "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "chunked is not last": "POST /count HTTP/1.1\r\n" + HOST + "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "xchunked": "POST /count HTTP/1.1\r\n" + HOST + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "identity": "POST /count HTTP/1.1\r\n" + HOST + "Transfer-Encoding: identity\r\n\r\n",
    "a quoted coding": "POST /count HTTP/1.1\r\n" + HOST + 'Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n',
    "a coding with a parameter": "POST /count HTTP/1.1\r\n" + HOST + "Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n",
    "a coding after a control character": "POST /count HTTP/1.1\r\n" + HOST + "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "an empty coding": "POST /count HTTP/1.1\r\n" + HOST + "Transfer-Encoding:\r\n\r\n0\r\n\r\n",
    "a coding in HTTP/1.0": "POST /count HTTP/1.0\r\n" + HOST + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "space before the colon": "POST /count HTTP/1.1\r\n" + HOST + "Content-Length : 4\r\n\r\nabcd",
    "tab before the colon": "POST /count HTTP/1.1\r\n" + HOST + "Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n",
    "space before a name": "POST /count HTTP/1.1\r\n" + HOST + " Content-Length: 4\r\n\r\nabcd",
    "a folded line": "GET /hello HTTP/1.1\r\n" + HOST + "X-A: 1\r\n 2\r\n\r\n",
    "a folded line with a tab": "GET /hello HTTP/1.1\r\n" + HOST + "Transfer-Encoding:\r\n\tchunked\r\n\r\n",
    "a first header that is folded": "GET /hello HTTP/1.1\r\n Host: test\r\n\r\n",
    "line feeds alone": "GET /hello HTTP/1.1\nHost: test\n\n",
    "one line feed alone": "GET /hello HTTP/1.1\r\n" + HOST + "X-A: 1\nTransfer-Encoding: chunked\r\n\r\n",
    "a carriage return alone": "GET /hello HTTP/1.1\r\n" + HOST + "X-A: 1\rX-B: 2\r\n\r\n",
    "a zero byte": "GET /hello HTTP/1.1\r\n" + HOST + "X-A: 1\x002\r\n\r\n",
    "a control character in a value": "GET /hello HTTP/1.1\r\n" + HOST + "X-A: 1\x012\r\n\r\n",
    "a name with a separator": "GET /hello HTTP/1.1\r\n" + HOST + "X(A: 1\r\n\r\n",
    "no name": "GET /hello HTTP/1.1\r\n" + HOST + ": 1\r\n\r\n",
    "no colon": "GET /hello HTTP/1.1\r\n" + HOST + "X-A\r\n\r\n",
    "no host": "GET /hello HTTP/1.1\r\n\r\n",
    "two hosts": "GET /hello HTTP/1.1\r\n" + HOST + "Host: test\r\n\r\n",
    "two hosts in HTTP/1.0": "GET /hello HTTP/1.0\r\n" + HOST + "Host: test\r\n\r\n",
    "a list of hosts": "GET /hello HTTP/1.1\r\nHost: test, other\r\n\r\n",
    "a host with a user": "GET /hello HTTP/1.1\r\nHost: a@b\r\n\r\n",
    "a host with a path": "GET /hello HTTP/1.1\r\nHost: test/x\r\n\r\n",
    "an absolute target of another host": "GET http://other/hello HTTP/1.1\r\n" + HOST + "\r\n",
    "an absolute target without a host header": "GET http://test/hello HTTP/1.1\r\n\r\n",
    "an absolute target of another scheme": "GET ftp://test/hello HTTP/1.1\r\n" + HOST + "\r\n",
    "a target that is no path": "GET hello HTTP/1.1\r\n" + HOST + "\r\n",
    "a star for GET": "GET * HTTP/1.1\r\n" + HOST + "\r\n",
    "a fragment": "GET /hello#x HTTP/1.1\r\n" + HOST + "\r\n",
    "two spaces before the target": "GET  /hello HTTP/1.1\r\n" + HOST + "\r\n",
    "two spaces before the version": "GET /hello  HTTP/1.1\r\n" + HOST + "\r\n",
    "a space in the target": "GET /hel lo HTTP/1.1\r\n" + HOST + "\r\n",
    "a space after the version": "GET /hello HTTP/1.1 \r\n" + HOST + "\r\n",
    "no version": "GET /hello\r\n" + HOST + "\r\n",
    "a version in lower case": "GET /hello http/1.1\r\n" + HOST + "\r\n",
    "a version with two digits": "GET /hello HTTP/1.10\r\n" + HOST + "\r\n",
}
CHUNKED = "POST /echo HTTP/1.1\r\n" + HOST + "Transfer-Encoding: chunked\r\n\r\n"
BAD_CHUNKS = {
    "no digit": "g\r\n",
    "an empty line": "\r\n",
    "a sign": "+4\r\nabcd\r\n0\r\n\r\n",
    "a prefix": "0x4\r\nabcd\r\n0\r\n\r\n",
    "a space before": " 4\r\nabcd\r\n0\r\n\r\n",
    "words after": "4 abcd\r\nabcd\r\n0\r\n\r\n",
    "over 64 bits": "10000000000000004\r\nabcd\r\n0\r\n\r\n",
    "a line feed alone": "4\nabcd\r\n0\r\n\r\n",
    "a carriage return alone": "4\rabcd\r\n0\r\n\r\n",
    "longer than it says": "3\r\nabcd\r\n0\r\n\r\n",
    "no line end after it": "4\r\nabcd0\r\n\r\n",
    "a line feed in an extension": '4;a="\n"\r\nabcd\r\n0\r\n\r\n',
    "an endless extension": "4;" + "a" * 5000,
    "a folded trailer": "0\r\nX-A: 1\r\n 2\r\n\r\n",
    "a length as a trailer": "0\r\nContent-Length: 4\r\n\r\n",
    "a coding as a trailer": "0\r\nTransfer-Encoding: chunked\r\n\r\n",
    "a trailer with a space before the colon": "0\r\nX-A : 1\r\n\r\n",
}


def check_refused(peer, request, statuses=(400,)):
    peer.send(request)
    status, headers, body = peer.response()
    assert status in statuses, (status, body)
    assert headers["connection"] == "close"
    assert body.endswith(b"\n") and len(body) > 10, "the sentence that says why"
    assert peer.is_closed()


@pytest.mark.parametrize("name", SMUGGLING)
def test_what_two_readers_could_understand_differently_is_refused_with_400_and_the_connection_closes(either_peer, name):
    check_refused(either_peer, SMUGGLING[name].encode("latin-1") + get("/hello"))


@pytest.mark.parametrize("name", SMUGGLING)
def test_it_is_refused_behind_another_request_and_byte_by_byte_too(either_peer, name):
    peer = either_peer
    peer.send(get("/hello"))
    assert peer.response()[0] == 200
    for byte in SMUGGLING[name].encode("latin-1"):
        try:
            peer.send(bytes([byte]))
        except (BrokenPipeError, ConnectionResetError):
            break
    status, _, _ = peer.response()
    assert status == 400


@pytest.mark.parametrize("name", BAD_CHUNKS)
def test_bad_chunks_end_the_connection(server, tls, name):
    with Peer(server, tls=tls) as peer:
        peer.send(CHUNKED.replace("/echo", "/count").encode() + BAD_CHUNKS[name].encode("latin-1"))
        seen = peer.rest()
        assert seen.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 200 ")), seen
    with Peer(server, tls=tls) as peer:  # the echo has begun its answer when the bad chunk comes: it is cut
        peer.send((CHUNKED + "3\r\nabc\r\n").encode())
        peer.read_until(b"3\r\nabc\r\n")
        peer.send(BAD_CHUNKS[name].encode("latin-1"))
        assert not peer.rest().endswith(b"0\r\n\r\n")


STATUSES = {
    "an unknown method on a connection in use": (b"BREW /pot HTTP/1.1\r\nHost: test\r\n\r\n", 501),
    "a method in lower case": (b"get /hello HTTP/1.1\r\nHost: test\r\n\r\n", 501),
    "CONNECT": (b"CONNECT test:80 HTTP/1.1\r\nHost: test:80\r\n\r\n", 501),
    "a coding that exists and is not spoken": (get("/count", "Transfer-Encoding: gzip, chunked", method="POST"), 501),
    "HTTP/2.0": (get("/hello", version="2.0"), 505),
    "HTTP/1.2": (get("/hello", version="1.2"), 505),
    "HTTP/0.9": (get("/hello", version="0.9"), 505),
    "a target over the limit": (get("/" + "a" * 20_000), 414),
    "a target over the limit without an end": (b"GET /" + b"a" * 20_000, 414),
    "a head over the limit": (get("/hello", "X-A: " + "a" * 70_000), 431),
    "a head over the limit without an end": (b"GET /hello HTTP/1.1\r\nX-A: " + b"a" * 70_000, 431),
    "too many fields": (get("/hello", *[f"X-{i}: 1" for i in range(300)]), 431),
    "an unknown expectation": (get("/count", "Expect: tea", "Content-Length: 3", method="POST"), 417),
}


@pytest.mark.parametrize("name", STATUSES)
def test_limits_and_unknown_words_have_their_status(either_peer, name):
    peer = either_peer
    request, status = STATUSES[name]
    peer.send(get("/hello"))
    assert peer.response()[0] == 200
    check_refused(peer, request, (status,))


@pytest.mark.parametrize("first", [b"BREW /pot HTTP/1.1\r\n", b"GETS / HTTP/1.1\r\n", b"get /", b"\x16\x02\x01", b"\r\nGET"])
def test_a_connection_that_begins_with_no_known_word_is_closed_at_once(peer, first):
    start = time.monotonic()
    peer.send(first)
    assert peer.is_closed()
    assert time.monotonic() - start < 2


def test_a_body_over_the_limit_gets_413():
    server = Http1Server("--max-body", "100")
    with Peer(server) as peer:
        check_refused(peer, post("/count", b"x" * 101), (413,))
    with Peer(server) as peer:
        peer.send(get("/echo", "Transfer-Encoding: chunked", method="POST") + b"65\r\n" + b"x" * 101)
        assert not peer.rest().endswith(b"0\r\n\r\n"), "the answer had begun: it is cut"
    with Peer(server) as peer:
        peer.send(post("/count", b"x" * 100))
        assert peer.response()[0] == 200
    server.stop()


def test_a_slow_head_gets_408_a_stalled_body_too_and_an_idle_connection_is_closed():
    server = Http1Server("--head-timeout-ms", "400", "--body-stall-ms", "400", "--idle-ms", "400")
    with Peer(server) as peer:
        start = time.monotonic()
        peer.send(b"GET /hello HTTP/1.1\r\n")
        try:
            while time.monotonic() - start < 5:  # a drip of bytes does not extend the time
                peer.send(b"x")
                time.sleep(0.05)
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert 0.3 < time.monotonic() - start < 4
    with Peer(server) as peer:
        check_refused(peer, b"GET /hello HT", (408,))
    with Peer(server) as peer:
        peer.send(get("/echo", "Content-Length: 10", method="POST") + b"12345")
        seen = peer.rest()
        assert seen.startswith(b"HTTP/1.1 200") and seen.endswith(b"\r\n\r\n12345"), seen
    with Peer(server) as peer:
        peer.send(get("/hello"))
        assert peer.response()[0] == 200
        start = time.monotonic()
        assert peer.is_closed()
        assert 0.2 < time.monotonic() - start < 4
    server.stop()


# ---------------------------------------------------------------- what is answered

def test_a_connection_serves_many_requests_and_bodies_in_between(peer):
    for i in range(20):
        peer.send(post("/echo", b"body %d" % i))
        assert peer.response()[::2] == (200, b"body %d" % i)
        peer.send(get(f"/users/{i}"))
        assert peer.response()[::2] == (200, b"%d\n" % i)


def test_requests_may_come_byte_by_byte(peer):
    for byte in get("/hello") + post("/echo", b"abc") + CHUNKED.encode() + b"3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nX-T: 1\r\n\r\n":
        peer.send(bytes([byte]))
    assert peer.response()[2] == b"hello\n"
    assert peer.response()[2] == b"abc"
    status, headers, body = peer.response()
    assert (status, body, headers["trailer x-t"]) == (200, b"abcde", "1")


def test_pipelined_answers_come_in_the_order_of_their_requests(peer):
    peer.send(get("/slow/300") + get("/slow/1") + get("/users/7") + post("/echo", b"x" * 10) + get("/hello"))
    assert [peer.response()[2] for _ in range(5)] == [b"300\n", b"1\n", b"7\n", b"x" * 10, b"hello\n"]


def test_pipelined_safe_requests_run_beside_each_other_and_unsafe_ones_do_not(peer):
    start = time.monotonic()
    peer.send(get("/slow/400") * 5)
    for _ in range(5):
        peer.response()
    assert time.monotonic() - start < 1.5
    start = time.monotonic()
    peer.send(get("/slow/200") + post("/count", b"") + get("/slow/200"))
    for _ in range(3):
        peer.response()
    assert time.monotonic() - start > 0.39


def test_a_thousand_pipelined_requests_are_answered(peer):
    peer.send(b"".join(get(f"/users/{i}") for i in range(1000)))
    assert [peer.response()[2] for _ in range(1000)] == [b"%d\n" % i for i in range(1000)]


def test_a_pipelining_peer_that_does_not_read_is_read_no_further(server):
    with Peer(server, seconds=3) as peer:
        sent = 0
        request = get("/big/1000000") * 10
        with pytest.raises(TimeoutError):
            while sent < 200 << 20:
                peer.send(request)
                sent += len(request)
    assert server.rss_mib() < 300


@pytest.mark.parametrize("version,headers,connection,stays", [
    ("1.1", [], None, True),
    ("1.1", ["Connection: close"], "close", False),
    ("1.0", [], "close", False),
    ("1.0", ["Connection: keep-alive"], "keep-alive", True),
])
def test_the_connection_stays_or_closes_as_the_request_says(peer, version, headers, connection, stays):
    peer.send(get("/hello", *headers, version=version))
    status, answered, body = peer.response()
    assert (status, body, answered.get("connection")) == (200, b"hello\n", connection)
    if not stays:
        assert peer.is_closed()
        return
    peer.send(get("/hello"))
    assert peer.response()[0] == 200


def test_http_1_0_gets_no_chunks(peer):
    peer.send(get("/stream/3", version="1.0"))
    status, headers, body = peer.response()
    assert (status, body) == (200, b"line 0\nline 1\nline 2\n")
    assert "transfer-encoding" not in headers


def test_http_1_0_needs_no_host(peer):
    peer.send(b"GET /hello HTTP/1.0\r\n\r\n")
    assert peer.response()[0] == 200


def test_chunked_answers_carry_trailers(peer):
    peer.send(get("/stream/3"))
    status, headers, body = peer.response()
    assert (status, body, headers["trailer x-lines"]) == (200, b"line 0\nline 1\nline 2\n", "3")


def test_head_is_answered_as_get_without_the_body(peer):
    for path, length in [("/hello", "6"), ("/big/1000", "1000"), ("/stream/3", None), ("/nothing", "25")]:
        peer.send(get(path, method="HEAD"))
        status, headers, _ = peer.response(head_only=True)
        assert (status, headers.get("content-length")) == (404 if path == "/nothing" else 200, length)


def test_the_body_is_asked_for_when_it_is_wanted(peer):
    peer.send(get("/small", "Content-Length: 5", "Expect: 100-continue", method="POST"))
    assert peer.response()[0] == 100
    peer.send(b"12345")
    assert peer.response()[::2] == (200, b"taken\n")


def test_the_body_is_not_asked_for_when_it_is_not_wanted(peer):
    peer.send(get("/small", "Content-Length: 50", "Expect: 100-continue", method="POST"))
    status, headers, _ = peer.response()
    assert (status, headers["connection"]) == (413, "close")
    assert peer.is_closed()


def test_an_unread_body_is_passed_over_when_it_is_short_and_ends_the_connection_when_it_is_long(server):
    with Peer(server) as peer:
        peer.send(post("/nothing", b"x" * 100_000) + get("/hello"))
        assert peer.response()[0] == 404
        assert peer.response()[2] == b"hello\n"
    with Peer(server) as peer:
        peer.send(get("/nothing", "Content-Length: 1000000000", method="POST") + b"x" * 100_000)
        assert peer.response()[0] == 404
        assert peer.is_closed()


def test_a_dropped_exchange_answers_500_and_the_connection_lives(peer):
    peer.send(get("/dropped") + get("/hello"))
    assert peer.response()[0] == 500
    assert peer.response()[0] == 200


def test_a_peer_that_closed_its_writing_side_gets_its_answers(peer):
    peer.send(get("/slow/200") + get("/hello"))
    peer.socket.shutdown(socket.SHUT_WR)
    assert [peer.response()[2] for _ in range(2)] == [b"200\n", b"hello\n"]
    assert peer.is_closed()


def test_an_absolute_target_of_the_same_host_is_taken(peer):
    peer.send(b"GET http://test/users/5 HTTP/1.1\r\nHost: test\r\n\r\n")
    assert peer.response()[::2] == (200, b"5\n")


def test_a_line_end_before_the_second_request_is_skipped(peer):
    peer.send(get("/hello") + b"\r\n" + get("/hello"))
    assert [peer.response()[0] for _ in range(2)] == [200, 200]


def test_the_last_request_of_a_connection_is_told():
    server = Http1Server("--max-requests", "3")
    with Peer(server) as peer:
        peer.send(get("/hello") * 5)
        assert [peer.response()[1].get("connection") for _ in range(3)] == [None, None, "close"]
        assert peer.is_closed()
    server.stop()


def test_sigterm_answers_what_runs_and_closes_what_idles():
    server = Http1Server()
    with Peer(server) as idle, Peer(server) as busy:
        idle.send(get("/hello"))
        idle.response()
        busy.send(get("/hello") + get("/slow/500"))
        busy.response()  # the other one, read together with it, has begun
        server.process.terminate()
        assert idle.is_closed()
        assert busy.response()[::2] == (200, b"500\n")
        assert busy.is_closed()
    assert server.stop() < 3


def test_requests_that_meet_sigterm_are_answered_until_one_is_told_to_close():
    server = Http1Server()
    with Peer(server) as peer:
        peer.send(get("/hello"))
        peer.response()
        server.process.terminate()
        fields = {}
        while fields.get("connection") != "close":
            peer.send(get("/hello"))
            status, fields, _ = peer.response()
            assert status == 200
        assert peer.is_closed()
    assert server.stop() < 3


def test_compressed_requests_are_decompressed_and_unknown_codings_refused(peer):
    text = b"hello " * 10_000
    packed = gzip.compress(text)
    chunk = b"%x\r\n%s\r\n0\r\n\r\n" % (len(packed), packed)
    peer.send(get("/echo", "Content-Encoding: gzip", "Transfer-Encoding: chunked", method="POST") + chunk)
    assert peer.response()[::2] == (200, text)
    peer.send(post("/count", b"x", "Content-Encoding: compress"))
    status, headers, _ = peer.response()
    assert (status, headers["accept-encoding"]) == (415, "br, zstd, gzip, identity")


# ---------------------------------------------------------------- the router

ROUTES = {
    "/users/7": (200, "7"),
    "/users/a%20b%2Fc": (200, "a b/c"),
    "/users/%e4%bd%a0": (200, "\u4f60"),
    "/users/": (404, None),
    "/users": (404, None),
    "/users/7/": (404, None),
    "//users/7": (404, None),
    "/USERS/7": (404, None),
    "/%75sers/7": (200, "7"),
    "/users/%": (400, None),
    "/users/%4": (400, None),
    "/users/%zz": (400, None),
    "/users/%00": (400, None),
    "/users/..": (400, None),
    "/users/%2e%2E": (400, None),
    "/users/a+b": (200, "a+b"),
    "/users/7?x=%": (200, "7"),
    "/files/": (200, ""),
    "/files/a/b/c.txt": (200, "a/b/c.txt"),
    "/files/a%2fb": (400, None),
    "/files/../hello": (400, None),
    "/files/a//b": (200, "a//b"),
}


@pytest.mark.parametrize("path", ROUTES)
def test_paths_find_their_route(peer, path):
    peer.send(get(path))
    status, _, body = peer.response()
    expected_status, expected = ROUTES[path]
    assert status == expected_status
    if expected is not None:
        assert body.decode() == expected + "\n"


def test_a_known_path_with_another_method_gets_405_with_allow(peer):
    peer.send(get("/hello", method="DELETE"))
    status, headers, _ = peer.response()
    assert (status, headers["allow"]) == (405, "HEAD, GET, OPTIONS")
    peer.send(get("/hello", method="OPTIONS") + get("*", method="OPTIONS"))
    status, headers, _ = peer.response()
    assert (status, headers["allow"]) == (204, "HEAD, GET, OPTIONS")
    assert peer.response()[0] == 200


# ---------------------------------------------------------------- curl

needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="the Debian package curl is not installed")


def curl(*arguments, data=None):
    done = subprocess.run(["curl", "-sS", "-m", "20", *arguments], input=data, capture_output=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return done.stdout


@needs_curl
def test_curl_sends_and_gets_large_bodies_with_a_length_and_in_chunks(server):
    blob = bytes(range(256)) * 40_000
    for headers in ([], ["-H", "Transfer-Encoding: chunked"], ["-H", "Expect: 100-continue"], ["-H", "Expect:"]):
        assert curl("-T", "-", *headers, f"{server.url}/echo", data=blob) == blob


@needs_curl
def test_curl_uses_one_connection_for_many_requests(server):
    urls = [f"{server.url}/users/{i}" for i in range(20)]
    out = curl("-w", "%{num_connects}\n", *urls).decode().split("\n")
    assert out[1::2] == ["1"] + ["0"] * 19


@needs_curl
def test_curl_reads_compressed_answers(server):
    plain = curl(f"{server.url}/static/")
    assert plain == b"<p>" + b"a" * 100_000
    assert curl("--compressed", f"{server.url}/static/") == plain
    assert len(curl("-H", "Accept-Encoding: gzip", f"{server.url}/static/")) < 1000
    tag = re.search(rb'(?i)etag: (".*?")', curl("-I", f"{server.url}/static/"))[1].decode()
    assert curl("-o", "/dev/null", "-w", "%{http_code}", "-H", f"If-None-Match: {tag}", f"{server.url}/static/") == b"304"
    assert curl("-r", "1-2", f"{server.url}/static/") == b"p>"


@needs_curl
def test_curl_goes_on_with_http2_when_it_asks_for_it(server):
    urls = [f"{server.url}/users/{i}" for i in range(5)]
    out = curl("--http2", "-w", "%{http_version} %{num_connects}\n", *urls).decode().split("\n")
    assert out[0::2][:5] == [str(i) for i in range(5)]
    assert out[1::2] == ["2 1"] + ["2 0"] * 4
    blob = b"x" * 300_000
    assert curl("--http2", "-X", "POST", "-T", "-", f"{server.url}/echo", data=blob) == blob, "a request with a body stays"


@pytest.mark.parametrize("settings", ["", "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAA\r\nHTTP2-Settings: AAMAAABk\r\n", "HTTP2-Settings: !!\r\n", "HTTP2-Settings: AAM\r\n"])
def test_a_broken_upgrade_to_http2_is_answered_as_http1(peer, settings):
    peer.send(("GET /hello HTTP/1.1\r\nHost: test\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n" + settings + "\r\n").encode())
    assert peer.response()[::2] == (200, b"hello\n")


@needs_curl
def test_curl_understands_the_answers_of_both_versions(server):
    assert curl("--http1.0", f"{server.url}/stream/2") == b"line 0\nline 1\n"
    assert curl("--http1.1", f"{server.url}/stream/2") == b"line 0\nline 1\n"
    assert len(curl(f"{server.url}/big/50000000")) == 50_000_000
