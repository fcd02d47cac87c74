"""Hyperliquid's private channels: asked for by address, believed when all of them are open."""

import asyncio

from typing_extensions import override

from bot.domain.orders import OrderState
from bot.ports import Clock
from bot.venue.breaker import Breaker
from bot.venue.caller import Caller
from bot.venue.hyperliquid.news import CHANNELS, Ear
from bot.venue.news import News
from bot.venue.private_stream import DIAL_S, Notes, PrivateStream


class HyperliquidStream(PrivateStream):
    """Reads the channels of one account."""

    def __init__(
        self, caller: Caller, clock: Clock, breaker: Breaker, notes: Notes, url: str, user: str
    ) -> None:
        super().__init__(caller, clock, breaker, notes)
        self._url = url
        self._user = user
        self._open: set[str] = set()
        self._all_open = asyncio.Event()
        self.ear = Ear(user)

    def know(self, *orders: OrderState) -> None:
        """Take orders as they are sent or read whole."""
        self.ear.know(*orders)

    @override
    async def _address(self) -> str:
        return self._url

    @override
    async def _greet(self, url: str) -> None:
        """Ask for every channel and wait until all are open.

        What happens before the venue says that a channel is open is told to nobody: an account
        that was read in between would miss it.
        """
        client = self._caller.wire.clients.get(url)
        self.ear.begin()
        self._open.clear()
        self._all_open.clear()
        try:
            async with asyncio.timeout(DIAL_S):
                for channel in CHANNELS:
                    wanted = {"type": channel, "user": self._user}
                    await client.send({"method": "subscribe", "subscription": wanted})
                await self._all_open.wait()
        except TimeoutError:
            missing = ", ".join(sorted({*CHANNELS} - self._open))
            self._verdict = f"the venue did not open {missing}"
        except Exception as failed:  # noqa: BLE001  (ccxt's untyped client fails in many ways)
            self._verdict = f"connection lost: {type(failed).__name__} at a subscription"
        self._notes.unsettled()

    @override
    def _news(self, message: object) -> News:
        said = self.ear.news(message, self._clock.now_ns())
        if said.opened:
            self._open.add(said.opened)
            if self._open.issuperset(CHANNELS):
                self._all_open.set()
        for client_order_id in said.client_order_ids:
            self._heard(client_order_id)
        for symbol in said.touched:
            self._notes.touched(symbol)
        return News(events=said.events, reread=said.reread)
