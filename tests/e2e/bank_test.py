"""The demo as a test: the bank is killed in the middle, and its own proof must hold."""

import os
import re
import subprocess

BUILD = os.environ.get("SOFA_BUILD_DIR", os.path.join(os.path.dirname(__file__), "..", "..", "build", "release"))


def run_demo(*arguments, tmp_path):
    command = [os.path.join(BUILD, "bin", "bank-demo"), "--folder", str(tmp_path / "bank"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_the_bank_loses_nothing_when_its_ledger_is_killed(tmp_path):
    done = run_demo("--seconds", "4", tmp_path=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "every acknowledged transfer is there exactly once" in done.stdout
    transfers = int(re.search(r"transfers acknowledged\D*([\d,]+)", done.stdout)[1].replace(",", ""))
    assert transfers > 100
    assert re.search(r"ledger recovered in\D+\d+", done.stdout)


def test_a_ledger_that_forgets_is_caught(tmp_path):
    """The proof can fail: a transfer that is acknowledged but never booked must end the demo with an error."""
    done = run_demo("--seconds", "2", "--forge-acknowledgement", tmp_path=tmp_path)
    assert done.returncode == 1
    assert "is acknowledged but not in the ledger" in done.stdout
