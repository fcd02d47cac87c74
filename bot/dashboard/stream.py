"""Server-sent events: what changed, to every open page, each with a short queue of its own."""

import asyncio
from collections.abc import AsyncIterator

import msgspec

from bot.dashboard.history import Ask
from bot.domain.errors import BotError
from bot.domain.units import NS_PER_S
from bot.ports import Clock

LOOK_S = 0.25
QUEUE_MAX = 4
CLIENTS_MAX = 16
HEARTBEAT_NS = 10 * NS_PER_S
TOLD = ("status", "positions", "risk", "pulse", "market", "accounts")
FRESH = frozenset({"as_of"})


class StreamFull(BotError):
    """So many pages are open that no further one is served."""


class Stream:
    """Asks only while somebody looks; a page that reads slowly misses old states, never blocks."""

    def __init__(self, ask: Ask, clock: Clock) -> None:
        self._ask = ask
        self._clock = clock
        self._clients: set[asyncio.Queue[bytes]] = set()
        self._newest: bytes = b""
        self._looked = asyncio.Event()
        self._number = 0

    async def run(self) -> None:
        """Watch until cancelled."""
        told_ns, before = 0, b""
        while True:
            await self._looked.wait()
            document: dict[str, object] = {name: await self._ask(name, {}) for name in TOLD}
            now_ns = self._clock.monotonic_ns()
            body = msgspec.json.encode(_without_age(document))
            if body != before or now_ns - told_ns > HEARTBEAT_NS:
                before, told_ns = body, now_ns
                self._tell(document)
            if not self._clients:
                self._looked.clear()
            await self._clock.sleep_s(LOOK_S)

    def _tell(self, document: dict[str, object]) -> None:
        self._number += 1
        data = msgspec.json.encode(document)
        self._newest = b"id: %d\nevent: state\ndata: %s\n\n" % (self._number, data)
        for queue in self._clients:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(self._newest)

    async def listen(self) -> AsyncIterator[bytes]:
        """Yield events until the client goes.

        Raises:
            StreamFull: too many pages are open.
        """
        if len(self._clients) >= CLIENTS_MAX:
            raise StreamFull(f"{CLIENTS_MAX} pages are open; close one")
        queue: asyncio.Queue[bytes] = asyncio.Queue(maxsize=QUEUE_MAX)
        if self._newest:
            queue.put_nowait(self._newest)
        self._clients.add(queue)
        self._looked.set()
        try:
            yield b"retry: 1000\n\n"
            while True:
                yield await queue.get()
        finally:
            self._clients.discard(queue)

    def require_room(self) -> None:
        """Raise StreamFull before a response has begun."""
        if len(self._clients) >= CLIENTS_MAX:
            raise StreamFull(f"{CLIENTS_MAX} pages are open; close one")


def _without_age(value: object) -> object:
    """Return a document without what only says how late it is: that alone is no news."""
    if isinstance(value, dict):
        return {
            key: _without_age(inner)
            for key, inner in value.items()
            if key not in FRESH and not key.endswith("age_s")
        }
    if isinstance(value, list):
        return [_without_age(inner) for inner in value]
    return value
