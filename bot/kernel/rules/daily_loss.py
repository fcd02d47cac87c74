"""Limit what the strategies may lose in a UTC day, open loss and costs counted."""

from bot.domain.risk import Demand
from bot.domain.units import ZERO
from bot.kernel.view import LegView, held

NAME = "daily_loss"


def demand(view: LegView) -> Demand | None:
    """Return half, then nothing, of the strategies' own exposure as their day goes wrong."""
    day_start = view.state.anchors.day_start_usd
    if view.leg.trade is None or day_start <= 0.0:
        return None
    loss = -(view.state.anchors.own_day_usd + own_open_usd(view))
    loss_frac = loss / day_start
    rules = view.policy.rules
    if loss_frac >= rules.daily_loss_halt_frac:
        factor, limit = 0.0, rules.daily_loss_halt_frac
    elif loss_frac >= rules.daily_loss_half_frac:
        factor, limit = 0.5, rules.daily_loss_half_frac
    else:
        return None
    factor = min(factor, view.leg.rungs.get(NAME, 1.0))
    return Demand(
        NAME, view.leg.symbol, factor, "strategies' day loss above limit", loss_frac, limit,
        scope="own",
    )  # fmt: skip


def own_open_usd(view: LegView) -> float:
    """Return the unrealised result of every leg a strategy holds."""
    return sum(
        other.upnl_usd
        for other in held(view.state, view.policy)
        if other.leg.trade is not None and other.leg.qty > ZERO
    )
