"""Belief against the venue's account: the venue is the authority on positions and orders.

A reading that does not show what we believed in is not yet "flat" or "gone": a leg must be absent
twice, an order is asked for by its id.
"""

import msgspec

from bot.domain.account import AccountState, PositionState
from bot.domain.messages import (
    AccountSnapshot,
    FetchAccount,
    FetchOrder,
    IncomeBooked,
    OrderUpdate,
)
from bot.domain.orders import OrderState, OrderStatus
from bot.domain.risk import Severity
from bot.domain.units import NS_PER_S, ZERO
from bot.kernel import guard
from bot.kernel.desk import Desk
from bot.kernel.snapshot import Leg, leg_key
from bot.kernel.track import (
    OURS,
    TRANSFERS,
    adopt_order,
    apply_position,
    on_order,
    on_transfer,
)

SETTLING_NS = 3 * NS_PER_S
ABSENT_READS = 2
LEDGER_NS = 30 * NS_PER_S
UNEXPLAINED_MAX_NS = 120 * NS_PER_S


def on_snapshot(desk: Desk, event: AccountSnapshot) -> list[Leg]:
    """Fold a full reading of the account; return the legs whose quantity changed by it."""
    state, account = desk.state, event.account
    first = state.reconciled_ns == 0
    state.hedge_mode = account.hedge_mode
    state.margin_modes = dict(account.margin_modes)
    state.leverages = dict(account.leverages)
    state.account_ns = event.received_ns
    changed = _positions(desk, account, first=first)
    state.shown_ns = max(state.shown_ns, account.event_ns)
    _orders(desk, account)
    _wallet(desk, account, first=first)
    state.reconciled_ns = event.received_ns
    return changed


def _positions(desk: Desk, account: AccountState, *, first: bool) -> list[Leg]:
    changed = []
    shown = set()
    for position in account.positions:
        if position.qty <= ZERO:
            continue
        shown.add(leg_key(position.symbol, position.side))
        before = desk.state.legs.get(leg_key(position.symbol, position.side))
        before_qty = before.qty if before is not None else ZERO
        leg = apply_position(desk.state, _shown_again(before, position, account))
        if leg is None or leg.qty == before_qty:
            continue
        changed.append(leg)
        explained = not first and desk.state.now_ns - leg.fill_ns < SETTLING_NS
        if not explained:
            _adopt(desk, leg, before_qty)
    for key in sorted(desk.state.legs):
        leg = desk.state.legs[key]
        if key not in shown and leg.qty > ZERO and _is_gone(desk, leg, account):
            changed.append(leg)
    return changed


def _shown_again(
    before: Leg | None, position: PositionState, account: AccountState
) -> PositionState:
    """Return a position with the time of its reading when only the silence of others hid it.

    A venue dates a position by its last change: without this it would look older than the
    readings that lacked it, and would never be believed again.
    """
    if before is None or not before.absent_ns < account.event_ns or not before.absent_ns:
        return position
    if position.event_ns < before.fill_ns:
        return position
    return msgspec.structs.replace(position, event_ns=account.event_ns)


def _adopt(desk: Desk, leg: Leg, before_qty: object) -> None:
    """A quantity we did not bring about: the user's, from now on guarded."""
    if leg.trade is None or leg.trade.open_qty != leg.qty:
        leg.foreign = leg.trade is None
        leg.user_qty = leg.qty if leg.foreign else leg.user_qty
        leg.adopted_ns = leg.position_ns
    desk.record(
        "adopt",
        leg.symbol,
        f"{leg.side.value} {leg.qty} at {leg.entry_price:f} is at the venue (we knew {before_qty})",
        "the venue is the authority on positions",
    )
    desk.notify(
        Severity.WARNING,
        "adopt",
        f"{leg.symbol}: found {leg.side.value} {leg.qty} that this bot did not open in this run. "
        "It is protected from now on.",
        leg.symbol,
    )


def _is_gone(desk: Desk, leg: Leg, account: AccountState) -> bool:
    if account.event_ns <= max(leg.fill_ns, leg.position_ns):
        return False
    leg.missing_reads += 1
    if leg.missing_reads < ABSENT_READS:
        desk.emit(FetchAccount(f"{leg.symbol} {leg.side.value} is absent from the account"))
        return False
    desk.record(
        "closed outside",
        leg.symbol,
        f"{leg.side.value} {leg.qty} is no longer at the venue",
        "two account readings without it; closed by hand, by the venue, or unseen by us",
    )
    leg.qty, leg.known_ns = ZERO, leg.position_ns
    leg.position_ns = leg.absent_ns = account.event_ns
    return True


def _orders(desk: Desk, account: AccountState) -> None:
    state = desk.state
    shown = set()
    for order in account.orders:
        shown.add(order.client_order_id)
        if order.client_order_id in state.orders:
            _update(desk, order, account.event_ns)
        elif order.client_order_id.startswith(OURS):
            adopt_order(state, order)
            desk.record(
                "adopt",
                order.symbol,
                f"order {order.kind.value} {order.side.value} {order.qty} is ours from before",
                "open at the venue with our prefix",
                client_order_id=order.client_order_id,
            )
            # its answer is an event, so that the journal has it as well
            desk.emit(FetchOrder(order.symbol, order.client_order_id, order.kind.is_conditional))
    for belief in state.orders.values():
        if not belief.status.is_live or not belief.ours:
            continue
        if state.now_ns - max(belief.sent_ns, belief.event_ns) > SETTLING_NS:
            asked = state.now_ns - belief.asked_ns > SETTLING_NS
            if belief.client_order_id not in shown and asked:
                belief.asked_ns = state.now_ns
                desk.emit(
                    FetchOrder(belief.symbol, belief.client_order_id, belief.kind.is_conditional)
                )


def _update(desk: Desk, order: OrderState, read_ns: int) -> None:
    belief = desk.state.orders[order.client_order_id]
    belief.misses = 0
    over = (OrderStatus.EXPIRED, OrderStatus.REJECTED, OrderStatus.LOST, OrderStatus.CANCELLED)
    if belief.status in over and order.status.is_live and read_ns > belief.event_ns:
        belief.status = order.status
        belief.event_ns = read_ns
    pending = (OrderStatus.PENDING, OrderStatus.UNKNOWN, OrderStatus.LOST)
    if belief.status in pending or order.event_ns >= belief.event_ns:
        on_order(desk.state, OrderUpdate(order.event_ns, desk.state.now_ns, order))


def _wallet(desk: Desk, account: AccountState, *, first: bool) -> None:
    state = desk.state
    if account.event_ns < state.wallet_ns:
        return
    change = account.wallet_usd - state.wallet_usd
    if change != ZERO and state.anchors.high_water_usd > 0.0:
        _unexplained(desk, float(change), first=first)
    state.wallet_usd = account.wallet_usd
    state.wallet_ns = account.event_ns
    state.wallet_since_ns = state.wallet_since_ns or account.event_ns


def _unexplained(desk: Desk, change_usd: float, *, first: bool) -> None:
    """Note a wallet change that only a reading shows; its fill or transfer may still be told.

    Until then the peak stays and nothing is closed for it: one unconfirmed source is not enough.
    """
    state = desk.state
    state.unexplained_usd += change_usd
    if not guard.is_unexplained(state) and state.unexplained_ns == 0:
        state.unexplained_ns = state.now_ns
        if not guard.is_unexplained(state):
            state.unexplained_usd, state.unexplained_ns = 0.0, 0
            return
        when = "while this bot was away" if first else "by an account reading"
        desk.record(
            "wallet",
            "",
            f"wallet changed by {change_usd:.2f} USD {when}",
            "no fill, fee, funding or transfer explains it yet: reducing only until one does",
        )
        desk.notify(
            Severity.WARNING,
            "wallet",
            f"The wallet changed by {change_usd:.2f} USD and nothing explains it yet. No new risk "
            "until the venue's ledger does.",
        )


def on_income(desk: Desk, event: IncomeBooked) -> None:
    """Read transfers from the ledger; what a full ledger does not explain is a result after all.

    One from before the first wallet that was ever believed is in it already: a ledger tells of
    past days.
    """
    state = desk.state
    for row in event.rows:
        if row.kind in TRANSFERS and row.event_ns > state.wallet_since_ns:
            ref = f"{row.kind}|{row.income_id}"
            on_transfer(state, row.amount, row.event_ns, source="ledger", ref=ref)
    accept_unexplained(desk, LEDGER_NS, "the venue's ledger shows no transfer for it")


def accept_unexplained(desk: Desk, patience_ns: int, why: str) -> None:
    """Count a wallet change that stayed without explanation for `patience_ns` as result."""
    state = desk.state
    if state.unexplained_ns and state.now_ns - state.unexplained_ns > patience_ns:
        desk.record(
            "wallet",
            "",
            f"{state.unexplained_usd:.2f} USD of wallet change count as result",
            why,
        )
        state.unexplained_usd, state.unexplained_ns = 0.0, 0
