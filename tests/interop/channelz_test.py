"""grpc.channelz.v1 of our servers, asked by the stub of grpcio-channelz as it comes from PyPI."""

import contextlib
import ipaddress
import time

import grpc
import pytest
from grpc_channelz.v1 import channelz_pb2 as pb
from grpc_channelz.v1 import channelz_pb2_grpc

import programs

SECONDS = 20  # of every call


@contextlib.contextmanager
def serving(*arguments):
    server = programs.Server([programs.binaries() / "greeter-server", "--port", 0, *arguments], protocol="h2")
    try:
        yield server
    finally:
        server.stop()
    assert server.process.returncode == 0, f"{server}"


@pytest.fixture(scope="module")
def server():
    with serving() as server:
        yield server


@contextlib.contextmanager
def channel_to(server):
    # A connection of its own for each channel: grpcio shares them otherwise.
    with grpc.insecure_channel(server.address, options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
        yield channel


@pytest.fixture
def channel(server):
    with channel_to(server) as channel:
        yield channel


@pytest.fixture
def stub(channel):
    return channelz_pb2_grpc.ChannelzStub(channel)


def greet(channel, body=b"\x0a\x03Ann"):
    return channel.unary_unary("/acme.greeter.Greeter/Greet")(body, timeout=SECONDS)


def all_sockets(stub, most=0):
    """Every socket of the server, page by page."""
    refs, start = [], 0
    while True:
        page = stub.GetServerSockets(pb.GetServerSocketsRequest(server_id=1, start_socket_id=start, max_results=most), timeout=SECONDS)
        assert not most or len(page.socket_ref) <= most
        refs += page.socket_ref
        if page.end:
            return refs
        start = page.socket_ref[-1].socket_id + 1


def sockets_when(stub, count):
    """All sockets, when they are so many: the server may not have seen yet that the connections of earlier tests have ended."""
    deadline = time.monotonic() + SECONDS
    while len(refs := all_sockets(stub)) != count:
        assert time.monotonic() < deadline, refs
        time.sleep(0.01)
    return refs


def code_of(call):
    with pytest.raises(grpc.RpcError) as failed:
        call()
    return failed.value.code()


def test_the_server_counts_its_calls(stub, channel):
    (before,) = stub.GetServers(pb.GetServersRequest(), timeout=SECONDS).server
    for _ in range(3):
        assert greet(channel)
    assert code_of(lambda: greet(channel, b"\xff")) == grpc.StatusCode.INTERNAL
    after = stub.GetServer(pb.GetServerRequest(server_id=before.ref.server_id), timeout=SECONDS).server
    # GetServers itself, three calls, one that fails and GetServer, which runs.
    assert after.data.calls_started == before.data.calls_started + 5
    assert after.data.calls_succeeded == before.data.calls_succeeded + 4
    assert after.data.calls_failed == before.data.calls_failed + 1


def test_servers_come_with_an_end(stub):
    assert stub.GetServers(pb.GetServersRequest(), timeout=SECONDS).end
    behind = stub.GetServers(pb.GetServersRequest(start_server_id=2), timeout=SECONDS)
    assert behind.end and not behind.server


def test_a_listening_socket_has_its_address(stub, server):
    (shown,) = stub.GetServers(pb.GetServersRequest(), timeout=SECONDS).server
    (listening,) = shown.listen_socket
    local = stub.GetSocket(pb.GetSocketRequest(socket_id=listening.socket_id), timeout=SECONDS).socket.local.tcpip_address
    assert (str(ipaddress.ip_address(local.ip_address)), local.port) == ("127.0.0.1", server.port)


def test_a_connection_has_its_addresses_and_its_streams(stub, server):
    (ref,) = sockets_when(stub, 1)
    socket = stub.GetSocket(pb.GetSocketRequest(socket_id=ref.socket_id), timeout=SECONDS).socket
    assert socket.local.tcpip_address.port == server.port
    assert str(ipaddress.ip_address(socket.remote.tcpip_address.ip_address)) == "127.0.0.1"
    assert socket.ref.name == f"h2 127.0.0.1:{socket.remote.tcpip_address.port}"
    assert not socket.HasField("security")
    again = stub.GetSocket(pb.GetSocketRequest(socket_id=ref.socket_id), timeout=SECONDS).socket
    assert again.data.streams_started == socket.data.streams_started + 1


def test_connections_come_page_by_page(stub, server):
    with contextlib.ExitStack() as stack:
        for _ in range(4):
            assert greet(stack.enter_context(channel_to(server)))
        everything = [ref.socket_id for ref in sockets_when(stub, 5)]
        assert everything == sorted(everything)
        assert [ref.socket_id for ref in all_sockets(stub, most=2)] == everything
        assert len(stub.GetServerSockets(pb.GetServerSocketsRequest(server_id=1, max_results=2), timeout=SECONDS).socket_ref) == 2


def test_a_connection_over_tls_says_so(certificates):
    with serving(*certificates.server_flags()) as server:
        trust = grpc.ssl_channel_credentials(certificates.ca.read_bytes())
        with grpc.secure_channel(server.address, trust, options=[("grpc.ssl_target_name_override", "localhost")]) as channel:
            stub = channelz_pb2_grpc.ChannelzStub(channel)
            (ref,) = all_sockets(stub)
            assert stub.GetSocket(pb.GetSocketRequest(socket_id=ref.socket_id), timeout=SECONDS).socket.security.HasField("tls")


def test_what_is_not_there_is_not_found(stub):
    for call in (
        lambda: stub.GetServer(pb.GetServerRequest(server_id=9), timeout=SECONDS),
        lambda: stub.GetServerSockets(pb.GetServerSocketsRequest(server_id=9), timeout=SECONDS),
        lambda: stub.GetSocket(pb.GetSocketRequest(socket_id=999_999), timeout=SECONDS),
        lambda: stub.GetSocket(pb.GetSocketRequest(socket_id=0), timeout=SECONDS),
        lambda: stub.GetChannel(pb.GetChannelRequest(channel_id=1), timeout=SECONDS),
        lambda: stub.GetSubchannel(pb.GetSubchannelRequest(subchannel_id=1), timeout=SECONDS),
    ):
        assert code_of(call) == grpc.StatusCode.NOT_FOUND


def test_a_server_has_no_channels(stub):
    answer = stub.GetTopChannels(pb.GetTopChannelsRequest(), timeout=SECONDS)
    assert answer.end and not answer.channel
