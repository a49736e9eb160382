"""What our nodes put on the wire in a group with Java nodes, frame by frame: each frame that passes between a node of ours and one of JRaft's has the
shape of a frame that JRaft sends, recorded here or in src/sofa/wire/jraft/tests/vectors."""

import json
import os

import pytest

import programs
from programs import until
from raft_frames import Frame, shapes, split_frames
from raft_lab import Group, JavaAdmin, get, put

VECTORS = programs.ROOT / "src" / "sofa" / "wire" / "jraft" / "tests" / "vectors" / "frames.json"
MIXES = os.environ.get("SOFA_RAFT_FRAMES", "jcj").split()
RPCS = ["AppendEntries", "RequestVote", "InstallSnapshot", "TimeoutNow", "ReadIndex", "GetFile"]
CLI = ["GetLeader", "GetPeers", "AddPeer", "RemovePeer", "ChangePeers"]


def shapes_of(frames):
    """{shape: a frame that has it}"""
    return {shape: frame for frame in frames for shape in shapes(frame)}


def recorded_frames():
    frames = []
    for vector in json.loads(VECTORS.read_text()):
        whole, rest = split_frames(bytes.fromhex(vector["frameHex"]))
        assert len(whole) == 1 and not rest, vector["name"]
        frames += whole
    return frames


@pytest.fixture(scope="module", params=MIXES)
def group(request, tmp_path_factory):
    """A group that has done everything: elections, writes, reads, snapshots, changes of members, transfers, with a leader of either kind."""
    programs.compile_java(programs.HERE / "jraft-java")
    admin = JavaAdmin()
    with Group(tmp_path_factory.mktemp("frames"), request.param, options_of=lambda at: ["--checksum"] if at == 0 else [], relayed=True) as made:
        for node in made.members:
            exercise(made, admin, node)
        yield made
    admin.stop()


def exercise(group, admin, leader):
    def run(command, *words):
        admin.must(command, group.name, group.peers, *words)

    if group.leader() is not leader:
        run("transferLeader", leader.peer)
    until(lambda: group.leader() is leader)
    for node in group.members:
        admin.must("getLeader", group.name, node.peer)
    for at in range(3):
        for future in [leader.send(put(b"%d" % key, os.urandom(2000))) for key in range(200)]:  # several chunks of a snapshot
            assert leader.answer(future).status == 0
        for node in group.members:
            node.call(get(b"1"))
        leader.snapshot()
    for kind in sorted({"j", *(node.kind for node in group.members)}):
        spare = group.spare(kind)
        run("addPeer", spare.peer)
        group.equal([*group.members, spare])
        run("getPeers")
        run("removePeer", spare.peer)
        run("changePeers", group.text([*group.members, spare]))
        run("changePeers", group.peers)
        run("addLearners", spare.peer)
        run("resetLearners", spare.peer)
        assert spare.call(get(b"1")).status == 0
        run("removeLearners", spare.peer)
        spare.stop()
    admin.must("snapshot", group.name, leader.peer)


def frames_by_kind(group):
    """{kind of the sender: frames between unlike nodes}, and those of the administration client's calls by the kind of who answered."""
    kind_of = {node.peer: node.kind for node in group.all}
    sent = {"c": [], "j": []}
    for node, relay in group.relays.items():
        for connection in relay.connections:
            caller = connection.sender()
            if caller is None:
                sent[node.kind] += connection.answers
            elif "j" in (node.kind, kind_of[caller]):
                sent[node.kind] += connection.answers
                sent[kind_of[caller]] += connection.requests
    return sent


def class_of(frame: Frame):
    return frame.class_name.rsplit("$", 1)[-1] or ("heartbeat" if frame.kind else "heartbeat's answer")


def test_our_frames_have_the_shape_of_jrafts(group):
    sent = frames_by_kind(group)
    known, ours = shapes_of(sent["j"] + recorded_frames()), shapes_of(sent["c"])
    strange = [f"{class_of(frame)}: {shape}\n  {frame.content[:200].hex()}" for shape, frame in ours.items() if shape not in known]
    assert not strange, "\n".join(strange)
    # It is a proof only when each kind of message has passed.
    for kind in {node.kind for node in group.members}:
        seen = {class_of(frame) for frame in sent[kind]}
        missing = [name for name in [rpc + part for rpc in RPCS for part in ("Request", "Response")] + [cli + "Response" for cli in CLI] if name not in seen]
        assert not missing, f"never sent by {kind}: {missing}"
