"""The life of a zone on authored paths, for support and mirrored for resistance."""

import pytest

from bot.domain.policy import LevelPolicy
from bot.kernel.levels import advance
from bot.kernel.snapshot import Bar, Zone

POLICY = LevelPolicy()
LOW, HIGH, MIRROR = 74_800.0, 75_200.0, 150_000.0


def walk(path: list[tuple[float, float, float]], *, mirrored: bool) -> list[str]:
    """Feed (high, low, close) bars; return the states seen, mirrored around 75,000 on demand."""
    zone = Zone(name="75k", low=LOW, high=HIGH)
    states = []
    for index, (high, low, close) in enumerate(path):
        bar = Bar(index, close, high, low, close)
        if mirrored:
            bar = Bar(index, MIRROR - close, MIRROR - low, MIRROR - high, MIRROR - close)
        advance(zone, bar, POLICY, atr=0.0)
        states.append(zone.state)
    return states


@pytest.mark.parametrize("mirrored", [False, True], ids=["support", "resistance"])
class TestPaths:
    def test_far_then_near_then_touched_and_held(self, *, mirrored: bool) -> None:
        path = [(80_100, 79_900, 80_000), (75_400, 75_300, 75_330), (75_400, 75_220, 75_300)]
        path += [(75_500, 75_300, 75_400), (75_500, 75_300, 75_400)]
        states = walk(path, mirrored=mirrored)
        assert states == ["FAR", "APPROACH", "TOUCHED", "TOUCHED", "HELD"]

    def test_sweep_reclaim_and_hold(self, *, mirrored: bool) -> None:
        path = [(76_000, 75_900, 75_950), (75_900, 74_500, 74_780)]
        path += [(75_000, 74_780, 74_900), (75_300, 74_900, 75_250), (75_400, 75_200, 75_300)]
        states = walk(path, mirrored=mirrored)
        assert states == ["FAR", "SWEPT", "RECLAIMED", "RECLAIMED", "HELD"]

    def test_three_closes_beyond_break_it(self, *, mirrored: bool) -> None:
        path = [(76_000, 75_900, 75_950), (75_900, 74_500, 74_600)]
        path += [(74_700, 74_400, 74_500), (74_600, 74_300, 74_400)]
        states = walk(path, mirrored=mirrored)
        assert states == ["FAR", "BREAKING", "BREAKING", "BROKEN"]

    def test_a_break_that_is_lost_again_is_no_hold(self, *, mirrored: bool) -> None:
        path = [(76_000, 75_900, 75_950), (75_900, 74_500, 74_600), (75_000, 74_600, 74_900)]
        path += [(74_900, 74_300, 74_400)]
        states = walk(path, mirrored=mirrored)
        assert states == ["FAR", "BREAKING", "RECLAIMED", "BREAKING"]


def test_a_broken_support_becomes_resistance() -> None:
    zone = Zone(name="75k", low=LOW, high=HIGH)
    for index, close in enumerate((76_000.0, 74_600.0, 74_500.0, 74_400.0)):
        advance(zone, Bar(index, close, close + 50, close - 50, close), POLICY, atr=0.0)
    assert (zone.state, zone.side) == ("BROKEN", -1)


def test_a_touch_needs_a_band_not_equality() -> None:
    """75,203 with support at 75,200 has touched and not broken."""
    zone = Zone(name="75.2k", low=75_200.0, high=75_200.0)
    advance(zone, Bar(0, 76_000, 76_100, 75_900, 76_000), POLICY, atr=0.0)
    advance(zone, Bar(1, 75_900, 75_950, 75_203, 75_300), POLICY, atr=0.0)
    assert zone.state == "TOUCHED"
