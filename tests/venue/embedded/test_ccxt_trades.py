"""The real ccxt client against the embedded venue: account, orders, both books."""

from itertools import pairwise

import ccxt
import pytest

from bot.domain.orders import OrderSide
from tests.fakes.embedded import BTC, ETH, embedded_venue
from tests.venue.embedded.client import client


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


async def test_hedge_mode_holds_both_legs_and_reduces_by_position_side() -> None:
    async with embedded_venue(hedge_mode=True) as venue, client(venue) as ex:
        await ex.create_order(BTC, "market", "buy", 0.05, None, {"positionSide": "LONG"})
        await ex.create_order(BTC, "market", "sell", 0.02, None, {"positionSide": "SHORT"})
        legs = {p["side"]: p["contracts"] for p in await ex.fetch_positions([BTC])}
        assert legs == {"long": 0.05, "short": 0.02}
        await ex.create_order(
            BTC, "market", "sell", 0.05, None, {"reduceOnly": True, "hedged": True}
        )
        legs = {p["side"]: p["contracts"] for p in await ex.fetch_positions([BTC])}
        assert legs == {"short": 0.02}
        with pytest.raises(ccxt.BadRequest, match="-1106"):
            await ex.create_order(
                BTC, "market", "buy", 0.02, None, {"positionSide": "SHORT", "reduceOnly": True}
            )


async def test_the_position_mode_is_read_and_changed() -> None:
    async with embedded_venue() as venue, client(venue) as ex:
        assert (await ex.fetch_position_mode(BTC))["hedged"] is False
        await ex.set_position_mode(True)
        assert (await ex.fetch_position_mode(BTC))["hedged"] is True
        with pytest.raises(ccxt.OperationRejected, match="-4059"):
            await ex.set_position_mode(True)


async def test_leverage_and_margin_mode_are_read_back_from_symbol_config() -> None:
    async with embedded_venue() as venue, client(venue) as ex:
        await ex.set_margin_mode("isolated", BTC)
        await ex.set_leverage(7, BTC)
        rows = await ex.fapiPrivateGetSymbolConfig({"symbol": "BTCUSDT"})
        assert (rows[0]["marginType"], rows[0]["leverage"]) == ("ISOLATED", 7)
        await ex.create_order(BTC, "market", "buy", 0.05)
        position = (await ex.fetch_positions([BTC]))[0]
        assert position["liquidationPrice"] == pytest.approx(80_000 * (1 - 1 / 7), rel=0.01)
        await ex.add_margin(BTC, 100)
        further = (await ex.fetch_positions([BTC]))[0]
        assert further["liquidationPrice"] < position["liquidationPrice"] - 1_900


async def test_a_resting_limit_order_is_amended_cancelled_and_listed() -> None:
    async with embedded_venue() as venue, client(venue) as ex:
        order = await ex.create_order(BTC, "limit", "buy", 0.05, 70_000, {"postOnly": True})
        assert order["status"] == "open"
        assert [o["id"] for o in await ex.fetch_open_orders(BTC)] == [order["id"]]
        amended = await ex.edit_order(order["id"], BTC, "limit", "buy", 0.06, 71_000)
        assert (amended["price"], amended["amount"]) == (71_000, 0.06)
        await ex.cancel_order(amended["id"], BTC)
        assert await ex.fetch_open_orders() == []
        assert {o["status"] for o in await ex.fetch_orders(BTC)} == {"canceled"}


async def test_income_trades_fees_and_tiers_are_served() -> None:
    async with embedded_venue() as venue, client(venue) as ex:
        await ex.create_order(BTC, "market", "buy", 0.05)
        await ex.create_order(BTC, "market", "sell", 0.05, None, {"reduceOnly": True})
        trades = await ex.fetch_my_trades(BTC)
        paid = sum(t["fee"]["cost"] for t in trades)
        income = await ex.fapiPrivateGetIncome()
        kinds = [row["incomeType"] for row in income]
        assert sum(t["amount"] for t in trades) == pytest.approx(0.1)
        assert paid == pytest.approx(0.1 * 80_000 * 0.0005, rel=0.001)
        assert kinds[0] == "TRANSFER"
        assert kinds.count("COMMISSION") == len(trades)
        assert (await ex.fetch_trading_fee(BTC))["taker"] == 0.0005
        tiers = (await ex.fetch_leverage_tiers([BTC]))[BTC]
        assert tiers[0]["maintenanceMarginRate"] == 0.004


async def test_public_data_reaches_the_client() -> None:
    async with embedded_venue() as venue, client(venue) as ex:
        hourly = await ex.fetch_ohlcv(BTC, "1h", limit=1_000)
        minutes = await ex.fetch_ohlcv(BTC, "1m", limit=500)
        assert len(hourly) >= 719
        assert all(b[0] - a[0] == 3_600_000 for a, b in pairwise(hourly))
        assert all(b[0] - a[0] == 60_000 for a, b in pairwise(minutes))
        assert all(row[3] <= min(row[1], row[4]) <= max(row[1], row[4]) <= row[2] for row in hourly)
        assert hourly[-1][4] == 80_000
        funding = await ex.fetch_funding_rate(BTC)
        assert (funding["fundingRate"], funding["markPrice"]) == (0.0001, 80_000)
        assert (await ex.fetch_open_interest(BTC))["openInterestAmount"] == 12_500
        assert len(await ex.fetch_mark_ohlcv(BTC, "1h", limit=10)) == 10
        assert len(await ex.fetch_index_ohlcv(BTC, "1h", limit=10)) == 10
        assert (await ex.fetch_ticker(BTC))["last"] == 80_000
        book = await ex.fetch_order_book(BTC, 20)
        assert len(book["bids"]) == 20
        assert book["bids"][0][0] < 80_000.05 < book["asks"][0][0] + 0.1


async def test_fills_by_hand_are_the_accounts_own() -> None:
    async with embedded_venue() as venue, client(venue) as ex:
        venue.by_hand(BTC, OrderSide.BUY, "0.02")
        assert (await ex.fetch_positions([BTC]))[0]["contracts"] == 0.02
        assert (await ex.fetch_my_trades(BTC))[0]["amount"] == 0.02
