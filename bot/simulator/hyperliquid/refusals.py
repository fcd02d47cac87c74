"""How Hyperliquid says no: texts inside an answer of status 200, and few HTTP errors."""

from typing import Final

from bot.simulator.exchange import ExchangeRefused

TICK: Final = "Price must be divisible by tick size."
MIN_VALUE: Final = "Order must have minimum value of $10."
MARGIN: Final = "Insufficient margin to place order."
REDUCE_ONLY: Final = "Reduce only order would increase position."
NO_MATCH: Final = "Order could not immediately match against any resting orders."
TRIGGER: Final = "Invalid TP/SL price."
POST_ONLY: Final = "Post only order would have immediately matched, bbo was {bbo}."
NO_ORDER: Final = "Order was never placed, already canceled, or filled."
SIZE: Final = "Order has invalid size."
ZERO_SIZE: Final = "Order has zero size."
PRICE: Final = "Order has invalid price."
FAR: Final = "Order price cannot be more than 80% away from the reference price"
TOO_LARGE: Final = "Order would exceed margin tier limit at current leverage."
TOO_MANY: Final = "Too many open orders."
HALTED: Final = "Trading is halted."
CLOID_USED: Final = "Order with this cloid already exists."
ONE_WAY: Final = "Cannot switch leverage type with open position."

_TEXTS: Final = {
    -2019: MARGIN,
    -2022: REDUCE_ONLY,
    -2021: TRIGGER,
    -4164: MIN_VALUE,
    -4014: TICK,
    -1111: SIZE,
    -4003: ZERO_SIZE,
    -4004: SIZE,
    -4005: SIZE,
    -4001: PRICE,
    -4016: FAR,
    -4024: FAR,
    -4131: FAR,
    -2027: TOO_LARGE,
    -2025: TOO_MANY,
    -4045: TOO_MANY,
    -4130: TOO_MANY,
    -4116: CLOID_USED,
    -20132: CLOID_USED,
    -2011: NO_ORDER,
    -4046: "",
    -4047: ONE_WAY,
    -4048: ONE_WAY,
    -4028: "Invalid leverage value",
    -4161: "Cannot decrease leverage with open position.",
    -2028: "Cannot decrease leverage with open position.",
    -4050: "Insufficient margin.",
    -4051: "Cannot remove margin.",
    -4053: "Cannot update isolated margin of a cross position.",
    -4054: "No position to update.",
}


class Declined(Exception):
    """The whole action is answered with `{"status": "err"}` and this text."""


class Unreadable(Exception):
    """The body is none the venue understands: HTTP 422."""


class Busy(Exception):
    """The address asked too much: HTTP 429."""


def text_of(refused: ExchangeRefused, asset: int, bbo: str = "") -> str:
    """Return the venue's words for a refusal of the exchange."""
    if refused.code == -5022:
        return f"{POST_ONLY.format(bbo=bbo)} asset={asset}"
    words = _TEXTS.get(refused.code, refused.message)
    return f"{words} asset={asset}" if refused.code in (-2019, -2022, -2021, -4164) else words
