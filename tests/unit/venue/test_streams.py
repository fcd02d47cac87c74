"""Public frames: recorded ones decode to the stated side and size, the reader keeps its memory."""

import json
import os
from pathlib import Path

import pytest

from bot.domain.errors import VenueDataInvalid
from bot.domain.market import (
    BookTop,
    FeedStatus,
    FundingRate,
    Liquidation,
    MarkPrice,
    TradeBucket,
)
from bot.domain.messages import Event
from bot.domain.orders import PositionSide
from bot.venue.reader import PublicReader
from bot.venue.streams import binance

BTC = "BTC/USDT:USDT"
MS = 1_795_000_000_000
SHARED = Path(os.environ.get("BREAKWATER_SHARED", Path(__file__).resolve().parents[4] / "shared"))
RECORDED = SHARED / "fixtures" / "live_liquidations" / "frames.jsonl"


def recorded() -> list[dict[str, object]]:
    return [json.loads(line) for line in RECORDED.read_text().splitlines()]


@pytest.mark.skipif(not RECORDED.exists(), reason="recorded frames are not beside the project")
def test_recorded_liquidations_decode_to_the_stated_side_and_size() -> None:
    told = 0
    for item in recorded():
        truth, raw = item.get("truth"), json.dumps(item["frame"])
        if truth is None:
            frame = binance.decode(raw)
            assert isinstance(frame, binance.AggTrade)
            assert (frame.p, frame.q) == (83434.40, 0.016)
            continue
        assert isinstance(truth, dict)
        if item["venue"] in ("okx", "bybit"):
            continue
        frame = binance.decode(raw)
        assert isinstance(frame, binance.ForceOrder)
        liquidation = binance.liquidation(frame, frame.o.s, 1)
        assert liquidation is not None
        told += 1
        assert (liquidation.side.lower(), liquidation.qty) == (truth["position"], truth["qty"])
    assert told == 3


def trade(number: int, *, price: str = "80000", maker: bool = False, s: str = "BTCUSDT") -> str:
    return json.dumps({"e": "aggTrade", "E": MS, "a": number, "s": s, "p": price, "q": "0.5",
                       "nq": "0.5", "T": MS + number, "m": maker, "st": 1})  # fmt: skip


def mark(
    at_ms: int, *, rate: str = "0.0001", due_ms: int = MS + 3_600_000, p: str = "80000"
) -> str:
    return json.dumps({"e": "markPriceUpdate", "E": at_ms, "s": "BTCUSDT", "p": p, "i": "80001",
                       "P": "0", "r": rate, "T": due_ms})  # fmt: skip


@pytest.fixture
def reader() -> PublicReader:
    made = PublicReader([BTC])
    made.connected()
    return made


def test_a_trade_is_a_bucket_of_one(reader: PublicReader) -> None:
    (bought,) = reader.read(trade(1), 5)
    (sold,) = reader.read(trade(2, maker=True), 5)
    assert isinstance(bought, TradeBucket)
    assert isinstance(sold, TradeBucket)
    assert (bought.count, bought.qty, bought.buy_qty, bought.last) == (1, 0.5, 0.5, 80_000.0)
    assert sold.buy_qty == 0.0
    assert (bought.event_ns, bought.received_ns) == ((MS + 1) * 10**6, 5)


def statuses(events: list[Event]) -> list[str]:
    return [event.reason for event in events if isinstance(event, FeedStatus)]


def test_missing_trades_are_counted_and_repeats_dropped(reader: PublicReader) -> None:
    assert statuses(reader.read(trade(10), 5)) == []
    assert reader.read(trade(10), 5) == []
    assert reader.read(trade(9), 5) == []
    told = reader.read(trade(14), 5)
    assert "3 trades missing" in statuses(told)[0]
    assert isinstance(told[1], TradeBucket)
    assert (reader.gaps, reader.repeats) == (1, 2)


def test_a_gap_over_a_reconnection_is_told_and_a_restarted_count_is_taken(
    reader: PublicReader,
) -> None:
    reader.read(trade(10), 5)
    reader.connected()
    assert "4 trades missing" in statuses(reader.read(trade(15), 5))[0]
    reader.connected()
    assert len(reader.read(trade(3), 5)) == 1
    assert len(reader.read(trade(4), 5)) == 1


def test_a_mark_brings_funding_when_it_is_news(reader: PublicReader) -> None:
    first = reader.read(mark(MS), 5)
    assert [type(event) for event in first] == [MarkPrice, FundingRate]
    rate = first[1]
    assert isinstance(rate, FundingRate)
    assert (rate.rate_frac, rate.interval_s, rate.settled, rate.next_ns) == (
        0.0001, 28_800, False, (MS + 3_600_000) * 10**6,
    )  # fmt: skip
    assert len(reader.read(mark(MS + 1000), 5)) == 1
    assert len(reader.read(mark(MS + 2000, rate="-0.0002"), 5)) == 2
    assert len(reader.read(mark(MS + 62_000, rate="-0.0002"), 5)) == 2


def test_the_funding_interval_is_listed_or_learned(reader: PublicReader) -> None:
    reader.learn_intervals({"BTCUSDT": 14_400})
    assert interval_of(reader.read(mark(MS), 5)) == 14_400
    moved = mark(MS + 3_601_000, due_ms=MS + 2 * 3_600_000)
    assert interval_of(reader.read(moved, 5)) == 3_600


def interval_of(events: list[Event]) -> int:
    return next(event.interval_s for event in events if isinstance(event, FundingRate))


def test_the_book_top_is_read_and_a_crossed_one_refused(reader: PublicReader) -> None:
    frame = {"e": "bookTicker", "u": 1, "s": "BTCUSDT", "b": "79999.9", "B": "1", "a": "80000",
             "A": "0", "T": MS, "E": MS}  # fmt: skip
    (top,) = reader.read(json.dumps(frame), 5)
    assert isinstance(top, BookTop)
    assert (top.bid, top.ask, top.ask_qty) == (79_999.9, 80_000.0, 0.0)
    with pytest.raises(VenueDataInvalid, match="crossed"):
        reader.read(json.dumps({**frame, "b": "80000.1"}), 5)


def test_a_liquidation_is_read_by_position_side_and_whole_size(reader: PublicReader) -> None:
    order = {"s": "BTCUSDT", "S": "BUY", "o": "LIMIT", "f": "IOC", "q": "2", "p": "81000",
             "ap": "80900", "X": "FILLED", "l": "0.5", "z": "2", "T": MS}  # fmt: skip
    (forced,) = reader.read(json.dumps({"e": "forceOrder", "E": MS, "o": order}), 5)
    assert isinstance(forced, Liquidation)
    assert (forced.side, forced.qty, forced.price) == (PositionSide.SHORT, 2.0, 80_900.0)
    unfilled = {**order, "z": "0", "ap": "0", "X": "NEW"}
    assert reader.read(json.dumps({"e": "forceOrder", "E": MS, "o": unfilled}), 5) == []


@pytest.mark.parametrize("price", ["NaN", "inf", "-1", "0", "1e300", "", "eighty"])
def test_prices_that_are_none_are_refused(reader: PublicReader, price: str) -> None:
    for frame in (trade(1, price=price), mark(MS, p=price)):
        with pytest.raises(VenueDataInvalid):
            reader.read(frame, 5)
    assert reader.told_ns(BTC) is None


@pytest.mark.parametrize("rate", ["NaN", "0.9", "-3", "x"])
def test_a_funding_rate_that_cannot_be_is_refused(reader: PublicReader, rate: str) -> None:
    with pytest.raises(VenueDataInvalid):
        reader.read(mark(MS, rate=rate), 5)


def test_answers_and_other_contracts_say_nothing(reader: PublicReader) -> None:
    assert reader.read('{"result":null,"id":1}', 5) == []
    assert reader.read(trade(1, s="ETHUSDT"), 5) == []
    assert reader.read('{"e":"kline","s":"BTCUSDT","k":{}}', 5) == []


def test_a_refused_subscription_is_not_an_answer_like_any_other(reader: PublicReader) -> None:
    with pytest.raises(VenueDataInvalid, match="refused"):
        reader.read('{"error":{"code":2,"msg":"Invalid request: invalid stream"},"id":1}', 5)


@pytest.mark.parametrize("depth", [2_000, 200_000])
def test_nesting_without_end_is_junk_like_any_other(reader: PublicReader, depth: int) -> None:
    deep = "[" * depth + "]" * depth
    frame = '{"e":"aggTrade","x":' + deep + ',"s":"BTCUSDT"}'
    for raw in (frame, deep, '{"data":' * depth, "[" * depth):
        with pytest.raises(VenueDataInvalid):
            reader.read(raw, 5)
