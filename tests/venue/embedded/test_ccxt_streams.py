"""The real ccxt.pro client on the venue's streams: public flow and the user stream."""

import asyncio
import json

import aiohttp
import pytest

from bot.domain.orders import OrderSide
from tests.fakes.embedded import BTC, ETH, embedded_venue
from tests.venue.embedded.client import client, soon, until


async def test_trades_marks_and_books_are_heard() -> None:
    async with embedded_venue() as venue, client(venue) as ex:
        trades = await soon(ex.watch_trades(BTC, params={"name": "aggTrade"}))
        assert trades[0]["price"] == 80_000
        plain = await soon(ex.watch_trades(ETH))
        assert plain[0]["price"] == 2_500
        mark = await soon(ex.watch_mark_price(BTC))
        assert mark["markPrice"] == 80_000
        marks = await soon(ex.watch_mark_prices([BTC, ETH]))
        assert marks
        tops = await soon(ex.watch_bids_asks([BTC]))
        assert tops[BTC]["bid"] < tops[BTC]["ask"]
        candles = await soon(ex.watch_ohlcv(BTC, "1m"))
        assert candles[-1][4] == 80_000


async def test_the_book_of_the_stream_is_the_book_of_rest() -> None:
    async with embedded_venue() as venue, client(venue) as ex:
        book = await soon(ex.watch_order_book(BTC, 50))
        venue.move(BTC, 79_000.0)
        while book["bids"][0][0] > 79_000:
            book = await soon(ex.watch_order_book(BTC, 50))
        rest = await ex.fetch_order_book(BTC, 50)
        while book["nonce"] < rest["nonce"]:
            book = await soon(ex.watch_order_book(BTC, 50))
        assert book["nonce"] >= rest["nonce"]
        assert book["bids"][0][0] < book["asks"][0][0]
        assert len(book["bids"]) == 50


async def test_orders_and_positions_are_told_after_a_fill() -> None:
    async with embedded_venue() as venue, client(venue) as ex:
        orders = asyncio.ensure_future(ex.watch_orders())
        await until(lambda: any(c.account_id for c in venue.world.hub.clients))
        positions = asyncio.ensure_future(ex.watch_positions())
        balance = asyncio.ensure_future(ex.watch_balance())
        await until(lambda: len(venue.requests("/positionRisk")) > 0)
        sent = await ex.create_order(BTC, "market", "buy", 0.05)
        told = (await soon(orders))[-1]
        assert (told["id"], told["status"], told["filled"]) == (sent["id"], "closed", 0.05)
        held = await soon(positions)
        while not held or not held[-1]["contracts"]:
            held = await soon(ex.watch_positions())
        assert (held[-1]["symbol"], held[-1]["side"], held[-1]["contracts"]) == (BTC, "long", 0.05)
        money = await soon(balance)
        while money["USDT"]["total"] == 10_000:
            money = await soon(ex.watch_balance())
        assert 9_990 < money["USDT"]["total"] < 10_000


async def hear_user(venue, count: int, act) -> list[dict]:
    """Connect to the user stream, act, and return the first `count` frames."""
    async with aiohttp.ClientSession() as session:
        headers = {"X-MBX-APIKEY": venue.api_key}
        async with session.post(f"{venue.url}/fapi/v1/listenKey", headers=headers) as answer:
            key = (await answer.json())["listenKey"]
        async with session.ws_connect(f"{venue.ws_url}/private/ws?listenKey={key}") as ws:
            await act()
            return [json.loads((await soon(ws.receive())).data) for _ in range(count)]


async def test_a_triggered_stop_tells_its_whole_life_with_the_order_it_bore() -> None:
    async with embedded_venue() as venue, client(venue) as ex:
        await ex.create_order(BTC, "market", "buy", 0.01)

        async def act() -> None:
            params = {"stopLossPrice": 78_000, "reduceOnly": True, "clientOrderId": "bw-stop"}
            await ex.create_order(BTC, "market", "sell", 0.01, None, params)
            venue.move(BTC, 77_000.0)

        frames = await hear_user(venue, 7, act)
        kinds = [(f["e"], f.get("o", {}).get("X")) for f in frames]
        assert kinds == [
            ("ALGO_UPDATE", "NEW"),
            ("ALGO_UPDATE", "TRIGGERING"),
            ("ORDER_TRADE_UPDATE", "NEW"),
            ("ORDER_TRADE_UPDATE", "FILLED"),
            ("ACCOUNT_UPDATE", None),
            ("ALGO_UPDATE", "TRIGGERED"),
            ("ALGO_UPDATE", "FINISHED"),
        ]
        born, done = frames[3]["o"], frames[6]["o"]
        assert born["c"] == done["caid"] == "bw-stop"
        assert done["ai"] == str(born["i"])
        assert (done["aq"], done["ap"]) == (born["z"], born["ap"])
        leg = frames[4]["a"]["P"][0]
        assert (leg["s"], float(leg["pa"]), leg["ps"]) == ("BTCUSDT", 0.0, "BOTH")
        assert float(born["rp"]) < 0 < float(born["n"])


async def test_a_partial_fill_tells_every_execution_with_rising_totals() -> None:
    async with embedded_venue(wallet_usd="5000000") as venue, client(venue) as ex:
        frames: list[dict] = []

        async def act() -> None:
            await ex.create_order(BTC, "market", "buy", 10)

        trades = venue.exchange.trades
        frames = await hear_user(venue, 12, act)
        fills = [
            f["o"] for f in frames if f["e"] == "ORDER_TRADE_UPDATE" and f["o"]["x"] == "TRADE"
        ]
        assert len(trades(venue.account_id, BTC, 0)) > 1
        totals = [float(o["z"]) for o in fills]
        assert totals == sorted(totals)
        assert totals[1] == pytest.approx(totals[0] + float(fills[1]["l"]))
        assert {o["X"] for o in fills[:-1]} <= {"PARTIALLY_FILLED"}


async def test_the_listen_key_ends_without_renewal_and_says_so() -> None:
    async with embedded_venue() as venue:

        async def act() -> None:
            venue.world.listen_keys.expire(venue.account_id)

        frames = await hear_user(venue, 1, act)
        assert frames[0]["e"] == "listenKeyExpired"
        venue.by_hand(BTC, OrderSide.BUY, "0.01")
        assert not venue.world.hub.is_heard("user")


async def test_a_renewed_listen_key_lives_another_hour() -> None:
    async with embedded_venue() as venue, client(venue) as ex:
        await ex.fapiPrivatePostListenKey()
        key = venue.world.listen_keys.to_list()[0]
        first = key.expires_ns
        await ex.fapiPrivatePutListenKey()
        assert first < key.expires_ns <= venue.world.clock.now_ns() + 3_600 * 10**9
        await ex.fapiPrivateDeleteListenKey()
        with pytest.raises(Exception, match="-1125"):
            await ex.fapiPrivatePutListenKey()


async def test_streams_stay_silent_on_the_wrong_address() -> None:
    async with embedded_venue() as venue, aiohttp.ClientSession() as session:
        async with session.ws_connect(f"{venue.ws_url}/public/ws/1") as ws:
            await ws.send_json({"method": "SUBSCRIBE", "params": ["btcusdt@aggTrade"], "id": 1})
            assert (await soon(ws.receive_json())) == {"result": None, "id": 1}
            await ws.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 2})
            assert (await soon(ws.receive_json()))["result"] == ["btcusdt@aggTrade"]
            assert not venue.world.hub.is_heard("btcusdt@aggTrade")
        async with session.ws_connect(
            f"{venue.ws_url}/stream?streams=btcusdt@aggTrade/!markPrice@arr@1s"
        ) as ws:
            names = {(await soon(ws.receive_json()))["stream"] for _ in range(40)}
            assert names == {"btcusdt@aggTrade", "!markPrice@arr@1s"}


JUNK = ("{", "[]", "null", '{"method":1}', '{"method":"SUBSCRIBE","params":"x"}')


@pytest.mark.parametrize("junk", JUNK)
async def test_junk_on_a_socket_gets_an_error_and_the_socket_lives(junk: str) -> None:
    async with (
        embedded_venue() as venue,
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{venue.ws_url}/market/ws/1") as ws,
    ):
        await ws.send_str(junk)
        assert "error" in await soon(ws.receive_json())
        await ws.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 2})
        assert (await soon(ws.receive_json()))["result"] == []


async def test_a_chatty_client_is_dropped() -> None:
    async with embedded_venue() as venue, aiohttp.ClientSession() as session:
        async with session.ws_connect(f"{venue.ws_url}/market/ws/1") as ws:
            for number in range(30):
                await ws.send_json({"method": "LIST_SUBSCRIPTIONS", "id": number})
            while (message := await soon(ws.receive())).type is aiohttp.WSMsgType.TEXT:
                pass
            assert message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)
            assert ws.close_code == 1008
        await until(lambda: not venue.world.hub.clients)


async def test_a_slow_client_is_dropped_and_the_venue_goes_on() -> None:
    async with embedded_venue() as venue, aiohttp.ClientSession() as session:
        async with session.ws_connect(f"{venue.ws_url}/market/ws/1") as ws:
            await ws.send_json({"method": "SUBSCRIBE", "params": ["btcusdt@aggTrade"], "id": 1})
            await until(lambda: venue.world.hub.is_heard("btcusdt@aggTrade"))
            for _ in range(10_000):
                venue.world.hub.publish("btcusdt@aggTrade", "aggTrade", {"e": "aggTrade"})
            await until(lambda: not venue.world.hub.clients)
        assert venue.exchange.market(BTC).last == 80_000
