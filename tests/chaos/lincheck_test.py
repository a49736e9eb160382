"""The checker of histories finds what is planted in them, and nothing in sound ones."""

import json
import pathlib
import subprocess

import pytest
from conftest import BINARIES

HISTORIES = pathlib.Path(__file__).resolve().parent.parent.parent / "tools" / "lincheck" / "testdata"
SOUND = {"good", "events-good"}
YES, NO, BAD_INPUT = 0, 1, 2


def verdict(lincheck, file):
    done = subprocess.run([lincheck, "-timeout", "30s", file], capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("name", sorted(file.stem for file in HISTORIES.glob("*.jsonl")))
def test_a_history_is_judged_as_its_name_says(lincheck, name):
    code, words = verdict(lincheck, HISTORIES / f"{name}.jsonl")
    assert code == (YES if name in SOUND else NO), words


def test_one_changed_answer_in_a_sound_history_is_found(lincheck, tmp_path):
    records = [json.loads(line) for line in (HISTORIES / "good.jsonl").read_text().splitlines()]
    read = next(record for record in reversed(records) if record["op"] == "get" and record.get("result"))
    read["result"] = "never written"
    (tmp_path / "changed.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    code, words = verdict(lincheck, tmp_path / "changed.jsonl")
    assert code == NO and "never written" in words, words


def test_a_line_that_is_no_operation_is_refused_with_its_number(lincheck, tmp_path):
    (tmp_path / "bad.jsonl").write_text('{"client":1,"op":"put","key":"a","value":"1","call":1,"return":2}\n{"op":"jump","key":"a"}\n')
    code, words = verdict(lincheck, tmp_path / "bad.jsonl")
    assert code == BAD_INPUT and "line 2" in words, words


def simulate(seed, file, *more):
    """The history of a seed of the Raft simulator; what it printed."""
    command = [BINARIES / "sim_raft", "--seed", str(seed), "--seconds", "30", "--history", file, *more]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False).stdout


@pytest.mark.parametrize("seed", range(1, 9))
def test_histories_of_the_simulator_that_its_own_judge_accepts_are_linearizable(lincheck, tmp_path, seed):
    words = simulate(seed, tmp_path / "history.jsonl")
    assert "1 passed, 0 failed" in words, words
    assert len((tmp_path / "history.jsonl").read_text().splitlines()) > 20
    code, words = verdict(lincheck, tmp_path / "history.jsonl")
    assert code == YES, f"seed {seed}: {words}"


def test_what_the_judge_of_the_simulator_finds_the_checker_of_histories_finds_too(lincheck, tmp_path):
    """Followers that answer reads from whatever they have: among ten seeds there are stale values, not only stale places in the log."""
    found = []
    for seed in range(1, 11):
        words = simulate(seed, tmp_path / "history.jsonl", "--plant", "read_not_awaited")
        code, witness = verdict(lincheck, tmp_path / "history.jsonl")
        assert code == YES or "I9_reads_are_of_their_time" in words, f"seed {seed}: only one of them finds it: {words}{witness}"
        found += [seed] if code == NO else []
    assert found
