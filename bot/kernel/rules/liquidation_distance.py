"""Cut when liquidation is near, measured in daily ranges; a backstop behind the floor stop.

A cut moves liquidation away, and buying back brings it near again: so that nothing swings, a step
once taken is left by the distance that would hold at the size that would be held again. Where the
loss budget cuts as deep by itself, its cut comes first (ADR 34).
"""

import math
from collections.abc import Sequence

import msgspec

from bot.domain.policy import Step
from bot.domain.risk import Demand, Gauge
from bot.domain.units import NS_PER_S
from bot.kernel import allowance
from bot.kernel.margin import liquidation_price
from bot.kernel.rules._ladder import next_enter, stepped, unknown
from bot.kernel.view import LegView

NAME = "liquidation_distance"
ACTS_ON = "all"
SHARED = False
GIVEN_BACK_NS = 15 * NS_PER_S
"""So long after our cut its margin may be on the way back to the leg."""


def demand(view: LegView) -> Demand | None:
    """Return the ladder's factor for the distance to liquidation; unknown blocks new risk."""
    if view.qty <= 0.0:
        return None
    atr_day, before = view.atr_day, view.before(NAME)
    distance = view.liq_distance_frac()
    if distance is None and not _is_unreachable(view):
        return unknown(view, NAME, "the liquidation price is not known")
    if distance is None and before >= 1.0:
        return None
    if atr_day is None or atr_day <= 0.0:
        return unknown(view, NAME, "the daily range is not known yet")
    value = distance * view.mark / atr_day if distance is not None else math.inf
    way_out = value
    if before < 1.0:
        way_out = min(value, _at(view, allowance.held_again_qty(view), atr_day))
    steps = _steps(view)
    reason = "liquidation nearer than limit (daily ranges)"
    if math.isinf(value) and math.isinf(way_out):
        return None
    found = stepped(view, NAME, steps, value, reason, rising=False, way_out=way_out)
    if found is not None and value > found.limit:
        reason = "liquidation would be near at the size that is bought back (daily ranges)"
        return msgspec.structs.replace(found, reason=reason, measured=way_out)
    if found is None or before < 1.0 or not _is_sized_first(view, found, steps, atr_day):
        return found
    reason = "the loss budget's own cut, or its margin, is on the way (daily ranges)"
    return Demand(NAME, view.leg.symbol, 1.0, reason, value, found.limit, size_first=True)


def gauge(view: LegView) -> Gauge:
    """Return the way to liquidation in daily ranges."""
    distance, atr_day = view.liq_distance_frac(), view.atr_day
    ranges = distance * view.mark / atr_day if distance is not None and atr_day else None
    limit = next_enter(_steps(view), ranges, rising=False)
    return Gauge(ranges, limit, "daily ranges to liquidation, acts below", rising=False)


def _is_unreachable(view: LegView) -> bool:
    """Whether all that decides is known and no price liquidates the leg."""
    instrument = view.market.instrument
    return view.margin_usd is not None and instrument is not None and bool(instrument.tiers)


def _steps(view: LegView) -> tuple[Step, ...]:
    rules = view.policy.rules
    return rules.liq_distance_own_atr if view.own else rules.liq_distance_atr


def _is_sized_first(view: LegView, found: Demand, steps: Sequence[Step], atr_day: float) -> bool:
    """Whether the loss budget's own cut does what a step asks, and the step is not the last.

    Either it is due and leaves no more than the step would, or it was made and its margin is on the
    way back, with which liquidation lies outside every step.
    """
    leg, now_ns = view.leg, view.state.now_ns
    if view.own or not allowance.may_cut(view.state, view.policy):
        return False
    if found.exposure_factor <= min(step.factor for step in steps):
        return False
    target = allowance.target_qty(view)
    due = view.qty - target > allowance.dead_band_qty(view)
    if due and target <= found.exposure_factor * view.qty:
        return True
    since_ns = max(leg.last_cut_ns, leg.fill_ns) if leg.last_fill_ours else leg.last_cut_ns
    is_cutting = leg.plan is not None or now_ns - since_ns < GIVEN_BACK_NS
    if leg.last_cut_ns == 0 or not is_cutting:
        return False
    return _at(view, min(view.qty, target), atr_day) > max(step.enter for step in steps)


def _at(view: LegView, qty: float, atr_day: float) -> float:
    """Return the distance in daily ranges were `qty` held with what was released given back."""
    margin, instrument, sign = view.margin_usd, view.market.instrument, view.leg.side.sign
    if margin is None or instrument is None or qty <= 0.0:
        return 0.0
    margin += allowance.returnable_usd(view)
    price = liquidation_price(sign, qty, view.entry, margin, instrument.tiers)
    return math.inf if price is None else sign * (view.mark - price) / atr_day
