"""The contract over Triple (docs/protocols/triple.md): SOFARPC's Java client on the C++ server, and the C++ client on the Java servers of SOFARPC
and of Dubbo. Dubbo's client has dubbo_test.py."""

import pytest

import programs

CHECK_SECONDS = 120
CHECKS_AT_LEAST = 185
# Checks that expect an exception's class, which SOFARPC's Triple does not carry.
CLASS_IS_LOST = {name + suffix for name in ("plusDays.past_the_last_year", "getUser.no_level") for suffix in ("", "@blue")}


@pytest.fixture(scope="module", params=["--port", "--triple"])
def server(request):
    """On the one port of every protocol, and on one of Triple alone."""
    server = programs.Server([programs.binaries() / "interop-server", request.param, 0], protocol="h2")
    yield server
    server.stop()


def test_java_client(java, server):
    failed, passed = programs.run_checks(programs.java_command("InteropTripleClient", server.address), CHECK_SECONDS)
    others = [line for line in failed if line.split()[1].rstrip(":") not in CLASS_IS_LOST]
    assert not others, f"{len(others)} checks failed, {passed} passed:\n" + "\n".join(others)
    assert passed >= CHECKS_AT_LEAST


def check_cpp_client(server, query, at_least):
    failed, passed = programs.run_checks([programs.binaries() / "interop-client", f"tri://{server.address}{query}"], CHECK_SECONDS)
    assert not failed, f"{len(failed)} checks failed, {passed} passed:\n" + "\n".join(failed) + f"\n{server}"
    assert passed >= at_least


def test_cpp_client_to_the_java_server_of_sofarpc(java):
    server = programs.Server(programs.java_command("InteropJavaServer", "--triple", 0), protocol="triple")
    try:
        check_cpp_client(server, "", 80)
    finally:
        server.stop()


def test_cpp_client_to_the_java_server_of_dubbo(dubbo_java):
    server = programs.Server(programs.dubbo_command("DubboJavaServer", "--triple", 0), protocol="triple")
    try:
        check_cpp_client(server, "?serialization=hessian4", 80)
    finally:
        server.stop()
