"""Peers that send more than anybody needs, or read nothing of what they ask for, on the one port: what is taken of them before the connection ends is
counted, the memory of the server stays bounded, and a connection beside them is answered all the time."""

import gzip
import http.client
import pathlib
import re
import socket
import ssl
import struct
import subprocess
import time

import pytest

import conftest
import programs
from http1 import Http1Server

pytestmark = pytest.mark.skipif(conftest.server_kind() == "java", reason="proves the C++ server")

DATA, HEADERS, PRIORITY, RESET, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 2, 3, 4, 6, 7, 8, 9
ACK, END_STREAM, END_HEADERS, PADDED = 1, 1, 4, 8
ENHANCE_YOUR_CALM = 11
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
GET = b"\x82\x86\x84\x41\x09localhost"  # GET http / localhost (RFC 7541, appendix A)
POST = b"\x83" + GET[1:]
FOREIGN = b"\x83\x86\x84\x41\x04test"  # refused at once: no name of this machine

GONE = (BrokenPipeError, ConnectionResetError, ssl.SSLEOFError, ssl.SSLZeroReturnError)  # what the end of the other side looks like

BURST = 1000  # Http2Options::flood_burst
USUAL_PER_SECOND = 100  # Http2Options::flood_per_second
MEMORY_MIB = 16


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def frames(data):
    """(type, flags, payload) of each frame that begins in the bytes."""
    while len(data) >= 9:
        end = 9 + int.from_bytes(data[:3], "big")
        yield data[3], data[4], data[9:end]
        data = data[end:]


def unread_bytes(server_port, client_port):
    """Bytes that have come to the server's socket and were not read by it yet."""
    for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
        words = line.split()
        local, remote = (int(words[i].split(":")[1], 16) for i in (1, 2))
        if (local, remote) == (server_port, client_port):
            return int(words[4].split(":")[1], 16)
    return 0


class Beside:
    """A connection that behaves, and is answered all the time."""

    def __init__(self, port, path="/"):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        self.path = path
        self.ask()

    def ask(self):
        self.connection.request("GET", self.path)
        answer = self.connection.getresponse()
        assert answer.status == 200 and answer.read()


class Attacker:
    """A connection that sends step by step, each when the server has read the one before: so what it takes is known."""

    def __init__(self, server, opening=b"", tls=None):
        self.server_port = server.port
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # nothing waits on this side
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_hostname="localhost")
        self.port = self.socket.getsockname()[1]
        self.seen = b""
        self.sent = 0
        self.ended = False
        if opening:
            self.send(opening)
        self.sent = 0

    def send(self, data):
        try:
            self.socket.sendall(data)
        except GONE:
            self.ended = True
        self.sent += len(data)
        deadline = time.monotonic() + 10
        while not self.ended and unread_bytes(self.server_port, self.port) > 0:
            assert time.monotonic() < deadline, "the server stopped reading"
            self.read()
        self.read()

    def drip(self):
        """One byte more, if anybody takes it."""
        try:
            self.socket.sendall(b"a")
        except GONE:
            self.ended = True
        self.read()

    def read(self):
        """What has come, without waiting."""
        self.socket.setblocking(False)
        try:
            while data := self.socket.recv(65536):
                self.seen += data
            self.ended = True
        except (BlockingIOError, ssl.SSLWantReadError):
            pass
        except GONE:
            self.ended = True
        self.socket.setblocking(True)
        self.socket.settimeout(10)

    def read_to_end(self):
        try:
            while data := self.socket.recv(65536):
                self.seen += data
        except GONE:
            pass

    def goaway(self):
        """(code, debug text) of the last GOAWAY."""
        found = None
        for kind, _, payload in frames(self.seen):
            if kind == GOAWAY:
                found = struct.unpack(">I", payload[4:8])[0], payload[8:].decode()
        return found


def bomb(step):
    """A table entry of 4,000 bytes, named 9,000 times by one byte each."""
    entry = b"\x40\x01x\x7f\xa1\x1e" + b"x" * 4000
    return frame(HEADERS, END_HEADERS | END_STREAM, 1 + 2 * step, GET + entry + b"\xbe" * 9000)


# What each sends first, in every step, the frames of a step, the reason that GOAWAY gives, and the most frames that may be taken.
FLOODS = {
    "rapid reset": (b"", lambda i: frame(HEADERS, END_HEADERS | END_STREAM, 1 + 2 * i, GET) + frame(RESET, 0, 1 + 2 * i, struct.pack(">I", 8)), 2,
                    "RST_STREAM", 2 * BURST),
    "resets that the server makes": (b"", lambda i: frame(HEADERS, END_HEADERS | END_STREAM, 1 + 2 * i, b"\x82\x86"), 1, "faults", BURST),
    "CONTINUATION": (frame(HEADERS, 0, 1, GET), lambda i: frame(CONTINUATION, 0, 1, b""), 1, "CONTINUATION", 16),
    "CONTINUATION with endless headers": (frame(HEADERS, 0, 1, GET), lambda i: frame(CONTINUATION, 0, 1, b"\x00\x01x\x7f\xa1\x1e" + b"x" * 4000), 1,
                                          "CONTINUATION", 16),
    "SETTINGS": (b"", lambda i: frame(SETTINGS, 0, 0), 1, "SETTINGS", BURST),
    "PING": (b"", lambda i: frame(PING, 0, 0, b"12345678"), 1, "PING", BURST),
    "PRIORITY": (b"", lambda i: frame(PRIORITY, 0, 1, b"\0\0\0\0\1"), 1, "PRIORITY", BURST),
    "empty DATA": (frame(HEADERS, END_HEADERS, 1, POST), lambda i: frame(DATA, 0, 1), 1, "empty DATA", BURST),
    "DATA of padding alone": (frame(HEADERS, END_HEADERS, 1, POST), lambda i: frame(DATA, PADDED, 1, b"\0"), 1, "empty DATA", BURST),
    "DATA of a stream that has ended": (frame(HEADERS, END_HEADERS, 1, FOREIGN), lambda i: frame(DATA, PADDED, 1, b"\0"), 1, "no open stream", BURST),
    "unknown frames": (b"", lambda i: frame(0xbb, 0, 0), 1, "unknown", BURST),
    "WINDOW_UPDATE": (frame(HEADERS, END_HEADERS, 1, POST), lambda i: frame(WINDOW_UPDATE, 0, 1, b"\0\0\0\1"), 1, "WINDOW_UPDATE", BURST),
    "an HPACK bomb": (b"", bomb, 1, "HPACK bomb", 1),
}
STEPS_AT_ONCE = 25
SENDS_AHEAD = 4  # of an attacker that has not seen GOAWAY yet
SENDS_AHEAD_OVER_TLS = 8


@pytest.fixture(scope="module")
def server():
    made = programs.Server([programs.binaries() / "interop-server", "--port", 0, "--flood-per-second", 1])
    yield made
    assert made.process.poll() is None, f"the server ended by itself: {made}"
    made.stop()


def flood(server, name, per_second, tls=None):
    """Lets an attacker go on until it is told to go away: after no more frames than the limit says and `per_second` more for each second."""
    first, step, frames_of_step, reason, most = FLOODS[name]
    ahead = SENDS_AHEAD if tls is None else SENDS_AHEAD_OVER_TLS
    at_once = 1 if most < 100 else max(STEPS_AT_ONCE, per_second)
    beside = Beside(server.port)
    before = server.rss_mib()
    attacker = Attacker(server, PREFACE + frame(SETTINGS, 0, 0) + first, tls)
    began = time.monotonic()
    steps = 0
    while not attacker.ended and attacker.goaway() is None:
        attacker.send(b"".join(step(steps + i) for i in range(at_once)))
        steps += at_once
        beside.ask()
        attacker.read()
        refilled = per_second * (time.monotonic() - began)
        assert steps * frames_of_step <= most + frames_of_step * (refilled + ahead * at_once), "more frames are taken than the limit says"
    attacker.read_to_end()
    code, text = attacker.goaway()
    assert code == ENHANCE_YOUR_CALM and reason in text, (code, text)
    assert server.rss_mib() - before < MEMORY_MIB
    beside.ask()


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_of_http2_ends_in_goaway_after_few_frames_and_costs_no_memory(server, name):
    for _ in range(3):
        flood(server, name, per_second=1)


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_over_tls_ends_so_too_with_the_usual_options(one_port, certificates, name):
    context = certificates.context()
    context.set_alpn_protocols(["h2"])
    flood(one_port, name, USUAL_PER_SECOND, context)


# ---------------------------------------------------------------- slow readers of HTTP/2


def grpc_request(stream, path, message):
    head = b"\x83\x86\x44" + bytes([len(path)]) + path + b"\x41\x09localhost" + b"\x5f\x10application/grpc" + b"\x40\x02te\x08trailers"
    body = b"\0" + struct.pack(">I", len(message)) + message
    data = b"".join(frame(DATA, 0, stream, body[i:i + 16384]) for i in range(0, len(body), 16384))
    return frame(HEADERS, END_HEADERS, stream, head) + data + frame(DATA, END_STREAM, stream)


@pytest.mark.parametrize("window", [0, 1, (1 << 31) - 1])
def test_a_peer_that_takes_no_answers_costs_bounded_memory(server, window):
    """It asks for 50 streams of 1,000 messages of 64 KiB each, 3 GiB, and opens no windows, little ones, or endless ones that it does not read."""
    field = b"\x0a" + b"\x80\x80\x04" + b"x" * 65536  # text, 64 KiB
    message = field + b"\x10\xe8\x07"  # times = 1000
    beside = Beside(server.port)
    before = server.rss_mib()
    deaf = socket.socket()
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    deaf.connect(("127.0.0.1", server.port))
    deaf.settimeout(10)
    settings = frame(SETTINGS, 0, 0, b"\0\4" + struct.pack(">I", window))
    wide = frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", (1 << 31) - 1 - 65535))
    deaf.sendall(PREFACE + settings + wide)
    head = deaf.recv(9, socket.MSG_WAITALL)
    assert head[3] == SETTINGS and deaf.recv(int.from_bytes(head[:3], "big"), socket.MSG_WAITALL)
    deaf.sendall(frame(SETTINGS, ACK, 0))  # which opens a stream's window to more than one message
    for stream in range(1, 100, 2):
        deaf.sendall(grpc_request(stream, b"/sofa.interop.pb.Interop/ServerStream", message))
        beside.ask()
        if window == 1:
            deaf.sendall(b"".join(frame(WINDOW_UPDATE, 0, stream, b"\0\0\0\1") for _ in range(10)))
    for _ in range(20):
        beside.ask()
        assert server.rss_mib() - before < 80, "each stream may keep what is written ahead (write_high_water) and its own message"
        time.sleep(0.05)
    came, seen = [], b""
    while not any(kind == HEADERS for kind, _, _ in came):
        assert len(seen) < 65536, "the streams are served"
        data = deaf.recv(4096)
        assert data, "the connection has not ended"
        seen += data
        came = list(frames(seen))
    assert not any(kind in (RESET, GOAWAY) or kind == HEADERS and flags & END_STREAM for kind, flags, _ in came), "none has ended"
    deaf.close()
    beside.ask()


# ---------------------------------------------------------------- bodies that do not end


def half_of_http1(size):
    """A call in JSON (docs/protocols/http.md) whose body of 16 MiB stops after `size` bytes."""
    peer = f"POST /sofa.interop.InteropService:1.0/echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {16 << 20}\r\n\r\n"
    return peer.encode() + b'["' + b"x" * size


def half_of_connect(size):
    path = "/sofa.interop.pb.Interop/Echo"
    return f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/proto\r\nContent-Length: {16 << 20}\r\n\r\n".encode() + b"x" * size


def half_of_grpc(size):
    """Four messages of 16 MiB of gRPC on one connection, whose windows the server has opened: 1 MiB of a stream, 4 MiB of a connection."""
    streams = []
    for stream in range(1, 8, 2):
        whole = grpc_request(stream, b"/sofa.interop.pb.Interop/Echo", b"")
        head, body = whole[:whole.index(b"trailers") + 8], b"\0" + struct.pack(">I", 16 << 20) + b"x" * (size // 4)
        streams.append(head + b"".join(frame(DATA, 0, stream, body[i:i + 16384]) for i in range(0, len(body), 16384)))
    return frame(SETTINGS, 1, 0) + b"".join(streams)


def wait_until(condition, what, seconds=10):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


class Grower(Attacker):
    """Sends requests that stop in the middle."""

    def __init__(self, server, half, opening=b""):
        super().__init__(server, opening)
        if opening:
            wait_until(lambda: self.read() or self.seen or self.ended, "its SETTINGS come, before they are acknowledged")
        self.send(half)

    def is_refused(self):
        self.read()
        statuses = self.seen.startswith((b"HTTP/1.1 503 ", b"HTTP/1.1 429 "))
        return statuses or self.ended or any(kind == HEADERS and flags & END_STREAM for kind, flags, _ in frames(self.seen))


@pytest.mark.parametrize("half, opening", [(half_of_http1, b""), (half_of_connect, b""), (half_of_grpc, PREFACE + frame(SETTINGS, 0, 0))],
                         ids=["call over HTTP/1.1", "Connect", "gRPC"])
def test_bodies_that_do_not_end_are_bounded_together_and_harm_no_other(half, opening):
    """24 connections with 3 MiB each of requests that stop in the middle; 16 MiB may be held, in buffers that have grown to twice that."""
    budget_mib = 16
    server = programs.Server([programs.binaries() / "interop-server", "--port", 0, "--max-half-frame-bytes", budget_mib << 20])
    beside = Beside(server.port)
    before = server.rss_mib()
    growers = []
    for _ in range(24):
        growers.append(Grower(server, half(3 << 20), opening))
        beside.ask()
        assert server.rss_mib() - before < 2 * budget_mib + MEMORY_MIB
    wait_until(lambda: all(grower.is_refused() for grower in growers[8:]), "what grows over the budget is refused")
    assert not any(grower.is_refused() for grower in growers[:4]), "those that were there first are not harmed"
    for grower in growers:
        grower.socket.close()
    beside.ask()
    server.stop()
    assert server.process.returncode == 0, f"{server}"


# ---------------------------------------------------------------- heads whose bodies do not come


def head_of(path, content_type, further=b""):
    return b"\x83\x86\x44" + bytes([len(path)]) + path + b"\x41\x09localhost" + b"\x5f" + bytes([len(content_type)]) + content_type + further


def varint(number):
    more = b""
    while number > 127:
        more += bytes([number & 127 | 128])
        number >>= 7
    return more + bytes([number])


CALL = (b"/sofa.interop.pb.Interop/Echo", b"application/grpc")
ROUTE = (b"/interop/user", b"application/json")


@pytest.mark.parametrize("path, content_type", [CALL, ROUTE], ids=["gRPC", "REST"])
def test_heads_whose_bodies_do_not_come_take_no_place_of_calls(path, content_type):
    """11 connections with 1,000 requests each, more than max_calls; nothing follows their heads."""
    server = programs.Server([programs.binaries() / "interop-server", "--port", 0])
    beside = Beside(server.port, "/sofa.interop.InteropService:1.0/sleep?ms=1")  # runs as a task: max_calls counts it
    silent = []
    for _ in range(11):
        heads = b"".join(frame(HEADERS, END_HEADERS, 1 + 2 * i, head_of(path, content_type)) for i in range(1000))
        silent.append(Attacker(server, PREFACE + frame(SETTINGS, 0, 0) + heads))
        beside.ask()
    assert not any(one.ended for one in silent)
    for one in silent:
        one.socket.close()
    beside.ask()
    server.stop()
    assert server.process.returncode == 0, f"{server}"


def test_large_heads_are_bounded_together_with_bodies():
    """10 connections with 990 requests each, whose heads of 60,000 bytes take 15 on the wire: an HPACK bomb just below max_header_list."""
    budget_mib = 16
    server = programs.Server([programs.binaries() / "interop-server", "--port", 0, "--max-half-frame-bytes", budget_mib << 20])
    beside = Beside(server.port)
    before = server.rss_mib()
    entry = b"\x40\x01x\x7f\xa1\x1e" + b"x" * 4000
    # As literals that enter no table, so that the entry stays the newest.
    fields = b"\x83\x86\x04" + bytes([len(CALL[0])]) + CALL[0] + b"\x01\x09localhost" + b"\x0f\x10" + bytes([len(CALL[1])]) + CALL[1]
    bombs = []
    for _ in range(10):
        heads = b"".join(frame(HEADERS, END_HEADERS, 3 + 2 * i, fields + b"\xbe" * 15) for i in range(990))
        bombs.append(Attacker(server, PREFACE + frame(SETTINGS, 0, 0) + frame(HEADERS, END_HEADERS, 1, fields + entry) + heads))
        beside.ask()
        assert server.rss_mib() - before < 2 * budget_mib + MEMORY_MIB
    for bomb in bombs:
        bomb.socket.close()
    beside.ask()
    server.stop()
    assert server.process.returncode == 0, f"{server}"


def test_messages_that_grow_when_decompressed_are_bounded_together():
    """40 calls with a message of 30 KB that has 30 MiB; the method waits, so that they run at the same time."""
    budget_mib = 64
    server = programs.Server([programs.binaries() / "interop-server", "--port", 0, "--max-half-frame-bytes", budget_mib << 20])
    beside = Beside(server.port)
    before = server.rss_mib()
    size = 30 << 20
    message = gzip.compress(b"\x1a" + varint(size) + bytes(size) + b"\x28" + varint(5000))  # blob, sleep_ms
    body = b"\1" + struct.pack(">I", len(message)) + message
    head = head_of(*CALL, b"\x40\x02te\x08trailers" + b"\x00\x0dgrpc-encoding\x04gzip")
    caller = Attacker(server, PREFACE + frame(SETTINGS, 0, 0))
    for stream in range(1, 80, 2):
        data = [body[i:i + 16384] for i in range(0, len(body), 16384)]
        frames_of_call = [frame(DATA, END_STREAM if part is data[-1] else 0, stream, part) for part in data]
        caller.send(frame(HEADERS, END_HEADERS, stream, head) + b"".join(frames_of_call))
        beside.ask()
    wait_until(lambda: caller.read() or any(kind == HEADERS and flags & END_STREAM for kind, flags, _ in frames(caller.seen)), "some are refused")
    assert server.rss_mib() - before < budget_mib + 3 * (size >> 20) + MEMORY_MIB
    caller.socket.close()
    beside.ask()
    server.stop()
    assert server.process.returncode == 0, f"{server}"


# ---------------------------------------------------------------- HTTP/1.1


def test_an_endless_head_is_refused_after_its_limit(server):
    beside = Beside(server.port)
    before = server.rss_mib()
    for begin in (b"GET /" + b"a" * 100, b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: "):
        attacker = Attacker(server, begin)
        while not attacker.ended and not attacker.seen:
            attacker.send(b"a" * 4096)
            beside.ask()
            assert attacker.sent <= (64 << 10) + 2 * 4096, "max_header_list"
        attacker.read_to_end()
        assert re.match(rb"HTTP/1.1 (414|431) ", attacker.seen), attacker.seen
    assert server.rss_mib() - before < MEMORY_MIB


def test_three_hundred_slow_heads_are_closed_in_time_and_harm_no_other():
    server = Http1Server("--head-timeout-ms", "1500")
    beside = Beside(server.port, "/hello")
    before = server.rss_mib()
    begun = time.monotonic()
    slow = [Attacker(server) for _ in range(300)]
    for one in slow:
        one.socket.sendall(b"GET /hello HTTP/1.1\r\nX-")
    while not all(one.ended for one in slow):
        for one in slow:
            one.drip()
        beside.ask()
        assert server.rss_mib() - before < MEMORY_MIB
        assert time.monotonic() - begun < 60
    assert all(one.seen.startswith(b"HTTP/1.1 408 ") or not one.seen for one in slow)
    assert any(one.seen for one in slow)
    beside.ask()
    server.stop()


# ---------------------------------------------------------------- TLS


@pytest.fixture
def tls_server(certificates):
    ca = certificates.ca
    made = programs.Server([programs.binaries() / "interop-server", "--port", 0, *certificates.server_flags(), "--tls-client-ca", ca])
    yield made
    made.stop()


def test_hundreds_of_failed_handshakes_cost_no_memory_and_harm_no_other(tls_server, certificates, tmp_path):
    """Clients without a certificate, with one that nobody trusts, that trust nobody, and that send garbage or stop in the middle."""
    from certificates import Certificates

    stranger = Certificates(tmp_path)
    unknown = stranger.issue("unknown", "unknown")
    beside = Beside(tls_server.port)

    def handshake(context):
        with socket.create_connection(("127.0.0.1", tls_server.port), 10) as plain:
            with pytest.raises((ssl.SSLError, ConnectionResetError, BrokenPipeError)):
                with context.wrap_socket(plain, server_hostname="localhost") as peer:
                    peer.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
                    peer.recv(1)

    with_unknown = certificates.context()
    with_unknown.load_cert_chain(*map(str, unknown))
    kinds = [certificates.context(), with_unknown, stranger.context()]

    def round_of_failures():
        for context in kinds:
            handshake(context)
        for garbage in (b"\x16\x03\x01\xff\xff" + b"x" * 4096, b"\x16\x03\x01\x00\x05hello"):
            with socket.create_connection(("127.0.0.1", tls_server.port), 10) as plain:
                plain.sendall(garbage)
        beside.ask()

    for _ in range(10):
        round_of_failures()
    before = tls_server.rss_mib()
    for _ in range(90):
        round_of_failures()
    assert tls_server.rss_mib() - before < MEMORY_MIB


def test_a_renegotiation_of_tls_is_refused_and_harms_no_other(one_port, certificates):
    beside = Beside(one_port.port)
    before = one_port.rss_mib()
    command = ["openssl", "s_client", "-connect", one_port.address, "-servername", "localhost", "-CAfile", str(certificates.ca), "-tls1_2"]
    for _ in range(20):  # s_client asks once for each
        done = subprocess.run(command, input="R\n", capture_output=True, text=True, timeout=30)
        assert "no renegotiation" in done.stdout + done.stderr, done.stdout + done.stderr
        beside.ask()
    assert one_port.rss_mib() - before < MEMORY_MIB
