"""Which leg goes first: what a slice releases over what it costs, dearest hedge last.

Both sides of one contract are a hedge: what they share is closed together or not at all, so that no
cut opens net exposure. The rest of the larger side stands alone.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from bot.domain.instrument import MarginTier
from bot.kernel.margin import maintenance_usd

SLICES = 40
HEAT_WEIGHT = 0.25
SHOCK_WEIGHT = 0.10
"""Beside one USD of maintenance released: one of daily risk, and one of loss in the shock."""
SHOCK_FRAC = 0.10


class Part(NamedTuple):
    """One leg that may be cut; USD, shares of price, quantities in coins."""

    key: str
    symbol: str
    sign: int
    qty: float
    mark: float
    tiers: Sequence[MarginTier]
    sigma_day: float
    fee_frac: float
    day_usd: float | None
    """What trades in a day; None is not known."""
    liq_distance_frac: float | None
    funding_paid_frac: float
    """Per eight hours; negative is received."""


class _Unit(NamedTuple):
    """What is cut as one: a leg's net part, or the common part of both sides of a contract."""

    parts: tuple[Part, ...]
    qty: float
    net: bool


def greedy(
    parts: Sequence[Part], is_enough: Callable[[Mapping[str, float]], bool]
) -> dict[str, float]:
    """Return coins to cut by leg, best slices first, until `is_enough` of what is cut holds.

    Costs are convex (the square-root law), so taking the best slice each time is near the optimum.
    """
    cut = {part.key: 0.0 for part in parts}
    units = _units(parts)
    taken = [0] * len(units)
    while not is_enough(cut):
        open_units = [i for i in range(len(units)) if taken[i] < SLICES]
        if not open_units:
            break
        best = max(open_units, key=lambda i: (_score(units[i], taken[i]), *_ties(units[i])))
        taken[best] += 1
        unit = units[best]
        for part in unit.parts:
            cut[part.key] = min(cut[part.key] + unit.qty / SLICES, part.qty)
    return cut


def _units(parts: Sequence[Part]) -> list[_Unit]:
    out = []
    for part in parts:
        twin = next((p for p in parts if p.symbol == part.symbol and p.sign != part.sign), None)
        if twin is None:
            out.append(_Unit((part,), part.qty, net=True))
            continue
        if part.qty > twin.qty:
            out.append(_Unit((part,), part.qty - twin.qty, net=True))
        if part.sign > 0:
            out.append(_Unit((part, twin), min(part.qty, twin.qty), net=False))
    return [unit for unit in out if unit.qty > 0.0]


def _score(unit: _Unit, taken: int) -> float:
    """Return what the next slice releases for each USD it costs."""
    gain = cost = 0.0
    for part in unit.parts:
        slice_usd = unit.qty / SLICES * part.mark
        left = part.qty * part.mark - taken * slice_usd
        gain += maintenance_usd(left, part.tiers) - maintenance_usd(left - slice_usd, part.tiers)
        if unit.net:
            gain += slice_usd * (HEAT_WEIGHT * part.sigma_day + SHOCK_WEIGHT * SHOCK_FRAC)
        cost += slice_usd * (part.fee_frac + _impact(part, (taken + 1) * slice_usd))
    return gain / cost if cost > 0.0 else math.inf


def _impact(part: Part, flow_usd: float) -> float:
    """Return the marginal impact of a flow; a market whose volume is not known is a thin one."""
    if part.day_usd is None or part.day_usd <= 0.0:
        return part.sigma_day
    return 1.5 * part.sigma_day * math.sqrt(flow_usd / part.day_usd)


def _ties(unit: _Unit) -> tuple[float, float, str]:
    near = [p.liq_distance_frac for p in unit.parts if p.liq_distance_frac is not None]
    paid = sum(part.funding_paid_frac for part in unit.parts)
    return -min(near, default=math.inf), paid, unit.parts[0].key
