"""gRPC over TLS and mutual TLS on our server: grpcio, grpc-go's interoperability client and grpcurl. Our client's side: grpc_client_test.py."""

import subprocess

import grpc
import pytest

import conftest
import programs

pytestmark = pytest.mark.skipif(conftest.server_kind() == "java", reason="proves the C++ server")

ECHO = "/sofa.interop.pb.Interop/Echo"
MESSAGE = b"\x0a\x05hello"  # EchoRequest and EchoResponse: field 1
SECONDS = 20


@pytest.fixture(scope="module", params=["tls", "mutual"])
def server(request, certificates):
    certificate, key = certificates.server
    mutual = ["--tls-client-ca", certificates.ca] if request.param == "mutual" else []
    made = programs.Server([programs.binaries() / "interop-server", "--port", 0, "--tls-certificate", certificate, "--tls-key", key, *mutual], protocol="h2")
    made.mutual = bool(mutual)
    yield made
    made.stop()
    assert made.process.returncode == 0, f"{made}"


def channel(server, certificates, with_certificate):
    own = [path.read_bytes() for path in certificates.client] if with_certificate else [None, None]
    credentials = grpc.ssl_channel_credentials(certificates.ca.read_bytes(), own[1], own[0])
    return grpc.secure_channel(f"localhost:{server.port}", credentials)


def test_grpcio_calls_over_tls(server, certificates):
    with channel(server, certificates, server.mutual) as secure:
        assert secure.unary_unary(ECHO)(MESSAGE, timeout=SECONDS) == MESSAGE
        big = b"\x1a\x80\x80\xc0\x01" + b"b" * (3 << 20)  # field 3: blob
        assert secure.unary_unary(ECHO)(big, timeout=SECONDS, compression=grpc.Compression.Gzip) == big


def test_grpcio_without_the_certificate_that_is_wanted_is_refused(server, certificates):
    with channel(server, certificates, False) as secure:
        call = secure.unary_unary(ECHO)
        if not server.mutual:
            assert call(MESSAGE, timeout=SECONDS) == MESSAGE
            return
        with pytest.raises(grpc.RpcError) as raised:
            call(MESSAGE, timeout=SECONDS)
    assert raised.value.code() == grpc.StatusCode.UNAVAILABLE


def test_grpcurl_calls_over_tls(go_grpc, server, certificates):
    own = ["-cert", certificates.client[0], "-key", certificates.client[1]] if server.mutual else []
    command = [go_grpc / "grpcurl", "-cacert", certificates.ca, *own, "-max-time", SECONDS, "-d", '{"text": "hello"}', f"localhost:{server.port}", ECHO[1:]]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and '"hello"' in done.stdout, done.stderr


@pytest.mark.parametrize("case", ["large_unary", "ping_pong", "custom_metadata", "cancel_after_first_response"])
def test_the_interop_client_of_grpc_go_passes_over_tls(go_grpc, certificates, case):
    certificate, key = certificates.server
    server = programs.Server([programs.binaries() / "grpc-interop-server", "--port", 0, "--tls-certificate", certificate, "--tls-key", key], protocol="h2")
    command = [go_grpc / "client", "--use_tls", "--use_test_ca", f"--ca_file={certificates.ca}", "--server_host=localhost", f"--server_port={server.port}", f"--test_case={case}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    server.stop()
    assert done.returncode == 0, done.stderr
