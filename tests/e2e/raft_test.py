"""Groups of real processes of `sofa raft lab`, and the commands of `sofa raft` on them: elections, kill -9, wiped folders, snapshots, changes of members,
a lost majority, wrong arguments and folders. Groups that have Java's nodes, too: tests/interop/raft_mixed_test.py."""

import contextlib
import json
import pathlib
import re
import signal
import socket
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "interop"))

import programs  # noqa: E402
import raft_lab as lab  # noqa: E402
from raft_frames import RPC, fields, message  # noqa: E402

QUICK = ("--election-ms", "600")
OK, REFUSED, WRONG_USAGE, NO_ANSWER = range(4)


def sofa(*words, code=OK, seconds=30):
    """What `sofa raft` prints, and complains of."""
    done = subprocess.run([programs.binaries() / "sofa", "raft", *map(str, words)], capture_output=True, text=True, timeout=seconds, check=False)
    assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout, done.stderr


def ask(group, verb, *words, peers=None, **how):
    """The answer as JSON, or the complaint when it fails."""
    flags = ["--group", group.name, "--peers", peers or lab.Group.text(group.live())]
    answer, complaint = sofa(verb, *words, *flags, "-o", "json", **how)
    return json.loads(answer) if answer else complaint


def rows(group, **how):
    return {row["peer"]: row for row in ask(group, "status", **how)}


def group_of(folder, kinds="ccc", **how):
    return lab.Group(folder, kinds, options=QUICK, **how)


def fill(group, count=200, size=100, prefix="k"):
    """So many keys, many in flight; what a leader did not take, since another leads, is sent again."""
    left = [lab.put(f"{prefix}{at}".encode(), bytes([at % 256]) * size) for at in range(count)]

    def written():
        leader = group.leader()
        try:
            sent = [(op, leader.send(op)) for op in left]
            left[:] = [op for op, one in sent if leader.answer(one).status != lab.OK]
        except lab.Unknown:
            pass
        return not left

    programs.until(written, 30)


def test_a_group_replicates_every_op_and_survives_the_death_of_its_leader(tmp_path):
    with group_of(tmp_path) as group:
        assert group.write(lab.put(b"a", b"one")) == b"\x01"
        assert group.write(lab.add(b"n", 40)) == b"40"
        assert group.write(lab.add(b"n", 2)) == b"42"
        assert group.write(lab.cas(b"a", b"one", b"two")) == b"\x01"
        assert group.write(lab.cas(b"a", b"one", b"three")) == b"\x00"
        assert group.write(lab.append(b"a", b"!")) == b"\x01"
        assert group.write(lab.put(b"gone", b"x")) and group.write(lab.delete(b"gone")) == b"\x01"
        for node in group.members:
            assert node.call(lab.get(b"a")).rest == b"two!", f"a linearizable read at {node}"
            assert node.call(lab.get(b"gone")).status == lab.MISSING

        def refused():
            leader = group.leader()
            answer = next(node for node in group.members if node is not leader).call(lab.put(b"a", b"no"))
            return answer.status == lab.NOT_LEADER and answer.rest.decode() == leader.peer

        programs.until(refused)
        assert group.members[0].call(b"\x77").rest == b"Unknown op 119"

        fill(group)
        leader = group.leader()
        told = ask(group, "describe", leader.peer)
        assert told["role"] == "LEADER" and told["applied"] == told["committed"] > 200 and len(told["followers"]) == 2
        leader.kill()
        assert group.leader() is not leader
        assert group.write(lab.put(b"after", b"death")) == b"\x01"
        leader.start_again()
        dump = lab.pairs_of(group.equal())
        assert dump[b"n"] == b"42" and dump[b"after"] == b"death" and len(dump) == 203

        for node in group.members:
            node.kill()
        for node in group.members:
            node.launch(group.peers)
        for node in group.members:
            node.ready()
        group.leader()
        assert lab.pairs_of(group.equal()) == dump


def test_a_wiped_member_is_fed_again_by_log_and_by_snapshot(tmp_path):
    with group_of(tmp_path) as group:
        leader = group.leader()
        victim = next(node for node in group.members if node is not leader)
        fill(group)
        for by in ("log", "snapshot"):
            if by == "snapshot":
                for _ in range(2):  # the log is cut up to the snapshot before the last
                    fill(group, prefix="more")
                    ask(group, "snapshot")
            before = rows(group)[leader.peer]
            victim.kill()
            victim.wipe()
            victim.start_again()
            group.equal()
            assert "a member without a log begins" in victim.tail(1000)
            row = rows(group)[victim.peer]
            assert (row["snapshot"] > 0) == (by == "snapshot") and row["log"] >= before["log"]


def test_members_are_looked_at_and_changed_from_the_command_line(tmp_path):
    with group_of(tmp_path) as group:
        leader = group.leader()
        fill(group)
        told = rows(group)
        assert [told[node.peer]["role"] for node in group.members] == ["leader" if node is leader else "follower" for node in group.members]
        assert all(row["alive"] and row["term"] == told[leader.peer]["term"] and row["lag"] == 0 for row in told.values())

        spare = group.spare("c")
        assert spare.info().leader == "-" and spare.info().state == "FOLLOWER", "it waits"
        changed = ask(group, "add", spare.peer)
        assert changed == {"before": [node.peer for node in group.members], "after": [node.peer for node in [*group.members, spare]]}
        assert "is a peer of group lab already" in json.dumps(ask(group, "add", spare.peer, code=REFUSED))
        group.members.append(spare)
        group.equal()

        assert ask(group, "transfer", spare.peer)["leader"] == spare.peer
        assert group.leader() is spare
        assert ask(group, "transfer")["leader"] != spare.peer
        assert "Not in current configuration" in json.dumps(ask(group, "transfer", "127.0.0.1:1", code=REFUSED))

        learner = group.members[0]
        assert ask(group, "remove", learner.peer)["after"] == [node.peer for node in group.members[1:]]
        assert ask(group, "learners", "add", learner.peer)["after"] == [learner.peer + "/learner"]
        assert ask(group, "learners", "add", learner.peer)["after"] == [learner.peer + "/learner"], "again"
        assert rows(group)[learner.peer]["role"] == "learner"
        assert ask(group, "learners", "promote", learner.peer)["after"][-1] == learner.peer
        group.equal()

        leader = group.leader()
        assert leader.peer not in ask(group, "remove", leader.peer)["after"], "a leader that is removed answers"
        group.members.remove(leader)
        group.leader()
        listed = ask(group, "peers")
        assert sorted(row["peer"] for row in listed) == sorted(node.peer for node in group.members)
        left = [node.peer for node in group.members[:2]]
        assert ask(group, "change", ",".join(left))["after"] == left


def test_a_group_that_has_lost_its_majority_is_set_anew(tmp_path):
    with group_of(tmp_path) as group:
        fill(group)
        group.equal()
        alone, *lost = group.members
        for node in lost:
            node.kill()
        status = [programs.binaries() / "sofa", "raft", "status", "--group", group.name, "--peers", group.peers, "--timeout", "0.5"]
        told = programs.until(lambda: (done := subprocess.run(status, capture_output=True, text=True, check=False)).returncode == NO_ANSWER and done)
        assert alone.peer in told.stdout and "group lab has no leader that answers" in told.stderr
        assert ask(group, "reset", alone.peer, peers=alone.peer) == [{"node": alone.peer, "result": "done"}]
        group.members = [alone]
        assert group.leader() is alone
        assert group.write(lab.put(b"after", b"reset")) == b"\x01"
        assert len(lab.pairs_of(alone.dump())) == 201


@contextlib.contextmanager
def three_at(folder, host, *options):
    """Three nodes of the lab there, to be asked by commands alone: their addresses."""
    addresses = [f"{host}:{programs.free_port()}" for _ in range(3)]
    nodes = [programs.Program([programs.binaries() / "sofa", "raft", "lab", "--group", "lab", "--id", address, "--peers", ",".join(addresses),
                               "--data", folder / str(at), *QUICK, *options]) for at, address in enumerate(addresses)]
    try:
        for node, address in zip(nodes, addresses):
            assert node.wait_for_line(r"^READY (\S+)$", 30)[1] == address
        yield addresses
    finally:
        for node in nodes:
            node.stop()


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as listening:
            listening.bind(("::1", 0))
        return True
    except OSError:
        return False


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no ::1")
def test_commands_take_members_with_ipv6_addresses(tmp_path):
    with three_at(tmp_path, "[::1]") as addresses:
        flags = ["--group", "lab", "--peers", ",".join(addresses), "-o", "json"]
        answer = lambda *words: json.loads(sofa(*words, *flags)[0])  # noqa: E731
        leader = next(row["peer"] for row in answer("peers") if row["leader"])
        other, third = (address for address in addresses if address != leader)
        assert answer("transfer", other)["leader"] == other
        assert all(row["alive"] is True for row in answer("status"))
        assert answer("remove", third)["after"] == [address for address in addresses if address != third]
        assert sorted(answer("learners", "add", third)["after"]) == [f"{third}/learner"]
        assert sorted(answer("learners", "remove", third)["after"]) == []
        assert third in answer("add", third)["after"]
        assert answer("snapshot", third) == [{"node": third, "result": "done"}]


@pytest.mark.parametrize("words, code, sentence", [
    (["status", "--group", "lab"], WRONG_USAGE, "peers"),
    (["status", "--group", "1lab", "--peers", "127.0.0.1:1"], WRONG_USAGE, "'1lab' is no name of a group"),
    (["status", "--group", "lab", "--peers", "nobody"], WRONG_USAGE, "'nobody' is no member of a group; it must have the form IP:PORT"),
    (["status", "--group", "lab", "--peers", "127.0.0.1:1", "--timeout", "0.3"], NO_ANSWER, "no leader of group lab has answered within 300 ms"),
    (["change", "127.0.0.1:1,127.0.0.1:2/witness", "--group", "lab", "--peers", "127.0.0.1:1"], WRONG_USAGE, "'127.0.0.1:2/witness': there are no witnesses"),
    (["add", "x", "--group", "lab", "--peers", "127.0.0.1:1"], WRONG_USAGE, "'x' is no member of a group"),
    (["learners", "tease", "127.0.0.1:2", "--group", "lab", "--peers", "127.0.0.1:1"], WRONG_USAGE, "it is add, remove, reset or promote"),
    (["lab", "--group", "lab", "--id", "here", "--peers", "-", "--data", "d"], WRONG_USAGE, "--id: 'here' is no member"),
    (["lab", "--group", "la b", "--id", "127.0.0.1:1", "--peers", "-", "--data", "d"], WRONG_USAGE, "'la b' is no name of a group"),
    (["lab", "--group", "lab", "--id", "127.0.0.1:1", "--peers", "127.0.0.1:1/learner", "--data", "d"], WRONG_USAGE, "somebody must vote"),
    (["lab", "--group", "lab", "--id", "127.0.0.1:1", "--peers", "-"], WRONG_USAGE, "data"),
])
def test_a_wrong_command_line_is_refused_with_a_sentence(words, code, sentence):
    _, complaint = sofa(*words, code=code)
    assert sentence in complaint


def start_in(folder, address, group="lab", code=REFUSED):
    return sofa("lab", "--group", group, "--id", address, "--peers", address, "--data", folder, code=code)[1]


def test_a_folder_or_a_port_that_is_not_its_own_is_refused(tmp_path):
    with group_of(tmp_path, "c") as group:
        node = group.leader()
        group.write(lab.put(b"k", b"v"))
        assert str(node.data) in start_in(node.data, node.peer), "in use"
        taken = start_in(tmp_path / "other", node.peer)
        assert node.address in taken and re.search("in use|taken|bind", taken), taken
        node.stop()
        other = f"127.0.0.1:{programs.free_port()}"
        assert node.address in start_in(node.data, other), "of another address"
        assert "lab" in start_in(node.data, node.peer, group="another"), "of another group"
        identity = next(path for path in node.data.iterdir() if path.is_file() and node.address in path.read_text(errors="replace"))
        kept = identity.read_text()
        identity.write_text(re.sub(r"\b1\b", "999", kept, count=1))
        assert re.search("999|newer", start_in(node.data, node.peer)), "of a newer version"
        identity.write_text(kept)
        node.start_again()
        group.leader()
        assert node.call(lab.get(b"k")).rest == b"v"


def test_a_state_is_dumped_that_is_larger_than_a_frame_may_be(tmp_path):
    with group_of(tmp_path, "c") as group:
        fill(group, count=70, size=1 << 20, prefix="big")
        dump = lab.pairs_of(group.leader().dump())
        assert len(dump) == 70 and {len(value) for value in dump.values()} == {1 << 20}


def test_ops_that_are_no_writes_may_be_numbered_in_decimal(tmp_path):
    with group_of(tmp_path, "c") as group:
        node = group.leader()
        group.write(lab.put(b"k", b"v"))
        for op in (lab.get(b"k"), lab.get_local(b"k"), lab.DUMP, lab.TRIGGER):
            decimal = node.call(bytes([op[0] - 6]) + op[1:])
            assert (decimal.status, decimal.rest) == (lab.OK, node.call(op).rest), op
        assert node.call(b"\x0d").rest.split(b" ")[0] == b"LEADER"


def test_bad_input_of_peers_is_refused_told_in_the_log_and_does_no_harm(tmp_path):
    """What else is refused with JRaft's codes and texts, by Java's nodes, too: tests/interop/raft_mixed_test.py."""
    with lab.Group(tmp_path, "ccc", options=("--election-ms", "2000")) as group:
        fill(group)
        leader = group.leader()
        group.equal()
        node = next(one for one in group.members if one is not leader)
        me, term, stranger, error = node.peer, node.info().term, "127.0.0.1:7999", RPC + "ErrorResponse"
        einval, last = 1015, node.info().applied

        def append(name="lab", sender=leader.peer, of=term, prev=last, entry=None, data=None):
            head = ((1, name), (2, sender), (3, me))
            return ("AppendEntriesRequest", message(*head, (4, of), (5, of), (6, prev), (7, entry), (8, 0), (9, data)), message(*head))

        def install(peer):
            meta = message((1, 10_000), (2, term), (3, peer))
            return ("InstallSnapshotRequest", message((1, "lab"), (2, leader.peer), (3, me), (4, term), (5, meta), (6, "remote://127.0.0.1:1/1")), b"")

        def file(name):
            return ("GetFileRequest", message((1, 77), (2, name), (3, 100), (4, 0)), b"")

        def entry(size):
            return message((1, term), (2, 2), (4, size))

        large = 25 << 20
        for (request, content, header), answer, told in [
            (append(name="nope"), (error, [(1, 1012), (2, f"Peer id not found: {me}, group: nope")]), "request for a member that is not here"),
            (append(of=term - 1, sender=stranger), (RPC + "AppendEntriesResponse", [(1, term), (2, 0)]), "request of an older term"),
            (append(sender="nobody"), (error, [(1, einval), (2, "Fail to parse peerId: nobody")]), "Fail to parse peerId: nobody"),
            (append(prev=last + 1000, entry=entry(1), data="x"), (RPC + "AppendEntriesResponse", [(1, term), (2, 0), (3, last)]), None),
            (append(entry=entry(100), data="x"), (error, [(1, einval), (2, "is said to have")]), "is said to have"),
            (append(entry=entry(large), data=bytes(large)), (error, [(1, einval), (2, f"has {large} bytes, this node stores at most")]), "stores at most"),
            (install("nobody"), (error, [(1, einval), (2, "the member 'nobody'")]), "the member 'nobody'"),
            (file("data"), (error, [(1, 1012), (2, "Fail to find reader=77")]), "Fail to find reader=77"),
            (file("../identity"), (error, [(1, 1012), (2, "Fail to find reader=77")]), "Fail to find reader=77"),
            (("RequestVoteRequest", b"\xff\xff", b""), (error, [(1, 1000), (2, "")]), "request refused"),
        ]:
            class_name, said = node.ask(RPC + request, content, header)
            found = [(number, value.decode() if isinstance(value, bytes) else value) for number, value in fields(said)]
            assert class_name.decode() == answer[0] and len(found) == len(answer[1]), f"{request}: {class_name} {found}"
            for (number, value), (wanted_number, wanted) in zip(found, answer[1]):
                assert number == wanted_number and (wanted in value if isinstance(wanted, str) else value == wanted), f"{request}: {found}"
            if told:
                programs.until(lambda: any(told in line for line in node.process.lines))  # noqa: B023
        assert (node.info().term, node.info().applied) == (term, last) and group.leader() is leader
        group.write(lab.put(b"after", b"all of it"))
        assert len(lab.pairs_of(group.equal())) == 201


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_a_node_says_ready_and_nothing_else_on_standard_output_has_one_port_and_ends_well(tmp_path, end):
    """With the flags that it must have, and no more; its folder and those above it are made."""
    address = f"127.0.0.1:{programs.free_port()}"
    command = [programs.binaries() / "sofa", "raft", "lab", "--group", "lab", "--id", address, "--peers", address, "--data", tmp_path / "a" / "b"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as node:
        try:
            assert node.stdout.readline() == f"READY {address}\n"
            inodes = {link for link in (pathlib.Path(f"/proc/{node.pid}/fd/{fd.name}").readlink().name for fd in pathlib.Path(f"/proc/{node.pid}/fd").iterdir())
                      if link.startswith("socket:")}
            sockets = [line.split() for line in pathlib.Path(f"/proc/{node.pid}/net/tcp").read_text().splitlines()[1:]]
            listening = [int(row[1].split(":")[1], 16) for row in sockets if row[3] == "0A" and f"socket:[{row[9]}]" in inodes]
            assert listening == [int(address.split(":")[1])]
            with socket.create_connection(address.split(":"), 5):
                node.send_signal(end)
                out, log = node.communicate(timeout=10)
        finally:
            node.kill()
        assert (node.returncode, out) == (0, "") and "member started" in log, log


def test_a_node_takes_snapshots_by_time(tmp_path):
    with lab.Group(tmp_path, "c", options=(*QUICK, "--snapshot-secs", "1")) as group:
        fill(group, count=20)
        programs.until(lambda: rows(group)[group.members[0].peer]["snapshot"] >= 20, 20)
