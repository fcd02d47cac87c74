"""Whatever Bybit's topics and answers hold: an event to believe or VenueDataInvalid."""

import json

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.account import MarginMode
from bot.domain.errors import VenueDataInvalid, VenueError
from bot.venue.bybit import parse, parse_market
from bot.venue.bybit.answers import error_of_reply, reply_of
from bot.venue.bybit.news import BybitNews
from bot.venue.bybit.public import BybitMarket
from tests.property.venue.test_junk import BTC, SCALARS, VALUES, broken, check_numbers
from tests.unit.venue.bybit.rows import (
    MS,
    execution_row,
    leg_row,
    order_row,
    stop_row,
    told,
    wallet_row,
)

PRIVATE = [
    told("order", order_row()),
    told("order", stop_row()),
    told("execution", execution_row()),
    told("position", leg_row()),
    told("wallet", wallet_row()),
]
AT = int(MS)
PUBLIC: list[dict[str, object]] = [
    {"topic": "publicTrade.BTCUSDT", "type": "snapshot", "ts": AT, "data": [
        {"T": AT, "s": "BTCUSDT", "S": "Buy", "v": "0.1", "p": "80000", "i": "1"}]},
    {"topic": "tickers.BTCUSDT", "type": "snapshot", "ts": AT, "data": {
        "symbol": "BTCUSDT", "markPrice": "80000", "indexPrice": "80000", "openInterest": "5",
        "fundingRate": "0.0001", "nextFundingTime": MS, "fundingIntervalHour": "8"}},
    {"topic": "orderbook.1.BTCUSDT", "type": "snapshot", "ts": AT, "data": {
        "s": "BTCUSDT", "b": [["79999", "1"]], "a": [["80001", "1"]], "u": 1}},
    {"topic": "allLiquidation.BTCUSDT", "type": "snapshot", "ts": AT, "data": [
        {"T": AT, "s": "BTCUSDT", "S": "Buy", "v": "0.1", "p": "79000"}]},
]  # fmt: skip
ROWS = [order_row(), stop_row(), leg_row(), execution_row(), wallet_row()]


def check_private(message: object) -> None:
    news = BybitNews(lambda: False, lambda: MarginMode.CROSS)
    news.connected()
    try:
        said = news.read(message, 1)
    except VenueDataInvalid:
        return
    for event in said.events:
        check_numbers(event)


@given(broken(PRIVATE) | VALUES)
def test_broken_private_messages(message: object) -> None:
    check_private(message)


def test_the_sound_ones_are_read() -> None:
    for message in PRIVATE[:4]:
        news = BybitNews(lambda: False, lambda: MarginMode.CROSS)
        assert news.read(message, 1).events
    market = BybitMarket([BTC])
    market.connected()
    assert all(market.read(json.dumps(frame), 1) for frame in PUBLIC)


@given(broken(PUBLIC) | VALUES)
def test_broken_public_frames(message: object) -> None:
    market = BybitMarket([BTC])
    market.connected()
    try:
        events = market.read(json.dumps(message), 1)
    except VenueDataInvalid:
        return
    for event in events:
        check_numbers(event)
        prices = [getattr(event, name, 1.0) for name in ("last", "mark", "bid", "ask", "price")]
        assert all(price > 0.0 for price in prices)


@given(broken(ROWS), st.sampled_from([MarginMode.CROSS, MarginMode.ISOLATED, None]))
def test_broken_rows_of_answers(row: dict[str, object], mode: MarginMode | None) -> None:
    readings = (
        parse.order, parse.income, parse.wallet_usd, lambda r: parse.position(r, mode),
        lambda r: parse_market.margin_tiers([r], "BTCUSDT"),
        lambda r: parse_market.instrument(r, [r], r),
    )  # fmt: skip
    for read in readings:
        try:
            check_numbers(read(row))
        except VenueDataInvalid:
            continue


@given(st.integers(100, 599), VALUES | st.builds(lambda c: {"retCode": c}, SCALARS), st.booleans())
def test_any_answer_is_a_success_or_an_error_of_ours(status: int, body: object, acts: bool) -> None:
    reply = reply_of(status, {}, json.dumps(body), body, AT)
    if reply is None:
        assert status < 400
        return
    assert isinstance(error_of_reply(reply, acts=acts, now_ns=0), VenueError)
