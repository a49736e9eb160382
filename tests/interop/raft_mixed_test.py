"""Unmodified nodes of JRaft and ours in one group, in every proportion: docs/protocols/jraft.md 7 and 8, item by item.

$SOFA_RAFT_MIXES names the groups ("ccj cjj" by default; "jjj" proves the tests on Java alone), $SOFA_RAFT_FULL=1 adds what takes long. On a machine so
busy that processes stand still for a second, $SOFA_RAFT_ELECTION_MS (1000) must be longer: leaders that are not heard step down, as they should.
"""

import contextlib
import os
import re
import signal
import subprocess
import threading

import pytest

import programs
from conftest import FAILED
from programs import until
from raft_frames import CLI, RPC, fields, message
from raft_lab import MISSING, OK, Group, JavaAdmin, Unknown, add, append, cas, delete, get, get_local, pairs_of, put, same_peer

MIXES = os.environ.get("SOFA_RAFT_MIXES", "ccj cjj").split()
FULL = os.environ.get("SOFA_RAFT_FULL") == "1"
ELECTION = ["--election-ms", os.environ.get("SOFA_RAFT_ELECTION_MS", "1000")]
MIB = 1 << 20


@pytest.fixture(scope="module")
def jraft():
    programs.compile_java(programs.HERE / "jraft-java")


@pytest.fixture(scope="module")
def java_admin(jraft):
    made = JavaAdmin()
    yield made
    made.stop()


class Mix(Group):
    """A group, two spares of either kind, and what every acknowledged write has left in it. The first of its members keeps checksums of entries."""

    def __init__(self, folder, kinds, admin):
        super().__init__(folder, kinds, options=ELECTION, options_of=lambda at: ["--checksum"] if at == 0 else [], heap=1024 if FULL else 256)
        self.admin, self.kinds = admin, kinds
        self.expected, self.unknown = {}, set()
        self.spares = {}

    def spare_of(self, kind):
        """A node outside the group whose folder is empty."""
        if kind not in self.spares:
            self.spares[kind] = self.spare(kind)
        node = self.spares[kind]
        if not node.lives:
            node.start("-")
        return node

    def empty(self, node):
        """A node that has left the group becomes a spare without data."""
        node.kill()
        node.wipe()

    def run(self, *words):
        """A command of JRaft's administration client, given (command, arguments...). On a busy machine a node may not catch up in time (10003), or the
        change before may not be over yet (1009): then it is given again."""

        def done():
            answer = self.admin(words[0], self.name, self.peers, *words[1:])
            assert answer.startswith(("ok", "error 10003 ", "error 1009 ")), f"{words}: {answer}"
            return answer if answer.startswith("ok") else None

        return until(done, 60).removeprefix("ok").strip()

    def lead(self, node):
        """Hands leadership to the node."""
        leader = self.leader()
        if leader is not node:
            self.run("transferLeader", node.peer)
            until(lambda: (info := node.info()) and info.state == "LEADER", 15)
        assert self.leader() is node
        return node

    def leader_of_each_kind(self):
        """One member of each kind after the other, as the leader. Where there is less time only one of the kind that is alone: over unlike followers."""
        kinds = sorted(set(self.kinds))
        for kind in kinds if FULL else [min(kinds, key=self.kinds.count)]:
            leader = self.leader()
            yield self.lead(leader if leader.kind == kind else next(node for node in self.live() if node.kind == kind))

    def keep(self, key, value):
        """A PUT at the leader, remembered once it is acknowledged."""
        assert self.write(put(key, value)) == b"\x01"
        self.expected[key] = value

    def forget(self, key):
        self.expected.pop(key, None)
        self.unknown.add(key)

    def truncate(self, node):
        """Takes two snapshots with a write between them: the log ends at the first of them."""
        for at in range(2):
            self.keep(b"cut", b"%d" % at)
            self.catch_up(node)
            node.snapshot()

    def catch_up(self, node, seconds=30):
        """Waits until the node has applied what is committed now."""
        committed = self.leader().info().committed
        until(lambda: (info := node.info()) and info.applied >= committed, seconds)

    def check(self, nodes=None):
        """All hold the same, and nothing acknowledged is missing."""
        held = pairs_of(self.equal(nodes))
        missing = [key for key, value in self.expected.items() if key not in self.unknown and held.get(key) != value]
        assert not missing, f"{len(missing)} acknowledged writes are missing or differ: {missing[:10]}"


@pytest.fixture(scope="module", params=MIXES)
def mix(request, java_admin, tmp_path_factory):
    with Mix(tmp_path_factory.mktemp(f"raft-{request.param}"), request.param, java_admin) as group:
        yield group


@pytest.fixture(autouse=True)
def shown(request):
    """A failed check shows the last lines of every node."""
    yield
    if request.node.stash.get(FAILED, False) and "mix" in request.fixturenames:
        request.getfixturevalue("mix").show()


def battery(group, tag):
    """Every op once and its result; keys begin with `tag`."""
    key = tag + b".value"
    assert group.write(put(key, b"one")) == b"\x01"
    assert group.write(cas(key, b"one", b"two")) == b"\x01"
    assert group.write(cas(key, b"one", b"three")) == b"\x00"
    assert group.write(append(key, b"!")) == b"\x01"
    group.expected[key] = b"two!"
    count = tag + b".count"
    assert group.write(add(count, 5)) == b"5"
    assert group.write(add(count, -12)) == b"-7"
    group.expected[count] = b"-7"
    gone = tag + b".gone"
    assert group.write(cas(gone, None, b"here")) == b"\x01"
    assert group.write(cas(gone, None, b"again")) == b"\x00"
    assert group.write(delete(gone)) == b"\x01"
    assert group.write(put(b"", b"the empty key")) == b"\x01"
    assert group.write(put(tag + b".empty", b"")) == b"\x01"
    group.expected[tag + b".empty"] = b""
    assert group.leader().call(b"\x77\x00\x00").status != OK  # no op of the lab's
    for node in group.live():
        assert (answer := node.call(get(key))).status == OK and answer.rest == b"two!", f"{node}: {answer}"
        assert node.call(get(gone)).status == MISSING, node


def test_a_leader_is_elected(mix):
    leader = mix.leader()
    assert leader.info().term >= 1
    battery(mix, b"first")
    mix.check()


def test_each_member_leads_in_turn_and_replicates_every_op(mix):
    for at, node in enumerate([*mix.members, mix.members[0]]):
        mix.lead(node)
        battery(mix, b"leader %d" % at)
    mix.check()


def test_writes_at_a_follower_name_the_leader(mix):
    leader = mix.leader()
    for node in mix.live():
        if node is not leader:
            answer = node.call(put(b"misled", b""))
            assert answer.status == 1 and same_peer(answer.rest.decode(), leader.peer), answer


def test_thousands_of_writes_in_flight(mix):
    for leader in mix.leader_of_each_kind():
        key = b"flight." + leader.name.encode()
        sent = [leader.send(add(key, 1)) for _ in range(1500)]
        sent += [leader.send(put(key + b".%d" % at, b"x" * 200)) for at in range(1500)]
        answers = [leader.answer(future, 60) for future in sent]
        assert {answer.status for answer in answers} == {OK}, [answer for answer in answers if answer.status != OK][:3]
        assert sorted(int(answer.rest) for answer in answers[:1500]) == list(range(1, 1501))
        mix.expected[key] = b"1500"
    mix.check()


def test_a_read_at_any_node_sees_what_was_written_before(mix):
    for leader in mix.leader_of_each_kind():
        for at in range(60):
            assert leader.call(put(b"seen", b"%d" % at)).status == OK
            asked = [(node, node.send(get(b"seen"))) for node in mix.live()]
            for node, future in asked:
                answer = node.answer(future)
                assert answer.rest == b"%d" % at, f"{node}, led by {leader}: {answer} after {at}"
        assert leader.call(get_local(b"seen")).rest == b"59"


def test_many_reads_of_a_follower_in_flight(mix):
    for leader in mix.leader_of_each_kind():
        mix.keep(b"read often", b"yes")
        for node in mix.live():
            answers = [node.answer(future, 30) for future in [node.send(get(b"read often")) for _ in range(500)]]
            read = {answer.rest for answer in answers if answer.status == OK}
            assert read == {b"yes"}, f"{node}, led by {leader}: {read}"
            # A starved machine may cost a round of heartbeats, which all reads of one batch need.
            refused = [answer for answer in answers if answer.status != OK]
            assert len(refused) < 100, f"{node}, led by {leader}: {len(refused)} refused, {refused[0]}"


def test_values_of_a_mebibyte(mix):
    for leader in mix.leader_of_each_kind():
        sent = [leader.send(put(b"big.%d" % at, bytes([at]) * MIB)) for at in range(6)]
        for future in sent:
            assert leader.answer(future, 60).status == OK
        for at in range(6):
            mix.expected[b"big.%d" % at] = bytes([at]) * MIB
    mix.check()
    for at in range(1, 6):
        mix.write(delete(b"big.%d" % at))
        del mix.expected[b"big.%d" % at]


def test_a_spare_is_fed_by_snapshot(mix):
    """From a leader of each kind, to a spare of each kind: the log that they would need is cut off before."""
    for leader in mix.leader_of_each_kind():
        mix.truncate(leader)
        for kind in sorted({"j", *mix.kinds}):
            spare = mix.spare_of(kind)
            mix.run("addPeer", spare.peer)
            mix.check([*mix.live(), spare])
            mix.run("removePeer", spare.peer)
            mix.empty(spare)
    mix.check()


def test_a_wiped_member_is_fed_again(mix):
    for leader in mix.leader_of_each_kind():
        mix.truncate(leader)
        for node in mix.live():
            if node is not leader:
                node.kill()
                node.wipe()
                node.start(mix.peers)
                mix.catch_up(node)
                mix.keep(b"fed again", node.name.encode())
        mix.check()


def test_peers_are_added_removed_and_exchanged(mix):
    for leader in mix.leader_of_each_kind():
        for kind in sorted({"j", *mix.kinds}):
            spare = mix.spare_of(kind)
            mix.run("addPeer", spare.peer)
            assert peers_of(mix.run("getPeers")) == {node.peer for node in [*mix.members, spare]}
            assert peers_of(mix.run("getAlivePeers")) == {node.peer for node in [*mix.members, spare]}
            mix.keep(b"four of us", kind.encode())
            leaving = next(node for node in mix.members if node is not leader)
            mix.run("changePeers", mix.text([node for node in [*mix.members, spare] if node is not leaving]))
            assert leaving.peer not in peers_of(mix.run("getPeers"))
            mix.keep(b"three of us", kind.encode())
            mix.run("changePeers", mix.peers)
            assert peers_of(mix.run("getPeers")) == {node.peer for node in mix.members}
            mix.empty(spare)
    mix.check()


def peers_of(text):
    return {peer.strip() for peer in text.strip("[]").split(",") if peer.strip()}


def test_learners(mix):
    for leader in mix.leader_of_each_kind():
        for kind in sorted({"j", *mix.kinds}):
            spare = mix.spare_of(kind)
            mix.run("addLearners", spare.peer)
            assert peers_of(mix.run("getLearners")) == {spare.peer}
            assert peers_of(mix.run("getPeers")) == {node.peer for node in mix.members}
            mix.keep(b"learned", kind.encode())
            mix.check([*mix.live(), spare])
            assert spare.call(get(b"learned")).rest == kind.encode()
            assert spare.info().state == "FOLLOWER"
            mix.run("resetLearners", spare.peer)
            mix.run("removeLearners", spare.peer)
            assert peers_of(mix.run("getLearners")) == set()
            mix.run("addLearners", spare.peer)
            mix.run("learner2Follower", spare.peer)
            assert peers_of(mix.run("getPeers")) == {node.peer for node in [*mix.members, spare]}
            mix.run("removePeer", spare.peer)
            mix.empty(spare)
    mix.check()


def sofa(mix, command, *words):
    """`sofa raft COMMAND`; what it prints."""
    line = [programs.binaries() / "sofa", "raft", *command.split(), *words, "--group", mix.name, "--peers", mix.peers, "--timeout", "30"]
    for _ in range(5):
        done = subprocess.run([str(word) for word in line], capture_output=True, text=True, timeout=60, check=False)
        if "failed to catch up" not in done.stderr:  # what a node may do on a busy machine
            break
    assert done.returncode == 0, f"{line}: {done.returncode} {done.stdout}{done.stderr}"
    return done.stdout


def test_the_commands_of_sofa_raft(mix):
    for leader in mix.leader_of_each_kind():
        for kind in sorted({"j", *mix.kinds}):
            spare = mix.spare_of(kind)
            shown = sofa(mix, "status")
            assert re.search(rf"{leader.peer}\s+leader", shown), shown
            assert all(node.peer in shown for node in mix.members), shown
            sofa(mix, "add", spare.peer)
            assert spare.peer in sofa(mix, "peers")
            sofa(mix, "remove", spare.peer)
            sofa(mix, "change", mix.text([*mix.members, spare]))
            sofa(mix, "change", mix.peers)
            assert spare.peer not in sofa(mix, "peers")
            sofa(mix, "learners add", spare.peer)
            assert spare.peer in sofa(mix, "peers")
            sofa(mix, "learners promote", spare.peer)
            mix.keep(b"promoted", kind.encode())
            mix.check([*mix.live(), spare])
            sofa(mix, "remove", spare.peer)
            mix.empty(spare)
        sofa(mix, "snapshot")
        other = next(node for node in mix.members if node is not leader)
        sofa(mix, "transfer", other.peer)
        assert mix.leader() is other
    mix.check()


def test_a_leader_that_is_removed_steps_down(mix):
    for leader in mix.leader_of_each_kind():
        mix.run("removePeer", leader.peer)
        others = [node for node in mix.members if node is not leader]
        mix.members = others
        successor = mix.leader()
        assert successor is not leader
        until(lambda: leader.info().state != "LEADER")
        mix.keep(b"without", leader.name.encode())
        mix.run("addPeer", leader.peer)
        mix.members = [node for node in mix.all if node in [*others, leader]]
        mix.check()


@contextlib.contextmanager
def writer(mix, tag):
    """Writes unique keys all the time, and remembers what was acknowledged."""
    stopping = threading.Event()
    written = []

    def write():
        while not stopping.is_set():
            key = tag + b".%d" % len(written)
            written.append(key)
            for node in list(mix.members):
                if not node.lives:
                    continue
                try:
                    answer = node.call(put(key, key), 3)
                except (Unknown, AssertionError):
                    continue
                if answer.status == OK:
                    mix.expected[key] = key
                    break
            stopping.wait(0.005)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join(30)
    assert any(key in mix.expected for key in written), f"not one of {len(written)} writes was acknowledged"


def test_each_member_is_killed_under_load(mix):
    with writer(mix, b"killed"):
        for node in mix.members:
            node.kill()
            successor = mix.leader()
            assert successor is not node
            mix.keep(b"after the death of", node.name.encode())
            node.start_again()
            mix.catch_up(node)
    mix.check()


def test_the_leader_is_killed_under_load(mix):
    for leader in mix.leader_of_each_kind():
        with writer(mix, b"leader " + leader.name.encode()):
            leader.kill()
            mix.leader()
            leader.start_again()
            mix.catch_up(leader)
        mix.check()


def test_all_are_killed_and_start_again(mix):
    mix.keep(b"before the end", b"kept")
    for node in mix.members:
        node.kill()
    for node in mix.members:
        node.launch(mix.peers)
    for node in mix.members:
        node.ready()
    mix.leader()
    mix.check()


def test_all_end_in_turn_and_start_again(mix):
    """SIGTERM: a leader hands over before it ends."""
    for node in mix.members:
        node.stop()
        mix.keep(b"rolling", node.name.encode())
        node.start_again()
        mix.catch_up(node)
    mix.check()


def test_a_leader_without_a_majority_steps_down(mix):
    for leader in mix.leader_of_each_kind():
        others = [node for node in mix.members if node is not leader]
        for node in others:
            node.kill()
        until(lambda: leader.info().state != "LEADER", 10)
        with contextlib.suppress(Unknown):
            assert leader.call(put(b"alone", b""), 3).status != OK
        mix.unknown.add(b"alone")
        for node in others:
            node.launch(mix.peers)
        for node in others:
            node.ready()
        mix.leader()
        mix.check()


def test_a_tail_that_was_never_committed_is_given_up(mix):
    """A leader's last entries that no other has: they are gone once another leads."""
    for leader in mix.leader_of_each_kind():
        others = [node for node in mix.members if node is not leader]
        for node in others:
            node.kill()
        lost = [b"lost.%d" % at for at in range(50)]
        sent = [leader.send(put(key, b"")) for key in lost]
        until(lambda: leader.info().state != "LEADER", 10)
        leader.kill()
        for future in sent:
            with contextlib.suppress(Unknown):
                assert leader.answer(future).status != OK
        for node in others:
            node.launch(mix.peers)
        for node in others:
            node.ready()
        assert mix.leader() is not leader
        mix.keep(b"kept", b"in its place")
        leader.start_again()
        mix.catch_up(leader)
        mix.check()
        assert not set(lost) & set(pairs_of(leader.dump()))


def test_a_paused_leader_serves_nothing_stale(mix):
    for leader in mix.leader_of_each_kind():
        others = [node for node in mix.members if node is not leader]
        mix.keep(b"pause", b"before")
        leader.process.process.send_signal(signal.SIGSTOP)
        mix.members = others
        try:
            successor = mix.leader()
            assert successor.call(put(b"pause", b"after")).status == OK
            mix.expected[b"pause"] = b"after"
            asked = [leader.send(op) for op in (get(b"pause"), put(b"paused", b""))]
        finally:
            leader.process.process.send_signal(signal.SIGCONT)
            mix.members = [node for node in mix.all if node in [leader, *others]]
        read, written = (leader.answer(future, 20) for future in asked)
        assert read.status != OK or read.rest == b"after", read
        assert written.status != OK, written
        mix.leader()
        mix.check()


def test_peers_are_reset_after_the_majority_is_lost(mix):
    for leader in mix.leader_of_each_kind():
        others = [node for node in mix.members if node is not leader]
        mix.check()
        for node in others:
            node.kill()
            node.wipe()
        mix.admin.must("resetPeer", mix.name, leader.peer, leader.peer)
        mix.members = [leader]
        assert mix.leader() is leader
        mix.keep(b"alone", b"and alive")
        mix.peers, all_peers = leader.peer, mix.peers
        for node in others:
            node.start("-")
            assert mix.admin("getLeader", mix.name, node.peer).startswith("error")
            mix.run("addPeer", node.peer)
        mix.peers = all_peers
        for node in others:
            node._told = (mix.peers, ())
        mix.members = [node for node in mix.all if node in [leader, *others]]
        mix.check()


# Messages that get a refusal (docs/protocols/jraft.md 1.2): the same from either kind. A text of "handleRequest internal error" is JRaft's for an
# exception of its own, where ours say what is wrong: there the code alone counts.
STRANGER = "127.0.0.1:7999"


def append_header(group, peer):
    return message((1, group), (2, STRANGER), (3, peer))


def refusals(group, node):
    """(what, class of the request, its content, its header, class of the answer, fields of the answer); a text as a prefix ends in "..."."""
    me, term = node.peer, node.info().term
    wrong = f"{node.address.rsplit(':', 1)[0]}:1"

    def vote(group, peer):
        return message((1, group), (2, STRANGER), (3, peer), (4, 1), (5, 0), (6, 0), (7, True))

    def appended(group, peer, term):
        return message((1, group), (2, STRANGER), (3, peer), (4, term), (5, 0), (6, 0), (8, 0))

    def file(reader, count, offset):
        return message((1, reader), (2, "data"), (3, count), (4, offset), (5, True))

    meta = message((1, 1), (2, 1), (3, me))
    error, rpc = RPC + "ErrorResponse", RPC
    return [
        ("ping", rpc + "PingRequest", message((1, 1)), b"", error, [(1, 0), (2, "OK")]),
        ("vote, unknown group", rpc + "RequestVoteRequest", vote("nope", me), b"", error, [(1, 1012), (2, f"Peer id not found: {me}, group: nope")]),
        ("vote, another peer", rpc + "RequestVoteRequest", vote(group, wrong), b"", error, [(1, 1012), (2, f"Peer id not found: {wrong}, group: {group}")]),
        ("vote, no peer", rpc + "RequestVoteRequest", vote(group, "xx"), b"", error, [(1, 1015), (2, "Fail to parse peerId: xx")]),
        ("pre-vote of a stranger", rpc + "RequestVoteRequest",
         message((1, group), (2, STRANGER), (3, me), (4, term + 98), (5, 99), (6, 99), (7, True)), b"", rpc + "RequestVoteResponse", [(1, term), (2, 0)]),
        ("append, unknown group", rpc + "AppendEntriesRequest", appended("nope", me, 1), append_header("nope", me), error,
         [(1, 1012), (2, f"Peer id not found: {me}, group: nope")]),
        ("append of an old term", rpc + "AppendEntriesRequest", appended(group, me, 0), append_header(group, me), rpc + "AppendEntriesResponse",
         [(1, term), (2, 0)]),
        ("snapshot of an old term", rpc + "InstallSnapshotRequest",
         message((1, group), (2, STRANGER), (3, me), (4, 0), (5, meta), (6, f"remote://{STRANGER}/1")), b"", rpc + "InstallSnapshotResponse",
         [(1, term), (2, 0)]),
        ("timeout now of an old term", rpc + "TimeoutNowRequest", message((1, group), (2, STRANGER), (3, me), (4, 0)), b"", rpc + "TimeoutNowResponse",
         [(1, term), (2, 0)]),
        ("timeout now, unknown group", rpc + "TimeoutNowRequest", message((1, "nope"), (2, STRANGER), (3, me), (4, 1)), b"", error,
         [(1, 1012), (2, f"Peer id not found: {me}, group: nope")]),
        ("read index, unknown group", rpc + "ReadIndexRequest", message((1, "nope"), (2, STRANGER), (3, "x"), (4, me)), b"", error,
         [(1, 1012), (2, f"Peer id not found: {me}, group: nope")]),
        ("unknown reader", rpc + "GetFileRequest", file(12345, 100, 0), b"", error, [(1, 1012), (2, "Fail to find reader=12345")]),
        ("nothing of a file", rpc + "GetFileRequest", file(12345, 0, 0), b"", error, [(1, 1000), (2, "Invalid request: ...")]),
        ("before a file", rpc + "GetFileRequest", file(12345, 100, -1), b"", error, [(1, 1000), (2, "Invalid request: ...")]),
        ("leader, unknown group", CLI + "GetLeaderRequest", message((1, "nope"), (2, me)), b"", error, [(1, 1012), (2, f"Fail to find node {me} in group nope")]),
        ("leader, unknown group, any node", CLI + "GetLeaderRequest", message((1, "nope")), b"", error, [(1, 1012), (2, "No nodes in group nope")]),
        ("leader, no peer", CLI + "GetLeaderRequest", message((1, group), (2, "xx")), b"", error, [(1, 1015), (2, "Fail to parse peer id xx")]),
        ("peers, unknown group", CLI + "GetPeersRequest", message((1, "nope"), (2, me)), b"", error, [(1, 1012), (2, f"Fail to find node {me} in group nope")]),
        ("snapshot, unknown group", CLI + "SnapshotRequest", message((1, "nope"), (2, me)), b"", error, [(1, 1012), (2, f"Fail to find node {me} in group nope")]),
        ("add, unknown group", CLI + "AddPeerRequest", message((1, "nope"), (2, me), (3, STRANGER)), b"", error,
         [(1, 1012), (2, f"Fail to find node {me} in group nope")]),
    ]


def refusals_of_a_leader(group, node):
    me, error = node.peer, RPC + "ErrorResponse"
    return [
        ("read index of a stranger", RPC + "ReadIndexRequest", message((1, group), (2, STRANGER), (3, "x"), (4, me)), b"", error,
         [(1, 1008), (2, f"Peer {STRANGER} is not in current configuration: ...")]),
        ("add of a member", CLI + "AddPeerRequest", message((1, group), (2, me), (3, me)), b"", error, [(1, -1), (2, "...")]),
        ("removal of a stranger", CLI + "RemovePeerRequest", message((1, group), (2, me), (3, STRANGER)), b"", error, [(1, -1), (2, "...")]),
        ("transfer to a stranger", CLI + "TransferLeaderRequest", message((1, group), (2, me), (3, STRANGER)), b"", error,
         [(1, 1015), (2, "Not in current configuration")]),
        ("transfer to no peer", CLI + "TransferLeaderRequest", message((1, group), (2, me), (3, "xx")), b"", error,
         [(1, 1015), (2, "Fail to parse peer id xx")]),
        ("transfer to itself", CLI + "TransferLeaderRequest", message((1, group), (2, me), (3, me)), b"", error, [(1, 0)]),
        ("learners, nothing to remove", CLI + "RemoveLearnersRequest", message((1, group), (2, me), (3, STRANGER)), b"", CLI + "LearnersOpResponse", []),
    ]


def refusals_of_a_follower(group, node):
    me, error = node.peer, RPC + "ErrorResponse"
    return [
        ("peers of a follower", CLI + "GetPeersRequest", message((1, group), (2, me)), b"", error, [(1, -1), (2, "...")]),
        ("add at a follower", CLI + "AddPeerRequest", message((1, group), (2, me), (3, STRANGER)), b"", error, [(1, -1), (2, "...")]),
        ("transfer at a follower", CLI + "TransferLeaderRequest", message((1, group), (2, me), (3, STRANGER)), b"", error, [(1, 1008), (2, "...")]),
    ]


def fits(answer, wanted):
    class_name, content = answer
    told = [(number, value.decode() if isinstance(value, bytes) else value) for number, value in fields(content)]
    return class_name == wanted[0] and len(told) == len(wanted[1]) and all(
        number == wanted_number and (value.startswith(wanted_value[:-3]) if isinstance(wanted_value, str) and wanted_value.endswith("...") else value == wanted_value)
        for (number, value), (wanted_number, wanted_value) in zip(told, wanted[1]))


def test_refusals_are_the_same_from_either_kind(mix):
    wrong = []
    for leader in mix.leader_of_each_kind():
        for node in mix.live():
            asked = refusals(mix.name, node) + (refusals_of_a_leader(mix.name, node) if node is leader else refusals_of_a_follower(mix.name, node))
            for what, request, content, header, response, wanted in asked:
                class_name, answer = node.ask(request, content, header)
                if not fits((class_name.decode(), answer), (response, wanted)):
                    wrong.append(f"{node}, {what}: {class_name.decode()} {fields(answer)}, not {response} {wanted}")
    assert not wrong, "\n".join(wrong)
    mix.check()


def test_a_node_without_a_configuration_waits(mix):
    for kind in sorted(set(mix.kinds)):
        spare = mix.spare(kind)
        assert spare.ask(RPC + "PingRequest", message((1, 1))) == ((RPC + "ErrorResponse").encode(), message((1, 0), (2, "OK")))
        assert spare.ask(CLI + "GetLeaderRequest", message((1, mix.name))) == ((RPC + "ErrorResponse").encode(), message((1, 1002), (2, "Unknown leader")))
        assert (spare.info().state, spare.info().term, spare.info().leader) == ("FOLLOWER", 0, "-"), spare.info().text
        spare.stop()


def test_a_learner_by_option(mix):
    """--learner: it waits for its group, follows it, and never votes."""
    for kind in sorted(set(mix.kinds)):
        learner = mix.spare(kind, mix.peers, ["--learner"])
        mix.run("addLearners", learner.peer)
        mix.keep(b"told a learner", kind.encode())
        mix.check([*mix.live(), learner])
        assert learner.call(get(b"told a learner")).rest == kind.encode()
        mix.run("removeLearners", learner.peer)
        learner.stop()


def test_groups_are_balanced_by_jrafts_client(mix):
    leader = mix.leader()
    assert mix.run("rebalance") == f"{{{mix.name}={leader.peer}}}"


@pytest.mark.skipif(not FULL, reason="SOFA_RAFT_FULL=1 runs what takes long")
def test_a_snapshot_of_100_mib(mix):
    for leader in mix.leader_of_each_kind():
        for at in range(100):
            mix.keep(b"much.%d" % at, os.urandom(MIB))
        mix.truncate(mix.leader())
        for kind in sorted({"j", *mix.kinds}):
            spare = mix.spare_of(kind)
            mix.run("addPeer", spare.peer)
            mix.check([*mix.live(), spare])
            mix.run("removePeer", spare.peer)
            mix.empty(spare)
    for at in range(100):
        mix.write(delete(b"much.%d" % at))
        del mix.expected[b"much.%d" % at]
    mix.truncate(mix.leader())


class InTurn(Group):
    """The first of the members is there before the next begins: a Java node may take longer to start than others wait for it to lead."""

    def start_all(self):
        for node in self.members:
            node.start(self.peers)


def test_priorities_decide_who_leads(jraft, java_admin, tmp_path):
    """Checksums of entries on every node here."""
    kinds = {"ccj": "jcc", "cjj": "cjj"}.get(MIXES[0], MIXES[0])
    with InTurn(tmp_path, kinds, priorities=[100, 60, 0], options=["--election-ms", "1000", "--checksum"]) as group:
        first, second, never = group.members
        assert until(lambda: (found := group.leader()) is first and found, 60)
        for at in range(20):
            group.write(put(b"%d" % at, b"by the first"))
        first.kill()
        assert group.leader() is second
        group.write(put(b"now", b"by the second"))
        first.start_again()
        group.equal()
        assert java_admin("transferLeader", group.name, group.peers, first.peer) == "ok"
        until(lambda: group.leader() is first)
        assert never.info().state == "FOLLOWER"
        group.equal()
