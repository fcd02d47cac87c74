"""The public feed: fresh or said to be stale, reconnected, never killed by what it hears."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bot.app.clock import SystemClock
from bot.domain.market import BookTop, FeedStatus, FundingRate, MarkPrice, TradeBucket
from bot.domain.units import NS_PER_S
from bot.simulator.faults import FaultKind
from tests.fakes.embedded import BTC, ETH, EmbeddedVenue, embedded_venue
from tests.venue.adapter.scene import (
    FrameServer,
    frame_server,
    listening,
    opened,
    opened_on_frames,
    when,
)


@pytest.fixture
async def venue() -> AsyncIterator[EmbeddedVenue]:
    async with embedded_venue() as running:
        yield running


@pytest.fixture
async def server() -> AsyncIterator[FrameServer]:
    async with frame_server() as running:
        yield running


def now_ms() -> int:
    return SystemClock().now_ns() // 10**6


def mark(symbol: str = "BTCUSDT", *, late_ms: int = 0, price: str = "80000") -> dict[str, object]:
    at = now_ms() - late_ms
    return {"e": "markPriceUpdate", "E": at, "s": symbol, "p": price, "i": price, "P": "0",
            "r": "0.0001", "T": at + 3_600_000}  # fmt: skip


def trade(number: int) -> dict[str, object]:
    return {"e": "aggTrade", "E": now_ms(), "a": number, "s": "BTCUSDT", "p": "80000", "q": "0.1",
            "f": 1, "l": 1, "T": now_ms(), "m": False}  # fmt: skip


def live(stream: str, symbol: str = "") -> object:
    return lambda event: event.live and (event.stream, event.symbol) == (stream, symbol)


def down(stream: str, symbol: str = "") -> object:
    return lambda event: not event.live and (event.stream, event.symbol) == (stream, symbol)


async def test_prices_funding_and_book_arrive_for_every_symbol(venue: EmbeddedVenue) -> None:
    async with opened(venue) as room, listening(room.public) as heard:
        for symbol in (BTC, ETH):
            await heard.until(MarkPrice, lambda event, s=symbol: event.symbol == s)
            rate = await heard.until(FundingRate, lambda event, s=symbol: event.symbol == s)
            assert not rate.settled
            assert rate.interval_s > 0
            await heard.until(BookTop, lambda event, s=symbol: event.symbol == s)
        venue.move(BTC, 80_500.0)
        await heard.until(TradeBucket, lambda event: event.symbol == BTC)
        for stream in ("market", "book"):
            await heard.until(FeedStatus, live(stream))


async def test_a_frozen_stream_is_said_to_be_stale_and_dialled_anew(
    venue: EmbeddedVenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.venue.binance.room.STALE_NS", 2 * NS_PER_S)
    async with opened(venue) as room, listening(room.public) as heard:
        await heard.until(FeedStatus, live("market"))
        venue.faults.add(FaultKind.FREEZE, stream="*markPrice*")
        stale = await heard.until(FeedStatus, down("market"))
        assert "stale" in stale.reason
        venue.faults.clear()
        at = heard.events.index(stale)
        await heard.until(FeedStatus, live("market"), since=at)
        assert room.public.market.connections >= 2


async def test_a_dropped_socket_is_replaced_and_subscribed_again(venue: EmbeddedVenue) -> None:
    async with opened(venue) as room, listening(room.public) as heard:
        for stream in ("market", "book"):
            await heard.until(FeedStatus, live(stream))
        for code in (1001, 0):
            since = len(heard.events)
            venue.faults.add(FaultKind.DROP_SOCKETS, code=code)
            for stream in ("market", "book"):
                await heard.until(FeedStatus, down(stream), since=since)
                await heard.until(FeedStatus, live(stream), since=since)
            await heard.until(MarkPrice, lambda event: event.symbol == ETH, since=since)


async def test_streams_are_asked_for_by_address(server: FrameServer) -> None:
    async with opened_on_frames(server) as room, listening(room.public):
        await when(lambda: len(server.subscribed) == 8)
        assert set(server.subscribed) == {
            f"{name}@{kind}"
            for name in ("btcusdt", "ethusdt")
            for kind in ("aggTrade", "markPrice@1s", "forceOrder", "bookTicker")
        }


JUNK: list[object] = [
    "{", "}{", "null", "[]", '"x"', "", b"\x00\xff\xfe", b"", "NaN",
    {"e": "aggTrade"}, {"e": "aggTrade", "s": "BTCUSDT", "a": "x"}, [mark()],
    mark(price="NaN"), mark(price="-5"), mark(price="1e300"), {"stream": "x", "data": 5},
]  # fmt: skip


async def test_junk_is_counted_and_the_next_frame_is_read(server: FrameServer) -> None:
    async with opened_on_frames(server) as room, listening(room.public) as heard:
        await server.say("market", mark())
        await heard.until(FeedStatus, live("market"))
        await server.say("market", *JUNK)
        await server.say("market", trade(7))
        await heard.until(TradeBucket, lambda event: event.symbol == BTC)
        assert room.public.market.junk == len(JUNK)
        suspects = [event for event in heard.of(FeedStatus) if "suspect" in event.reason]
        assert len(suspects) == 2, "told at the first and at the tenth"
        assert room.public.market.connections == 1
        assert all(0.0 < event.mark < 1e9 for event in heard.of(MarkPrice))


async def test_a_stream_of_junk_alone_is_given_up_and_dialled_anew(server: FrameServer) -> None:
    async with opened_on_frames(server) as room, listening(room.public) as heard:
        await server.say("market", *["{"] * 150)
        lost = await heard.until(FeedStatus, lambda event: "too many unreadable" in event.reason)
        assert not lost.live
        await when(lambda: room.public.market.connections == 2)


@pytest.mark.parametrize("frame", ["x" * (2 << 20), b"\x00" * (2 << 20)], ids=["text", "bytes"])
async def test_a_huge_message_costs_the_connection_and_no_more(
    server: FrameServer, frame: str | bytes
) -> None:
    async with opened_on_frames(server) as room, listening(room.public) as heard:
        await server.say("market", mark())
        await heard.until(FeedStatus, live("market"))
        await server.say("market", frame)
        at = len(heard.events)
        await when(lambda: room.public.market.connections == 2)
        await server.say("market", mark())
        await heard.until(FeedStatus, live("market"), since=at)


async def test_prices_that_come_late_are_stale(
    server: FrameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.venue.binance.room.STALE_NS", 2 * NS_PER_S)
    async with opened_on_frames(server) as room, listening(room.public) as heard:
        await server.say("market", mark(late_ms=60_000), mark("ETHUSDT", late_ms=60_000))
        lost = await heard.until(FeedStatus, lambda event: "stale" in event.reason)
        assert not lost.live


async def test_one_silent_contract_is_named(
    server: FrameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.venue.binance.room.STALE_NS", 2 * NS_PER_S)
    async with opened_on_frames(server) as room, listening(room.public) as heard:
        await server.say("market", mark(), mark("ETHUSDT"))
        async with keep_saying(server, "BTCUSDT"):
            silent = await heard.until(FeedStatus, down("market", ETH))
            assert "stale" in silent.reason
        assert not [e for e in heard.of(FeedStatus) if e.symbol == BTC]


@asynccontextmanager
async def keep_saying(server: FrameServer, symbol: str) -> AsyncIterator[None]:
    """Marks of `symbol` for the length of the block."""

    async def forever() -> None:
        while True:
            if server.sockets.get("market"):
                await server.say("market", mark(symbol))
            await asyncio.sleep(0.1)

    async with asyncio.TaskGroup() as group:
        task = group.create_task(forever())
        try:
            yield
        finally:
            task.cancel()


async def test_a_venue_that_is_away_is_dialled_until_it_is_back(venue: EmbeddedVenue) -> None:
    nowhere = "http://127.0.0.1:9"
    async with opened(venue, base_url=nowhere) as room, listening(room.public) as heard:
        lost = await heard.until(FeedStatus, down("book"))
        assert "no connection" in lost.reason
        await heard.until(FeedStatus, down("book"), since=heard.events.index(lost) + 1)


async def test_nothing_is_dialled_during_a_ban(venue: EmbeddedVenue) -> None:
    async with opened(venue) as room, listening(room.public) as heard:
        for stream in ("market", "book"):
            await heard.until(FeedStatus, live(stream))
        venue.faults.add(FaultKind.BAN, retry_after_s=60.0, times=1)
        with pytest.raises(Exception, match="banned"):
            await room.venue.account()
        connections = room.public.market.connections
        venue.faults.add(FaultKind.DROP_SOCKETS, code=1001)
        seen = len(venue.log)
        await heard.until(FeedStatus, down("market"))
        await heard.until(FeedStatus, down("book"))
        assert room.public.market.connections == connections
        assert len(venue.log) == seen


async def test_the_socket_is_left_before_the_venue_drops_it(
    venue: EmbeddedVenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.venue.line.AGE_MAX_NS", 10**9)
    async with opened(venue) as room, listening(room.public) as heard:
        lost = await heard.until(FeedStatus, lambda event: "planned" in event.reason)
        assert not lost.live
        await heard.until(FeedStatus, live(lost.stream), since=heard.events.index(lost))
