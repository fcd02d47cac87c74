"""Same seed, same world: whatever the hash seed, however often, and only then."""

import os
import subprocess
import sys
from pathlib import Path

from bot.lab.simulation.campaign import one_seed
from bot.lab.simulation.mix import draw

ROOT = Path(__file__).resolve().parents[2]
SEEDS = (1, 2, 3)
PROGRAM = """
from bot.lab.simulation.campaign import one_seed
for seed in {seeds}:
    print(one_seed(seed, 0.25).trace_hash)
"""


def hashes(hash_seed: str) -> list[str]:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    program = PROGRAM.format(seeds=SEEDS)
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.split()


def test_the_hash_seed_changes_nothing() -> None:
    first = hashes("1")
    assert first == hashes("4242")
    assert len(set(first)) == len(SEEDS), "every seed is a world of its own"


def test_a_seed_can_be_run_again_from_its_list_of_faults() -> None:
    faults = draw(5, 0.25)
    assert one_seed(5, 0.25).trace_hash == one_seed(5, 0.25, faults).trace_hash


def test_a_fault_less_changes_the_world() -> None:
    faults = draw(5, 0.25)
    assert one_seed(5, 0.25).trace_hash != one_seed(5, 0.25, faults[1:]).trace_hash
