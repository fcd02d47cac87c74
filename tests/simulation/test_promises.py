"""What must hold in simulated hours under the mixed faults, and how fast protection is.

Some hours always; `-m volume` plays 150 of them on two cores.
"""

import gc
import os

import pytest

from bot.lab.simulation.campaign import many_seeds, one_seed
from bot.lab.simulation.summary import summed

SEEDS, HOURS = 50, 3.0
PARTS, PART_SEEDS = (1, 5), 4


@pytest.mark.parametrize("first", PARTS)
def test_nothing_breaks_in_an_hour_of_four_lives(first: int) -> None:
    told = summed(many_seeds(range(first, first + PART_SEEDS), 1.0, jobs=1))
    # bars are for the volume: of four hours one loud seed decides the percentiles
    assert told["violations"] == []
    assert told["hours"] >= PART_SEEDS - 0.01
    assert told["intents"] > 0
    bare = told["unprotected_s"]
    assert bare["count"] > 0
    assert bare["max"] <= 20.0


@pytest.mark.volume
@pytest.mark.timeout(3_600)
def test_nothing_breaks_in_a_hundred_and_fifty_hours() -> None:
    told = summed(many_seeds(range(1, SEEDS + 1), HOURS, jobs=2))
    assert told["violations"] == []
    assert told["bars_missed"] == []
    assert told["marks_seldom"] == {}
    assert told["hours"] >= SEEDS * HOURS - 0.01
    assert told["intents"] > 500
    assert told["kills"] > 50
    for name in ("unprotected_s", "deleverage_s", "external_s", "restart_s"):
        assert told[name]["count"] >= 100, name
    assert told["restart_s"]["max"] <= 5.0


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
