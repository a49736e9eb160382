"""Section 5 of the contract: Dubbo 3.3's own client against the C++ server, over Dubbo 2 and Triple, on a port of its own and on the one port; our
client against Dubbo's own server; raw bytes and telnet."""

import socket
import time

import pytest

import conftest
import programs

CHECKS_AT_LEAST = 70
TRIPLE_CHECKS_AT_LEAST = 63  # with streams, without generic calls and $echo
CPP_CHECKS_AT_LEAST = 100
SERVICE = "sofa.interop.DubboInteropService"


class DubboServer(programs.Server):
    """interop-server; `port` is the one that speaks `protocol`. Dubbo's client replaces a loopback host by the machine's own address: it listens on
    all."""

    def __init__(self, *options, protocol="dubbo"):
        super().__init__([programs.binaries() / "interop-server", "--host", "0.0.0.0", *options], protocol=protocol)


@pytest.fixture(scope="module", params=["--dubbo", "--port"])
def dubbo_server(request):
    """On a port of Dubbo alone, and on one with every protocol."""
    server = DubboServer(request.param, "0")
    yield server
    server.stop()


@pytest.fixture(scope="module", params=["--dubbo-triple", "--port"])
def triple_server(request):
    """On a port of Triple alone, and on one with every protocol."""
    server = DubboServer(request.param, "0", protocol="h2")
    yield server
    server.stop()


@pytest.fixture
def alone():
    server = DubboServer("--dubbo", "0")
    yield server
    server.stop()


def test_java_client_to_server(dubbo_java, dubbo_server):
    failed, passed = programs.run_checks(programs.dubbo_command("DubboJavaClient", f"dubbo://{dubbo_server.address}"), 180)
    assert not failed, f"{len(failed)} checks failed, {passed} passed:\n" + "\n".join(failed)
    assert passed >= CHECKS_AT_LEAST


def test_client_of_dubbo_2_7_to_server(dubbo_server):
    folder = programs.HERE / "dubbo27-java"
    programs.compile_java(folder)
    failed, passed = programs.run_checks([programs.JAVA_RUN, "--folder", folder, "sofa.interop.DubboJavaClient", f"dubbo://{dubbo_server.address}"], 180)
    assert not failed, f"{len(failed)} checks failed, {passed} passed:\n" + "\n".join(failed)
    assert passed >= CHECKS_AT_LEAST


def test_java_client_over_triple(dubbo_java, triple_server):
    failed, passed = programs.run_checks(programs.dubbo_command("DubboJavaClient", f"tri://{triple_server.address}"), 180)
    assert not failed, f"{len(failed)} checks failed, {passed} passed:\n" + "\n".join(failed)
    assert passed >= TRIPLE_CHECKS_AT_LEAST


def test_java_consumer_finds_the_server_by_application(dubbo_java, dubbo_server):
    """The registry gives the address alone: the consumer asks the server's metadata service which services it has."""
    failed, passed = programs.run_checks(programs.dubbo_command("DubboApplicationClient", dubbo_server.address), 120)
    assert not failed, f"{len(failed)} checks failed, {passed} passed:\n" + "\n".join(failed)
    assert passed >= 7


def test_java_consumer_asks_by_protobuf_where_the_instance_says_so(dubbo_java):
    """MetadataServiceV2 over Triple."""
    with DubboServer("--port", "0") as server:
        failed, passed = programs.run_checks(programs.dubbo_command("DubboApplicationClient", server.address, "v2"), 120)
    assert not failed, f"{len(failed)} checks failed, {passed} passed:\n" + "\n".join(failed)
    assert passed >= 8


@pytest.fixture(scope="module")
def java_server(dubbo_java):
    server = programs.Server(programs.dubbo_command("DubboJavaServer", "--dubbo", "0"), protocol="dubbo")
    yield server
    server.stop()


def assert_cpp_client_passes(server):
    failed, passed = programs.run_checks([programs.binaries() / "interop-client", f"dubbo://{server.address}"], 180)
    assert not failed, f"{len(failed)} checks failed, {passed} passed:\n" + "\n".join(failed)
    assert passed >= CPP_CHECKS_AT_LEAST


def test_cpp_client_to_java_server(java_server):
    assert_cpp_client_passes(java_server)


def test_cpp_client_to_cpp_server(dubbo_server):
    assert_cpp_client_passes(dubbo_server)


def connect(server):
    return socket.create_connection(("127.0.0.1", server.port), timeout=10)


def receive(peer, size):
    data = b""
    while len(data) < size:
        got = peer.recv(size - len(data))
        assert got, f"closed after {data!r}"
        data += got
    return data


@pytest.mark.parametrize("step", [1, 100])
def test_heartbeat_is_answered_byte_for_byte(dubbo_server, step):
    request = bytes.fromhex("dabbe2001122334455667788000000014e")
    with connect(dubbo_server) as peer:
        for at in range(0, len(request), step):
            peer.sendall(request[at:at + step])
            time.sleep(0.001)  # so that the bytes come one at a time
        assert receive(peer, 17).hex() == "dabb22141122334455667788000000014e"


def test_a_server_that_stops_says_readonly_and_ends_within_two_seconds(alone):
    with connect(alone) as peer:
        peer.sendall(bytes.fromhex("dabbe2000000000000000001000000014e"))
        receive(peer, 17)
        alone.process.terminate()
        event = receive(peer, 18)
        assert event[:4].hex() == "dabba200" and event[12:].hex() == "000000020152", event
        peer.settimeout(5)
        assert peer.recv(1) == b""
    assert alone.wait(2) == 0


def test_telnet_lists_and_invokes(alone):
    with connect(alone) as peer:
        peer.sendall(f"ls\r\nls {SERVICE}\r\ninvoke {SERVICE}.hello(\"tel\", 2)\r\ninvoke {SERVICE}.fail(\"checked\")\r\nexit\r\n".encode())
        text = b""
        while got := peer.recv(65536):
            text += got
    for part in (f"{SERVICE}:1.0", "java.lang.String hello(java.lang.String, int)", 'result: "hello tel,hello tel"',
                 "failed: sofa.interop.InteropException: boom checked", "dubbo>"):
        assert part in text.decode(), text


def test_text_is_refused_on_the_port_of_all_protocols():
    server = DubboServer("--port", "0")
    try:
        with connect(server) as peer:
            peer.sendall(b"ls\r\n")
            assert peer.recv(100) == b""
    finally:
        server.stop()
