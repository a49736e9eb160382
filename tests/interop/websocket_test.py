"""WebSocket: a table of ours over RFC 6455 and RFC 7692, Python's websockets and Node's ws as clients and as servers; in cleartext and over TLS."""

import asyncio
import base64
import hashlib
import struct
import zlib

import pytest
import websockets.asyncio.client
import websockets.asyncio.server
import websockets.exceptions

import programs
from http1 import Http1Server, Peer

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = base64.b64encode(hashlib.sha1(f"{KEY}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()).decode()


@pytest.fixture(scope="module")
def server(certificates):
    made = Http1Server(*certificates.server_flags(), "--context-takeover", "--max-message", 2 << 20)
    yield made
    assert made.process.poll() is None, f"the server ended by itself: {made}"
    assert made.stop() < 5, f"the server took long to stop: {made}"


@pytest.fixture(params=["cleartext", "tls"])
def tls(request, certificates):
    """How a connection is encrypted: None for not at all."""
    return certificates.context() if request.param == "tls" else None


# ---------------------------------------------------------------- frames

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
FINAL, RSV1, RSV2, RSV3 = 0x80, 0x40, 0x20, 0x10


def frame(opcode, payload=b"", flags=FINAL, mask=b"\x37\xfa\x21\x3d", length=None):
    """A frame; `length`: the bytes that tell it, when they are not the shortest. A `mask` of None sends it as a server does."""
    if length is None:
        size = len(payload)
        length = bytes([size]) if size < 126 else b"\x7e" + struct.pack(">H", size) if size < 65536 else b"\x7f" + struct.pack(">Q", size)
    if mask is None:
        return bytes([flags | opcode]) + length + payload
    length = bytes([length[0] | 0x80]) + length[1:]
    return bytes([flags | opcode]) + length + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))


def goodbye(code, reason=b""):
    return frame(CLOSE, struct.pack(">H", code) + reason)


def deflated(data, level=9, end=zlib.Z_SYNC_FLUSH):
    packer = zlib.compressobj(level, zlib.DEFLATED, -15)
    packed = packer.compress(data) + packer.flush(end)
    return packed[:-4] if end == zlib.Z_SYNC_FLUSH else packed + b"\x00"


def packed(data, opcode=TEXT, **how):
    return frame(opcode, deflated(data, **how), FINAL | RSV1)


class Socket:
    """The raw client's side of an open WebSocket."""

    def __init__(self, peer, extensions=None):
        self.peer = peer
        self.opened = zlib.decompressobj(-15)
        lines = ["GET /chat HTTP/1.1", "Host: test", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {KEY}"]
        if extensions:
            lines.append(f"Sec-WebSocket-Extensions: {extensions}")
        peer.send(("\r\n".join(lines) + "\r\n\r\n").encode())
        head = peer.read_until(b"\r\n\r\n").decode()
        assert head.startswith("HTTP/1.1 101 ") and f"sec-websocket-accept: {ACCEPT}" in head, head
        self.extensions = next((line.split(": ", 1)[1] for line in head.split("\r\n") if line.startswith("sec-websocket-extensions")), None)

    def frame(self):
        """(opcode, payload) of the next frame, which no server masks or fragments here."""
        first, second = self.peer.read(2)
        assert first & FINAL and not second & 0x80, (first, second)
        size = second
        if size == 126:
            size = struct.unpack(">H", self.peer.read(2))[0]
        elif size == 127:
            size = struct.unpack(">Q", self.peer.read(8))[0]
        payload = self.peer.read(size)
        if first & RSV1:
            assert self.extensions, "compressed without agreement"
            payload = self.opened.decompress(payload + b"\x00\x00\xff\xff")
        return first & 0xF, payload

    def goodbye(self):
        """The code of the server's goodbye, which must be the next frame and the last one."""
        opcode, payload = self.frame()
        assert opcode == CLOSE, (opcode, payload)
        assert self.peer.is_closed()
        return struct.unpack(">H", payload[:2])[0] if payload else 1005


HELLO = (TEXT, b"Hello")
WIDE = "\u03ba\u1f79\u03c3\u03bc\u03b5\U0001f600".encode()
# What is sent, and what comes back: messages and pongs, then the code of the goodbye. Sections are those of RFC 6455.
FRAMES = {
    # 5.2: lengths
    **{f"a message of {size} bytes": (frame(BINARY, b"x" * size), [(BINARY, b"x" * size)]) for size in (0, 1, 125, 126, 127, 128, 65535, 65536, 100_000)},
    "a mask of zeros": (frame(TEXT, b"Hello", mask=bytes(4)), [HELLO]),
    "16 bits of length for 125": (frame(TEXT, b"x" * 125, length=b"\x7e\x00\x7d"), 1002),
    "64 bits of length for 65535": (frame(TEXT, b"x" * 65535, length=b"\x7f" + struct.pack(">Q", 65535)), 1002),
    "the highest bit of a length": (frame(BINARY, length=b"\x7f\x80" + bytes(7)), 1002),
    "a length over the limit": (frame(BINARY, length=b"\x7f" + struct.pack(">Q", 1 << 40)), 1009),
    "no mask": (frame(TEXT, b"Hello", mask=None), 1002),
    "no mask on a ping": (frame(PING, mask=None), 1002),
    # 5.2: reserved bits and opcodes
    **{f"reserved bits {bits:#x}": (frame(TEXT, b"x", FINAL | bits), 1002) for bits in (RSV1, RSV2, RSV3, RSV1 | RSV2, RSV2 | RSV3, RSV1 | RSV2 | RSV3)},
    **{f"reserved bit {bit:#x} of a ping": (frame(PING, b"", FINAL | bit), 1002) for bit in (RSV1, RSV2, RSV3)},
    **{f"opcode {opcode}": (frame(opcode), 1002) for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)},
    # 5.4: fragments
    "two fragments": (frame(TEXT, b"Hel", 0) + frame(CONTINUATION, b"lo"), [HELLO]),
    "fragments of one byte": (frame(TEXT, b"H", 0) + b"".join(frame(CONTINUATION, bytes([c]), 0) for c in b"ell") + frame(CONTINUATION, b"o"), [HELLO]),
    "empty fragments": (frame(TEXT, b"", 0) + frame(CONTINUATION, b"", 0) + frame(CONTINUATION, b""), [(TEXT, b"")]),
    "a ping between fragments": (frame(TEXT, b"Hel", 0) + frame(PING, b"p") + frame(CONTINUATION, b"lo"), [(PONG, b"p"), HELLO]),
    "a pong between fragments": (frame(TEXT, b"Hel", 0) + frame(PONG, b"p") + frame(CONTINUATION, b"lo"), [HELLO]),
    "a goodbye between fragments": (frame(TEXT, b"Hel", 0) + goodbye(1000), 1000),
    "a continuation of nothing": (frame(CONTINUATION, b"x"), 1002),
    "a continuation after the end": (frame(TEXT, b"Hello") + frame(CONTINUATION, b"x"), 1002),
    "a message inside another": (frame(TEXT, b"Hel", 0) + frame(TEXT, b"lo"), 1002),
    # 5.5: control frames
    "a ping": (frame(PING, b"p"), [(PONG, b"p")]),
    "a ping without a word": (frame(PING), [(PONG, b"")]),
    "a ping of 125 bytes": (frame(PING, bytes(range(125))), [(PONG, bytes(range(125)))]),
    "a ping of 126 bytes": (frame(PING, b"x" * 126), 1002),
    "a fragmented ping": (frame(PING, b"x", 0), 1002),
    "a fragmented pong": (frame(PONG, b"x", 0), 1002),
    "a fragmented goodbye": (frame(CLOSE, b"", 0), 1002),
    "ten pings": (b"".join(frame(PING, b"%d" % i) for i in range(10)), [(PONG, b"%d" % i) for i in range(10)]),
    "a pong that no one asked for": (frame(PONG, b"x"), []),
    # 5.5.1 and 7.4: goodbyes
    "a goodbye without a code": (frame(CLOSE), 1005),
    "half a code": (frame(CLOSE, b"\x03"), 1002),
    "a reason of 123 bytes": (goodbye(1000, b"r" * 123), 1000),
    "a reason of 124 bytes": (goodbye(1000, b"r" * 124), 1002),
    "a reason that is no UTF-8": (goodbye(1000, b"\xff"), 1007),
    "what comes after a goodbye": (goodbye(1000) + frame(TEXT, b"x") + frame(PING, b"x"), 1000),
    **{f"code {code}": (goodbye(code), code) for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999)},
    **{f"code {code}": (goodbye(code), 1002) for code in (0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 5000, 65535)},
    # 8.1: UTF-8
    "wide characters": (frame(TEXT, WIDE), [(TEXT, WIDE)]),
    "wide characters cut into bytes": (
        frame(TEXT, WIDE[:1], 0) + b"".join(frame(CONTINUATION, WIDE[i:i + 1], 0) for i in range(1, len(WIDE))) + frame(CONTINUATION), [(TEXT, WIDE)]),
    **{f"no UTF-8: {name}": (frame(TEXT, b"x" + text + b"x"), 1007) for name, text in {
        "a lone continuation": b"\x80", "an overlong slash": b"\xc0\xaf", "an overlong zero": b"\xe0\x80\x80", "a surrogate": b"\xed\xa0\x80",
        "a pair of surrogates": b"\xed\xa0\xbd\xed\xb8\x80", "over U+10FFFF": b"\xf4\x90\x80\x80", "five bytes": b"\xf8\x88\x80\x80\x80", "byte FE": b"\xfe"}.items()},
    "text that ends inside a character": (frame(TEXT, WIDE[:-1]), 1007),
    "binary that is no UTF-8": (frame(BINARY, b"\xc3\x28"), [(BINARY, b"\xc3\x28")]),
}
# The same with permessage-deflate agreed on (RFC 7692, 7.2 and 8).
LONG = b"Hello " * 2000
DEFLATED = {
    "a compressed message": (packed(LONG), [(TEXT, LONG)]),
    "the example of 7.2.3.1": (frame(TEXT, bytes.fromhex("f248cdc9c90700"), FINAL | RSV1), [HELLO]),
    "a fragmented one": (frame(TEXT, bytes.fromhex("f248cd"), RSV1) + frame(CONTINUATION, bytes.fromhex("c9c90700")), [HELLO]),
    "a ping inside a fragmented one": (
        frame(TEXT, bytes.fromhex("f248cd"), RSV1) + frame(PING, b"p") + frame(CONTINUATION, bytes.fromhex("c9c90700")), [(PONG, b"p"), HELLO]),
    "a window that is kept": (frame(TEXT, bytes.fromhex("f248cdc9c90700"), FINAL | RSV1) + frame(TEXT, bytes.fromhex("f200110000"), FINAL | RSV1), [HELLO, HELLO]),
    "a block that is not compressed": (packed(b"Hello", level=0), [HELLO]),
    "a final block": (packed(b"Hello", end=zlib.Z_FINISH), [HELLO]),
    "two blocks": (frame(TEXT, bytes.fromhex("f248050000 00ffffcac9c90700"), FINAL | RSV1), [HELLO]),
    "an empty message": (frame(TEXT, b"\x00", FINAL | RSV1), [(TEXT, b"")]),
    "a message that is not compressed": (frame(TEXT, b"Hello"), [HELLO]),
    "one of each": (packed(LONG) + frame(TEXT, b"Hello") + packed(b"Hello"), [(TEXT, LONG), HELLO, HELLO]),
    "compressed binary": (packed(bytes(range(256)) * 40, BINARY), [(BINARY, bytes(range(256)) * 40)]),
    "the bit on a continuation": (frame(TEXT, bytes.fromhex("f248cd"), RSV1) + frame(CONTINUATION, bytes.fromhex("c9c90700"), FINAL | RSV1), 1002),
    "the bit on a ping": (frame(PING, b"", FINAL | RSV1), 1002),
    "the bit on a goodbye": (frame(CLOSE, b"", FINAL | RSV1), 1002),
    "another reserved bit": (frame(TEXT, b"\x00", FINAL | RSV1 | RSV2), 1002),
    "no DEFLATE": (frame(TEXT, b"\xff\xff\xff", FINAL | RSV1), 1007),
    "a window that reaches too far back": (frame(TEXT, bytes.fromhex("f200110000"), FINAL | RSV1), 1007),
    "compressed text that is no UTF-8": (packed(b"\xc3\x28"), 1007),
    "a bomb": (packed(bytes(64 << 20), BINARY), 1009),
}


def check(socket, pieces, messages=(), code=None):
    """Sends the pieces and compares what comes back; a connection that lives on is ended with 4000."""
    if isinstance(messages, int):
        messages, code = [], messages
    for piece in pieces:
        socket.peer.send(piece)
    assert [socket.frame() for _ in messages] == list(messages)
    if code is None:
        socket.peer.send(goodbye(4000))
    assert socket.goodbye() == (code or 4000)


@pytest.mark.parametrize("name", FRAMES)
def test_frames_get_what_rfc_6455_says(server, tls, name):
    sent, *expected = FRAMES[name]
    with Peer(server, tls=tls) as peer:
        check(Socket(peer), [sent], *expected)


@pytest.mark.parametrize("name", ["two fragments", "a ping between fragments", "a message of 126 bytes", "no mask", "a ping of 126 bytes",
                                  "wide characters cut into bytes", "a reason of 123 bytes", "no UTF-8: a surrogate"])
def test_frames_may_come_byte_by_byte(server, tls, name):
    sent, *expected = FRAMES[name]
    with Peer(server, tls=tls) as peer:
        check(Socket(peer), [sent[i:i + 1] for i in range(len(sent))], *expected)


@pytest.mark.parametrize("name", DEFLATED)
def test_compressed_frames_get_what_rfc_7692_says(server, tls, name):
    sent, *expected = DEFLATED[name]
    with Peer(server, tls=tls) as peer:
        socket = Socket(peer, "permessage-deflate")
        assert socket.extensions == "permessage-deflate"
        check(socket, [sent], *expected)


# What a client offers, and what is taken of it (RFC 7692, 7.1).
OFFERS = {
    "permessage-deflate": "permessage-deflate",
    "permessage-deflate; server_no_context_takeover": "permessage-deflate; server_no_context_takeover",
    "permessage-deflate; client_no_context_takeover": "permessage-deflate; client_no_context_takeover",
    "permessage-deflate; client_max_window_bits": "permessage-deflate",
    "permessage-deflate; client_max_window_bits=10": "permessage-deflate",
    "permessage-deflate; server_max_window_bits=10": "permessage-deflate; server_max_window_bits=10",
    "permessage-deflate; server_max_window_bits=8, permessage-deflate": "permessage-deflate",
    "permessage-deflate; no_such_parameter, permessage-deflate; server_no_context_takeover": "permessage-deflate; server_no_context_takeover",
    "x-unknown, permessage-deflate": "permessage-deflate",
    "permessage-deflate; server_max_window_bits=16": None,
    "permessage-deflate; server_max_window_bits=7": None,
    "permessage-deflate; server_max_window_bits": None,
    "permessage-deflate; server_max_window_bits=010": None,
    "permessage-deflate; server_no_context_takeover=1": None,
    "permessage-deflate; client_max_window_bits=16": None,
    "permessage-deflate; server_no_context_takeover; server_no_context_takeover": None,
    "permessage-deflate; no_such_parameter": None,
    "x-webkit-deflate-frame": None,
}


@pytest.mark.parametrize("offer", OFFERS)
def test_of_what_is_offered_only_what_is_valid_is_taken(server, tls, offer):
    with Peer(server, tls=tls) as peer:
        socket = Socket(peer, offer)
        assert socket.extensions == OFFERS[offer]
        check(socket, [frame(TEXT, LONG)], [(TEXT, LONG)])


HANDSHAKE = {"Host": "test", "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": KEY}
# Changes of a good handshake, and the status (RFC 6455, 4.2.1 and 4.4). None takes a header away.
HANDSHAKES = {
    "as it should be": ({}, 101),
    "words in other letters": ({"Connection": "keep-alive, upgrade", "Upgrade": "WebSocket"}, 101),
    "a page of its own host": ({"Origin": "https://test"}, 101),
    "a page of another host": ({"Origin": "https://evil.example"}, 403),
    "no upgrade": ({"Upgrade": None}, 426),
    "another upgrade": ({"Upgrade": "h3"}, 426),
    "no connection": ({"Connection": None}, 426),
    "version 8": ({"Sec-WebSocket-Version": "8"}, 426),
    "no version": ({"Sec-WebSocket-Version": None}, 426),
    "no key": ({"Sec-WebSocket-Key": None}, 400),
    "a short key": ({"Sec-WebSocket-Key": "c2hvcnQ="}, 400),
    "a key that is no base64": ({"Sec-WebSocket-Key": "!" * 24}, 400),
    "HTTP/1.0": ({"": "1.0"}, 400),
    "a connection that ends": ({"Connection": "upgrade, close"}, 400),
}


@pytest.mark.parametrize("name", HANDSHAKES)
def test_a_handshake_gets_its_status(server, tls, name):
    changes, status = HANDSHAKES[name]
    headers = {**HANDSHAKE, **changes}
    version = headers.pop("", "1.1")
    lines = [f"GET /chat HTTP/{version}", *(f"{key}: {value}" for key, value in headers.items() if value is not None)]
    with Peer(server, tls=tls) as peer:
        peer.send(("\r\n".join(lines) + "\r\n\r\n").encode())
        assert peer.read_until(b"\r\n").startswith(b"HTTP/1.1 %d " % status)


# ---------------------------------------------------------------- Python's websockets


def chat(server, tls, talk, **options):
    scheme = "wss" if tls else "ws"

    async def run():
        async with asyncio.timeout(30):
            async with websockets.asyncio.client.connect(f"{scheme}://localhost:{server.port}/chat", ssl=tls, **options) as socket:
                return await talk(socket)
    return asyncio.run(run())


MESSAGES = ["", "hello", "\u4f60\u597d" * 1000, b"", bytes(range(256)) * 500, "x" * 1_000_000]


@pytest.mark.parametrize("compression", ["deflate", None])
def test_messages_come_back_to_pythons_client(server, tls, compression):
    async def talk(socket):
        for message in MESSAGES:
            await socket.send(message)
            assert await socket.recv() == message
        await socket.send(["frag", "men", "ted"])
        assert await socket.recv() == "fragmented"
        await (await socket.ping())
        await socket.close(4001, "bye")
        return socket.close_code, socket.response.headers.get("Sec-WebSocket-Extensions")

    code, extensions = chat(server, tls, talk, compression=compression)
    assert code == 4001
    assert bool(extensions) == (compression is not None)


def test_messages_may_be_sent_ahead(server, tls):
    async def talk(socket):
        await asyncio.gather(*(socket.send(f"message {i}") for i in range(500)))
        return [await socket.recv() for _ in range(500)]

    assert sorted(chat(server, tls, talk)) == sorted(f"message {i}" for i in range(500))


def test_a_message_over_the_limit_is_refused_with_1009(server, tls):
    async def talk(socket):
        with pytest.raises(websockets.exceptions.ConnectionClosedError) as closed:
            await socket.send(b"x" * (3 << 20))
            await socket.recv()
        return closed.value.rcvd.code

    assert chat(server, tls, talk, compression=None) == 1009


def test_sigterm_says_goodbye_to_what_is_open(certificates, tls):
    leaving = Http1Server(*certificates.server_flags())

    async def talk(socket):
        await socket.send("hello")
        await socket.recv()
        leaving.process.terminate()
        with pytest.raises(websockets.exceptions.ConnectionClosedOK) as closed:
            await socket.recv()
        return closed.value.rcvd.code, closed.value.rcvd.reason

    assert chat(leaving, tls, talk) == (1001, "the server stops")
    assert leaving.wait(3) == 0, f"{leaving}"


def websocket_client(port, tls, certificates, *flags):
    """Our client, to its end: what it printed about the goodbye."""
    authority = ["--tls-ca", certificates.ca] if tls else []
    client = programs.Program([programs.binaries() / "websocket-client", f"127.0.0.1:{port}", *authority, *flags])
    assert client.wait(60) == 0, f"{client}"
    return client.lines[-1]


FLAGS = {"compressed": [], "plain": ["--no-compress"], "windows kept": ["--context-takeover"]}


@pytest.mark.parametrize("how", FLAGS)
@pytest.mark.parametrize("compression", ["deflate", None])
def test_our_client_talks_to_pythons_server(certificates, tls, how, compression):
    async def echo(socket):
        async for message in socket:
            if message == "bye":
                return await socket.close(4001, "as you wish")
            pong = await socket.ping("are you there")
            await socket.send([message[:len(message) // 2], message[len(message) // 2:]])
            await pong

    async def run():
        own = certificates.server_context() if tls else None
        async with websockets.asyncio.server.serve(echo, "127.0.0.1", 0, compression=compression, ssl=own) as listening:
            port = listening.sockets[0].getsockname()[1]
            return await asyncio.to_thread(websocket_client, port, tls, certificates, *FLAGS[how])

    compressed = "true" if compression and how != "plain" else "false"
    assert asyncio.run(run()) == f"chat compressed={compressed} wrong=0 code=4001 reason=as you wish"


# ---------------------------------------------------------------- Node's ws


def test_nodes_client_passes_its_checks(server, certificates, tls):
    url = f"{'wss' if tls else 'ws'}://localhost:{server.port}/chat"
    command, environment = programs.node_command("ws_client.cjs", url, *([certificates.ca] if tls else []))
    failed, passed = programs.run_checks(command, 120, environment)
    assert failed == []
    assert passed == 31


@pytest.mark.parametrize("how", FLAGS)
@pytest.mark.parametrize("compression", ["deflate", "plain"])
def test_our_client_talks_to_nodes_server(certificates, tls, how, compression):
    command, environment = programs.node_command("ws_server.cjs", compression, *(certificates.issue("localhost", "localhost") if tls else []))
    listening = programs.Program(command, environment)
    port = int(listening.wait_for_line(r"^ready pid=\d+ port=(\d+)", 30)[1])
    try:
        compressed = "true" if compression == "deflate" and how != "plain" else "false"
        assert websocket_client(port, tls, certificates, *FLAGS[how]) == f"chat compressed={compressed} wrong=0 code=4001 reason=as you wish"
    finally:
        listening.stop()
