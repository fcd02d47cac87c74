"""What ccxt asks of OKX is answered by the embedded venue: orders, conditional orders, streams."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import ccxt
import ccxt.pro
import pytest

from bot.simulator.okx.words import PASSPHRASE
from tests.fakes.embedded import BTC, EmbeddedVenue, embedded_venue


def client(venue: EmbeddedVenue, **more: Any) -> Any:
    return ccxt.pro.okx(
        {
            "apiKey": venue.api_key,
            "secret": venue.secret,
            "password": PASSPHRASE,
            "enableRateLimit": False,
            "options": {
                "fetchMarkets": {"types": ["swap"]},
                "fetchCurrencies": False,
                "createOrder": "privatePostTradeOrder",
            },
            "urls": {"api": {"rest": venue.url, "ws": venue.ws_url + "/ws/v5"}},
            **more,
        }
    )


@asynccontextmanager
async def spoken(**wishes: Any) -> AsyncIterator[tuple[EmbeddedVenue, Any]]:
    async with embedded_venue(protocol="okx", **wishes) as venue:
        ex = client(venue)
        ex.has["fetchCurrencies"] = False
        try:
            await ex.load_markets()
            yield venue, ex
        finally:
            await ex.close()


async def test_orders_and_conditional_orders_are_two_books() -> None:
    async with spoken() as (venue, ex):
        assert ex.market(BTC)["contractSize"] == 0.01
        await ex.create_order(BTC, "market", "buy", 5, params={"tdMode": "cross"})
        (held,) = await ex.fetch_positions([BTC])
        assert (held["side"], held["contracts"], held["leverage"]) == ("long", 5.0, 20.0)
        stop = await ex.create_order(
            BTC, "market", "sell", 5,
            params={"stopLossPrice": 70_000, "reduceOnly": True, "tdMode": "cross"},
        )  # fmt: skip
        assert await ex.fetch_open_orders(BTC) == []
        waits = {"stop": True, "ordType": "conditional"}
        (waiting,) = await ex.fetch_open_orders(BTC, params=waits)
        assert (waiting["id"], waiting["stopLossPrice"]) == (stop["id"], 70_000.0)
        await ex.cancel_order(stop["id"], BTC, {"stop": True})
        assert await ex.fetch_open_orders(BTC, params=waits) == []
        assert (await ex.fetch_balance())["USDT"]["total"] > 9_000
        assert venue.exchange.wallet_usd(venue.account_id) < 10_000


async def test_the_public_side() -> None:
    async with spoken() as (_, ex):
        assert len(await ex.fetch_ohlcv(BTC, "1h", limit=20)) == 20
        assert (await ex.fetch_funding_rate(BTC))["fundingRate"] == pytest.approx(0.0001)
        trades = await asyncio.wait_for(ex.watch_trades(BTC), 20)
        assert trades[0]["price"] == 80_000.0


@pytest.mark.parametrize(
    ("wrong", "words"),
    [({"secret": "x"}, "50113"), ({"password": "x"}, "50105"), ({"apiKey": "x"}, "50111")],
)
async def test_a_key_with_a_wrong_part_is_refused(wrong: dict[str, str], words: str) -> None:
    async with embedded_venue(protocol="okx") as venue:
        ex = client(venue, **wrong)
        try:
            with pytest.raises(ccxt.BaseError, match=words):
                await ex.privateGetAccountConfig()
        finally:
            await ex.close()
