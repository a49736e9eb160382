"""Our client against the servers of grpc-go, grpc-java and grpcio: the cases of gRPC's interoperability tests, plain, over TLS and over mutual TLS;
and the contract's gRPC service (docs/protocols/interop-service.md, section 3) on servers of grpc-go and grpc-java."""

import contextlib
import os
import pathlib
import socket
import sys
import time

import pytest

import programs
from certificates import Certificates

CASES = [
    "empty_unary", "large_unary", "client_streaming", "server_streaming", "ping_pong", "empty_stream", "timeout_on_sleeping_server",
    "cancel_after_begin", "cancel_after_first_response", "status_code_and_message", "special_status_message", "rpc_soak", "channel_soak",
    "custom_metadata", "unimplemented_method", "unimplemented_service",
]
GZIP = ["client_compressed_unary_noprobe", "client_compressed_streaming_noprobe", "server_compressed_unary"]
# What each can beside them: grpc-go's server has no compression, those of grpc-java and grpcio do not look whether a request came compressed, and
# only ours names itself (pick_first_unary).
MORE = {
    "go": [],
    "java": GZIP,
    "grpcio": [*GZIP, "server_compressed_streaming"],
    "cpp": [*GZIP, "server_compressed_streaming", "client_compressed_unary", "client_compressed_streaming", "pick_first_unary"],
}
SECONDS = 120


class PortServer(programs.Program):
    """A server that is told its port and says nothing of it."""

    def __init__(self, command, port):
        super().__init__(command)
        self.port = port

    def listens(self):
        """Whether this program itself has the port, and no other one."""
        held = set()
        with contextlib.suppress(FileNotFoundError):  # it has just ended
            for number in os.listdir(f"/proc/{self.process.pid}/fd"):
                with contextlib.suppress(FileNotFoundError):  # it has just closed it
                    held.add(os.readlink(f"/proc/{self.process.pid}/fd/{number}"))
        for table in ("tcp", "tcp6"):
            for line in pathlib.Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
                fields = line.split()
                is_listener = fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == self.port
                if is_listener and f"socket:[{fields[9]}]" in held:
                    return True
        return False

    def is_ready(self):
        """Waits until it listens; false when it has ended instead."""
        deadline = time.monotonic() + 60
        while not self.listens():
            if self.process.poll() is not None:
                return False
            if time.monotonic() > deadline:
                self.kill()
                raise AssertionError(f"nobody listens on {self.port}: {self}")
            time.sleep(0.05)
        return True


def port_server(command):
    """A running server of command(port). When another program was faster on the port, the next one is tried."""
    for _ in range(3):
        port = programs.free_port()
        server = PortServer(command(port), port)
        if server.is_ready():
            return server
        server.stop()
    raise AssertionError(f"it does not stay: {server}")


def test_a_server_whose_port_another_program_takes_gets_the_next_one():
    others = []

    def command(port):
        if not others:
            others.append(socket.create_server(("127.0.0.1", port)))
        return [sys.executable, "-c", "import signal, socket, sys; s = socket.create_server(('127.0.0.1', int(sys.argv[1]))); signal.pause()", port]

    with port_server(command) as server, others[0]:
        assert server.listens() and server.port != others[0].getsockname()[1]


@pytest.fixture(scope="module")
def messages(tmp_path_factory):
    return programs.compile_proto(tmp_path_factory.mktemp("proto"), "grpc/testing/test.proto")


@pytest.fixture
def start(request, messages, certificates):
    """start(kind, secure, mutual): a running server of grpc-go, grpc-java, grpcio or ours."""
    def run(kind, secure=False, mutual=False):
        certificate, key = certificates.server
        if kind == "go":
            tls = ["-use_tls", f"-tls_cert_file={certificate}", f"-tls_key_file={key}"] if secure else []
            program = request.getfixturevalue("go_grpc") / "server"
            return port_server(lambda port: [program, f"-port={port}", *tls])
        if kind == "java":
            java = request.getfixturevalue("grpc_java")
            return port_server(lambda port: java("io.grpc.testing.integration.TestServiceServer", f"--port={port}", "--use_tls=false"))
        if kind == "cpp":
            tls = ["--tls-certificate", certificate, "--tls-key", key, *(["--tls-client-ca", certificates.ca] if mutual else [])] if secure else []
            return programs.Server([programs.binaries() / "grpc-interop-server", "--port", 0, *tls], protocol="h2")
        tls = ["--certificate", certificate, "--key", key, *(["--client-ca", certificates.ca] if mutual else [])] if secure else []
        return programs.Server([sys.executable, programs.HERE / "grpcio_server.py", messages, *tls], protocol="h2")
    return run


def run_cases(port, cases, *options):
    named = [word for case in cases for word in ("--test-case", case)]
    return programs.run_checks([programs.binaries() / "grpc-interop-client", "--server-port", port, *named, *options], SECONDS)


@pytest.mark.parametrize("kind", MORE)
def test_our_client_passes_on_the_server_of(start, kind):
    cases = CASES + MORE[kind]
    with start(kind) as server:
        failed, passed = run_cases(server.port, cases)
    assert failed == []
    assert passed == len(cases)


@pytest.mark.parametrize("kind", ["go", "java", "--port", "--triple"])
def test_our_client_follows_the_contract_on_the_server_of(request, kind):
    """Of grpc-go and of grpc-java; and ours, on the one port of every protocol and on one of Triple alone."""
    if kind == "go":
        command = [request.getfixturevalue("go_grpc") / "contract-server"]
    elif kind == "java":
        command = request.getfixturevalue("grpc_java")("sofa.interop.GrpcJavaServer")
    else:
        command = [programs.binaries() / "interop-server", kind, 0]
    with programs.Server(command, protocol="h2") as server:
        failed, passed = programs.run_checks([programs.binaries() / "interop-client", f"grpc://{server.address}"], SECONDS)
    assert failed == []
    assert passed >= 25


@pytest.mark.parametrize("kind", ["go", "grpcio"])
def test_our_client_pings_no_more_often_than_servers_take(start, kind):
    """Both end the connection with "too_many_pings" after a few that come sooner than 5 minutes after each other."""
    with start(kind) as server:
        failed, passed = run_cases(server.port, ["quiet_stream"], "--heartbeat-ms", 200)
    assert (failed, passed) == ([], 1)


@pytest.mark.parametrize("kind, mutual", [("go", False), ("grpcio", False), ("grpcio", True), ("cpp", True)])
def test_our_client_passes_over_tls_on_the_server_of(start, certificates, kind, mutual):
    certificate, key = certificates.client
    own = ["--tls-certificate", certificate, "--tls-key", key] if mutual else []
    cases = [case for case in CASES if not case.endswith("soak")]
    with start(kind, secure=True, mutual=mutual) as server:
        failed, passed = run_cases(server.port, cases, "--use-tls", "--server-host", "localhost", "--tls-ca", certificates.ca, *own)
    assert failed == []
    assert passed == len(cases)


def test_a_certificate_that_is_not_believed_is_named_with_host_and_reason(start, certificates, tmp_path):
    with start("go", secure=True) as server:
        strangers, _ = run_cases(server.port, ["empty_unary"], "--use-tls", "--server-host", "localhost", "--tls-ca", Certificates(tmp_path).ca)
        system, _ = run_cases(server.port, ["empty_unary", "custom_metadata"], "--use-tls", "--server-host", "localhost")
        other_name, _ = run_cases(server.port, ["empty_unary"], "--use-tls", "--server-host", "127.0.0.2", "--tls-ca", certificates.ca)
    assert len(strangers) == 1 and "the certificate of host localhost" in strangers[0] and "is not among the trusted ones" in strangers[0]
    assert len(system) == 2 and all("the certificate of host localhost" in line for line in system), "by stubs, and in bytes"
    assert len(other_name) == 1 and "127.0.0.2" in other_name[0] and "is made for localhost" in other_name[0], other_name


def test_a_compression_that_the_server_does_not_have_is_its_error(start):
    with start("go") as server:
        failed, _ = run_cases(server.port, ["client_compressed_unary_noprobe"])
    assert len(failed) == 1 and "Decompressor is not installed" in failed[0]


@pytest.mark.parametrize("kind, sentence", [("cpp", "it wants a certificate of ours"), ("grpcio", "")])
def test_without_the_certificate_that_a_server_wants_calls_fail(start, certificates, kind, sentence):
    with start(kind, secure=True, mutual=True) as server:
        failed, passed = run_cases(server.port, ["empty_unary"], "--use-tls", "--server-host", "localhost", "--tls-ca", certificates.ca)
    assert passed == 0 and len(failed) == 1
    assert sentence in failed[0], "grpcio closes the connection and gives no reason"
