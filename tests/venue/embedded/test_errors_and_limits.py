"""Refusals over production URLs, keys and signatures, weights and bans."""

import hmac
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlencode

import aiohttp
import ccxt
import pytest

from bot.app.clock import SystemClock
from bot.domain.orders import OrderSide
from bot.domain.units import NS_PER_S
from bot.simulator.binance.weights import Quota
from tests.fakes.embedded import (
    BTC,
    READ_KEY,
    READ_SECRET,
    EmbeddedVenue,
    embedded_venue,
)
from tests.venue.embedded.client import client, production_client, soon, until


async def test_every_refusal_has_its_own_class_over_production_urls(tmp_path: Path) -> None:
    async with (
        embedded_venue(tls=True, tls_folder=tmp_path) as venue,
        production_client(venue) as ex,
    ):
        assert ex.urls["api"]["fapiPrivate"] == "https://fapi.binance.com/fapi/v1"
        venue.by_hand(BTC, OrderSide.BUY, "0.05")
        stop = {"reduceOnly": True, "workingType": "MARK_PRICE"}

        async def refused(kind: type[Exception], code: int, *order: object) -> None:
            with pytest.raises(kind, match=str(code)) as caught:
                await ex.create_order(BTC, *order)
            assert type(caught.value) is kind

        above = {**stop, "stopLossPrice": 81_000}
        await refused(ccxt.OrderImmediatelyFillable, -2021, "market", "sell", 0.05, None, above)
        await refused(ccxt.InsufficientFunds, -2019, "market", "buy", 5)
        await refused(ccxt.InvalidOrder, -4164, "market", "buy", 0.001)
        reduce = {"reduceOnly": True}
        await refused(ccxt.InvalidOrder, -2022, "market", "buy", 0.05, None, reduce)
        mine = {"clientOrderId": "bw-twice"}
        await ex.create_order(BTC, "market", "buy", 0.002, None, mine)
        await refused(ccxt.InvalidOrder, -4116, "market", "buy", 0.002, None, mine)
        wrong_leg = {"positionSide": "LONG"}
        await refused(ccxt.OperationRejected, -4061, "market", "buy", 0.05, None, wrong_leg)
        below = {**stop, "stopLossPrice": 70_000, "clientOrderId": "bw-stop"}
        await ex.create_order(BTC, "market", "sell", 0.05, None, below)
        with pytest.raises(ccxt.ExchangeError, match="-20132"):
            await ex.create_order(BTC, "market", "sell", 0.05, None, below)
        with pytest.raises(ccxt.InvalidOrder, match="-4120"):
            await ex.fapiPrivatePostOrder(
                {"symbol": "BTCUSDT", "side": "SELL", "type": "STOP_MARKET", "quantity": "0.05"}
            )
        with pytest.raises(ccxt.OrderNotFound, match="-2013"):
            await ex.fetch_order("1", BTC)
        with pytest.raises(ccxt.OrderNotFound, match="-2011"):
            await ex.cancel_order("1", BTC)
        with pytest.raises(ccxt.BadSymbol, match="-1121"):
            await ex.fapiPublicGetDepth({"symbol": "XYZUSDT"})


async def test_streams_work_over_production_urls(tmp_path: Path) -> None:
    async with (
        embedded_venue(tls=True, tls_folder=tmp_path) as venue,
        production_client(venue) as ex,
    ):
        trades = await soon(ex.watch_trades(BTC, params={"name": "aggTrade"}))
        assert trades[0]["symbol"] == BTC
        assert any(c.category == "market" for c in venue.world.hub.clients)


async def test_demo_hosts_reach_the_same_venue(tmp_path: Path) -> None:
    async with embedded_venue(tls=True, tls_folder=tmp_path) as venue, venue.session() as session:
        ex = ccxt.pro.binanceusdm(
            {
                "apiKey": venue.api_key,
                "secret": venue.secret,
                "session": session,
                "enableRateLimit": False,
            }
        )
        ex.enable_demo_trading(True)
        try:
            assert (await ex.fetch_balance())["USDT"]["total"] == 10_000
        finally:
            await ex.close()


async def signed(
    venue: EmbeddedVenue,
    session: aiohttp.ClientSession,
    params: dict[str, object],
    *,
    key: str = "",
    secret: str = "",
    path: str = "/fapi/v3/account",
    spoil: bool = False,
) -> tuple[int, int]:
    """Send a hand-signed GET; return HTTP status and venue code."""
    query = urlencode(params)
    digest = hmac.new((secret or venue.secret).encode(), query.encode(), sha256).hexdigest()
    if spoil:
        digest = digest[::-1]
    url = f"{venue.url}{path}?{query}&signature={digest}"
    async with session.get(url, headers={"X-MBX-APIKEY": key or venue.api_key}) as answer:
        body = await answer.json()
        return answer.status, body.get("code", 0) if isinstance(body, dict) else 0


async def test_keys_signatures_and_clocks_are_checked() -> None:
    async with embedded_venue() as venue, aiohttp.ClientSession() as session:
        now = venue.world.clock.now_ns() // 1_000_000
        assert await signed(venue, session, {"timestamp": now}) == (200, 0)
        assert await signed(venue, session, {"timestamp": now}, spoil=True) == (400, -1022)
        assert await signed(venue, session, {"timestamp": now}, key="nobody") == (401, -2015)
        assert await signed(venue, session, {"timestamp": now}, key="not a key") == (401, -2014)
        assert await signed(venue, session, {}) == (400, -1102)
        assert await signed(venue, session, {"timestamp": now - 6_000}) == (400, -1021)
        wide = {"timestamp": now - 6_000, "recvWindow": 60_000}
        assert await signed(venue, session, wide) == (200, 0)
        assert await signed(venue, session, {"timestamp": now + 5_000}) == (400, -1021)
        endless = {"timestamp": now, "recvWindow": 60_001}
        assert await signed(venue, session, endless) == (400, -1131)
        async with session.get(f"{venue.url}/fapi/v3/account") as answer:
            assert (answer.status, (await answer.json())["code"]) == (401, -2014)


async def test_a_read_only_key_reads_and_does_not_trade() -> None:
    async with embedded_venue() as venue, client(venue, apiKey=READ_KEY, secret=READ_SECRET) as ex:
        assert (await ex.fetch_balance())["USDT"]["total"] == 10_000
        with pytest.raises(ccxt.AuthenticationError, match="-2015"):
            await ex.create_order(BTC, "market", "buy", 0.05)
        rights = await ex.sapiGetAccountApiRestrictions()
        assert rights["enableFutures"] is False
        assert venue.exchange.account(venue.account_id).positions == ()


class StillClock(SystemClock):
    """A wall clock that stands in the middle of a minute, so that no minute ends under the test."""

    def now_ns(self) -> int:
        return 1_790_000_030 * NS_PER_S


async def test_weights_are_counted_and_an_obstinate_client_is_banned() -> None:
    quota = Quota(weight_per_min=60, refused_before_ban=2, ban_s=120.0)
    async with (
        embedded_venue(quota=quota, clock=StillClock()) as venue,
        aiohttp.ClientSession() as session,
    ):
        seen: list[tuple[int, str | None]] = []
        for _ in range(8):
            async with session.get(f"{venue.url}/fapi/v1/aggTrades?symbol=BTCUSDT") as answer:
                seen.append((answer.status, answer.headers.get("Retry-After")))
                used = answer.headers["X-MBX-USED-WEIGHT-1M"]
        statuses = [status for status, _ in seen]
        assert statuses == [200, 200, 200, 429, 429, 418, 418, 418]
        assert all(int(wait or 0) >= 1 for status, wait in seen if status != 200)
        assert int(used) > 60
        async with session.get(f"{venue.url}/fapi/v1/ping") as answer:
            body = await answer.json()
            assert (answer.status, body["code"]) == (418, -1003)
            assert "banned until" in body["msg"]


async def test_orders_are_counted_by_account() -> None:
    async with embedded_venue(quota=Quota(orders_per_10s=3)) as venue, client(venue) as ex:
        for _ in range(3):
            await ex.create_order(BTC, "market", "buy", 0.002)
        assert ex.last_response_headers["X-MBX-ORDER-COUNT-10S"] == "3"
        with pytest.raises(ccxt.RateLimitExceeded, match="-1015"):
            await ex.create_order(BTC, "market", "buy", 0.002)


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/fapi/v1/klines?symbol=BTCUSDT", -1102),
        ("/fapi/v1/klines?symbol=BTCUSDT&interval=7m", -1120),
        ("/fapi/v1/klines?symbol=BTCUSDT&interval=1m&limit=NaN", -1100),
        ("/fapi/v1/klines?symbol=BTCUSDT&interval=1m&limit=0", -1130),
        ("/fapi/v1/klines?symbol=BTCUSDT&interval=1m&startTime=99999999999999999999999", -1100),
        ("/fapi/v1/depth?symbol=BTCUSDT&limit=7", -4021),
        ("/fapi/v1/depth?symbol=", -1102),
        ("/fapi/v1/fundingRate?symbol=%00", -1121),
    ],
)
async def test_bad_parameters_get_one_clear_refusal(path: str, code: int) -> None:
    async with (
        embedded_venue() as venue,
        aiohttp.ClientSession() as session,
        session.get(venue.url + path) as answer,
    ):
        assert ((await answer.json())["code"], answer.status) == (code, 400)


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("quantity", "NaN", -1100),
        ("quantity", "-1", -4003),
        ("quantity", "0.00001", -1111),
        ("quantity", "1e400", -1100),
        ("side", "HOLD", -1117),
        ("type", "ICEBERG", -1116),
        ("price", "1", -1106),
        ("reduceOnly", "perhaps", -1100),
        ("newClientOrderId", "x" * 37, -4015),
        ("newClientOrderId", "é", -1100),
    ],
)
async def test_bad_orders_get_one_clear_refusal(field: str, value: str, code: int) -> None:
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.05"}
    async with embedded_venue() as venue, client(venue) as ex:
        with pytest.raises(ccxt.BaseError, match=f'"code":{code},'):
            await ex.fapiPrivatePostOrder({**order, field: value})
        assert venue.exchange.account(venue.account_id).positions == ()


async def test_a_batch_judges_each_order_by_itself() -> None:
    async with embedded_venue() as venue, client(venue) as ex:
        good = {"symbol": BTC, "type": "market", "side": "buy", "amount": 0.05}
        tiny = {**good, "amount": 0.001}
        rows = await ex.create_orders([good, tiny])
        by_status = {row["status"]: row for row in rows}
        assert sorted(by_status) == ["closed", "rejected"]
        assert by_status["rejected"]["info"]["code"] == -4164


async def test_the_countdown_cancels_entries_and_leaves_stops() -> None:
    async with embedded_venue() as venue, client(venue) as ex:
        venue.by_hand(BTC, OrderSide.BUY, "0.01")
        await ex.create_order(BTC, "limit", "buy", 0.01, 70_000)
        stop = {"stopLossPrice": 75_000, "reduceOnly": True}
        await ex.create_order(BTC, "market", "sell", 0.01, None, stop)
        await ex.fapiPrivatePostCountdownCancelAll({"symbol": "BTCUSDT", "countdownTime": 1})

        await until(
            lambda: not venue.exchange.open_orders(venue.account_id, BTC, conditional=False)
        )
        assert len(venue.exchange.open_orders(venue.account_id, BTC, conditional=True)) == 1
