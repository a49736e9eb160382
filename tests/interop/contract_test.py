"""The contract read literally (docs/protocols/interop-service.md, sections 1, 2 and 6), as a client of any language meets it on the wire."""

import signal
import socket
import struct
import subprocess
import time

import pytest

import bolt
import conftest
import programs

STRING, INT, LONG, DOUBLE = "java.lang.String", "int", "long", "double"
USER, NODE, LEVEL, TIME = "sofa.interop.User", "sofa.interop.Node", "sofa.interop.Level", "java.time.LocalDateTime"
NPE, UNSUPPORTED = b"java.lang.NullPointerException", b"java.lang.UnsupportedOperationException"
RESULT = b"o\x90FN"  # a SofaResponse up to its result: isError false, errorMsg null


@pytest.fixture
def peer(server):
    with bolt.Peer(server.address) as made:
        yield made


def long(value):
    return bytes([0xE0 + value]) if -8 <= value <= 15 else b"L" + struct.pack(">q", value)


FLOAT = b"k"  # an answer writes a double that is a float in four bytes


def double(value):
    return b"D" + struct.pack(">d", value)


def obj(class_name, fields, number=1):
    """An object with its class definition; class 0 is the SofaRequest."""
    definition = b"O" + bolt.named(class_name) + bolt.hessian_int(len(fields)) + b"".join(bolt.text(name) for name in fields)
    return definition + b"o" + bolt.hessian_int(number) + b"".join(fields.values())


def result_of(peer, method, signatures, arguments, service=bolt.SERVICE):
    """The bytes from the result on: the response has a fixed head, and props end it."""
    content = bolt.sofa_request(method, signatures) + arguments
    peer.send(bolt.request_v1(7, bolt.REQUEST_CLASS, bolt.call_header(method, service), content))
    answer = peer.response()
    assert (answer.request_id, answer.status) == (7, bolt.OK), answer
    return answer.content


# ---- null for every argument: a value where Java has one, else Java's exception ----

NULLS = {
    "echo": ([STRING], b"N"),
    "hello": ([STRING], bolt.text("hello null")),
    "hello.2": ([STRING, INT], b"\x00"),  # repeated no times
    "add": ([INT, INT], b"\x90"),
    "addLong": (["java.lang.Long", LONG], b"\xe0"),
    "half": ([DOUBLE], b"\x67"),
    "getUser": ([LONG], bolt.text("user-0")),
    "putUser": ([USER], NPE),
    "listUsers": ([INT], b"V"),
    "echoMap": (["java.util.Map"], b"N"),
    "echoBytes": (["[B"], b"N"),
    "echoArray": (["[Ljava.lang.String;"], b"N"),
    "sum": (["[I"], NPE),
    "nextLevel": ([LEVEL], NPE),
    "echoObject": (["java.lang.Object"], b"N"),
    "plusDays": ([TIME, INT], NPE),
    "echoNode": ([NODE], b"N"),
    "big": ([INT], b"\x00"),
    "sleep": ([LONG], bolt.text("slept 0")),
    "fail": ([STRING], UNSUPPORTED),
    "note": ([STRING, STRING], b"N"),
    "recall": ([STRING], b"N"),
    "baggage": ([STRING], b"N"),
}


@pytest.mark.stricter_than_java
@pytest.mark.parametrize("name", NULLS)
def test_null_in_every_argument(peer, name):
    signatures, expected = NULLS[name]
    content = result_of(peer, name.split(".")[0], signatures, b"N" * len(signatures))
    if len(expected) > 12 and expected in (NPE, UNSUPPORTED):
        assert expected in content, content
    else:
        assert expected in content[content.index(RESULT) + len(RESULT):] if len(expected) > 1 else (RESULT + expected) in content, content


# ---- values that a typed client of another language may send ----

VALUES = {
    "int_for_long": ("addLong", ["java.lang.Long", LONG], b"\x95\x96", long(11)),
    "long_for_int": ("add", [INT, INT], long(2) + long(3), b"\x95"),
    "int_wraps": ("add", [INT, INT], b"I\x7f\xff\xff\xff" + b"\x91", b"I\x80\x00\x00\x00"),
    "long_wraps": ("addLong", ["java.lang.Long", LONG], long(2**63 - 1) + long(1), long(-2**63)),
    "least_long": ("addLong", ["java.lang.Long", LONG], b"N" + long(-2**63), long(-2**63)),
    "nan": ("half", [DOUBLE], double(float("nan")), b"D\x7f\xf8\x00\x00\x00\x00\x00\x00"),
    "infinity": ("half", [DOUBLE], double(float("inf")), FLOAT + struct.pack(">f", float("inf"))),
    "minus_infinity": ("half", [DOUBLE], double(float("-inf")), FLOAT + struct.pack(">f", float("-inf"))),
    "least_double": ("half", [DOUBLE], double(5e-324), b"\x67"),
    "no_strings": ("echoArray", ["[Ljava.lang.String;"], b"Vt\x00\x07[stringl\x00\x00\x00\x00z", b"V"),
    "array_in_source_style": ("sum", ["int[]"], b"Vt\x00\x04[intn\x03\x91\x92\x93z", b"\x96"),
    "bytes_in_source_style": ("echoBytes", ["byte[]"], b"\x23\x01\x02\xff", b"\x23\x01\x02\xff"),
    "strings_in_source_style": ("echoArray", ["java.lang.String[]"], b"Vt\x00\x07[stringn\x02\x01aNz", b"\x01aN"),
    "no_numbers": ("sum", ["[I"], b"Vt\x00\x04[intn\x00z", b"\x90"),
    "untyped_list_for_array": ("sum", ["[I"], b"Vn\x02\x91\x92z", b"\x93"),
    "no_users": ("listUsers", [INT], b"\x90", b"V"),
    "date_before_1970": ("echoObject", ["java.lang.Object"], b"d" + struct.pack(">q", -1), b"d" + struct.pack(">q", -1)),
    "date_of_the_year_1": ("echoObject", ["java.lang.Object"], b"d" + struct.pack(">q", -62135596800000), b"d" + struct.pack(">q", -62135596800000)),
    "cjk": ("hello", [STRING], b"\x02" + "中文".encode(), b"\x08hello " + "中文".encode()),
    "emoji_as_surrogates": ("echo", [STRING], b"\x02\xed\xa0\xbd\xed\xb8\x80", b"\x02\xed\xa0\xbd\xed\xb8\x80"),
    "text_in_chunks": ("echo", [STRING], b"s\x00\x01as\x00\x01bS\x00\x01c", b"\x03abc"),
    "level_by_name": ("nextLevel", [LEVEL], obj(LEVEL, {"name": b"\x06SILVER"}), b"\x04GOLD"),
}


@pytest.mark.stricter_than_java
@pytest.mark.parametrize("name", VALUES)
def test_a_value_of_another_form_is_taken(peer, name):
    method, signatures, arguments, expected = VALUES[name]
    content = result_of(peer, method, signatures, arguments)
    assert expected in content[content.index(RESULT) + len(RESULT):], content


FIELDS = {
    "sofa.interop.User": ("getUser", [LONG], long(5), {"id", "name", "age", "vip", "score", "rank", "tags", "attrs", "level", "birthday", "balance",
                                                       "avatar", "manager"}),
    "sofa.interop.Node": ("echoNode", [NODE], obj(NODE, {"name": b"\x01a"}), {"name", "next", "children"}),
    "sofa.interop.Level": ("nextLevel", [LEVEL], obj(LEVEL, {"name": b"\x04GOLD"}), {"name"}),
    "sofa.interop.InteropException": ("fail", [STRING], bolt.text("checked"), {"code", "detailMessage", "cause", "stackTrace", "suppressedExceptions"}),
}


@pytest.mark.parametrize("class_name", FIELDS)
def test_an_object_of_the_contract_has_the_fields_of_its_class(peer, class_name):
    method, signatures, arguments, expected = FIELDS[class_name]
    content = result_of(peer, method, signatures, arguments)
    rest = content[content.index(b"O" + bolt.named(class_name)) + 1 + len(bolt.named(class_name)):]
    names, rest = rest[0] - 0x90, rest[1:]
    fields = set()
    for _ in range(names):
        fields.add(rest[1:1 + rest[0]].decode())
        rest = rest[1 + rest[0]:]
    assert fields == expected, content


def test_listed_users_share_one_manager_on_the_wire(peer):
    content = result_of(peer, "listUsers", [INT], b"\x93")
    assert [content.count(bolt.text(f"user-{id}")) for id in range(5)] == [1, 1, 1, 1, 0], content


USER_OF_NULLS = b"N\x90F\x67" + b"N" * 8  # all after the id
USERS = {
    "only_the_id": ({"id": long(9)}, long(10) + USER_OF_NULLS),
    "nothing": ({}, long(1) + USER_OF_NULLS),
    "id_as_int": ({"id": b"\x99"}, long(10) + USER_OF_NULLS),
    "nulls_for_numbers": ({"id": b"N", "age": b"N", "vip": b"N", "score": b"N"}, long(1) + USER_OF_NULLS),
    "other_order": ({"score": double(0.5), "vip": b"T", "name": b"\x01x", "id": long(1)}, long(2) + b"\x01x\x90T" + FLOAT + struct.pack(">f", 0.5) + b"N" * 8),
    "unknown_fields": ({"nickname": b"\x01y", "id": long(3), "extra": b"Vn\x01\x91z"}, long(4) + USER_OF_NULLS),
    "greatest_id": ({"id": long(2**63 - 1)}, long(-2**63) + USER_OF_NULLS),
}


@pytest.mark.stricter_than_java
@pytest.mark.parametrize("name", USERS)
def test_fields_of_a_user_may_be_absent_null_or_unknown(peer, name):
    fields, expected = USERS[name]
    content = result_of(peer, "putUser", [USER], obj(USER, fields))
    assert b"o\x91" + expected in content, content


@pytest.mark.stricter_than_java
@pytest.mark.parametrize("sent,told", [(1, 2), (0, 1)])
def test_a_missing_argument_is_refused_and_the_connection_lives(peer, sent, told):
    peer.send(bolt.call_v1(3, "add" if told == 2 else "echo", [INT, INT] if told == 2 else [STRING], b"\x91" * sent))
    assert peer.response().status == bolt.DESERIAL_EXCEPTION
    peer.echo(4)


# ---- what is missing is named ----

@pytest.mark.parametrize("service,method,named", [
    ("sofa.interop.Nobody:1.0", "echo", b"sofa.interop.Nobody:1.0"),
    (bolt.SERVICE + ":green", "echo", b"sofa.interop.InteropService:1.0:green"),
    ("sofa.interop.InteropService:9.0", "echo", b"sofa.interop.InteropService:9.0"),
    (bolt.SERVICE, "unheard", b"unheard"),
])
def test_a_missing_service_or_method_is_named_in_an_error(peer, service, method, named):
    content = result_of(peer, method, [STRING], bolt.text("x"), service)
    assert b"o\x90T" in content and named in content, content


# ---- calls ----

def test_a_call_that_sleeps_longer_than_its_timeout_leaves_the_connection_alive(peer):
    peer.send(bolt.call_v1(1, "sleep", [LONG], b"\x77" + struct.pack(">i", 400), timeout=100))
    for request_id in range(2, 12):
        peer.echo(request_id)
    # A call that sleeps longer is answered behind it: by then a late answer of the first has come, if it is sent at all.
    peer.send(bolt.call_v1(12, "sleep", [LONG], b"\x77" + struct.pack(">i", 500)))
    while (answer := peer.response()).request_id != 12:
        assert answer.request_id == 1
    assert bolt.text("slept 500") in answer.content


def test_notes_are_kept_by_key_and_the_last_one_counts(peer):
    key = f"contract-{time.monotonic_ns()}-"
    for value in ("first", "last"):
        for number in range(5):
            assert result_of(peer, "note", [STRING, STRING], bolt.text(f"{key}{number}") + bolt.text(f"{value} {number}"))
    for number in range(5):
        assert bolt.text(f"last {number}") in result_of(peer, "recall", [STRING], bolt.text(f"{key}{number}"))
    assert RESULT + b"N" in result_of(peer, "recall", [STRING], bolt.text(key))


def test_the_blue_provider_has_every_method(peer):
    blue = bolt.SERVICE + ":blue"
    assert bolt.text("blue:x") in result_of(peer, "echo", [STRING], bolt.text("x"), blue)
    assert bolt.text("hello x") in result_of(peer, "hello", [STRING], bolt.text("x"), blue)
    assert RESULT + b"\x93" in result_of(peer, "add", [INT, INT], b"\x91\x92", blue)


# ---- section 2: protobuf ----

def protobuf(peer, content, method="echo", service="sofa.interop.InteropPbService:1.0"):
    peer.send(bolt.request_v1(8, bolt.REQUEST_CLASS, bolt.call_header(method, service), content, codec=11))
    answer = peer.response()
    assert answer.request_id == 8
    return answer


PROTOBUF = {
    "nothing": (b"", b""),
    "text": (b"\x0a\x02hi", b"\x0a\x02hi"),
    "times_is_no_index": (b"\x0a\x01x\x10\x05", b"\x0a\x01x"),
    "blob": (b"\x1a\x03\x00\x01\xff", b"\x1a\x03\x00\x01\xff"),
    "attrs": (b"\x22\x06\x0a\x01k\x12\x01v", b"\x22\x06\x0a\x01k\x12\x01v"),
    "sleep": (b"\x0a\x01x\x28\x14", b"\x0a\x01x"),
    "unknown_fields": (b"\x0a\x01x\xf8\x07\x01", b"\x0a\x01x"),
}


@pytest.mark.parametrize("name", PROTOBUF)
def test_protobuf_is_copied(peer, name):
    request, expected = PROTOBUF[name]
    answer = protobuf(peer, request)
    assert (answer.status, answer.codec, answer.content) == (bolt.OK, 11, expected), answer


def test_protobuf_errors_are_text_with_a_mark_in_the_header(peer):
    mark = bolt.header_map({"sofa_head_response_error": "true"})
    failed = protobuf(peer, b"\x32\x02pb")
    assert failed.status == bolt.OK and b"boom pb" in failed.content and mark in failed.header, failed
    for method, service, named in [("unheard", "sofa.interop.InteropPbService:1.0", b"unheard"), ("echo", "sofa.interop.Nobody:1.0", b"sofa.interop.Nobody:1.0")]:
        missing = protobuf(peer, b"", method, service)
        assert missing.status == bolt.OK and named in missing.content and mark in missing.header, missing


@pytest.mark.stricter_than_java
def test_broken_protobuf_is_refused_and_the_connection_lives(peer):
    assert protobuf(peer, b"\x0a\x7fshort").status == bolt.DESERIAL_EXCEPTION
    peer.echo(9)


# ---- the program ----

cpp_only = pytest.mark.skipif(conftest.server_kind() == "java", reason="options of the C++ program")


def run(*options):
    return subprocess.run([programs.binaries() / "interop-server", *options], capture_output=True, text=True, timeout=10)


@cpp_only
@pytest.mark.parametrize("options", [["--bolt", "0"], ["--bolt=0"], ["--host", "0.0.0.0", "--bolt", "0"], ["--bolt", "0", "--host", "127.0.0.1"]])
def test_the_ready_line_names_pid_and_port(options):
    server = programs.Server([programs.binaries() / "interop-server", *options])
    try:
        assert server.lines[-1] == f"ready pid={server.process.pid} bolt={server.port}", f"{server}"
        with bolt.Peer(server.address) as peer:
            peer.echo(1)
        elsewhere = socket.socket()
        elsewhere.settimeout(2)
        refused = elsewhere.connect_ex(("127.0.0.2", server.port)) != 0
        elsewhere.close()
        assert refused == ("0.0.0.0" not in options), "it listens on another address than --host says"
    finally:
        assert server.stop() < 2
    assert server.process.returncode == 0, f"{server}"


@cpp_only
def test_without_options_it_listens_on_the_usual_ports():
    """Where another program holds one of them already, the server says so in one line."""
    server = programs.Program([programs.binaries() / "interop-server"])
    try:
        line = server.wait_for_line(r"^ready pid=\d+ bolt=12200 dubbo=20880 h2=50051 http1=8341$|12200|20880|50051|50052|8341", 10)[0]
        assert line.startswith("ready") or server.wait(10) == 1, f"{server}"
    finally:
        server.stop()


@cpp_only
@pytest.mark.parametrize("options", [["--bolt", "70000"], ["--bolt", "-1"], ["--bolt", "x"], ["--bolt"], ["--unheard", "1"], ["word"]])
def test_wrong_options_are_refused_with_a_sentence(options):
    done = run(*options)
    assert done.returncode == 2 and options[0].lstrip("-") in done.stderr and "ready" not in done.stdout, done


@cpp_only
def test_an_address_that_is_not_here_is_refused_with_a_sentence():
    done = run("--host", "192.0.2.1", "--bolt", "0")
    assert done.returncode == 1 and "192.0.2.1" in done.stderr, done


@cpp_only
@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_within_two_seconds_with_calls_under_way(signal_number):
    server = programs.Server([programs.binaries() / "interop-server", "--bolt", "0"])
    with bolt.Peer(server.address) as peer:
        for request_id in range(20):
            peer.send(bolt.call_v1(request_id, "sleep", [LONG], b"\x77" + struct.pack(">i", 60_000), timeout=100_000))
        peer.echo(30)
        begun = time.monotonic()
        server.process.send_signal(signal_number)
        assert server.wait(10) == 0, f"{server}"
        assert time.monotonic() - begun < 2
