"""grpc-go against our servers: its interoperability client and grpcurl (docs/protocols/grpc.md, sections 5 and 8), and a client of the contract
(docs/protocols/interop-service.md, section 3)."""

import json
import subprocess

import pytest

import conftest
import programs

pytestmark = pytest.mark.skipif(conftest.server_kind() == "java", reason="proves the C++ servers")

CASES = [
    "empty_unary", "large_unary", "client_streaming", "server_streaming", "ping_pong", "empty_stream", "timeout_on_sleeping_server",
    "cancel_after_begin", "cancel_after_first_response", "status_code_and_message", "special_status_message", "custom_metadata",
    "unimplemented_method", "unimplemented_service", "pick_first_unary", "rpc_soak", "channel_soak",
]


@pytest.fixture(scope="module")
def test_service():
    server = programs.Server([programs.binaries() / "grpc-interop-server", "--port", 0])
    yield server
    server.stop()
    assert server.process.returncode == 0, f"{server}"


@pytest.mark.parametrize("case", CASES)
def test_the_interop_client_of_grpc_go_passes(go_grpc, test_service, case):
    done = subprocess.run([go_grpc / "client", "--server_host=127.0.0.1", f"--server_port={test_service.port}", f"--test_case={case}"],
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("port", ["port", "triple"])
def test_a_client_of_grpc_go_follows_the_contract(go_grpc, port):
    """On the one port of every protocol, and on one of Triple alone."""
    server = programs.Server([programs.binaries() / "interop-server", f"--{port}", 0], protocol="h2")
    failed, passed = programs.run_checks([go_grpc / "contract-client", server.address], 120)
    server.stop()
    assert failed == []
    assert passed >= 27
    assert server.process.returncode == 0, f"{server}"


@pytest.fixture(scope="module")
def contract(go_grpc):
    server = programs.Server([programs.binaries() / "interop-server", "--port", 0])
    yield server
    server.stop()


def grpcurl(go_grpc, address, *words, data=None):
    options = [] if data is None else ["-d", json.dumps(data)]
    return subprocess.run([go_grpc / "grpcurl", "-plaintext", "-max-time", "20", *options, address, *words],
                          capture_output=True, text=True, timeout=60)


def test_grpcurl_lists_and_describes_by_reflection(go_grpc, contract):
    listed = grpcurl(go_grpc, contract.address, "list")
    assert listed.returncode == 0, listed.stderr
    assert {"sofa.interop.pb.Interop", "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection"} <= set(listed.stdout.split())
    described = grpcurl(go_grpc, contract.address, "describe", "sofa.interop.pb.Interop.BidiStream")
    assert "stream .sofa.interop.pb.EchoRequest" in described.stdout, described.stderr


def test_grpcurl_calls_by_reflection(go_grpc, contract):
    echoed = grpcurl(go_grpc, contract.address, "sofa.interop.pb.Interop/Echo", data={"text": "中", "attrs": {"k": "v"}})
    assert json.loads(echoed.stdout) == {"text": "中", "attrs": {"k": "v"}}, echoed.stderr
    streamed = grpcurl(go_grpc, contract.address, "sofa.interop.pb.Interop/ServerStream", data={"text": "s", "times": 3})
    assert streamed.stdout.count('"text": "s"') == 3, streamed.stderr
    failed = grpcurl(go_grpc, contract.address, "sofa.interop.pb.Interop/Echo", data={"fail": "ed"})
    assert failed.returncode != 0 and "Code: Unknown" in failed.stderr and "boom ed" in failed.stderr
    health = grpcurl(go_grpc, contract.address, "grpc.health.v1.Health/Check", data={})
    assert json.loads(health.stdout) == {"status": "SERVING"}, health.stderr


def test_grpcurl_calls_the_bank_as_its_readme_says(go_grpc, tmp_path):
    bank = programs.Bank(tmp_path)
    try:
        assert "bank.v1.Bank" in grpcurl(go_grpc, bank.gateway, "list").stdout.split()
        opened = grpcurl(go_grpc, bank.gateway, "bank.v1.Bank/OpenAccount", data={"account": "alice", "depositCents": 100})
        assert json.loads(opened.stdout)["sequence"] == "1", opened.stderr
        statement = grpcurl(go_grpc, bank.gateway, "bank.v1.Bank/GetStatement", data={"account": "alice", "limit": 10})
        assert json.loads(statement.stdout)["balance"] == "100", statement.stderr
    finally:
        bank.stop()
