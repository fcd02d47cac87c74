"""A level behind a position that broke against it, and one that lay before it all along."""

import pytest

from bot.kernel.levels.state import LevelZone
from bot.kernel.rules import level_broken
from tests.unit.kernel.rules.rule_kit import Kit

ATR = 400.0


def held_at(entry: float, mark: float, edge: float, *, long: bool) -> Kit:
    kit = Kit(long=long)
    side = -1 if long else 1
    kit.market.zones = [LevelZone(name="x", low=edge, high=edge, side=side, state="BROKEN")]
    kit.leg.entry_price = type(kit.leg.entry_price)(repr(entry))
    kit.mark(mark)
    return kit


@pytest.mark.parametrize("long", [True, False])
def test_a_level_that_breaks_behind_a_leg_halves_it(long: bool) -> None:
    sign = 1.0 if long else -1.0
    edge = 76_000.0 - sign * 0.2 * ATR
    kit = held_at(76_000.0, edge - sign * 10.0, edge, long=long)
    found = level_broken.demand(kit.view)
    assert found is not None
    assert found.exposure_factor == kit.desk.policy.rules.level_factor


@pytest.mark.parametrize("long", [True, False])
def test_a_level_broken_before_is_not_behind_for_a_spread(long: bool) -> None:
    """A trade pays the spread: its entry may lie a tick beyond a level that its price never was."""
    sign = 1.0 if long else -1.0
    kit = held_at(76_000.0, 76_000.0 - sign * 1.1, 76_000.0 - sign * 0.5, long=long)
    assert level_broken.demand(kit.view) is None
