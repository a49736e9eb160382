"""Overload: three times the calls that a service can carry out in a second. What it carries out it carries out in time (ServiceOptions::concurrents)."""

import re
import subprocess

import pytest

import conftest
import programs

pytestmark = pytest.mark.skipif(conftest.server_kind() == "java", reason="proves the C++ server")

# A service that waits 10 ms with 8 places: the cores stay idle.
PLACES = 8
WORK_MS = 10
CAPACITY = PLACES * 1000 // WORK_MS


@pytest.fixture(scope="module")
def server():
    made = programs.Server([programs.binaries() / "interop-server", "--port", 0, "--concurrents", PLACES])
    yield made
    made.stop()


def load(target, rate, seconds):
    """The counts of calls sent at this rate."""
    done = subprocess.run([programs.binaries() / "overload", target, "--rate", str(rate), "--seconds", str(seconds), "--work-ms", str(WORK_MS)],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    counts = {name: int(count) for name, count in re.findall(r"(\w+)=(\d+)", done.stdout)}
    assert counts["sent"] == rate * seconds and counts["failed"] == 0, f"{done.stdout}{done.stderr}"
    return counts


RUNS = 3  # other programs of the machine may take its cores away from one of them


def run_is_good(scheme, target):
    """Measures the peak and then the overload, next to each other in time."""
    peak = max(load(target, rate, 1)["kept"] for rate in (CAPACITY * 9 // 10, CAPACITY))
    counts = load(target, 3 * CAPACITY, 2)
    goodput = counts["kept"] / 2
    print(f"{scheme}: peak {peak} calls a second, at three times the capacity {goodput:.0f} a second: {counts}")
    # What cannot be kept is refused at once, and not left to its deadline.
    return peak > 0.8 * CAPACITY and goodput > 0.85 * peak and counts["busy"] > counts["sent"] / 2 and counts["late"] < counts["sent"] / 50


@pytest.mark.parametrize("scheme", ["bolt", "tri"])
def test_at_three_times_the_capacity_goodput_stays_above_85_percent_of_the_peak(server, scheme):
    """Most of three runs, so that neither one lucky run nor one that the machine has spoiled decides."""
    good = 0
    for done in range(1, RUNS + 1):
        good += run_is_good(scheme, f"{scheme}://{server.address}")
        if max(good, done - good) > RUNS // 2:
            break
    assert good > RUNS // 2, f"only {good} of {done} runs kept enough: the lines above say what was measured"
