"""Orders of both kinds at one address: place, cancel, ask; what has waited and what has ended."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

import msgspec

from bot.domain.orders import OrderKind, OrderSide, OrderStatus, TimeInForce, TriggerBy
from bot.domain.units import ZERO
from bot.simulator.binance.calls import Access, Call, Route
from bot.simulator.binance.numbers import ms
from bot.simulator.binance.records import OrderRecord
from bot.simulator.binance.refusals import Refused
from bot.simulator.binance.rest_orders import submit
from bot.simulator.bybit.shown import order_row, parent_of
from bot.simulator.bybit.words import (
    BAD_REQUEST,
    FALL,
    LEGS,
    LIVES,
    NO_SUCH_ORDER,
    RISE,
    SIDES,
    TRIGGERS,
    Row,
    denied,
    number_of,
    order_id,
)
from bot.simulator.exchange import ExchangeRefused
from bot.simulator.terms import OrderRequest

PAGE_MAX: Final = 50
STOP_SIDE: Final = {("Sell", FALL), ("Buy", RISE)}
POST_ONLY_CROSSED: Final = -5022
CREATE: Final = "/v5/order/create"


def linear(call: Call) -> None:
    """Refuse a request for another category.

    Raises:
        Refused: 10001.
    """
    if call.params.get("category", "linear") != "linear":
        raise denied(BAD_REQUEST, "params error: category not supported here")


def _place(call: Call) -> object:
    linear(call)
    request = _request(call)
    book = call.world.records(call.account_id)
    for conditional in (False, True):
        known = book.find("", conditional=conditional, client_order_id=request.client_order_id)
        if known is not None:
            raise denied(110072, "OrderLinkedID is duplicate")
    try:
        record = submit(call, request)
    except ExchangeRefused as refused:
        if refused.code == POST_ONLY_CROSSED:
            return _crossed(call, request)
        if refused.code == -2021:
            raise _at_once(call, request) from None
        raise
    return {
        "orderId": order_id(record.state.venue_order_id),
        "orderLinkId": record.state.client_order_id,
    }


def _at_once(call: Call, request: OrderRequest) -> Refused:
    """Return the complaint about a trigger that is passed already."""
    falls = call.params.get("triggerDirection") == str(FALL)
    code, word, sign = (110093, "Falling", ">=") if falls else (110092, "Rising", "<=")
    price = call.world.exchange.market(request.symbol).price_by(request.trigger_by)
    scaled = int((request.trigger_price or ZERO) * 10_000)
    return denied(
        code,
        f"expect {word}, but trigger_price[{scaled}] {sign} current[{int(price * 10_000)}]"
        f"??{request.trigger_by.value}",
    )


def _crossed(call: Call, request: OrderRequest) -> object:
    """Take a post-only order that would trade, and cancel it; the answer says success."""
    record = submit(call, _far(call, request))
    call.world.exchange.cancel(
        call.account_id,
        request.symbol,
        venue_order_id=record.state.venue_order_id,
        conditional=False,
    )
    call.world.settle()
    return {
        "orderId": order_id(record.state.venue_order_id),
        "orderLinkId": record.state.client_order_id,
    }


def _far(call: Call, request: OrderRequest) -> OrderRequest:
    """Return the order at a price where it rests, so that it exists and can be cancelled."""
    instrument = call.world.by_symbol[request.symbol]
    factor = "0.97" if request.side.sign > 0 else "1.03"
    price = instrument.price_down((request.price or ZERO) * Decimal(factor))
    return msgspec.structs.replace(request, price=price)


def _request(call: Call) -> OrderRequest:
    instrument = call.instrument()
    side_word, type_word = call.text("side"), call.text("orderType")
    leg_word = call.params.get("positionIdx", "0")
    if side_word not in SIDES or type_word not in ("Market", "Limit") or leg_word not in LEGS:
        raise denied(BAD_REQUEST, "params error: side, orderType or positionIdx invalid")
    leg, side = LEGS[leg_word], SIDES[side_word]
    waits = call.has("triggerPrice")
    closes = call.flag("closeOnTrigger") and call.flag("reduceOnly")
    qty = call.need_decimal("qty")
    closes = closes and qty == ZERO
    kind = OrderKind.LIMIT if type_word == "Limit" else OrderKind.MARKET
    trigger_by = TriggerBy.LAST
    if waits:
        kind, trigger_by = _conditional(call, side_word, type_word)
    elif closes:
        qty = _held_qty(call, instrument.symbol, side)
    reduces = call.flag("reduceOnly")
    if reduces and _held_qty(call, instrument.symbol, side) == ZERO:
        raise denied(110017, "current position is zero, cannot fix reduce-only order qty")
    return OrderRequest(
        symbol=instrument.symbol,
        side=side,
        kind=kind,
        qty=ZERO if waits and closes else qty,
        client_order_id=_link_id(call),
        price=call.need_decimal("price") if kind is OrderKind.LIMIT else None,
        trigger_price=call.need_decimal("triggerPrice") if waits else None,
        trigger_by=trigger_by,
        time_in_force=_life(call, kind),
        reduce_only=reduces and leg is None and not (waits and closes),
        close_position=waits and closes,
        position_side=leg,
    )


def _held_qty(call: Call, symbol: str, exit_side: OrderSide) -> Decimal:
    """Return how much is held of the leg that an order of this side would shrink."""
    legs = call.world.exchange.account(call.account_id).positions
    mine = (leg.qty for leg in legs if leg.symbol == symbol and leg.side.exit is exit_side)
    return sum(mine, ZERO)


def _conditional(call: Call, side_word: str, type_word: str) -> tuple[OrderKind, TriggerBy]:
    if type_word != "Market":
        raise denied(BAD_REQUEST, "params error: conditional limit orders are not simulated")
    way = call.number("triggerDirection")
    if way not in (RISE, FALL):
        raise denied(BAD_REQUEST, "params error: triggerDirection invalid")
    word = call.params.get("triggerBy") or "LastPrice"
    if word not in TRIGGERS:
        raise denied(BAD_REQUEST, "params error: triggerBy invalid")
    stop = (side_word, way) in STOP_SIDE
    kind = OrderKind.STOP_MARKET if stop else OrderKind.TAKE_PROFIT_MARKET
    return kind, TRIGGERS[word]


def _life(call: Call, kind: OrderKind) -> TimeInForce:
    if kind is not OrderKind.LIMIT:
        return TimeInForce.GTC
    word = call.params.get("timeInForce") or "GTC"
    if word not in LIVES:
        raise denied(BAD_REQUEST, "params error: timeInForce invalid")
    return LIVES[word]


def _link_id(call: Call) -> str:
    text = call.params.get("orderLinkId", "")
    allowed = text.replace("-", "").replace("_", "")
    if len(text) > 36 or (text and not (allowed.isascii() and allowed.isalnum())):
        raise denied(BAD_REQUEST, "params error: orderLinkId is too long or not valid")
    return text or call.world.fallback_id("bb_")


def _named(call: Call) -> OrderRecord | None:
    """Return the order a request names by either id; conditional and plain ids are one space."""
    book = call.world.records(call.account_id)
    own, number = call.params.get("orderLinkId", ""), number_of(call.params.get("orderId", ""))
    if not own and not number:
        raise denied(BAD_REQUEST, "params error: orderId or orderLinkId is required")
    symbol = call.instrument().symbol if call.has("symbol") else ""
    for conditional in (True, False):
        found = book.find(
            symbol, conditional=conditional, venue_order_id=number, client_order_id=own
        )
        if found is not None:
            return found
    return None


def _cancel(call: Call) -> object:
    linear(call)
    record = _named(call)
    if record is None or not record.is_open or record.state.status is OrderStatus.TRIGGERING:
        raise denied(*NO_SUCH_ORDER)
    _end(call, record)
    call.world.settle()
    return _names(record)


def _end(call: Call, record: OrderRecord) -> None:
    state = record.state
    call.world.exchange.cancel(
        call.account_id,
        state.symbol,
        venue_order_id=state.venue_order_id,
        conditional=state.kind.is_conditional,
    )


def _names(record: OrderRecord) -> Row:
    state = record.state
    return {"orderId": order_id(state.venue_order_id), "orderLinkId": state.client_order_id}


def _cancel_all(call: Call) -> object:
    linear(call)
    doomed = [record for record in _chosen(call) if record.state.status is OrderStatus.WORKING]
    for record in doomed:
        _end(call, record)
    call.world.settle()
    return {"list": [_names(record) for record in doomed], "success": "1"}


def _chosen(call: Call, *, is_open: bool = True) -> Iterator[OrderRecord]:
    """Walk the orders a request is about: of a contract or a coin, of one kind or of both."""
    if not (call.has("symbol") or call.has("settleCoin") or call.has("baseCoin")):
        raise denied(BAD_REQUEST, "params error: symbol, settleCoin or baseCoin is required")
    one = call.optional_instrument()
    wanted = call.params.get("orderFilter", "")
    for conditional, word in ((False, "Order"), (True, "StopOrder")):
        if wanted not in ("", word):
            continue
        for record in call.world.records(call.account_id).all(
            conditional=conditional, symbol=one.symbol if one is not None else ""
        ):
            if record.is_open is is_open and not parent_of(record.state):
                yield record


def _page(call: Call, records: list[OrderRecord]) -> object:
    """Return one page, newest first; the cursor is the place of the next one."""
    records.sort(key=lambda record: record.created_ns, reverse=True)
    start = int(call.params.get("cursor") or 0)
    limit = call.limit(20, PAGE_MAX)
    rows = [_row(call, record) for record in records[start : start + limit]]
    more = start + limit < len(records)
    return {
        "category": "linear",
        "nextPageCursor": str(start + limit) if more else "",
        "list": rows,
    }


def _row(call: Call, record: OrderRecord) -> Row:
    return order_row(record, call.world.venue_id(record.state.symbol))


def _one(call: Call) -> object:
    record = _named(call)
    rows = [] if record is None else [_row(call, record)]
    return {"category": "linear", "nextPageCursor": "", "list": rows}


def _realtime(call: Call) -> object:
    linear(call)
    if call.has("orderId") or call.has("orderLinkId"):
        return _one(call)
    return _page(call, list(_chosen(call)))


def _history(call: Call) -> object:
    linear(call)
    if call.has("orderId") or call.has("orderLinkId"):
        return _one(call)
    since_ms = call.number("startTime", 0) or 0
    ended = [
        record for record in _chosen(call, is_open=False) if ms(record.state.event_ns) >= since_ms
    ]
    return _page(call, ended)


ROUTES: Final = (
    Route(method="POST", path=CREATE, serve=_place, access=Access.TRADE, orders=1),
    Route(method="POST", path="/v5/order/cancel", serve=_cancel, access=Access.TRADE),
    Route(method="POST", path="/v5/order/cancel-all", serve=_cancel_all, access=Access.TRADE),
    Route(method="GET", path="/v5/order/realtime", serve=_realtime, access=Access.READ),
    Route(method="GET", path="/v5/order/history", serve=_history, access=Access.READ),
)
