"""Cut when liquidation is near, measured in daily ranges; a backstop behind the floor stop.

A cut moves liquidation away, and buying back brings it near again: so that nothing swings, a step
once taken is left by the distance that would hold at the user's full quantity (guard policy).
"""

from bot.domain.risk import Demand, Gauge
from bot.kernel.margin import liquidation_price
from bot.kernel.rules._ladder import next_enter, stepped, unknown
from bot.kernel.view import LegView

NAME = "liquidation_distance"
ACTS_ON = "all"
SHARED = False


def demand(view: LegView) -> Demand | None:
    """Return the ladder's factor for the distance to liquidation; unknown blocks new risk."""
    if view.qty <= 0.0:
        return None
    atr_day = view.atr_day
    distance = view.liq_distance_frac()
    if distance is None and not _is_unreachable(view):
        return unknown(view, NAME, "the liquidation price is not known")
    if distance is None:
        return None
    if atr_day is None or atr_day <= 0.0:
        return unknown(view, NAME, "the daily range is not known yet")
    value = distance * view.mark / atr_day
    way_out = min(value, _at_full_size(view, value, atr_day))
    rules = view.policy.rules
    steps = rules.liq_distance_own_atr if view.own else rules.liq_distance_atr
    reason = "liquidation nearer than limit (daily ranges)"
    return stepped(view, NAME, steps, value, reason, rising=False, way_out=way_out)


def gauge(view: LegView) -> Gauge:
    """Return the way to liquidation in daily ranges."""
    distance, atr_day = view.liq_distance_frac(), view.atr_day
    ranges = distance * view.mark / atr_day if distance is not None and atr_day else None
    rules = view.policy.rules
    steps = rules.liq_distance_own_atr if view.own else rules.liq_distance_atr
    limit = next_enter(steps, ranges, rising=False)
    return Gauge(ranges, limit, "daily ranges to liquidation, acts below", rising=False)


def _is_unreachable(view: LegView) -> bool:
    """Whether all that decides is known and no price liquidates the leg."""
    instrument = view.market.instrument
    return view.margin_usd is not None and instrument is not None and bool(instrument.tiers)


def _at_full_size(view: LegView, value: float, atr_day: float) -> float:
    """Return the distance in daily ranges if the user's whole quantity were still held."""
    leg, instrument = view.leg, view.market.instrument
    full = max(float(leg.user_qty), view.qty)
    margin = view.margin_usd
    if instrument is None or margin is None or full <= view.qty:
        return value
    margin += float(leg.released_usd)
    sign = leg.side.sign
    price = liquidation_price(sign, full, view.entry, margin, instrument.tiers)
    return value if price is None else sign * (view.mark - price) / atr_day
