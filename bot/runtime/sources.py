"""Asks the sources when they are due, tells what is new once, and keeps their health."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final

import msgspec
from loguru import logger

from bot.domain.errors import BotError, SourceFailed
from bot.domain.market import EventCalendar, FeedStatus, WatchList
from bot.domain.messages import Event
from bot.domain.risk import Severity
from bot.domain.units import NS_PER_S
from bot.ports import Clock, Source, SourceAnswer
from bot.runtime.inbox import Key, market_key
from bot.runtime.notices import Notices
from bot.runtime.timers import Job

TICK_S: Final = 5.0
LOOK_DEADLINE_S: Final = 30.0
FIRST_PAUSE_S: Final = 60.0
PAUSE_MAX_S: Final = 6 * 3_600.0
NOTICE_AFTER: Final = 3
"""Failures in a row before people are told; the journal is told at once."""
TOLD_MAX: Final = 40_000
FAULTS_SHOWN: Final = 20
FAULTS_LOGGED: Final = 200
STREAM: Final = "source."


class SourceHealth(msgspec.Struct, kw_only=True):
    """How one source is doing; instants in ns UTC, 0: never."""

    name: str
    origin: str
    asked_ns: int = 0
    ok_ns: int = 0
    error: str = ""
    """Why it could not be read, wholly or in part, when last asked; empty: it could."""
    error_ns: int = 0
    told: int = 0
    """Events told so far in this run."""
    newest_ns: int = 0
    """When the newest thing it told became known."""
    faults: tuple[str, ...] = ()
    """The first lines about rows that were left out of the last answer."""
    fault_count: int = 0
    failures: int = 0
    """In a row."""
    next_ns: int = 0


class _Kept:
    """One source, its health, and what it told."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.health = SourceHealth(name=source.name, origin=source.origin)
        self.told: OrderedDict[Key, Event] = OrderedDict()
        self.complained: frozenset[str] = frozenset()
        self.down = False


class Sources:
    """All sources of one daemon. What fails changes nothing but its own health."""

    def __init__(
        self,
        sources: Sequence[Source],
        clock: Clock,
        emit: Callable[[Event], None],
        notices: Notices,
    ) -> None:
        self._kept = [_Kept(source) for source in sources]
        self._clock = clock
        self._emit = emit
        self._notices = notices

    def jobs(self) -> tuple[Job, ...]:
        """Return what the scheduler is to do; nothing where there is no source."""
        return (Job("sources", TICK_S, self.tick),) if self._kept else ()

    def health(self) -> tuple[SourceHealth, ...]:
        """Return how every source is doing."""
        return tuple(kept.health for kept in self._kept)

    async def tick(self) -> None:
        """Ask every source that is due, side by side."""
        now_ns = self._clock.now_ns()
        due = [kept for kept in self._kept if kept.health.next_ns <= now_ns]
        async with asyncio.TaskGroup() as group:
            for kept in due:
                group.create_task(self._ask(kept), name=f"source:{kept.source.name}")

    async def _ask(self, kept: _Kept) -> None:
        health = kept.health
        health.asked_ns = self._clock.now_ns()
        wait_s = 0.0
        try:
            async with asyncio.timeout(LOOK_DEADLINE_S):
                answer = await kept.source.look()
        except SourceFailed as failed:
            answer, wait_s = SourceAnswer(trouble=str(failed)), failed.retry_after_s
        except BotError as failed:
            answer = SourceAnswer(trouble=str(failed) or type(failed).__name__)
        except TimeoutError:
            answer = SourceAnswer(trouble=f"no answer within {LOOK_DEADLINE_S:g} s")
        except Exception as bug:  # a source of moods must not end the guard
            logger.exception("source {}", kept.source.name)
            answer = SourceAnswer(trouble=f"{type(bug).__name__}; see the log")
        self._complain(kept, answer.faults)
        self._tell(kept, answer.events)
        if answer.trouble:
            self._failed(kept, answer.trouble)
        else:
            self._well(kept)
        pause_s = max(pause_after(health.failures, kept.source.every_s), wait_s)
        health.next_ns = self._clock.now_ns() + round(pause_s * NS_PER_S)
        if answer.due_ns > health.asked_ns:
            health.next_ns = min(health.next_ns, answer.due_ns)

    # -------------------------------------------------------------- what it said

    def _tell(self, kept: _Kept, events: Sequence[Event]) -> None:
        """Put what is new into the inbox: a source says the same thing again and again."""
        for event in events:
            key, bare = market_key(event), _bare(event)
            if key is None or kept.told.get(key) == bare:
                continue
            kept.told[key] = bare
            kept.told.move_to_end(key)
            if len(kept.told) > TOLD_MAX:
                kept.told.popitem(last=False)
            kept.health.told += 1
            kept.health.newest_ns = max(kept.health.newest_ns, event.event_ns)
            self._emit(event)

    def _complain(self, kept: _Kept, faults: Sequence[str]) -> None:
        """Log each row that was left out, once for as long as it stays wrong."""
        new = [fault for fault in faults if fault not in kept.complained]
        for line in new[:FAULTS_LOGGED]:
            logger.warning("source {}: left out: {}", kept.source.name, line)
        if len(new) > FAULTS_LOGGED:
            more = len(new) - FAULTS_LOGGED
            logger.warning("source {}: left out: {} more rows", kept.source.name, more)
        kept.complained = frozenset(faults)
        kept.health.faults = tuple(faults[:FAULTS_SHOWN])
        kept.health.fault_count = len(faults)

    # -------------------------------------------------------------- how it does

    def _failed(self, kept: _Kept, why: str) -> None:
        health = kept.health
        health.failures += 1
        health.error, health.error_ns = " ".join(why.split())[:300], self._clock.now_ns()
        if not kept.down:
            kept.down = True
            self._status(kept, live=False, reason=health.error)
        if health.failures == NOTICE_AFTER:
            text = f"{kept.source.name} cannot be read: {health.error}; its last word is kept"
            self._notices.say(Severity.WARNING, "source", text)

    def _well(self, kept: _Kept) -> None:
        kept.health.ok_ns = self._clock.now_ns()
        kept.health.failures, kept.health.error = 0, ""
        if kept.down:
            kept.down = False
            self._status(kept, live=True, reason="answers again")

    def _status(self, kept: _Kept, *, live: bool, reason: str) -> None:
        now_ns = self._clock.now_ns()
        self._emit(FeedStatus(STREAM + kept.source.name, "", now_ns, now_ns, live, reason))


def pause_after(failures: int, every_s: float) -> float:
    """Return how long to wait after so many failures in a row: growing, no more often than due."""
    if failures == 0:
        return every_s
    grown = FIRST_PAUSE_S * float(2 ** min(failures - 1, 16))
    return min(grown, max(every_s, PAUSE_MAX_S))


def _bare(event: Event) -> Event:
    """Return an event without the instants that change though it says the same."""
    if isinstance(event, EventCalendar | WatchList):
        return msgspec.structs.replace(event, event_ns=0, received_ns=0)
    return msgspec.structs.replace(event, received_ns=0)
