"""grpcio, the gRPC of C core in Python, against the contract's gRPC service (docs/protocols/interop-service.md, section 3)."""

import threading
import time
import urllib.request

import grpc
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

import bolt
import conftest
import programs

pytestmark = pytest.mark.skipif(conftest.server_kind() == "java", reason="proves the C++ server")

SERVICE = "/sofa.interop.pb.Interop/"
SECONDS = 20  # of every call that names nothing else


@pytest.fixture(scope="module")
def messages(tmp_path_factory):
    """The message classes of interop.proto, by name."""
    compiled = programs.compile_proto(tmp_path_factory.mktemp("proto"), "interop.proto")
    pool = descriptor_pool.DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString(compiled.read_bytes()).file:
        pool.Add(file)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"sofa.interop.pb.{name}")) for name in ("EchoRequest", "EchoResponse")}


class Stub:
    """The four methods over one channel."""

    def __init__(self, channel, messages):
        codec = {"request_serializer": messages["EchoRequest"].SerializeToString, "response_deserializer": messages["EchoResponse"].FromString}
        self.request = messages["EchoRequest"]
        self.echo = channel.unary_unary(SERVICE + "Echo", **codec)
        self.server_stream = channel.unary_stream(SERVICE + "ServerStream", **codec)
        self.client_stream = channel.stream_unary(SERVICE + "ClientStream", **codec)
        self.bidi_stream = channel.stream_stream(SERVICE + "BidiStream", **codec)
        self.missing = channel.unary_unary(SERVICE + "Missing", **codec)


LIMITS = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


@pytest.fixture(scope="module", params=["port", "triple"])
def address(request):
    """The one port that speaks everything, and the port of Triple alone."""
    server = programs.Server([programs.binaries() / "interop-server", f"--{request.param}", 0], protocol="h2")
    yield server.address
    server.stop()
    assert server.process.returncode == 0, f"{server}"


@pytest.fixture
def stub(address, messages):
    with grpc.insecure_channel(address, options=LIMITS) as channel:
        yield Stub(channel, messages)


def failure(call):
    with pytest.raises(grpc.RpcError) as raised:
        call()
    return raised.value.code(), raised.value.details()


def test_echo_keeps_every_field(stub):
    sent = stub.request(text="text 中", times=7, blob=bytes(range(256)), attrs={"a": "1", "中": ""})
    answer = stub.echo(sent, timeout=SECONDS)
    assert (answer.text, answer.index, answer.blob, dict(answer.attrs)) == (sent.text, 0, sent.blob, dict(sent.attrs))


@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
@pytest.mark.parametrize("size", [0, 1, 16384, 65536, 3 << 20])
def test_messages_up_to_3_mib_both_ways(stub, size, compression):
    blob = b"x" * size
    assert stub.echo(stub.request(blob=blob), timeout=SECONDS, compression=compression).blob == blob


def test_an_unknown_compression_is_refused_with_the_known_ones(stub):
    with pytest.raises(grpc.RpcError) as raised:
        stub.echo(stub.request(text="x" * 1000), timeout=SECONDS, compression=grpc.Compression.Deflate)
    assert raised.value.code() == grpc.StatusCode.UNIMPLEMENTED
    assert "deflate" in raised.value.details() and "gzip" in raised.value.details()


def test_a_failure_is_unknown_with_its_message(stub):
    assert failure(lambda: stub.echo(stub.request(fail="ed 100% 中"), timeout=SECONDS)) == (grpc.StatusCode.UNKNOWN, "boom ed 100% 中")


def test_unknown_methods_and_services_are_unimplemented(stub, address):
    assert failure(lambda: stub.missing(stub.request(), timeout=SECONDS))[0] == grpc.StatusCode.UNIMPLEMENTED
    with grpc.insecure_channel(address) as channel:
        assert failure(lambda: channel.unary_unary("/no.Service/Echo")(b"", timeout=SECONDS))[0] == grpc.StatusCode.UNIMPLEMENTED


def test_bytes_that_are_no_message_are_internal(address):
    with grpc.insecure_channel(address) as channel:
        assert failure(lambda: channel.unary_unary(SERVICE + "Echo")(b"\xff\xff", timeout=SECONDS))[0] == grpc.StatusCode.INTERNAL


def test_a_deadline_is_obeyed(stub):
    begun = time.monotonic()
    assert failure(lambda: stub.echo(stub.request(sleep_ms=10_000), timeout=0.2))[0] == grpc.StatusCode.DEADLINE_EXCEEDED
    assert time.monotonic() - begun < 5


def test_server_stream(stub):
    assert [(a.text, a.index) for a in stub.server_stream(stub.request(text="s", times=1000), timeout=SECONDS)] == [("s", i) for i in range(1000)]
    assert list(stub.server_stream(stub.request(times=0), timeout=SECONDS)) == []


def test_client_stream(stub):
    answer = stub.client_stream((stub.request(text=str(i)) for i in range(100)), timeout=SECONDS)
    assert (answer.text, answer.index) == ("".join(map(str, range(100))), 100)
    assert stub.client_stream(iter(()), timeout=SECONDS).index == 0


def test_bidi_stream_answers_each_request_before_the_next(stub):
    answered = threading.Semaphore(1)

    def requests():
        for i in range(50):
            assert answered.acquire(timeout=SECONDS)
            yield stub.request(text=str(i))

    got = []
    for answer in stub.bidi_stream(requests(), timeout=SECONDS):
        got.append((answer.text, answer.index))
        answered.release()
    assert got == [(str(i), i) for i in range(50)]


def test_a_stream_that_fails_gives_its_messages_first(stub):
    call = stub.bidi_stream(iter([stub.request(text="a"), stub.request(fail="ed")]), timeout=SECONDS)
    assert next(call).text == "a"
    assert failure(lambda: next(call)) == (grpc.StatusCode.UNKNOWN, "boom ed")


def test_a_cancelled_stream_ends_and_the_connection_lives(stub):
    call = stub.server_stream(stub.request(text="x" * 1000, times=1_000_000), timeout=SECONDS)
    next(call)
    call.cancel()
    assert stub.echo(stub.request(text="after"), timeout=SECONDS).text == "after"


def test_a_call_that_is_not_read_does_not_stop_others(stub):
    """The answers of one call that nobody reads fill its window; another call on the same connection goes on."""
    slow = stub.server_stream(stub.request(blob=b"x" * 60_000, times=2000), timeout=60)
    next(slow)
    assert stub.echo(stub.request(text="beside"), timeout=SECONDS).text == "beside"
    assert sum(1 for _ in slow) == 1999


def test_many_calls_at_once(stub):
    calls = [stub.echo.future(stub.request(text=str(i), sleep_ms=i % 20), timeout=SECONDS) for i in range(1000)]
    assert [call.result().text for call in calls] == [str(i) for i in range(1000)]


def test_one_port_speaks_bolt_grpc_and_http_at_the_same_time(messages):
    server = programs.Server([programs.binaries() / "interop-server", "--port", 0])
    try:
        with bolt.Peer(server.address) as peer, grpc.insecure_channel(server.address) as channel:
            stub = Stub(channel, messages)
            for i in range(10):
                peer.echo(i + 1)
                assert stub.echo(stub.request(text=str(i)), timeout=SECONDS).text == str(i)
                with urllib.request.urlopen(f"http://{server.address}/", timeout=SECONDS) as page:
                    assert page.status == 200 and page.read()
    finally:
        server.stop()


def test_a_server_that_stops_tells_who_watches_its_health():
    server = programs.Server([programs.binaries() / "interop-server", "--port", 0], protocol="h2")
    with grpc.insecure_channel(server.address) as channel:
        changes = channel.unary_stream("/grpc.health.v1.Health/Watch")(b"", timeout=SECONDS)
        assert next(changes) == b"\x08\x01"  # SERVING
        server.stop()
        assert list(changes) == [b"\x08\x02"]  # NOT_SERVING, then the end with OK
    assert server.process.returncode == 0, f"{server}"


# No byte for 100 ms: a PING, as often as that, whatever has been sent.
IMPATIENT = [("grpc.keepalive_time_ms", 100), ("grpc.http2.max_pings_without_data", 0), ("grpc.http2.min_time_between_pings_ms", 100)]


def test_a_client_that_pings_more_often_than_is_permitted_is_told_too_many_pings(messages):
    """grpc.io's own rule: after two strikes GOAWAY ends the connection and what runs on it; the client doubles its time and tries again."""
    server = programs.Server([programs.binaries() / "interop-server", "--port", 0], protocol="h2")
    with grpc.insecure_channel(server.address, options=IMPATIENT) as channel:
        code, details = failure(lambda: Stub(channel, messages).echo(messages["EchoRequest"](sleep_ms=10_000), timeout=SECONDS))
        assert code == grpc.StatusCode.UNAVAILABLE and "too many pings" in details.lower().replace("_", " "), details
        assert Stub(channel, messages).echo(messages["EchoRequest"](text="again"), timeout=SECONDS).text == "again"
    server.stop()
    assert any("PingPolicy" in line for line in server.lines), f"{server}"


def test_a_server_that_permits_it_is_pinged_as_often_as_its_client_likes(messages):
    server = programs.Server([programs.binaries() / "interop-server", "--port", 0, "--ping-interval-ms", 50], protocol="h2")
    with grpc.insecure_channel(server.address, options=IMPATIENT) as channel:
        assert Stub(channel, messages).echo(messages["EchoRequest"](text="slow", sleep_ms=2000), timeout=SECONDS).text == "slow"
    server.stop()
    assert server.process.returncode == 0, f"{server}"


def test_connections_that_get_old_are_replaced_and_no_call_is_lost(messages):
    """GOAWAY with a drain every 50 to 55 ms under calls that take longer than that."""
    server = programs.Server([programs.binaries() / "interop-server", "--port", 0, "--max-age-ms", 50], protocol="h2")
    with grpc.insecure_channel(server.address) as channel:
        stub = Stub(channel, messages)
        for round_of_calls in range(20):
            calls = [stub.echo.future(stub.request(text=str(i), sleep_ms=i * 10), timeout=SECONDS, wait_for_ready=True) for i in range(10)]
            assert [call.result().text for call in calls] == [str(i) for i in range(10)], round_of_calls
        assert sum(1 for _ in stub.server_stream(stub.request(times=10, sleep_ms=20), timeout=SECONDS)) == 10
    server.stop()
    assert server.process.returncode == 0, f"{server}"
