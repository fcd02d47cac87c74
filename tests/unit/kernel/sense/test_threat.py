"""How Threat rises, waits, steps down, and what holds it up."""

import pytest

from bot.kernel.assess.threat import advance, floor_of, level_of
from bot.kernel.sensed import SensePolicy, ThreatMemory

POLICY = SensePolicy()
H = 3_600 * 10**9
START = 1_000 * H


def walk(path: list[tuple[float, float, bool]]) -> list[int]:
    """Advance by (hours later, Stress, still moving); return the levels."""
    memory, now, levels = ThreatMemory(), START, []
    for hours, value, moving in path:
        now += round(hours * H)
        levels.append(
            advance(
                memory, now, POLICY, stress=value, held_stress=value, is_moving=moving,
                systemic=False,
            )
        )  # fmt: skip
    return levels


@pytest.mark.parametrize(
    ("value", "level"), [(0, 1), (29.9, 1), (30, 2), (54.9, 2), (55, 3), (78, 4), (99.9, 4)]
)
def test_cuts(value: float, level: int) -> None:
    assert level_of(value, POLICY, moving=False, systemic=False) == level


def test_up_at_once_down_a_step_after_more_than_four_hours_below_the_margin() -> None:
    assert walk([(0, 10, False), (0.1, 80, False)]) == [1, 4]
    path = [(0, 80, False), (1, 69.9, False), (4, 69.9, False), (0.01, 69.9, False)]
    assert walk(path) == [4, 4, 4, 3]


def test_inside_the_margin_the_wait_starts_again() -> None:
    path = [(0, 80, False), (1, 60, False), (3, 71, False), (1, 60, False), (3.9, 60, False)]
    assert walk(path) == [4, 4, 4, 4, 4]


def test_each_step_waits_for_itself() -> None:
    path = [(0, 80, False)] + [(1, 0, False)] * 16
    levels = walk(path)
    assert levels[:7] == [4, 4, 4, 4, 4, 4, 3]
    assert sorted(levels, reverse=True) == levels
    assert levels[-1] == 1


def test_five_needs_a_fall_that_still_runs_and_leaves_an_hour_after() -> None:
    assert walk([(0, 95, False)]) == [4]
    path = [(0, 89.9, True), (0.1, 90, True), (0.9, 95, False), (0.2, 95, False)]
    assert walk(path) == [4, 5, 5, 4]


def test_a_flag_forces_five_at_any_stress() -> None:
    memory = ThreatMemory()
    args = {"stress": 1.0, "held_stress": 1.0, "is_moving": False}
    assert advance(memory, START, POLICY, systemic=True, **args) == 5
    assert advance(memory, START + H, POLICY, systemic=False, **args) == 4


def test_what_went_missing_does_not_let_it_down() -> None:
    memory = ThreatMemory(level=4)
    for hour in range(24):
        level = advance(
            memory, START + hour * H, POLICY, stress=20.0, held_stress=75.0, is_moving=False,
            systemic=False,
        )  # fmt: skip
        assert level == 4


def test_floors() -> None:
    assert floor_of(price_live=True, stale=(), event_floor=1) == 1
    assert floor_of(price_live=True, stale=("fund",), event_floor=1) == 3
    assert floor_of(price_live=False, stale=(), event_floor=1) == 4
    assert floor_of(price_live=True, stale=(), event_floor=3) == 3
    assert floor_of(price_live=False, stale=(), event_floor=5) == 5
