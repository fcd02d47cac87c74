"""Questions to sensed venues through ccxt: settled funding and past interest, each row once."""

import pytest

from bot.app.clock import SystemClock
from bot.domain.errors import VenueDataInvalid, VenueError, VenueRefused, VenueThrottled
from bot.domain.market import FeedStatus, FundingRate, OpenInterest
from bot.domain.messages import Event
from bot.venue.caller import Caller
from bot.venue.polls.binance import BinancePolls
from bot.venue.polls.feed import PollFeed
from bot.venue.senses import SenseRoom
from tests.fakes.embedded import embedded_venue
from tests.venue.adapter.scene import opened
from tests.venue.feeds.scene import (
    BTC,
    ETH,
    HOUR_MS,
    PEPE,
    PublicServer,
    now_ms,
    public_server,
    sensing,
)

H8 = 8 * HOUR_MS


def last_hour_ms() -> int:
    return now_ms() // HOUR_MS * HOUR_MS


def serve_funding(server: PublicServer, step_ms: int = H8, rows: int = 4) -> list[int]:
    """Settlements `step_ms` apart, newest first as Bybit and OKX tell them; their instants."""
    times = [last_hour_ms() - n * step_ms for n in range(rows)]
    server.answers |= {
        "/v5/market/funding/history": {"retCode": 0, "result": {"list": [
            {"symbol": "BTCUSDT", "fundingRate": "0.0001", "fundingRateTimestamp": str(t)}
            for t in times]}},
        "/v5/market/open-interest": {"retCode": 0, "result": {"list": [
            {"openInterest": "500", "timestamp": str(t)} for t in times]}},
        "/api/v5/public/funding-rate-history": {"code": "0", "data": [
            {"instId": "BTC-USDT-SWAP", "fundingRate": "0.9", "realizedRate": "0.0001",
             "fundingTime": str(t)} for t in times]},
        "/api/v5/rubik/stat/contracts/open-interest-history": {"code": "0", "data": [
            [str(t), "50000", "500", "40000000"] for t in times]},
        "fundingHistory": [
            {"coin": "BTC", "fundingRate": "0.0001", "premium": "0.0002", "time": t + 31}
            for t in reversed(times)],
    }  # fmt: skip
    return sorted(times)


async def asked(room: SenseRoom, times: int = 1) -> list[Event]:
    events: list[Event] = []
    for _ in range(times):
        await room.venues[0].past.once(events.append)
    return events


@pytest.mark.parametrize("venue", ["bybit", "okx", "hyperliquid"])
async def test_settlements_come_once_with_their_interval(venue: str) -> None:
    step_ms = HOUR_MS if venue == "hyperliquid" else H8
    async with public_server(venue) as server, sensing(server, symbols=(BTC,)) as room:
        instants = serve_funding(server, step_ms)
        events = await asked(room, times=2)
    paid = [event for event in events if isinstance(event, FundingRate)]
    assert [event.event_ns // 10**6 for event in paid] == instants
    assert {(e.venue, e.settled, e.rate_frac, e.interval_s) for e in paid} == {
        (venue, True, 0.0001, step_ms // 1000)
    }
    assert all(e.next_ns == e.event_ns + e.interval_s * 10**9 for e in paid)
    assert [e for e in events if isinstance(e, FeedStatus)][-1].live


@pytest.mark.parametrize("venue", ["bybit", "okx"])
async def test_past_interest_is_in_coins_oldest_first(venue: str) -> None:
    async with public_server(venue) as server, sensing(server, symbols=(BTC,)) as room:
        instants = serve_funding(server, HOUR_MS)
        events = await asked(room, times=2)
    held = [event for event in events if isinstance(event, OpenInterest)]
    assert [event.event_ns // 10**6 for event in held] == instants
    assert {event.qty for event in held} == {500.0}


async def test_an_interval_that_changed_is_told_row_by_row() -> None:
    async with public_server("bybit") as server, sensing(server, symbols=(BTC,)) as room:
        serve_funding(server)
        rows = server.answers["/v5/market/funding/history"]["result"]["list"]
        newest = int(rows[0]["fundingRateTimestamp"])
        rows[0]["fundingRateTimestamp"] = str(newest - 4 * HOUR_MS)
        events = await asked(room)
    paid = [event.interval_s for event in events if isinstance(event, FundingRate)]
    assert paid == [28_800, 28_800, 28_800, 14_400]


async def test_thousands_are_scaled_in_questions_as_in_streams() -> None:
    async with public_server("okx") as server, sensing(server, symbols=(PEPE,)) as room:
        serve_funding(server, HOUR_MS)
        events = await asked(room)
    held = [event for event in events if isinstance(event, OpenInterest)]
    assert {event.qty for event in held} == {50_000 * 10_000_000 / 1000}


async def test_trouble_is_told_once_and_its_end() -> None:
    async with public_server("bybit") as server, sensing(server, symbols=(BTC, ETH)) as room:
        serve_funding(server)
        server.answers["/v5/market/funding/history"] = {"retCode": 10001, "retMsg": "no such"}
        events = await asked(room, times=2)
        told = [(e.symbol, e.live) for e in events if isinstance(e, FeedStatus)]
        assert told == [(BTC, False), (ETH, False), ("", True)]
        serve_funding(server)
        events = await asked(room)
        assert [(e.symbol, e.live) for e in events if isinstance(e, FeedStatus)] == [
            (BTC, True), (ETH, True),
        ]  # fmt: skip
        assert [e for e in events if isinstance(e, FundingRate)]


NONSENSE: list[object] = [
    {}, [], None, {"retCode": 0}, {"retCode": 0, "result": {"list": [5]}},
    {"retCode": 0, "result": {"list": [{"fundingRateTimestamp": "1", "fundingRate": "0"}]}},
    {"retCode": 0, "result": {"list": [{"fundingRateTimestamp": "1795000000000"}]}},
    {"retCode": 0, "result": {"list": [
        {"fundingRateTimestamp": "1795000000000", "fundingRate": "NaN"}]}},
    {"retCode": 0, "result": {"list": [
        {"fundingRateTimestamp": "1795000000000", "fundingRate": "0.7"}]}},
]  # fmt: skip


@pytest.mark.parametrize("answer", NONSENSE)
async def test_nonsense_is_refused_and_never_a_rate(answer: object) -> None:
    async with public_server("bybit") as server, sensing(server, symbols=(BTC,)) as room:
        server.answers["/v5/market/funding/history"] = answer
        polls = room.venues[0].past.polls
        (contract,) = await polls.contracts((BTC,))
        with pytest.raises(VenueError):
            await polls.settled(contract, 0)


async def test_who_asks_too_much_is_silent_for_a_while() -> None:
    async with public_server("okx") as server, sensing(server) as room:
        server.answers["/api/v5/public/instruments"] = {"code": "50011", "msg": "Too Many Requests"}
        polls = room.venues[0].past.polls
        with pytest.raises(VenueThrottled):
            await polls.contracts((BTC,))
        with pytest.raises(VenueThrottled, match="not sent"):
            await polls.contracts((BTC,))
        assert len(server.asked) == 1


async def test_an_address_that_is_shut_out_waits_ten_minutes() -> None:
    async with public_server("bybit") as server, sensing(server) as room:
        server.status = 403
        with pytest.raises(VenueThrottled) as error:
            await room.venues[0].past.polls.contracts((BTC,))
        assert error.value.retry_after_s == 600.0


async def test_a_size_in_other_money_is_not_taken() -> None:
    async with public_server("okx") as server, sensing(server) as room:
        server.answers["/api/v5/public/instruments"]["data"][0]["ctValCcy"] = "USD"
        with pytest.raises(VenueDataInvalid, match="size"):
            await room.venues[0].past.polls.contracts((BTC,))


async def test_the_fence_stands_before_ccxt_as_well() -> None:
    async with public_server("bybit") as server, sensing(server) as room:
        client = room.venues[0]._client
        with pytest.raises(VenueRefused, match="not public data"):
            await client.ask("publicGetV5AnnouncementsIndex", {})
        assert server.asked == []


async def test_binance_answers_through_the_room_s_own_limit() -> None:
    async with embedded_venue() as venue, opened(venue) as room:
        caller: Caller = room.venue._caller
        feed = PollFeed(BinancePolls(caller, SystemClock()), (BTC,), SystemClock())
        events: list[Event] = []
        await feed.once(events.append)
    assert [e.reason for e in events if isinstance(e, FeedStatus)] == ["answers"]
    assert {e.venue for e in events if isinstance(e, FundingRate | OpenInterest)} <= {"binance"}
    assert [e for e in events if isinstance(e, OpenInterest)]
