"""What must hold in simulated hours under the mixed faults, and how fast protection is.

A few hours always; `-m volume` plays 150 of them, five parts of thirty hours.
"""

import gc
import os

import pytest

from bot.lab.simulation.campaign import many_seeds, one_seed
from bot.lab.simulation.summary import summed

SEEDS, HOURS = 10, 3.0
PARTS = (1, 11, 21, 31, 41)


@pytest.mark.parametrize("first", [1, 3])
def test_nothing_breaks_in_an_hour_of_two_lives(first: int) -> None:
    told = summed(many_seeds(range(first, first + 2), 1.0, jobs=1))
    assert told["violations"] == []
    assert told["hours"] >= 2.0 - 0.01
    assert told["intents"] > 0
    bare = told["unprotected_s"]
    assert bare["count"] > 0
    assert bare["max"] <= 20.0


@pytest.mark.volume
@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("first", PARTS)
def test_nothing_breaks_in_thirty_hours(first: int) -> None:
    told = summed(many_seeds(range(first, first + SEEDS), HOURS, jobs=1))
    assert told["violations"] == []
    assert told["hours"] >= SEEDS * HOURS - 0.01
    assert told["intents"] > 50
    assert told["kills"] > 5
    bare = told["unprotected_s"]
    assert bare["count"] > 100
    assert bare["p50"] <= 0.3
    assert bare["p99"] <= 15.0
    assert bare["max"] <= 20.0
    assert told["deleverage_s"]["p50"] <= 0.3
    assert told["restart_s"]["p50"] <= 1.0


def resident_kb() -> int:
    with open("/proc/self/statm") as file:
        pages = int(file.read().split()[1])
    return pages * (os.sysconf("SC_PAGE_SIZE") // 1024)


def test_many_lives_leave_no_memory_behind() -> None:
    one_seed(3, 0.1)
    gc.collect()
    before = resident_kb()
    for seed in range(4, 8):
        one_seed(seed, 0.1)
    gc.collect()
    assert resident_kb() - before < 30_000
