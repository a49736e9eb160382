"""examples/counter: three nodes keep a counter, whoever of them dies; docs/raft/state-machine.md shows its code."""

import os
import pathlib
import signal
import socket
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("SOFA_BIN", ROOT / "build" / "release" / "bin"))


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class Group:
    def __init__(self, folder):
        self.folder = folder
        self.ids = [f"127.0.0.1:{port}" for port in free_ports(3)]
        self.peers = ",".join(self.ids)
        self.nodes = {}

    def start(self, i):
        command = [BIN / "counter-server", "--id", self.ids[i], "--peers", self.peers, "--data", self.folder / str(i)]
        log = open(self.folder / f"{i}.log", "a", encoding="utf-8")
        self.nodes[i] = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        assert self.nodes[i].stdout.readline() == f"READY {self.ids[i]}\n", (self.folder / f"{i}.log").read_text()

    def end(self, i, how=signal.SIGTERM):
        self.nodes[i].send_signal(how)
        code = self.nodes[i].wait(20)
        del self.nodes[i]
        return code

    def ask(self, *arguments, timeout_ms=20_000):
        command = [BIN / "counter-client", "--peers", self.peers, "--timeout-ms", str(timeout_ms), *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    def value(self, *arguments):
        done = self.ask(*arguments)
        assert done.returncode == 0, done.stderr
        return int(done.stdout.split()[-1])


@pytest.fixture
def group(tmp_path):
    one = Group(tmp_path)
    for i in range(3):
        one.start(i)
    yield one
    for i in list(one.nodes):
        one.end(i, signal.SIGKILL)


def test_the_counter_outlives_the_death_of_any_node(group):
    assert group.value("--add", "5", "--times", "4") == 20
    expected = 20
    for victim in range(3):
        group.end(victim, signal.SIGKILL)
        for _ in range(5):
            expected += 1
            assert group.value("--add", "1") == expected, "nothing acknowledged is lost, and what was sent twice counts once"
        group.start(victim)
    assert group.value() == expected


def test_the_counter_is_there_again_when_all_nodes_were_stopped(group):
    assert group.value("--add=-7") == -7
    assert [group.end(i) for i in range(3)] == [0, 0, 0]
    done = group.ask(timeout_ms=300)
    assert done.returncode == 1 and "no leader of the group counter has answered within 300 ms" in done.stderr
    for i in range(3):
        group.start(i)
    assert group.value() == -7


def test_wrong_options_end_with_a_sentence(tmp_path):
    for command in ([BIN / "counter-server", "--id", "x", "--peers", "127.0.0.1:1", "--data", tmp_path], [BIN / "counter-client"]):
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode != 0 and len(done.stderr.strip().splitlines()) == 1, done.stderr
