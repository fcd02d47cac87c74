"""What Hyperliquid calls things: hosts, questions and weights, words, and what it cannot do.

A symbol of the house names a coin's linear dollar contract. Here it settles in USDC: BTC/USDT:USDT
is the venue's BTC, 1000PEPE/USDT:USDT its kPEPE.

What the venue cannot do: hedge mode, stops by the last price, trailing stops, an order that cancels
all others. Its dead man's switch (scheduleCancel) takes the stops along with everything else, so it
is never used.
"""

import re
from typing import Final

from bot.domain.account import MarginMode
from bot.domain.errors import ConfigInvalid, VenueDataInvalid
from bot.domain.orders import OrderKind, OrderSide, OrderStatus, TimeInForce
from bot.venue.doors import Mode
from bot.venue.endpoint import Endpoint
from bot.venue.wording import for_requests, stream_origin

NAME: Final = "hyperliquid"
SETTLE: Final = "USDC"
HOUSE_QUOTE: Final = "USDT"
THOUSAND: Final = "1000"

WEIGHT_LIMIT_PER_MIN: Final = 1_200
ORDER_LIMIT_PER_10S: Final = 100
CANDLES_MAX: Final = 5_000
FILLS_MAX: Final = 2_000
FUNDINGS_MAX: Final = 500
FUNDING_INTERVAL_S: Final = 3_600

DIGITS: Final = 5
DECIMALS: Final = 6
"""A price has at most five significant digits and six decimals less those of the size."""
NOTIONAL_MIN_USD: Final = 10
MARGIN_UNITS: Final = 1_000_000

# ask: a public question; act: a signed action. Both are methods of the wire.
ASK: Final = "public_ask"
TIME: Final = Endpoint("public_time", 2)
LIGHT: Final = Endpoint(ASK, 2)
"""clearinghouseState, orderStatus, allMids, l2Book, exchangeStatus."""
HEAVY: Final = Endpoint(ASK, 20)
ROLE: Final = Endpoint(ASK, 60)
PLACE: Final = Endpoint("signed_act", 1, acts=True, places=True)
ACT: Final = Endpoint("signed_act", 1, acts=True)

ACTIONS: Final = frozenset(
    {"order", "cancel", "cancelByCloid", "updateLeverage", "updateIsolatedMargin"}
)
"""All that is ever signed: no transfer, no withdrawal, no builder, no referrer, no schedule."""

_REST: Final = {
    "testnet": "https://api.hyperliquid-testnet.xyz",
    "live": "https://api.hyperliquid.xyz",
}

SIDES: Final = {"A": OrderSide.SELL, "B": OrderSide.BUY}
KINDS: Final = {
    "STOP MARKET": OrderKind.STOP_MARKET,
    "TAKE PROFIT MARKET": OrderKind.TAKE_PROFIT_MARKET,
}
MARGIN_MODES: Final = {"CROSS": MarginMode.CROSS, "ISOLATED": MarginMode.ISOLATED}
LIVES: Final = {TimeInForce.GTC: "Gtc", TimeInForce.IOC: "Ioc", TimeInForce.GTX: "Alo"}
STATUSES: Final = {
    "open": OrderStatus.WORKING,
    "triggered": OrderStatus.TRIGGERING,
    "filled": OrderStatus.FILLED,
    "canceled": OrderStatus.CANCELLED,
    "rejected": OrderStatus.REJECTED,
    "scheduledCancel": OrderStatus.CANCELLED,
}
"""Any other word ends in Canceled or Rejected."""
SINGLE_ACCOUNT: Final = frozenset({"disabled", "default"})
"""Account kinds whose perpetuals have a wallet of their own; the others share it with spot."""
INTERVALS: Final = {
    60: "1m", 180: "3m", 300: "5m", 900: "15m", 1800: "30m", 3600: "1h", 7200: "2h",
    14400: "4h", 28800: "8h", 43200: "12h", 86400: "1d",
}  # fmt: skip
_COIN: Final = re.compile(r"k?[A-Z0-9]{1,20}")
_SYMBOL: Final = re.compile(r"([A-Z0-9]{1,24})/USDT:USDT")
_ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]{40}")
_PRIVATE: Final = re.compile(r"(0x)?[0-9a-fA-F]{64}")


def rest_url(mode: Mode, override: str) -> str:
    """Return the origin of both addresses; paper has none of its own.

    Raises:
        ConfigInvalid: paper mode without the embedded venue's address.
    """
    if mode == "paper" and not override:
        raise ConfigInvalid("venue: paper mode needs the embedded venue's base_url")
    return override.rstrip("/") if mode == "paper" else _REST[mode]


def ws_url(mode: Mode, override: str, base_url: str) -> str:
    """Return the origin of the streams: that of the requests."""
    return stream_origin(override if mode == "paper" and override else base_url)


def ccxt_urls(rest: str, streams: str) -> dict[str, object]:
    """Return ccxt's address table."""
    return {"public": rest, "private": rest, "ws": {"public": f"{streams}/ws"}}


def check_key(address: str, private_key: str) -> None:
    """Refuse credentials that are none; without any the room can only listen.

    Raises:
        ConfigInvalid: see above; nothing of the private key is said.
    """
    if address and not _ADDRESS.fullmatch(address):
        raise ConfigInvalid(
            "hyperliquid: the API key is the account's own address (0x and 40 hex digits)"
        )
    if private_key and not _PRIVATE.fullmatch(private_key):
        raise ConfigInvalid(
            "hyperliquid: the API secret is the private key of an agent (API wallet): 64 hex digits"
        )


def venue_id(symbol: str) -> str:
    """Return the venue's coin of a symbol ("BTC/USDT:USDT" -> "BTC", 1000PEPE -> kPEPE).

    Raises:
        ConfigInvalid: not a linear dollar contract of the house.
    """
    found = _SYMBOL.fullmatch(symbol)
    if found is None:
        raise ConfigInvalid(f"symbol {symbol!r}: only linear contracts like BTC/USDT:USDT")
    base = found.group(1)
    thousands = base.removeprefix(THOUSAND)
    return f"k{thousands}" if thousands != base and thousands.isalpha() else base


coin_of = for_requests(venue_id)
"""The venue's coin of a symbol in a request."""


def unified(coin: str) -> str:
    """Return the symbol of a coin ("kPEPE" -> "1000PEPE/USDT:USDT").

    Raises:
        VenueDataInvalid: a spot pair, or a contract of a builder's own exchange.
    """
    if not _COIN.fullmatch(coin):
        raise VenueDataInvalid(f"coin {coin[:40]!r}: only the venue's own perpetuals are supported")
    base = THOUSAND + coin[1:] if coin.startswith("k") else coin
    return f"{base}/{HOUSE_QUOTE}:{HOUSE_QUOTE}"


def status_of(word: str) -> OrderStatus | None:
    """Return what a word says of an order, None for one that was never heard."""
    known = STATUSES.get(word)
    if known is not None:
        return known
    if word.endswith("Canceled"):
        return OrderStatus.CANCELLED
    return OrderStatus.REJECTED if word.endswith("Rejected") else None
