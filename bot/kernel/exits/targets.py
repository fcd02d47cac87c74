"""Keeps the take-profit orders of a leg: equal parts at the partial targets, the rest at the last.

Which parts are taken already follows from what is still held: a cut counts as the next part.
"""

from decimal import Decimal

from bot.domain.instrument import Instrument
from bot.domain.orders import OrderDraft, OrderKind, Purpose, TriggerBy
from bot.domain.units import ZERO
from bot.kernel import hand
from bot.kernel.desk import Desk
from bot.kernel.plan import CancelWish, ReduceWish, Wish, may_cancel
from bot.kernel.snapshot import Trade
from bot.kernel.track import live_orders
from bot.kernel.view import LegView

Target = tuple[Decimal, Decimal]
"""(trigger price on the grid, quantity)"""


def part_qty(trade: Trade, instrument: Instrument) -> Decimal:
    """Return the quantity of one part, on the grid; zero: too small to be parted."""
    part = instrument.qty_down(trade.entry_qty / trade.exits.parts)
    return part if part >= instrument.qty_min else ZERO


def partials_left(view: LegView) -> list[Target]:
    """Return the partial targets that are still to be taken, nearest first.

    One that the mark has passed already is left to the targets behind it.
    """
    trade, instrument = view.leg.trade, view.market.instrument
    if trade is None or instrument is None or view.leg.foreign or not trade.exits.partials:
        return []
    part = part_qty(trade, instrument)
    if part == ZERO:
        return []
    done = int((trade.entry_qty - view.leg.qty) / part)
    found: list[Target] = []
    left = view.leg.qty
    for price in trade.exits.partials[max(done, 0) :]:
        exact = on_grid(instrument, Decimal(repr(price)), view.leg.side.sign)
        ahead = view.leg.side.sign * (price - view.mark) > 0.0
        if ahead and left > part:
            found.append((exact, part))
            left -= part
    return found


def on_grid(instrument: Instrument, price: Decimal, sign: int) -> Decimal:
    """Return a target on the price grid, rounded toward the entry of a leg of that sign."""
    return instrument.price_up(price) if sign < 0 else instrument.price_down(price)


def wanted(desk: Desk, view: LegView) -> list[Target]:
    """Return every target a leg wants at the venue; the last one covers whatever is held."""
    last = hand.target_price(desk.state, desk.policy, view.leg)
    if last is None:
        return []
    instrument = view.market.instrument
    exact = on_grid(instrument, last, view.leg.side.sign) if instrument is not None else last
    return [*partials_left(view), (exact, view.leg.qty)]


def target_wishes(desk: Desk, view: LegView, *, exact: bool) -> list[Wish]:
    """Return what brings the wanted targets to the venue.

    Without `exact` only a leg without any target gets them; with it, those of another price or
    quantity are replaced.
    """
    leg = view.leg
    live = [o for o in live_orders(desk, leg.symbol, leg.side) if o.purpose is Purpose.TARGET]
    if live and not exact:
        return []
    cause = leg.trade.decision_id if leg.trade is not None else ""
    missing: list[Wish] = []
    for price, qty in wanted(desk, view):
        fit = next((o for o in live if o.trigger_price == price and o.remaining_qty == qty), None)
        if fit is not None:
            live.remove(fit)
        else:
            missing.append(ReduceWish(_draft(view, price, qty), cause))
    gone = [CancelWish(o, "target of another quantity") for o in live if may_cancel(desk, o)]
    return [*gone, *missing]


def _draft(view: LegView, price: Decimal, qty: Decimal) -> OrderDraft:
    leg = view.leg
    return OrderDraft(
        symbol=leg.symbol,
        side=leg.side.exit,
        position_side=leg.side,
        kind=OrderKind.TAKE_PROFIT_MARKET,
        purpose=Purpose.TARGET,
        qty=qty,
        trigger_price=price,
        trigger_by=TriggerBy.MARK,
        reason="target at the next zone" if qty == leg.qty else "part of it at the nearer zone",
    )
