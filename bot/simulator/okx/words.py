"""What OKX calls things: contracts and their size, sides, states, and its numbers for a no.

Quantities are in contracts; a contract is `contract_size` coins.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from msgspec import structs

from bot.domain.account import MarginMode
from bot.domain.instrument import Instrument
from bot.domain.orders import OrderSide, OrderStatus, PositionSide, TimeInForce, TriggerBy
from bot.simulator.binance.refusals import Refused

Row = dict[str, object]
PASSPHRASE: Final = "embedded"  # noqa: S105  (of a venue on loopback, known to everybody)
"""The third part of every key of the embedded venue."""
SIDE_WORD: Final = {OrderSide.BUY: "buy", OrderSide.SELL: "sell"}
SIDES: Final = {word: side for side, word in SIDE_WORD.items()}
LEG_WORD: Final = {None: "net", PositionSide.LONG: "long", PositionSide.SHORT: "short"}
LEGS: Final = {word: leg for leg, word in LEG_WORD.items()} | {"": None}
MODE_WORD: Final = {MarginMode.CROSS: "cross", MarginMode.ISOLATED: "isolated"}
MODES: Final = {word: mode for mode, word in MODE_WORD.items()}
TRIGGER_WORD: Final = {TriggerBy.MARK: "mark", TriggerBy.LAST: "last", TriggerBy.INDEX: "index"}
TRIGGERS: Final = {word: price for price, word in TRIGGER_WORD.items()} | {"": TriggerBy.LAST}
LIVES: Final = {
    "limit": TimeInForce.GTC,
    "ioc": TimeInForce.IOC,
    "fok": TimeInForce.FOK,
    "post_only": TimeInForce.GTX,
}
LIFE_WORD: Final = {life: word for word, life in LIVES.items()}
STATE: Final = {
    OrderStatus.FILLED: "filled",
    OrderStatus.CANCELLED: "canceled",
    OrderStatus.EXPIRED: "canceled",
    OrderStatus.REJECTED: "canceled",
    OrderStatus.LOST: "canceled",
}
ALGO_STATE: Final = {
    OrderStatus.WORKING: "live",
    OrderStatus.TRIGGERING: "effective",
    OrderStatus.FILLED: "effective",
    OrderStatus.REJECTED: "order_failed",
}
_SIZES: Final = {"BTC": "0.01", "ETH": "0.1", "SOL": "1"}
_LOT: Final = Decimal("0.01")

NO_ORDER: Final = (51603, "Order does not exist")
NOT_OPEN: Final = (
    51400, "Cancellation failed as the order has been filled, canceled or does not exist.",
)  # fmt: skip
_AS_OKX: Final[Mapping[int, tuple[int, str]]] = {
    -1003: (50011, "Rate limit reached. Please refer to API documentation and throttle requests"),
    -1015: (50011, "Rate limit reached. Please refer to API documentation and throttle requests"),
    -1121: (51001, "Instrument ID doesn't exist."),
    -1111: (51121, "Order quantity must be a multiple of the lot size."),
    -2011: NOT_OPEN,
    -2013: NO_ORDER,
    -2019: (51008, "Order failed. Insufficient USDT margin in account"),
    -2021: (51280, "SL trigger price cannot be higher than the last price"),
    -2022: (51169, "Order failed because you don't have any positions in this direction to reduce "
                   "or close."),
    -2025: (51024, "Too many open orders"),
    -2027: (51004, "Order failed. The position exceeds the maximum at this leverage"),
    -2028: (59101, "Leverage can't be changed: insufficient margin"),
    -4001: (51000, "Parameter px error"),
    -4003: (51000, "Parameter sz error"),
    -4004: (51020, "Order quantity must be greater than the minimum order quantity."),
    -4005: (51202, "Market order quantity exceeds the maximum limit."),
    -4014: (51000, "Parameter px error"),
    -4016: (51137, "Your order price exceeds the upper limit"),
    -4024: (51138, "Your order price is below the lower limit"),
    -4028: (59102, "Leverage exceeds the maximum limit."),
    -4045: (51062, "Too many conditional orders"),
    -4048: (59200, "Margin mode can't be changed while a position is held"),
    -4047: (59000, "Setting failed. Cancel any open orders first."),
    -4050: (59301, "Margin adjustment failed for exceeding the maximum limit"),
    -4051: (59301, "Margin adjustment failed for exceeding the maximum limit"),
    -4053: (59300, "Margin call failed. Position does not exist."),
    -4054: (59300, "Margin call failed. Position does not exist."),
    -4061: (51000, "Parameter posSide error"),
    -4116: (51016, "Duplicated client order ID"),
    -4131: (51137, "Your order price exceeds the upper limit"),
    -4140: (51155, "Trading of this contract is suspended"),
    -4161: (59101, "Leverage can't be changed while an isolated position is held"),
    -4164: (51020, "Order quantity must be greater than the minimum order quantity."),
    -5022: (51820, "Post-only order would have been filled"),
    -20132: (51016, "Duplicated client order ID"),
}  # fmt: skip


def said(code: int | None, message: str) -> tuple[int, str]:
    """Return OKX's number and words for a refusal of the exchange behind it."""
    if code is None:
        return 50026, message
    return (code, message) if code >= 0 else _AS_OKX.get(code, (51000, message))


def denied(code: int, message: str, status: int = 200) -> Refused:
    """Return a refusal in OKX's own number."""
    return Refused(code, message, status=status)


def as_listed(contract: Instrument) -> Instrument:
    """Return a contract of the embedded venue as OKX lists it; its symbol stays."""
    size = Decimal(_SIZES.get(contract.base, "1"))
    lot = size * _LOT
    return structs.replace(
        contract,
        venue_id=f"{contract.base}-USDT-SWAP",
        contract_size=size,
        lot=lot,
        qty_min=lot,
        notional_min_usd=Decimal("0.000001"),
    )


def contracts_of(coins: Decimal, item: Instrument) -> str:
    """Return a quantity in contracts."""
    return plain((coins / item.contract_size).normalize())


def coins_of(contracts: Decimal, item: Instrument) -> Decimal:
    """Return a quantity in coins."""
    return contracts * item.contract_size


def plain(number: Decimal | None) -> str:
    """Return a decimal without exponent; nothing for none."""
    return "" if number is None else format(number, "f")
