"""Halve when a level behind the position broke against it; the rest stays with its stop."""

from collections.abc import Iterable

from bot.domain.policy import Step
from bot.domain.risk import Demand, Gauge
from bot.kernel.levels.state import ZoneLike
from bot.kernel.rules._ladder import stepped
from bot.kernel.view import LegView

NAME = "level_broken"
ACTS_ON = "own"
SHARED = False
BROKEN = ("BROKEN", "RETEST_REJECTED")
STRENGTH_MIN = 0.5
"""Of a zone nobody named: weaker ones break all the time."""
BEYOND_ATR = 0.1
"""A level was behind an entry that lay this far beyond it; a spread less, and it was in front."""


def demand(view: LegView) -> Demand | None:
    """Return half of a leg that was opened above a support (below a resistance) that broke."""
    if view.qty <= 0.0 or view.market.atr_1h <= 0.0:
        return None
    found = _deepest(view)
    steps = (Step(0.0, -0.25, view.policy.rules.level_factor),)
    deepest = -1.0 if found is None else found
    reason = "a level behind the position broke against it (hourly ranges beyond it)"
    return stepped(view, NAME, steps, deepest, reason, rising=True)


def gauge(view: LegView) -> Gauge:
    """Return how deep the mark lies beyond a broken level; None: none broke."""
    return Gauge(_deepest(view), 0.0, "hourly ranges beyond a broken level")


def _deepest(view: LegView) -> float | None:
    atr, sign = view.market.atr_1h, view.leg.side.sign
    if view.qty <= 0.0 or atr <= 0.0:
        return None
    depths = [
        sign * (_edge(zone, sign) - view.mark) / atr
        for zone in _zones(view)
        if zone.state in BROKEN
        and zone.side == -sign
        and sign * (_edge(zone, sign) - view.mark) > 0.0
        and sign * (view.entry - _edge(zone, sign)) >= BEYOND_ATR * atr
    ]
    return max(depths, default=None)


def _edge(zone: ZoneLike, sign: int) -> float:
    return zone.low if sign > 0 else zone.high


def _zones(view: LegView) -> Iterable[ZoneLike]:
    yield from view.market.zones
    if view.sensed is not None:
        yield from (z for z in view.sensed.book.zones if z.strength >= STRENGTH_MIN)
