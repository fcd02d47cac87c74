"""The one writer thread: the store as the event loop sees it."""

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any, Protocol, TypeVar

import msgspec

from bot.domain.errors import BotError, JournalBroken
from bot.domain.messages import Effect, Event
from bot.domain.orders import ApprovedOrder, OrderState
from bot.journal.facts import Facts
from bot.journal.store import Store

T = TypeVar("T")
QUEUE_MAX = 1_024
DEADLINE_S = 10.0
"""A disk that takes longer is broken for our purposes."""
BACKUP_DEADLINE_S = 120.0


class AsyncJournal(Protocol):
    """What the shell writes to and reads from."""

    async def intent(self, run_id: str, seq: int, order: ApprovedOrder, event_ns: int) -> None:
        """Return when the intent is durable."""
        ...

    async def append(self, run_id: str, seq: int, event: Event, effects: Sequence[Effect]) -> None:
        """Return when the facts of the step are durable."""
        ...

    async def save_snapshot(self, run_id: str, seq: int, event_ns: int, state: bytes) -> None:
        """Return when the state is durable."""
        ...

    async def load_snapshot(self) -> bytes | None:
        """Return the newest state."""
        ...

    async def live_orders(self) -> tuple[OrderState, ...]:
        """Return our orders whose end is not known."""
        ...

    async def rows(self, table: str, *, limit: int, symbol: str = "") -> list[dict[str, object]]:
        """Return the newest rows of a table."""
        ...

    async def curve(self, since_ns: int, span_ns: int) -> list[dict[str, object]]:
        """Return the last equity of each span of time since an instant, oldest first."""
        ...

    async def exits(self, limit: int) -> list[dict[str, object]]:
        """Return the newest executions with the purpose of their order, newest first."""
        ...

    async def why(self, ref: str) -> list[dict[str, object]]:
        """Return the chain behind `ref`."""
        ...

    async def backup(self) -> str:
        """Copy the journal; return the path of the copy."""
        ...

    async def close(self) -> None:
        """Write what is queued and release the file."""
        ...


class _Job(msgspec.Struct):
    """Work for the thread: facts (neighbours share a commit), a call, or the end."""

    done: "Future[Any]"
    facts: Facts | None = None
    call: Callable[[], Any] | None = None


class JournalWriter:
    """Runs every call of one store on one thread, in the order in which they were asked.

    The queue is bounded: a caller waits for room, and for its own write. Facts that queue up while
    the disk is busy share one commit. A cancelled caller's write still happens.
    """

    def __init__(self, store: Store, *, queue_max: int = QUEUE_MAX) -> None:
        self._store = store
        self._jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        self._room = asyncio.Semaphore(queue_max)
        self._closing = False
        self._thread = threading.Thread(target=self._work, name="journal-writer", daemon=True)
        self._thread.start()

    @property
    def label(self) -> str:
        """The database, named for people."""
        return self._store.label

    async def intent(self, run_id: str, seq: int, order: ApprovedOrder, event_ns: int) -> None:
        """Return when the intent is durable.

        Raises:
            JournalBroken: it is not, or not within the deadline: do not send a risking order.
        """
        await self._call(lambda: self._store.intent(run_id, seq, order, event_ns))

    async def append(self, run_id: str, seq: int, event: Event, effects: Sequence[Effect]) -> None:
        """Return when the facts of the step are durable; at once when it leaves none.

        Raises:
            JournalBroken: they are not, or not within the deadline.
        """
        self._refuse_when_closed()
        facts = Facts(run_id, seq, event, tuple(effects))
        if facts.leaves_rows:
            done: Future[None] = Future()
            await self._submit(done, _Job(done, facts=facts))

    async def save_snapshot(self, run_id: str, seq: int, event_ns: int, state: bytes) -> None:
        """Return when the state is durable.

        Raises:
            JournalBroken: it is not, or not within the deadline.
        """
        await self._call(lambda: self._store.save_snapshot(run_id, seq, event_ns, state))

    async def load_snapshot(self) -> bytes | None:
        """Return the newest state, or None on a first start.

        Raises:
            JournalBroken: it cannot be read or believed.
        """
        return await self._call(self._store.load_snapshot)

    async def live_orders(self) -> tuple[OrderState, ...]:
        """Return our orders whose end is not known.

        Raises:
            JournalBroken: they cannot be read.
        """
        return await self._call(self._store.live_orders)

    async def rows(self, table: str, *, limit: int, symbol: str = "") -> list[dict[str, object]]:
        """Return the newest rows of `table`, newest first.

        Raises:
            DataInvalid: no such table, or a limit out of bounds.
            JournalBroken: it cannot be read.
        """
        return await self._call(lambda: self._store.rows(table, limit=limit, symbol=symbol))

    async def curve(self, since_ns: int, span_ns: int) -> list[dict[str, object]]:
        """Return the last equity of each span of time since an instant, oldest first.

        Raises:
            JournalBroken: it cannot be read.
        """
        return await self._call(lambda: self._store.curve(since_ns, span_ns))

    async def exits(self, limit: int) -> list[dict[str, object]]:
        """Return the newest executions with the purpose of their order, newest first.

        Raises:
            JournalBroken: they cannot be read.
        """
        return await self._call(lambda: self._store.exits(limit))

    async def why(self, ref: str) -> list[dict[str, object]]:
        """Return the chain that led to and from `ref`, oldest first.

        Raises:
            JournalBroken: it cannot be read.
        """
        return await self._call(lambda: self._store.why(ref))

    async def backup(self) -> str:
        """Copy the journal into `backups` beside it; return the path of the copy.

        Raises:
            JournalBroken: it could not be written.
        """
        return str(await self._call(self._store.backup, BACKUP_DEADLINE_S))

    async def close(self) -> None:
        """Write what is queued, release the file and end the thread; twice is harmless.

        Raises:
            JournalBroken: the file could not be closed in time.
        """
        if self._closing:
            return
        self._closing = True
        try:
            done: Future[None] = Future()
            await self._submit(done, _Job(done, call=self._store.close))
        finally:
            self._jobs.put(_Job(Future()))

    async def _call(self, call: Callable[[], T], deadline_s: float = DEADLINE_S) -> T:
        self._refuse_when_closed()
        done: Future[T] = Future()
        return await self._submit(done, _Job(done, call=call), deadline_s)

    def _refuse_when_closed(self) -> None:
        if self._closing:
            raise JournalBroken(f"{self._store.label}: the journal is closed")

    async def _submit(self, done: "Future[T]", job: _Job, deadline_s: float = DEADLINE_S) -> T:
        try:
            async with asyncio.timeout(deadline_s):
                await self._room.acquire()
                told = asyncio.wrap_future(done)
                told.add_done_callback(self._leave)
                self._jobs.put(job)
                # Shielded: a caller that gives up must not take a fact out of the journal.
                return await asyncio.shield(told)
        except TimeoutError:
            raise JournalBroken(
                f"{self._store.label}: it did not answer within {deadline_s:.0f} s"
            ) from None

    def _leave(self, told: "asyncio.Future[Any]") -> None:
        self._room.release()
        if not told.cancelled():
            told.exception()  # marks it as seen, should its caller have given up

    def _work(self) -> None:
        ahead: _Job | None = None
        while True:
            job = ahead or self._jobs.get()
            ahead = None
            if job.facts is not None:
                batch, ahead = self._gather(job)
                self._write(batch)
            elif job.call is not None:
                _settle(job.done, job.call)
            else:
                return

    def _gather(self, first: _Job) -> tuple[list[_Job], _Job | None]:
        """Return the facts that wait together, and the first job behind them that is not one."""
        batch = [first]
        while len(batch) < self._store.steps_max and not self._jobs.empty():
            job = self._jobs.get()
            if job.facts is None:
                return batch, job
            batch.append(job)
        return batch, None

    def _write(self, batch: list[_Job]) -> None:
        steps = [job.facts for job in batch if job.facts is not None]
        try:
            self._store.append_many(steps)
        except BotError:
            # One step may spoil the commit of its neighbours: each is judged by itself.
            for job, step in zip(batch, steps, strict=True):
                _settle(job.done, partial(self._store.append_many, [step]))
            return
        except Exception as error:  # noqa: BLE001 (handed to every caller of the batch)
            for job in batch:
                job.done.set_exception(error)
            return
        for job in batch:
            job.done.set_result(None)


def _settle(done: "Future[Any]", call: Callable[[], Any]) -> None:
    try:
        result = call()
    except Exception as error:  # noqa: BLE001 (handed to the caller)
        done.set_exception(error)
    else:
        done.set_result(result)
