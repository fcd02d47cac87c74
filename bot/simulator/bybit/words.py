"""What Bybit calls things: order ids, states, sides, and its numbers for a no."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from bot.domain.orders import OrderSide, OrderStatus, PositionSide, TimeInForce, TriggerBy
from bot.simulator.binance.refusals import Refused

Row = dict[str, object]
SIDE_WORD: Final = {OrderSide.BUY: "Buy", OrderSide.SELL: "Sell"}
SIDES: Final = {word: side for side, word in SIDE_WORD.items()}
LEG_WORD: Final = {PositionSide.LONG: "Buy", PositionSide.SHORT: "Sell"}
LEG_INDEX: Final = {None: 0, PositionSide.LONG: 1, PositionSide.SHORT: 2}
LEGS: Final = {str(number): leg for leg, number in LEG_INDEX.items()}
LIFE_WORD: Final = {
    TimeInForce.GTC: "GTC",
    TimeInForce.IOC: "IOC",
    TimeInForce.FOK: "FOK",
    TimeInForce.GTX: "PostOnly",
}
LIVES: Final = {word: life for life, word in LIFE_WORD.items()}
TRIGGER_WORD: Final = {
    TriggerBy.MARK: "MarkPrice",
    TriggerBy.LAST: "LastPrice",
    TriggerBy.INDEX: "IndexPrice",
}
TRIGGERS: Final = {word: price for price, word in TRIGGER_WORD.items()}
RISE, FALL = 1, 2
PLAIN_STATUS: Final = {
    OrderStatus.PENDING: "New",
    OrderStatus.UNKNOWN: "New",
    OrderStatus.WORKING: "New",
    OrderStatus.TRIGGERING: "Triggered",
    OrderStatus.FILLED: "Filled",
    OrderStatus.CANCELLED: "Cancelled",
    OrderStatus.REJECTED: "Rejected",
    OrderStatus.EXPIRED: "Cancelled",
    OrderStatus.LOST: "Cancelled",
}
STOP_STATUS: Final = {
    **PLAIN_STATUS,
    OrderStatus.WORKING: "Untriggered",
    OrderStatus.CANCELLED: "Deactivated",
}

BAD_REQUEST: Final = 10001
NO_SUCH_ORDER: Final = (110001, "order not exists or too late to cancel")
NOT_MODIFIED: Final = (110043, "leverage not modified")
_AS_BYBIT: Final[Mapping[int, tuple[int, str]]] = {
    -1003: (10006, "Too many visits. Exceeded the API Rate Limit."),
    -1015: (10006, "Too many visits. Exceeded the API Rate Limit."),
    -1121: (BAD_REQUEST, "params error: symbol invalid"),
    -1111: (BAD_REQUEST, "The number of contracts or price exceeds the allowed precision"),
    -2011: NO_SUCH_ORDER,
    -2013: NO_SUCH_ORDER,
    -20132: (110072, "OrderLinkedID is duplicate"),
    -2014: (10003, "API key is invalid."),
    -2015: (10005, "Permission denied, please check your API key permissions."),
    -2019: (110007, "ab not enough for new order"),
    -2022: (110017, "orderQty will be truncated to zero."),
    -2025: (110020, "Not allowed to have more than 500 active orders"),
    -2027: (110090, "Order placement failed as your position may exceed the max limit"),
    -2028: (110012, "ab not enough for setting the leverage"),
    -4001: (110003, "Order price exceeds the allowable range."),
    -4003: (BAD_REQUEST, "Qty invalid"),
    -4004: (BAD_REQUEST, "The number of contracts is below the minimum allowed"),
    -4005: (BAD_REQUEST, "The number of contracts exceeds maximum limit allowed"),
    -4014: (BAD_REQUEST, "params error: price must be a multiple of the tick"),
    -4015: (BAD_REQUEST, "params error: orderLinkId is too long or not valid"),
    -4016: (110003, "Order price exceeds the allowable range."),
    -4024: (110003, "Order price exceeds the allowable range."),
    -4028: (110013, "cannot set leverage due to risk limit level"),
    -4045: (110009, "The number of stop orders exceeds the maximum allowable limit."),
    -4046: (110026, "Cross/isolated margin mode is not modified"),
    -4047: (110040, "The order will trigger a forced liquidation: cancel your orders first"),
    -4048: (110015, "Margin mode cannot be switched while a position is held"),
    -4051: (110012, "Insufficient available balance."),
    -4050: (110012, "Insufficient available balance."),
    -4053: (110041, "Not allowed to add margin to a cross position"),
    -4054: (110001, "position does not exist"),
    -4059: (110025, "Position mode is not modified"),
    -4061: (BAD_REQUEST, "position idx not match position mode"),
    -4067: (110028, "You have existing open orders, so position mode cannot be switched."),
    -4068: (110024, "You have an existing position, so position mode cannot be switched."),
    -4116: (110072, "OrderLinkedID is duplicate"),
    -4130: (110009, "The number of stop orders exceeds the maximum allowable limit."),
    -4140: (110074, "This contract is not live"),
    -4164: (110094, "Order does not meet minimum order value 5USDT"),
    -5022: (110079, "The order is processing and can not be operated, please try again later."),
}


def said(code: int | None, message: str) -> tuple[int, str]:
    """Return Bybit's number and words for a refusal of the exchange behind it."""
    if code is None:
        return 10016, message
    if code >= 0:
        return code, message
    return _AS_BYBIT.get(code, (BAD_REQUEST, f"params error: {message}"))


def denied(code: int, message: str) -> Refused:
    """Return a refusal in Bybit's own number; it comes with HTTP 200."""
    return Refused(code, message, status=200)


def order_id(venue_order_id: str) -> str:
    """Return an order number in the shape of Bybit's ids, which are no numbers."""
    digits = f"{int(venue_order_id):032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def number_of(order_id_text: str) -> str:
    """Return the exchange's own number of an order id; "" for what cannot be one."""
    try:
        return str(int(order_id_text.replace("-", ""), 16))
    except ValueError:
        return ""


def plain(number: Decimal | None) -> str:
    """Return a decimal without exponent; nothing for none."""
    return "" if number is None else format(number, "f")
