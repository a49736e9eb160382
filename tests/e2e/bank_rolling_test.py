"""All processes of the bank restarted under load, one after another: no call fails, and no money is lost or doubled."""

import os
import re
import subprocess

import pytest

BIN = os.environ.get("SOFA_BIN", os.path.join(os.path.dirname(__file__), "..", "..", "build", "release", "bin"))
NAMES = ["risk-1", "risk-2", "ledger", "gateway-1", "gateway-2"]
MOST = 9.0  # seconds for a process to end what it runs, and for another one to come


def roll(folder, *arguments):
    command = [os.path.join(BIN, "bank-demo"), "--folder", str(folder / "bank"), "--rolling-restart", "--retries", "2", "--seconds", "6", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("arguments", [(), ("--protocol", "tri"), ("--risk-slow-one-in", "20"), ("--clients", "200")],
                         ids=["bolt", "triple", "slow risk", "many clients"])
def test_no_call_fails_while_every_process_is_restarted(tmp_path, arguments):
    done = roll(tmp_path, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    restarted = re.findall(r"^  (\S+) is restarted, pid (\d+) in place of (\d+), in (\d+) ms$", done.stdout, re.MULTILINE)
    assert [name for name, *_ in restarted] == NAMES
    assert all(now != before and int(ms) < MOST * 1000 for _, now, before, ms in restarted), restarted
    for proof in ("no call has failed while every process was restarted", "every acknowledged transfer is there exactly once",
                  "the balances sum up to the deposits"):
        assert f"proved: {proof}" in done.stdout, done.stdout
    assert int(re.search(r"^  calls that failed +(\d+)$", done.stdout, re.MULTILINE)[1]) == 0
    assert int(re.search(r"^  transfers acknowledged +(\d+)$", done.stdout, re.MULTILINE)[1]) > 100
    for name in NAMES:
        log = (tmp_path / "bank" / "bank-demo" / f"{name}.log").read_text()
        assert log.count("traffic is refused") >= 2, f"{name} was not told to stop, or its successor"
        assert "cannot stop in good order" not in log, log
