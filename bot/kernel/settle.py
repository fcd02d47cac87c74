"""What a fill means: whose it was, what it earned, and what follows when a leg is gone."""

from decimal import Decimal

from bot.domain.account import PositionState
from bot.domain.messages import Fill
from bot.domain.risk import Severity
from bot.domain.units import NS_PER_S, ZERO
from bot.kernel import hand
from bot.kernel.desk import Desk
from bot.kernel.plan import Wish
from bot.kernel.snapshot import Leg, OrderBelief, Trade, leg_key
from bot.kernel.sweep import orphans, sweep
from bot.kernel.track import OURS, apply_fill, fill_leg, is_new_fill

TRADES_KEPT = 500
BY_HAND, EARLIER = "by hand", "of an earlier life"
LATE_FILL_NS = 5 * NS_PER_S


def on_fill(desk: Desk, fill: Fill) -> tuple[Leg, list[Wish]] | None:
    """Fold one execution; None when it was seen before."""
    state = desk.state
    if not is_new_fill(state, fill):
        return None
    belief = state.orders.get(fill.client_order_id)
    leg, grew = fill_leg(state, fill, belief)
    ours = fill.client_order_id.startswith(OURS)
    apply_fill(state, leg, fill, grew=grew)
    leg.last_fill_ours = ours
    counted = fill.event_ns <= leg.adopted_ns
    state.books.fees_usd += float(fill.fee_usd)
    if leg.trade is not None and _is_of(leg.trade, fill, ours=ours, grew=grew):
        _book_trade(desk, leg.trade, fill, grew=grew)
        if grew and leg.trade.entry_qty == fill.qty:
            _say_opened(desk, leg.trade)
    if not ours:
        _foreign(desk, leg, fill, grew=grew, counted=counted)
    who = _who(fill, belief)
    _tell(desk, fill, belief, leg, who)
    if leg.qty == ZERO:
        return leg, on_flat(desk, leg, who)
    return leg, []


def _is_of(trade: Trade, fill: Fill, *, ours: bool, grew: bool) -> bool:
    """Whether an execution is of this trade: others of its leg are read late, or came before it."""
    if ours and grew:
        return fill.client_order_id == trade.entry_client_id
    return trade.entry_qty > ZERO or (ours and fill.event_ns >= trade.opened_ns)


def _book_trade(desk: Desk, trade: Trade, fill: Fill, *, grew: bool) -> None:
    trade.fees_usd += fill.fee_usd
    if grew:
        trade.entry_qty += fill.qty
        trade.entry_value_usd += fill.qty * fill.price
    else:
        trade.exit_qty += fill.qty
        trade.exit_value_usd += fill.qty * fill.price
    result = float(fill.realized_pnl_usd - fill.fee_usd)
    desk.state.anchors.own_day_usd += result
    desk.state.anchors.own_week_usd += result


def _foreign(desk: Desk, leg: Leg, fill: Fill, *, grew: bool, counted: bool) -> None:
    """Set the user's quantity: a hand add raises it, a hand close lowers it.

    `counted`: the quantity was already read from a position that contains this fill.
    """
    if fill.is_liquidation:
        _liquidated(desk, leg, fill)
        return
    if fill.is_adl:
        desk.notify(
            Severity.CRITICAL, "adl",
            f"{leg.symbol}: the venue auto-deleveraged {fill.qty} at {fill.price}.", leg.symbol,
        )  # fmt: skip
        _begin_waiting(desk)
    if grew and not counted and leg.qty == fill.qty:
        _say_adopted(desk, leg, fill)
    if grew and not counted and leg.qty > ZERO:
        known = leg.user_qty if leg.foreign else max(leg.qty - fill.qty, ZERO)
        leg.user_qty = known + fill.qty
        leg.foreign = True
    elif not grew:
        leg.user_qty = min(leg.user_qty, leg.qty)


def _begin_waiting(desk: Desk) -> None:
    """Let every buy-back wait anew: where winners are closed, somebody's losses found no buyer."""
    for leg in desk.state.legs.values():
        if leg.qty > ZERO and leg.last_cut_ns:
            leg.last_cut_ns = desk.state.now_ns


def _say_adopted(desk: Desk, leg: Leg, fill: Fill) -> None:
    desk.notify(
        Severity.WARNING, "adopt",
        f"{leg.symbol}: {leg.side.value} {fill.qty} at {fill.price:f} was opened by hand. It is "
        "guarded from now on; /positions shows its stop.", leg.symbol,
    )  # fmt: skip


def _liquidated(desk: Desk, leg: Leg, fill: Fill) -> None:
    books = desk.state.books
    if fill.client_order_id != books.liquidation_id:
        books.liquidations += 1
        books.liquidation_id = fill.client_order_id
    leg.user_qty = min(leg.user_qty, leg.qty)
    desk.notify(
        Severity.CRITICAL, "liquidation",
        f"{leg.symbol}: the venue liquidated {fill.qty} at {fill.price}.", leg.symbol,
    )  # fmt: skip


def _who(fill: Fill, belief: OrderBelief | None) -> str:
    """Return whose execution it was: the purpose of our order, the venue's force, or a hand."""
    if fill.is_liquidation:
        return "LIQUIDATION"
    if fill.is_adl:
        return "ADL"
    if belief is not None and belief.purpose is not None:
        return belief.purpose.value
    return EARLIER if fill.client_order_id.startswith(OURS) else BY_HAND


def _say_opened(desk: Desk, trade: Trade) -> None:
    """Tell people that a strategy's trade began: at its first execution, once."""
    asked = f" of {trade.planned_qty}" if trade.entry_qty < trade.planned_qty else ""
    target = f", target {trade.target_price:.8g}" if trade.target_price > 0.0 else ""
    desk.notify(
        Severity.INFO, "opened",
        f"{trade.strategy} {trade.side.value} {trade.entry_qty}{asked} at "
        f"{_average(trade.entry_value_usd, trade.entry_qty)}, stop {trade.stop_price:.8g} "
        f"({trade.risk_usd:.2f} USD at risk){target}. Why: {trade.reason}.", trade.symbol,
    )  # fmt: skip


def _tell(desk: Desk, fill: Fill, belief: OrderBelief | None, leg: Leg, who: str) -> None:
    desk.record(
        "fill",
        fill.symbol,
        f"{fill.side.value} {fill.qty} at {fill.price:f} ({who}); {leg.side.value} now {leg.qty}",
        belief.reason if belief is not None and belief.reason else who,
        measured=f"fee {fill.fee_usd:.4f} USD, result {fill.realized_pnl_usd:.4f} USD",
        cause=fill.client_order_id,
        client_order_id=fill.client_order_id,
    )


def on_flat(desk: Desk, leg: Leg, by: str = "") -> list[Wish]:
    """Close the books of a leg that is gone, `by` whom if that was seen; return its cancels."""
    if leg.flat_ns:
        return sweep(desk, leg)
    leg.flat_ns = max(desk.state.now_ns, 1)
    trade = leg.trade
    if trade is not None and not _awaited(desk, trade) and trade.exit_qty >= trade.entry_qty:
        close_trade(desk, leg, by)
    hand.on_flat(desk.state, leg)
    leg.user_qty = leg.released_usd = leg.ruled_qty = leg.entry_price = ZERO
    leg.isolated_margin_usd = leg.venue_liq_price = None
    leg.foreign, leg.stop_flaws = False, ""
    leg.uncovered_since_ns = leg.cut_off_ns = leg.last_cut_ns = leg.last_relever_ns = 0
    leg.action_ns = leg.opened_ns = leg.missing_reads = 0
    leg.adopted_ns = leg.margin_asked_ns = leg.through_ns = 0
    leg.refused, leg.wait_until_ns, leg.adl_rank, leg.plan = {}, {}, None, None
    return sweep(desk, leg)


def on_told_flat(desk: Desk, position: PositionState) -> list[Wish]:
    """Return the cancels of a leg that only readings lacked, once the venue says that it is flat.

    The word is older than those readings; one from before the leg's last change says nothing.
    """
    leg = desk.state.legs.get(leg_key(position.symbol, position.side))
    if leg is None or not leg.absent_ns or leg.qty > ZERO or position.qty > ZERO:
        return []
    if position.event_ns <= max(leg.known_ns, leg.fill_ns):
        return []
    leg.absent_ns, leg.position_ns = 0, position.event_ns
    return sweep(desk, leg)


def _awaited(desk: Desk, trade: Trade) -> bool:
    """Whether the entry of a trade may still fill for the first time."""
    entry = desk.state.orders.get(trade.entry_client_id)
    return trade.entry_qty == ZERO and entry is not None and entry.status.is_live


def close_trade(desk: Desk, leg: Leg, by: str = "") -> None:
    """Write and tell the result of a finished trade; one that never filled leaves none."""
    trade = leg.trade
    leg.trade = None
    if trade is None or trade.entry_qty == ZERO:
        return
    state = desk.state
    trade.closed_ns = state.now_ns
    net = trade.result_usd
    state.books.trades += 1
    if net > ZERO:
        state.books.wins += 1
    state.closed_trades.append(trade)
    del state.closed_trades[:-TRADES_KEPT]
    multiple = float(net) / trade.risk_usd if trade.risk_usd > 0.0 else 0.0
    what = f"{trade.strategy} {trade.side.value} closed: {net:.2f} USD ({multiple:+.2f} R)"
    entry = _average(trade.entry_value_usd, trade.entry_qty)
    exit_ = _average(trade.exit_value_usd, trade.exit_qty)
    desk.record(
        "trade",
        trade.symbol,
        what,
        trade.reason,
        measured=f"entry {entry}, exit {exit_}, fees {trade.fees_usd:.4f} USD",
        cause=trade.decision_id,
    )
    ended = f", {_ended(by)}" if by else ""
    desk.notify(
        Severity.INFO, "closed",
        f"{what}, costs counted{ended}; {trade.entry_qty} from {entry} to {exit_}. "
        f"It was opened for: {trade.reason}.", trade.symbol,
    )  # fmt: skip


def _ended(by: str) -> str:
    if by == BY_HAND:
        return by
    return f"by an order {by}" if by == EARLIER else f"by {by}"


def _average(value: Decimal, qty: Decimal) -> str:
    return f"{value / qty:.8g}" if qty > ZERO else "none"


def finish_late(desk: Desk) -> list[Wish]:
    """Close trades whose last fills never came, and sweep what gone legs left behind."""
    for leg in desk.state.legs.values():
        if leg.qty > ZERO or leg.flat_ns == 0:
            continue
        waited = desk.state.now_ns - leg.flat_ns > LATE_FILL_NS
        if leg.trade is not None and waited and leg.trade.entry_qty > ZERO:
            desk.record(
                "trade", leg.symbol, "closed, but not every exit fill was seen",
                "the position is gone at the venue", cause=leg.trade.decision_id,
            )  # fmt: skip
            close_trade(desk, leg)
    return orphans(desk)
