"""Feeds of sensed venues on sockets: asked in the venue's dialect, fresh or said to be stale."""

import pytest
from yarl import URL

from bot.domain.errors import ConfigInvalid, VenueRefused
from bot.domain.market import FeedStatus, FundingRate, Liquidation, MarkPrice, OpenInterest
from bot.domain.market import TradeBucket as Bucket
from bot.domain.orders import PositionSide
from bot.venue.hosts import SENSED, DataFence
from bot.venue.senses import SenseConfig, open_senses
from tests.venue.adapter.scene import FastClock, listening, when
from tests.venue.feeds.scene import (
    BTC,
    ETH,
    PEPE,
    bybit_forced,
    hyperliquid_frames,
    now_ms,
    okx_frame,
    public_server,
    sensing,
    ticker,
)


def live(stream: str, symbol: str = "") -> object:
    return lambda event: event.live and (event.stream, event.symbol) == (stream, symbol)


def down(stream: str, symbol: str = "") -> object:
    return lambda event: not event.live and (event.stream, event.symbol) == (stream, symbol)


async def test_bybit_is_asked_by_topic_for_what_it_lists() -> None:
    async with public_server("bybit") as server, sensing(server, symbols=(BTC, PEPE)) as room:
        feed = room.venues[0].feed
        async with listening(feed) as heard:
            await server.say(ticker(), ticker("1000PEPE"), bybit_forced())
            status = await heard.until(FeedStatus, live("bybit.market"))
            assert status.reason == "connected"
            rate = await heard.until(FundingRate, lambda e: e.symbol == BTC)
            assert (rate.venue, rate.interval_s, rate.settled) == ("bybit", 28_800, False)
            await heard.until(OpenInterest, lambda e: e.symbol == PEPE)
            forced = await heard.until(Liquidation, lambda e: e.symbol == BTC)
            assert (forced.side, forced.qty) == (PositionSide.LONG, 0.5)
    assert set(server.subscribed) == {
        f"{kind}.{name}"
        for kind in ("publicTrade", "tickers", "allLiquidation")
        for name in ("BTCUSDT", "1000PEPEUSDT")
    }


async def test_okx_is_asked_by_channel_and_counts_in_coins() -> None:
    async with (
        public_server("okx") as server,
        sensing(server, symbols=(BTC, PEPE)) as room,
        listening(room.venues[0].feed) as heard,
    ):
        await server.say(okx_frame("open-interest", oi="2000", oiCcy="20"))
        interest = await heard.until(OpenInterest, lambda e: e.symbol == BTC)
        assert (interest.venue, interest.qty) == ("okx", 20.0)
        await server.say(okx_frame("open-interest", "PEPE", oi="5", oiCcy="50000000"))
        folded = await heard.until(OpenInterest, lambda e: e.symbol == PEPE)
        assert folded.qty == 50_000.0
        await server.say(okx_frame("liquidation-orders", details=[
            {"side": "sell", "posSide": "long", "sz": "7", "bkPx": "79000",
             "ts": str(now_ms())}]))  # fmt: skip
        forced = await heard.until(Liquidation, lambda e: e.symbol == BTC)
        assert forced.qty == pytest.approx(0.07)
    asked = {(item["channel"], item.get("instId", item.get("instType")))
             for item in server.subscribed}  # fmt: skip
    assert asked == {("liquidation-orders", "SWAP")} | {
        (kind, f"{base}-USDT{'' if kind == 'index-tickers' else '-SWAP'}")
        for base in ("BTC", "PEPE")
        for kind in ("trades", "mark-price", "funding-rate", "open-interest", "index-tickers")
    }


async def test_hyperliquid_says_that_it_has_no_liquidation_feed() -> None:
    async with (
        public_server("hyperliquid") as server,
        sensing(server, symbols=(BTC, PEPE)) as room,
        listening(room.venues[0].feed) as heard,
    ):
        label = await heard.until(FeedStatus, down("hyperliquid.liquidations"))
        assert label.reason.startswith("not offered")
        await server.say(*hyperliquid_frames(), *hyperliquid_frames("kPEPE"))
        rate = await heard.until(FundingRate, lambda e: e.symbol == PEPE)
        assert (rate.venue, rate.interval_s) == ("hyperliquid", 3_600)
        await heard.until(OpenInterest, lambda e: e.symbol == BTC and e.qty == 30_000.0)
    kinds = {(item["type"], item["coin"]) for item in server.subscribed}
    assert kinds == {(kind, coin) for kind in ("bbo", "trades", "activeAssetCtx")
                     for coin in ("BTC", "kPEPE")}  # fmt: skip


async def test_a_watched_address_tells_its_liquidations() -> None:
    user = "0x" + "ab" * 20
    async with (
        public_server("hyperliquid") as server,
        sensing(server, watched=(user,)) as room,
        listening(room.venues[0].feed) as heard,
    ):
        label = await heard.until(FeedStatus, down("hyperliquid.liquidations"))
        assert "watched" in label.reason
        fill = {"coin": "BTC", "px": "79000", "sz": "2", "side": "A", "time": now_ms(),
                "liquidation": {"liquidatedUser": user, "markPx": "79001",
                                "method": "market"}}  # fmt: skip
        await server.say({"channel": "userFills", "data": {"user": user, "fills": [fill]}})
        forced = await heard.until(Liquidation, lambda e: e.symbol == BTC)
        assert (forced.venue, forced.side) == ("hyperliquid", PositionSide.LONG)
    assert {"type": "userFills", "user": user} in server.subscribed


async def test_prices_of_other_venues_never_drive_the_traded_symbol() -> None:
    async with public_server("bybit") as server, sensing(server) as room:
        feed = room.venues[0].feed
        async with listening(feed) as heard:
            row = {"T": now_ms(), "s": "BTCUSDT", "S": "Buy", "v": "3", "p": "70000"}
            trades = {"topic": "publicTrade.BTCUSDT", "ts": now_ms(), "data": [row]}
            await server.say(trades, ticker(markPrice="70001"))
            await heard.until(OpenInterest, lambda e: e.symbol == BTC)
            assert heard.of(Bucket) == heard.of(MarkPrice) == []
            (flow,) = feed.take_flows()
            assert (flow.venue, flow.qty, flow.last, flow.mark) == (
                "bybit",
                3.0,
                70_000.0,
                70_001.0,
            )


async def test_a_dropped_socket_is_replaced_and_asked_again() -> None:
    async with (
        public_server("bybit") as server,
        sensing(server) as room,
        listening(room.venues[0].feed) as heard,
    ):
        await server.say(ticker())
        await heard.until(FeedStatus, live("bybit.market"))
        await when(lambda: bool(server.subscribed))
        before, since = len(server.subscribed), len(heard.events)
        await server.drop()
        lost = await heard.until(FeedStatus, down("bybit.market"), since=since)
        assert "1001" in lost.reason
        await when(lambda: server.dialled == 2)
        await server.say(ticker())
        await heard.until(FeedStatus, live("bybit.market"), since=since)
        await when(lambda: len(server.subscribed) == 2 * before)


async def test_a_venue_that_stops_telling_time_is_stale_and_dialled_anew() -> None:
    async with (
        public_server("bybit") as server,
        sensing(server, stale_s=2.0) as room,
        listening(room.venues[0].feed) as heard,
    ):
        await server.say(ticker(late_ms=60_000))  # it talks, of a minute ago
        stale = await heard.until(FeedStatus, down("bybit.market"))
        assert "stale" in stale.reason
        await when(lambda: server.dialled == 2)


async def test_one_silent_contract_is_named_and_the_others_go_on() -> None:
    async with public_server("bybit") as server, sensing(server, stale_s=1.5) as room:
        feed = room.venues[0].feed
        async with listening(feed) as heard:
            while not any(down("bybit.market", ETH)(e) for e in heard.of(FeedStatus)):
                await server.say(ticker())
                await feed._clock.sleep_s(0.1)
            assert feed.health().silent == (ETH,)
            assert BTC in feed.health().told_ns


@pytest.mark.parametrize(
    ("venue", "ping"),
    [("bybit", '{"op":"ping"}'), ("okx", "ping"), ("hyperliquid", '{"method":"ping"}')],
)
async def test_each_is_kept_open_by_its_own_ping(venue: str, ping: str) -> None:
    clock = FastClock(20)
    async with public_server(venue) as server, sensing(server, clock=clock, stale_s=1e6) as room:
        feed = room.venues[0].feed
        async with listening(feed):
            await when(lambda: server.said.count(ping) >= 2)
            assert feed.line.connections == 1
            assert feed.line.junk == 0


async def test_without_a_listing_nothing_is_dialled_and_nothing_is_guessed() -> None:
    async with public_server("okx") as server, sensing(server) as room:
        server.status = 503
        async with listening(room.venues[0].feed) as heard:
            refused = await heard.until(FeedStatus, down("okx.market"))
            assert refused.reason.startswith("not dialled")
            assert server.dialled == 0
            server.status = 200
            await when(lambda: server.dialled == 1)


async def test_symbols_the_venue_does_not_list_are_not_asked_for() -> None:
    nowhere = "NOWHERE/USDT:USDT"
    async with public_server("bybit") as server, sensing(server, symbols=(BTC, nowhere)) as room:
        feed = room.venues[0].feed
        async with listening(feed) as heard:
            await server.say(ticker())
            await heard.until(FeedStatus, live("bybit.market"))
            assert feed.health().unlisted == (nowhere,)
            assert not [topic for topic in server.subscribed if "NOWHERE" in topic]


async def test_health_tells_how_a_venue_does() -> None:
    async with public_server("bybit") as server, sensing(server) as room:
        assert [item.live for item in room.health()] == [False]
        async with listening(room.venues[0].feed) as heard:
            await server.say("{", ticker())
            await heard.until(FeedStatus, live("bybit.market"))
            (health,) = room.health()
            assert (health.venue, health.live, health.junk) == ("bybit", True, 1)
            assert "every" in health.liquidations


async def test_only_known_venues_and_stand_ins_on_loopback() -> None:
    clock = FastClock(1)
    for changes in (
        {"venues": ("nasdaq",)},
        {"symbols": ()},
        {"symbols": ("BTC/USD:BTC",)},
        {"loopback": {"okx": "http://example.org"}},
        {"venues": ("hyperliquid",), "watched": ("0x" + "a" * 40,) * 11},
        {"watched": ("0x12",)},
    ):
        with pytest.raises(ConfigInvalid):
            await open_senses(SenseConfig(**{"symbols": (BTC,), **changes}), clock)


ORDER_PATHS = {
    "bybit": ("/v5/order/create", "/v5/position/set-leverage", "/v5/private"),
    "okx": ("/api/v5/trade/order", "/api/v5/account/set-leverage", "/ws/v5/private"),
    "hyperliquid": ("/exchange",),
    "deribit": ("/api/v2/private/buy", "/ws/api/v2"),
}


@pytest.mark.parametrize("venue", SENSED)
def test_the_fence_knows_public_data_alone(venue: str) -> None:
    fence, data = DataFence(venue), SENSED[venue]
    for path in data.paths:
        fence.check(URL(f"{data.rest}{path}"))
        fence.check(URL(f"{data.ws}{path}"))
        for other in ("https://example.org", f"http://{URL(data.rest).host}"):
            with pytest.raises(VenueRefused, match="not sent"):
                fence.check(URL(f"{other}{path}"))
    for path in (*ORDER_PATHS[venue], "/", ""):
        with pytest.raises(VenueRefused, match="not public data"):
            fence.check(URL(f"{data.rest}{path}"))
