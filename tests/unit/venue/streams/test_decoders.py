"""Frames of three venues: what each field means, and what makes a frame unbelievable."""

import json
from copy import deepcopy

import pytest

from bot.domain.errors import VenueDataInvalid
from bot.domain.orders import PositionSide
from bot.venue.proof.fuzz_frames import MS, OTHER, SOUND, USER
from bot.venue.streams import bybit, hyperliquid, okx
from bot.venue.streams.told import Forced, Funding, Interest, Quote, Told, Top, Trade

NS = MS * 10**6
DECODE = {"bybit": bybit.decode, "okx": okx.decode, "hyperliquid": hyperliquid.decode}


def frame(venue: str, mark: str) -> dict:
    return deepcopy(next(item for item in SOUND[venue] if mark in json.dumps(item)))


def read(venue: str, message: object) -> tuple[Told, ...]:
    return DECODE[venue](json.dumps(message))


def test_bybit_trades_say_the_taker() -> None:
    first, second = read("bybit", frame("bybit", "publicTrade"))
    assert first == Trade("BTCUSDT", NS + 10**6, 80000.1, 0.125, True)
    assert second == Trade("BTCUSDT", NS + 2 * 10**6, 80000.2, 0.375, False)


def test_a_bybit_snapshot_tells_prices_funding_and_interest() -> None:
    at = NS + 3 * 10**6
    assert read("bybit", frame("bybit", '"snapshot", "cs"')) == (
        Quote("BTCUSDT", at, 80010.33, 80020.44),
        Funding("BTCUSDT", at, -0.000212, NS + 3_200 * 10**9, 28_800),
        Interest("BTCUSDT", at, 68744.761),
    )


def test_a_bybit_delta_tells_what_changed_and_nothing_else() -> None:
    at = NS + 4 * 10**6
    assert read("bybit", frame("bybit", "delta")) == (
        Quote("BTCUSDT", at, 80011.34, None),
        Interest("BTCUSDT", at, 68745.5),
    )


def test_bybit_names_the_side_of_the_position() -> None:
    first, second = read("bybit", frame("bybit", "allLiquidation"))
    assert first == Forced("BTCUSDT", NS + 5 * 10**6, PositionSide.LONG, 0.003, 79000.5)
    assert second.side is PositionSide.SHORT


def test_okx_trades_are_numbered_and_folded_by_the_venue() -> None:
    (trade,) = read("okx", frame("okx", '"trades"'))
    assert trade == Trade("BTC-USDT-SWAP", NS + 10**6, 80000.1, 12.04, True, 130639474, 3)


def test_okx_prices_of_index_and_mark_meet_at_the_swap() -> None:
    (mark,) = read("okx", frame("okx", "mark-price"))
    (index,) = read("okx", frame("okx", "index-tickers"))
    assert mark == Quote("BTC-USDT-SWAP", NS + 2 * 10**6, 80010.2, None)
    assert index == Quote("BTC-USDT-SWAP", NS + 3 * 10**6, None, 80020.3)


def test_okx_funding_tells_its_interval_and_what_was_settled() -> None:
    running, settled = read("okx", frame("okx", "funding-rate"))
    due = NS + 3_200 * 10**9
    assert running == Funding(
        "BTC-USDT-SWAP", NS + 4 * 10**6, 0.0001875391284828, due, 28_800, False
    )
    assert settled == Funding(
        "BTC-USDT-SWAP", due - 28_800 * 10**9, 0.0001699799259033, due, 28_800, True
    )
    message = frame("okx", "funding-rate")
    message["data"][0]["settState"] = "processing"
    assert len(read("okx", message)) == 1


def test_okx_interest_is_in_contracts_and_coins() -> None:
    (interest,) = read("okx", frame("okx", "open-interest"))
    assert interest == Interest("BTC-USDT-SWAP", NS + 5 * 10**6, 2216113.01, 22161.1301)


@pytest.mark.parametrize(
    ("pos", "order", "side"),
    [
        ("long", "sell", PositionSide.LONG),
        ("short", "buy", PositionSide.SHORT),
        ("net", "sell", PositionSide.LONG),
        ("", "buy", PositionSide.SHORT),
        ("long", "buy", PositionSide.LONG),
    ],
)
def test_okx_liquidations_go_by_the_position_then_by_the_order(
    pos: str, order: str, side: PositionSide
) -> None:
    message = frame("okx", "liquidation-orders")
    message["data"][0]["details"][0] |= {"posSide": pos, "side": order}
    first, second = read("okx", message)
    assert (first.side, second.side) == (side, PositionSide.SHORT)
    assert (first.units, second.units) == (13.0, 2137.0)


def test_hyperliquid_state_has_no_time_and_says_so() -> None:
    assert read("hyperliquid", frame("hyperliquid", "activeAssetCtx")) == (
        Quote("BTC", None, 80010.5, 80020.7),
        Funding("BTC", None, 0.0000125, None, 3600),
        Interest("BTC", None, 33688.11),
    )
    assert read("hyperliquid", frame("hyperliquid", "bbo")) == (Top("BTC", NS + 10**6),)


def test_hyperliquid_liquidations_are_those_of_a_watched_address() -> None:
    message = frame("hyperliquid", "userFills")
    fill = message["data"]["fills"][0]

    def side() -> PositionSide:
        (forced,) = read("hyperliquid", message)
        return forced.side

    assert side() is PositionSide.LONG  # it sold, and was liquidated itself
    fill["liquidation"]["liquidatedUser"] = OTHER
    assert side() is PositionSide.SHORT  # it sold to one who had to buy back
    fill["side"] = "B"
    assert side() is PositionSide.LONG
    fill["liquidation"]["liquidatedUser"] = USER.upper().replace("0X", "0x")
    assert side() is PositionSide.SHORT
    del fill["liquidation"]
    assert read("hyperliquid", message) == ()


def test_the_past_of_a_watched_address_is_not_news() -> None:
    message = frame("hyperliquid", "userFills")
    message["data"]["isSnapshot"] = True
    assert read("hyperliquid", message) == ()


@pytest.mark.parametrize(
    ("venue", "answer"),
    [
        ("bybit", {"success": True, "ret_msg": "", "conn_id": "a", "op": "subscribe"}),
        ("bybit", {"success": True, "ret_msg": "pong", "conn_id": "a", "op": "ping"}),
        ("bybit", {"topic": "orderbook.1.BTCUSDT", "ts": MS, "data": {}}),
        ("okx", {"event": "subscribe", "arg": {"channel": "trades", "instId": "X"}, "connId": "a"}),
        ("okx", {"event": "notice", "code": "64008", "msg": "the service restarts in 30 s"}),
        ("okx", {"arg": {"channel": "books5", "instId": "X"}, "data": []}),
        ("hyperliquid", {"channel": "subscriptionResponse", "data": {"method": "subscribe"}}),
        ("hyperliquid", {"channel": "pong"}),
    ],
)
def test_answers_and_other_topics_say_nothing(venue: str, answer: object) -> None:
    assert read(venue, answer) == ()


def test_an_okx_pong_says_nothing() -> None:
    assert okx.decode("pong") == okx.decode(b"pong") == ()


@pytest.mark.parametrize(
    ("venue", "answer"),
    [
        ("bybit", {"success": False, "ret_msg": "error:handler not found,topic:x", "op": ""}),
        ("okx", {"event": "error", "code": "60018", "msg": "wrong URL or channel"}),
        ("hyperliquid", {"channel": "error", "data": "Invalid subscription"}),
    ],
)
def test_a_refused_subscription_is_not_an_answer_like_any_other(venue: str, answer: object) -> None:
    with pytest.raises(VenueDataInvalid, match="refused"):
        read(venue, answer)


REQUIRED = {
    ("bybit", "publicTrade"): ("T", "s", "S", "v", "p"),
    ("bybit", "allLiquidation"): ("T", "s", "S", "v", "p"),
    ("okx", '"trades"'): ("instId", "tradeId", "px", "sz", "side", "ts"),
    ("okx", "mark-price"): ("instId", "markPx", "ts"),
    ("okx", "index-tickers"): ("instId", "idxPx", "ts"),
    ("okx", "funding-rate"): ("instId", "fundingRate", "fundingTime", "nextFundingTime", "ts"),
    ("okx", "open-interest"): ("instId", "oi", "oiCcy", "ts"),
    ("hyperliquid", '"trades"'): ("coin", "side", "px", "sz", "time"),
}


@pytest.mark.parametrize(("venue", "mark"), REQUIRED)
def test_what_is_missing_is_not_filled_in(venue: str, mark: str) -> None:
    for name in REQUIRED[venue, mark]:
        message = frame(venue, mark)
        del message["data"][0][name]
        with pytest.raises(VenueDataInvalid):
            read(venue, message)


@pytest.mark.parametrize("price", ["NaN", "inf", "-1", "0", "1e300", "", "eighty", "1_0", None])
def test_prices_that_are_none_are_refused(price: object) -> None:
    places = [
        ("bybit", "publicTrade", "p"), ("bybit", "allLiquidation", "p"),
        ("okx", '"trades"', "px"), ("okx", "mark-price", "markPx"),
        ("okx", "index-tickers", "idxPx"), ("hyperliquid", '"trades"', "px"),
    ]  # fmt: skip
    for venue, mark, name in places:
        message = frame(venue, mark)
        message["data"][0][name] = price
        with pytest.raises(VenueDataInvalid):
            read(venue, message)
    message = frame("hyperliquid", "activeAssetCtx")
    message["data"]["ctx"]["markPx"] = price
    with pytest.raises(VenueDataInvalid):
        read("hyperliquid", message)


@pytest.mark.parametrize("rate", ["NaN", "0.9", "-3", "x", "1_0"])
def test_a_funding_rate_that_cannot_be_is_refused(rate: str) -> None:
    bybit_frame, okx_frame = frame("bybit", '"snapshot", "cs"'), frame("okx", "funding-rate")
    bybit_frame["data"]["fundingRate"] = rate
    okx_frame["data"][0]["fundingRate"] = rate
    state = frame("hyperliquid", "activeAssetCtx")
    state["data"]["ctx"]["funding"] = rate
    for venue, message in (("bybit", bybit_frame), ("okx", okx_frame), ("hyperliquid", state)):
        with pytest.raises(VenueDataInvalid):
            read(venue, message)


def test_an_interval_that_no_venue_uses_is_refused() -> None:
    message = frame("bybit", '"snapshot", "cs"')
    message["data"]["fundingIntervalHour"] = "480"  # minutes, where hours are meant
    with pytest.raises(VenueDataInvalid, match="interval"):
        read("bybit", message)
    message = frame("okx", "funding-rate")
    message["data"][0]["nextFundingTime"] = message["data"][0]["fundingTime"]
    with pytest.raises(VenueDataInvalid, match="interval"):
        read("okx", message)


@pytest.mark.parametrize("depth", [2_000, 200_000])
@pytest.mark.parametrize("venue", DECODE)
def test_nesting_without_end_is_junk_like_any_other(venue: str, depth: int) -> None:
    deep = "[" * depth + "]" * depth
    raws = ('{"topic":"tickers.X","channel":"trades","data":' + deep + "}", deep, "[" * depth)
    for raw in raws:
        with pytest.raises(VenueDataInvalid):
            DECODE[venue](raw)
