"""The checker of histories finds what is planted in them, and nothing in sound ones."""

import json
import pathlib
import subprocess

import pytest

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
