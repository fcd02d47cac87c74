"""The daemon's two streams as ports.Feed: they run until cancelled and tell of their gaps."""

import asyncio
from collections.abc import Callable

from bot.domain.market import FeedStatus
from bot.domain.messages import Event
from bot.lab.simulation.life import Life

CONNECT_S = 0.2


class SimFeed:
    """One stream of a life; the world's happenings come through it without a task of their own."""

    def __init__(self, life: Life, name: str) -> None:
        self.name = name
        self._life = life

    async def run(self, emit: Callable[[Event], None]) -> None:
        """Connect, say so, and stay."""
        await asyncio.sleep(CONNECT_S)
        self._life.listen(self.name, emit)
        self._say(emit, live=True, reason="connected")
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self._life.listen(self.name, None)

    def _say(self, emit: Callable[[Event], None], *, live: bool, reason: str) -> None:
        now_ns = self._life.world.now_ns + self._life.world.host_skew_ns
        emit(FeedStatus(self.name, "", now_ns, now_ns, live, reason))
