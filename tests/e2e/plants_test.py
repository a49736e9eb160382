"""The faults that are planted for the simulator (src/sofa/state/raft_core/plant.h) are in no program that anybody installs."""

import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "interop"))

import programs  # noqa: E402

NAMES = re.findall(r"^  X\((\w+), \"(.*?)\"\)", (ROOT / "src/sofa/state/raft_core/plant.h").read_text(), re.M)
SYMBOLS = {"4raft9the_plantE", "4raft7plantedE", "4raft6plantsE"}  # sofa::raft::the_plant ...
SIMULATED = "sofa_state_raft_core_sim_test"


def traces_in(program):
    """Texts and symbols of the planted faults in a program."""
    path = programs.binaries() / program
    data = path.read_bytes()
    symbols = subprocess.run(["nm", path], capture_output=True, text=True, check=True).stdout
    return {text for pair in NAMES for text in pair if text.encode() in data} | {symbol for symbol in SYMBOLS if symbol in symbols}


@pytest.mark.parametrize("program", ["sofa", "sofa_state_raft_core_test"])
def test_no_planted_fault_is_in_a_program_that_is_not_the_simulator(program):
    assert traces_in(program) == set()


def test_the_check_would_see_them():
    assert len(NAMES) >= 30
    assert {text for pair in NAMES for text in pair} | {"4raft9the_plantE"} <= traces_in(SIMULATED)
