"""Nodes of the Raft lab (docs/protocols/jraft.md 6.1) of either kind, a client of its protocol, and JRaft's administration client.

A kind is a letter: "j" is JRaft's Java node, "c" is `sofa raft lab`; "cjj" is a group of three. Everything is on 127.0.0.1 and ends by pid.
"""

import concurrent.futures
import contextlib
import itertools
import os
import shutil
import socket
import struct
import subprocess
import threading
import time

import programs
from bolt import request_v1
from raft_frames import Relay

REQUEST, RESPONSE = b"sofa.lab.KvRequest", b"sofa.lab.KvResponse"
JAVA = programs.HERE / "jraft-java"
JAVA_OPTIONS = ("-Xmx{heap}m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dorg.slf4j.simpleLogger.showDateTime=true "
                "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS -Dorg.slf4j.simpleLogger.log.com.alipay.sofa.common.log=error")
OK, NOT_LEADER, ERROR, MISSING = range(4)


class Unknown(AssertionError):
    """A call without an answer, or with one that leaves open whether it happened."""


def _keyed(op, key, rest=b""):
    return struct.pack(">BH", op, len(key)) + key + rest


def put(key, value):
    return _keyed(1, key, value)


def add(key, delta):
    return _keyed(2, key, struct.pack(">q", delta))


def cas(key, expect, update):
    """expect=None: the key must be absent."""
    told = struct.pack(">I", 0xFFFFFFFF) if expect is None else struct.pack(">I", len(expect)) + expect
    return _keyed(3, key, told + update)


def delete(key):
    return _keyed(4, key)


def append(key, more):
    return _keyed(5, key, more)


def get(key):
    return _keyed(0x10, key)


def get_local(key):
    return _keyed(0x11, key)


DUMP, INFO, TRIGGER = b"\x12", b"\x13", b"\x14"


class Answer:
    def __init__(self, content):
        self.status, self.rest = content[0], content[1:]

    def __repr__(self):
        return f"Answer({['ok', 'not leader', 'error', 'missing'][self.status]}, {self.rest[:200]!r})"


class Info:
    def __init__(self, text):
        self.state, term, committed, applied, self.leader = text.split(" ")
        self.term, self.committed, self.applied = int(term), int(committed), int(applied)
        self.text = text


class Connection:
    """One Bolt connection; calls may be in flight together and are answered in any order."""

    def __init__(self, port, seconds=5):
        self._socket = socket.create_connection(("127.0.0.1", port), seconds)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.settimeout(None)
        self._ids = itertools.count(1)
        self._waiting = {}
        self._lock = threading.Lock()
        self._closed = None
        threading.Thread(target=self._read, daemon=True).start()

    def close(self):
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    @property
    def closed(self):
        return self._closed is not None

    def send(self, class_name, content, header=b"", timeout=5000):
        """A future of (class name, content) of the answer."""
        answer = concurrent.futures.Future()
        with self._lock:
            if self._closed:
                raise self._closed
            request_id = next(self._ids)
            self._waiting[request_id] = answer
            try:
                self._socket.sendall(request_v1(request_id, class_name, header, content, timeout=timeout))
            except OSError as error:
                del self._waiting[request_id]
                raise Unknown(f"the connection broke: {error}") from None
        return answer

    def _read(self):
        try:
            stream = self._socket.makefile("rb")
            while head := stream.read(20):
                _, _, _, _, request_id, _, status, class_length, header_length, content_length = struct.unpack(">BBHBIBHHHI", head)
                body = stream.read(class_length + header_length + content_length)
                with self._lock:
                    answer = self._waiting.pop(request_id, None)
                if answer is None:
                    continue
                if status == 0:
                    answer.set_result((body[:class_length], body[class_length + header_length:]))
                else:
                    answer.set_exception(Unknown(f"Bolt's status {status}"))
            self._fail(Unknown("the node closed the connection"))
        except (OSError, ValueError, struct.error) as error:
            self._fail(Unknown(f"the connection broke: {error}"))

    def _fail(self, why):
        with self._lock:
            self._closed = why
            waiting, self._waiting = self._waiting, {}
        for answer in waiting.values():
            answer.set_exception(why)


class Node:
    """One node of the lab: its process, its folder, and a connection for calls."""

    def __init__(self, kind, name, group, folder, priority=None, options=(), listen=None, heap=256):
        self.kind, self.name, self.group, self.data, self.options, self.heap = kind, name, group, folder / name, list(options), heap
        self.port = programs.free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.peer = self.address if priority is None else f"{self.address}::{priority}"
        self.listen = listen  # the port that it listens on, when a relay stands at its address
        self.log = folder / f"{name}.log"
        self.process = None
        self._connection = None

    def __repr__(self):
        return f"{self.name} ({self.kind}, {self.peer})"

    def command(self, peers, extra=()):
        arguments = ["--group", self.group, "--id", self.peer, "--peers", peers, "--data", self.data, *self.options, *extra]
        if self.listen:
            arguments += ["--listen", self.listen]
        if self.kind == "j":
            return [programs.JAVA_RUN, "--folder", JAVA, "sofa.lab.LabNode", *arguments]
        return [programs.binaries() / "sofa", "raft", "lab", *arguments]

    def launch(self, peers, extra=()):
        """Starts it without waiting: `ready` waits."""
        self.hang_up()
        self._told = (peers, tuple(extra))
        self.process = programs.Program(self.command(peers, extra), {"JAVA_OPTIONS": JAVA_OPTIONS.format(heap=self.heap)})

    def ready(self, seconds=60):
        found = self.process.wait_for_line(r"^READY (\S+)$", seconds)
        assert found[1] == self.address, found[0]

    def start(self, peers, extra=()):
        self.launch(peers, extra)
        self.ready()

    def start_again(self):
        """With the same arguments."""
        self.start(*self._told)

    @property
    def lives(self):
        return self.process is not None and self.process.process.poll() is None

    def kill(self):
        """kill -9"""
        self.hang_up()
        self.process.kill()
        self.keep_log()

    def stop(self):
        """SIGTERM"""
        self.hang_up()
        if self.process is not None:
            self.process.stop()
            self.keep_log()

    def wipe(self):
        assert not self.lives, f"{self} still runs"
        shutil.rmtree(self.data)

    def keep_log(self):
        with open(self.log, "a") as log:
            log.write("\n".join([*self.process.lines, "--- ended", ""]))
        self.process.lines.clear()

    def hang_up(self):
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def connection(self):
        if self._connection is None or self._connection.closed:
            try:
                self._connection = Connection(self.listen or self.port)
            except OSError as error:
                raise Unknown(f"{self} does not listen: {error}") from None
        return self._connection

    def send(self, op):
        return self.connection().send(REQUEST, op)

    def call(self, op, seconds=10):
        """The answer of the lab's protocol; Unknown when none comes."""
        return self.answer(self.send(op), seconds)

    def answer(self, future, seconds=10):
        try:
            class_name, content = future.result(seconds)
        except concurrent.futures.TimeoutError:
            raise Unknown(f"{self} did not answer within {seconds} s") from None
        assert class_name == RESPONSE, class_name
        return Answer(content)

    def ask(self, message, content, header=b"", seconds=10):
        """A message of JRaft's, by its class: (class name, content) of the answer."""
        return self.connection().send(message.encode(), content, header).result(seconds)

    def info(self):
        """None when it does not answer."""
        try:
            answer = self.call(INFO, 2)
        except Unknown:
            return None
        return Info(answer.rest.decode()) if answer.status == OK else None

    def dump(self, seconds=30):
        """Of a linearizable read, which may be refused while nobody leads."""
        deadline = time.monotonic() + seconds
        while (answer := self.call(DUMP, seconds)).status != OK:
            assert time.monotonic() < deadline, f"{self}: {answer}"
            time.sleep(0.2)
        return answer.rest

    def snapshot(self, seconds=60):
        answer = self.call(TRIGGER, seconds)
        assert answer.status == OK, f"{self}: {answer}"

    def tail(self, lines=40):
        kept = self.log.read_text().splitlines() if self.log.exists() else []
        return "\n  ".join([*kept, *(self.process.lines if self.process else [])][-lines:])


class Group:
    """Nodes of one group. As a context it ends its nodes, and shows their last lines when the block failed. `relayed`: a relay that records stands at
    each node's address."""

    def __init__(self, folder, kinds, name="lab", priorities=None, options=("--election-ms", "1000"), options_of=lambda at: (), heap=256, relayed=False):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.name, self.options, self.heap = folder, name, list(options), heap
        self.relays = {} if relayed else None  # by node
        self.all = []  # also spares, and those that left
        for at, kind in enumerate(kinds):
            self._new(kind, None if priorities is None else priorities[at], options_of(at))
        self.members = list(self.all)
        self.peers = self.text(self.members)

    def _new(self, kind, priority=None, options=()):
        listen = None if self.relays is None else programs.free_port()
        node = Node(kind, f"{kind}{len(self.all) + 1}", self.name, self.folder, priority, [*self.options, *options], listen, self.heap)
        if listen:
            self.relays[node] = Relay(node.port, listen)
        self.all.append(node)
        return node

    @staticmethod
    def text(nodes):
        return ",".join(node.peer for node in nodes)

    def __enter__(self):
        try:
            self.start_all()
        except BaseException:
            self.show()
            self.stop()
            raise
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            self.show()
        self.stop()

    def start_all(self):
        for node in self.members:
            node.launch(self.peers)
        for node in self.members:
            node.ready()

    def spare(self, kind, peers="-", extra=(), options=()):
        """A node of its own folder and address that waits to be added."""
        node = self._new(kind, options=options)
        node.start(peers, extra)
        return node

    def stop(self):
        for node in self.all:
            node.hang_up()
            if node.lives:
                node.process.process.terminate()
        for node in self.all:
            if node.process is not None:
                node.stop()
        for relay in (self.relays or {}).values():
            relay.stop()

    def show(self, lines=40):
        for node in self.all:
            print(f"--- {node}, all of it in {node.log}\n  {node.tail(lines)}")

    def live(self):
        return [node for node in self.members if node.lives]

    def _agreed(self):
        infos = {node: node.info() for node in self.live()}
        leaders = [node for node, info in infos.items() if info and info.state == "LEADER"]
        if len(leaders) != 1:
            return None
        followed = [info for info in infos.values() if info and same_peer(info.leader, leaders[0].peer) and info.term == infos[leaders[0]].term]
        return leaders[0] if len(followed) == len(infos) and leaders[0].call(get(b"?"), 2).status in (OK, MISSING) else None

    def leader(self, seconds=30):
        """The leader that every live member follows, once it serves reads."""

        def found():
            with contextlib.suppress(Unknown):
                return self._agreed()

        try:
            return programs.until(found, seconds)
        except AssertionError:
            told = {str(node): (info := node.info()) and info.text for node in self.live()}
            raise AssertionError(f"no leader that all follow within {seconds} s: {told}") from None

    def write(self, op, seconds=30):
        """The result of a write at the leader, wherever it is. What may be sent twice is: use it for PUT and DELETE, or in quiet times."""
        deadline = time.monotonic() + seconds
        last = None
        while time.monotonic() < deadline:
            for node in self.live():
                with contextlib.suppress(Unknown):
                    last = node.call(op, 5)
                    if last.status == OK:
                        return last.rest
            time.sleep(0.02)
        raise AssertionError(f"no node took the write within {seconds} s; the last answer was {last}")

    def equal(self, nodes=None, seconds=30):
        """Waits until the nodes have applied the same, and fails unless they hold the same bytes, which it gives."""
        nodes = nodes or self.live()

        def settled():
            infos = [node.info() for node in nodes]
            return all(infos) and len({(info.applied, info.committed) for info in infos}) == 1

        programs.until(settled, seconds)
        dumps = {str(node): node.dump() for node in nodes}
        if len(set(dumps.values())) > 1:
            held = {name: pairs_of(dump) for name, dump in dumps.items()}
            differ = [key for key in sorted(set().union(*held.values())) if len({pairs.get(key) for pairs in held.values()}) > 1]
            told = {name: [info.text for info in [node.info()]] for name, node in zip(held, nodes)}
            raise AssertionError(f"they differ in {len(differ)} keys: {told}\n"
                                 + "\n".join(f"{key}: { {name: pairs.get(key, b'(missing)')[:60] for name, pairs in held.items()} }" for key in differ[:10]))
        return next(iter(dumps.values()))


def same_peer(one, other):
    """Peers are equal by ip, port and index: a priority does not count."""

    def parts(text):
        return [part or "0" for part in [*text.split(":"), "", ""][:3]]

    return parts(one) == parts(other)


def pairs_of(dump):
    """The pairs of a DUMP."""
    found, at = {}, 0
    while at < len(dump):
        parts = []
        for _ in range(2):
            (length,) = struct.unpack_from(">I", dump, at)
            parts.append(dump[at + 4:at + 4 + length])
            at += 4 + length
        found[parts[0]] = parts[1]
    return found


class JavaAdmin:
    """JRaft's administration client: one process for many commands."""

    def __init__(self):
        command = [programs.JAVA_RUN, "--folder", JAVA, "sofa.lab.LabAdmin"]
        environment = {**os.environ, "JAVA_OPTIONS": JAVA_OPTIONS.format(heap=64)}
        self._process = subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                         text=True, env=environment)
        for line in self._process.stdout:
            if line == "READY\n":
                return
        raise AssertionError("JRaft's administration client does not start")

    def stop(self):
        self._process.kill()
        self._process.wait()

    def __call__(self, *words, seconds=60):
        """The answer: "ok ...", or "error CODE TEXT"."""
        self._process.stdin.write(" ".join(str(word) for word in words) + "\n")
        self._process.stdin.flush()
        late = threading.Timer(seconds, self._process.kill)
        late.start()
        answers = (line.strip().removeprefix("answer ") for line in self._process.stdout if line.startswith("answer "))
        answer = next(answers, None)
        late.cancel()
        assert answer is not None, f"no answer to {words} within {seconds} s"
        return answer

    def must(self, *words, seconds=60):
        answer = self(*words, seconds=seconds)
        assert answer.split(" ")[0] == "ok", f"{words}: {answer}"
        return answer.removeprefix("ok").strip()
