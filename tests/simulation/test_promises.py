"""What must hold in simulated hours under the mixed faults, and how fast protection is.

150 hours always, on two cores beside all other tests; `-m volume` plays 500, and asks as well that
every rare place was reached ten times.
"""

import gc
import os

import pytest

from bot.lab.simulation.campaign import many_seeds, one_seed
from bot.lab.simulation.summary import summed

SEEDS, HOURS = 51, 3.0
LOUD_SEEDS = 167
SAMPLED = ("unprotected_s", "deleverage_s", "external_s", "restart_s")


@pytest.mark.timeout(2_400)
def test_nothing_breaks_in_a_hundred_and_fifty_hours() -> None:
    told = summed(many_seeds(range(1, SEEDS + 1), HOURS, jobs=2))
    assert told["violations"] == []
    assert told["bars_missed"] == []
    assert told["hours"] >= SEEDS * HOURS - 0.01
    assert told["intents"] > 500
    assert told["kills"] > 50
    for name in SAMPLED:
        assert told[name]["count"] >= 100, name


@pytest.mark.volume
@pytest.mark.timeout(7_200)
def test_every_rare_place_is_reached_in_five_hundred_hours() -> None:
    told = summed(many_seeds(range(1, LOUD_SEEDS + 1), HOURS, jobs=2))
    assert told["violations"] == []
    assert told["bars_missed"] == []
    assert told["marks_seldom"] == {}
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
