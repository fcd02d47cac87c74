"""What ccxt does at Hyperliquid works on the embedded venue, and what it does unasked is seen."""

import asyncio

import ccxt
import ccxt.pro
import pytest

from bot.domain.orders import OrderSide, PositionSide
from tests.fakes.embedded import BTC, embedded_venue
from tests.venue.hyperliquid.client import BTC_USDC, CLOID, client, spoken

pytestmark = pytest.mark.asyncio


async def test_an_account_is_read_and_traded() -> None:
    async with spoken() as (venue, ex):
        assert (await ex.fetch_balance())["USDC"]["total"] == 10_000.0
        bought = await ex.create_order(
            BTC_USDC, "market", "buy", 0.05, 80_000, {"clientOrderId": CLOID + "1"}
        )
        assert bought["info"]["filled"]["totalSz"] == "0.05"
        (held,) = await ex.fetch_positions()
        assert (held["side"], held["contracts"], held["leverage"]) == ("long", 0.05, 20.0)
        stop = await ex.create_order(
            BTC_USDC,
            "market",
            "sell",
            0.05,
            70_000,
            {"stopLossPrice": 70_000, "reduceOnly": True, "clientOrderId": CLOID + "2"},
        )
        (open_,) = await ex.fetch_open_orders(BTC_USDC)
        assert open_["id"] == stop["id"]
        assert (open_["triggerPrice"], open_["reduceOnly"]) == (70_000.0, True)
        asked = await ex.fetch_order("", BTC_USDC, {"clientOrderId": CLOID + "2"})
        assert asked["status"] == "open"
        await ex.cancel_order("", BTC_USDC, {"clientOrderId": CLOID + "2"})
        assert await ex.fetch_open_orders(BTC_USDC) == []
        asked = await ex.fetch_order(stop["id"], BTC_USDC)
        assert asked["status"] == "canceled"
        assert venue.exchange.wallet_usd(venue.account_id) < 10_000


async def test_a_stop_keeps_its_number_when_it_fires() -> None:
    async with spoken() as (venue, ex):
        await ex.create_order(BTC_USDC, "market", "buy", 0.05, 80_000)
        stop = await ex.create_order(
            BTC_USDC, "market", "sell", 0.05, 75_000,
            {"stopLossPrice": 75_000, "reduceOnly": True, "clientOrderId": CLOID + "3"},
        )  # fmt: skip
        venue.move(BTC, 74_000.0)
        assert await ex.fetch_positions() == []
        fills = await ex.fetch_my_trades(BTC_USDC)
        assert [fill["order"] for fill in fills][-1] == stop["id"]
        assert fills[-1]["info"]["dir"] == "Close Long"
        asked = await ex.fetch_order(stop["id"], BTC_USDC)
        assert (asked["status"], asked["filled"]) == ("closed", 0.05)


@pytest.mark.parametrize(
    ("kind", "side", "qty", "price", "more", "words"),
    [
        ("limit", "buy", 0.0001, 80_000, {}, "minimum value of \\$10"),
        ("limit", "buy", 10, 80_000, {}, "Insufficient margin"),
        ("limit", "sell", 0.01, 80_000, {"reduceOnly": True}, "would increase position"),
        ("limit", "buy", 0.01, 81_000, {"postOnly": True}, "would have immediately matched"),
        ("limit", "buy", 0.01, 70_000, {"timeInForce": "Ioc"}, "could not immediately match"),
        ("market", "buy", 0.01, 70_000, {"stopLossPrice": 70_000}, "Invalid TP/SL price"),
    ],
)
async def test_refusals_come_inside_answers_that_say_ok(
    kind: str, side: str, qty: float, price: float, more: dict[str, object], words: str
) -> None:
    async with spoken() as (_, ex):
        with pytest.raises(ccxt.BaseError, match=words):
            await ex.create_order(BTC_USDC, kind, side, qty, price, more)


async def test_ccxt_left_alone_asks_for_a_builder_fee_and_is_refused() -> None:
    async with embedded_venue(protocol="hyperliquid") as venue:
        ex = client(venue, ccxt.pro.hyperliquid)
        try:
            await ex.load_markets()
            await ex.create_order(BTC_USDC, "market", "buy", 0.05, 80_000)
        finally:
            await ex.close()
        acts = [seen.path for seen in venue.log if seen.path.startswith("/exchange")]
        assert "/exchange/approveBuilderFee" in acts
        assert "/exchange/setReferrer" in acts
        assert "builder" not in venue.requests("/exchange/order")[0].params


async def test_a_key_that_is_no_agent_is_refused_and_its_address_is_empty() -> None:
    async with spoken() as (venue, _):
        stranger = client(venue, privateKey="0x" + "22" * 32)
        other = client(venue, walletAddress="0x" + "cd" * 20)
        try:
            await stranger.load_markets()
            with pytest.raises(ccxt.BaseError, match=r"API Wallet 0x[0-9a-f]{40} does not exist"):
                await stranger.create_order(BTC_USDC, "market", "buy", 0.05, 80_000)
            assert (await other.fetch_balance())["USDC"]["total"] == 0.0
        finally:
            await stranger.close()
            await other.close()


async def test_a_nonce_is_used_once() -> None:
    async with spoken() as (_, ex):
        action = {"type": "scheduleCancel"}
        nonce = ex.milliseconds()
        body = {
            "action": action,
            "nonce": nonce,
            "signature": ex.sign_l1_action(action, nonce),
        }
        await ex.privatePostExchange(body)
        with pytest.raises(ccxt.BaseError, match="nonce"):
            await ex.privatePostExchange(body)
        old = nonce - 3 * 86_400_000
        with pytest.raises(ccxt.BaseError, match="nonce"):
            await ex.privatePostExchange(
                {"action": action, "nonce": old, "signature": ex.sign_l1_action(action, old)}
            )


async def test_the_dead_mans_switch_takes_the_stops_as_well() -> None:
    async with spoken() as (venue, ex):
        await ex.create_order(BTC_USDC, "market", "buy", 0.05, 80_000)
        await ex.create_order(
            BTC_USDC, "market", "sell", 0.05, 70_000, {"stopLossPrice": 70_000, "reduceOnly": True}
        )
        await ex.cancel_all_orders_after(6_000)
        assert len(await ex.fetch_open_orders(BTC_USDC)) == 1
        venue.faults.add("skew_clock", offset_ms=7_000)
        for _ in range(200):
            if not await ex.fetch_open_orders(BTC_USDC):
                break
            await asyncio.sleep(0.02)
        assert await ex.fetch_open_orders(BTC_USDC) == []
        (held,) = await ex.fetch_positions()
        assert held["contracts"] == 0.05


async def test_margin_mode_and_leverage_go_together() -> None:
    async with spoken() as (_, ex):
        await ex.set_leverage(5, BTC_USDC, {"marginMode": "isolated"})
        await ex.create_order(BTC_USDC, "market", "buy", 0.05, 80_000)
        (held,) = await ex.fetch_positions()
        assert (held["marginMode"], held["leverage"]) == ("isolated", 5.0)
        before = held["info"]["position"]["marginUsed"]
        await ex.add_margin(BTC_USDC, 100)
        (held,) = await ex.fetch_positions()
        assert float(held["info"]["position"]["marginUsed"]) - float(before) == pytest.approx(100.0)
        with pytest.raises(ccxt.BaseError, match="Cannot switch leverage type"):
            await ex.set_leverage(5, BTC_USDC, {"marginMode": "cross"})


async def test_the_streams_tell_what_happened() -> None:
    async with spoken() as (venue, ex):
        wishes = {
            "trades": ex.watch_trades(BTC_USDC),
            "ticker": ex.watch_ticker(BTC_USDC),
            "orders": ex.watch_orders(),
            "fills": ex.watch_my_trades(),
        }
        tasks = {name: asyncio.create_task(wish) for name, wish in wishes.items()}
        async with asyncio.timeout(20):
            while {"userFills:main", "orderUpdates:main"} - set(venue.world.hub.streams()):
                await asyncio.sleep(0.01)
            await ex.create_order(
                BTC_USDC, "market", "buy", 0.05, 80_000, {"clientOrderId": CLOID + "4"}
            )
            told = {name: await task for name, task in tasks.items()}
        assert told["orders"][0]["clientOrderId"] == CLOID + "4"
        assert told["ticker"]["info"]["markPx"].startswith("80000")
        assert told["trades"]


async def test_own_liquidation_is_told_as_such() -> None:
    async with spoken(wallet_usd="1000") as (venue, ex):
        await ex.create_order(BTC_USDC, "market", "buy", 0.19, 80_000)
        watch = asyncio.create_task(ex.watch_my_liquidations(BTC_USDC))
        async with asyncio.timeout(20):
            while "userFills:main" not in venue.world.hub.streams():
                await asyncio.sleep(0.01)
            venue.move(BTC, 74_000.0)
            (told,) = (await watch)[:1]
        assert told["info"]["liquidation"]["liquidatedUser"] == venue.api_key
        assert venue.exchange.liquidations >= 1
        mine = await ex.fetch_my_liquidations(BTC_USDC)
        assert mine


async def test_history_funding_and_candles_are_served() -> None:
    async with spoken() as (venue, ex):
        bars = await ex.fetch_ohlcv(BTC_USDC, "1h", limit=50)
        assert len(bars) >= 40
        interest = await ex.fetch_open_interest(BTC_USDC)
        assert interest["openInterestAmount"] > 0
        venue.by_hand(BTC, OrderSide.BUY, "0.05")
        market = venue.exchange.market(BTC)
        assert market.funding_interval_s == 3_600
        assert market.funding_frac == pytest.approx(0.0001 / 8)
        venue.exchange.advance(market.next_funding_ns)
        venue.world.settle()
        (paid,) = await ex.fetch_funding_history(BTC_USDC)
        assert paid["amount"] == pytest.approx(-0.05 * 80_000 * 0.0001 / 8, rel=1e-3)
        quantity, _, _ = venue.exchange.position_mark(venue.account_id, BTC, PositionSide.LONG)
        assert quantity == 0.05


async def test_the_allowance_of_an_address_ends_and_cancels_go_on() -> None:
    async with spoken() as (venue, ex):
        order = await ex.create_order(BTC_USDC, "limit", "buy", 0.01, 70_000)
        limit = await ex.publicPostInfo({"type": "userRateLimit", "user": venue.api_key})
        assert limit["nRequestsUsed"] == 1
        desk = venue.running.keeper._flow._desk
        desk.acted[venue.account_id] = limit["nRequestsCap"]
        with pytest.raises(ccxt.BaseError, match="Too many cumulative requests"):
            await ex.create_order(BTC_USDC, "limit", "buy", 0.01, 70_000)
        await ex.cancel_order(order["id"], BTC_USDC)
        assert await ex.fetch_open_orders(BTC_USDC) == []
