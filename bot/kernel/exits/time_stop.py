"""Closes a trade whose time is over, wherever the price is."""

from bot.domain.orders import Purpose
from bot.domain.units import NS_PER_H, NS_PER_S
from bot.kernel.desk import Desk
from bot.kernel.plan import ReduceWish, cut_draft, one_order
from bot.kernel.track import live_orders
from bot.kernel.view import LegView

REDUCING = (Purpose.CUT, Purpose.FLATTEN)


def is_over(view: LegView) -> bool:
    """Whether a strategy's trade has lived as long as it was planned to."""
    trade = view.leg.trade
    if trade is None or view.leg.foreign or trade.exits.life_s <= 0.0:
        return False
    return view.state.now_ns - trade.opened_ns >= int(trade.exits.life_s * NS_PER_S)


def leave(desk: Desk, view: LegView) -> list[ReduceWish]:
    """Return the order that closes it; none while one that reduces is under way."""
    leg, trade, instrument = view.leg, view.leg.trade, view.market.instrument
    busy = any(o.purpose in REDUCING for o in live_orders(desk, leg.symbol, leg.side))
    if trade is None or instrument is None or busy:
        return []
    hours = (desk.state.now_ns - trade.opened_ns) / NS_PER_H
    why = f"its time is over: {hours:.1f} h without target or stop"
    decision_id = desk.record(
        "time_stop", leg.symbol, f"close {leg.side.value} {leg.qty} at {view.mark:.8g}", why,
        cause=trade.decision_id,
    )  # fmt: skip
    return [ReduceWish(cut_draft(leg, one_order(instrument, leg.qty), Purpose.FLATTEN, why),
                       decision_id)]  # fmt: skip
