"""Conditional orders: the second book, with addresses of its own."""

from typing import Final

from bot.domain.orders import OrderStatus
from bot.simulator.binance.calls import Access, Call, Handler, Route, Weigh, with_symbol
from bot.simulator.binance.frames import Row, algo_row
from bot.simulator.binance.numbers import ms
from bot.simulator.binance.order_params import conditional_request
from bot.simulator.binance.records import OrderRecord
from bot.simulator.binance.refusals import NO_SUCH_ORDER, UNKNOWN_ORDER, Refused, missing
from bot.simulator.binance.rest_orders import ALL_CANCELLED, submit


def _row(call: Call, record: OrderRecord) -> Row:
    return algo_row(record, call.world.venue_id(record.state.symbol))


def _place(call: Call) -> object:
    return _row(call, submit(call, conditional_request(call, call.world.fallback_id("algo_"))))


def _find(call: Call, refusal: Refused) -> OrderRecord:
    """Return the record by algoId or clientAlgoId; the address asks for no symbol."""
    algo_id, own_id = call.params.get("algoId", ""), call.params.get("clientAlgoId", "")
    if not algo_id and not own_id:
        raise missing("algoId")
    record = call.world.records(call.account_id).find(
        "", conditional=True, venue_order_id=algo_id, client_order_id=own_id
    )
    if record is None:
        raise refusal
    return record


def _ask(call: Call) -> object:
    return _row(call, _find(call, Refused(-2013, NO_SUCH_ORDER)))


def _cancel(call: Call) -> object:
    record = _find(call, Refused(-2011, UNKNOWN_ORDER))
    if record.state.status is not OrderStatus.WORKING:
        raise Refused(-2011, UNKNOWN_ORDER)
    call.world.exchange.cancel(
        call.account_id,
        record.state.symbol,
        venue_order_id=record.state.venue_order_id,
        conditional=True,
    )
    call.world.settle()
    return {
        "algoId": int(record.state.venue_order_id),
        "clientAlgoId": record.state.client_order_id,
        "code": "200",
        "msg": "success",
    }


def _cancel_all(call: Call) -> object:
    instrument = call.instrument()
    call.world.exchange.cancel_all(call.account_id, instrument.symbol, conditional=True)
    call.world.settle()
    return ALL_CANCELLED


def _open(call: Call) -> object:
    one = call.optional_instrument()
    records = call.world.records(call.account_id).all(
        conditional=True, symbol=one.symbol if one is not None else ""
    )
    return [_row(call, record) for record in records if record.is_open]


def _all(call: Call) -> object:
    instrument = call.instrument()
    since_ms = call.number("startTime", 0) or 0
    found = [
        _row(call, record)
        for record in call.world.records(call.account_id).all(
            conditional=True, symbol=instrument.symbol
        )
        if since_ms <= ms(record.created_ns)
    ]
    return found[-call.limit(500, 1_000) :]


def _get(path: str, serve: Handler, weight: int | Weigh = 1) -> Route:
    return Route(method="GET", path=path, serve=serve, access=Access.READ, weight=weight)


ALGO: Final = "/fapi/v1/algoOrder"
ROUTES: Final = (
    Route(method="POST", path=ALGO, serve=_place, access=Access.TRADE, weight=0, orders=1),
    Route(method="DELETE", path=ALGO, serve=_cancel, access=Access.TRADE),
    Route(method="DELETE", path="/fapi/v1/algoOpenOrders", serve=_cancel_all, access=Access.TRADE),
    _get(ALGO, _ask),
    _get("/fapi/v1/openAlgoOrders", _open, with_symbol(1, 40)),
    _get("/fapi/v1/allAlgoOrders", _all, 5),
)
