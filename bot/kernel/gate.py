"""The pre-trade gate: every order passes here, the operator's and protection's too.

Rules: (1) only this module makes an ApprovedOrder; (2) trading mode is judged by the exposure
after the fill, counting everything that may still fill; (3) a no is a value with its numbers.
"""

from collections.abc import Callable
from decimal import Decimal

from bot.domain.account import PositionState
from bot.domain.instrument import Instrument
from bot.domain.messages import AdjustMargin, CancelOrder, SubmitOrder
from bot.domain.orders import (
    ApprovedOrder,
    OrderDraft,
    OrderKind,
    PositionSide,
    Purpose,
)
from bot.domain.risk import Refusal, RefusalReason, TradingMode
from bot.domain.units import ZERO
from bot.kernel import ladder
from bot.kernel.desk import Desk
from bot.kernel.plan import CancelWish, EntryWish, MarginWish, ReduceWish, Wish
from bot.kernel.snapshot import Leg, Market, leg_key
from bot.kernel.track import believe_sent
from bot.kernel.view import price_age_s


def execute(desk: Desk, wishes: list[Wish]) -> None:
    """Judge every wish and turn what is allowed into effects; refusals are journaled."""
    for wish in wishes:
        match wish:
            case EntryWish():
                _entry(desk, wish)
            case ReduceWish():
                _reduce(desk, wish)
            case CancelWish():
                _cancel(desk, wish)
            case MarginWish():  # pragma: no branch - mypy knows that there is no other
                _margin(desk, wish)


def _entry(desk: Desk, wish: EntryWish) -> None:
    draft = wish.draft
    refusal = judge_entry(desk, draft, wish.stop_price)
    refusal = refusal or ladder.refusal(desk, draft, own=wish.trade is not None)
    if refusal is not None:
        desk.refuse(refusal, f"{draft.side.value} {draft.qty} ({draft.reason})", wish.cause)
        return
    client_order_id = _send(desk, draft, wish.cause)
    if wish.trade is None:
        desk.state.books.actions += 1
        return
    leg = _leg(desk, draft)
    wish.trade.entry_client_id = client_order_id
    leg.trade = wish.trade


def _reduce(desk: Desk, wish: ReduceWish) -> None:
    draft = wish.draft
    leg = desk.state.legs.get(leg_key(draft.symbol, draft.position_side))
    market = desk.state.markets.get(draft.symbol)
    held_qty = leg.qty if leg is not None else ZERO
    instrument = market.instrument if market is not None else None
    mark = market.mark if market is not None else 0.0
    refusal = (
        _read_only(desk, draft)
        or _unknown_contract(draft, instrument)
        or judge_reduction(draft, held_qty, mark)
    )
    if refusal is not None:
        desk.refuse(refusal, f"{draft.side.value} {draft.qty} ({draft.reason})", wish.cause)
        return
    _send(desk, draft, wish.cause)


def _send(desk: Desk, draft: OrderDraft, cause: str) -> str:
    order = approved(draft, desk.next_id(), hedged=desk.state.hedge_mode)
    believe_sent(desk.state, order)
    desk.emit(SubmitOrder(order))
    at = order.trigger_price if order.trigger_price is not None else order.price
    desk.record(
        "order",
        order.symbol,
        f"{order.purpose.value} {order.side.value} {order.qty}"
        + (f" at {at}" if at is not None else " at market"),
        order.reason,
        cause=cause,
        client_order_id=order.client_order_id,
    )
    return order.client_order_id


def _cancel(desk: Desk, wish: CancelWish) -> None:
    belief = wish.belief
    if desk.state.read_only:
        return
    belief.cancel_ns = desk.state.now_ns
    desk.emit(
        CancelOrder(
            symbol=belief.symbol,
            client_order_id=belief.client_order_id,
            venue_order_id=belief.venue_order_id,
            conditional=belief.kind.is_conditional,
            protecting=belief.purpose is Purpose.ENTRY,
            reason=wish.reason,
        )
    )


def _margin(desk: Desk, wish: MarginWish) -> None:
    if desk.state.read_only:
        return
    if not ZERO < wish.amount_usd <= wish.leg.released_usd:
        limit = f"{wish.leg.released_usd} USD released by our own cuts"
        measured = f"{wish.amount_usd} USD"
        no = Refusal(RefusalReason.MARGIN_TOP_UP, wish.leg.symbol, measured, limit)
        desk.refuse(no, f"margin: {wish.reason}", "")
        return
    wish.leg.released_usd -= wish.amount_usd
    wish.leg.margin_asked_ns = desk.state.now_ns
    desk.emit(AdjustMargin(wish.leg.symbol, wish.leg.side, wish.amount_usd, wish.reason))
    desk.record(
        "margin", wish.leg.symbol, f"give back {wish.amount_usd} USD of margin", wish.reason
    )


Check = Callable[[Desk, OrderDraft, float], Refusal | None]


def judge_entry(desk: Desk, draft: OrderDraft, stop_price: float) -> Refusal | None:
    """Return the first reason against an order that adds exposure, or None."""
    for check in ENTRY_CHECKS:
        refusal = check(desk, draft, stop_price)
        if refusal is not None:
            return refusal
    return None


def judge_reduction(draft: OrderDraft, held_qty: Decimal, mark: float) -> Refusal | None:
    """Return the reason against an order that must shrink a leg of `held_qty`, or None."""
    if draft.side is not draft.position_side.exit or not draft.reduce_only:
        return _no(draft, RefusalReason.WOULD_NOT_REDUCE, draft.side.value, "the leg's exit side")
    if held_qty <= ZERO or (draft.qty <= ZERO and not draft.close_position):
        return _no(draft, RefusalReason.WOULD_NOT_REDUCE, f"held {held_qty}", "a held position")
    if draft.qty > held_qty:
        return _no(draft, RefusalReason.WOULD_FLIP, f"qty {draft.qty}", f"held {held_qty}")
    if draft.kind is OrderKind.STOP_MARKET:
        trigger = draft.trigger_price
        if trigger is None or trigger <= ZERO:
            return _no(draft, RefusalReason.STOP_MISSING, f"{trigger}", "a trigger price")
        if mark > 0.0 and draft.position_side.sign * (mark - float(trigger)) <= 0.0:
            return _no(draft, RefusalReason.STOP_WRONG_SIDE, f"{trigger}", f"mark {mark:.8g}")
    return None


def approve_protection(
    draft: OrderDraft,
    *,
    instrument: Instrument,
    position: PositionState,
    mark: float,
    client_order_id: str,
) -> ApprovedOrder | Refusal:
    """Judge a protective order of the coverage task, which owns its own namespace of ids."""
    refusal = _unknown_contract(draft, instrument) or judge_reduction(draft, position.qty, mark)
    if refusal is not None:
        return refusal
    return approved(draft, client_order_id, hedged=position.hedged)


def approved(draft: OrderDraft, client_order_id: str, *, hedged: bool) -> ApprovedOrder:
    """Return what goes out; for the judges of the kernel alone, who have said yes."""
    return ApprovedOrder(
        client_order_id=client_order_id,
        symbol=draft.symbol,
        side=draft.side,
        position_side=draft.position_side,
        kind=draft.kind,
        purpose=draft.purpose,
        qty=draft.qty,
        price=draft.price,
        trigger_price=draft.trigger_price,
        trigger_by=draft.trigger_by,
        time_in_force=draft.time_in_force,
        reduce_only=draft.reduce_only,
        close_position=draft.close_position,
        hedged=hedged,
        reason=draft.reason,
    )


# ------------------------------------------------------------------ checks of entries


def _check_mode(desk: Desk, draft: OrderDraft, _stop: float) -> Refusal | None:
    if desk.state.latched:
        return _no(draft, RefusalReason.LATCHED, desk.state.latch_reason, "re-armed")
    if desk.state.mode is not TradingMode.ACTIVE:
        return _no(
            draft, RefusalReason.MODE_FORBIDS_GROWTH, desk.state.mode.value, "ACTIVE",
            desk.state.mode_reason,
        )  # fmt: skip
    return _read_only(desk, draft)


def _check_symbol(desk: Desk, draft: OrderDraft, _stop: float) -> Refusal | None:
    allowed = desk.policy.limits.symbols
    if draft.symbol not in allowed:
        return _no(draft, RefusalReason.SYMBOL_NOT_ALLOWED, draft.symbol, ", ".join(allowed))
    market = desk.state.markets.get(draft.symbol)
    return _unknown_contract(draft, market.instrument if market is not None else None)


def _check_price(desk: Desk, draft: OrderDraft, _stop: float) -> Refusal | None:
    market = _market(desk, draft)
    limit = desk.policy.rules.price_stale_s
    if market.mark <= 0.0:
        return _no(draft, RefusalReason.PRICE_UNKNOWN, "no mark", "a mark price")
    age_s = price_age_s(desk.state, market)
    if age_s > limit or not market.feed_live:
        reason = market.feed_reason or "old"
        return _no(draft, RefusalReason.PRICE_STALE, f"{age_s:.1f} s ({reason})", f"{limit:.1f} s")
    return None


def _check_stop(desk: Desk, draft: OrderDraft, stop: float) -> Refusal | None:
    mark = _market(desk, draft).mark
    if stop <= 0.0:
        return _no(draft, RefusalReason.STOP_MISSING, "no stop", "a stop on the loss side")
    if draft.position_side.sign * (mark - stop) <= 0.0:
        return _no(draft, RefusalReason.STOP_WRONG_SIDE, f"{stop:.8g}", f"mark {mark:.8g}")
    return None


def _check_size(desk: Desk, draft: OrderDraft, _stop: float) -> Refusal | None:
    market = _market(desk, draft)
    instrument = market.instrument
    if instrument is None:
        return _unknown_contract(draft, None)
    price = draft.price if draft.price is not None else Decimal(repr(market.mark))
    if instrument.qty_down(draft.qty) != draft.qty:
        return _no(draft, RefusalReason.NOT_ON_GRID, f"{draft.qty}", f"lot {instrument.lot}")
    if not instrument.is_tradable_qty(draft.qty, price):
        measured = f"{draft.qty} ({draft.qty * price:.2f} USD)"
        limit = f"{instrument.qty_min} and {instrument.notional_min_usd} USD"
        return _no(draft, RefusalReason.BELOW_MINIMUM, measured, limit)
    most = instrument.market_qty_max if draft.kind is OrderKind.MARKET else instrument.qty_max
    if draft.qty > most:
        return _no(draft, RefusalReason.ABOVE_MAXIMUM, f"{draft.qty}", f"{most}")
    return None


def _check_exposure(desk: Desk, draft: OrderDraft, _stop: float) -> Refusal | None:
    limits = desk.policy.limits
    mark = _market(desk, draft).mark
    after = exposure_after_usd(desk, draft, mark)
    cap = limits.notional_cap_usd.get(draft.symbol, limits.notional_cap_default_usd)
    if after > cap:
        return _no(draft, RefusalReason.NOTIONAL_ABOVE_CAP, f"{after:.2f} USD", f"{cap:.2f} USD")
    return None


def exposure_after_usd(desk: Desk, draft: OrderDraft, mark: float) -> float:
    """Return the symbol's exposure if this entry and all that may still fill were filled."""
    state = desk.state
    qty = draft.qty
    for leg in state.legs.values():
        if leg.symbol == draft.symbol:
            qty += leg.qty
    for belief in state.orders.values():
        open_entry = belief.symbol == draft.symbol and belief.purpose is Purpose.ENTRY
        if open_entry and belief.status.is_live:
            qty += belief.remaining_qty
    return float(qty) * mark


def _check_averaging(desk: Desk, draft: OrderDraft, _stop: float) -> Refusal | None:
    """Refuse to add to a losing leg, whoever wishes it; giving back our own cut adds nothing."""
    leg = desk.state.legs.get(leg_key(draft.symbol, draft.position_side))
    if leg is None or leg.qty <= ZERO:
        return None
    if leg.foreign and leg.last_cut_ns > 0 and leg.qty + draft.qty <= leg.user_qty:
        return None
    mark = _market(desk, draft).mark
    if leg.side.sign * (mark - float(leg.entry_price)) >= 0.0:
        return None
    limit = f"entry {leg.entry_price} or better"
    return _no(draft, RefusalReason.AVERAGING_DOWN, f"mark {mark:.8g}", limit)


def _check_pending(desk: Desk, draft: OrderDraft, _stop: float) -> Refusal | None:
    for belief in desk.state.orders.values():
        if belief.symbol != draft.symbol or belief.purpose is not Purpose.ENTRY:
            continue
        if belief.status.is_live:
            return _no(
                draft, RefusalReason.ENTRY_PENDING, f"{belief.client_order_id} "
                f"{belief.status.value}", "no entry whose end is unknown",
            )  # fmt: skip
    opposite = PositionSide.SHORT if draft.position_side is PositionSide.LONG else PositionSide.LONG
    other = desk.state.legs.get(leg_key(draft.symbol, opposite))
    if other is not None and other.qty > ZERO and not desk.state.hedge_mode:
        return _no(draft, RefusalReason.WOULD_FLIP, f"holds {other.qty} {opposite.value}", "flat")
    return None


ENTRY_CHECKS: tuple[Check, ...] = (
    _check_mode,
    _check_symbol,
    _check_price,
    _check_stop,
    _check_size,
    _check_exposure,
    _check_averaging,
    _check_pending,
)


def _read_only(desk: Desk, draft: OrderDraft) -> Refusal | None:
    if not desk.state.read_only:
        return None
    return _no(draft, RefusalReason.READ_ONLY, "read-only key", "a key that may trade")


def _unknown_contract(draft: OrderDraft, instrument: Instrument | None) -> Refusal | None:
    if instrument is not None:
        return None
    return _no(draft, RefusalReason.INSTRUMENT_UNKNOWN, draft.symbol, "a loaded contract")


def _no(
    draft: OrderDraft, reason: RefusalReason, measured: str, limit: str, detail: str = ""
) -> Refusal:
    return Refusal(reason, draft.symbol, measured, limit, detail)


def _market(desk: Desk, draft: OrderDraft) -> Market:
    return desk.state.markets[draft.symbol]


def _leg(desk: Desk, draft: OrderDraft) -> Leg:
    key = leg_key(draft.symbol, draft.position_side)
    leg = desk.state.legs.get(key)
    if leg is None:
        leg = Leg(symbol=draft.symbol, side=draft.position_side)
        desk.state.legs[key] = leg
    return leg
