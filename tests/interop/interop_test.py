"""Clients and servers of both languages against each other: every method of the contract."""

import re
import socket
import subprocess

import pytest

import conftest
import programs

CHECK_SECONDS = 300  # a JVM on a busy machine
JAVA_CHECKS_AT_LEAST = 300
CPP_CHECKS_AT_LEAST = 190


def assert_all_pass(client_kind, address, at_least):
    failed, passed = programs.run_checks(programs.client_command(client_kind, address), CHECK_SECONDS)
    assert not failed, f"{len(failed)} checks of the {client_kind} client failed, {passed} passed:\n" + "\n".join(failed)
    assert passed >= at_least


def test_java_client_to_server(java, server):
    assert_all_pass("java", server.address, JAVA_CHECKS_AT_LEAST)


@pytest.mark.skipif(conftest.server_kind() == "java", reason="proves the Java programs alone")
@pytest.mark.parametrize("kind, at_least", [("java", JAVA_CHECKS_AT_LEAST), ("cpp", CPP_CHECKS_AT_LEAST)])
def test_client_to_the_one_port_of_every_protocol(java, one_port, kind, at_least):
    assert_all_pass(kind, one_port.address, at_least)


@pytest.mark.skipif(conftest.server_kind() == "java", reason="proves the Java programs alone")
def test_cpp_client_to_java_server(java, start_server):
    assert_all_pass("cpp", start_server("java").address, CPP_CHECKS_AT_LEAST)


@pytest.mark.skipif(conftest.server_kind() == "java", reason="proves the Java programs alone")
def test_cpp_client_to_cpp_server(server):
    assert_all_pass("cpp", server.address, CPP_CHECKS_AT_LEAST)


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False


@pytest.mark.skipif(conftest.server_kind() == "java", reason="proves the Java programs alone")
@pytest.mark.skipif(not has_ipv6(), reason="the machine has no IPv6 address of its own")
def test_calls_over_ipv6():
    """Our client by each protocol, and curl, on the one port of a server that listens on ::1 alone."""
    with programs.Server([programs.binaries() / "interop-server", "--host", "::1", "--port", 0]) as server:
        for scheme in ("bolt", "tri", "dubbo", "grpc"):
            failed, passed = programs.run_checks(programs.client_command("cpp", f"{scheme}://[::1]:{server.port}", "--only", "echo"), 60)
            assert failed == [] and passed > 0, scheme
        hello = f"http://[::1]:{server.port}/sofa.interop.InteropService:1.0/hello?name=six"
        got = subprocess.run(["curl", "-sS", "--max-time", "20", hello], capture_output=True, text=True, timeout=30)
        assert got.stdout == '"hello six"', got.stderr


def test_java_client_keeps_an_idle_connection_by_heartbeats(java, server):
    """With an unanswered heartbeat each 300 ms the client would close its connection within the 3 s of the check."""
    command = programs.client_command("java", server.address, "--only", "connections.idle")
    client = programs.Program(command, {"JAVA_OPTIONS": "-Dbolt.tcp.heartbeat.interval=300 -Dbolt.tcp.heartbeat.maxtimes=2"})
    assert client.wait(60) == 0, f"{client}"


@pytest.mark.parametrize("how", ["kill", "stop"])
def test_java_client_survives_a_server_restart_under_load(java, start_server, how):
    """The server goes away under load and comes back on its port: calls fail at once or in time, no answer is wrong, and the client recovers."""
    first = start_server()
    client = programs.Program(programs.java_command("InteropJavaClient", first.address, "--load", 16))
    try:
        client.wait_for_line(r"^second [2-9] ok=[1-9]", 90)
        getattr(first, how)()
        second = start_server(port=first.port)
        code = client.wait(60)
        report = next(line for line in client.lines if line.startswith("load "))
        assert code == 0, f"{client}"
        assert int(re.search(r"ok=(\d+)", report)[1]) > 100, report
        second.stop()
    finally:
        client.kill()
