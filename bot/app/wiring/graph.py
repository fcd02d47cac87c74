"""Builds the graph of a run and takes it down again: the only place that knows everybody."""

import asyncio
import hashlib
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager
from dataclasses import replace
from types import FrameType

import msgspec
from loguru import logger

from bot.app.accounts.companions import apart, keep_beside
from bot.app.accounts.listed import FIRST, Beside, accounts_beside
from bot.app.accounts.together import Together
from bot.app.accounts.turns import Turns
from bot.app.clock import SystemClock
from bot.app.config.mode import RunWish, settled
from bot.app.config.places import Places, make_state
from bot.app.config.settings import Settings, config_hash
from bot.app.scrub import OWN, Scrubber
from bot.app.telling.front import Front
from bot.app.telling.logs import drain_logs, wire_logs
from bot.app.telling.noticeboard import Noticeboard
from bot.app.wiring.account import parts_of, strategies_of
from bot.app.wiring.hearing import open_hearing
from bot.app.wiring.opening import Opened, open_account
from bot.app.wiring.operator import open_operator
from bot.app.wiring.sources import open_outside, sources_config
from bot.app.wiring.state import fence
from bot.app.wiring.telegram import chat_config
from bot.domain.messages import Notify
from bot.domain.risk import Severity
from bot.journal.lock import hold_state
from bot.journal.writer import JournalWriter
from bot.ports import Clock
from bot.runtime.parts import DaemonParts
from bot.runtime.supervisor import run_daemon
from bot.sources.open import SourcesConfig
from bot.venue.open import open_room

PRIVATE = 0o077
"""Whatever a run writes, its owner alone can read."""


def run_id_of(clock: Clock) -> str:
    """Return 8 hex digits that name this run: derived from the clock and the process."""
    seed = f"{clock.now_ns()}-{clock.monotonic_ns()}-{os.getpid()}"
    return hashlib.sha256(seed.encode()).hexdigest()[:8]


def run_bot(settings: Settings, places: Places, wish: RunWish) -> int:
    """Run the bot until it is told to stop; return the exit code.

    Raises:
        BotError: it could not be started; the line says what to do.
    """
    settings = settled(settings, wish)
    os.umask(PRIVATE)
    strategies_of(settings, places)  # a bad file refuses before a venue is started for it
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return _guarded(settings, places, SystemClock())
    except KeyboardInterrupt:
        return 0  # told to stop before it was ready: that is an ordered end


def _guarded(settings: Settings, places: Places, clock: Clock) -> int:
    """Hold the state directory and the log for the length of a run."""
    make_state(places)
    with hold_state(places.state), _logs(settings, places, clock) as (scrubber, run_id):
        logger.info(
            "breakwater {} run {}: profile {}, {}, config {}",
            settings.breakwater.mode,
            run_id,
            settings.risk.profile or f"loss budget {settings.risk.loss_budget_frac}",
            ", ".join(settings.risk.symbols),
            config_hash(settings),
        )
        return _started(settings, places, clock, run_id, scrubber)


def _started(
    settings: Settings, places: Places, clock: Clock, run_id: str, scrubber: Scrubber
) -> int:
    """Open the journal's file and the venue, in this order: a damaged journal needs no venue.

    A journal on a server is opened last, under the lease of the account that the key names.
    """
    import uvloop

    chat_config(settings, places)  # a chat that cannot be is said before anything is started
    beside = accounts_beside(settings, places)
    with ExitStack() as held:
        opened = open_account(settings, places, clock, run_id, scrubber, held)
        asked = sources_config(settings, places, scrubber)
        house = _House(settings, places, clock, scrubber, beside)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(house.run(run_id, opened, asked))


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """Let SIGTERM end a start as Ctrl-C does; the running daemon has a handler of its own."""
    raise KeyboardInterrupt


@contextmanager
def _logs(settings: Settings, places: Places, clock: Clock) -> Iterator[tuple[Scrubber, str]]:
    scrubber, run_id = OWN, run_id_of(clock)
    wire_logs(places.logs, settings.breakwater.log_level, scrubber, run_id=run_id)
    try:
        yield scrubber, run_id
    finally:
        drain_logs()


class _House:
    """All accounts of one process: the first with its doors, and those beside it."""

    def __init__(
        self,
        settings: Settings,
        places: Places,
        clock: Clock,
        scrubber: Scrubber,
        beside: tuple[Beside, ...],
    ) -> None:
        self._settings = settings
        self._places = places
        self._clock = clock
        self._scrubber = scrubber
        self._beside = beside
        expected = {FIRST: settings.venues.exchange}
        expected |= {each.name: each.settings.venues.exchange for each in beside}
        self._all = Together(settings.accounts, clock, places.state / "joint.json", expected)
        self._stop = asyncio.Event()
        self._turns = Turns(clock, FIRST)
        self._tell: Callable[[Notify], object] = lambda _notice: None

    async def run(self, run_id: str, opened: Opened, asked: SourcesConfig) -> int:
        """Run until told to stop, or until the first account ends; return the exit code."""
        async with asyncio.TaskGroup() as group:
            for account in self._beside:
                group.create_task(
                    keep_beside(
                        account,
                        self._open,
                        self._live,
                        self._stop,
                        self._clock,
                        self._alarm,
                        self._turns,
                    )
                )
            try:
                return await self._first(run_id, opened, asked)
            finally:
                self._stop.set()

    def _say(self, notice: Notify) -> None:
        self._tell(notice)

    def _alarm(self, severity: Severity, kind: str, text: str) -> None:
        now_ns = self._clock.now_ns()
        self._tell(Notify(event_ns=now_ns, severity=severity, kind=kind, text=text))

    async def _first(self, run_id: str, opened: Opened, asked: SourcesConfig) -> int:
        settings, places, clock = self._settings, self._places, self._clock
        async with AsyncExitStack() as stack:
            # beside the venues of the others, not after them; under a lease whose venue it is now
            # is known only once the lease is let go
            if opened.paper is not None and opened.state.tenure is None:
                stack.push_async_callback(apart, opened.paper.end)
            writer = JournalWriter(opened.state.store)
            stack.push_async_callback(writer.close)
            room = await open_room(opened.config, clock)
            stack.push_async_callback(room.close)
            hearing = await open_hearing(settings, room, clock)
            stack.push_async_callback(hearing.close)
            sources = await open_outside(settings, asked, clock, stack)
            board = Noticeboard()
            front = Front(settings, places, board, clock, run_id)
            parts = parts_of(
                settings, places, clock, run_id, room, hearing, writer, opened.paper, sources,
                board, front, {"accounts": self._all.answer},
            )  # fmt: skip
            parts.stop = self._stop
            if opened.state.tenure is not None:
                fence(parts, opened.state.tenure, settings)
            self._all.join(FIRST, settings.venues.exchange, parts)
            await open_operator(
                settings, places, self._scrubber, parts, board, front, stack,
                lambda: self._all.members,
            )  # fmt: skip
            self._tell = parts.notify
            return await self._run(FIRST, parts)

    # ------------------------------------------------------------------ those beside

    def _open(self, account: Beside, held: ExitStack) -> "tuple[str, Opened]":
        make_state(account.places)
        held.enter_context(hold_state(account.places.state))
        run_id = run_id_of(self._clock)
        scrubber = self._scrubber
        opened = open_account(account.settings, account.places, self._clock, run_id, scrubber, held)
        return run_id, opened

    async def _live(self, account: Beside, begun: "tuple[str, Opened]") -> int:
        (run_id, opened), clock = begun, self._clock
        settings, places = account.settings, account.places
        async with AsyncExitStack() as stack:
            writer = JournalWriter(opened.state.store)
            stack.push_async_callback(writer.close)
            room = await open_room(opened.config, clock)
            stack.push_async_callback(room.close)
            hearing = await open_hearing(settings, room, clock)
            stack.push_async_callback(hearing.close)
            board = Noticeboard()
            front = Front(settings, places, board, clock, run_id)
            parts = parts_of(
                settings, places, clock, run_id, room, hearing, writer, opened.paper, (), board,
                front, {},
            )  # fmt: skip
            parts.stop, parts.notify_address = self._stop, None
            parts.options = replace(parts.options, owns_process=False, signals=False)
            if opened.state.tenure is not None:
                fence(parts, opened.state.tenure, settings)

            def tell(notice: Notify) -> None:
                board(notice)
                text = f"account {account.name}: {notice.text}"
                self._say(msgspec.structs.replace(notice, text=text))

            parts.notify = tell
            self._all.join(account.name, settings.venues.exchange, parts)
            return await self._run(account.name, parts)

    async def _run(self, name: str, parts: DaemonParts) -> int:
        try:
            async with asyncio.TaskGroup() as group:
                watch = group.create_task(self._turns.done_when_ready(name, parts.health))
                code = await run_daemon(parts)
                watch.cancel()
            return code
        finally:
            self._turns.done(name)
