"""Answers to our own requests: accepted, refused, unknown, not found, cancel failed."""

from bot.domain.messages import (
    CancelFailed,
    CoverageReported,
    FetchAccount,
    FetchFills,
    FetchOrder,
    FillsFailed,
    MarginAdjusted,
    OrderAccepted,
    OrderNotFound,
    OrderOutcomeUnknown,
    OrderRefused,
)
from bot.domain.orders import NOT_SENT, OrderStatus, Purpose
from bot.domain.risk import Severity
from bot.domain.units import NS_PER_S, ZERO
from bot.kernel.desk import Desk
from bot.kernel.snapshot import OrderBelief, leg_key

ASK_EVERY_NS = 2 * NS_PER_S
MISSES_MAX = 2
ENDS_KEPT = 100
OVERLAP_NS = 60 * NS_PER_S
LOST_AFTER_NS = 60 * NS_PER_S
LOST_REDUCING_AFTER_NS = 5 * NS_PER_S
FINAL_NS = LOST_AFTER_NS + NS_PER_S
"""After this the venue's "no such order" is its last word; asked for once more then."""
WOULD_TRIGGER = "-2021"
DUPLICATE = ("-4116", "-20132")
BACK_OFF_MAX_S = 15
NOT_SENT_PAUSE_S = 1
BUY_BACK_PAUSE_S, BUY_BACK_PAUSE_MAX_S = 7_200, 86_400
"""Nothing is urgent about buying back: a venue that says no is asked again hours later."""
UNSURE = (OrderStatus.PENDING, OrderStatus.UNKNOWN, OrderStatus.LOST)


def on_accepted(desk: Desk, event: OrderAccepted) -> OrderBelief | None:
    """Note that the venue has the order."""
    belief = desk.state.orders.get(event.client_order_id)
    _note_end(desk, bad=False)
    if belief is not None:
        belief.venue_order_id = event.venue_order_id
        if belief.status in UNSURE:
            belief.status = OrderStatus.WORKING
    return belief


def on_refused(desk: Desk, event: OrderRefused) -> OrderBelief | None:
    """Note a certain no; return the belief when its leg must be closed because of it."""
    belief = desk.state.orders.get(event.client_order_id)
    if belief is None or not belief.status.is_live:
        return None
    if event.code in DUPLICATE:
        belief.status = OrderStatus.UNKNOWN
        belief.asked_ns = 0
        ask(desk, belief)
        return None
    belief.status = OrderStatus.REJECTED
    if event.code not in (*NOT_SENT, WOULD_TRIGGER):
        _note_end(desk, bad=True)
    belief.event_ns = max(belief.event_ns, desk.state.now_ns)
    belief.reason = event.reason
    _hold_back(desk, belief, event.code)
    desk.record(
        "refused by venue",
        belief.symbol,
        f"{belief.purpose.value if belief.purpose else ''} {belief.side.value} {belief.qty}",
        event.reason,
        measured=f"code {event.code}",
        cause=event.client_order_id,
        client_order_id=event.client_order_id,
    )
    if belief.purpose is Purpose.ENTRY:
        drop_unfilled_trade(desk, belief)
    if belief.purpose is Purpose.TARGET and event.code == WOULD_TRIGGER:
        return None if _is_partial(desk, belief) else belief
    if belief.purpose in (Purpose.CUT, Purpose.FLATTEN):
        desk.emit(FetchAccount(f"the venue refused to reduce ({event.code})"))
    if belief.purpose is Purpose.STOP:
        desk.notify(
            Severity.CRITICAL, "stop_refused",
            f"{belief.symbol}: the venue refused the stop at {belief.trigger_price} "
            f"({event.code} {event.reason}).", belief.symbol,
        )  # fmt: skip
        if event.code == WOULD_TRIGGER:
            return belief
    return None


def _note_end(desk: Desk, *, bad: bool) -> None:
    """Remember how an order was answered, for judging the venue's health."""
    ends = desk.state.order_ends
    ends.append((desk.state.now_ns, bad))
    del ends[:-ENDS_KEPT]


def _hold_back(desk: Desk, belief: OrderBelief, code: str) -> None:
    """Wait longer after each refusal of one kind on a leg: the venue must not be flooded.

    An order that could not leave was refused by nobody: it is tried again soon.
    """
    leg = desk.state.legs.get(leg_key(belief.symbol, belief.position_side))
    if leg is None or belief.purpose is None:
        return
    if leg.qty == ZERO:
        return  # a refusal that comes after the end says nothing about the next position
    key = belief.purpose.value
    if code in NOT_SENT:
        leg.cut_off_ns = desk.state.now_ns
        leg.wait_until_ns[key] = desk.state.now_ns + NOT_SENT_PAUSE_S * NS_PER_S
        return
    times = leg.refused.get(key, 0)
    leg.refused[key] = times + 1
    pause_s = min(2**times, BACK_OFF_MAX_S)
    if belief.purpose is Purpose.ENTRY:
        pause_s = min(2**times * BUY_BACK_PAUSE_S, BUY_BACK_PAUSE_MAX_S)
    leg.wait_until_ns[key] = desk.state.now_ns + pause_s * NS_PER_S


def forget_refusals(desk: Desk, belief: OrderBelief) -> None:
    """An accepted order ends the waiting of its kind."""
    leg = desk.state.legs.get(leg_key(belief.symbol, belief.position_side))
    if leg is not None and belief.purpose is not None:
        leg.refused.pop(belief.purpose.value, None)
        leg.wait_until_ns.pop(belief.purpose.value, None)


def _is_partial(desk: Desk, belief: OrderBelief) -> bool:
    """Whether a target was to close only a part of what its leg holds."""
    leg = desk.state.legs.get(leg_key(belief.symbol, belief.position_side))
    return leg is not None and belief.qty < leg.qty


def drop_unfilled_trade(desk: Desk, belief: OrderBelief) -> None:
    """Forget the trade of an entry that ended without a fill."""
    leg = desk.state.legs.get(leg_key(belief.symbol, belief.position_side))
    if leg is None or leg.trade is None or leg.qty > ZERO:
        return
    mine = leg.trade.entry_client_id == belief.client_order_id
    if mine and leg.trade.entry_qty == ZERO and belief.filled_qty == ZERO:
        desk.record(
            "entry", belief.symbol, "entry ended without a fill", belief.reason or belief.status,
            cause=leg.trade.decision_id, client_order_id=belief.client_order_id,
        )  # fmt: skip
        leg.trade = None


def on_unknown(desk: Desk, event: OrderOutcomeUnknown) -> None:
    """An order that may exist counts as exposure; ask for it by its id."""
    belief = desk.state.orders.get(event.client_order_id)
    if belief is None or belief.status not in UNSURE:
        return
    _note_end(desk, bad=True)
    belief.status = OrderStatus.UNKNOWN
    belief.reason = event.reason
    desk.record(
        "unknown", belief.symbol,
        f"{belief.side.value} {belief.qty}: outcome unknown, asking by id", event.reason,
        cause=event.client_order_id, client_order_id=event.client_order_id,
    )  # fmt: skip
    ask(desk, belief)


def ask(desk: Desk, belief: OrderBelief) -> None:
    """Ask the venue for one order, at most every two seconds."""
    if desk.state.now_ns - belief.asked_ns < ASK_EVERY_NS:
        return
    belief.asked_ns = desk.state.now_ns
    desk.emit(FetchOrder(belief.symbol, belief.client_order_id, belief.kind.is_conditional))


def ask_unknown(desk: Desk) -> None:
    """Ask for every order whose outcome is open."""
    for belief in desk.state.orders.values():
        if belief.status in UNSURE and belief.ours and _may_be_asked(desk, belief):
            ask(desk, belief)


def _may_be_asked(desk: Desk, belief: OrderBelief) -> bool:
    """Whether an answer is due, or a lost order that was given up early can get its final one."""
    age_ns = desk.state.now_ns - belief.sent_ns
    if belief.status is OrderStatus.LOST:
        return belief.event_ns - belief.sent_ns < FINAL_NS <= age_ns
    return belief.status is OrderStatus.UNKNOWN or age_ns > ASK_EVERY_NS


def on_not_found(desk: Desk, event: OrderNotFound) -> OrderBelief | None:
    """The venue knows no such order now: final only after a while, for it may still appear.

    A stop that is not found is not waited for: another one is sent (over-cover, then trim).
    """
    belief = desk.state.orders.get(event.client_order_id)
    if belief is not None and belief.status is OrderStatus.LOST:
        belief.event_ns = max(belief.event_ns, desk.state.now_ns)
    if belief is None or not belief.status.is_live:
        return None
    if belief.status in (OrderStatus.WORKING, OrderStatus.TRIGGERING):
        belief.misses += 1
        if belief.misses < MISSES_MAX:
            belief.asked_ns = 0
            ask(desk, belief)
            return None
        belief.status = OrderStatus.EXPIRED
        belief.event_ns = max(belief.event_ns, desk.state.now_ns)
        belief.reason = "gone at the venue without a word"
        return belief
    patience = LOST_REDUCING_AFTER_NS if belief.reduce_only else LOST_AFTER_NS
    if desk.state.now_ns - belief.sent_ns >= patience:
        belief.status = OrderStatus.LOST
        belief.event_ns = max(belief.event_ns, desk.state.now_ns)
        if belief.purpose is Purpose.ENTRY:
            drop_unfilled_trade(desk, belief)
        return belief
    belief.status = OrderStatus.UNKNOWN
    if belief.purpose is not Purpose.STOP:
        return None
    belief.misses += 1
    return belief


def on_cancel_failed(desk: Desk, event: CancelFailed) -> None:
    """A cancel that failed says nothing about the order: ask for it."""
    belief = desk.state.orders.get(event.client_order_id)
    if belief is not None and belief.status.is_live:
        belief.asked_ns = 0
        ask(desk, belief)


def ask_fills(desk: Desk) -> None:
    """Ask for executions that may have been missed while the account stream was down."""
    state = desk.state
    newest_ns = max(state.seen_fills.values(), default=0)
    sent_ns = [order.sent_ns for order in state.orders.values()]
    starts = [ns for ns in (state.lived_until_ns, *sent_ns) if ns > 0]
    if newest_ns == 0 and not starts:
        return
    since_ns = newest_ns or min(starts) - OVERLAP_NS
    legs = {leg.symbol for leg in state.legs.values() if leg.qty > ZERO or leg.trade is not None}
    for symbol in sorted({*desk.policy.limits.symbols, *legs}):
        desk.emit(FetchFills(symbol, since_ns))


def ask_wanted_fills(desk: Desk) -> None:
    """Ask again for executions that could not be read."""
    for symbol, since_ns in sorted(desk.state.fills_wanted.items()):
        desk.emit(FetchFills(symbol, since_ns))
    desk.state.fills_wanted = {}


def on_fills_failed(desk: Desk, event: FillsFailed) -> None:
    """Remember which executions are still to be read."""
    known = desk.state.fills_wanted.get(event.symbol, event.since_ns)
    desk.state.fills_wanted[event.symbol] = min(known, event.since_ns)


def on_margin_adjusted(desk: Desk, event: MarginAdjusted) -> None:
    """Take back what could not be given."""
    leg = desk.state.legs.get(leg_key(event.symbol, event.side))
    if event.done:
        if leg is not None:
            leg.margin_asked_ns = 0
        return
    if leg is not None:
        leg.released_usd += event.amount_usd
    desk.record(
        "margin", event.symbol, f"margin of {event.amount_usd} USD was not given back", event.reason
    )


def on_coverage(desk: Desk, event: CoverageReported) -> None:
    """Write down what the independent proof of stops had to do."""
    if event.action:
        desk.record(
            "coverage", event.symbol, f"{event.side.value}: {event.action}",
            "the coverage task proved the stops at the venue",
            client_order_id=event.client_order_id,
        )  # fmt: skip
