"""Bolt frames and the little Hessian (dialect H3) that the raw tests need, written from docs/protocols alone."""

import socket
import struct
import time
import zlib

REQUEST_CLASS = b"com.alipay.sofa.rpc.core.request.SofaRequest"
SERVICE = "sofa.interop.InteropService:1.0"
OK, SERVER_EXCEPTION, CODEC_EXCEPTION, DESERIAL_EXCEPTION = 0, 2, 9, 0x12



def header_map(pairs):
    return b"".join(struct.pack(">i", len(part)) + part for key, value in pairs.items() for part in (key.encode(), value.encode()))


def call_header(method, service=SERVICE):
    return header_map({"service": service, "sofa_head_target_service": service, "sofa_head_method_name": method, "protocol": "bolt", "type": "sync"})


def request_v1(request_id, class_name, header, content, *, kind=1, command=1, codec=1, timeout=5000, lengths=None):
    """lengths = (class, header, content) as the frame tells them, where they differ from the truth."""
    told = lengths or (len(class_name), len(header), len(content))
    return struct.pack(">BBHBIBiHHI", 1, kind, command, 1, request_id, codec, timeout, *told) + class_name + header + content


def request_v2(request_id, class_name, header, content, *, ver1=1, switch=0, kind=1, command=1, codec=1, timeout=5000, crc=None):
    frame = struct.pack(">BBBHBIBBiHHI", 2, ver1, kind, command, 1, request_id, codec, switch, timeout, len(class_name), len(header), len(content))
    frame += class_name + header + content
    if ver1 == 2 and switch & 1:
        frame += struct.pack(">I", zlib.crc32(frame) if crc is None else crc)
    return frame


def call_v1(request_id, method, signatures, arguments, **options):
    """A whole SOFARPC call; `arguments` are Hessian bytes."""
    return request_v1(request_id, REQUEST_CLASS, call_header(method), sofa_request(method, signatures) + arguments, **options)


def hessian_int(value):
    if -16 <= value <= 47:
        return bytes([0x90 + value])
    if -2048 <= value <= 2047:
        return bytes([0xC8 + (value >> 8), value & 0xFF])
    return b"I" + struct.pack(">i", value)


def text(value):
    """Short ASCII strings only."""
    assert len(value) < 32768
    return (bytes([len(value)]) if len(value) < 32 else b"S" + struct.pack(">H", len(value))) + value.encode()


def named(name):
    """A class name: an int with the length and the bytes, without a string tag."""
    return hessian_int(len(name)) + name.encode()


def sofa_request(method, signatures):
    """SofaRequest as Java writes it: class 0, objects 0 (itself), 1 (requestProps), 2 (methodArgSigs); the arguments follow in the same stream."""
    fields = ["targetAppName", "methodName", "targetServiceUniqueName", "requestProps", "methodArgSigs"]
    definition = b"O" + named(REQUEST_CLASS.decode()) + hessian_int(len(fields)) + b"".join(text(field) for field in fields)
    sigs = b"Vt" + struct.pack(">H", 7) + b"[string" + b"n" + bytes([len(signatures)]) + b"".join(text(sig) for sig in signatures) + b"z"
    return definition + b"o" + hessian_int(0) + b"N" + text(method) + text(SERVICE) + b"Mz" + sigs


FIRST_FREE_REFERENCE = 3


class Response:
    def __init__(self, protocol, command, request_id, codec, status, class_name, header, content, raw):
        self.protocol, self.command, self.request_id, self.codec, self.status = protocol, command, request_id, codec, status
        self.class_name, self.header, self.content, self.raw = class_name, header, content, raw

    def __repr__(self):
        return f"Response(v{self.protocol}, id {self.request_id}, status {self.status:#x}, {self.class_name}, {self.content[:120]!r})"


class Peer:
    """A plain socket to the server; every read has a deadline."""

    def __init__(self, address, receive_buffer=None):
        host, port = address.rsplit(":", 1)
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(10)
        self.socket.connect((host, int(port)))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def send_byte_by_byte(self, data):
        for byte in data:
            self.socket.sendall(bytes([byte]))
            time.sleep(0.001)

    def read(self, count, seconds=10):
        data = b""
        deadline = time.monotonic() + seconds
        while len(data) < count:
            self.socket.settimeout(max(0.001, deadline - time.monotonic()))
            try:
                part = self.socket.recv(count - len(data))
            except TimeoutError:
                raise AssertionError(f"{len(data)} of {count} bytes within {seconds} s: {data[:64].hex()}") from None
            assert part, f"the server closed the connection after {len(data)} of {count} bytes: {data[:64].hex()}"
            data += part
        return data

    def response(self, seconds=10):
        head = self.read(1, seconds)
        if head == b"\x01":
            head += self.read(19, seconds)
            _, kind, command, _, request_id, codec, status, *lengths = struct.unpack(">BBHBIBHHHI", head)
            ver1 = switch = 0
        else:
            head += self.read(21, seconds)
            _, ver1, kind, command, _, request_id, codec, switch, status, *lengths = struct.unpack(">BBBHBIBBHHHI", head)
        assert kind == 0, f"not a response: {head.hex()}"
        class_name, header, content = (self.read(length, seconds) for length in lengths)
        raw = head + class_name + header + content
        if ver1 == 2 and switch & 1:
            trailer = self.read(4, seconds)
            assert trailer == struct.pack(">I", zlib.crc32(raw)), "the CRC of the response is wrong"
            raw += trailer
        return Response(head[0], command, request_id, codec, status, class_name.decode(), header, content, raw)

    def closed_within(self, seconds):
        """True when the server closes; bytes that come before the end fail the test."""
        self.socket.settimeout(seconds)
        try:
            got = self.socket.recv(4096)
        except TimeoutError:
            return False
        except ConnectionError:
            return True
        assert got == b"", f"the server answered before it closed: {got[:64].hex()}"
        return True

    def echo(self, request_id, word="alive", seconds=10):
        """One good call on this connection, which shows that it lives."""
        self.send(call_v1(request_id, "echo", ["java.lang.String"], text(word)))
        answer = self.response(seconds)
        assert (answer.request_id, answer.status) == (request_id, OK), answer
        assert text(word) in answer.content, answer
        return answer
