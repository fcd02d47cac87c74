"""How a cut is held and given back: plain numbers, the same source at both speeds (ADR 15).

`asked` is what was last asked for and not yet given back: (instant ns, share of the size), the
lowest share first.
"""

from collections.abc import Sequence
from typing import Protocol

from bot.domain.units import NS_PER_DAY, NS_PER_H, NS_PER_S

ASKED_STEP = 0.01
"""What was asked for is remembered in steps of this share."""
DOUBLINGS_MAX = 10
EXIT_ONLY_FACTOR = 0.25
"""At this share and below nothing new is opened, even on the way back."""


class Rung(Protocol):
    """A step as both speeds carry it: a policy's, or a named tuple of floats."""

    @property
    def enter(self) -> float:
        """Where it is entered."""

    @property
    def leave(self) -> float:
        """What must be passed again for it to end."""

    @property
    def factor(self) -> float:
        """The share of the size it leaves."""


def begin_again(asked: list[tuple[int, float]], now_ns: int, factor: float) -> None:
    """Let one cut down to `factor` begin to be waited for now, in place of all before."""
    asked.clear()
    asked.append((now_ns, factor))


def remember(asked: list[tuple[int, float]], now_ns: int, wanted: float) -> None:
    """Note that `wanted` (below 1) is asked for now; milder ones from before it end with it."""
    least = wanted
    while len(asked) > 0 and asked[-1][1] > least - ASKED_STEP:
        least = min(least, asked.pop()[1])
    asked.append((now_ns, least))


def allowed(
    asked: list[tuple[int, float]], now_ns: int, wanted: float, cool_ns: int, ramp_per_h: float
) -> float:
    """Return the share that may stand now: each cut is given back by the hour after its cool-down.

    The least one counts, and never more than `wanted`.
    """
    most, per_ns = wanted, ramp_per_h / NS_PER_H
    for ns, factor in asked:
        most = min(most, factor + per_ns * max(now_ns - ns - cool_ns, 0))
    return most


def cool_down_ns(cuts: int, hours: float, hours_max: float, dwell_s: float) -> int:
    """Return how long all rules must ask for less, after so many cuts within a day."""
    doublings = min(max(cuts - 1, 0), DOUBLINGS_MAX)
    waited = min(hours * 2.0**doublings, hours_max)
    return max(round(waited * NS_PER_H), round(dwell_s * NS_PER_S))


def recent(cycles: list[int], now_ns: int) -> list[int]:
    """Return the instants that lie within a day of now."""
    return [ns for ns in cycles if now_ns - ns < NS_PER_DAY]


def is_blocked(
    now_ns: int, blocked_ns: int, dwell_s: float, reasons: tuple[bool, bool, bool]
) -> bool:
    """Whether new risk is forbidden: for one of the `reasons`, or within the dwell of the last."""
    dwelling = blocked_ns > 0 and now_ns - blocked_ns < round(dwell_s * NS_PER_S)
    return dwelling or reasons[0] or reasons[1] or reasons[2]


def in_force(steps: Sequence[Rung], value: float, leaving: float, before: float, way: int) -> float:
    """Return the share that the steps entered by `value`, or not yet left by `leaving`, allow.

    `way` is +1 where larger values are worse, -1 where smaller ones are.
    """
    factor = 1.0
    for step in steps:
        entered = way * value >= way * step.enter
        left = way * leaving < way * step.leave
        if entered or (not left and before <= step.factor):
            factor = min(factor, step.factor)
    return factor
