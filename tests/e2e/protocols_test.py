"""The programs of examples/protocols, which docs/protocols shows: each starts a server, calls it and prints the answers."""

import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = os.environ.get("SOFA_BIN", str(ROOT / "build" / "release" / "bin"))

ANSWERS = {
    "bolt": "hello bolt from the server\n",
    "triple": "hello triple\n",
    "grpc": "hello Ann\nhello Bob\ngood evening Cid\n",
    "websocket": "hello\n",
    "dubbo": "hello dubbo\n",
    "http": "hello http\nhello h2c\n",
    "sofarpc": "hello sofarpc\n",
    "hessian": "4fa0636f6d2e61636d652e4163636f756e7492056f776e65720563656e74736f9003416e6efc1a\n"
               "4310636f6d2e61636d652e4163636f756e7492056f776e65720563656e74736003416e6efc1a\n",
}


@pytest.mark.parametrize("protocol", ANSWERS)
def test_the_program_of_a_protocol_prints_its_answers(protocol):
    done = subprocess.run([os.path.join(BIN, f"example-{protocol}")], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout) == (0, ANSWERS[protocol]), done.stderr


def test_every_program_is_shown_and_tested():
    programs = {path.stem for path in (ROOT / "examples" / "protocols").glob("*.cpp")}
    assert programs == set(ANSWERS)
    for name in programs:
        assert f"region: examples/protocols/{name}.cpp" in (ROOT / "docs" / "protocols" / f"{name}.md").read_text()
