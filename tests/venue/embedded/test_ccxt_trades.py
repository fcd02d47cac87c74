"""The real ccxt client against the embedded venue: account, orders, both books."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import ccxt
import ccxt.pro
import pytest

from tests.fakes.embedded import BTC, ETH, EmbeddedVenue, ccxt_config, embedded_venue


@asynccontextmanager
async def client(venue: EmbeddedVenue, **more: object) -> AsyncIterator[ccxt.pro.binanceusdm]:
    exchange = ccxt.pro.binanceusdm(ccxt_config(venue, **more))
    try:
        await exchange.load_markets()
        yield exchange
    finally:
        await exchange.close()


async def test_markets_carry_the_contract_filters() -> None:
    async with embedded_venue() as venue, client(venue) as ex:
        market = ex.market(BTC)
        assert sorted(ex.markets) == [BTC, ETH]
        assert market["limits"]["cost"]["min"] == 100
        assert market["precision"]["amount"] == 0.001
        assert market["precision"]["price"] == 0.1


async def test_a_market_order_fills_and_shows_as_position() -> None:
    async with embedded_venue(wallet_usd="10000") as venue, client(venue) as ex:
        before = await ex.fetch_balance()
        order = await ex.create_order(BTC, "market", "buy", 0.05)
        position = (await ex.fetch_positions([BTC]))[0]
        after = await ex.fetch_balance()
        assert before["USDT"]["total"] == 10_000
        assert order["status"] == "closed"
        assert order["filled"] == 0.05
        assert position["side"] == "long"
        assert position["contracts"] == 0.05
        assert position["liquidationPrice"] is None or position["liquidationPrice"] >= 0
        assert 9_990 < after["USDT"]["total"] < 10_000


async def test_a_stop_is_seen_only_in_the_second_book() -> None:
    async with embedded_venue() as venue, client(venue) as ex:
        await ex.create_order(BTC, "market", "buy", 0.05)
        stop = await ex.create_order(
            BTC, "market", "sell", 0.05, None,
            {"stopLossPrice": 78_000, "reduceOnly": True, "clientOrderId": "bw1-1-0"},
        )  # fmt: skip
        assert stop["clientOrderId"] == "bw1-1-0"
        assert await ex.fetch_open_orders(BTC) == []
        seen = await ex.fetch_open_orders(BTC, params={"trigger": True})
        assert [o["id"] for o in seen] == [stop["id"]]
        assert seen[0]["triggerPrice"] == 78_000
        with pytest.raises(ccxt.OrderNotFound):
            await ex.fetch_order(stop["id"], BTC)
        await ex.cancel_all_orders(BTC)
        assert len(await ex.fetch_open_orders(BTC, params={"trigger": True})) == 1
        await ex.cancel_order(stop["id"], BTC, {"trigger": True})
        assert await ex.fetch_open_orders(BTC, params={"trigger": True}) == []
        with pytest.raises(ccxt.OrderNotFound):
            await ex.cancel_order(stop["id"], BTC, {"trigger": True})


async def test_the_stop_works_when_the_price_falls_through_it() -> None:
    async with embedded_venue() as venue, client(venue) as ex:
        await ex.create_order(BTC, "market", "buy", 0.05)
        stop = await ex.create_order(
            BTC, "market", "sell", 0.05, None,
            {"stopLossPrice": 78_000, "reduceOnly": True, "workingType": "MARK_PRICE"},
        )  # fmt: skip
        venue.move(BTC, 77_500.0)
        assert await ex.fetch_positions([BTC]) == []
        done = await ex.fetch_order(stop["id"], BTC, {"trigger": True})
        assert done["status"] == "closed"
        born = await ex.fetch_order(done["info"]["actualOrderId"], BTC)
        assert born["clientOrderId"] == stop["clientOrderId"]
        assert 77_000 < born["average"] < 78_000
