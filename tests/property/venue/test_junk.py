"""Whatever comes over the wire: a believable event or VenueDataInvalid, never a crash or a NaN."""

import json
import math
from collections.abc import Callable
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.account import MarginMode
from bot.domain.errors import VenueDataInvalid, VenueError
from bot.venue.binance import parse, parse_market
from bot.venue.binance.parse_user import news
from bot.venue.errors import error_of_reply, reply_of
from bot.venue.funding_info import funding_intervals_s
from bot.venue.reader import PublicReader
from bot.venue.streams import bybit, hyperliquid, okx

BTC = "BTC/USDT:USDT"
MS = 1_795_000_000_000

NUMBERS = st.one_of(
    st.sampled_from(["NaN", "inf", "-inf", "-1", "0", "1e400", "1e-400", "", " ", "0x10", "1_0"]),
    st.floats().map(repr),
    st.integers().map(str),
    st.decimals(allow_nan=False, allow_infinity=False).map(str),
)
WORDS = st.sampled_from([
    "BTCUSDT", "BTCUSDC", "BUY", "SELL", "BOTH", "LONG", "SHORT", "NEW", "FILLED", "TRADE",
    "MARKET", "LIMIT", "STOP_MARKET", "MARK_PRICE", "USDT", "isolated", "cross", "true", "bw1",
    "ORDER_TRADE_UPDATE", "ALGO_UPDATE", "ACCOUNT_UPDATE", "aggTrade", "forceOrder",
])  # fmt: skip
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), NUMBERS, WORDS,
    st.just(MS),
)  # fmt: skip
KEYS = st.sampled_from([
    "e", "E", "T", "s", "S", "p", "q", "a", "b", "A", "B", "P", "i", "r", "m", "o", "x", "X", "z",
    "l", "L", "ap", "ps", "pa", "ep", "mt", "iw", "wb", "bc", "c", "t", "R", "cp", "rp", "n", "N",
    "wt", "tp", "aq", "caid", "aid", "data", "error", "code", "id", "topic", "arg", "v",
])  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=8),
    max_leaves=20,
)

SOUND_PUBLIC: list[dict[str, object]] = [
    {"e": "aggTrade", "E": MS, "a": 5, "s": "BTCUSDT", "p": "80000", "q": "1", "T": MS, "m": True},
    {"e": "markPriceUpdate", "E": MS, "s": "BTCUSDT", "p": "80000", "i": "80000", "r": "0.0001",
     "T": MS},
    {"e": "bookTicker", "E": MS, "s": "BTCUSDT", "b": "79999", "B": "1", "a": "80000", "A": "1"},
    {"e": "forceOrder", "E": MS, "o": {"s": "BTCUSDT", "S": "SELL", "z": "1", "ap": "79000",
                                       "T": MS}},
]  # fmt: skip
SOUND_PRIVATE: list[dict[str, object]] = [
    {"e": "ORDER_TRADE_UPDATE", "T": MS, "o": {
        "s": "BTCUSDT", "c": "bw1", "S": "SELL", "o": "MARKET", "q": "1", "p": "0", "ap": "80000",
        "x": "TRADE", "X": "FILLED", "i": 8, "l": "1", "z": "1", "L": "80000", "n": "1",
        "N": "USDT", "t": 42, "m": False, "R": True, "ps": "BOTH", "cp": False, "rp": "0"}},
    {"e": "ALGO_UPDATE", "T": MS, "o": {
        "caid": "bw2", "aid": 21, "o": "STOP_MARKET", "s": "BTCUSDT", "S": "SELL", "ps": "BOTH",
        "q": "1", "X": "NEW", "ap": "0", "aq": "0", "tp": "70000", "p": "0", "wt": "MARK_PRICE",
        "cp": False, "R": True, "rm": ""}},
    {"e": "ACCOUNT_UPDATE", "T": MS, "a": {"m": "ORDER",
        "B": [{"a": "USDT", "wb": "1", "bc": "0"}],
        "P": [{"s": "BTCUSDT", "pa": "1", "ep": "80000", "mt": "isolated", "iw": "5",
               "ps": "BOTH"}]}},
]  # fmt: skip


def broken(sound: list[dict[str, object]]) -> st.SearchStrategy[dict[str, object]]:
    """A sound message with one field, at any depth, replaced or taken away."""

    @st.composite
    def make(draw: st.DrawFn) -> dict[str, object]:
        message = json.loads(json.dumps(draw(st.sampled_from(sound))))
        place: object = message
        while True:
            items = place if isinstance(place, dict) else dict(enumerate(place))
            key = draw(st.sampled_from(list(items)))
            inner = items[key]
            if not (isinstance(inner, dict | list) and inner and draw(st.booleans())):
                break
            place = inner
        if draw(st.booleans()) and isinstance(place, dict):
            del place[key]
        else:
            place[key] = draw(SCALARS | VALUES)
        return message

    return make()


def check_numbers(value: object) -> None:
    """No NaN, no infinity, wherever it hides."""
    for item in walk(msgspec.to_builtins(value, builtin_types=(Decimal,))):
        if isinstance(item, float):
            assert math.isfinite(item)
        if isinstance(item, Decimal):
            assert item.is_finite()


def walk(value: object) -> list[object]:
    if isinstance(value, dict):
        return [leaf for inner in value.values() for leaf in walk(inner)]
    if isinstance(value, list | tuple):
        return [leaf for inner in value for leaf in walk(inner)]
    return [value]


def read_public(raw: bytes | str) -> None:
    reader = PublicReader([BTC])
    reader.connected()
    try:
        events = reader.read(raw, 1)
    except VenueDataInvalid:
        return
    for event in events:
        check_numbers(event)
        prices = [getattr(event, name, 1.0) for name in ("last", "mark", "bid", "ask", "price")]
        assert all(price > 0.0 for price in prices)
        assert event.event_ns > 10**18


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_bytes_on_a_public_socket(raw: bytes) -> None:
    read_public(raw)


@given(broken(SOUND_PUBLIC))
def test_broken_public_frames(message: dict[str, object]) -> None:
    read_public(json.dumps(message))


@given(VALUES)
def test_any_json_on_a_public_socket(message: object) -> None:
    read_public(json.dumps(message))


def read_private(message: object) -> None:
    try:
        said = news(message, 1, lambda _symbol, _maker: None, {})
    except VenueDataInvalid:
        return
    for event in said.events:
        check_numbers(event)


@given(broken(SOUND_PRIVATE))
def test_broken_private_messages(message: dict[str, object]) -> None:
    read_private(message)


@given(VALUES)
def test_any_json_on_the_private_socket(message: object) -> None:
    read_private(message)


def test_the_sound_messages_are_sound() -> None:
    for message in SOUND_PUBLIC:
        reader = PublicReader([BTC])
        reader.connected()
        assert reader.read(json.dumps(message), 1)
    for message in SOUND_PRIVATE:
        assert news(message, 1, lambda _symbol, _maker: None, {}).events


BRACKET = {"notionalFloor": 0, "notionalCap": 50000, "maintMarginRatio": 0.004, "cum": 0.0,
           "initialLeverage": 125}  # fmt: skip
FILTERS = [
    {"filterType": "PRICE_FILTER", "tickSize": "0.10"},
    {"filterType": "LOT_SIZE", "stepSize": "0.001", "minQty": "0.001", "maxQty": "1000"},
    {"filterType": "MARKET_LOT_SIZE", "stepSize": "0.001", "minQty": "0.001", "maxQty": "120"},
    {"filterType": "MIN_NOTIONAL", "notional": "100"},
    {"filterType": "MAX_NUM_ALGO_ORDERS", "limit": 10},
]
ORDER = {"orderId": 17, "clientOrderId": "bw1", "symbol": "BTCUSDT", "status": "NEW",
         "type": "LIMIT", "side": "BUY", "positionSide": "BOTH", "reduceOnly": False,
         "closePosition": False, "price": "75000", "avgPrice": "0", "origQty": "0.1",
         "executedQty": "0.04", "updateTime": MS}  # fmt: skip
ALGO = {"algoId": 9, "clientAlgoId": "bw2", "symbol": "BTCUSDT", "algoStatus": "NEW",
        "orderType": "STOP_MARKET", "side": "SELL", "positionSide": "BOTH", "reduceOnly": True,
        "closePosition": False, "price": "0", "triggerPrice": "70000", "quantity": "0.1",
        "workingType": "MARK_PRICE", "updateTime": MS}  # fmt: skip
LEG = {"symbol": "BTCUSDT", "positionSide": "BOTH", "positionAmt": "-0.25", "entryPrice": "80000",
       "liquidationPrice": "0", "isolatedWallet": "1", "marginAsset": "USDT", "adl": 2,
       "updateTime": MS}  # fmt: skip
INCOME = {"tranId": 5, "incomeType": "TRANSFER", "asset": "USDT", "income": "-3.5", "time": MS,
          "symbol": "BTCUSDT", "info": "x"}  # fmt: skip
CONTRACT = {"symbol": "BTCUSDT", "contractType": "PERPETUAL", "marginAsset": "USDT",
            "baseAsset": "BTC", "quoteAsset": "USDT", "filters": FILTERS, "brackets": [BRACKET],
            "makerCommissionRate": "0.0002", "takerCommissionRate": "0.0005"}  # fmt: skip
Reader = Callable[[dict[str, object]], object]
ROWS: list[tuple[Reader, dict[str, object]]] = [
    (parse.order, ORDER),
    (parse.algo, ALGO),
    (parse.income, INCOME),
    (lambda row: parse.position(row, {BTC: MarginMode.ISOLATED}, {}), LEG),
    (parse.wallet_usd, {"totalWalletBalance": "5", "assets": [
        {"asset": "USDT", "walletBalance": "5"}, {"asset": "BNB", "walletBalance": "1"}]}),
    (lambda row: parse.symbol_settings([row]),
     {"symbol": "BTCUSDT", "marginType": "CROSSED", "leverage": 5}),
    (lambda row: parse_market.instrument(row, row.get("brackets"), row), CONTRACT),
    (lambda row: parse_market.candles(
        row["rows"], BTC, 60, venue_now_ns=MS * 10**7, received_ns=1),
     {"rows": [[MS, "10", "12", "9", "11", "5", MS + 1], [MS + 60_000, "10", "12", "9", "11", "5",
                                                        MS + 1]]}),
    (lambda row: parse_market.open_interest(row, BTC, 1), {"openInterest": "5", "time": MS}),
    (lambda row: funding_intervals_s([row]),
     {"symbol": "BTCUSDT", "fundingIntervalHours": 4}),
]  # fmt: skip


@pytest.mark.parametrize(("read", "sound"), ROWS)
@settings(max_examples=60)
@given(data=st.data())
def test_a_broken_row_is_read_or_refused(
    read: Reader, sound: dict[str, object], data: st.DataObject
) -> None:
    assert read(sound) is not None
    row = data.draw(broken([sound]))
    if "rows" in sound and not isinstance(row.get("rows"), list):
        return  # the caller has made sure of the array
    try:
        found = read(row)
    except VenueDataInvalid:
        return
    check_numbers(found)


@pytest.mark.parametrize("decode", [bybit.decode, okx.decode, hyperliquid.decode])
@given(raw=st.binary(max_size=200) | VALUES.map(lambda value: json.dumps(value).encode()))
def test_frames_of_other_venues(decode: Callable[[bytes], object], raw: bytes) -> None:
    try:
        found = decode(raw)
    except VenueDataInvalid:
        return
    check_numbers(found)


@given(
    st.integers(100, 599),
    st.dictionaries(st.sampled_from(["Retry-After", "retry-after", "X"]), NUMBERS, max_size=2),
    VALUES | st.fixed_dictionaries({"code": SCALARS, "msg": SCALARS}),
    st.booleans(),
)
def test_every_answer_is_a_success_or_one_of_our_errors(
    status: int, headers: dict[str, str], body: object, acts: bool
) -> None:
    reply = reply_of(status, headers, json.dumps(body), body)
    if reply is None:
        assert status < 400
        assert isinstance(body, dict | list)
        return
    error = error_of_reply(reply, acts=acts, now_ns=MS * 10**6)
    assert isinstance(error, VenueError)
    wait_s = getattr(error, "retry_after_s", 0.0)
    assert math.isfinite(wait_s)
    assert wait_s >= 0.0
