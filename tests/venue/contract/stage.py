"""What a scenario of the venue contract stands on: one embedded exchange, one room, one ear."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from bot.domain.account import AccountState
from bot.domain.market import FeedStatus
from bot.domain.orders import ApprovedOrder, OrderState
from bot.venue.open import VenueRoom
from tests.fakes.embedded import BTC, EmbeddedVenue, embedded_venue
from tests.venue.adapter.scene import Heard, entry, listening, opened, stop, when

PATHS = {
    "binance": {"order": "/fapi/v1/order", "stop": "/fapi/v1/algoOrder", "account": "/fapi/v3/*"},
    "bybit": {
        "order": "/v5/order/create",
        "stop": "/v5/order/create",
        "account": "/v5/account/wallet-balance",
    },
    "hyperliquid": {"order": "/exchange/order", "stop": "/exchange/order", "account": "/info/*"},
    "okx": {
        "order": "/api/v5/trade/order",
        "stop": "/api/v5/trade/order-algo",
        "account": "/api/v5/account/balance",
    },
}
"""Where a fault must wait for the request it is about; a new exchange names its own."""


@dataclass(frozen=True)
class Stage:
    """One running scenario."""

    exchange: str
    venue: EmbeddedVenue
    room: VenueRoom
    heard: Heard
    symbol: str = BTC

    async def enter(self, name: str = "bw00000001-1-0", **changes: Any) -> OrderState:
        """A market buy of 0.05 BTC, as the house sends it."""
        return await self.room.venue.submit(entry(name, symbol=self.symbol, **changes))

    async def protect(self, name: str = "bw00000001-2-0", **changes: Any) -> OrderState:
        """A reduce-only stop at 70 000, as the guard sends it."""
        return await self.room.guard.submit(stop(name, symbol=self.symbol, **changes))

    def another(self, **changes: Any) -> ApprovedOrder:
        return entry(symbol=self.symbol, **changes)

    async def account(self) -> AccountState:
        return await self.room.guard.account()

    async def becomes(self, name: str, wanted: Callable[[OrderState], bool]) -> OrderState:
        """Ask for an order until it is `wanted`."""
        found: list[OrderState] = []

        async def look() -> bool:
            state = await self.room.guard.order(self.symbol, name, conditional=name[-3] == "2")
            found[:] = [state] if state is not None and wanted(state) else []
            return bool(found)

        await until(look)
        return found[0]

    async def listens(self) -> None:
        """Wait until the private stream is live."""
        await self.heard.until(FeedStatus, lambda event: event.stream == "user" and event.live)

    def fault_path(self, what: str) -> str:
        return PATHS[self.exchange][what]


async def until(look: Callable[[], Awaitable[bool]]) -> None:
    """Ask again and again, until the answer is yes."""
    import asyncio

    async with asyncio.timeout(20.0):
        while not await look():
            await asyncio.sleep(0.02)


@asynccontextmanager
async def staged(exchange: str, **changes: Any) -> AsyncIterator[Stage]:
    """An exchange with one funded account that stands still at 80 000."""
    async with (
        embedded_venue(protocol=exchange, **changes) as venue,
        opened(venue, exchange=exchange) as room,
        listening(*room.feeds) as heard,
    ):
        stage = Stage(exchange, venue, room, heard)
        await stage.listens()
        yield stage


__all__ = ["Stage", "staged", "until", "when"]
