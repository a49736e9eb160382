"""JRaft's frames as bytes: the little protobuf that the tests need, a relay that records what passes, and the shape of a frame."""

import contextlib
import itertools
import socket
import struct
import threading
from typing import NamedTuple

RPC, CLI = "com.alipay.sofa.jraft.rpc.RpcRequests$", "com.alipay.sofa.jraft.rpc.CliRequests$"


def varint(value):
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def message(*fields):
    """Fields as (number, value): an int or a bool as varint, text and bytes by length; None leaves it out."""
    out = b""
    for number, value in fields:
        if value is None:
            continue
        if isinstance(value, int):
            out += varint(number << 3) + varint(int(value))
        else:
            raw = value.encode() if isinstance(value, str) else value
            out += varint(number << 3 | 2) + varint(len(raw)) + raw
    return out


def fields(content):
    """The fields of a message in order, as (number, value): an int, or bytes."""
    found, at = [], 0

    def read_varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = content[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(content):
        tag = read_varint()
        if tag & 7 == 0:
            value = read_varint()
            found.append((tag >> 3, value - (1 << 64) if value >> 63 else value))
        else:
            assert tag & 7 == 2, f"wire type {tag & 7} in {content.hex()}"
            length = read_varint()
            assert at + length <= len(content), content.hex()
            found.append((tag >> 3, content[at:at + length]))
            at += length
    return found


CHECKSUM = 6  # of EntryMeta
OURS = 1000  # and above


class Frame(NamedTuple):
    kind: int  # 0 answer, 1 request, 2 oneway
    command: int
    version: int
    request_id: int
    codec: int
    timeout_or_status: int
    class_name: str
    header: bytes
    content: bytes


def split_frames(data):
    """The whole Bolt V1 frames at the beginning of `data`, and what follows them."""
    frames = []
    while len(data) >= 20:
        assert data[0] == 1, f"no Bolt V1: {data[:32].hex()}"
        if data[1]:
            if len(data) < 22:
                break
            head, (_, kind, command, version, request_id, codec, number, *lengths) = 22, struct.unpack(">BBHBIBiHHI", data[:22])
        else:
            head, (_, kind, command, version, request_id, codec, number, *lengths) = 20, struct.unpack(">BBHBIBHHHI", data[:20])
        end = head + sum(lengths)
        if len(data) < end:
            break
        name, header = head + lengths[0], head + lengths[0] + lengths[1]
        frames.append(Frame(kind, command, version, request_id, codec, number, data[head:name].decode(), data[name:header], data[header:end]))
        data = data[end:]
    return frames, data


# The messages inside a message, by class (without its package) and field.
INNER = {
    "AppendEntriesRequest": {7: "EntryMeta"},
    "InstallSnapshotRequest": {5: "SnapshotMeta"},
}


def shapes(frame):
    """What must be the same whoever sends a frame, without its values: kind, codec, class, and the fields in their order, however often each; and of
    each message inside, its fields. The fields of an entry depend on its type; its checksum is an option."""
    name = frame.class_name.rsplit("$", 1)[-1]
    # Heartbeats have -1 for their time.
    number = frame.timeout_or_status > 0 if frame.kind else frame.timeout_or_status
    found = {(frame.kind, frame.command, frame.version, frame.codec, number, frame.class_name, numbers(frame.header), numbers(frame.content))}
    for at, value in fields(frame.content):
        if part := INNER.get(name, {}).get(at):
            if part == "EntryMeta":
                found.add((name, part, dict(fields(value))[2], tuple(number for number in numbers(value) if number != CHECKSUM)))
            else:
                found.add((name, part, numbers(value)))
    return found


def numbers(content):
    """The numbers of the fields, one that repeats once; without those that our nodes tell each other, and Java's pass over."""
    return tuple(number for number, _ in itertools.groupby(number for number, _ in fields(content)) if number < OURS)


class Passed:
    """The frames of one connection."""

    def __init__(self):
        self.requests, self.answers = [], []

    def sender(self):
        """The peer that opened the connection, as its frames tell it (server_id); None when none does."""
        for frame in self.requests:
            if frame.class_name.rsplit("$", 1)[-1] in ("AppendEntriesRequest", "RequestVoteRequest", "InstallSnapshotRequest", "TimeoutNowRequest",
                                                       "ReadIndexRequest"):
                return dict(fields(frame.content))[2].decode()
        return None


class Relay:
    """Stands at a node's address, passes all on to the port where it listens, and keeps the frames of both ways."""

    def __init__(self, port, target):
        self._listening = socket.create_server(("127.0.0.1", port))
        self._target = target
        self._open = []
        self.connections = []
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self):
        for each in [self._listening, *self._open]:
            close(each)

    def _accept(self):
        while True:
            try:
                caller, _ = self._listening.accept()
            except OSError:
                return
            try:
                target = socket.create_connection(("127.0.0.1", self._target), 5)
                target.settimeout(None)
                for each in (caller, target):
                    each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except OSError:  # the node is down, or the caller has gone again
                close(caller)
                continue
            self._open += [caller, target]
            passed = Passed()
            self.connections.append(passed)
            for source, sink, kept in ((caller, target, passed.requests), (target, caller, passed.answers)):
                threading.Thread(target=self._pass, args=(source, sink, kept), daemon=True).start()

    @staticmethod
    def _pass(source, sink, kept):
        rest = b""
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                sink.sendall(data)
                frames, rest = split_frames(rest + data)
                kept.extend(frames)
        close(source)
        close(sink)


def close(connection):
    """Ends it for whoever waits on it, too."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
