"""`./dev run` becomes the program: its arguments, exit code, pid and signals are the program's own."""

import os
import pathlib
import shutil
import signal
import subprocess
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]

PROBE = """#!/usr/bin/env bash
case ${1:-} in
  exit) exit "$2" ;;
  wait) echo "$$"; exec sleep 60 ;;
  *) printf '<%s>' "$@" ;;
esac
"""


@pytest.fixture(name="dev")
def dev_in_a_small_tree(tmp_path):
    """The real script over a build tree in which `probe` is up to date."""
    shutil.copy(ROOT / "dev", tmp_path / "dev")
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    (tmp_path / "CMakePresets.json").write_text("{}")
    tree = tmp_path / "build" / "release"
    (tree / "bin").mkdir(parents=True)
    probe = tree / "bin" / "probe"
    probe.write_text(PROBE)
    probe.chmod(0o755)
    (tree / "CMakeCache.txt").write_text("")
    (tree / "build.ninja").write_text(
        "rule broken\n  command = echo the reason; false\nbuild probe: phony bin/probe\nbuild broken: broken\n"
    )
    return str(tmp_path / "dev")


def call(dev, *arguments):
    return subprocess.run([dev, "run", *arguments], capture_output=True, text=True, timeout=30, check=False)


def test_arguments_pass_unchanged(dev):
    result = call(dev, "probe", "-", "a b", "", "--preset", "*", "--help")
    assert result.stdout == "<-><a b><><--preset><*><--help>"
    assert result.stderr == ""


@pytest.mark.parametrize("code", [0, 1, 3, 77])
def test_the_exit_code_is_the_programs(dev, code):
    assert call(dev, "probe", "exit", str(code)).returncode == code


def test_the_pid_is_the_programs_and_a_signal_reaches_it(dev):
    with subprocess.Popen([dev, "run", "probe", "wait"], stdout=subprocess.PIPE, text=True) as process:
        assert int(process.stdout.readline()) == process.pid
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(timeout=10) == -signal.SIGTERM


def test_the_program_does_not_hold_the_build_lock(dev):
    with subprocess.Popen([dev, "run", "probe", "wait"], stdout=subprocess.PIPE, text=True) as first:
        first.stdout.readline()
        assert call(dev, "probe", "exit", "5").returncode == 5
        first.terminate()


def test_a_failed_build_says_so_on_stderr_and_starts_nothing(dev):
    result = call(dev, "broken")
    assert result.returncode == 1
    assert result.stdout == ""
    assert "the reason" in result.stderr and "The build of broken" in result.stderr


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["fly"], ["'fly'", "./dev help"]),
        (["lint", "--foo"], ["'--foo'", "--all", "--quick"]),
        (["build", "--foo"], ["'--foo'", "--preset"]),
        (["build", "--preset", "xx"], ["'xx'", "release, debug, asan, tsan, fuzz, coverage"]),
        (["build", "--preset"], ["--preset", "value"]),
    ],
)
def test_what_the_script_does_not_know_is_refused_with_what_it_knows(dev, arguments, words):
    result = subprocess.run([dev, *arguments], capture_output=True, text=True, timeout=30, check=False)
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1 and all(word in result.stderr for word in words), result.stderr


def test_run_adds_little_when_there_is_nothing_to_build(dev):
    """Well under the 0.3 s that docs/bars.md has from a quiet machine: the best of five, since other programs run beside the tests."""
    seconds = []
    for _ in range(5):
        begun = time.monotonic()
        assert call(dev, "probe", "exit", "0").returncode == 0
        seconds.append(time.monotonic() - begun)
    assert min(seconds) < 0.3
