"""Starts the daemon's tasks in order, keeps them, and ends them in order."""

import asyncio
import signal
from collections.abc import Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from loguru import logger

from bot.domain.errors import BotError, Fenced, InvariantBroken
from bot.domain.risk import Severity
from bot.domain.units import NS_PER_S
from bot.runtime import start, timers
from bot.runtime.beat import Beat
from bot.runtime.contracts import Contracts
from bot.runtime.control import Control, open_socket
from bot.runtime.coverage import Coverage
from bot.runtime.doors import Reception, keep_door
from bot.runtime.executor import Executor
from bot.runtime.feeds import keep_feed
from bot.runtime.heap import spare_collector
from bot.runtime.inbox import Inbox
from bot.runtime.lag import LagProbe
from bot.runtime.notices import Notices
from bot.runtime.parts import DaemonParts, Tenure
from bot.runtime.polls import Polls, key_status
from bot.runtime.proving import StopProver, proof_status
from bot.runtime.pump import Pump
from bot.runtime.scribe import Scribe
from bot.runtime.sources import Sources
from bot.runtime.systemd import ServiceManager

EXIT_OK = 0
EXIT_UNHEALTHY = 3
LAST_WRITES_S = 3.0
LAST_STOPS_S = 8.0
LAST_LOOKS = 2
"""A fenced run looks at the account so often at least: the first look may have begun before."""
STEP_S = 0.05

Work = Coroutine[Any, Any, None]


async def run_daemon(parts: DaemonParts) -> int:
    """Run until SIGTERM, SIGINT or `parts.stop`; return the exit code.

    Stops stay at the venue. 0: ended in order. 3: the start failed, or a task that safety rests
    on ended by itself; a restart is the cure. Nothing that was handed in is closed.
    """
    try:
        await Daemon(parts).run()
    except BaseExceptionGroup as group:
        _tell_end(group)
        return EXIT_UNHEALTHY
    except BotError as error:
        logger.critical("the daemon ends: {}", error)
        return EXIT_UNHEALTHY
    return EXIT_OK


def _tell_end(group: BaseExceptionGroup[BaseException]) -> None:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            _tell_end(error)
        elif isinstance(error, BotError):
            logger.critical("the daemon ends: {}", error)
        else:
            logger.opt(exception=error).critical("the daemon ends: {!r}", error)


async def vital(name: str, work: Work) -> None:
    """Run a task that must not end: its end ends the process.

    Raises:
        InvariantBroken: it ended by itself.
    """
    await work
    raise InvariantBroken(f"{name} ended by itself; restart")


class Daemon:
    """One run from start to end; the tasks that live as long as it does, by name."""

    def __init__(self, parts: DaemonParts) -> None:
        self._parts = parts
        self._clock = parts.clock
        self._options = parts.options
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._inbox = Inbox()
        self._notices = Notices(parts.notify, parts.clock)
        self._lag = LagProbe(parts.clock, self._notices, parts.options.lag_s)
        self._control = Control(parts, self._inbox.put)
        self._scribe = Scribe(parts, self._notices.say, self._control.answer)
        self._polls = Polls(parts, self._inbox.put, self._notices)
        self._contracts = Contracts(parts, self._inbox.put, self._notices)
        self._sources = Sources(parts.sources, parts.clock, self._inbox.put, self._notices)
        parts.health["sources"] = self._sources.health()
        self._beat = Beat(parts, ServiceManager(parts.notify_address), self._lag, self._inbox)

    async def run(self) -> None:
        """Run until stopped; raise what ended it otherwise."""
        path = self._parts.socket_path
        with ExitStack() as stack:
            listener = stack.enter_context(open_socket(path)) if path is not None else None
            stack.enter_context(_signals(self._parts))
            async with asyncio.TaskGroup() as group:
                self._spawn(group, "notices", self._notices.run())
                self._spawn(group, "scribe", self._scribe.run())
                self._spawn(group, "lag", self._lag.run())
                if listener is not None and path is not None:
                    self._spawn(group, "control", self._control.run(listener, path))
                self._open_doors(group)
                workers: asyncio.Future[asyncio.TaskGroup] = asyncio.Future()
                self._spawn(group, "workers", _host(workers))
                born = self._assemble(await workers)
                starting = self._start(group, *born)
                self._tasks["start"] = group.create_task(starting, name="start")
                if self._parts.tenure is not None:
                    work = self._end_fenced(self._parts.tenure, born[0], born[2])
                    self._spawn(group, "tenure", work)
                await self._parts.stop.wait()
                await self._end(born[0])

    def _spawn(self, group: asyncio.TaskGroup, name: str, work: Work) -> None:
        self._tasks[name] = group.create_task(vital(name, work), name=name)

    def _open_doors(self, group: asyncio.TaskGroup) -> None:
        house = Reception(self._control.command, self._notices.say)
        for door in self._parts.doors:
            self._spawn(group, f"door:{door.name}", keep_door(door, house, self._clock))

    def _assemble(self, workers: asyncio.TaskGroup) -> tuple[Executor, Pump, Coverage]:
        executor = Executor(
            self._parts,
            workers,
            emit=self._inbox.put,
            notice=self._notices.put,
            answered=self._contracts.answered,
        )
        pump = Pump(self._parts, self._inbox, executor.dispatch, self._scribe.note)
        coverage = Coverage(
            self._parts,
            workers,
            emit=self._inbox.put,
            say=self._notices.say,
            passed=self._beat.passed,
            answered=self._contracts.answered,
        )
        return executor, pump, coverage

    # -------------------------------------------------------------- start

    async def _start(
        self, group: asyncio.TaskGroup, executor: Executor, pump: Pump, coverage: Coverage
    ) -> None:
        parts = self._parts
        began_ns = self._clock.monotonic_ns()
        executor.hold_entries("starting")
        await start.settle_reach(parts, self._notices)
        prover_due = parts.options.prove_stop and not parts.options.read_only
        paused = await start.restore(parts, self._notices)
        await start.begin(parts, pump.step, paused)
        if prover_due:
            pump.step(proof_status(self._clock.now_ns(), live=False, reason="not proven yet"))
        if parts.options.prove_key and not parts.options.read_only:
            unread = "its rights have not been read yet"
            pump.step(key_status(self._clock.now_ns(), live=False, reason=unread))
        await start.load_instruments(parts, pump.step, parts.symbols)
        self._spawn(group, "coverage", coverage.run())
        candles = await start.load_history(parts, pump.step)
        account = await start.read_account(parts, pump.step)
        self._spawn(group, "pump", pump.run())
        prover = StopProver(parts, executor, self._notices, self._inbox.put)
        proven = await prover.prove(account)
        if prover_due:
            self._spawn(group, "prover", prover.run(proven=proven))
        self._spawn(group, "second", self._beat.seconds(self._inbox.put, executor, self._scribe))
        for feed in parts.feeds:
            work = keep_feed(feed, self._inbox.put, self._clock)
            self._spawn(group, f"feed:{feed.name}", work)
        self._spawn(group, "timers", self._timers())
        self._spawn(group, "contracts", self._contracts.run())
        if parts.options.owns_process:
            spare_collector()
        spent_s = (self._clock.monotonic_ns() - began_ns) / NS_PER_S
        text = (
            f"ready after {spent_s:.1f} s: {len(account.positions)} positions, "
            f"{len(account.orders)} orders, {candles} candles of history"
        )
        self._notices.say(Severity.INFO, "ready", text)
        self._beat.ready(text)

    async def _timers(self) -> None:
        jobs = (*self._polls.jobs(), *self._sources.jobs())
        await timers.first(jobs)
        if self._options.scheduler:
            await timers.by_scheduler(jobs)
        else:
            await timers.by_clock(jobs, self._clock)

    # -------------------------------------------------------------- end

    async def _end(self, executor: Executor) -> None:
        """Stop entries, let writes finish, keep what is believed; stops stay where they are."""
        self._beat.stopping()
        executor.close_entries()
        logger.info("stopping: entries are off, stops stay at the venue")
        await self._cancel("start")
        quiet = [name for name in self._tasks if name.startswith("feed:")]
        await self._cancel(*quiet, "timers", "contracts", "prover", "second")
        await self._drain(executor)
        await self._cancel("coverage", "pump", "control")
        await self._cancel("workers")
        await self._write_out()
        await self._cancel(*self._tasks)

    async def _end_fenced(self, tenure: Tenure, executor: Executor, coverage: Coverage) -> None:
        """Wait until another may drive the account; then only look for legs without a stop.

        Raises:
            Fenced: always, in the end.
        """
        why = await tenure.lost()
        executor.close_entries()
        self._beat.stopping()
        logger.warning("the lease is lost: only missing stops are placed from here on")
        await self._cancel("start")
        quiet = [name for name in self._tasks if name.startswith(("feed:", "door:"))]
        await self._cancel(*quiet, "timers", "contracts", "prover", "second", "pump")
        end_ns = self._clock.monotonic_ns() + int(LAST_STOPS_S * NS_PER_S)
        due = coverage.passes + LAST_LOOKS
        while "coverage" in self._tasks and self._clock.monotonic_ns() < end_ns:
            if coverage.passes >= due and coverage.settled:
                break
            await self._clock.sleep_s(STEP_S)
        raise Fenced(f"{why}; stops stay at the venue")

    async def _drain(self, executor: Executor) -> None:
        end_ns = self._clock.monotonic_ns() + int(self._options.drain_s * NS_PER_S)
        pumping = "pump" in self._tasks
        while executor.writing or (pumping and len(self._inbox)):
            if self._clock.monotonic_ns() > end_ns:
                logger.warning("stopping with {} requests unanswered", executor.writing)
                return
            await self._clock.sleep_s(STEP_S)

    async def _write_out(self) -> None:
        end_ns = self._clock.monotonic_ns() + int(LAST_WRITES_S * NS_PER_S)
        while not self._scribe.idle and self._clock.monotonic_ns() < end_ns:
            await self._clock.sleep_s(STEP_S)
        await self._cancel("scribe")
        try:
            async with asyncio.timeout(LAST_WRITES_S):
                await self._scribe.save_state()
        except TimeoutError:
            logger.warning("the last state could not be kept in time")

    async def _cancel(self, *names: str) -> None:
        tasks = [self._tasks.pop(name) for name in names if name in self._tasks]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=LAST_WRITES_S)


async def _host(told: asyncio.Future[asyncio.TaskGroup]) -> None:
    """Hold the group in which short-lived work is born, so that it ends with one cancel."""
    async with asyncio.TaskGroup() as group:
        told.set_result(group)
        await asyncio.Event().wait()


@contextmanager
def _signals(parts: DaemonParts) -> Iterator[None]:
    """Let SIGTERM and SIGINT set `parts.stop` for the length of a with block."""
    caught = (signal.SIGTERM, signal.SIGINT) if parts.options.signals else ()
    loop = asyncio.get_running_loop()
    for number in caught:
        loop.add_signal_handler(number, parts.stop.set)
    try:
        yield
    finally:
        for number in caught:
            loop.remove_signal_handler(number)
