"""The exits of a trade where the guard is off: its own stop, targets and time, nothing else.

Without the guard no rule cuts, no loss budget holds and nothing latches; a trade without its own
stop would be another trade.
"""

from decimal import Decimal

from bot.domain.orders import Purpose
from bot.kernel.desk import Desk
from bot.kernel.exits import time_stop
from bot.kernel.exits.targets import target_wishes
from bot.kernel.plan import ReduceWish, Wish, cut_draft, is_covered, one_order, stop_wishes
from bot.kernel.stops import at_close
from bot.kernel.track import live_orders
from bot.kernel.view import LegView


def exit_wishes(desk: Desk, view: LegView, *, at_bar: bool, on_change: bool) -> list[Wish]:
    """Return what keeps a trade's own exits at the venue."""
    leg, trade, instrument = view.leg, view.leg.trade, view.market.instrument
    if trade is None or instrument is None or desk.state.read_only:
        return []
    if at_bar:
        at_close.follow(desk, view)
        if time_stop.is_over(view):
            return list(time_stop.leave(desk, view))
    covered = is_covered(desk, leg)
    if covered and not at_bar and not on_change:
        return []
    price = instrument.stop_price_near(Decimal(repr(trade.stop_price)), leg.side)
    if leg.side.sign * (view.mark - float(price)) > 0.0:
        wishes = stop_wishes(desk, view, price, exact=at_bar, cause=trade.decision_id)
    elif covered or _is_leaving(desk, view):
        wishes = []
    else:
        why = "its stop would trigger at once"
        draft = cut_draft(leg, one_order(instrument, leg.qty), Purpose.FLATTEN, why)
        return [ReduceWish(draft, trade.decision_id)]
    return [*wishes, *target_wishes(desk, view, exact=at_bar)] if covered else wishes


def _is_leaving(desk: Desk, view: LegView) -> bool:
    live = live_orders(desk, view.leg.symbol, view.leg.side)
    return any(order.purpose is Purpose.FLATTEN for order in live)
