"""examples/counter: three nodes keep a counter, whoever of them dies; docs/raft/state-machine.md shows its code."""

import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

import jsonschema
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("SOFA_BIN", ROOT / "build" / "release" / "bin"))
CONTRACT = json.loads((ROOT / "console" / "api" / "openapi.json").read_text())  # what the console counts on


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def options_of(node, peers, folder):
    return ["--counter-id", node, "--counter-peers", peers, "--counter-data", folder, "--admin-port", "0"]


def until(ask, what, wanted=bool, seconds=30):
    end = time.monotonic() + seconds
    while not wanted(answer := ask()):
        assert time.monotonic() < end, f"{what}: still {answer}"
        time.sleep(0.05)
    return answer


class Group:
    def __init__(self, folder):
        self.folder = folder
        self.ids = [f"127.0.0.1:{port}" for port in free_ports(3)]
        self.peers = ",".join(self.ids)
        self.nodes = {}
        self.admin = {}

    def start(self, i, *options):
        command = [BIN / "counter-server", *options_of(self.ids[i], self.peers, self.folder / str(i)), *options]
        log = open(self.folder / f"{i}.log", "a", encoding="utf-8")
        self.nodes[i] = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        ready = re.fullmatch(r"ready counter-server pid=\d+ admin=(\d+)\n", self.nodes[i].stdout.readline())
        assert ready, (self.folder / f"{i}.log").read_text()
        self.admin[i] = ready.group(1)

    def get(self, i, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.admin[i]}{path}", timeout=10) as answer:
            return answer.read().decode()

    def groups(self, i, path="/v1/raft/groups"):
        answer = json.loads(self.get(i, path))
        schema = "RaftGroup" if path.startswith("/v1/raft/groups/") else "RaftGroups"
        jsonschema.validate(answer, {**CONTRACT["components"]["schemas"][schema], "components": CONTRACT["components"]})
        return answer

    def leader(self):
        """The node that leads by its own account."""
        return until(lambda: next((i for i in self.nodes if self.groups(i)["groups"][0]["role"] == "LEADER"), None), "a leader", wanted=lambda one: one is not None)

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


def test_the_admin_port_tells_how_the_group_is(group):
    assert group.value("--add", "1", "--times", "5") == 5
    leader = group.leader()
    others = [i for i in range(3) if i != leader]
    # A node that had not started yet when the leader called is noted until it answers.
    page = until(lambda: group.groups(leader), "all nodes answer the leader", wanted=lambda page: page["sums"]["attention"] == 0)
    assert page["address"] == group.ids[leader] and page["sums"] == {"groups": 1, "leaders": 1, "followers": 0, "quiet": 0, "attention": 0}
    row = page["groups"][0]
    assert row["group"] == "counter" and row["leader"] == group.ids[leader] and row["committed"] >= 6
    assert group.groups(others[0])["groups"][0]["leader"] == group.ids[leader]

    told = group.groups(leader, "/v1/raft/groups/counter")["members"][0]
    assert sorted(one["peer"] for one in told["followers"]) == sorted(group.ids[i] for i in others)
    assert told["applied"] == told["last_log"] and told["voted_for"] == group.ids[leader] and told["last_election"]

    # One is lost: the list and the metrics say so.
    lost = group.ids[others[0]]
    group.end(others[0], signal.SIGKILL)
    assert group.value("--add", "1", "--times", "3") == 8
    note = until(lambda: group.groups(leader, "/v1/raft/groups?attention=true")["groups"], "the lost node is noted")[0]["note"]
    assert lost in note
    metrics = group.get(leader, "/metrics")
    lag = re.search(r'raft_replicator{group="counter",name="log-lags",node="%s",peer="%s"} (\d+)' % (group.ids[leader], lost), metrics)
    assert lag and int(lag.group(1)) >= 3, metrics
    assert "\nraft_replicators_stalled_total{" in metrics
    appended = re.search(r'raft_latency_seconds_count{group="counter",name="append-logs",node="[^"]*"} (\d+)', metrics)
    assert appended and int(appended.group(1)) >= 3, metrics

    # An election tells its reason.
    group.start(others[0])
    group.end(leader, signal.SIGKILL)
    new = group.leader()
    why = group.groups(new)["groups"][0]
    assert why["elections"] >= 1 and why["last_election"] and why["last_election_at_ms"] > (time.time() - 60) * 1000
    with pytest.raises(urllib.error.HTTPError, match="404"):
        group.get(new, "/v1/raft/groups/nosuch")


def test_a_node_listens_elsewhere_than_it_is_named(tmp_path):
    named, bound = (f"127.0.0.1:{port}" for port in free_ports(2))
    command = [BIN / "counter-server", *options_of(named, named, tmp_path / "elsewhere"), "--counter-listen", bound]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as node:
        assert node.stdout.readline().startswith("ready counter-server")
        host, port = bound.split(":")
        socket.create_connection((host, int(port)), timeout=5).close()
        with pytest.raises(OSError):
            socket.create_connection((host, int(named.split(":")[1])), timeout=5)
        node.send_signal(signal.SIGTERM)
        assert node.wait(20) == 0


@pytest.mark.parametrize("node, peers, sentence", [
    ("x", "127.0.0.1:1", "the address 'x' of the node is no ip:port"),
    ("127.0.0.1:1", "127.0.0.1:1,127.0.0.1:2,127.0.0.1:3/witness", "'127.0.0.1:3/witness': there are no witnesses"),
    ("127.0.0.1:1", "127.0.0.1:1,here", "'here' is no member of a group"),
])
def test_what_makes_no_sense_is_refused_with_a_sentence(tmp_path, node, peers, sentence):
    done = subprocess.run([BIN / "counter-server", *options_of(node, peers, tmp_path)], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1 and sentence in done.stderr, done.stderr


def test_a_client_without_peers_ends_with_a_sentence():
    done = subprocess.run([BIN / "counter-client"], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode != 0 and len(done.stderr.strip().splitlines()) == 1, done.stderr
