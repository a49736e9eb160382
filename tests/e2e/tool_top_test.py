"""`sofa top` against a running server: what programs and people see of its calls."""

import json
import os
import pathlib
import signal
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "interop"))

import programs  # noqa: E402

SERVICE = "sofa.interop.InteropService"
TOOL = programs.binaries() / "sofa"


def sofa(*arguments):
    return subprocess.run([TOOL, *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture(scope="module")
def server():
    started = programs.Server([programs.binaries() / "interop-server", "--port", "0"])
    for _ in range(3):
        assert sofa("call", started.address, f"{SERVICE}.hello", '["x"]').returncode == 0
    assert sofa("call", started.address, f"{SERVICE}.fail(String)", '["checked"]').returncode == 1
    yield started
    started.stop()


def method(snapshot, name):
    found = [row for row in snapshot["methods"] if row["method"] == name]
    assert len(found) == 1, snapshot
    return found[0]


def test_programs_get_counts_latencies_stages_and_the_slowest(server):
    done = sofa("top", server.address, "--once", "-o", "json", "-s", 2)
    assert done.returncode == 0, done
    top = json.loads(done.stdout)
    hello = method(top, "hello")
    assert (hello["side"], hello["protocol"], hello["service"]) == ("server", "bolt", f"{SERVICE}:1.0")
    assert (hello["calls"], hello["errors"], hello["statuses"], hello["callers"]) == (3, 0, {"ok": 3}, {"sofa-tool": 3})
    assert 0 < hello["p50_us"] <= hello["p99_us"] <= hello["max_us"]
    assert hello["stages_us"]["implementation"] > 0
    assert method(top, "fail")["errors"] == 1
    assert len(top["slowest"]) == 2
    assert top["slowest"][0]["took_us"] >= top["slowest"][1]["took_us"]
    assert sum(top["slowest"][0]["stages_us"].values()) == pytest.approx(top["slowest"][0]["took_us"])


def test_people_get_a_table_and_bars(server):
    done = sofa("top", server.address, "--once")
    assert done.returncode == 0, done
    assert f"{SERVICE}:1.0.hello" in done.stdout and "CALLS/S" in done.stdout and "SLOWEST" in done.stdout
    assert "\x1b" not in done.stdout


def test_each_snapshot_is_a_line_until_the_signal(server):
    watching = programs.Program([TOOL, "top", server.address, "-o", "json", "-i", "0.1"])
    try:
        first, second = (json.loads(watching.wait_for_line(r"^{.*", 30)[0]) for _ in range(2))
        assert method(first, "hello")["calls"] == 3
        assert method(second, "hello")["calls"] == 0 and method(second, "hello")["total_calls"] == 3
        watching.process.send_signal(signal.SIGINT)
        assert watching.wait(30) == 130
    finally:
        watching.stop()


def test_a_server_that_shows_nothing_is_said():
    silent = programs.Server([programs.binaries() / "hello-server", "--port", "0", "--no-count-calls"])
    try:
        done = sofa("top", silent.address, "--once")
    finally:
        silent.stop()
    assert done.returncode != 0 and "shows no calls" in done.stderr, done


def test_nobody_there_and_a_wrong_target_are_said():
    nobody = sofa("top", "127.0.0.1:1", "--once")
    assert nobody.returncode == 3 and "127.0.0.1:1" in nobody.stderr
    wrong = sofa("top", "nowhere")
    assert wrong.returncode == 2, os.linesep.join([wrong.stdout, wrong.stderr])
