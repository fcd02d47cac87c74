"""What OKX calls things (USDT-margined swaps): hosts, endpoints, states, and its numbers.

Quantities are in contracts. A client id may hold letters and digits alone: our dashes travel as Z.
The demo account lives on the live host: there a header alone tells play from real money.

What the venue cannot do here: modes that mix collateral (a margin that this house cannot compute)
are refused; its dead man's switch (cancel-all-after) is not used.
"""

from typing import Final

from bot.domain.account import MarginMode
from bot.domain.errors import ConfigInvalid, VenueDataInvalid, VenueRefused
from bot.domain.orders import OrderSide, OrderStatus, PositionSide, TimeInForce, TriggerBy
from bot.venue.doors import Mode
from bot.venue.endpoint import Endpoint
from bot.venue.wording import for_requests, stream_origin

NAME: Final = "okx"
SETTLE: Final = "USDT"
DASH: Final = "Z"
REQUESTS_PER_2S: Final = 20
"""The tightest of the limits by endpoint stands for all."""
ORDERS_PER_2S: Final = 60
PAGE_MAX: Final = 100
BARS_MAX: Final = 300
DEMO_HEADER: Final = "x-simulated-trading"

TIME: Final = Endpoint("publicGetPublicTime")
INSTRUMENTS: Final = Endpoint("publicGetPublicInstruments")
TIERS: Final = Endpoint("publicGetPublicPositionTiers")
OPEN_INTEREST: Final = Endpoint("publicGetPublicOpenInterest")
MARK: Final = Endpoint("publicGetPublicMarkPrice")
BARS: Final = Endpoint("publicGetMarketHistoryCandles")
CONFIG: Final = Endpoint("privateGetAccountConfig")
BALANCE: Final = Endpoint("privateGetAccountBalance")
POSITIONS: Final = Endpoint("privateGetAccountPositions")
LEVERAGE: Final = Endpoint("privateGetAccountLeverageInfo")
FEES: Final = Endpoint("privateGetAccountTradeFee")
BILLS: Final = Endpoint("privateGetAccountBills")
OPEN_ORDERS: Final = Endpoint("privateGetTradeOrdersPending")
OPEN_ALGOS: Final = Endpoint("privateGetTradeOrdersAlgoPending")
GET_ORDER: Final = Endpoint("privateGetTradeOrder")
GET_ALGO: Final = Endpoint("privateGetTradeOrderAlgo")
FILLS: Final = Endpoint("privateGetTradeFills")
PLACE: Final = Endpoint("privatePostTradeOrder", 1, acts=True, places=True)
PLACE_ALGO: Final = Endpoint("privatePostTradeOrderAlgo", 1, acts=True, places=True)
CANCEL: Final = Endpoint("privatePostTradeCancelOrder", 1, acts=True)
CANCEL_ALGO: Final = Endpoint("cancel_one_algo", 1, acts=True)
SET_LEVERAGE: Final = Endpoint("privatePostAccountSetLeverage", 1, acts=True)
ADD_MARGIN: Final = Endpoint("privatePostAccountPositionMarginBalance", 1, acts=True)

_REST: Final = "https://www.okx.com"
_WS: Final = {"testnet": "wss://wspap.okx.com:8443", "live": "wss://ws.okx.com:8443"}
PUBLIC_PATH: Final = "/ws/v5/public"
PRIVATE_PATH: Final = "/ws/v5/private"
BUSINESS_PATH: Final = "/ws/v5/business"

SIDES: Final = {"BUY": OrderSide.BUY, "SELL": OrderSide.SELL}
SIDE_WORDS: Final = {OrderSide.BUY: "buy", OrderSide.SELL: "sell"}
LEGS: Final = {"NET": None, "": None, "LONG": PositionSide.LONG, "SHORT": PositionSide.SHORT}
LEG_WORDS: Final = {PositionSide.LONG: "long", PositionSide.SHORT: "short"}
MARGIN_MODES: Final = {"CROSS": MarginMode.CROSS, "ISOLATED": MarginMode.ISOLATED}
MODE_WORDS: Final = {MarginMode.CROSS: "cross", MarginMode.ISOLATED: "isolated"}
POSITION_MODES: Final = {"NET_MODE": False, "LONG_SHORT_MODE": True}
SINGLE_LEVEL: Final = "2"
"""Account level whose margin is that of one coin (futures mode)."""
STATUSES: Final = {
    "LIVE": OrderStatus.WORKING,
    "PARTIALLY_FILLED": OrderStatus.WORKING,
    "FILLED": OrderStatus.FILLED,
    "CANCELED": OrderStatus.CANCELLED,
    "MMP_CANCELED": OrderStatus.CANCELLED,
}
ALGO_STATUSES: Final = {
    "LIVE": OrderStatus.WORKING,
    "PAUSE": OrderStatus.WORKING,
    "PARTIALLY_EFFECTIVE": OrderStatus.TRIGGERING,
    "EFFECTIVE": OrderStatus.TRIGGERING,
    "CANCELED": OrderStatus.CANCELLED,
    "ORDER_FAILED": OrderStatus.REJECTED,
    "PARTIALLY_FAILED": OrderStatus.REJECTED,
}
MARKET_WORDS: Final = frozenset({"market", "optimal_limit_ioc"})
TRIGGERS: Final = {"MARK": TriggerBy.MARK, "LAST": TriggerBy.LAST, "INDEX": TriggerBy.INDEX}
TRIGGER_WORDS: Final = {price: word.lower() for word, price in TRIGGERS.items()}
LIVES: Final = {
    TimeInForce.GTC: "limit",
    TimeInForce.IOC: "ioc",
    TimeInForce.FOK: "fok",
    TimeInForce.GTX: "post_only",
}
INTERVALS: Final = {
    60: "1m", 180: "3m", 300: "5m", 900: "15m", 1800: "30m", 3600: "1H", 7200: "2H",
    14400: "4H", 21600: "6Hutc", 43200: "12Hutc", 86400: "1Dutc",
}  # fmt: skip
FORCED: Final = frozenset({"full_liquidation", "partial_liquidation"})
ADL: Final = "adl"
FORCED_BILLS: Final = frozenset({"100", "101", "102", "103", "104", "105", "106", "107", "108"})
ADL_BILLS: Final = frozenset({"125", "126", "127", "128"})
CAUSES: Final = {
    "filled": "ORDER",
    "liquidation": "ORDER",
    "adl": "ORDER",
    "funding_fee": "FUNDING_FEE",
    "adjust_margin": "MARGIN_TRANSFER",
}
TRANSFERRED: Final = "transferred"
SNAPSHOT: Final = "snapshot"

CLOCK_APART: Final = frozenset({50102, 50112})
OUTCOME_UNKNOWN: Final = frozenset({50001, 50004, 50013, 50026})
TOO_MANY: Final = frozenset({50011, 50040, 50061})
NO_SUCH_ORDER: Final = frozenset({51603, 51400, 51401, 51402, 51509})
HOUSE_CODES: Final = {
    51280: "-2021", 51279: "-2021", 51278: "-2021", 51277: "-2021", 51276: "-2021",
    51169: "-2022", 51112: "-2022", 51113: "-2022",
    51008: "-2019", 51131: "-2019",
    51016: "-4116", 51065: "-20132",
    51001: "-1121", 51020: "-4164", 51004: "-2027",
    51400: "-2011", 51401: "-2011", 51402: "-2011", 51603: "-2013",
}  # fmt: skip
"""Where the kernel acts on a meaning, the house's number for it."""


def rest_url(mode: Mode, override: str) -> str:
    """Return the origin of the REST interface; paper has none of its own.

    Raises:
        ConfigInvalid: paper mode without the embedded venue's address.
    """
    if mode == "paper" and not override:
        raise ConfigInvalid("venue: paper mode needs the embedded venue's base_url")
    return override.rstrip("/") if mode == "paper" else _REST


def ws_url(mode: Mode, override: str, base_url: str) -> str:
    """Return the origin of the streams."""
    if mode != "paper":
        return _WS[mode]
    return stream_origin(override or base_url)


def venue_id(symbol: str) -> str:
    """Return OKX's name of a symbol ("BTC/USDT:USDT" -> "BTC-USDT-SWAP").

    Raises:
        ConfigInvalid: not a linear USDT contract.
    """
    pair, _, settle = symbol.partition(":")
    base, _, quote = pair.partition("/")
    if not base.isalnum() or quote != SETTLE or settle != SETTLE:
        raise ConfigInvalid(f"symbol {symbol!r}: only linear USDT contracts like BTC/USDT:USDT")
    return f"{base}-{SETTLE}-SWAP"


contract_of = for_requests(venue_id)
"""OKX's name of a symbol in a request."""


def unified(contract: str) -> str:
    """Return the symbol of a contract.

    Raises:
        VenueDataInvalid: it is no USDT-margined swap.
    """
    base, quote, kind, *rest = (*contract.split("-"), "", "", "")
    if quote != SETTLE or kind != "SWAP" or any(rest):
        raise VenueDataInvalid(f"contract {contract[:40]!r}: only USDT-margined swaps")
    return f"{base}/{SETTLE}:{SETTLE}"


def sent_id(client_order_id: str) -> str:
    """Return a client id as the venue takes it.

    Raises:
        VenueRefused: it cannot be carried (code CLIENT_ID); nothing was sent.
    """
    word = client_order_id.replace("-", DASH)
    if DASH in client_order_id or not (word.isascii() and word.isalnum()) or len(word) > 32:
        raise VenueRefused(
            f"client id {client_order_id[:40]!r}: letters, digits and dashes, 32 at most",
            code="CLIENT_ID",
        )
    return word


def own_id(word: str, number: str) -> str:
    """Return the client id of an order; one without is called by its number."""
    if not word:
        return f"oid-{number}"
    return word.replace(DASH, "-") if word.startswith("bw") else word
