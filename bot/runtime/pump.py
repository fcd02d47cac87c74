"""The single consumer: one event at a time through the kernel, effects out, facts written down."""

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from bot.domain.market import TradeBucket
from bot.domain.messages import MARKET_EVENTS, Effect, Event
from bot.ports import Clock
from bot.runtime.inbox import Inbox
from bot.runtime.parts import Machine

YIELD_EVERY = 16
"""Steps in a row before other tasks get their turn."""

Dispatch = Callable[[Sequence[Effect], int], None]
Write = Callable[[Event, Sequence[Effect], int], None]


class Stepped(Protocol):
    """What a pump needs of a daemon's parts."""

    @property
    def kernel(self) -> Machine:
        """The machine that is stepped."""
        ...

    @property
    def clock(self) -> Clock:
        """Stamps what came without a time of ours."""
        ...


class Pump:
    """Owns the only call of Kernel.step; protecting effects start before anything is written."""

    def __init__(self, parts: Stepped, inbox: Inbox, dispatch: Dispatch, note: Write) -> None:
        self._kernel = parts.kernel
        self._clock = parts.clock
        self._inbox = inbox
        self._dispatch = dispatch
        self._note = note
        self.steps = 0

    async def run(self) -> None:
        """Take and step until cancelled; whatever the kernel raises ends the run."""
        while True:
            self.step(await self._inbox.take())
            if self.steps % YIELD_EVERY == 0:
                await self._clock.sleep_s(0.0)

    def step(self, event: Event) -> None:
        """Put one event through the kernel and start its effects."""
        if event.received_ns == 0:
            event = msgspec.structs.replace(event, received_ns=self._clock.now_ns())
        effects = self._kernel.step(event)
        seq = self._kernel.state.seq
        self.steps += 1
        if effects or not isinstance(event, MARKET_EVENTS):
            self._inbox.loud()
        if effects:
            self._dispatch(effects, seq)
        elif type(event) is TradeBucket and not self._inbox.is_quiet(event):
            # a band that held the trade stands as it was told
            self._inbox.quiet(event.symbol, self._kernel.quiet(event.symbol))
        self._note(event, effects, seq)
