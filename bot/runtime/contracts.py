"""Reads a contract anew when the venue refuses an order of it: its filters may have changed.

All contracts are read once an hour; a venue that made a tick coarser meanwhile would refuse every
stop until then.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from bot.domain.messages import Event, InstrumentsLoaded, OrderRefused
from bot.domain.orders import NOT_SENT
from bot.domain.risk import RefusalReason, Severity
from bot.domain.units import NS_PER_S
from bot.runtime import outcomes
from bot.runtime.notices import Notices
from bot.runtime.parts import DaemonParts
from bot.runtime.proof import IMMEDIATE_TRIGGER

AGAIN_NS: Final = 30 * NS_PER_S
"""Not more often: reading a contract costs weight, and most refusals are about something else."""
OURS: Final = frozenset((*NOT_SENT, *RefusalReason, "held", "busy", "too_late"))
"""Codes of our own: the venue did not say them."""


class Contracts:
    """One task beside all others; what it reads is told to the kernel, a failure is said."""

    def __init__(self, parts: DaemonParts, emit: Callable[[Event], None], notices: Notices) -> None:
        self._parts = parts
        self._clock = parts.clock
        self._emit = emit
        self._notices = notices
        self._doubted: dict[str, None] = {}
        self._read_ns: dict[str, int] = {}
        self._wake = asyncio.Event()

    def answered(self, symbol: str, events: Sequence[Event]) -> None:
        """Take note of what came of an order of `symbol`; never blocks, never raises."""
        if any(_is_doubt(event) for event in events):
            read_ns = self._read_ns.get(symbol)
            if read_ns is None or self._clock.monotonic_ns() - read_ns >= AGAIN_NS:
                self._doubted[symbol] = None
                self._wake.set()

    async def run(self) -> None:
        """Read what is in doubt until cancelled."""
        while True:
            self._wake.clear()
            for symbol in tuple(self._doubted):
                del self._doubted[symbol]
                self._read_ns[symbol] = self._clock.monotonic_ns()
                await self._read(symbol)
            await self._wake.wait()

    async def _read(self, symbol: str) -> None:
        try:
            async with asyncio.timeout(self._parts.options.read_deadline_s):
                loaded = await self._parts.venue.instruments((symbol,))
        except outcomes.FAILURES as error:
            text = f"the contract could not be read after a refusal: {outcomes.told(error)}"
            self._notices.say(Severity.WARNING, "poll", text, symbol)
            return
        now_ns = self._clock.now_ns()
        self._emit(InstrumentsLoaded(now_ns, now_ns, loaded))


def _is_doubt(event: Event) -> bool:
    if not isinstance(event, OrderRefused):
        return False
    return event.code != IMMEDIATE_TRIGGER and event.code not in OURS
