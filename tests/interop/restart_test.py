"""A server that goes away under the C++ client's load and comes back on its port."""

import json
import time

import pytest

import conftest
import programs

pytestmark = pytest.mark.skipif(conftest.server_kind() == "java", reason="proves the Java programs alone")

LOAD_SECONDS = {"cpp": 8, "java": 16}  # a JVM needs some seconds until it listens
WHILE_AWAY = {"connection-closed", "refused", "timeout"}
JAVA_WHILE_STOPPING = {"server busy"}  # its pool of threads ends before its connections, and answers status 4 then
BACK_WITHIN = 5  # seconds from the moment that the server listens again: the longest pause between two connects is 2.6 s


def report_of(client):
    return json.loads(next(line for line in client.lines if line.startswith("{")))


@pytest.mark.parametrize("how", ["kill", "stop"])
@pytest.mark.parametrize("kind", ["cpp", "java"])
@pytest.mark.parametrize("connections", [1, 4])
def test_cpp_client_survives_a_server_restart_under_load(request, start_server, kind, how, connections):
    if kind == "java":
        request.getfixturevalue("java")
    first = start_server(kind)
    command = programs.client_command("cpp", first.address, "--load", LOAD_SECONDS[kind], "--callers", 32, "--connections", connections)
    client = programs.Program(command)
    try:
        client.wait_for_line(r"^second \d+ ok=[1-9]", 60)
        getattr(first, how)()
        client.wait_for_line(r"^away after", 5)
        second = start_server(kind, port=first.port)
        ready = time.monotonic()
        client.wait_for_line(r"^back after", BACK_WITHIN)
        assert time.monotonic() - ready < BACK_WITHIN
        code = client.wait(60)
        report = report_of(client)
        assert code == 0, f"{client}"
        assert report["wrong"] == 0 and report["ok"] > 100 and report["ok_in_last_second"] > 0, report
        expected = WHILE_AWAY | (JAVA_WHILE_STOPPING if (kind, how) == ("java", "stop") else set())
        assert set(report["errors"]) <= expected, report
        second.stop()
    finally:
        client.kill()


def test_cpp_client_under_load_says_so_when_the_server_does_not_come_back(start_server):
    first = start_server("cpp")
    client = programs.Program(programs.client_command("cpp", first.address, "--load", 3, "--callers", 4))
    try:
        client.wait_for_line(r"^second 1 ok=[1-9]", 30)
        first.stop()
        assert client.wait(30) == 1, f"{client}"
        assert report_of(client)["ok_in_last_second"] == 0
    finally:
        client.kill()
