"""Bad input and bad peers: what each gets, and that nobody else notices."""

import random
import socket
import struct
import threading
import time

import pytest

import bolt
import programs

MAX_FRAME = 32 << 20


@pytest.fixture
def peer(server):
    with bolt.Peer(server.address) as made:
        yield made


@pytest.fixture(scope="module")
def filtering_server():
    """A server that admits no class of com.evil."""
    made = programs.Server([*programs.server_command("cpp"), "--deny", "com.evil."])
    yield made
    made.stop()


def echo_object(request_id, argument):
    return bolt.call_v1(request_id, "echoObject", ["java.lang.Object"], argument)


def nested(depth, inner=b"N"):
    return b"Vn\x01" * depth + inner + b"z" * depth


# ---- frames that end the connection ----

BROKEN_FRAMES = {
    "letter_z": b"Zhello there, this is not bolt at all" * 4,
    "only_z": b"Z",
    "http": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "zero": b"\x00" * 64,
    "protocol_3": b"\x03" + bolt.request_v1(1, b"", b"", b"", command=0)[1:] + b"\x00" * 8,
    "ver1_3": bolt.request_v2(1, b"", b"", b"", command=0, ver1=3),
    "ver1_0": bolt.request_v2(1, b"", b"", b"", command=0, ver1=0),
    "type_7": bolt.request_v1(1, b"", b"", b"", command=0, kind=7),
    "negative_content": bolt.request_v1(1, bolt.REQUEST_CLASS, b"", b"", lengths=(len(bolt.REQUEST_CLASS), 0, 0xFFFFFFFF)),
    "lowest_content": bolt.request_v1(1, bolt.REQUEST_CLASS, b"", b"", lengths=(len(bolt.REQUEST_CLASS), 0, 0x80000000)),
    "class_32768": bolt.request_v1(1, b"c" * 32768, b"", b"", lengths=(32768, 0, 0)),
    "class_65535": bolt.request_v1(1, b"c" * 100, b"", b"", lengths=(65535, 0, 0)),
    "header_32768": bolt.request_v1(1, b"", b"h" * 32768, b"", lengths=(0, 32768, 0)),
}


@pytest.mark.parametrize("name", [
    name if name == "letter_z" else pytest.param(name, marks=pytest.mark.stricter_than_java) for name in BROKEN_FRAMES])
def test_a_broken_frame_closes_the_connection(server, name):
    with bolt.Peer(server.address) as peer:
        try:
            peer.send(BROKEN_FRAMES[name])
        except ConnectionError:
            return
        assert peer.closed_within(5), "still open after 5 s"


@pytest.mark.stricter_than_java
@pytest.mark.parametrize("name", ["protocol_3", "negative_content", "ver1_3"])
def test_good_calls_before_a_broken_frame_are_answered_or_the_end_is_clean(server, name):
    with bolt.Peer(server.address) as peer:
        peer.echo(1)
        peer.send(BROKEN_FRAMES[name])
        assert peer.closed_within(5)


@pytest.mark.parametrize("switch_crc", [0, 0xDEADBEEF])
def test_a_wrong_crc_closes_the_connection_without_an_answer(peer, switch_crc):
    content = bolt.sofa_request("echo", ["java.lang.String"]) + bolt.text("x")
    peer.send(bolt.request_v2(1, bolt.REQUEST_CLASS, bolt.call_header("echo"), content, ver1=2, switch=1, crc=switch_crc))
    assert peer.closed_within(5)


# ---- frames that are answered with status 9, then the connection ends ----


@pytest.mark.stricter_than_java
@pytest.mark.parametrize("length", [MAX_FRAME + 1, 64 << 20, 0x7FFFFFFF])
@pytest.mark.parametrize("version", [1, 2])
def test_content_over_the_limit_has_status_9_and_the_id(peer, length, version):
    frame = bytearray((bolt.request_v1 if version == 1 else bolt.request_v2)(4711, bolt.REQUEST_CLASS, b"", b""))
    at = 18 if version == 1 else 20
    frame[at:at + 4] = struct.pack(">I", length)
    peer.send(bytes(frame))
    answer = peer.response()
    assert (answer.request_id, answer.status) == (4711, bolt.CODEC_EXCEPTION), answer
    assert peer.closed_within(5)


BROKEN_HEADERS = {
    "key_past_the_end": struct.pack(">i", 100) + b"service",
    "value_past_the_end": struct.pack(">i", 7) + b"service" + struct.pack(">i", 50) + b"short",
    "length_of_two_bytes": b"\x00\x00",
    "key_without_value": struct.pack(">i", 7) + b"service",
    "negative_length": struct.pack(">i", -5) + b"service",
    "huge_length": struct.pack(">i", 0x7FFFFFFF) + b"service",
}


@pytest.mark.stricter_than_java
@pytest.mark.parametrize("name", BROKEN_HEADERS)
def test_a_broken_header_map_has_status_9_and_the_id(peer, name):
    content = bolt.sofa_request("echo", ["java.lang.String"]) + bolt.text("x")
    peer.send(bolt.request_v1(99, bolt.REQUEST_CLASS, BROKEN_HEADERS[name], content))
    answer = peer.response()
    assert (answer.request_id, answer.status) == (99, bolt.CODEC_EXCEPTION), answer
    assert peer.closed_within(5)


# ---- Hessian that is refused while the connection lives ----

LONG_INT_ARRAY = b"Vt" + struct.pack(">H", 4) + b"[int" + b"l\x7f\xff\xff\xff" + b"\x91z"
BROKEN_VALUES = {
    "lists_200_deep": nested(200),
    "lists_100000_deep": nested(100_000),
    "maps_200_deep": b"M\x01k" * 200 + b"N" + b"z" * 200,
    "lists_5000_deep_without_ends": b"Vn\x01" * 5000,
    "reference_to_nothing": b"\x4a\xff",
    "reference_huge": b"R\x7f\xff\xff\xff",
    "reference_negative": b"R\xff\xff\xff\xff",
    "class_reference_to_nothing": b"o" + bolt.hessian_int(40),
    "class_reference_negative": b"o" + bolt.hessian_int(-1),
    "type_reference_to_nothing": b"v" + bolt.hessian_int(30) + bolt.hessian_int(0),
    "untagged": b"\x40",
    "end_alone": b"z",
    "string_of_65535_chars": b"S\xff\xff" + b"abc",
    "string_chunks_without_end": b"s\x00\x01a" * 50,
    "string_bad_utf8": b"\x02\xff\xfe",
    "binary_of_65535_bytes": b"B\xff\xff" + b"abc",
    "list_without_end": b"Vn\x03\x91\x92\x93",
    "map_without_value": b"M\x01k",
    "list_v_of_2_billion": b"v\x90I\x7f\xff\xff\xff\x91",
    "object_with_2_billion_fields": b"O" + bolt.named("a.B") + b"I\x7f\xff\xff\xff" + bolt.text("f"),
    "class_name_of_2_billion": b"OI\x7f\xff\xff\xff" + b"a.B",
    "class_name_negative": b"O" + bolt.hessian_int(-5) + b"a.B",
    "fields_negative": b"O" + bolt.named("a.B") + bolt.hessian_int(-3),
    "object_without_fields": b"O" + bolt.named("a.B") + bolt.hessian_int(1) + bolt.text("f") + b"o" + bolt.hessian_int(1),
    "int_cut": b"I\x00\x00",
    "long_cut": b"L\x00\x00",
    "nothing": b"",
}


CLAIMS = (LONG_INT_ARRAY, b"Vl\x7f\xff\xff\xffz", BROKEN_VALUES["list_v_of_2_billion"], BROKEN_VALUES["object_with_2_billion_fields"])


@pytest.mark.stricter_than_java
@pytest.mark.parametrize("name", BROKEN_VALUES)
def test_a_broken_value_has_status_12_and_the_connection_lives(peer, name):
    start = time.monotonic()
    peer.send(echo_object(31, BROKEN_VALUES[name]))
    answer = peer.response()
    assert (answer.request_id, answer.status) == (31, bolt.DESERIAL_EXCEPTION), answer
    assert time.monotonic() - start < 2
    assert answer.class_name == "com.alipay.remoting.rpc.exception.RpcServerException"
    assert len(answer.content) > 40, f"no sentence in {answer}"
    peer.echo(32)


def object_of(class_name):
    return b"O" + bolt.named(class_name) + bolt.hessian_int(1) + bolt.text("x") + b"o" + bolt.hessian_int(1) + b"\x91"


@pytest.mark.stricter_than_java
@pytest.mark.parametrize("value", [object_of("com.evil.Gadget"), b"Vn\x01" + object_of("com.evil.Gadget") + b"z",
                                   b"Mt\x00\x0ccom.evil.Mapz", b"Vt\x00\x10[com.evil.Gadgetn\x00z"])
def test_a_class_that_is_not_admitted_has_status_12_with_its_name_and_the_connection_lives(filtering_server, value):
    with bolt.Peer(filtering_server.address) as peer:
        peer.send(echo_object(31, value))
        answer = peer.response()
        assert (answer.request_id, answer.status) == (31, bolt.DESERIAL_EXCEPTION), answer
        assert answer.class_name == "com.alipay.remoting.rpc.exception.RpcServerException"
        assert b"com.evil." in answer.content and b"is not admitted by the class filter" in answer.content, answer
        peer.send(echo_object(32, object_of("com.good.Gadget")))
        assert peer.response().status == bolt.OK, "other classes pass"
        peer.echo(33)


@pytest.mark.stricter_than_java
def test_a_call_cut_anywhere_has_status_12_and_the_connection_lives(peer):
    argument = b"M\x01kVn\x02\x91" + bolt.text("two") + b"zz"
    content = bolt.sofa_request("echoObject", ["java.lang.Object"]) + argument
    for request_id, cut in enumerate(range(1, len(content), 3), start=1):
        peer.send(bolt.request_v1(request_id, bolt.REQUEST_CLASS, bolt.call_header("echoObject"), content[:cut]))
        answer = peer.response()
        assert (answer.request_id, answer.status) == (request_id, bolt.DESERIAL_EXCEPTION), f"cut at {cut}: {answer}"
    peer.echo(5000)


@pytest.mark.stricter_than_java
@pytest.mark.parametrize("method, signatures, arguments", [("sum", ["[I"], b"N"), ("nextLevel", ["sofa.interop.Level"], b"N"),
                                                            ("plusDays", ["java.time.LocalDateTime", "int"], b"N\x91")])
def test_a_null_where_java_needs_an_object_is_its_exception(server, method, signatures, arguments):
    with bolt.Peer(server.address) as peer:
        peer.send(bolt.request_v1(1, bolt.REQUEST_CLASS, bolt.call_header(method), bolt.sofa_request(method, signatures) + arguments))
        assert b"java.lang.NullPointerException" in peer.response().content


@pytest.mark.parametrize("signature", ["x[];;", ";;", "[];", "[L;;;", "[][][]", ""])
def test_a_made_up_signature_is_answered_and_the_connection_lives(server, signature):
    with bolt.Peer(server.address) as peer:
        peer.send(bolt.request_v1(1, bolt.REQUEST_CLASS, bolt.call_header("echo"), bolt.sofa_request("echo", [signature]) + bolt.text("x")))
        assert peer.response().request_id == 1
        peer.echo(2)


def test_texts_of_every_short_length_keep_their_length(server):
    strings = ["java.lang.String", "java.lang.String"]
    with bolt.Peer(server.address) as peer:
        for length in range(1, 40):
            key, value = bolt.text("k" * length), bolt.text("v" * 40)
            peer.send(bolt.request_v1(1, bolt.REQUEST_CLASS, bolt.call_header("note"), bolt.sofa_request("note", strings) + key + value))
            peer.response()
            peer.send(bolt.request_v1(2, bolt.REQUEST_CLASS, bolt.call_header("recall"), bolt.sofa_request("recall", strings[:1]) + key))
            assert value in peer.response().content, length


def test_wrong_lengths_cost_no_memory(own_server):
    """A declared length is only a claim: what is kept grows with the bytes that came."""
    with bolt.Peer(own_server.address) as peer:
        peer.echo(1)
        before = own_server.rss_mib()
        for request_id in range(2, 40):
            for value in CLAIMS:
                peer.send(echo_object(request_id, value))
                assert peer.response().status in (bolt.OK, bolt.DESERIAL_EXCEPTION)
        with bolt.Peer(own_server.address) as claims:
            claims.send(bolt.request_v1(1, bolt.REQUEST_CLASS, b"", b"x", lengths=(len(bolt.REQUEST_CLASS), 0, MAX_FRAME - 100)))
            peer.echo(50)
            assert own_server.rss_mib() - before < 16
    with bolt.Peer(own_server.address) as peer:
        peer.echo(1)


# ---- legal, though unusual ----


def test_a_hundred_levels_are_legal(peer):
    peer.send(echo_object(1, nested(100)))
    answer = peer.response()
    assert answer.status == bolt.OK, answer
    assert nested(100) in answer.content


def test_a_list_that_holds_itself_comes_back_as_such(peer):
    itself = b"\x4a" + bytes([bolt.FIRST_FREE_REFERENCE])
    peer.send(echo_object(1, b"Vn\x02" + itself + itself + b"z"))
    answer = peer.response()
    assert answer.status == bolt.OK, answer
    assert b"Vn\x02\x4a\x01\x4a\x01z" in answer.content, answer.content.hex()


def test_many_colliding_keys_are_answered_in_bounded_time(peer):
    """4096 keys with one Java hash code."""
    keys = [""]
    for _ in range(12):
        keys = [key + pair for key in keys for pair in ("Aa", "BB")]
    value = b"M" + b"".join(bolt.text(key) + b"\x91" for key in keys) + b"z"
    start = time.monotonic()
    peer.send(bolt.call_v1(1, "echoMap", ["java.util.Map"], value))
    answer = peer.response()
    assert answer.status == bolt.OK and time.monotonic() - start < 3
    assert answer.content.count(b"Aa") > 4000


# ---- peers that harm by what they do not do ----


def serve_others(address, seconds, slowest_allowed=1.0):
    """Calls on a second connection for some time; each must be quick."""
    with bolt.Peer(address) as other:
        end = time.monotonic() + seconds
        request_id = 0
        while time.monotonic() < end:
            request_id += 1
            start = time.monotonic()
            other.echo(request_id, seconds=slowest_allowed)
            assert time.monotonic() - start < slowest_allowed
            time.sleep(0.01)


@pytest.mark.stricter_than_java
def test_a_half_open_peer_is_closed_and_others_do_not_notice(own_server):
    with bolt.Peer(own_server.address) as silent, bolt.Peer(own_server.address) as begun:
        begun.send(bolt.call_v1(1, "echo", ["java.lang.String"], bolt.text("never complete"))[:10])
        serve_others(own_server.address, 1.0)
        assert begun.closed_within(20), "a frame begun and never ended keeps its connection"
        silent.socket.close()


@pytest.mark.stricter_than_java
def test_a_peer_that_never_reads_is_bounded_and_others_do_not_notice(own_server):
    """It asks for 1 GiB of answers and reads none of them."""
    with bolt.Peer(own_server.address) as warm:
        warm.echo(1)
    before = own_server.rss_mib()
    with bolt.Peer(own_server.address, receive_buffer=4096) as deaf:
        stop = threading.Event()

        def ask():
            try:
                for request_id in range(1024):
                    if stop.is_set():
                        return
                    deaf.send(bolt.call_v1(request_id, "big", ["int"], b"I" + struct.pack(">i", 1 << 20)))
            except OSError:
                pass

        asking = threading.Thread(target=ask)
        asking.start()
        most = 0.0
        for _ in range(6):
            serve_others(own_server.address, 0.5)
            most = max(most, own_server.rss_mib() - before)
        stop.set()
        deaf.socket.shutdown(socket.SHUT_RDWR)
        asking.join(15)
    assert most < 200, f"the answers that nobody reads took {most:.0f} MiB"


def test_a_peer_that_resets_with_calls_under_way_harms_nobody(server):
    for round_number in range(20):
        peer = bolt.Peer(server.address)
        for request_id in range(20):
            peer.send(bolt.call_v1(request_id, "sleep", ["long"], b"\xf8" + bytes([50 + round_number])))
        peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.socket.close()
    serve_others(server.address, 0.5)


@pytest.mark.stricter_than_java
def test_random_bytes_after_a_good_start_harm_nobody(server):
    seed = time.time_ns()
    print(f"seed {seed}")
    source = random.Random(seed)
    for _ in range(100):
        frame = bytearray(echo_object(1, nested(5, bolt.text("x"))))
        for _ in range(source.randint(1, 8)):
            frame[source.randrange(len(frame))] = source.randrange(256)
        with bolt.Peer(server.address) as peer:
            try:
                peer.send(bytes(frame))
            except ConnectionError:
                pass
    serve_others(server.address, 0.3)


@pytest.mark.stricter_than_java
def test_the_server_stops_within_two_seconds_of_sigterm(start_server):
    server = start_server()
    with bolt.Peer(server.address) as peer:
        peer.echo(1)
        assert server.stop() < 2
        assert server.process.returncode == 0, f"{server}"


@pytest.mark.stricter_than_java
def test_a_taken_port_is_one_clear_line(server):
    second = programs.Program(programs.server_command("cpp", server.port))
    assert second.wait(10) != 0
    holder = f"pid {server.pid} (interop-server)"
    assert any(str(server.port) in line and "--bolt" in line and holder in line for line in second.lines), f"{second}"
