"""Scenario `live`: prices of another venue, fills on ours; the other is embedded as well."""

import asyncio
from decimal import Decimal

import pytest

from bot.app.clock import SystemClock
from bot.app.embedded.build import VenueWish
from bot.app.embedded.live_prices import Prices, serve_live
from bot.domain.errors import VenueUnreachable
from bot.domain.market import FundingRate, MarkPrice, TradeBucket
from bot.venue.open import VenueConfig, open_room
from tests.fakes.embedded import BTC, embedded_venue

DEADLINE_S = 60.0


def wish(folder) -> VenueWish:
    return VenueWish(
        scenario="live", symbols=(BTC,), speed=1.0, seed=1, wallet_usd=Decimal(10_000),
        folder=folder, api_key="k", api_secret="s",
    )  # fmt: skip


def test_events_between_two_ticks_are_folded():
    prices = Prices.at(100.0)
    prices.take(TradeBucket(BTC, 1, 1, 2, 3.0, 1.0, 105.0, 99.0, 101.0))
    prices.take(TradeBucket(BTC, 2, 2, 1, 1.0, 1.0, 103.0, 98.0, 102.0))
    prices.take(MarkPrice(BTC, 2, 2, 101.5, 101.0))
    prices.take(FundingRate(BTC, 2, 2, "x", 0.0001, 28_800, settled=False))
    tick = prices.tick(BTC, 3)
    assert (tick.low, tick.high, tick.last, tick.qty, tick.buy_qty) == (
        98.0,
        105.0,
        102.0,
        4.0,
        2.0,
    )
    assert (tick.mark, tick.index, tick.funding_frac) == (101.5, 101.0, 0.0001)
    assert not prices.fresh
    assert prices.tick(BTC, 4).qty == 0.0
    assert prices.tick(BTC, 4).low is None


async def test_a_price_of_the_source_becomes_a_price_of_the_book(tmp_path):
    clock, stop = SystemClock(), asyncio.Event()
    ready: asyncio.Future = asyncio.get_running_loop().create_future()
    async with (
        embedded_venue(prices={BTC: 70_000.0}, symbols=[BTC]) as source,
        asyncio.timeout(DEADLINE_S),
        asyncio.TaskGroup() as group,
    ):
        group.create_task(
            serve_live(wish(tmp_path), source.url, clock, ready.set_result, quiet, stop)
        )
        room = await open_room(room_of((await ready).url), clock)
        seen: asyncio.Queue = asyncio.Queue()
        listening = group.create_task(room.public.run(seen.put_nowait))
        try:
            await mark_near(seen, 70_000.0)
            source.move(BTC, 71_500.0)
            await mark_near(seen, 71_500.0)
            assert await room.venue.candles(BTC, 3_600, clock.now_ns() - 86_400 * 10**9, 10)
            assert (await room.venue.account()).wallet_usd == Decimal(10_000)
        finally:
            listening.cancel()
            await room.close()
            stop.set()


def room_of(url: str) -> VenueConfig:
    streams = url.replace("http", "ws")
    return VenueConfig(
        mode="paper", symbols=(BTC,), base_url=url, ws_url=streams, api_key="k", api_secret="s"
    )


def quiet(_: str) -> None:
    """Say nothing."""


async def mark_near(seen: asyncio.Queue, price: float) -> None:
    while True:
        event = await seen.get()
        if isinstance(event, MarkPrice) and abs(event.mark - price) < 0.002 * price:
            return


async def test_without_public_prices_one_line_says_so(tmp_path, unused_tcp_port):
    url = f"http://127.0.0.1:{unused_tcp_port}"
    with pytest.raises(VenueUnreachable, match="scenario live: no public prices") as caught:
        await serve_live(wish(tmp_path), url, SystemClock(), quiet, quiet, asyncio.Event())
    assert "\n" not in str(caught.value)
