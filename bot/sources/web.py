"""A source on the web: one or more addresses asked in turn, their answers read off the loop."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from bot.domain.errors import SourceFailed
from bot.domain.messages import Event
from bot.ports import Clock, SourceAnswer
from bot.sources.addresses import host_of
from bot.sources.door import Door
from bot.sources.told import Look

Read = Callable[[bytes, Look], SourceAnswer]


class Page(NamedTuple):
    """One address and what reads its answer."""

    url: str
    read: Read


class WebSource:
    """Asks its pages; one that fails is told, the others count."""

    def __init__(
        self,
        name: str,
        pages: Sequence[Page],
        door: Door,
        clock: Clock,
        *,
        every_s: float,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.origin = host_of(pages[0].url, f"sources.{name}.url")
        self.every_s = every_s
        self._pages = tuple(pages)
        self._door = door
        self._clock = clock
        self._headers = dict(headers or {})

    async def look(self) -> SourceAnswer:
        """Ask every page once.

        Raises:
            SourceFailed: none of them could be read.
        """
        events: list[Event] = []
        faults: list[str] = []
        failures: list[SourceFailed] = []
        due_ns = 0
        for page in self._pages:
            try:
                found = await self._read(page)
            except SourceFailed as failed:
                failures.append(failed)
                continue
            events += found.events
            faults += found.faults
            due_ns = min(due_ns or found.due_ns, found.due_ns or due_ns)
        if len(failures) == len(self._pages):
            raise failures[0]
        trouble = str(failures[0]) if failures else ""
        return SourceAnswer(
            events=tuple(events), faults=tuple(faults), trouble=trouble, due_ns=due_ns
        )

    async def _read(self, page: Page) -> SourceAnswer:
        body = await self._door.get(page.url, self._headers)
        look = Look(source=self.name, origin=self.origin, now_ns=self._clock.now_ns())
        return await asyncio.to_thread(page.read, body, look)
