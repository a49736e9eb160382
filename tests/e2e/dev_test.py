"""`./dev run` becomes the program: its arguments, exit code, pid and signals are the program's own. `./dev test NAME` builds that test alone. What the
script does not know it refuses before it builds anything."""

import fcntl
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


# Programs are the targets of CMake's rule for them; to build everything fails. Each test that is built leaves a line in BUILT.
NINJA = """
rule CXX_EXECUTABLE_LINKER__any
  command = true
  generator = 1
rule broken
  command = echo the reason; false
rule test
  command = echo $out >> BUILT
build build.ninja: phony
build bin/probe: CXX_EXECUTABLE_LINKER__any
build probe: phony bin/probe
build broken: broken
build sofa_base_test: test
build sofa_io_test: test
build sofa_wire_bolt_test: test
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
    for script in ["bench/quick/run", "bench/slow/run", "tests/soak/log", "fuzz/bolt_fuzz.cpp", "fuzz/yaml_fuzz.cpp", "src/sofa/base/tests/json_test.cpp"]:
        (tmp_path / script).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / script).touch(mode=0o755)
    (tree / "CMakeCache.txt").write_text("")
    (tree / "unit_tests.txt").write_text("".join(f"sofa_{name}_test|{tmp_path}|/bin/true\n" for name in ["base", "io", "wire_bolt"]))
    (tree / "build.ninja").write_text(NINJA.replace("BUILT", str(tmp_path / "built.txt")))
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
        (["run", "nope"], ["'nope'", "there are probe."]),
        (["bench", "nope"], ["'nope'", "there are quick slow."]),
        (["fuzz", "bolt", "nope"], ["'nope'", "there are bolt yaml."]),
        (["test", "--soak", "nope"], ["'nope'", "there are log."]),
        (["test", "base", "nope"], ["'nope'", "name a module"]),
        (["test", "base", "--unit"], ["--unit", "'base'"]),
        (["test", "--unit", "--soak", "log"], ["--unit", "--soak"]),
    ],
)
def test_what_the_script_does_not_know_is_refused_with_what_it_knows(dev, arguments, words):
    result = subprocess.run([dev, *arguments], capture_output=True, text=True, timeout=30, check=False)
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1 and all(word in result.stderr for word in words), result.stderr
    assert not (pathlib.Path(dev).parent / "built.txt").exists()


@pytest.mark.parametrize(
    "names, built",
    [
        (["base"], ["sofa_base_test"]),
        (["io", "wire/bolt"], ["sofa_io_test", "sofa_wire_bolt_test"]),
        (["src/sofa/base/tests/json_test.cpp"], ["sofa_base_test"]),
    ],
)
def test_tests_by_name_are_built_and_run_alone(dev, names, built):
    result = subprocess.run([dev, "test", *names], capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-1] == f"{len(built)} passed, 0 failed, 0 skipped"
    assert sorted((pathlib.Path(dev).parent / "built.txt").read_text().split()) == built


def test_a_build_that_waits_for_another_one_says_so(dev):
    with open(pathlib.Path(dev).parent / "build" / "release" / ".lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with subprocess.Popen([dev, "build", "probe"], stderr=subprocess.PIPE, text=True) as second:
            assert "waits until it is done" in second.stderr.readline()
            assert second.poll() is None
            fcntl.flock(lock, fcntl.LOCK_UN)
            assert second.wait(timeout=30) == 0
            assert "build/release is up to date" in second.stderr.read()


@pytest.mark.parametrize("verb, words", [("test", ["--soak NAME", "--e2e"]), ("demo", ["--seconds N"]), ("fuzz", ["[NAMES]"])])
def test_each_verb_has_its_help(dev, verb, words):
    result = subprocess.run([dev, verb, "--help"], capture_output=True, text=True, timeout=30, check=False)
    assert result.returncode == 0 and result.stderr == ""
    assert result.stdout.startswith(f"  {verb} ") and all(word in result.stdout for word in words), result.stdout


def test_run_adds_little_when_there_is_nothing_to_build(dev):
    """Well under the 0.3 s that docs/bars.md has from a quiet machine: the best of five, since other programs run beside the tests."""
    seconds = []
    for _ in range(5):
        begun = time.monotonic()
        assert call(dev, "probe", "exit", "0").returncode == 0
        seconds.append(time.monotonic() - begun)
    assert min(seconds) < 0.3
