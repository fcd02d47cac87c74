"""Messages of Binance's private stream as domain events, every one of them, none collapsed."""

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from bot.domain.account import MarginMode, PositionState
from bot.domain.errors import VenueDataInvalid
from bot.domain.messages import Event, Fill, OrderUpdate, PositionUpdate, WalletUpdate
from bot.domain.orders import OrderState, OrderStatus, PositionSide
from bot.domain.units import ZERO
from bot.venue import fields
from bot.venue.binance import parse
from bot.venue.fields import Row
from bot.venue.news import News
from bot.venue.profiles import binance

EXECUTIONS: Final = frozenset({"TRADE", "CALCULATED"})
"""CALCULATED is the venue's own execution: a liquidation or de-leveraging."""
_REREAD: Final = frozenset(
    {"MARGIN_CALL", "ACCOUNT_CONFIG_UPDATE", "CONDITIONAL_ORDER_TRIGGER_REJECT"}
)
_ENDED: Final = frozenset({"listenKeyExpired", "eventStreamTerminated"})

FeeOf = Callable[[str, bool], float | None]
"""Fee fraction of (symbol, is_maker) for fees paid in another coin; None when unknown."""

Sides = dict[str, PositionSide]


def news(message: object, received_ns: int, fee_of: FeeOf, sides: Sides) -> News:
    """Read one message of the private stream; kinds we do not use say nothing.

    `sides` remembers between messages which side a one-way position was on, because the venue
    does not name it when it becomes flat.

    Raises:
        VenueDataInvalid: a message of a kind we use that cannot be believed.
    """
    source = fields.row(message, "private stream")
    if isinstance(source.get("data"), dict):
        source = fields.row(source["data"], "private stream")
    kind = str(source.get("e") or "")
    if kind == "ORDER_TRADE_UPDATE":
        return _order_news(source, received_ns, fee_of)
    if kind == "ALGO_UPDATE":
        return _algo_news(source, received_ns)
    if kind == "ACCOUNT_UPDATE":
        return News(events=_account_events(source, received_ns, sides))
    if kind in _REREAD:
        return News(reread=f"{kind} {str(source.get('ac') or source.get('or') or '')[:80]}".strip())
    if kind in _ENDED:
        return News(ended=kind)
    if not kind and "error" in source:
        raise VenueDataInvalid(f"private stream error: {str(source['error'])[:120]}")
    return News()


def _order_news(message: Row, received_ns: int, fee_of: FeeOf) -> News:
    source = fields.row(message.get("o"), "order update")
    event_ns = fields.instant_ns(message, "T", "order update")
    state = _order_state(source, event_ns)
    events: tuple[Event, ...] = (OrderUpdate(event_ns, received_ns, state),)
    if fields.text(source, "x", "order update") in EXECUTIONS:
        fill = _fill(source, state, event_ns, received_ns, fee_of)
        events = (fill, *events) if fill is not None else events
    return News(events=events, client_order_id=state.client_order_id)


def _order_state(source: Row, event_ns: int) -> OrderState:
    what = "order update"
    kind, reason = parse.plain_kind(fields.text(source, "o", what))
    side, leg = parse.sides(source, "S", "ps", what)
    closing = fields.flag(source, "cp", what) if "cp" in source else False
    return OrderState(
        client_order_id=fields.text(source, "c", what),
        venue_order_id=fields.text(source, "i", what),
        symbol=binance.unified(fields.text(source, "s", what)),
        side=side,
        kind=kind,
        status=fields.choice(source, "X", binance.STATUSES, what),
        qty=fields.amount(source, "q", what),
        filled_qty=fields.amount(source, "z", what),
        reduce_only=fields.flag(source, "R", what) or closing or parse.exits(side, leg),
        close_position=closing,
        event_ns=event_ns,
        position_side=leg,
        price=fields.positive_or_none(source, "p", what),
        average_price=fields.positive_or_none(source, "ap", what),
        reason=reason,
    )


def _fill(
    source: Row, state: OrderState, event_ns: int, received_ns: int, fee_of: FeeOf
) -> Fill | None:
    what = "fill"
    qty = fields.amount(source, "l", what)
    if qty == ZERO:
        return None
    price = fields.positive(source, "L", what)
    is_maker = fields.flag(source, "m", what)
    trade_id = fields.text(source, "t", what)
    client_id = state.client_order_id
    forced = client_id.startswith(binance.LIQUIDATION_PREFIXES)
    calculated = source.get("x") == "CALCULATED"
    is_adl = client_id.startswith(binance.ADL_PREFIX)
    return Fill(
        symbol=state.symbol,
        # the venue numbers trades from 1; a calculated execution has no trade of its own
        trade_id=trade_id
        if trade_id not in ("0", "-1")
        else f"{state.venue_order_id}@{source['z']}",
        client_order_id=client_id,
        venue_order_id=state.venue_order_id,
        side=state.side,
        position_side=state.position_side,
        qty=qty,
        price=price,
        fee_usd=_fee_usd(source, state.symbol, qty * price, fee_of, is_maker=is_maker),
        realized_pnl_usd=fields.number(source, "rp", what),
        is_maker=is_maker,
        event_ns=event_ns,
        received_ns=received_ns,
        is_liquidation=(forced or calculated) and not is_adl,
        is_adl=is_adl,
    )


def _fee_usd(
    source: Row,
    symbol: str,
    notional_usd: Decimal,
    fee_of: FeeOf,
    *,
    is_maker: bool,
) -> Decimal:
    """The fee in USD; in another coin (BNB) the undiscounted rate stands in, the ledger is exact.

    The venue leaves `n` out when nothing was charged.
    """
    if source.get("n") is None:
        return ZERO
    fee = fields.number(source, "n", "fill")
    asset = str(source.get("N") or binance.SETTLE)
    if asset == binance.SETTLE or fee == ZERO:
        return fee
    rate = fee_of(symbol, is_maker)
    if rate is None:
        raise VenueDataInvalid(f"{symbol} fill: fee in {asset[:12]} and no known fee rate")
    return notional_usd * Decimal(repr(rate))


def _algo_news(message: Row, received_ns: int) -> News:
    what = "algo update"
    source = fields.row(message.get("o"), what)
    event_ns = fields.instant_ns(message, "T", what)
    kind, trigger, reason = parse.algo_kind(
        fields.text(source, "o", what), fields.positive_or_none(source, "tp", what)
    )
    side, leg = parse.sides(source, "S", "ps", what)
    closing = fields.flag(source, "cp", what)
    filled = fields.amount(source, "aq", what) if source.get("aq") else ZERO
    status = fields.choice(source, "X", binance.ALGO_STATUSES, what)
    if status is OrderStatus.FILLED and filled == ZERO:
        status, reason = OrderStatus.CANCELLED, "finished without a fill"
    state = OrderState(
        client_order_id=fields.text(source, "caid", what),
        venue_order_id=fields.text(source, "aid", what),
        symbol=binance.unified(fields.text(source, "s", what)),
        side=side,
        kind=kind,
        status=status,
        qty=ZERO if closing else fields.amount(source, "q", what),
        filled_qty=filled,
        reduce_only=fields.flag(source, "R", what) or closing or parse.exits(side, leg),
        close_position=closing,
        event_ns=event_ns,
        position_side=leg,
        price=fields.positive_or_none(source, "p", what),
        trigger_price=trigger,
        trigger_by=fields.choice(source, "wt", binance.TRIGGERS, what),
        average_price=fields.positive_or_none(source, "ap", what),
        reason=str(source.get("rm") or "") or reason,
    )
    return News(
        events=(OrderUpdate(event_ns, received_ns, state),), client_order_id=state.client_order_id
    )


def _account_events(message: Row, received_ns: int, sides: Sides) -> tuple[Event, ...]:
    what = "account update"
    source = fields.row(message.get("a"), what)
    event_ns = fields.instant_ns(message, "T", what)
    cause = str(source.get("m") or "")
    events: list[Event] = []
    for item in fields.rows(source.get("P", []), what):
        legs = _legs(fields.row(item, what), event_ns, sides)
        events.extend(PositionUpdate(event_ns, received_ns, leg, cause) for leg in legs)
    for item in fields.rows(source.get("B", []), what):
        balance = fields.row(item, what)
        if fields.text(balance, "a", what) != binance.SETTLE:
            continue
        change = fields.number(balance, "bc", what) if balance.get("bc") is not None else None
        wallet = fields.number(balance, "wb", what)
        events.append(WalletUpdate(event_ns, received_ns, wallet, change, cause))
    return tuple(events)


def _legs(source: Row, event_ns: int, sides: Sides) -> list[PositionState]:
    """The legs a row speaks of: in one-way mode also the one that it silently replaces."""
    what = "position update"
    symbol = binance.unified(fields.text(source, "s", what))
    signed = fields.number(source, "pa", what)
    named = parse.leg(source, "ps", what)
    entry = fields.amount(source, "ep", what)
    if signed != ZERO and entry == ZERO:
        raise VenueDataInvalid(f"{what}: {symbol} is held at no entry price")
    if named is not None and signed * named.sign < ZERO:
        raise VenueDataInvalid(f"{what}: leg {named.value} with quantity {signed}")
    mode = fields.choice(source, "mt", binance.MARGIN_MODES, what)
    isolated = fields.number(source, "iw", what) if mode is MarginMode.ISOLATED else None

    def leg(side: PositionSide, qty: Decimal) -> PositionState:
        return PositionState(
            symbol=symbol,
            side=side,
            qty=qty,
            entry_price=entry if qty else ZERO,
            margin_mode=mode,
            event_ns=event_ns,
            hedged=named is not None,
            isolated_margin_usd=isolated if qty else None,
        )

    if named is not None:
        return [leg(named, abs(signed))]
    if signed == ZERO:
        held = sides.pop(symbol, None)
        return [leg(side, ZERO) for side in ((held,) if held else PositionSide)]
    side = PositionSide.LONG if signed > ZERO else PositionSide.SHORT
    before = sides.get(symbol)
    sides[symbol] = side
    flipped = [leg(before, ZERO)] if before not in (None, side) and before else []
    return [*flipped, leg(side, abs(signed))]
