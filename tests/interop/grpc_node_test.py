"""Node on the contract's gRPC service (docs/protocols/interop-service.md, section 3): @grpc/grpc-js, and Connect-ES by Connect, gRPC-Web and gRPC."""

import shutil

import pytest

import conftest
import programs

pytestmark = [
    pytest.mark.skipif(conftest.server_kind() == "java", reason="proves the C++ server"),
    pytest.mark.skipif(shutil.which("node") is None, reason="no Node: './dev setup --tests' installs it"),
]


@pytest.fixture(scope="module")
def descriptors(tmp_path_factory):
    return programs.compile_proto(tmp_path_factory.mktemp("proto"), "interop.proto")


@pytest.mark.parametrize("script, at_least, port", [("grpc_client.cjs", 20, "--port"), ("grpc_client.cjs", 20, "--triple"),
                                                    ("connect_client.cjs", 150, "--port")])
def test_every_check_of_a_client_in_node_passes(descriptors, script, at_least, port):
    """On the one port of every protocol; @grpc/grpc-js on a port of Triple alone, too."""
    server = programs.Server([programs.binaries() / "interop-server", port, 0], protocol="h2")
    command, environment = programs.node_command(script, server.address, descriptors)
    failed, passed = programs.run_checks(command, 180, environment)
    server.stop()
    assert failed == []
    assert passed >= at_least
    assert server.process.returncode == 0, f"{server}"
