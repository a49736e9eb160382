"""An application on boot, from outside: examples/boot/hello.cpp is configured, called, asked for help and stopped."""

import http.client
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = os.environ.get("SOFA_BIN", str(ROOT / "build" / "release" / "bin"))
HELLO = os.path.join(BIN, "boot-hello")


def run(*arguments, folder, **environment):
    return subprocess.run([HELLO, *arguments], cwd=folder, capture_output=True, text=True, timeout=30, check=False, env={**os.environ, **environment})


@pytest.fixture
def started(tmp_path):
    """Starts the program in a folder of its own; gives the process and its port."""
    processes = []

    def start(*arguments, says="ready", **environment):
        process = subprocess.Popen([HELLO, "--server-port", "0", *arguments], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   env={**os.environ, **environment})
        processes.append(process)
        line, _, process.refuses = process.stdout.readline().rstrip("\n").partition("; traffic is refused: ")
        words = line.split()
        assert words[:2] == [says, "boot-hello"], process.stderr.read()
        ports = {name: int(value) for name, value in (word.split("=") for word in words[2:])}
        process.admin = ports.get("admin", 0)
        return process, ports.get("port", 0)

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def call(port, scheme="bolt"):
    done = subprocess.run([os.path.join(BIN, "sofa"), "call", f"{scheme}://127.0.0.1:{port}", "com.acme.Hello.hello(java.lang.String)", '["Ann"]'],
                          capture_output=True, text=True, timeout=30, check=False)
    return done.stdout.strip() or done.stderr


def test_the_layers_of_configuration_reach_the_component(started, tmp_path):
    (tmp_path / "boot-hello.yaml").write_text("hello: {greeting: file}\n")
    assert call(started()[1]) == '"file Ann"'
    assert call(started(BOOT_HELLO_HELLO_GREETING="environment")[1]) == '"environment Ann"'
    assert call(started("--hello-greeting", "flag", BOOT_HELLO_HELLO_GREETING="environment")[1]) == '"flag Ann"'


@pytest.mark.parametrize("scheme", ["bolt", "tri"])
def test_the_service_is_published_on_what_it_was_registered_for(started, scheme):
    assert call(started()[1], scheme) == '"hello Ann"'


def test_sigterm_stops_it_with_exit_code_0(started):
    process, _ = started()
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=10) == 0


def test_wrong_configuration_is_told_line_by_line_with_exit_code_2(tmp_path):
    (tmp_path / "wrong.yaml").write_text("server:\n  prot: 1\nhello:\n  greeting: [a]\n")
    done = run("-c", "wrong.yaml", folder=tmp_path)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        'wrong.yaml:2:3: server.prot is no known key; did you mean "port"?',
        "wrong.yaml:4:13: hello.greeting: expected text, found a list",
    ]


def test_a_port_that_is_taken_is_told_with_its_key(started, tmp_path):
    port = started()[1]
    done = run("--server-port", str(port), "--server-insulator", folder=tmp_path)
    assert done.returncode == 1
    assert "server.port" in done.stderr, done.stderr


def test_help_knows_every_key(tmp_path):
    done = run("--help", folder=tmp_path)
    assert done.returncode == 0
    for flag in ["--config", "--server-port", "--log-levels", "--hello-greeting"]:
        assert flag in done.stdout


class Manager:
    """What systemd does for a unit with Type=notify: a socket for the program's messages, and sockets that it listens on beforehand."""

    def __init__(self, folder):
        self.path = str(folder / "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.settimeout(10)

    def next(self):
        return self.socket.recv(4096).decode().splitlines()

    def close(self):
        self.socket.close()


@pytest.fixture
def manager(tmp_path):
    made = Manager(tmp_path)
    yield made
    made.close()


def test_a_service_manager_hears_ready_watchdog_and_stopping(started, manager):
    process, _ = started(NOTIFY_SOCKET=manager.path, WATCHDOG_USEC="100000")
    assert manager.next() == ["READY=1", "STATUS=traffic is accepted"]
    assert [manager.next(), manager.next()] == [["WATCHDOG=1"], ["WATCHDOG=1"]]
    process.send_signal(signal.SIGTERM)
    heard = manager.next()
    while heard == ["WATCHDOG=1"]:
        heard = manager.next()
    assert heard == ["STOPPING=1", "STATUS=stopping"]
    assert process.wait(timeout=10) == 0


def test_a_watchdog_of_another_process_is_not_answered(started, manager):
    process, _ = started(NOTIFY_SOCKET=manager.path, WATCHDOG_USEC="1000", WATCHDOG_PID="1")
    assert manager.next()[0] == "READY=1"
    process.send_signal(signal.SIGTERM)
    assert manager.next()[0] == "STOPPING=1"


def test_a_socket_that_listens_already_is_taken(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        # The shell puts the socket where systemd does, and its own pid, which becomes the program's, beside it.
        script = f'exec 3<&{listening.fileno()}; LISTEN_PID=$$ LISTEN_FDS=1 exec "{HELLO}" --server-port {port}'
        with subprocess.Popen(["bash", "-c", script], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              pass_fds=[listening.fileno()]) as process:
            try:
                assert f"port={port}" in process.stdout.readline(), "the port is taken, by the socket that was handed over"
                assert call(port) == '"hello Ann"'
            finally:
                process.terminate()
            assert process.wait(timeout=10) == 0


def steps(text):
    """The steps of a stop in the log, with their milliseconds."""
    found = re.findall(r"stopping step=(\w+) ms=([0-9.]+)", text)
    return [name for name, _ in found], {name: float(ms) for name, ms in found}


def test_a_stop_goes_step_by_step_and_tells_the_time_of_each(started):
    process, _ = started("--server-drain-delay", "300")
    process.send_signal(signal.SIGTERM)
    _, log = process.communicate(timeout=10)
    order, took = steps(log)
    assert order == ["RefuseTrafficStage", "BeforeStopStage", "DrainDelayStage", "ServerStopStage", "ComponentDrainStage", "ComponentStopStage",
                     "ComponentDestroyStage", "AdminStopStage"]
    assert took["DrainDelayStage"] >= 300


def test_calls_are_answered_while_balancers_have_not_seen_the_stop(started):
    process, port = started("--server-drain-delay", "30000")
    process.send_signal(signal.SIGTERM)
    assert any("step=BeforeStopStage" in line for line in process.stderr), "the log ends when the process does"
    assert call(port) == '"hello Ann"'


def test_a_second_sigterm_ends_it_at_once(started):
    process, _ = started("--server-drain-delay", "30000")
    process.send_signal(signal.SIGTERM)
    assert any("step=BeforeStopStage" in line for line in process.stderr)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=5) == 128 + signal.SIGTERM


def fetch(port, path, method="GET", body=None, host=None):
    """Status and body of an answer of the admin port."""
    connection = http.client.HTTPConnection(host or "127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, body=body, headers={"content-type": "application/json"} if body else {})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def wait_for(condition, seconds=10):
    last = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < last, "it did not come true in time"
        time.sleep(0.01)


def test_the_admin_port_answers_probes_actuator_and_metrics(started):
    process, _ = started()
    for path in ["/healthz", "/livez", "/readyz", "/actuator", "/actuator/health/liveness", "/actuator/health/readiness", "/metrics"]:
        assert fetch(process.admin, path)[0] == 200, path
    status, body = fetch(process.admin, "/actuator/readiness")
    assert status == 200
    assert set(json.loads(body)["details"]) == {"HealthCheckerInfo", "HealthIndicatorInfo", "HealthCallBackInfo"}
    assert json.loads(fetch(process.admin, "/actuator")[1])["_links"]["self"]["href"] == f"http://127.0.0.1:{process.admin}/actuator"
    assert fetch(process.admin, "/actuator/loggers/rpc", "POST", '{"configuredLevel":"DEBUG"}')[0] == 204
    assert json.loads(fetch(process.admin, "/actuator/loggers/rpc")[1])["effectiveLevel"] == "DEBUG"
    assert fetch(process.admin, "/actuator/nothing")[0] == 404


def test_a_second_application_takes_the_next_admin_port(started):
    first, second = started()[0], started("--admin-port", str(started()[0].admin))[0]
    assert first.admin != second.admin
    assert fetch(second.admin, "/readyz")[0] == 200


def test_an_admin_port_for_the_network_wants_to_be_said(started, tmp_path):
    done = run("--server-port", "0", "--admin-host", "0.0.0.0", folder=tmp_path)
    assert done.returncode == 1
    assert "set admin.open to let everybody in who reaches it" in done.stderr
    assert fetch(started("--admin-host", "0.0.0.0", "--admin-open")[0].admin, "/readyz")[0] == 200
    assert started("--no-admin-enabled")[0].admin == 0


def test_an_application_whose_port_is_taken_does_not_say_that_it_is_ready(started):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process, _ = started("--server-port", str(port), says="started")
        assert f"port {port} is taken" in process.refuses
        assert fetch(process.admin, "/readyz")[0] == 503


def test_probes_as_a_kubelet_sends_them_follow_start_and_stop(started):
    """Startup and liveness probes are 200 as soon as there is a port, readiness when traffic may come; and while it drains it is alive, not ready,
    and answers those that have not heard of it."""
    process, _ = started("--server-manual-readiness-callback", "--server-drain-delay", "1500", says="started")
    admin = process.admin
    probe = lambda: (fetch(admin, "/livez")[0], fetch(admin, "/readyz")[0], fetch(admin, "/actuator/readiness")[0])
    assert probe() == (200, 503, 500), "alive, and not ready: OUT_OF_SERVICE"
    assert "triggerReadinessCallback" in fetch(admin, "/readyz")[1] and "triggerReadinessCallback" in process.refuses
    assert json.loads(fetch(admin, "/actuator/triggerReadinessCallback")[1])["success"]
    assert probe() == (200, 200, 200)
    port = listening_port(process, admin)
    assert call(port) == '"hello Ann"'
    process.send_signal(signal.SIGTERM)
    wait_for(lambda: fetch(admin, "/readyz")[0] == 503)
    assert probe() == (200, 503, 503), "alive, and refusing: DOWN"
    assert "the program is stopping" in fetch(admin, "/readyz")[1]
    assert call(port) == '"hello Ann"', "the port is open until the drain delay is over"
    assert process.wait(timeout=10) == 0


def listening_port(process, admin):
    """The port of a process on 127.0.0.1 that is not its admin port."""
    sockets = {target_of(fd) for fd in pathlib.Path(f"/proc/{process.pid}/fd").iterdir()}
    for line in pathlib.Path(f"/proc/{process.pid}/net/tcp").read_text().splitlines()[1:]:
        words = line.split()
        port = int(words[1].split(":")[1], 16)
        if words[3] == "0A" and f"socket:[{words[9]}]" in sockets and port != admin:
            return port
    raise AssertionError("it listens on no other port")


def target_of(descriptor):
    """What a descriptor of another process is; empty when it has been closed since it was listed."""
    try:
        return os.readlink(descriptor)
    except FileNotFoundError:
        return ""
