"""Feeds of several venues through the real inbox into one kernel, on a clock that a test holds."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from bot.answers.ask import ask
from bot.answers.question import Question
from bot.app.clock import SystemClock
from bot.domain.effects import Record
from bot.domain.feeds import VenueHealth
from bot.domain.messages import Effect, Started, TimerFired
from bot.domain.policy import Policy
from bot.domain.units import NS_PER_S
from bot.kernel.step import Kernel
from bot.ports import Feed
from bot.runtime.feeds import keep_feed
from bot.runtime.inbox import Inbox
from bot.venue.proof.fuzz_frames import MS
from tests.venue.adapter.scene import DEADLINE_S

NOW_NS = (MS + 1_000) * 10**6
"""A second after the authored frames were made."""


class HeldClock(SystemClock):
    """Wall time stands at `at_ns` until a test moves it; waiting takes real time."""

    def __init__(self, at_ns: int = NOW_NS) -> None:
        self.at_ns = at_ns

    def now_ns(self) -> int:
        return self.at_ns

    def forward(self, seconds: float) -> None:
        self.at_ns += int(seconds * NS_PER_S)


class Ears:
    """A kernel that hears what feeds put into its inbox."""

    def __init__(self, clock: HeldClock, health: Callable[[], tuple[VenueHealth, ...]]) -> None:
        self.clock = clock
        self.kernel = Kernel(Policy(), (), "ears0000")
        self.inbox = Inbox()
        self.steps = 0
        self.effects: list[Effect] = []
        self._health = health
        self._step(Started(run_id="ears0000", event_ns=clock.at_ns, received_ns=clock.at_ns))

    def _step(self, event: object) -> None:
        self.effects += self.kernel.step(event)
        self.steps += 1

    async def listen(self) -> None:
        """Step what the inbox holds until cancelled."""
        while True:
            self._step(await self.inbox.take())

    def second(self) -> None:
        """Let the kernel's clock come to ours; it judges what is due."""
        self._step(TimerFired("second", self.clock.at_ns, self.clock.at_ns))

    def answer(self, name: str) -> dict[str, Any]:
        """What the command of that name would tell."""
        state, policy = self.kernel.state, self.kernel.policy
        return ask(name, Question(state=state, policy=policy, feeds=self._health()))

    def row(self, name: str, symbol: str) -> dict[str, Any]:
        """The row of `symbol` in the answer of that name; empty before it was heard of."""
        key = {"market": "markets", "oi": "open_interest"}.get(name, name)
        return next((r for r in self.answer(name)[key] if r["symbol"] == symbol), {})

    def venue(self, name: str) -> dict[str, Any]:
        """How a venue is doing, as `market` tells it."""
        return next(row for row in self.answer("market")["venues"] if row["venue"] == name)

    def decisions(self, word: str) -> list[str]:
        """What was recorded of feeds and names `word`."""
        found = [e.decision for e in self.effects if isinstance(e, Record)]
        return [f"{d.what}: {d.why}" for d in found if d.kind == "feed" and word in d.what]

    async def until(self, done: Callable[[], object], within_s: float = DEADLINE_S) -> None:
        """Wait until `done()`; TimeoutError when it is not in time."""
        async with asyncio.timeout(within_s):
            while not done():
                await asyncio.sleep(0.01)


@asynccontextmanager
async def ears(
    feeds: Sequence[Feed],
    health: Callable[[], tuple[VenueHealth, ...]],
    clock: HeldClock | None = None,
) -> AsyncIterator[Ears]:
    """A kernel that hears `feeds` for the length of the block."""
    made = Ears(clock or HeldClock(), health)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(keep_feed(feed, made.inbox.put, made.clock)) for feed in feeds]
        tasks.append(group.create_task(made.listen()))
        try:
            yield made
        finally:
            for task in tasks:
                task.cancel()
