"""Plain orders: place, ask, amend, cancel, list."""

from typing import Final

import msgspec

from bot.domain.orders import OrderKind
from bot.simulator.binance.calls import Access, Call, Handler, Route, Weigh, with_symbol
from bot.simulator.binance.frames import Row, order_row
from bot.simulator.binance.numbers import ms
from bot.simulator.binance.order_params import plain_request
from bot.simulator.binance.records import OrderRecord
from bot.simulator.binance.refusals import NO_SUCH_ORDER, UNKNOWN_ORDER, Refused, illegal, missing
from bot.simulator.exchange import ExchangeRefused
from bot.simulator.terms import OrderRequest

BATCH_MAX: Final = 5
ALL_CANCELLED: Final = {
    "code": 200,
    "msg": "The operation of cancel all open order is done.",
}


def submit(call: Call, request: OrderRequest) -> OrderRecord:
    """Place `request`, tell the user stream, and return the order's record.

    Raises:
        Refused: -4140 while a fault halts the symbol.
        ExchangeRefused: the exchange said no.
    """
    world = call.world
    if world.is_halted(request.symbol):
        raise Refused(-4140, "Invalid symbol status for opening position.")
    state = world.exchange.submit(call.account_id, request)
    records = world.records(call.account_id)
    records.set_time_in_force(state.venue_order_id, request.time_in_force)
    world.settle()
    record = records.by_id(state.venue_order_id, conditional=state.kind.is_conditional)
    return record if record is not None else records.note(state)


def _row(call: Call, record: OrderRecord) -> Row:
    return order_row(record, call.world.venue_id(record.state.symbol))


def _place(call: Call) -> object:
    record = submit(call, plain_request(call, call.world.fallback_id("web_")))
    return _row(call, record)


def _find(call: Call, refusal: Refused) -> OrderRecord:
    instrument = call.instrument()
    order_id = call.params.get("orderId", "")
    own_id = call.params.get("origClientOrderId", "")
    if not order_id and not own_id:
        raise missing("orderId")
    record = call.world.records(call.account_id).find(
        instrument.symbol, conditional=False, venue_order_id=order_id, client_order_id=own_id
    )
    if record is None:
        raise refusal
    return record


def _ask(call: Call) -> object:
    return _row(call, _find(call, Refused(-2013, NO_SUCH_ORDER)))


def _ask_open(call: Call) -> object:
    record = _find(call, Refused(-2013, NO_SUCH_ORDER))
    if not record.is_open:
        raise Refused(-2013, NO_SUCH_ORDER)
    return _row(call, record)


def _cancel(call: Call) -> object:
    record = _find(call, Refused(-2011, UNKNOWN_ORDER))
    if not record.is_open:
        raise Refused(-2011, UNKNOWN_ORDER)
    call.world.exchange.cancel(
        call.account_id,
        record.state.symbol,
        venue_order_id=record.state.venue_order_id,
        conditional=False,
    )
    call.world.settle()
    return _row(call, record)


def _amend(call: Call) -> object:
    """Replace price and quantity of a resting limit order; it keeps its client id.

    The exchange has no amend of its own: the order is cancelled and placed anew under a new
    venue id, and is cancelled without replacement when the new terms are refused.
    """
    record = _find(call, Refused(-2013, NO_SUCH_ORDER))
    state = record.state
    if state.kind is not OrderKind.LIMIT or not record.is_open:
        raise Refused(-2013, NO_SUCH_ORDER)
    price, qty = call.need_decimal("price"), call.need_decimal("quantity")
    if price == state.price and qty == state.qty:
        raise Refused(-5027, "No need to modify the order.")
    call.world.exchange.cancel(
        call.account_id, state.symbol, venue_order_id=state.venue_order_id, conditional=False
    )
    request = OrderRequest(
        symbol=state.symbol,
        side=state.side,
        kind=state.kind,
        qty=qty,
        client_order_id=call.world.fallback_id("amend_"),
        price=price,
        time_in_force=record.time_in_force,
        reduce_only=state.reduce_only,
        position_side=state.position_side,
    )
    return _row(call, submit(call, request))


def _cancel_all(call: Call) -> object:
    instrument = call.instrument()
    call.world.exchange.cancel_all(call.account_id, instrument.symbol, conditional=False)
    call.world.settle()
    return ALL_CANCELLED


def _open_orders(call: Call) -> object:
    one = call.optional_instrument()
    records = call.world.records(call.account_id).all(
        conditional=False, symbol=one.symbol if one is not None else ""
    )
    return [_row(call, record) for record in records if record.is_open]


def _all_orders(call: Call) -> object:
    instrument = call.instrument()
    since_ms = call.number("startTime", 0) or 0
    end_ms = call.number("endTime", call.world.now_ms()) or 0
    from_id = call.number("orderId", 0) or 0
    found = [
        _row(call, record)
        for record in call.world.records(call.account_id).all(
            conditional=False, symbol=instrument.symbol
        )
        if since_ms <= ms(record.created_ns) <= end_ms
        and int(record.state.venue_order_id) >= from_id
    ]
    limit = call.limit(500, 1_000)
    return found[:limit] if since_ms or from_id else found[-limit:]


def _batch(call: Call, name: str) -> list[dict[str, str]]:
    try:
        rows = msgspec.json.decode(call.text(name), type=list[dict[str, object]])
    except msgspec.MsgspecError:
        raise illegal(name) from None
    if not 1 <= len(rows) <= BATCH_MAX:
        raise Refused(-4082, "Invalid number of batch place orders.")
    return [
        {key: value if isinstance(value, str) else str(value).lower() for key, value in row.items()}
        for row in rows
    ]


def _each(call: Call, parts: list[dict[str, str]], serve: Handler) -> object:
    """Serve every part by itself; a refusal is its own row among the others."""
    rows: list[object] = []
    for part in parts:
        try:
            rows.append(serve(Call(call.world, part, call.key)))
        except Refused as refused:
            rows.append({"code": refused.code, "msg": refused.message})
        except ExchangeRefused as refused:
            rows.append({"code": refused.code, "msg": refused.message})
    return rows


def _place_batch(call: Call) -> object:
    return _each(call, _batch(call, "batchOrders"), _place)


def _cancel_batch(call: Call) -> object:
    """Cancel by orderIdList or origClientOrderIdList."""
    symbol = call.text("symbol")
    name, key = ("orderIdList", "orderId")
    if not call.has(name):
        name, key = ("origClientOrderIdList", "origClientOrderId")
    try:
        ids = msgspec.json.decode(call.text(name), type=list[int | str])
    except msgspec.MsgspecError:
        raise illegal(name) from None
    return _each(call, [{"symbol": symbol, key: str(one)} for one in ids[:10]], _cancel)


def _get(path: str, serve: Handler, weight: int | Weigh = 1) -> Route:
    return Route(method="GET", path=path, serve=serve, access=Access.READ, weight=weight)


ORDER: Final = "/fapi/v1/order"
BATCH: Final = "/fapi/v1/batchOrders"
TRADE: Final = Access.TRADE
ROUTES: Final = (
    Route(method="POST", path=ORDER, serve=_place, access=TRADE, weight=0, orders=1),
    Route(method="PUT", path=ORDER, serve=_amend, access=TRADE, orders=1),
    Route(method="DELETE", path=ORDER, serve=_cancel, access=TRADE),
    Route(method="DELETE", path="/fapi/v1/allOpenOrders", serve=_cancel_all, access=TRADE),
    Route(method="POST", path=BATCH, serve=_place_batch, access=TRADE, weight=5, orders=BATCH_MAX),
    Route(method="DELETE", path=BATCH, serve=_cancel_batch, access=TRADE),
    _get(ORDER, _ask),
    _get("/fapi/v1/openOrder", _ask_open),
    _get("/fapi/v1/openOrders", _open_orders, with_symbol(1, 40)),
    _get("/fapi/v1/allOrders", _all_orders, 5),
)
