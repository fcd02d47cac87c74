"""Nonsense over HTTP: every address answers it in the protocol's words and stays up."""

import hmac
import json
import random
from decimal import Decimal
from hashlib import sha256
from urllib.parse import urlencode

import aiohttp
import pytest

from bot.domain.orders import OrderSide
from bot.simulator.binance.calls import Access, Route
from bot.simulator.binance.server import ROUTES
from bot.simulator.binance.weights import Quota
from tests.fakes.embedded import BTC, EmbeddedVenue, embedded_venue

BOUNDLESS = Quota(weight_per_min=10**9, orders_per_10s=10**9, orders_per_min=10**9)
NAMES_TEXT = """
    symbol pair side type quantity price triggerPrice algoType limit interval period startTime
    endTime orderId origClientOrderId algoId clientAlgoId newClientOrderId reduceOnly closePosition
    positionSide timeInForce workingType leverage marginType amount countdownTime dualSidePosition
    batchOrders orderIdList incomeType fromId recvWindow stopPrice
"""
PLAUSIBLE_TEXT = """
    0 1 5 -1 BTCUSDT BUY SELL MARKET LIMIT STOP_MARKET CONDITIONAL true false GTC GTX LONG SHORT
    BOTH 1m 5m 79000 81000.05 0.001 0.05 ISOLATED
"""
ABSURD_TEXT = """
    NaN inf -0 1e309 1e-30 99999999999999999999999999 btcusdt [] [1,2] [{"symbol":"BTCUSDT"}] {
    ü ％ ٣ 1_000
"""
NAMES = NAMES_TEXT.split()
VALUES = (*PLAUSIBLE_TEXT.split(), *ABSURD_TEXT.split(), "", "\x00", "' OR 1=1", "a" * 300, " 1 ")


async def ask(
    venue: EmbeddedVenue, session: aiohttp.ClientSession, route: Route, params: dict[str, str]
) -> tuple[int, bytes]:
    if route.access >= Access.READ:
        params = {**params, "timestamp": str(venue.world.clock.now_ns() // 1_000_000)}
    query = urlencode(params)
    if route.access >= Access.READ:
        digest = hmac.new(venue.secret.encode(), query.encode(), sha256).hexdigest()
        query += f"&signature={digest}"
    headers = {
        "X-MBX-APIKEY": venue.api_key,
        "Content-Type": "application/x-www-form-urlencoded",
    }
    url, body = f"{venue.url}{route.path}", None
    if route.method in ("POST", "PUT"):
        body = query.encode()
    else:
        url += f"?{query}"
    async with session.request(route.method, url, data=body, headers=headers) as answer:
        return answer.status, await answer.read()


@pytest.mark.parametrize("seed", range(4))
async def test_no_parameter_brings_an_address_down(seed: int) -> None:
    dice = random.Random(seed)
    async with (
        embedded_venue(quota=BOUNDLESS, wallet_usd="100000") as venue,
        aiohttp.ClientSession() as session,
    ):
        venue.by_hand(BTC, OrderSide.BUY, "0.01")
        taken = 0
        for route in ROUTES * 6:
            chosen = dice.sample(NAMES, dice.randint(0, 9))
            params = {name: dice.choice(VALUES) for name in chosen}
            if dice.random() < 0.7:
                params["symbol"] = "BTCUSDT"
            status, body = await ask(venue, session, route, params)
            where = f"{route.method} {route.path} {params} -> {status} {body[:200]!r}"
            assert status in (200, 400, 401), where
            answer = json.loads(body)
            assert status == 200 or (answer["code"] < 0 and answer["msg"]), where
            taken += status == 200
        assert taken > 50
        wallet = venue.exchange.account(venue.account_id).wallet_usd
        assert wallet.is_finite()
        assert wallet < Decimal(100_100)


@pytest.mark.parametrize("body", [b"\xff\xfe\x00", b"&&&=&=;", b"a" * 200_000, b"symbol=%ff%fe"])
async def test_junk_bodies_are_refused(body: bytes) -> None:
    async with embedded_venue() as venue, aiohttp.ClientSession() as session:
        for method, path in (("POST", "/fapi/v1/order"), ("PUT", "/fapi/v1/listenKey")):
            headers = {"X-MBX-APIKEY": venue.api_key}
            url = venue.url + path
            async with session.request(method, url, data=body, headers=headers) as answer:
                assert answer.status == 400


async def test_a_body_without_end_is_cut_off() -> None:
    async with embedded_venue() as venue, aiohttp.ClientSession() as session:
        url = f"{venue.url}/fapi/v1/order"
        async with session.post(url, data=b"x" * 1_000_000) as answer:
            assert answer.status == 413
        async with session.get(f"{venue.url}/fapi/v1/ping") as answer:
            assert answer.status == 200


async def test_an_unknown_address_is_not_found() -> None:
    async with embedded_venue() as venue, aiohttp.ClientSession() as session:
        for path in ("/", "/fapi/v1/nothing", "/fapi/v9/order", "/../../etc/passwd"):
            async with session.get(venue.url + path) as answer:
                assert answer.status == 404
        async with session.put(f"{venue.url}/fapi/v1/ping") as answer:
            assert answer.status == 405
