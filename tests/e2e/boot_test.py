"""An application on boot, from outside: examples/boot/hello.cpp is configured, called, asked for help and stopped."""

import os
import pathlib
import signal
import subprocess

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

    def start(*arguments, **environment):
        process = subprocess.Popen([HELLO, "--server-port", "0", *arguments], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   env={**os.environ, **environment})
        processes.append(process)
        words = process.stdout.readline().split()
        assert words[:2] == ["ready", "boot-hello"], process.stderr.read()
        return process, int(dict(word.split("=") for word in words[2:])["port"])

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
