"""Hysteresis over a ladder of steps: down at once, up only past the way out."""

import math
from collections.abc import Sequence

from bot.domain.policy import Step
from bot.domain.risk import Demand
from bot.kernel.giving_back import in_force
from bot.kernel.view import LegView


def factor_in_force(
    steps: Sequence[Step],
    value: float,
    before: float,
    *,
    rising: bool,
    way_out: float | None = None,
) -> float:
    """Return the exposure factor for `value`, given the one in force `before`.

    `rising` means larger values are worse; otherwise smaller ones are. A step once entered stays
    until the value (or another one that `way_out` gives) has passed its `leave`.
    """
    leaving = value if way_out is None else way_out
    return in_force(steps, value, leaving, before, 1 if rising else -1)


def stepped(
    view: LegView,
    name: str,
    steps: Sequence[Step],
    value: float,
    reason: str,
    *,
    rising: bool,
    way_out: float | None = None,
) -> Demand | None:
    """Return the demand of a ladder of steps for `value`; None while no step is in force."""
    factor = factor_in_force(steps, value, view.before(name), rising=rising, way_out=way_out)
    return demanded(view, name, steps, value, reason, factor)


def demanded(
    view: LegView, name: str, steps: Sequence[Step], value: float, reason: str, factor: float
) -> Demand | None:
    """Return the demand of the step whose factor is in force; None at the full size."""
    if factor >= 1.0:
        return None
    limit = next(step.enter for step in steps if step.factor == factor)
    return Demand(name, view.leg.symbol, factor, reason, value, limit)


def anew(
    view: LegView, name: str, steps: Sequence[Step], value: float, reason: str
) -> Demand | None:
    """Return the demand of rising steps for `value` alone, whatever was in force before."""
    factor = factor_in_force(steps, value, 1.0, rising=True)
    return demanded(view, name, steps, value, reason, factor)


def next_enter(steps: Sequence[Step], value: float | None, *, rising: bool) -> float | None:
    """Return the threshold that would act next from `value` on; None when all have acted.

    The steps may stand in any order.
    """
    ahead = [
        step.enter
        for step in steps
        if value is None or not (value >= step.enter if rising else value <= step.enter)
    ]
    if not ahead:
        return None
    return min(ahead) if rising else max(ahead)


def unknown(view: LegView, name: str, reason: str) -> Demand:
    """Return the demand of a rule that cannot judge: no new risk, and what is in force stays."""
    return Demand(name, view.leg.symbol, view.before(name), reason, math.nan, math.nan)


def blocked(view: LegView, name: str, reason: str, measured: float, limit: float) -> Demand:
    """Return a demand that forbids new risk and cuts nothing."""
    return Demand(name, view.leg.symbol, 1.0, reason, measured, limit)
