"""Spring Boot Admin, the dashboard of Spring Boot applications, over an application on boot: it finds the endpoints by the index, follows the health,
and reads and changes what it shows, as of an application in Java."""

import json
import signal
import subprocess
import time
import urllib.error
import urllib.request

import pytest

import programs


def ask(url, method="GET", body=None):
    """Status and JSON of an answer."""
    request = urllib.request.Request(url, method=method, data=None if body is None else json.dumps(body).encode(),
                                     headers={"content-type": "application/json", "accept": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read().decode()
            return answer.status, json.loads(text) if text else None
    except urllib.error.HTTPError as refused:
        return refused.code, None


def wait_for(look, wanted, seconds=60):
    last = time.monotonic() + seconds
    while (seen := look()) != wanted:
        assert time.monotonic() < last, f"{seen} did not become {wanted}"
        time.sleep(0.2)


@pytest.fixture(scope="module")
def dashboard():
    folder = programs.HERE / "spring-boot-admin"
    programs.compile_java(folder)
    command = [programs.JAVA_RUN, "--folder", folder, "sofa.interop.AdminServerMain"]
    server = programs.Server(command, seconds=120, environment={"JAVA_OPTIONS": "-Xmx192m -XX:TieredStopAtLevel=1"}, protocol="http")
    yield f"http://127.0.0.1:{server.port}"
    server.stop()


@pytest.fixture
def application(tmp_path):
    """(process, admin port) of examples/boot/hello.cpp."""
    process = subprocess.Popen([programs.binaries() / "boot-hello", "--server-port", "0", "--admin-port", "0", "--server-drain-delay", "20000"],
                               cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    ports = dict(word.split("=") for word in process.stdout.readline().split()[2:])
    yield process, int(ports["admin"])
    process.kill()
    process.communicate()


def test_it_registers_reads_and_changes_an_application(dashboard, application):
    process, port = application
    base = f"http://127.0.0.1:{port}"
    # What Spring Boot Admin's client sends for an application.
    status, registered = ask(f"{dashboard}/instances", "POST", {"name": "hello", "managementUrl": f"{base}/actuator",
                                                                "healthUrl": f"{base}/actuator/health/readiness", "serviceUrl": base, "metadata": {}})
    assert status == 201
    own = f"{dashboard}/instances/{registered['id']}"
    wait_for(lambda: ask(own)[1]["statusInfo"]["status"], "UP")
    wait_for(lambda: {"readiness", "health", "loggers", "env", "beans", "startup", "info"} <= {one["id"] for one in ask(own)[1]["endpoints"]}, True)

    assert "diskSpace" in ask(f"{own}/actuator/readiness")[1]["details"]["HealthIndicatorInfo"]["details"]
    sources = {one["name"]: one["properties"] for one in ask(f"{own}/actuator/env")[1]["propertySources"]}
    assert sources["flag"]["server.drain_delay"] == {"value": 20000, "origin": "--server-drain-delay"}
    assert "hello" in ask(f"{own}/actuator/beans")[1]["contexts"]["boot-hello"]["beans"]
    assert ask(f"{own}/actuator/loggers/rpc", "POST", {"configuredLevel": "DEBUG"})[0] == 204
    assert ask(f"{own}/actuator/loggers/rpc")[1]["effectiveLevel"] == "DEBUG"

    process.send_signal(signal.SIGTERM)  # it drains for 20 seconds, and says so
    wait_for(lambda: ask(own)[1]["statusInfo"]["status"], "OUT_OF_SERVICE")
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=10) == 128 + signal.SIGTERM
    wait_for(lambda: ask(own)[1]["statusInfo"]["status"], "OFFLINE")
