"""Signs that confirm a break or a failed break."""

import pytest

from bot.kernel.levels.confirm import confirmation
from bot.kernel.levels.state import LevelZone
from bot.kernel.levels.zone_machine import BREAK_HELD, SWEEP_HELD, TOUCH_HELD


def zone(state: str, note: str, side: int = 1) -> LevelZone:
    return LevelZone(name="75k", low=74_800.0, high=75_200.0, side=side, state=state, note=note)


def test_a_break_wants_volume_new_positions_and_a_burst() -> None:
    broken = zone("BROKEN", BREAK_HELD, side=-1)
    full = confirmation(broken, volume_ratio=2.0, interest_change_frac=0.02, burst=True)
    assert full.score == 1.0
    assert len(full.evidence) == 3
    weak = confirmation(broken, volume_ratio=1.0, interest_change_frac=-0.02, burst=True)
    assert weak.score == pytest.approx(1 / 3)
    assert "stops run" in weak.evidence[1]


@pytest.mark.parametrize(("side", "funding", "caught"), [(1, -0.0001, 1.0), (1, 0.0001, 0.0)])
def test_a_failed_break_wants_the_crowd_on_the_wrong_side(
    side: int, funding: float, caught: float
) -> None:
    assert confirmation(zone("HELD", SWEEP_HELD, side), funding_8h_frac=funding).score == caught
    mirrored = confirmation(zone("HELD", SWEEP_HELD, -side), funding_8h_frac=-funding)
    assert mirrored.score == caught


def test_a_sweep_that_closed_positions_is_a_stop_run() -> None:
    found = confirmation(zone("HELD", SWEEP_HELD), interest_change_frac=-0.03)
    assert found.score == 1.0
    assert found.evidence == ("open interest -3.0%: stops run",)


def test_nothing_known_or_nothing_to_judge_is_no_score() -> None:
    assert confirmation(zone("BROKEN", BREAK_HELD)).score is None
    assert confirmation(zone("HELD", TOUCH_HELD), burst=True).score is None
    assert confirmation(zone("SWEPT", ""), burst=True).score is None
