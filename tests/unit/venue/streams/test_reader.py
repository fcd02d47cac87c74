"""The sense reader: units into coins, fragments into whole rates, repeats and holes noticed."""

import json
from copy import deepcopy

import pytest

from bot.domain.errors import VenueDataInvalid
from bot.domain.market import FeedStatus, FundingRate, Liquidation, OpenInterest
from bot.domain.messages import Event
from bot.domain.orders import PositionSide
from bot.venue.feeds.contracts import Contract
from bot.venue.feeds.reader import SenseReader
from bot.venue.proof.fuzz_frames import MS, SOUND
from bot.venue.streams import bybit, hyperliquid, okx

BTC = "BTC/USDT:USDT"
NS = MS * 10**6
NOW = NS + 10**9
DECODE = {"bybit": bybit.decode, "okx": okx.decode, "hyperliquid": hyperliquid.decode}
CONTRACTS = {
    "bybit": Contract(symbol=BTC, venue_id="BTCUSDT", interval_s=28_800),
    "okx": Contract(symbol=BTC, venue_id="BTC-USDT-SWAP", qty_factor=0.01),
    "hyperliquid": Contract(symbol=BTC, venue_id="BTC", interval_s=3_600),
}


def reader_of(venue: str, contract: Contract | None = None) -> SenseReader:
    made = SenseReader(venue, DECODE[venue], [contract or CONTRACTS[venue]])
    made.connected()
    return made


def frame(venue: str, mark: str) -> dict:
    return deepcopy(next(item for item in SOUND[venue] if mark in json.dumps(item)))


def tell(reader: SenseReader, *frames: object, now_ns: int = NOW) -> list[Event]:
    return [event for item in frames for event in reader.read(json.dumps(item), now_ns)]


@pytest.mark.parametrize("venue", DECODE)
def test_a_sensed_venue_never_speaks_for_the_traded_price(venue: str) -> None:
    events = tell(reader_of(venue), *SOUND[venue])
    assert {type(event) for event in events} <= {
        FundingRate, OpenInterest, Liquidation, FeedStatus,
    }  # fmt: skip
    told = [event for event in events if not isinstance(event, FeedStatus)]
    assert {event.venue for event in told} == {venue}
    assert {event.symbol for event in told} == {BTC}


def test_contracts_become_coins() -> None:
    interest = tell(reader_of("okx"), frame("okx", "open-interest"))
    forced = tell(reader_of("okx"), frame("okx", "liquidation-orders"))
    assert [event.qty for event in interest] == [pytest.approx(22161.1301)]
    assert [(event.side, event.qty, event.price) for event in forced] == [
        (PositionSide.LONG, pytest.approx(0.13), 79000.5),
        (PositionSide.SHORT, pytest.approx(21.37), 81000.5),
    ]


def test_a_contract_size_that_changed_is_noticed() -> None:
    stale = Contract(symbol=BTC, venue_id="BTC-USDT-SWAP", qty_factor=0.1)
    with pytest.raises(VenueDataInvalid, match="size has changed"):
        tell(reader_of("okx", stale), frame("okx", "open-interest"))


def test_coins_folded_by_thousands_keep_their_value() -> None:
    pepe = Contract(
        symbol="1000PEPE/USDT:USDT", venue_id="BTC-USDT-SWAP",
        qty_factor=10_000_000 / 1000, price_factor=1000.0,
    )  # fmt: skip
    (first, _) = tell(reader_of("okx", pepe), frame("okx", "liquidation-orders"))
    assert first.qty * first.price == pytest.approx(13 * 10_000_000 * 79000.5)


def test_funding_is_whole_or_not_told() -> None:
    unlisted = Contract(symbol=BTC, venue_id="BTCUSDT")
    snapshot = frame("bybit", '"snapshot", "cs"')
    del snapshot["data"]["fundingIntervalHour"]
    assert not [e for e in tell(reader_of("bybit", unlisted), snapshot)
                if isinstance(e, FundingRate)]  # fmt: skip
    (rate,) = [e for e in tell(reader_of("bybit"), snapshot) if isinstance(e, FundingRate)]
    assert rate.interval_s == 28_800


def rates(events: list[Event]) -> list[FundingRate]:
    return [event for event in events if isinstance(event, FundingRate)]


def test_a_delta_completes_what_the_snapshot_began() -> None:
    reader = reader_of("bybit")
    tell(reader, frame("bybit", '"snapshot", "cs"'))
    changed = {"topic": "tickers.BTCUSDT", "type": "delta", "ts": MS + 9_000,
               "data": {"symbol": "BTCUSDT", "fundingRate": "0.0003"}}  # fmt: skip
    (rate,) = rates(tell(reader, changed, now_ns=NOW + 9 * 10**9))
    assert (rate.rate_frac, rate.interval_s, rate.next_ns) == (0.0003, 28_800, NS + 3_200 * 10**9)


def test_fragments_of_a_connection_that_ended_are_no_base() -> None:
    reader = reader_of("bybit")
    tell(reader, frame("bybit", '"snapshot", "cs"'))
    reader.connected()
    lonely = {"topic": "tickers.BTCUSDT", "type": "delta", "ts": MS + 9_000,
              "data": {"symbol": "BTCUSDT", "nextFundingTime": str(MS + 9_000_000)}}  # fmt: skip
    assert rates(tell(reader, lonely)) == []


def test_an_interval_that_shortens_is_learned_from_its_steps() -> None:
    reader = reader_of("bybit")
    snapshot = frame("bybit", '"snapshot", "cs"')
    del snapshot["data"]["fundingIntervalHour"]
    tell(reader, snapshot)
    moved = {"topic": "tickers.BTCUSDT", "type": "delta", "ts": MS + 3_201_000,
             "data": {"symbol": "BTCUSDT", "nextFundingTime": str(MS + 6_800_000)}}  # fmt: skip
    (rate,) = rates(tell(reader, moved, now_ns=NOW + 3_300 * 10**9))
    assert rate.interval_s == 3_600


def at(ms: int, **fields: str) -> dict:
    return {"topic": "tickers.BTCUSDT", "type": "delta", "ts": ms,
            "data": {"symbol": "BTCUSDT", **fields}}  # fmt: skip


def test_what_changes_is_told_every_five_seconds_what_does_not_every_minute() -> None:
    reader = reader_of("bybit")
    assert len(tell(reader, at(MS, openInterest="10"))) == 1
    assert tell(reader, at(MS + 4_000, openInterest="11"), now_ns=NOW * 2) == []
    assert len(tell(reader, at(MS + 5_000, openInterest="12"), now_ns=NOW * 2)) == 1
    assert tell(reader, at(MS + 64_000, openInterest="12"), now_ns=NOW * 2) == []
    assert len(tell(reader, at(MS + 65_000, openInterest="12"), now_ns=NOW * 2)) == 1


def test_late_and_repeated_frames_change_nothing() -> None:
    reader = reader_of("bybit")
    newest = at(MS + 9_000, openInterest="10", markPrice="80000", fundingRate="0.0001")
    tell(reader, newest, now_ns=NOW + 9 * 10**9)
    assert tell(reader, at(MS, openInterest="99", markPrice="1", fundingRate="0.1")) == []
    (flow,) = reader.take_flows()
    assert (flow.mark, flow.event_ns) == (80_000.0, NS + 9 * 10**9)


def test_a_liquidation_told_again_is_dropped_and_twins_of_one_frame_are_two() -> None:
    reader = reader_of("bybit")
    message = frame("bybit", "allLiquidation")
    message["data"].append(dict(message["data"][0]))
    assert len(tell(reader, message)) == 3
    assert tell(reader, message) == []
    assert reader.repeats == 3
    message["data"] = [message["data"][0] | {"v": "0.004"}]
    assert len(tell(reader, message)) == 1


def okx_trade(number: int, count: int = 1) -> dict:
    message = frame("okx", '"trades"')
    message["data"][0] |= {"tradeId": str(number), "count": str(count), "ts": str(MS + number)}
    return message


def test_a_hole_in_the_trade_ids_is_remarked() -> None:
    reader = reader_of("okx")
    assert tell(reader, okx_trade(100), okx_trade(103, 3)) == []
    (remark,) = tell(reader, okx_trade(110, 2))
    assert isinstance(remark, FeedStatus)
    assert (remark.stream, remark.symbol, remark.live) == ("okx.market", BTC, True)
    assert "5 trades missing" in remark.reason
    assert tell(reader, okx_trade(110, 2)) == []
    assert (reader.gaps, reader.repeats) == (1, 1)


def test_a_count_that_restarts_with_a_connection_is_taken() -> None:
    reader = reader_of("okx")
    tell(reader, okx_trade(500))
    reader.connected()
    tell(reader, okx_trade(3), okx_trade(4))
    (flow,) = reader.take_flows()
    assert flow.count == 3


def test_trades_fold_into_one_flow_and_are_taken_once() -> None:
    reader = reader_of("bybit")
    tell(reader, frame("bybit", "publicTrade"), frame("bybit", '"snapshot", "cs"'))
    (flow,) = reader.take_flows()
    assert (flow.count, flow.qty, flow.buy_qty) == (2, 0.5, 0.125)
    assert (flow.low, flow.high, flow.last) == (80000.1, 80000.2, 80000.2)
    assert (flow.mark, flow.index) == (80010.33, 80020.44)
    (after,) = reader.take_flows()
    assert (after.count, after.qty, after.last, after.mark) == (0, 0.0, 80000.2, 80010.33)


def test_a_connection_begins_with_trades_that_were_told_before() -> None:
    reader = reader_of("hyperliquid")
    message = frame("hyperliquid", '"trades"')
    tell(reader, message)
    reader.connected()
    tell(reader, message)
    (flow,) = reader.take_flows()
    assert flow.count == 2
    assert reader.repeats == 2


def test_state_without_time_waits_for_one() -> None:
    reader = reader_of("hyperliquid")
    state, top = frame("hyperliquid", "activeAssetCtx"), frame("hyperliquid", "bbo")
    assert tell(reader, state) == []
    assert reader.told_ns(BTC) is None
    rate, interest = tell(reader, top, state)
    assert rate.event_ns == interest.event_ns == reader.told_ns(BTC) == NS + 10**6
    assert (rate.interval_s, rate.next_ns % (3_600 * 10**9)) == (3_600, 0)
    assert rate.event_ns < rate.next_ns <= rate.event_ns + 3_600 * 10**9


def test_a_time_to_come_cannot_make_a_dead_stream_look_fresh() -> None:
    reader = reader_of("bybit")
    with pytest.raises(VenueDataInvalid, match="not come"):
        tell(reader, at(MS + 70_000, markPrice="80000"))
    assert reader.told_ns(BTC) is None


def test_contracts_not_listed_say_nothing() -> None:
    reader = reader_of("bybit")
    reader.learn([])
    assert tell(reader, *SOUND["bybit"]) == []
