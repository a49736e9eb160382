"""Frames by hand: what a client sees on the wire, whatever library it uses."""

import itertools
import struct
import time

import pytest

import bolt

HEARTBEATS = {
    "v1": (bytes.fromhex("01010000010000000101ffffffff0000000000000000"), bytes.fromhex("0100000001000000010100000000000000000000")),
    "v1_high_id": (bytes.fromhex("0101000001fffffffe01000003e80000000000000000"), bytes.fromhex("0100000001fffffffe0100000000000000000000")),
    "v2": (bytes.fromhex("0201010000010000000701" "00" "ffffffff" "0000" "0000" "00000000"),
           bytes.fromhex("0201000000010000000701" "00" "0000" "0000" "0000" "00000000")),
}


@pytest.fixture
def peer(server):
    with bolt.Peer(server.address) as made:
        yield made


@pytest.mark.parametrize("name", HEARTBEATS)
def test_heartbeat_is_answered_byte_for_byte(peer, name):
    request, answer = HEARTBEATS[name]
    peer.send(request)
    assert peer.read(len(answer)).hex() == answer.hex()


@pytest.mark.parametrize("name", HEARTBEATS)
def test_heartbeat_may_come_one_byte_at_a_time(peer, name):
    request, answer = HEARTBEATS[name]
    peer.send_byte_by_byte(request)
    assert peer.read(len(answer)).hex() == answer.hex()


def test_heartbeats_are_answered_within_a_second_while_calls_run(server):
    with bolt.Peer(server.address) as busy, bolt.Peer(server.address) as other:
        for request_id in range(40):
            busy.send(bolt.call_v1(request_id, "sleep", ["long"], b"\x77" + struct.pack(">i", 2500)))
        request, answer = HEARTBEATS["v1"]
        for connection in (busy, other):
            start = time.monotonic()
            connection.send(request)
            assert connection.read(len(answer)).hex() == answer.hex()
            assert time.monotonic() - start < 1


def test_a_call_in_v1_is_answered_in_v1(peer):
    answer = peer.echo(1234)
    assert (answer.protocol, answer.command, answer.codec) == (1, 2, 1)
    assert answer.class_name == "com.alipay.sofa.rpc.core.response.SofaResponse"
    assert answer.header == b""


def test_a_call_may_come_one_byte_at_a_time(peer):
    peer.send_byte_by_byte(bolt.call_v1(5, "echo", ["java.lang.String"], bolt.text("slow")))
    answer = peer.response()
    assert (answer.request_id, answer.status) == (5, bolt.OK)
    assert bolt.text("slow") in answer.content


def test_many_calls_may_come_in_one_segment(peer):
    ids = [0, 1, 2**31 - 1, 2**31, 2**32 - 1, *range(100, 195)]
    peer.send(b"".join(bolt.call_v1(request_id, "echo", ["java.lang.String"], bolt.text(f"n{request_id}")) for request_id in ids))
    answers = {}
    for _ in ids:
        answer = peer.response()
        answers[answer.request_id] = answer
    assert sorted(answers) == sorted(ids)
    for request_id, answer in answers.items():
        assert answer.status == bolt.OK and bolt.text(f"n{request_id}") in answer.content, answer


def test_answers_may_overtake_each_other(peer):
    peer.send(bolt.call_v1(1, "sleep", ["long"], b"\x77" + struct.pack(">i", 700)))
    peer.send(bolt.call_v1(2, "echo", ["java.lang.String"], bolt.text("quick")))
    assert [peer.response().request_id for _ in range(2)] == [2, 1]


def call_v2(request_id, **options):
    content = bolt.sofa_request("echo", ["java.lang.String"]) + bolt.text("two")
    return bolt.request_v2(request_id, bolt.REQUEST_CLASS, bolt.call_header("echo"), content, **options)


@pytest.mark.parametrize("ver1,switch,has_crc", [(1, 0, False), (1, 1, False), (2, 0, False), (2, 1, True)])
def test_a_call_in_v2_is_answered_with_its_version_and_switch(peer, ver1, switch, has_crc):
    peer.send(call_v2(77, ver1=ver1, switch=switch))
    answer = peer.response()
    assert (answer.protocol, answer.raw[1], answer.raw[11]) == (2, ver1, switch)
    assert (answer.request_id, answer.status) == (77, bolt.OK)
    assert bolt.text("two") in answer.content
    assert len(answer.raw) == 22 + len(answer.class_name) + len(answer.header) + len(answer.content) + (4 if has_crc else 0)


def test_a_v2_call_may_come_one_byte_at_a_time_with_its_crc(peer):
    peer.send_byte_by_byte(call_v2(78, ver1=2, switch=1))
    assert peer.response().request_id == 78


def test_oneway_has_no_answer_not_even_for_errors(peer):
    key = f"raw-{time.monotonic_ns()}"
    peer.send(bolt.call_v1(1, "note", ["java.lang.String"] * 2, bolt.text(key) + bolt.text("v"), kind=2, timeout=-1))
    peer.send(bolt.call_v1(2, "fail", ["java.lang.String"], bolt.text("runtime"), kind=2, timeout=-1))
    peer.send(bolt.call_v1(3, "missing", [], b"", kind=2, timeout=-1))
    peer.send(bolt.request_v1(4, b"com.acme.Missing", b"", b"\x4e", kind=2, timeout=-1))
    deadline = time.monotonic() + 5
    for request_id in itertools.count(10):
        peer.send(bolt.call_v1(request_id, "recall", ["java.lang.String"], bolt.text(key)))
        answer = peer.response()
        assert answer.request_id == request_id, f"a oneway call was answered: {answer}"
        if b"\x01v" in answer.content:
            break
        assert time.monotonic() < deadline, "the oneway note did not arrive within 5 s"


@pytest.mark.parametrize("version", [1, 2])
def test_an_unknown_request_class_has_status_2(peer, version):
    make = bolt.request_v1 if version == 1 else bolt.request_v2
    peer.send(make(0x01020304, b"com.acme.Missing", b"", b"\x4e"))
    answer = peer.response()
    assert (answer.protocol, answer.command, answer.request_id, answer.codec, answer.status) == (version, 2, 0x01020304, 1, 2)
    assert answer.class_name == "com.alipay.remoting.rpc.exception.RpcServerException"
    assert b"com.acme.Missing" in answer.content
    if version == 1:
        peer.echo(9)


def test_the_timeout_of_a_call_is_not_needed(peer):
    for timeout in (-1, 0, 1, 2**31 - 1):
        peer.send(bolt.call_v1(6, "hello", ["java.lang.String"], bolt.text("t"), timeout=timeout))
        if timeout != 1:
            assert peer.response().request_id == 6
            continue
        try:
            peer.response(1)
        except AssertionError:
            pass  # a call of 1 ms may be dropped as late


def test_null_and_missing_answers_have_their_content(peer):
    peer.send(bolt.call_v1(1, "echo", ["java.lang.String"], b"N"))
    answer = peer.response()
    assert (answer.status, answer.class_name) == (bolt.OK, "com.alipay.sofa.rpc.core.response.SofaResponse")
    peer.send(bolt.call_v1(2, "missing", [], b""))
    answer = peer.response()
    assert answer.status == bolt.OK and b"missing" in answer.content, answer
    assert bolt.header_map({"sofa_head_response_error": "true"}) in answer.header


def test_an_exception_is_marked_in_the_header(peer):
    peer.send(bolt.call_v1(3, "fail", ["java.lang.String"], bolt.text("runtime")))
    answer = peer.response()
    assert answer.status == bolt.OK
    assert b"java.lang.RuntimeException" in answer.content and b"boom runtime" in answer.content
    assert bolt.header_map({"sofa_head_response_error": "true"}) in answer.header


def test_the_header_wins_over_the_content(server):
    """MOSN rewrites headers and leaves the content alone."""
    header = bolt.call_header("echo", service=bolt.SERVICE + ":blue")
    with bolt.Peer(server.address) as peer:
        peer.send(bolt.request_v1(1, bolt.REQUEST_CLASS, header, bolt.sofa_request("echo", ["java.lang.String"]) + bolt.text("x")))
        assert bolt.text("blue:x") in peer.response().content
