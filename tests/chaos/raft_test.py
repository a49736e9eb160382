"""A group of three real nodes under faults, for a short time: `./dev chaos raft` does the same for longer, with more nodes."""

import subprocess

from conftest import BINARIES, FAULTS, ROOT


def raft(chaos, lincheck, *flags, seconds):
    """Exit code and table of a run."""
    command = [chaos, "raft", "--folder", ROOT / "build" / "chaos", "--lincheck", lincheck, "--faults", FAULTS, "--sofa", BINARIES / "sofa", *flags]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=seconds, check=False)
    print(done.stdout)
    return done.returncode, done.stdout + done.stderr


def test_a_group_under_mixed_faults_answers_as_one_map_would(chaos, lincheck):
    code, said = raft(chaos, lincheck, "--test", "mixed", "--minutes", "0.8", seconds=400)
    assert code == 0, said


def test_power_cuts_lose_nothing_that_was_acknowledged(chaos, lincheck):
    code, said = raft(chaos, lincheck, "--power-cuts", "20", seconds=400)
    assert code == 0, said


def test_one_changed_answer_fails_a_run(chaos, lincheck):
    code, said = raft(chaos, lincheck, "--test", "partition", "--minutes", "0.1", "--corrupt", seconds=300)
    assert code == 1 and "never written" in said, said


def test_disks_that_lie_about_syncs_fail_a_run_of_power_cuts(chaos, lincheck):
    code, said = raft(chaos, lincheck, "--power-cuts", "6", "--lie", seconds=400)
    assert code == 1, said
