"""What Binance USD-M calls things: hosts, endpoints and weights, states and types."""

from typing import Final

from bot.domain.account import MarginMode
from bot.domain.errors import ConfigInvalid, VenueDataInvalid
from bot.domain.orders import OrderKind, OrderStatus, TimeInForce, TriggerBy
from bot.venue.doors import Mode
from bot.venue.endpoint import Endpoint
from bot.venue.wording import for_requests, stream_origin

NAME: Final = "binance"
SETTLE: Final = "USDT"

WEIGHT_LIMIT_PER_MIN: Final = 2400
ORDER_LIMIT_PER_10S: Final = 300
ALL_SYMBOLS_WEIGHT: Final = 40
KLINES_MAX: Final = 1500
INCOME_MAX: Final = 1000


TIME: Final = Endpoint("fapiPublicGetTime")
EXCHANGE_INFO: Final = Endpoint("fapiPublicGetExchangeInfo")
KLINES: Final = Endpoint("fapiPublicGetKlines", 10)
OPEN_INTEREST: Final = Endpoint("fapiPublicGetOpenInterest")
FUNDING_INFO: Final = Endpoint("fapiPublicGetFundingInfo")
ACCOUNT: Final = Endpoint("fapiPrivateV3GetAccount", 5)
POSITIONS: Final = Endpoint("fapiPrivateV3GetPositionRisk", 5)
SYMBOL_CONFIG: Final = Endpoint("fapiPrivateGetSymbolConfig", 5)
POSITION_MODE: Final = Endpoint("fapiPrivateGetPositionSideDual", 30)
MULTI_ASSETS: Final = Endpoint("fapiPrivateGetMultiAssetsMargin", 30)
BRACKETS: Final = Endpoint("fapiPrivateGetLeverageBracket")
COMMISSION: Final = Endpoint("fapiPrivateGetCommissionRate", 20)
INCOME: Final = Endpoint("fapiPrivateGetIncome", 30)
OPEN_ORDERS: Final = Endpoint("fapiPrivateGetOpenOrders")
OPEN_ALGOS: Final = Endpoint("fapiPrivateGetOpenAlgoOrders")
GET_ORDER: Final = Endpoint("fapiPrivateGetOrder")
GET_ALGO: Final = Endpoint("fapiPrivateGetAlgoOrder")
PLACE_ORDER: Final = Endpoint("fapiPrivatePostOrder", 1, acts=True, places=True)
PLACE_ALGO: Final = Endpoint("fapiPrivatePostAlgoOrder", 1, acts=True, places=True)
CANCEL_ORDER: Final = Endpoint("fapiPrivateDeleteOrder", 1, acts=True)
CANCEL_ALGO: Final = Endpoint("fapiPrivateDeleteAlgoOrder", 1, acts=True)
ADD_MARGIN: Final = Endpoint("fapiPrivatePostPositionMargin", 1, acts=True)
SET_LEVERAGE: Final = Endpoint("fapiPrivatePostLeverage", 1, acts=True)
KEY_RIGHTS: Final = Endpoint("sapiGetAccountApiRestrictions", 1)
OPEN_STREAM: Final = Endpoint("fapiPrivatePostListenKey")
RENEW_STREAM: Final = Endpoint("fapiPrivatePutListenKey")

_REST: Final = {"testnet": "https://demo-fapi.binance.com", "live": "https://fapi.binance.com"}
_WS: Final = {"testnet": "wss://fstream.binancefuture.com", "live": "wss://fstream.binance.com"}
SAPI_HOST: Final = "https://api.binance.com"

KINDS: Final = {
    "MARKET": OrderKind.MARKET,
    "LIMIT": OrderKind.LIMIT,
    "STOP_MARKET": OrderKind.STOP_MARKET,
    "TAKE_PROFIT_MARKET": OrderKind.TAKE_PROFIT_MARKET,
}
STATUSES: Final = {
    "NEW": OrderStatus.WORKING,
    "NEW_ADL": OrderStatus.WORKING,
    "NEW_INSURANCE": OrderStatus.WORKING,
    "PARTIALLY_FILLED": OrderStatus.WORKING,
    "FILLED": OrderStatus.FILLED,
    "CANCELED": OrderStatus.CANCELLED,
    "REJECTED": OrderStatus.REJECTED,
    "EXPIRED": OrderStatus.EXPIRED,
    "EXPIRED_IN_MATCH": OrderStatus.EXPIRED,
}
ALGO_STATUSES: Final = {
    "NEW": OrderStatus.WORKING,
    "TRIGGERING": OrderStatus.TRIGGERING,
    "TRIGGERED": OrderStatus.TRIGGERING,
    "FINISHED": OrderStatus.FILLED,
    "CANCELED": OrderStatus.CANCELLED,
    "REJECTED": OrderStatus.REJECTED,
    "EXPIRED": OrderStatus.EXPIRED,
}
TRIGGERS: Final = {"MARK_PRICE": TriggerBy.MARK, "CONTRACT_PRICE": TriggerBy.LAST}
WORKING_TYPES: Final = {price: name for name, price in TRIGGERS.items()}
MARGIN_MODES: Final = {
    "CROSSED": MarginMode.CROSS,
    "CROSS": MarginMode.CROSS,
    "ISOLATED": MarginMode.ISOLATED,
}
TIMES_IN_FORCE: Final = {item.value: item for item in TimeInForce}
INTERVALS: Final = {
    60: "1m", 180: "3m", 300: "5m", 900: "15m", 1800: "30m", 3600: "1h", 7200: "2h",
    14400: "4h", 21600: "6h", 28800: "8h", 43200: "12h", 86400: "1d",
}  # fmt: skip

FUNDING_INTERVAL_S: Final = 28_800
"""The venue's default; fundingInfo lists only the contracts that differ from it."""

# Codes with a meaning of their own; every other one is a plain refusal.
OUTCOME_UNKNOWN: Final = frozenset({-1000, -1001, -1006, -1007, -1008})
NO_SUCH_ORDER: Final = frozenset({-2011, -2013})
DUPLICATE_ID: Final = frozenset({-4116, -20132})
CLOCK_APART: Final = frozenset({-1021, -5028})
TOO_MANY_REQUESTS: Final = -1003
TOO_MANY_ORDERS: Final = -1015
STREAM_KEY_GONE: Final = -1125
WRONG_POSITION_MODE: Final = -4061

LIQUIDATION_PREFIXES: Final = ("autoclose-", "adl_autoclose", "settlement_autoclose-")
ADL_PREFIX: Final = "adl_autoclose"


def rest_url(mode: Mode, override: str) -> str:
    """Return the origin of the REST interface; paper has none of its own.

    Raises:
        ConfigInvalid: paper mode without the embedded venue's address.
    """
    if mode == "paper" and not override:
        raise ConfigInvalid("venue: paper mode needs the embedded venue's base_url")
    return override.rstrip("/") if mode == "paper" else _REST[mode]


def ws_url(mode: Mode, override: str, base_url: str) -> str:
    """Return the origin of the streams (for paper: the override, or the REST origin's twin)."""
    if mode != "paper":
        return _WS[mode]
    return stream_origin(override or base_url)


def ccxt_urls(rest: str, streams: str) -> dict[str, object]:
    """Return ccxt's address table; the stream address must end in /ws for ccxt to route it."""
    sapi = SAPI_HOST if rest == _REST["live"] else rest
    return {
        "fapiPublic": f"{rest}/fapi/v1",
        "fapiPublicV2": f"{rest}/fapi/v2",
        "fapiPublicV3": f"{rest}/fapi/v3",
        "fapiPrivate": f"{rest}/fapi/v1",
        "fapiPrivateV2": f"{rest}/fapi/v2",
        "fapiPrivateV3": f"{rest}/fapi/v3",
        "fapiData": f"{rest}/futures/data",
        "sapi": f"{sapi}/sapi/v1",
        "ws": {"linear": f"{streams}/ws"},
    }


def venue_id(symbol: str) -> str:
    """Return Binance's name of a unified symbol ("BTC/USDT:USDT" -> "BTCUSDT").

    Raises:
        ConfigInvalid: not a linear USDT contract; inverse and USDC contracts are not supported.
    """
    pair, colon, settle = symbol.partition(":")
    base, slash, quote = pair.partition("/")
    if not (base and slash and colon and quote == SETTLE):
        raise ConfigInvalid(f"symbol {symbol!r}: only linear USDT contracts like BTC/USDT:USDT")
    name, dash, expiry = settle.partition("-")
    if name != SETTLE:
        raise ConfigInvalid(f"symbol {symbol!r}: inverse contracts are not supported")
    return f"{base}{quote}_{expiry}" if dash else f"{base}{quote}"


contract_of = for_requests(venue_id)
"""Binance's name of a symbol in a request."""


def unified(contract: str) -> str:
    """Return the unified symbol of a Binance contract id ("BTCUSDT" -> "BTC/USDT:USDT").

    Raises:
        VenueDataInvalid: the id is not one of a USDT-margined contract.
    """
    pair, underscore, expiry = contract.partition("_")
    base = pair.removesuffix(SETTLE)
    if not base or base == pair or not pair.isalnum():
        raise VenueDataInvalid(f"contract {contract[:40]!r}: only USDT-margined ones are supported")
    tail = f"{SETTLE}-{expiry}" if underscore else SETTLE
    return f"{base}/{SETTLE}:{tail}"
