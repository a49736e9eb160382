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


@pytest.fixture(scope="module", params=["one_port", "ports_of_their_own"])
def addresses(request):
    """Of HTTP/1.1 and of HTTP/2: the one port of every protocol, or a port for each."""
    ports = ["--port", 0] if request.param == "one_port" else ["--rest", 0, "--triple", 0]
    server = programs.Server([programs.binaries() / "interop-server", *ports], protocol="h2")
    yield [f"127.0.0.1:{server.ports[protocol]}" for protocol in ("http1", "h2")]
    server.stop()
    assert server.process.returncode == 0, f"{server}"


def assert_passes(at_least, script, *arguments):
    command, environment = programs.node_command(script, *arguments)
    failed, passed = programs.run_checks(command, 180, environment)
    assert failed == []
    assert passed >= at_least


def test_every_check_of_grpc_js_passes(descriptors, addresses):
    assert_passes(20, "grpc_client.cjs", addresses[-1], descriptors)


def test_every_check_of_connect_es_passes(descriptors, addresses):
    assert_passes(150, "connect_client.cjs", ",".join(addresses), descriptors)
