"""Writes what happened to the journal, in order, without ever holding up the pump."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

import msgspec

from bot.domain.market import FeedStatus
from bot.domain.messages import (
    MARKET_EVENTS,
    AccountSnapshot,
    AdjustMargin,
    Answer,
    CancelOrder,
    CoverageReported,
    Effect,
    Event,
    FetchAccount,
    FetchFills,
    FetchOrder,
    RecordMode,
    SnapshotFailed,
    SubmitOrder,
    TimerFired,
)
from bot.domain.risk import Severity
from bot.domain.units import NS_PER_S
from bot.runtime.memory import FAILURES
from bot.runtime.parts import DaemonParts

WAITING_MAX = 5_000
DEADLINE_S = 5.0
RETRY_S = 1.0
STALL_S = 1.0
"""A deadline noticed so late was missed by this process, which stood still, not by the journal."""

Say = Callable[[Severity, str, str], None]

PASSING = (
    *MARKET_EVENTS, AccountSnapshot, CoverageReported, SnapshotFailed, TimerFired, FeedStatus,
)  # fmt: skip
"""Events that are no fact of ours by themselves: they are written when they caused something."""
SILENT = (TimerFired, AccountSnapshot, *MARKET_EVENTS)
"""The most frequent of these: without an effect nothing is kept of them."""


class Entry(msgspec.Struct, frozen=True):
    """One step to be written."""

    seq: int
    event: Event
    effects: tuple[Effect, ...]


def worth_writing(event: Event, effects: Sequence[Effect]) -> bool:
    """Tell whether a step left a fact or a decision behind."""
    if not isinstance(event, PASSING):
        return True
    if isinstance(event, CoverageReported) and (event.action or not event.covered):
        return True
    return any(not isinstance(effect, FetchAccount | FetchOrder | FetchFills) for effect in effects)


def changes_belief(event: Event, effects: Sequence[Effect]) -> bool:
    """Tell whether the state after this step should be kept for the next start."""
    if not isinstance(event, PASSING):
        return True
    return any(isinstance(e, SubmitOrder | CancelOrder | AdjustMargin) for e in effects)


class Scribe:
    """A bounded queue of steps and the newest state, written by one task.

    A journal that cannot write stops entries (the executor needs an intent), never the guard:
    steps wait here, the oldest give way when there are too many, and all is told. A command is
    answered once what it changed is kept: what the operator was told must outlive a kill.
    """

    def __init__(self, parts: DaemonParts, say: Say, answer: Callable[[Answer], None]) -> None:
        self._parts = parts
        self._answer = answer
        self._answers: deque[Answer] = deque()
        self._clock = parts.clock
        self._say = say
        self._waiting: deque[Entry] = deque()
        self._wake = asyncio.Event()
        self._dirty = False
        self._urgent = False
        self._saved_ns = 0
        self._busy = False
        self.broken = ""
        """Why the journal cannot write just now; empty: it can."""
        self.lost = 0

    def note(self, event: Event, effects: Sequence[Effect], seq: int) -> None:
        """Queue a step for writing; never blocks, never raises."""
        if not effects and isinstance(event, SILENT):
            return
        if worth_writing(event, effects):
            if len(self._waiting) >= WAITING_MAX:
                self._waiting.popleft()
                self.lost += 1
            self._waiting.append(Entry(seq, event, tuple(effects)))
            self._wake.set()
        if changes_belief(event, effects):
            self._dirty = True
            self._wake.set()
        told = [effect for effect in effects if isinstance(effect, Answer)]
        if told or any(isinstance(effect, RecordMode) for effect in effects):
            self._answers.extend(told)
            self._dirty = self._urgent = True
            self._wake.set()

    @property
    def idle(self) -> bool:
        """Whether everything noted is written."""
        return not self._waiting and not self._busy and not self._answers

    async def run(self) -> None:
        """Write until cancelled."""
        self._saved_ns = self._clock.monotonic_ns()
        while True:
            self._wake.clear()
            while self._waiting:
                await self._write_oldest()
            due_s = self._snapshot_due_s()
            if due_s <= 0.0:
                await self.save_state()
            else:
                await self._sleep(due_s)

    async def _sleep(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return

    def _snapshot_due_s(self) -> float:
        if self._urgent:
            return 0.0
        options = self._parts.options
        period_s = options.snapshot_gap_s if self._dirty else options.snapshot_s
        return period_s - (self._clock.monotonic_ns() - self._saved_ns) / NS_PER_S

    async def _write_oldest(self) -> None:
        entry, began_ns = self._waiting[0], self._clock.monotonic_ns()
        self._busy = True
        try:
            async with asyncio.timeout(DEADLINE_S):
                await self._parts.memory.append(
                    self._parts.run_id, entry.seq, entry.event, entry.effects
                )
        except FAILURES as error:
            if not self._stood_still(error, began_ns):
                self._mark_broken(error)
                await self._clock.sleep_s(RETRY_S)
            return
        finally:
            self._busy = False
        self._mark_whole()
        if self._waiting and self._waiting[0] is entry:
            self._waiting.popleft()

    async def save_state(self) -> bool:
        """Write the kernel's state as it is now; False when the journal could not."""
        kernel = self._parts.kernel
        self._saved_ns = self._clock.monotonic_ns()
        self._dirty = self._urgent = False
        due = len(self._answers)
        try:
            async with asyncio.timeout(DEADLINE_S):
                await self._parts.memory.save_snapshot(
                    self._parts.run_id, kernel.state.seq, kernel.state.now_ns, kernel.freeze()
                )
        except FAILURES as error:
            if self._stood_still(error, self._saved_ns):
                self._dirty = True
            else:
                self._mark_broken(error)
            return False
        finally:
            for _ in range(due):
                self._answer(self._answers.popleft())
        return True

    def _stood_still(self, error: Exception, began_ns: int) -> bool:
        """Whether a deadline passed while this process was stopped: the journal is asked again."""
        late_ns = self._clock.monotonic_ns() - began_ns - round(DEADLINE_S * NS_PER_S)
        return isinstance(error, TimeoutError) and late_ns > STALL_S * NS_PER_S

    def _mark_broken(self, error: Exception) -> None:
        first = not self.broken
        self.broken = str(error) or "the journal gave no answer before our deadline"
        if first:
            text = f"{self.broken}. Entries stop, protection goes on; free the disk or see doctor."
            self._say(Severity.CRITICAL, "journal_broken", text)

    def _mark_whole(self) -> None:
        if self.broken:
            self.broken = ""
            text = f"The journal writes again; {self.lost} steps of the gap were not kept."
            self._say(Severity.WARNING, "journal_whole", text)
