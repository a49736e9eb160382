"""Fixtures: the Go programs, built once for a run, and the library of faults."""

import os
import pathlib
import struct
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILT = ROOT / "build" / "chaos" / "bin"
BINARIES = pathlib.Path(os.environ.get("SOFA_BIN", ROOT / "build" / "release" / "bin"))
FAULTS = BINARIES.parent / "lib" / "libsofa_faults.so"


def go(folder, *arguments, seconds=600):
    done = subprocess.run(["go", *arguments], cwd=ROOT / folder, capture_output=True, text=True, timeout=seconds, check=False)
    assert done.returncode == 0, f"go {' '.join(map(str, arguments))} in {folder}: {done.stdout}{done.stderr}"
    return done.stdout


def build(name, folder):
    go(folder, "build", "-buildvcs=false", "-o", BUILT / name, ".")
    return BUILT / name


@pytest.fixture(scope="session")
def lincheck():
    """The checker of histories (tools/lincheck)."""
    return build("lincheck", "tools/lincheck")


@pytest.fixture(scope="session")
def chaos():
    """The driver (tests/chaos)."""
    return build("chaos", "tests/chaos")


class Faulty:
    """A data folder, and programs that have faults there (faults/control.h)."""

    FIELDS = ("sync_errno", "write_errno", "sync_delay_us", "write_delay_us", "disk_full", "clock_offset_ns", "calls_until_kill", "syncs_lie", "calls", "failed")

    def __init__(self, folder, chaos):
        self.folder, self.chaos = folder, chaos
        self.data, self.journal, self.control = folder / "data", folder / "journal", folder / "control"
        self.data.mkdir()
        self.journal.mkdir()
        self.set()

    def set(self, **faults):
        """These faults and no others."""
        assert set(faults) <= set(self.FIELDS), faults
        self.control.write_bytes(struct.pack("<5Q2q3Q", *(faults.get(field, 0) for field in self.FIELDS)))

    def start(self, command, *, links="", journal=True, folder=None, **streams):
        environment = {**os.environ, "LD_PRELOAD": str(FAULTS), "SOFA_FAULTS_CONTROL": str(self.control), "SOFA_FAULTS_ROOT": str(self.data),
                       "SOFA_FAULTS_LINKS": links}
        if journal:
            environment["SOFA_FAULTS_JOURNAL"] = str(self.journal)
        return subprocess.Popen([str(word) for word in command], env=environment, cwd=folder or self.data, text=True, **streams)

    def python(self, script, **more):
        """Runs a script in the data folder; its exit code and output. `die()` in it is SIGKILL."""
        before = "import os, sys, time, signal, socket, errno\ndef die(): os.kill(os.getpid(), signal.SIGKILL)\n"
        process = self.start([sys.executable, "-B", "-c", before + script], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **more)
        output, _ = process.communicate(timeout=60)
        return process.returncode, output

    def cut(self, seed):
        done = subprocess.run([self.chaos, "power-cut", self.data, self.journal, str(seed)], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def faulty(tmp_path, chaos):
    assert FAULTS.exists(), f"{FAULTS} is missing: ./dev build sofa_faults"
    return Faulty(tmp_path, chaos)
