"""The five clients of examples/greeter, and curl and grpcurl, as README.md shows them."""

import json
import os
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


@pytest.mark.parametrize("scheme", ["tri", "bolt"])
def test_cpp(greeter, scheme):
    assert output_of(programs.binaries() / "greeter-client", f"{scheme}://{greeter.address}") == "hello C++\n"


def test_java(java, greeter):
    assert "hello Java" in output_of(programs.JAVA_RUN, "com.acme.greeter.GreeterClient", f"bolt://{greeter.address}").splitlines()


@pytest.mark.skipif(shutil.which("go") is None, reason="no Go toolchain: './dev setup --tests' installs one")
def test_go(greeter, tmp_path):
    shutil.copytree(GREETER, tmp_path / "greeter")
    folder = tmp_path / "greeter" / "go"
    output_of("go", "generate", cwd=folder, seconds=600)
    assert output_of("go", "run", ".", greeter.address, cwd=folder, seconds=600) == "hello Go\n"


def test_python(greeter):
    assert output_of(sys.executable, "client.py", greeter.address, cwd=GREETER, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}) == "hello Python\n"


@pytest.mark.skipif(shutil.which("node") is None, reason="no Node: './dev setup --tests' installs it")
def test_javascript(greeter):
    assert output_of("node", GREETER / "client.mjs", greeter.address) == "hello JavaScript\n"


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
