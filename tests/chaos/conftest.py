"""Fixtures: the Go programs, built once for a run."""

import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILT = ROOT / "build" / "chaos" / "bin"


def go(folder, *arguments, seconds=600):
    done = subprocess.run(["go", *arguments], cwd=ROOT / folder, capture_output=True, text=True, timeout=seconds, check=False)
    assert done.returncode == 0, f"go {' '.join(map(str, arguments))} in {folder}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="session")
def lincheck():
    """The checker of histories (tools/lincheck)."""
    go("tools/lincheck", "build", "-buildvcs=false", "-o", BUILT / "lincheck", ".")
    return BUILT / "lincheck"
