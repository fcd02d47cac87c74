"""ccxt's own Bybit client, unpatched, by its production names over TLS, against the embedded v5."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import ccxt.pro
import pytest
from ccxt.base.errors import (
    AuthenticationError,
    InsufficientFunds,
    InvalidOrder,
    OrderNotFound,
    PermissionDenied,
)

from bot.domain.orders import OrderSide, PositionSide
from bot.simulator.faults import FaultKind
from tests.fakes.embedded import BTC, ETH, READ_KEY, READ_SECRET, EmbeddedVenue, embedded_venue
from tests.venue.embedded.client import soon, until


@pytest.fixture
async def venue(tmp_path: Path) -> AsyncIterator[EmbeddedVenue]:
    async with embedded_venue(protocol="bybit", tls=True, tls_folder=tmp_path) as running:
        yield running


@asynccontextmanager
async def client(venue: EmbeddedVenue, **more: object) -> AsyncIterator[ccxt.pro.bybit]:
    """A loaded client with the production URLs, led to the embedded venue."""
    async with venue.session() as session:
        exchange = ccxt.pro.bybit(
            {
                "apiKey": venue.api_key,
                "secret": venue.secret,
                "enableRateLimit": False,
                "options": {"fetchMarkets": {"types": ["linear"]}},
                "session": session,
                **more,
            }
        )
        try:
            await exchange.load_markets()
            yield exchange
        finally:
            await exchange.close()


async def test_public_numbers_are_read(venue: EmbeddedVenue) -> None:
    async with client(venue) as exchange:
        assert set(exchange.markets) == {BTC, ETH}
        assert abs(await exchange.fetch_time() - venue.world.now_ms()) < 5_000
        ticker = await exchange.fetch_ticker(BTC)
        assert (ticker["last"], float(ticker["info"]["markPrice"])) == (80_000.0, 80_000.0)
        bars = await exchange.fetch_ohlcv(BTC, "1h", limit=5)
        marks = await exchange.fetch_mark_ohlcv(BTC, "1h", limit=5)
        assert [bar[0] for bar in bars] == sorted(bar[0] for bar in bars)
        assert len(bars) == len(marks) == 5
        book = await exchange.fetch_order_book(BTC, 10)
        assert book["bids"][0][0] < 80_000.0 < book["asks"][0][0]
        assert (await exchange.fetch_open_interest(BTC))["openInterestAmount"] == 12_500.0
        tiers = await exchange.fetch_market_leverage_tiers(BTC)
        assert [tier["maxLeverage"] for tier in tiers][:2] == [150.0, 100.0]
        assert (await exchange.fetch_funding_rates([BTC]))[BTC]["fundingRate"] == 0.0001


async def test_a_trade_with_its_stop_from_entry_to_exit(venue: EmbeddedVenue) -> None:
    async with client(venue) as exchange:
        assert (await exchange.fetch_balance())["USDT"]["total"] == 10_000.0
        entry = await exchange.create_order(BTC, "market", "buy", 0.05)
        position = (await exchange.fetch_positions([BTC]))[0]
        assert (position["side"], position["contracts"]) == ("long", 0.05)
        stop = await exchange.create_order(
            BTC, "market", "sell", 0.05, None,
            {"stopLossPrice": 79_000, "triggerBy": "MarkPrice", "clientOrderId": "our-stop"},
        )  # fmt: skip
        shown = await exchange.fetch_open_orders(BTC, params={"trigger": True})
        assert [(o["clientOrderId"], o["stopLossPrice"], o["reduceOnly"]) for o in shown] == [
            ("our-stop", 79_000.0, True)
        ]
        assert await exchange.fetch_open_orders(BTC, params={"orderFilter": "Order"}) == []
        venue.move(BTC, 78_900.0)
        ended = await exchange.fetch_order(stop["id"], BTC, {"acknowledged": True})
        assert (ended["status"], ended["filled"]) == ("closed", 0.05)
        assert await exchange.fetch_positions() == []
        trades = await exchange.fetch_my_trades(BTC)
        assert [(t["order"], t["side"], t["amount"]) for t in trades] == [
            (entry["id"], "buy", 0.05),
            (stop["id"], "sell", 0.05),
        ]
        ledger = await exchange.fetch_ledger("USDT")
        booked = sum(Decimal(row["info"]["change"]) for row in ledger)
        assert booked == venue.exchange.wallet_usd("main")


async def test_a_no_is_the_error_ccxt_knows(venue: EmbeddedVenue) -> None:
    async with client(venue) as exchange:
        with pytest.raises(InsufficientFunds):
            await exchange.create_order(BTC, "market", "buy", 50.0)
        with pytest.raises(OrderNotFound):
            await exchange.cancel_order("0" * 32, BTC)
        with pytest.raises(InvalidOrder, match="110017"):
            await exchange.create_order(BTC, "market", "sell", 0.05, None, {"reduceOnly": True})
        with pytest.raises(InvalidOrder, match="110092"):
            await exchange.create_order(
                BTC, "market", "buy", 0.05, None,
                {"triggerPrice": 70_000, "triggerDirection": "ascending"},
            )  # fmt: skip
        name = {"clientOrderId": "one-name"}
        await exchange.create_order(BTC, "market", "buy", 0.01, None, name)
        with pytest.raises(InvalidOrder, match="110072"):
            await exchange.create_order(BTC, "market", "buy", 0.01, None, name)
        exchange.secret = "wrong"
        with pytest.raises(AuthenticationError, match="10004"):
            await exchange.fetch_positions()
    async with client(venue, apiKey=READ_KEY, secret=READ_SECRET) as reader:
        assert len(await reader.fetch_positions()) == 1
        with pytest.raises(PermissionDenied, match="10005"):
            await reader.create_order(BTC, "market", "buy", 0.05)


async def test_a_clock_apart_and_a_ban(venue: EmbeddedVenue) -> None:
    async with client(venue) as exchange:
        venue.faults.add(FaultKind.SKEW_CLOCK, offset_ms=-30_000)
        with pytest.raises(Exception, match="10002"):
            await exchange.fetch_positions()
        venue.faults.clear()
        venue.faults.add(FaultKind.BAN, path="/v5/position/list", times=1, retry_after_s=60.0)
        with pytest.raises(Exception, match="403"):
            await exchange.fetch_positions()


async def test_settings_say_when_nothing_changes(venue: EmbeddedVenue) -> None:
    async with client(venue) as exchange:
        await exchange.set_leverage(7, BTC)
        with pytest.raises(Exception, match="110043"):
            await exchange.set_leverage(7, BTC)
        await exchange.set_margin_mode("isolated")
        assert set(venue.exchange.account("main").margin_modes.values()) == {"ISOLATED"}
        await exchange.set_position_mode(True, BTC)
        with pytest.raises(Exception, match="110025"):
            await exchange.set_position_mode(True, BTC)
        await exchange.create_order(BTC, "market", "buy", 0.02, None, {"hedged": True})
        await exchange.create_order(BTC, "market", "sell", 0.01, None, {"hedged": True})
        legs = await exchange.fetch_positions([BTC])
        assert [(leg["side"], leg["contracts"], leg["leverage"]) for leg in legs] == [
            ("long", 0.02, 7.0),
            ("short", 0.01, 7.0),
        ]
        with pytest.raises(Exception, match="position idx not match"):
            await exchange.create_order(BTC, "market", "buy", 0.02)


async def test_the_private_topics_tell_a_trade(venue: EmbeddedVenue) -> None:
    async with client(venue) as exchange:
        orders = asyncio.create_task(exchange.watch_orders(BTC))
        fills = asyncio.create_task(exchange.watch_my_trades(BTC))
        wallet = asyncio.create_task(exchange.watch_balance())
        topics = {"order", "execution", "wallet"}
        await until(lambda: topics <= set(venue.world.hub.streams()))
        venue.by_hand(BTC, OrderSide.BUY, "0.030", client_order_id="by-hand")
        order = (await soon(orders))[-1]
        assert (order["clientOrderId"], order["symbol"]) == ("by-hand", BTC)
        assert sum(fill["amount"] for fill in await soon(fills)) > 0.0
        assert (await soon(wallet))["USDT"]["total"] < 10_000.0


async def test_the_public_topics_tell_the_market(venue: EmbeddedVenue) -> None:
    async with client(venue) as exchange:
        trade = asyncio.create_task(exchange.watch_trades(BTC))
        ticker = asyncio.create_task(exchange.watch_ticker(BTC))
        book = asyncio.create_task(exchange.watch_order_book(BTC, 50))
        assert float((await soon(ticker))["info"]["markPrice"]) == 80_000.0
        assert (await soon(book))["bids"][0][0] < 80_000.0
        assert (await soon(trade))[-1]["price"] == 80_000.0
        forced = asyncio.create_task(exchange.watch_liquidations(BTC))
        await until(lambda: "allLiquidation.BTCUSDT" in venue.world.hub.streams())
        venue.exchange.set_leverage("main", BTC, 100)
        venue.by_hand(BTC, OrderSide.BUY, "5.000")
        venue.move(BTC, 77_000.0)
        assert (await soon(forced))[-1]["side"] == "buy"  # the side of the POSITION


async def test_an_adl_is_told_as_such(venue: EmbeddedVenue) -> None:
    async with client(venue) as exchange:
        venue.by_hand(BTC, OrderSide.BUY, "0.050")
        venue.exchange.adl("main", BTC, PositionSide.LONG, Decimal("0.02"), Decimal(80000))
        venue.world.settle()
        trades = await exchange.fetch_my_trades(BTC)
        assert [trade["info"]["execType"] for trade in trades] == ["Trade", "AdlTrade"]
