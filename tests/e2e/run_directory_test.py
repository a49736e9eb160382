"""Applications say in the run directory that they run, and `sofa` finds them there by their names, without a platform."""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "interop"))

import programs  # noqa: E402

BIN = programs.binaries()


class Machine:
    """A run directory, and `sofa` without contexts, and without a platform where it looks for one."""

    def __init__(self, folder):
        self.run = folder / "run"
        self.environment = {"SOFA_RUN_DIR": str(self.run), "XDG_CONFIG_HOME": str(folder / "none")}
        self.started = []

    def start(self, *arguments):
        command = [BIN / "boot-hello", "--server-port", "0", "--admin-port", "0", *arguments]
        server = programs.Server(command, environment=self.environment, protocol="port")
        self.started.append(server)
        return server

    def sofa(self, *arguments):
        return subprocess.run([BIN / "sofa", *arguments], capture_output=True, text=True, timeout=60, check=False, env={**os.environ, **self.environment})

    def files(self):
        return sorted(file.name for file in self.run.iterdir())


@pytest.fixture(name="machine")
def a_machine(tmp_path):
    made = Machine(tmp_path)
    yield made
    for server in made.started:
        server.kill()


def test_a_process_stands_there_while_it_runs(machine):
    hello = machine.start("--server-name", "hello")
    assert machine.files() == [f"hello-{hello.pid}.json"]
    assert (machine.run.stat().st_mode & 0o777) == 0o700
    told = json.loads((machine.run / machine.files()[0]).read_text())
    assert (told["name"], told["pid"], told["services"]) == ("hello", hello.pid, hello.address)
    assert told["admin"] == f"127.0.0.1:{hello.ports['admin']}"
    hello.stop()
    assert machine.files() == []


def test_one_that_is_killed_is_removed_by_the_next(machine):
    killed = machine.start("--server-name", "killed")
    killed.kill()
    assert machine.files() == [f"killed-{killed.pid}.json"]
    follower = machine.start("--server-name", "follower")
    assert machine.files() == [f"follower-{follower.pid}.json"]


def test_one_that_does_not_want_to_be_seen_is_not(machine):
    machine.start("--admin-announce=false")
    assert not machine.run.exists()


@pytest.mark.parametrize("spoil", ["link", "writable"])
def test_a_directory_that_cannot_be_believed_is_not_used_and_the_application_runs(machine, tmp_path, spoil):
    if spoil == "link":
        (tmp_path / "other").mkdir()
        machine.run.symlink_to(tmp_path / "other")
    else:
        machine.run.mkdir()
        machine.run.chmod(0o777)
    hello = machine.start()
    assert list(machine.run.iterdir()) == []
    assert [line for line in hello.lines if "does not stand in the run directory" in line and "SOFA_RUN_DIR" in line or "chmod go-w" in line], hello
    refused = machine.sofa("logs", "hello")
    assert refused.returncode != 0 and str(machine.run) in refused.stderr, refused


def test_sofa_finds_processes_by_their_names(machine):
    one, two = machine.start("--server-name", "one"), machine.start("--server-name", "two")
    components = machine.sofa("status", "one")
    assert components.returncode == 0 and re.search(r"^hello +.*started +up", components.stdout, re.MULTILINE), components
    assert "ready" in machine.sofa("logs", f"two-{two.pid}").stdout or "traffic is accepted" in machine.sofa("logs", "two").stdout
    seen = machine.sofa("top", "one", "--once")
    assert seen.returncode == 0, seen
    one.process.send_signal(signal.SIGTERM)
    one.wait(10)
    gone = machine.sofa("status", "one")
    assert gone.returncode != 0


def test_status_lists_what_runs_here_where_there_is_no_platform(machine):
    with_none = machine.sofa("status")
    if with_none.returncode == 0:
        pytest.skip("a platform runs on this machine")
    assert "no server can be reached at" in with_none.stderr, with_none
    hello = machine.start("--server-name", "hello")
    listed = machine.sofa("status")
    assert listed.returncode == 0 and f"hello-{hello.pid}" in listed.stdout and hello.address in listed.stdout, listed
    command, environment = [BIN / "sofa", "status", "--user", "ann"], {**os.environ, **machine.environment}
    unasked = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False, env=environment)
    assert unasked.returncode == 0 and unasked.stdout == listed.stdout, "nobody is asked for the password of a platform that there is not"
    rows = json.loads(machine.sofa("status", "-o", "json").stdout)
    assert [row["id"] for row in rows] == [f"hello-{hello.pid}"]


def test_a_name_that_several_have_is_asked_back(machine):
    ids = [f"boot-hello-{machine.start().pid}" for _ in range(2)]
    refused = machine.sofa("logs", "boot-hello")
    assert refused.returncode == 2 and all(one in refused.stderr for one in ids), refused
    assert machine.sofa("logs", ids[0]).returncode == 0
