"""At each closed bar: lets a trade's stop follow the price, and says what speaks against a stop."""

from bot.domain.orders import Purpose
from bot.domain.risk import Severity
from bot.kernel.desk import Desk
from bot.kernel.snapshot import Leg
from bot.kernel.stops.audit import audit
from bot.kernel.stops.trail import advance
from bot.kernel.track import live_orders
from bot.kernel.view import LegView


def follow(desk: Desk, view: LegView) -> None:
    """Move a trade's stop where break-even or trailing want it; the move enters the story."""
    trade = view.leg.trade
    if trade is None:
        return
    before = trade.stop_price
    after = advance(view, trade)
    if after is not None:
        desk.record(
            "trail",
            trade.symbol,
            f"the stop follows from {before:.8g} to {after:.8g}",
            f"best close {trade.best_price:.8g}",
            cause=trade.decision_id,
        )


def tell_flaws(desk: Desk, view: LegView) -> None:
    """Say once what speaks against the place of a leg's working stop, and again when it changes."""
    leg = view.leg
    stop = working_trigger(desk, leg)
    if stop is None:
        return
    flaws = audit(view, stop)
    key = ",".join(flaw.kind for flaw in flaws)
    if key == leg.stop_flaws:
        return
    leg.stop_flaws = key
    if not flaws:
        return
    words = "; ".join(flaw.words for flaw in flaws)
    desk.record(
        "stop_audit",
        leg.symbol,
        f"the {leg.side.value} stop at {stop:.8g} lies badly",
        words,
        measured=key,
        limit="beyond zones, off round numbers, outside pools",
    )
    desk.notify(
        Severity.WARNING, "stop_audit", f"{leg.symbol}: the stop at {stop:.8g} lies {words}.",
        leg.symbol,
    )  # fmt: skip


def working_trigger(desk: Desk, leg: Leg) -> float | None:
    """Return the trigger of our stop that is nearest to the market; None: none rests."""
    prices = [
        float(order.trigger_price)
        for order in live_orders(desk, leg.symbol, leg.side)
        if order.purpose is Purpose.STOP and order.trigger_price is not None
    ]
    pick = max if leg.side.sign > 0 else min
    return pick(prices, default=None)
