"""Folds order and account events into belief: order life, legs, wallet, trades.

Positions, wallet and fills arrive as separate messages in any order. A fill changes quantity and
wallet at once unless the venue's own word for that instant (`position_ns`, `wallet_ns`) is already
in; the venue's word then replaces the estimate.
"""

from decimal import Decimal

from bot.domain.account import PositionState
from bot.domain.messages import Fill, OrderUpdate, WalletUpdate
from bot.domain.orders import ApprovedOrder, OrderState, OrderStatus, PositionSide, Purpose
from bot.domain.units import NS_PER_DAY, NS_PER_S, ZERO
from bot.kernel.desk import Desk
from bot.kernel.snapshot import BotState, Leg, OrderBelief, Transfer, leg_key

OURS = "bw"
TERMINAL = (
    OrderStatus.FILLED,
    OrderStatus.CANCELLED,
    OrderStatus.REJECTED,
    OrderStatus.EXPIRED,
)
SEEN_FILLS_MAX = 20_000
SETTLING_NS = 2 * NS_PER_S
SAME_TRANSFER_NS = 60 * NS_PER_S
TRANSFERS_KEPT = 200
EXPLAINED_USD = 0.5
TRANSFERS = ("DEPOSIT", "WITHDRAW", "TRANSFER", "ASSET_TRANSFER")


def believe_sent(state: BotState, order: ApprovedOrder) -> None:
    """Remember an order in the instant it is approved: from here on it may exist."""
    state.orders[order.client_order_id] = OrderBelief(
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        side=order.side,
        position_side=order.position_side,
        kind=order.kind,
        purpose=order.purpose,
        status=OrderStatus.PENDING,
        qty=order.qty,
        trigger_price=order.trigger_price,
        trigger_by=order.trigger_by,
        reduce_only=order.reduce_only,
        close_position=order.close_position,
        sent_ns=state.now_ns,
        reason=order.reason,
    )


def leg_of_order(order: OrderState) -> PositionSide:
    """Return the position side an order acts on, in one-way and hedge mode."""
    if order.position_side is not None:
        return order.position_side
    opens_long = order.side.sign > 0
    if order.reduce_only or order.close_position:
        opens_long = not opens_long
    return PositionSide.LONG if opens_long else PositionSide.SHORT


def adopt_order(state: BotState, order: OrderState) -> OrderBelief:
    """Start believing in an order we did not know: ours from another life, or foreign."""
    ours = order.client_order_id.startswith(OURS)
    purpose = None
    if ours:
        side = order.position_side
        shrinks = order.reduce_only or order.close_position
        shrinks = shrinks or (side is not None and order.side is side.exit)
        purpose = Purpose.STOP if shrinks and order.kind.is_conditional else Purpose.CUT
        purpose = purpose if shrinks else Purpose.ENTRY
        if order.kind.value == "TAKE_PROFIT_MARKET":
            purpose = Purpose.TARGET
    belief = OrderBelief(
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        side=order.side,
        position_side=leg_of_order(order),
        kind=order.kind,
        purpose=purpose,
        status=order.status,
        qty=order.qty,
        trigger_price=order.trigger_price,
        trigger_by=order.trigger_by,
        reduce_only=order.reduce_only,
        close_position=order.close_position,
        sent_ns=state.now_ns,
    )
    state.orders[order.client_order_id] = belief
    return belief


def on_order(state: BotState, event: OrderUpdate) -> OrderBelief:
    """Fold the venue's word on one order; a terminal state is left only by a late fill."""
    order = event.order
    belief = state.orders.get(order.client_order_id)
    if belief is None:
        belief = adopt_order(state, order)
    if order.filled_qty > belief.filled_qty:
        belief.filled_qty = min(order.filled_qty, belief.qty) if belief.qty else order.filled_qty
    belief.event_ns = max(belief.event_ns, order.event_ns)
    if belief.kind.is_conditional and not order.kind.is_conditional:
        if order.status is OrderStatus.FILLED:
            belief.status = OrderStatus.FILLED
        return belief
    if order.venue_order_id:
        belief.venue_order_id = order.venue_order_id
    if belief.status in TERMINAL and order.status is not OrderStatus.FILLED:
        return belief
    if belief.status is OrderStatus.TRIGGERING and order.status is OrderStatus.WORKING:
        return belief
    belief.status = order.status
    if order.reason:
        belief.reason = order.reason
    return belief


def leg_for(state: BotState, symbol: str, side: PositionSide) -> Leg:
    """Return the leg, making an empty one when unknown."""
    key = leg_key(symbol, side)
    leg = state.legs.get(key)
    if leg is None:
        leg = state.legs[key] = Leg(symbol=symbol, side=side)
    return leg


def is_new_fill(state: BotState, fill: Fill) -> bool:
    """Tell whether a fill was not seen before, and remember it."""
    key = f"{fill.symbol}|{fill.trade_id}"
    if key in state.seen_fills:
        return False
    state.seen_fills[key] = fill.event_ns
    if len(state.seen_fills) > SEEN_FILLS_MAX:
        cut_ns = state.now_ns - NS_PER_DAY
        kept = {k: ns for k, ns in state.seen_fills.items() if ns > cut_ns}
        state.seen_fills = dict(list(kept.items())[-SEEN_FILLS_MAX // 2 :])
    return True


def fill_leg(state: BotState, fill: Fill, belief: OrderBelief | None) -> tuple[Leg, bool]:
    """Return (the leg this fill acted on, whether it grew it)."""
    side = fill.position_side
    if side is None and belief is not None and belief.ours:
        side = belief.position_side
    if side is None:
        exits = PositionSide.LONG if fill.side.sign < 0 else PositionSide.SHORT
        held = state.legs.get(leg_key(fill.symbol, exits))
        closing = held is not None and (held.qty > ZERO or held.fill_ns == fill.event_ns)
        if closing and held is not None:
            return held, False
        side = PositionSide.LONG if fill.side.sign > 0 else PositionSide.SHORT
    leg = leg_for(state, fill.symbol, side)
    return leg, fill.side is side.entry


def apply_fill(state: BotState, leg: Leg, fill: Fill, *, grew: bool) -> None:
    """Change quantity, entry price and wallet by a fill the venue's word does not cover yet.

    Quantity and wallet are covered apart from each other: their messages may come in any order.
    """
    result = fill.realized_pnl_usd - fill.fee_usd
    if fill.event_ns > state.wallet_ns:
        state.wallet_usd += result
    else:
        explain(state, float(result))
    state.fill_ns = max(state.fill_ns, fill.event_ns)
    state.fill_seen_ns = state.now_ns
    # over before the account was read: folded, it would open for an instant what nobody holds
    if leg.qty == ZERO and fill.event_ns < state.shown_ns:
        return
    leg.absent_ns = 0
    if fill.event_ns > leg.position_ns:
        if grew:
            value = leg.qty * leg.entry_price + fill.qty * fill.price
            leg.qty += fill.qty
            leg.entry_price = value / leg.qty
        else:
            leg.qty = max(leg.qty - fill.qty, ZERO)
    leg.fill_ns = max(leg.fill_ns, fill.event_ns)
    if leg.qty > ZERO:
        leg.flat_ns = 0
        leg.opened_ns = leg.opened_ns or fill.event_ns


def apply_position(state: BotState, position: PositionState) -> Leg | None:
    """Take the venue's word on one leg; None when it is older than what we know."""
    leg = leg_for(state, position.symbol, position.side)
    if position.event_ns < leg.position_ns or position.event_ns < leg.fill_ns:
        return None
    leg.position_ns = position.event_ns
    leg.absent_ns = 0
    if leg.qty != position.qty:
        state.fill_ns = max(state.fill_ns, position.event_ns)
        state.fill_seen_ns = state.now_ns
    leg.qty = position.qty
    if position.qty > ZERO:
        leg.entry_price = position.entry_price
        leg.flat_ns = 0
        leg.opened_ns = leg.opened_ns or position.event_ns
    leg.hedged = position.hedged
    if position.margin_mode is not None:
        leg.margin_mode = position.margin_mode
    if position.leverage is not None:
        leg.leverage = position.leverage
    if position.isolated_margin_usd is not None:
        leg.isolated_margin_usd = position.isolated_margin_usd
    leg.venue_liq_price = position.venue_liq_price
    leg.adl_rank = position.adl_rank if position.adl_rank is not None else leg.adl_rank
    leg.missing_reads = 0
    return leg


def on_wallet(state: BotState, event: WalletUpdate) -> None:
    """Take the venue's word on the wallet; transfers move the peak with them (unitised)."""
    repeated = event.event_ns == state.wallet_ns and event.wallet_usd == state.wallet_usd
    late = event.event_ns < state.wallet_ns
    change = event.change_usd
    if change is None:
        if late:
            return
        change = event.wallet_usd - state.wallet_usd
    if event.cause in TRANSFERS:
        ref = f"{change.normalize():f}|{event.event_ns}"
        on_transfer(state, change, event.event_ns, source="stream", ref=ref)
    elif event.cause == "FUNDING_FEE" and not repeated:
        book_funding(state, float(change))
        if late:
            explain(state, float(change))
    if late:
        return
    if event.cause == "ORDER" and not repeated:
        state.traded_wallet_ns = event.event_ns
        state.traded_wallet_seen_ns = state.now_ns
    state.wallet_usd = event.wallet_usd
    state.wallet_ns = event.event_ns


def on_transfer(state: BotState, change: Decimal, event_ns: int, *, source: str, ref: str) -> None:
    """Take a transfer out of peak and anchors, once, whoever tells of it and however late.

    The account stream and the ledger both tell of each transfer: a word of one is matched with a
    word of the other of the same amount, one to one; a repeated word (`ref`) is none.
    """
    key = f"{source}|{ref}"
    if change == ZERO or key in state.transfers:
        return
    amount = f"{change.normalize():f}"
    twin = next(
        (
            other
            for name, other in state.transfers.items()
            if not name.startswith(f"{source}|")
            and not other.matched
            and other.amount == amount
            and abs(other.ns - event_ns) < SAME_TRANSFER_NS
        ),
        None,
    )
    state.transfers[key] = Transfer(amount, event_ns, twin is not None)
    if len(state.transfers) > TRANSFERS_KEPT:
        state.transfers = dict(list(state.transfers.items())[-TRANSFERS_KEPT // 2 :])
    if twin is not None:
        twin.matched = True
        return
    told = event_ns <= state.wallet_ns
    scale_anchors(state, float(change), told=told)
    if told:
        explain(state, float(change))


def explain(state: BotState, change_usd: float) -> None:
    """Take a known cause out of the wallet change that was not explained so far."""
    if state.unexplained_usd == 0.0:
        return
    state.unexplained_usd -= change_usd
    if abs(state.unexplained_usd) < EXPLAINED_USD:
        state.unexplained_usd, state.unexplained_ns = 0.0, 0


def scale_anchors(state: BotState, change_usd: float, *, told: bool) -> None:
    """Scale peak and day and week starts by a transfer, so that it is neither gain nor loss.

    `told`: the believed wallet contains the transfer already.
    """
    before = equity_usd(state) - (change_usd if told else 0.0)
    if before <= 0.0 or before + change_usd <= 0.0:
        return
    ratio = (before + change_usd) / before
    anchors = state.anchors
    anchors.high_water_usd *= ratio
    anchors.day_start_usd *= ratio
    anchors.week_start_usd *= ratio


def book_funding(state: BotState, change_usd: float) -> None:
    """Count funding paid (negative) or received; a strategy's leg carries its own."""
    state.books.funding_usd += change_usd
    open_legs = [leg for leg in state.legs.values() if leg.qty > ZERO]
    if len(open_legs) == 1 and open_legs[0].trade is not None:
        open_legs[0].trade.funding_usd += Decimal(repr(change_usd))
        state.anchors.own_day_usd += change_usd
        state.anchors.own_week_usd += change_usd


def equity_usd(state: BotState) -> float:
    """Return wallet plus unrealised result at mark; a leg without a mark counts at its entry."""
    equity = float(state.wallet_usd)
    for leg in state.legs.values():
        if leg.qty > ZERO:
            market = state.markets.get(leg.symbol)
            if market is not None and market.mark > 0.0:
                gain = market.mark - float(leg.entry_price)
                equity += leg.side.sign * float(leg.qty) * gain
    return equity


def agrees(state: BotState) -> bool:
    """Whether wallet and positions are known to tell of the same instant."""
    return state.wallet_ns >= state.fill_ns and state.fill_ns >= state.traded_wallet_ns


def settled(state: BotState) -> bool:
    """Whether wallet and positions agree, or nothing more came for a while."""
    heard_ns = max(state.fill_seen_ns, state.traded_wallet_seen_ns)
    return agrees(state) or state.now_ns - heard_ns > SETTLING_NS


def forget_old_orders(state: BotState) -> None:
    """Drop orders that ended more than a day ago, so that belief stays small."""
    cut_ns = state.now_ns - NS_PER_DAY
    gone = [
        key
        for key, belief in state.orders.items()
        if belief.event_ns < cut_ns > belief.sent_ns
        and (not belief.status.is_live or not belief.ours)
    ]
    for key in gone:
        del state.orders[key]


def live_orders(desk: Desk, symbol: str, side: PositionSide) -> list[OrderBelief]:
    """Return our live orders on one leg, oldest first."""
    return [
        belief
        for belief in desk.state.orders.values()
        if belief.status.is_live
        and belief.purpose is not None
        and belief.symbol == symbol
        and belief.position_side is side
    ]
