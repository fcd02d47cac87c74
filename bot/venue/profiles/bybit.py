"""What Bybit calls things (unified account, linear USDT): hosts, endpoints, states, numbers."""

from typing import Final

from bot.domain.account import MarginMode
from bot.domain.errors import ConfigInvalid, VenueDataInvalid
from bot.domain.exchanges import Site
from bot.domain.orders import OrderSide, OrderStatus, PositionSide, TimeInForce, TriggerBy
from bot.venue.doors import Mode
from bot.venue.endpoint import Endpoint
from bot.venue.wording import for_requests, stream_origin

NAME: Final = "bybit"
SETTLE: Final = "USDT"
CATEGORY: Final = "linear"
REQUESTS_PER_5S: Final = 600
ORDERS_PER_S: Final = 10
PAGE_MAX: Final = 50
POSITIONS_MAX: Final = 200
EXECUTIONS_MAX: Final = 100
KLINES_MAX: Final = 1000
BASE_FEES: Final = {"takerFeeRate": "0.00055", "makerFeeRate": "0.0002"}
"""Published for everybody: demo trading does not tell an account its own."""
SPAN_DAYS_MAX: Final = 7
"""Executions and ledger are given for at most so many days a question."""
BAN_S: Final = 600.0
"""After HTTP 403 the venue wants ten minutes of silence."""

TIME: Final = Endpoint("publicGetV5MarketTime")
INSTRUMENTS: Final = Endpoint("publicGetV5MarketInstrumentsInfo")
RISK_LIMIT: Final = Endpoint("publicGetV5MarketRiskLimit")
KLINES: Final = Endpoint("publicGetV5MarketKline")
TICKERS: Final = Endpoint("publicGetV5MarketTickers")
FEES: Final = Endpoint("privateGetV5AccountFeeRate")
WALLET: Final = Endpoint("privateGetV5AccountWalletBalance")
ACCOUNT_INFO: Final = Endpoint("privateGetV5AccountInfo")
LEDGER: Final = Endpoint("privateGetV5AccountTransactionLog")
POSITIONS: Final = Endpoint("privateGetV5PositionList")
OPEN_ORDERS: Final = Endpoint("privateGetV5OrderRealtime")
PAST_ORDERS: Final = Endpoint("privateGetV5OrderHistory")
EXECUTIONS: Final = Endpoint("privateGetV5ExecutionList")
KEY_RIGHTS: Final = Endpoint("privateGetV5UserQueryApi")
PLACE: Final = Endpoint("privatePostV5OrderCreate", 1, acts=True, places=True)
CANCEL: Final = Endpoint("privatePostV5OrderCancel", 1, acts=True)
SET_LEVERAGE: Final = Endpoint("privatePostV5PositionSetLeverage", 1, acts=True)
ADD_MARGIN: Final = Endpoint("privatePostV5PositionAddMargin", 1, acts=True)

_REST: Final = {
    "testnet": "https://api-testnet.bybit.com",
    "demo": "https://api-demo.bybit.com",
    "live": "https://api.bybit.com",
}
_PRIVATE: Final = {
    "testnet": "wss://stream-testnet.bybit.com",
    "demo": "wss://stream-demo.bybit.com",
    "live": "wss://stream.bybit.com",
}
_PUBLIC: Final = {**_PRIVATE, "demo": "wss://stream.bybit.com"}
"""Demo trading has no public streams of its own: its prices are the production ones."""
PUBLIC_PATH: Final = "/v5/public/linear"
PRIVATE_PATH: Final = "/v5/private"

# `fields.choice` asks in upper case.
SIDES: Final = {"BUY": OrderSide.BUY, "SELL": OrderSide.SELL}
SIDE_WORDS: Final = {OrderSide.BUY: "Buy", OrderSide.SELL: "Sell"}
LEGS: Final = {"0": None, "1": PositionSide.LONG, "2": PositionSide.SHORT}
LEG_NUMBERS: Final = {PositionSide.LONG: 1, PositionSide.SHORT: 2}
HELD: Final = {"BUY": PositionSide.LONG, "SELL": PositionSide.SHORT}
STATUSES: Final = {
    "NEW": OrderStatus.WORKING,
    "PARTIALLYFILLED": OrderStatus.WORKING,
    "UNTRIGGERED": OrderStatus.WORKING,
    "TRIGGERED": OrderStatus.TRIGGERING,
    "FILLED": OrderStatus.FILLED,
    "CANCELLED": OrderStatus.CANCELLED,
    "PARTIALLYFILLEDCANCELED": OrderStatus.CANCELLED,
    "DEACTIVATED": OrderStatus.CANCELLED,
    "REJECTED": OrderStatus.REJECTED,
}
PLAIN_STOP_TYPES: Final = frozenset({"", "UNKNOWN"})
OUR_STOP_TYPE: Final = "Stop"
"""Other words (StopLoss, TakeProfit, TrailingStop ...) are stops attached to a position by hand."""
TRIGGERS: Final = {
    "MARKPRICE": TriggerBy.MARK,
    "LASTPRICE": TriggerBy.LAST,
    "INDEXPRICE": TriggerBy.INDEX,
}
TRIGGER_WORDS: Final = {
    TriggerBy.MARK: "MarkPrice",
    TriggerBy.LAST: "LastPrice",
    TriggerBy.INDEX: "IndexPrice",
}
RISE: Final = 1
FALL: Final = 2
LIVES: Final = {
    TimeInForce.GTC: "GTC",
    TimeInForce.IOC: "IOC",
    TimeInForce.FOK: "FOK",
    TimeInForce.GTX: "PostOnly",
}
MARGIN_MODES: Final = {
    "REGULAR_MARGIN": MarginMode.CROSS,
    "ISOLATED_MARGIN": MarginMode.ISOLATED,
}
INTERVALS: Final = {
    60: "1", 180: "3", 300: "5", 900: "15", 1800: "30", 3600: "60", 7200: "120",
    14400: "240", 21600: "360", 43200: "720", 86400: "D",
}  # fmt: skip
TRADE_TYPES: Final = frozenset({"TRADE", "ADLTRADE", "BUSTTRADE", "BLOCKTRADE", "SETTLE"})
LEDGER_KINDS: Final = {
    "SETTLEMENT": "FUNDING_FEE",
    "TRANSFER_IN": "TRANSFER",
    "TRANSFER_OUT": "TRANSFER",
}
LEDGER_TRADES: Final = frozenset({"TRADE", "LIQUIDATION", "ADL"})

OUTCOME_UNKNOWN: Final = frozenset({10000, 10016, 10019, 110079})
CLOCK_APART: Final = frozenset({10002})
TOO_MANY: Final = frozenset({10006, 10018, 10429})
NOT_MODIFIED: Final = 110043
NO_SUCH_ORDER: Final = frozenset({"-2011"})
DUPLICATE_ID: Final = frozenset({"-4116"})
WRONG_POSITION_MODE: Final = "-4061"
HOUSE_CODES: Final = {
    10014: "-4116",
    110072: "-4116",
    110001: "-2011",
    110008: "-2011",
    110010: "-2011",
    110092: "-2021",
    110093: "-2021",
    110017: "-2022",
    110004: "-2019",
    110007: "-2019",
    110012: "-2019",
    110045: "-2019",
    110009: "-4045",
}
"""Refusals the house acts on, by its own words for them, which are Binance's numbers."""


def rest_url(mode: Mode, override: str, site: Site = "testnet") -> str:
    """Return the origin of the REST interface; paper has none of its own.

    Raises:
        ConfigInvalid: paper mode without the embedded venue's address.
    """
    if mode == "paper" and not override:
        raise ConfigInvalid("venue: paper mode needs the embedded venue's base_url")
    if mode == "paper":
        return override.rstrip("/")
    return _REST["live" if mode == "live" else site]


def ws_url(mode: Mode, override: str, base_url: str) -> str:
    """Return the origin of the private stream (for paper: the override, or the REST twin)."""
    if mode != "paper":
        site = next(name for name, origin in _REST.items() if origin == base_url)
        return _PRIVATE[site]
    return stream_origin(override or base_url)


def public_ws_url(mode: Mode, override: str, base_url: str) -> str:
    """Return the origin of the public streams."""
    if mode == "paper":
        return ws_url(mode, override, base_url)
    return _PUBLIC[next(name for name, origin in _REST.items() if origin == base_url)]


def venue_id(symbol: str) -> str:
    """Return Bybit's name of a unified symbol ("BTC/USDT:USDT" -> "BTCUSDT").

    Raises:
        ConfigInvalid: not a linear USDT perpetual.
    """
    pair, colon, settle = symbol.partition(":")
    base, slash, quote = pair.partition("/")
    if not (base and slash and colon and quote == settle == SETTLE):
        raise ConfigInvalid(f"symbol {symbol!r}: only linear USDT perpetuals like BTC/USDT:USDT")
    return f"{base}{quote}"


contract_of = for_requests(venue_id)
"""Bybit's name of a symbol in a request."""


def unified(contract: str) -> str:
    """Return the unified symbol of a contract id ("BTCUSDT" -> "BTC/USDT:USDT").

    Raises:
        VenueDataInvalid: the id is not one of a USDT perpetual.
    """
    base = contract.removesuffix(SETTLE)
    if not base or base == contract or not contract.isalnum():
        raise VenueDataInvalid(f"contract {contract[:40]!r}: only USDT perpetuals are supported")
    return f"{base}/{SETTLE}:{SETTLE}"
