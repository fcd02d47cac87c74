"""From request parameters to an order the exchange understands, or the venue's own complaint."""

from decimal import Decimal
from typing import Final

from bot.domain.orders import OrderKind, OrderSide, PositionSide, TimeInForce, TriggerBy
from bot.domain.units import ZERO
from bot.simulator.binance.calls import Call
from bot.simulator.binance.refusals import NOT_ON_THIS_ENDPOINT, Refused, illegal, missing
from bot.simulator.terms import OrderRequest

CONDITIONAL_TYPES: Final = frozenset(
    {"STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET"}
)
WORKING_TYPES: Final = {"MARK_PRICE": TriggerBy.MARK, "CONTRACT_PRICE": TriggerBy.LAST}
SIDES: Final = {side.value: side for side in OrderSide}
LEGS: Final = {side.value: side for side in PositionSide}
LIVES: Final = {life.value: life for life in TimeInForce}
CLIENT_ID_ALPHABET: Final = frozenset(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:/_-"
)
CLIENT_ID_MAX: Final = 36


def order_side(call: Call) -> OrderSide:
    """Return the mandatory side.

    Raises:
        Refused: -1102 when absent, -1117 when neither BUY nor SELL.
    """
    side = SIDES.get(call.text("side"))
    if side is None:
        raise Refused(-1117, "Invalid side.")
    return side


def position_side(call: Call) -> PositionSide | None:
    """Return the leg named, None for BOTH or nothing.

    Raises:
        Refused: -1116 for another word.
    """
    word = call.params.get("positionSide", "BOTH")
    if word == "BOTH":
        return None
    if word not in LEGS:
        raise Refused(-1116, "Invalid positionSide.")
    return LEGS[word]


def client_order_id(call: Call, name: str, fallback: str) -> str:
    """Return the client's own id, or `fallback`.

    Raises:
        Refused: -4015 when too long, -1100 for a character that may not be.
    """
    text = call.params.get(name, "")
    if len(text) > CLIENT_ID_MAX:
        raise Refused(-4015, "Client order id length should be less than 36 chars")
    if not CLIENT_ID_ALPHABET.issuperset(text):
        raise illegal(name)
    return text or fallback


def _time_in_force(call: Call, *, needed: bool) -> TimeInForce:
    word = call.params.get("timeInForce", "")
    if not word:
        if needed:
            raise missing("timeInForce")
        return TimeInForce.GTC
    if word not in LIVES:
        raise Refused(-1115, "Invalid timeInForce.")
    return LIVES[word]


def _reduce_only(call: Call, side: PositionSide | None) -> bool:
    if side is not None and call.has("reduceOnly"):
        raise Refused(-1106, "Parameter 'reduceOnly' sent when not required.")
    return call.flag("reduceOnly")


def plain_request(call: Call, fallback_id: str) -> OrderRequest:
    """Return the market or limit order of POST /fapi/v1/order.

    Raises:
        Refused: -4120 for conditional types, -1116 for unknown ones, -11xx for bad parameters.
    """
    instrument = call.instrument()
    word = call.text("type")
    if word in CONDITIONAL_TYPES:
        raise Refused(-4120, NOT_ON_THIS_ENDPOINT)
    if word not in ("MARKET", "LIMIT"):
        raise Refused(-1116, "Invalid orderType.")
    kind = OrderKind(word)
    is_limit = kind is OrderKind.LIMIT
    if not is_limit and call.has("price"):
        raise Refused(-1106, "Parameter 'price' sent when not required.")
    side = position_side(call)
    return OrderRequest(
        symbol=instrument.symbol,
        side=order_side(call),
        kind=kind,
        qty=call.need_decimal("quantity"),
        client_order_id=client_order_id(call, "newClientOrderId", fallback_id),
        price=call.need_decimal("price") if is_limit else None,
        time_in_force=_time_in_force(call, needed=is_limit),
        reduce_only=_reduce_only(call, side),
        position_side=side,
    )


def conditional_request(call: Call, fallback_id: str) -> OrderRequest:
    """Return the stop or take-profit of POST /fapi/v1/algoOrder.

    Raises:
        Refused: -4500 for another algoType, -1116 for a type not simulated, -11xx for bad
            parameters.
    """
    instrument = call.instrument()
    if call.text("algoType") != "CONDITIONAL":
        raise Refused(-4500, "Invalid algoType.")
    word = call.text("type")
    if word not in (OrderKind.STOP_MARKET, OrderKind.TAKE_PROFIT_MARKET):
        raise Refused(-1116, "Invalid orderType.")
    side = position_side(call)
    closes = call.flag("closePosition")
    if closes and call.has("reduceOnly"):
        raise Refused(-1106, "Parameter 'reduceOnly' sent when not required.")
    if closes and call.has("quantity"):
        raise Refused(-4137, "Quantity must be zero with closePosition equals true.")
    working = call.params.get("workingType", "CONTRACT_PRICE")
    if working not in WORKING_TYPES:
        raise illegal("workingType")
    return OrderRequest(
        symbol=instrument.symbol,
        side=order_side(call),
        kind=OrderKind(word),
        qty=ZERO if closes else call.need_decimal("quantity"),
        client_order_id=client_order_id(call, "clientAlgoId", fallback_id),
        trigger_price=_trigger(call),
        trigger_by=WORKING_TYPES[working],
        reduce_only=_reduce_only(call, side),
        close_position=closes,
        position_side=side,
    )


def _trigger(call: Call) -> Decimal:
    price = call.need_decimal("triggerPrice")
    if price <= ZERO:
        raise Refused(-4013, "Price less than min price.")
    return price
