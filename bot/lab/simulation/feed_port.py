"""The daemon's two streams as ports.Feed: they run until cancelled and tell of their gaps."""

import asyncio
from collections.abc import Callable

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
        if self.name != "operator":
            up = self._life.hears(self.name)
            self._life.tell_stream(self.name, "connected" if up else "no answer", live=up)
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self._life.listen(self.name, None)
