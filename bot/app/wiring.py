"""Builds the graph of a run and takes it down again: the only place that knows everybody."""

import asyncio
import hashlib
import os
import signal
from collections.abc import Iterator
from contextlib import AsyncExitStack, ExitStack, closing, contextmanager
from types import FrameType

from loguru import logger

from bot.app.account_lock import hold_account
from bot.app.answering import Answering
from bot.app.bedside import Bedside
from bot.app.clock import SystemClock
from bot.app.credentials import require_secret
from bot.app.discover import find_strategies
from bot.app.front import Front
from bot.app.hearing import Hearing, open_hearing
from bot.app.logs import drain_logs, wire_logs
from bot.app.mode import RunWish, settled
from bot.app.narrator import Narrator
from bot.app.noticeboard import Noticeboard
from bot.app.operator_wiring import open_operator
from bot.app.paper import PaperVenue
from bot.app.places import Places, make_state
from bot.app.policy import in_market_time, policy_of
from bot.app.scrub import OWN, Scrubber
from bot.app.settings import Settings, config_hash
from bot.app.source_wiring import open_outside, sources_config
from bot.app.state_wiring import Held, fence, hold_on_server, server_of
from bot.app.telegram_wiring import chat_config
from bot.domain.errors import StateLocked
from bot.domain.strategy import Strategy
from bot.journal.lock import hold_state
from bot.journal.store import open_journal
from bot.journal.writer import JournalWriter
from bot.kernel.step import Kernel
from bot.ports import Clock, Feed, Source
from bot.runtime.parts import DaemonParts, Options
from bot.runtime.supervisor import run_daemon
from bot.sources.open import SourcesConfig
from bot.venue.open import VenueConfig, VenueRoom, open_room

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
    _strategies(settings, places)  # a bad file refuses before a venue is started for it
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
    server = server_of(settings, places)
    with ExitStack() as held:
        state: Held
        if server is None:
            state = Held(held.enter_context(closing(open_journal(places.journal, clock))))
        paper = held.enter_context(_venue(settings, places, clock))
        config = _venue_config(settings, places, paper)
        scrubber.learn(config.api_key)
        scrubber.learn(config.api_secret)
        if server is not None:
            on_server = hold_on_server(server, settings, clock, run_id, config, paper)
            state = held.enter_context(on_server)
        elif not config.read_only:
            held.enter_context(hold_account(config.mode, config.api_key))
        asked = sources_config(settings, places, scrubber)
        run = _run(settings, places, clock, run_id, config, asked, state, paper, scrubber)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(run)


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


@contextmanager
def _venue(settings: Settings, places: Places, clock: Clock) -> Iterator[PaperVenue | None]:
    """Keep the embedded venue for the length of a paper run, and end it after an ordered stop."""
    if settings.breakwater.mode != "paper":
        yield None
        return
    paper, theirs = PaperVenue(settings, places, clock), False
    try:
        yield paper
    except StateLocked:
        theirs = True
        raise
    finally:
        if not theirs:
            paper.end()


def _venue_config(settings: Settings, places: Places, paper: PaperVenue | None) -> VenueConfig:
    table = settings.breakwater
    if paper is not None:
        address = paper.start()
        return VenueConfig(
            mode="paper",
            exchange=settings.venues.exchange,
            symbols=settings.risk.symbols,
            api_key=address.api_key,
            api_secret=address.api_secret,
            base_url=address.base_url,
            ws_url=address.ws_url,
            read_only=table.read_only,
        )
    keys = settings.venues.live if table.mode == "live" else settings.venues.testnet
    return VenueConfig(
        mode=table.mode,
        exchange=settings.venues.exchange,
        symbols=settings.risk.symbols,
        api_key=require_secret(keys.api_key, places.state),
        api_secret=require_secret(keys.api_secret, places.state),
        read_only=table.read_only,
    )


async def _run(
    settings: Settings,
    places: Places,
    clock: Clock,
    run_id: str,
    config: VenueConfig,
    asked: SourcesConfig,
    state: Held,
    paper: PaperVenue | None,
    scrubber: Scrubber,
) -> int:
    async with AsyncExitStack() as stack:
        writer = JournalWriter(state.store)
        stack.push_async_callback(writer.close)
        room = await open_room(config, clock)
        stack.push_async_callback(room.close)
        hearing = await open_hearing(settings, room, clock)
        stack.push_async_callback(hearing.close)
        sources = await open_outside(settings, asked, clock, stack)
        board = Noticeboard()
        front = Front(settings, places, board, clock, run_id)
        parts = _parts(
            settings, places, clock, run_id, room, hearing, writer, paper, sources, board, front
        )
        if state.tenure is not None:
            fence(parts, state.tenure)
        await open_operator(settings, places, scrubber, parts, board, front, stack)
        return await run_daemon(parts)


def _strategies(settings: Settings, places: Places) -> tuple[Strategy, ...]:
    table = settings.strategies
    params = {name: dict(values) for name, values in table.params.items()}
    return find_strategies(places.strategies, table.enabled, params)


def _parts(
    settings: Settings,
    places: Places,
    clock: Clock,
    run_id: str,
    room: VenueRoom,
    hearing: Hearing,
    writer: JournalWriter,
    paper: PaperVenue | None,
    sources: tuple[Source, ...],
    board: Noticeboard,
    front: Front,
) -> DaemonParts:
    mode = settings.breakwater.mode
    policy = policy_of(settings, mode=mode)
    if paper is not None and paper.address is not None:
        policy = in_market_time(policy, paper.address.wall_of)
    kernel = Kernel(policy, _strategies(settings, places), run_id)
    health = front.health
    bedside = Bedside(settings, places, kernel, room.venue, writer, board, health, hearing.health)
    keeper: tuple[Feed, ...] = () if paper is None else (paper,)

    async def backup() -> None:
        await writer.backup()

    return DaemonParts(
        kernel=kernel,
        venue=room.venue,
        guard=room.guard,
        feeds=(*room.feeds, room.past, *hearing.feeds, *keeper),
        past=room.past,
        memory=Narrator(writer),
        clock=clock,
        symbols=settings.risk.symbols,
        notify=board,
        ask=Answering(
            kernel,
            writer,
            bedside.answers() | front.answers(),
            health,
            hearing.health,
            settings.dashboard.url,
        ),
        run_id=run_id,
        socket_path=places.socket,
        notify_address=os.environ.get("NOTIFY_SOCKET"),
        backup=backup,
        sources=sources,
        health=health,
        clean=OWN.without_known,
        options=Options(
            read_only=settings.breakwater.read_only, prove_key=mode == "live", owns_process=True
        ),
    )
