"""grpc-java against our servers: its interoperability client, and a client of the contract (docs/protocols/interop-service.md, section 3)."""

import pytest

import conftest
import programs

pytestmark = pytest.mark.skipif(conftest.server_kind() == "java", reason="proves the C++ servers")

# All but those that need credentials of a cloud, a cache in between (cacheable_unary) or load reports (orca_*).
CASES = [
    "empty_unary", "large_unary", "client_compressed_unary", "client_compressed_unary_noprobe", "server_compressed_unary", "client_streaming",
    "client_compressed_streaming", "client_compressed_streaming_noprobe", "server_streaming", "server_compressed_streaming", "ping_pong",
    "empty_stream", "custom_metadata", "status_code_and_message", "special_status_message", "unimplemented_method", "unimplemented_service",
    "cancel_after_begin", "cancel_after_first_response", "timeout_on_sleeping_server", "very_large_request", "pick_first_unary", "rpc_soak",
    "channel_soak",
]
SECONDS = 180


def test_the_interop_client_of_grpc_java_passes(grpc_java):
    server = programs.Server([programs.binaries() / "grpc-interop-server", "--port", 0])
    failed, passed = programs.run_checks(grpc_java("sofa.interop.GrpcJavaCases", "127.0.0.1", server.port, *CASES), SECONDS)
    server.stop()
    assert failed == []
    assert passed == len(CASES)
    assert server.process.returncode == 0, f"{server}"


@pytest.mark.parametrize("port", ["port", "triple"])
def test_a_client_of_grpc_java_follows_the_contract(grpc_java, port):
    server = programs.Server([programs.binaries() / "interop-server", f"--{port}", 0], protocol="h2")
    failed, passed = programs.run_checks(grpc_java("sofa.interop.GrpcJavaClient", server.address), SECONDS)
    server.stop()
    assert failed == []
    assert passed >= 20
    assert server.process.returncode == 0, f"{server}"
