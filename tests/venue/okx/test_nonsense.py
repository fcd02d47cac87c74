"""Whatever arrives at the embedded OKX, it answers in its own words and lives on."""

import random
from datetime import UTC, datetime
from urllib.parse import urlencode

import aiohttp
import msgspec
import pytest

from bot.simulator.binance.calls import Access, Route
from bot.simulator.binance.weights import Quota
from bot.simulator.okx.gate import signature
from bot.simulator.okx.server import ROUTES
from bot.simulator.okx.words import PASSPHRASE
from tests.fakes.embedded import EmbeddedVenue, embedded_venue

BOUNDLESS = Quota(weight_per_min=10**9, orders_per_10s=10**9, orders_per_min=10**9)
NAMES_TEXT = """
    instId instType instFamily tdMode side posSide ordType sz px reduceOnly clOrdId algoClOrdId
    algoId ordId slTriggerPx slTriggerPxType slOrdPx tpTriggerPx tpOrdPx closeFraction mgnMode lever
    type amt begin after before limit bar ccy
"""
VALUES_TEXT = """
    0 1 -1 5 0.01 80000 79000.5 BTC-USDT-SWAP BTC-USDT SWAP cross isolated net long short buy sell
    market limit ioc post_only conditional mark last true false add reduce 1H 1m NaN inf 1e309 ü
    99999999999999999999999 [] {} % USDT
"""
NAMES, VALUES = NAMES_TEXT.split(), VALUES_TEXT.split()


async def ask(
    venue: EmbeddedVenue, web: aiohttp.ClientSession, route: Route, params: dict[str, str]
) -> int:
    path, body = route.path, ""
    if route.method == "POST":
        body = msgspec.json.encode(params).decode()
    elif params:
        path += "?" + urlencode(params)
    headers = {"Content-Type": "application/json"}
    if route.access >= Access.READ:
        now = datetime.fromtimestamp(venue.world.now_ms() / 1000, UTC)
        stamp = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        key = venue.world.keys[venue.api_key]
        headers |= {
            "OK-ACCESS-KEY": venue.api_key,
            "OK-ACCESS-PASSPHRASE": PASSPHRASE,
            "OK-ACCESS-TIMESTAMP": stamp,
            "OK-ACCESS-SIGN": signature(key, f"{stamp}{route.method}{path}{body}"),
        }
    async with web.request(
        route.method, f"{venue.url}{path}", data=body or None, headers=headers
    ) as answer:
        told = msgspec.json.decode(await answer.read()) if answer.status < 500 else {}
        assert "code" in told, (route.path, params, answer.status)
        assert told["code"] != "50113", "the test signs as the client does"
        return answer.status


@pytest.mark.parametrize("seed", range(3))
async def test_nonsense_is_answered(seed: int) -> None:
    dice = random.Random(seed)
    async with (
        embedded_venue(protocol="okx", quota=BOUNDLESS) as venue,
        aiohttp.ClientSession() as web,
    ):
        for _ in range(8):
            for route in ROUTES:
                names = dice.sample(NAMES, dice.randint(0, 10))
                params = {name: dice.choice(VALUES) for name in names}
                if dice.random() < 0.7:
                    params |= {"instId": "BTC-USDT-SWAP", "tdMode": "cross", "side": "buy"}
                await ask(venue, web, route, params)
        for kind in ("public", "private", "business"):
            async with web.ws_connect(f"{venue.ws_url}/ws/v5/{kind}") as socket:
                for said in ("", "{", "[]", '{"op":"login","args":[{}]}', '{"op":"x","args":[]}'):
                    await socket.send_str(said)
                    assert (await socket.receive_json(timeout=10))["event"] == "error"
                await socket.send_str('{"op":"subscribe","args":[{"channel":"orders"}]}')
                assert (await socket.receive_json(timeout=10))["event"] == "error"
                await socket.send_str("ping")
                assert await socket.receive_str(timeout=10) == "pong"
