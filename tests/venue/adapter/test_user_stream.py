"""The private stream: every message, a key that stays alive, and no silence taken for peace."""

from collections.abc import AsyncIterator

import pytest

from bot.domain.market import FeedStatus
from bot.domain.messages import Fill, OrderUpdate, PositionUpdate, WalletUpdate
from bot.domain.orders import OrderKind, OrderSide, OrderStatus
from bot.simulator.faults import FaultKind
from tests.fakes.embedded import BTC, READ_KEY, READ_SECRET, EmbeddedVenue, embedded_venue
from tests.venue.adapter.scene import (
    FastClock,
    FrameServer,
    entry,
    frame_server,
    listening,
    opened,
    opened_on_frames,
    stop,
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


def live(event: FeedStatus) -> bool:
    return event.stream == "user" and event.live


def down(event: FeedStatus) -> bool:
    return event.stream == "user" and not event.live


async def test_every_state_of_entry_and_stop_is_told(venue: EmbeddedVenue) -> None:
    async with opened(venue) as room, listening(room.user) as heard:
        await heard.until(FeedStatus, live)
        await room.venue.submit(entry())
        await room.guard.submit(stop())
        venue.move(BTC, 69_000.0)
        await heard.until(
            OrderUpdate,
            lambda e: (
                e.order.kind is OrderKind.STOP_MARKET and e.order.status is OrderStatus.FILLED
            ),
        )
        told = [e.order.status for e in heard.of(OrderUpdate) if e.order.kind.is_conditional]
        assert told[0] is OrderStatus.WORKING
        assert OrderStatus.TRIGGERING in told
        fills = heard.of(Fill)
        assert [fill.side for fill in fills] == [OrderSide.BUY, OrderSide.SELL]
        assert all(fill.fee_usd > 0 for fill in fills)
        legs = [event.position.qty for event in heard.of(PositionUpdate)]
        assert (legs[0], legs[-1]) == (entry().qty, 0)
        (account_wallet,) = {(await room.venue.account()).wallet_usd}
        assert heard.of(WalletUpdate)[-1].wallet_usd == account_wallet


async def test_a_burst_is_told_whole(venue: EmbeddedVenue) -> None:
    async with opened(venue) as room, listening(room.user) as heard:
        await heard.until(FeedStatus, live)
        for number in range(40):
            side = OrderSide.BUY if number % 2 == 0 else OrderSide.SELL
            venue.by_hand(BTC, side, "0.010", client_order_id=f"hand-{number}")
        await heard.until(Fill, lambda event: event.client_order_id == "hand-39")
        assert {fill.client_order_id for fill in heard.of(Fill)} == {f"hand-{n}" for n in range(40)}
        states = [e.order.status for e in heard.of(OrderUpdate)]
        assert states.count(OrderStatus.WORKING) == states.count(OrderStatus.FILLED) == 40


async def test_a_dropped_connection_comes_back_and_says_so(venue: EmbeddedVenue) -> None:
    async with opened(venue) as room, listening(room.user) as heard:
        await heard.until(FeedStatus, live)
        for code in (1001, 0):
            since = len(heard.events)
            venue.faults.add(FaultKind.DROP_SOCKETS, stream="user", code=code)
            await heard.until(FeedStatus, down, since=since)
            await heard.until(FeedStatus, live, since=since)
            venue.by_hand(BTC, OrderSide.BUY, "0.010", client_order_id=f"after-{code}")
            await heard.until(Fill, lambda event, c=code: event.client_order_id == f"after-{c}")


async def test_an_expired_key_is_replaced(venue: EmbeddedVenue) -> None:
    async with opened(venue) as room, listening(room.user) as heard:
        await heard.until(FeedStatus, live)
        since = len(heard.events)
        venue.world.listen_keys.expire(venue.account_id)
        lost = await heard.until(FeedStatus, down, since=since)
        assert "listenKeyExpired" in lost.reason
        await heard.until(FeedStatus, live, since=since)
        venue.by_hand(BTC, OrderSide.BUY, "0.010", client_order_id="after")
        await heard.until(Fill, lambda event: event.client_order_id == "after")


async def test_the_key_is_renewed_again_and_again(venue: EmbeddedVenue) -> None:
    async with opened(venue, FastClock(1500)) as room, listening(room.user):
        await when(lambda: len(venue.requests("/fapi/v1/listenKey", "PUT")) >= 4)
        assert len(venue.requests("/fapi/v1/listenKey", "POST")) == 1


async def test_a_key_that_cannot_be_renewed_is_replaced_in_time(venue: EmbeddedVenue) -> None:
    venue.faults.add(FaultKind.REJECT, method="PUT", path="/fapi/v1/listenKey", http_status=503)
    async with opened(venue, FastClock(1500)) as room, listening(room.user) as heard:
        lost = await heard.until(FeedStatus, down)
        assert "renewed" in lost.reason
        await when(lambda: len(venue.requests("/fapi/v1/listenKey", "POST")) >= 2)


async def test_a_key_the_venue_forgot_is_replaced_at_once(venue: EmbeddedVenue) -> None:
    venue.faults.add(
        FaultKind.REJECT, method="PUT", path="/fapi/v1/listenKey", code=-1125, times=1,
        message="This listenKey does not exist.",
    )  # fmt: skip
    async with opened(venue, FastClock(1500)) as room, listening(room.user) as heard:
        lost = await heard.until(FeedStatus, down)
        assert "no more" in lost.reason


async def test_an_acknowledged_order_the_stream_never_tells_of_proves_it_dead(
    venue: EmbeddedVenue,
) -> None:
    async with opened(venue, FastClock(20)) as room, listening(room.user) as heard:
        await heard.until(FeedStatus, live)
        venue.faults.add(FaultKind.DROP_FRAME, stream="user")
        await room.venue.submit(entry())
        lost = await heard.until(FeedStatus, down)
        assert "bw00000001-1-0" in lost.reason
        venue.faults.clear()
        await heard.until(FeedStatus, live, since=heard.events.index(lost))


async def test_told_orders_prove_it_alive(venue: EmbeddedVenue) -> None:
    async with opened(venue, FastClock(20)) as room, listening(room.user) as heard:
        await heard.until(FeedStatus, live)
        await room.venue.submit(entry())
        await room.guard.submit(stop())
        await heard.until(OrderUpdate, lambda event: event.order.kind.is_conditional)
        await heard.until(OrderUpdate, lambda event: event.order.status is OrderStatus.FILLED)
        assert room.user._awaited == {}
        assert not [event for event in heard.of(FeedStatus) if not event.live]


@pytest.mark.parametrize(
    "frame",
    [
        "{", "x", b"\xff\xfe{", b"{}x", "[1,2", "[]", "null", "5",
        {"e": "ORDER_TRADE_UPDATE"}, {"e": "ACCOUNT_UPDATE", "T": 1, "a": {}},
        {"e": "ORDER_TRADE_UPDATE", "T": 1_795_000_000_000, "o": {"s": "BTCUSDC"}},
        {"error": {"code": -1, "msg": "x"}, "id": 4},
    ],
    ids=str,
)  # fmt: skip
async def test_a_message_that_cannot_be_read_asks_for_the_account(
    server: FrameServer, frame: object
) -> None:
    async with opened_on_frames(server) as room, listening(room.user) as heard:
        await heard.until(FeedStatus, live)
        since = len(heard.events)
        await server.say("private", frame)
        await heard.until(FeedStatus, down, since=since)
        again = await heard.until(FeedStatus, live, since=since)
        assert "read the account" in again.reason
        assert (room.user.junk, room.user.connections) == (1, 1)
        await server.say("private", {"e": "listenKeyExpired", "E": 1})
        await when(lambda: room.user.connections == 2)


async def test_a_margin_call_asks_for_the_account(server: FrameServer) -> None:
    async with opened_on_frames(server) as room, listening(room.user) as heard:
        await heard.until(FeedStatus, live)
        since = len(heard.events)
        await server.say("private", {"e": "MARGIN_CALL", "E": 1, "cw": "3", "p": []})
        again = await heard.until(FeedStatus, live, since=since)
        assert "MARGIN_CALL" in again.reason
        assert room.user.junk == 0


async def test_a_huge_private_message_costs_the_connection_and_no_more(server: FrameServer) -> None:
    async with opened_on_frames(server) as room, listening(room.user) as heard:
        await heard.until(FeedStatus, live)
        await server.say("private", "x" * (11 << 20))
        await heard.until(FeedStatus, down)
        await when(lambda: room.user.connections == 2)


async def test_no_key_no_stream(venue: EmbeddedVenue) -> None:
    async with opened(venue, api_key="", api_secret="") as room:
        assert room.user is None
        assert len(room.feeds) == 1
    venue.faults.add(FaultKind.REJECT, path="/fapi/v1/listenKey", http_status=401, code=-2015)
    async with opened(venue) as room, listening(room.user) as heard:
        lost = await heard.until(FeedStatus, down)
        assert "-2015" in lost.reason


async def test_a_reading_key_listens(venue: EmbeddedVenue) -> None:
    keys = {"api_key": READ_KEY, "api_secret": READ_SECRET, "read_only": True}
    async with opened(venue, **keys) as room, listening(room.user) as heard:
        await heard.until(FeedStatus, live)
        venue.by_hand(BTC, OrderSide.BUY, "0.010", client_order_id="by hand")
        await heard.until(Fill, lambda event: event.client_order_id == "by hand")


async def test_the_socket_is_left_before_the_venue_drops_it(
    server: FrameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.venue.private_stream.AGE_MAX_NS", 10**9)
    async with opened_on_frames(server) as room, listening(room.user) as heard:
        lost = await heard.until(FeedStatus, down)
        assert "planned" in lost.reason
        await when(lambda: room.user.connections == 2)
