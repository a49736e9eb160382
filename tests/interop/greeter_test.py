"""The five clients of examples/greeter and curl, by the lines of the README there; and what else curl and grpcurl get."""

import json
import re
import shlex
import shutil
import subprocess
import sys

import pytest

import conftest
import programs

GREETER = programs.ROOT / "examples" / "greeter"

pytestmark = pytest.mark.skipif(conftest.server_kind() == "java", reason="the example is C++")


@pytest.fixture(scope="module")
def greeter():
    server = programs.Server([programs.binaries() / "greeter-server", "--port", "0"])
    yield server
    server.stop()
    assert server.process.returncode == 0, f"{server}"


def output_of(*command, seconds=60, **more):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=seconds, check=False, **more)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def run_line(greeter, tmp_path_factory):
    """run_line(language): the lines that the README's command prints. Go's makes files, so that all of them run in a copy."""
    lines = re.findall(r"^(\S.*?) +# (\w[\w+]*).*$", (GREETER / "README.md").read_text(), re.M)
    commands = {language: command for command, language in lines}
    copied = tmp_path_factory.mktemp("examples") / "greeter"
    shutil.copytree(GREETER, copied)

    def run(language):
        command = commands[language].replace("127.0.0.1:12200", greeter.address).replace("examples/greeter", shlex.quote(str(copied)))
        command = command.replace("./dev run ", f"{shlex.quote(str(programs.binaries()))}/").replace("python3 ", f"{shlex.quote(sys.executable)} ")
        return output_of("bash", "-c", command, cwd=programs.ROOT, seconds=600).splitlines()

    return run


def test_cpp(run_line):
    assert "hello C++" in run_line("C++")


def test_cpp_over_bolt(greeter):
    assert output_of(programs.binaries() / "greeter-client", f"bolt://{greeter.address}") == "hello C++\n"


def test_java(java, run_line):
    assert "hello Java" in run_line("Java")


@pytest.mark.skipif(shutil.which("go") is None, reason="no Go toolchain: './dev setup --tests' installs one")
def test_go(run_line):
    assert "hello Go" in run_line("Go")


def test_python(run_line):
    assert "hello Python" in run_line("Python")


@pytest.mark.skipif(shutil.which("node") is None, reason="no Node: './dev setup --tests' installs it")
def test_javascript(run_line):
    assert "hello JavaScript" in run_line("JavaScript")


def test_a_line_of_curl(run_line):
    assert json.loads("".join(run_line("curl"))) == {"text": "hello curl"}


def test_curl(greeter):
    url = f"http://{greeter.address}/acme.greeter.Greeter/Greet"
    assert json.loads(output_of("curl", "-s", "--json", '{"name": "curl"}', url)) == {"text": "hello curl"}
    assert output_of("curl", "-sN", "--json", '{"name": "curl"}', url + "All") == '{"text":"hello curl"}\n'
    assert "acme.greeter.Greeter" in output_of("curl", "-s", f"http://{greeter.address}/"), "what is there to call"
    assert "--json" in output_of("curl", "-s", "-d", '{"name": "curl"}', url)
    refused = json.loads(output_of("curl", "-s", "--json", "{}", url))
    assert refused["code"] == "invalid_argument" and "'name' is empty" in refused["message"]


def test_grpcurl(go_grpc, greeter):
    words = ["-plaintext", "-d", '{"name": "grpcurl"}', greeter.address, "acme.greeter.Greeter/Greet"]
    assert json.loads(output_of(go_grpc / "grpcurl", *words)) == {"text": "hello grpcurl"}
