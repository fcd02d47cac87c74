"""Lets few accounts start at a time, the first one alone: fifty at once would starve each other."""

import asyncio

from bot.domain.units import NS_PER_S
from bot.ports import Clock

TOGETHER = 3
PATIENCE_NS = 20 * NS_PER_S
"""A start that takes longer waits for its venue: nobody waits for it any more."""
LOOK_S = 0.1


class Turns:
    """Who is starting now, and since when."""

    def __init__(self, clock: Clock, first: str) -> None:
        self._clock = clock
        self._first = first
        self._begun_ns: dict[str, int] = {first: clock.monotonic_ns()}

    async def take(self, name: str, stop: asyncio.Event) -> None:
        """Wait until `name` may start, or until `stop` is set."""
        while not self._free() and not stop.is_set():
            await self._clock.sleep_s(LOOK_S)
        self._begun_ns[name] = self._clock.monotonic_ns()

    def done(self, name: str) -> None:
        """Let the next one start; doing it twice is once."""
        self._begun_ns.pop(name, None)

    async def done_when_ready(self, name: str, health: dict[str, object]) -> None:
        """Let the next one start once this one is ready."""
        while not health.get("ready"):
            await self._clock.sleep_s(LOOK_S)
        self.done(name)

    def _free(self) -> bool:
        now_ns = self._clock.monotonic_ns()
        starting = [n for n, ns in self._begun_ns.items() if now_ns - ns < PATIENCE_NS]
        return self._first not in starting and len(starting) < TOGETHER
