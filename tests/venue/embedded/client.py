"""ccxt's own client pointed at an embedded venue."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import ccxt.pro

from tests.fakes.embedded import EmbeddedVenue, ccxt_config

T = TypeVar("T")
PATIENCE_S = 10.0


@asynccontextmanager
async def client(venue: EmbeddedVenue, **more: object) -> AsyncIterator[ccxt.pro.binanceusdm]:
    """A loaded client that reaches the venue by overridden URLs."""
    exchange = ccxt.pro.binanceusdm(ccxt_config(venue, **more))
    try:
        await exchange.load_markets()
        yield exchange
    finally:
        await exchange.close()


@asynccontextmanager
async def production_client(
    venue: EmbeddedVenue, **more: object
) -> AsyncIterator[ccxt.pro.binanceusdm]:
    """A loaded client with the venue's production URLs, resolved to the embedded one."""
    config = {
        "apiKey": venue.api_key,
        "secret": venue.secret,
        "enableRateLimit": False,
        "options": {"fetchCurrencies": False, "warnOnFetchOpenOrdersWithoutSymbol": False},
        **more,
    }
    async with venue.session() as session:
        exchange = ccxt.pro.binanceusdm({**config, "session": session})
        try:
            await exchange.load_markets()
            yield exchange
        finally:
            await exchange.close()


async def until(condition: Callable[[], bool]) -> None:
    """Wait for `condition`, at most PATIENCE_S."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.005)


async def soon(work: Awaitable[T]) -> T:
    """The result of `work`, at most PATIENCE_S from now."""
    async with asyncio.timeout(PATIENCE_S):
        return await work
