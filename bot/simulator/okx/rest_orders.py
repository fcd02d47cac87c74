"""Signed requests about orders: plain ones at one address, conditional ones at another."""

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from bot.domain.orders import OrderKind, OrderStatus, TimeInForce, TriggerBy
from bot.domain.units import ZERO
from bot.simulator.binance.calls import Access, Call, Handler, Route
from bot.simulator.binance.records import OrderRecord
from bot.simulator.binance.rest_orders import submit
from bot.simulator.okx.rest_account import settle_mode
from bot.simulator.okx.rest_market import named
from bot.simulator.okx.shown import algo_row, order_row, parent_of
from bot.simulator.okx.words import (
    LEGS,
    LIVES,
    NO_ORDER,
    NOT_OPEN,
    SIDES,
    TRIGGERS,
    Row,
    coins_of,
    denied,
)
from bot.simulator.terms import OrderRequest

PLACE_ALGO: Final = "/api/v5/trade/order-algo"
PAGE_MAX: Final = 100
ID_MAX: Final = 32


def _place(call: Call) -> object:
    item = named(call)
    settle_mode(call, item.symbol, call.text("tdMode"))
    word = call.text("ordType")
    if word != "market" and word not in LIVES:
        raise denied(51000, "Parameter ordType error")
    request = _request(call, "clOrdId")
    kind = OrderKind.MARKET if word == "market" else OrderKind.LIMIT
    price = call.need_decimal("px") if kind is OrderKind.LIMIT else None
    record = submit(
        call,
        _with(request, kind=kind, price=price, time_in_force=LIVES.get(word, TimeInForce.GTC)),
    )
    return [{"ordId": record.state.venue_order_id, "clOrdId": call.params.get("clOrdId", ""),
             "tag": "", "sCode": "0", "sMsg": ""}]  # fmt: skip


def _place_algo(call: Call) -> object:
    item = named(call)
    settle_mode(call, item.symbol, call.text("tdMode"))
    if call.text("ordType") != "conditional":
        raise denied(51000, "Parameter ordType error")
    name = "sl" if call.has("slTriggerPx") else "tp"
    if not call.has(f"{name}TriggerPx") or call.params.get(f"{name}OrdPx") != "-1":
        raise denied(51000, f"Parameter {name}OrdPx error")
    word = call.params.get(f"{name}TriggerPxType", "")
    if word not in TRIGGERS:
        raise denied(51000, f"Parameter {name}TriggerPxType error")
    request = _request(call, "algoClOrdId")
    record = submit(
        call,
        _with(
            request,
            kind=OrderKind.STOP_MARKET if name == "sl" else OrderKind.TAKE_PROFIT_MARKET,
            trigger_price=call.need_decimal(f"{name}TriggerPx"),
            trigger_by=TRIGGERS[word],
        ),
    )
    named_as = call.params.get("algoClOrdId", "")
    return [{"algoId": record.state.venue_order_id, "algoClOrdId": named_as, "clOrdId": "",
             "sCode": "0", "sMsg": ""}]  # fmt: skip


def _with(
    request: OrderRequest,
    *,
    kind: OrderKind,
    price: Decimal | None = None,
    time_in_force: TimeInForce = TimeInForce.GTC,
    trigger_price: Decimal | None = None,
    trigger_by: TriggerBy = TriggerBy.LAST,
) -> OrderRequest:
    return OrderRequest(
        symbol=request.symbol,
        side=request.side,
        kind=kind,
        qty=request.qty,
        client_order_id=request.client_order_id,
        price=price,
        time_in_force=time_in_force,
        trigger_price=trigger_price,
        trigger_by=trigger_by,
        reduce_only=request.reduce_only,
        close_position=request.close_position,
        position_side=request.position_side,
    )


def _request(call: Call, id_name: str) -> OrderRequest:
    """Return what both kinds have in common."""
    item, side_word = named(call), call.text("side")
    leg_word = call.params.get("posSide", "")
    if side_word not in SIDES or leg_word not in LEGS:
        raise denied(51000, "Parameter side error")
    own = call.params.get(id_name, "")
    if own and not (own.isascii() and own.isalnum() and len(own) <= ID_MAX):
        raise denied(51000, f"Parameter {id_name} error")
    whole = call.params.get("closeFraction") == "1"
    leg = LEGS[leg_word]
    qty = ZERO if whole else coins_of(call.need_decimal("sz"), item)
    return OrderRequest(
        symbol=item.symbol,
        side=SIDES[side_word],
        kind=OrderKind.MARKET,
        qty=qty,
        client_order_id=own or call.world.fallback_id("ok"),
        reduce_only=call.flag("reduceOnly") and leg is None and not whole,
        close_position=whole,
        position_side=leg,
    )


# ---------------------------------------------------------------------- asking and cancelling


def _find(call: Call, *, algo: bool) -> OrderRecord | None:
    names = ("algoId", "algoClOrdId") if algo else ("ordId", "clOrdId")
    number, own = (call.params.get(name, "") for name in names)
    if not number and not own:
        raise denied(50014, f"Parameter {names[0]} can not be empty.")
    book = call.world.records(call.account_id)
    found = book.find("", conditional=algo, venue_order_id=number, client_order_id=own)
    if found is not None and not number and parent_of(found.state):
        return None  # a born order has no client id of its own
    return found


def _row(call: Call, record: OrderRecord) -> Row:
    if not record.state.kind.is_conditional:
        return order_row(call.world, call.account_id, record)
    return algo_row(call.world, call.account_id, record, record.born_order_id)


def _asking(*, algo: bool) -> Handler:
    def serve(call: Call) -> object:
        record = _find(call, algo=algo)
        if record is None:
            raise denied(*NO_ORDER)
        return [_row(call, record)]

    return serve


def _cancelling(*, algo: bool) -> Handler:
    def serve(call: Call) -> object:
        record = _find(call, algo=algo)
        if record is None or not record.is_open or record.state.status is OrderStatus.TRIGGERING:
            raise denied(*NOT_OPEN)
        state = record.state
        call.world.exchange.cancel(
            call.account_id, state.symbol, venue_order_id=state.venue_order_id, conditional=algo
        )
        call.world.settle()
        names = ("algoId", "algoClOrdId") if algo else ("ordId", "clOrdId")
        return [{names[0]: state.venue_order_id, names[1]: state.client_order_id,
                 "sCode": "0", "sMsg": ""}]  # fmt: skip

    return serve


def _listing(wanted: Callable[[OrderRecord], bool], *, algo: bool) -> Handler:
    """Return orders of one book, newest first; `after` pages to older ones."""

    def serve(call: Call) -> object:
        symbol = named(call).symbol if call.has("instId") else ""
        book = call.world.records(call.account_id)
        found = [r for r in book.all(conditional=algo, symbol=symbol) if wanted(r)]
        found.sort(key=lambda record: int(record.state.venue_order_id), reverse=True)
        after = call.number("after")
        rows = [
            _row(call, record)
            for record in found
            if after is None or int(record.state.venue_order_id) < after
        ]
        return rows[: call.limit(PAGE_MAX, PAGE_MAX)]

    return serve


def _is_open(record: OrderRecord) -> bool:
    return record.is_open


def _is_over(record: OrderRecord) -> bool:
    return not record.is_open


ROUTES: Final = (
    Route(method="POST", path="/api/v5/trade/order", serve=_place, access=Access.TRADE, orders=1),
    Route(method="POST", path=PLACE_ALGO, serve=_place_algo, access=Access.TRADE, orders=1),
    Route(method="POST", path="/api/v5/trade/cancel-order", serve=_cancelling(algo=False),
          access=Access.TRADE),
    Route(method="POST", path="/api/v5/trade/cancel-algos", serve=_cancelling(algo=True),
          access=Access.TRADE),
    Route(method="GET", path="/api/v5/trade/order", serve=_asking(algo=False), access=Access.READ),
    Route(method="GET", path=PLACE_ALGO, serve=_asking(algo=True), access=Access.READ),
    Route(method="GET", path="/api/v5/trade/orders-pending",
          serve=_listing(_is_open, algo=False), access=Access.READ),
    Route(method="GET", path="/api/v5/trade/orders-algo-pending",
          serve=_listing(_is_open, algo=True), access=Access.READ),
    Route(method="GET", path="/api/v5/trade/orders-history",
          serve=_listing(_is_over, algo=False), access=Access.READ),
    Route(method="GET", path="/api/v5/trade/orders-algo-history",
          serve=_listing(_is_over, algo=True), access=Access.READ),
)  # fmt: skip
