"""The 20 lines of README.md: both programs work, and are as short as it says."""

import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = os.environ.get("SOFA_BIN", str(ROOT / "build" / "release" / "bin"))


def call(target):
    command = [os.path.join(BIN, "hello-client"), target]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def test_the_client_prints_the_answer_of_the_server():
    command = [os.path.join(BIN, "hello-server"), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            port = re.search(r"bolt=(\d+)", server.stdout.readline())[1]
            done = call(f"bolt://127.0.0.1:{port}")
        finally:
            server.terminate()
    assert (done.returncode, done.stdout, done.stderr) == (0, "hello world\n", "")


def test_the_client_says_on_stderr_why_it_failed():
    done = call("bolt://127.0.0.1:1")
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1, "told once"
    assert all(word in done.stderr for word in ("com.acme.Hello", "127.0.0.1:1", "start one there")), done.stderr


def test_the_client_has_help_and_refuses_what_it_does_not_know():
    done = call("--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "hello-client" in done.stdout and "bolt://127.0.0.1:12200" in done.stdout
    done = call("--port")
    assert done.returncode == 2 and "--port" in done.stderr


@pytest.mark.parametrize("name", ["server.cpp", "client.cpp"])
def test_a_side_is_20_lines_with_one_header_of_ours(name):
    lines = (ROOT / "examples" / "hello" / name).read_text().splitlines()
    assert len(lines) <= 20
    assert len([line for line in lines if line.startswith('#include "sofa/')]) == 1
