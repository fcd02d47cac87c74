"""The one way of starting: restore, read the venue, reconcile, protect, and only then trade."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from loguru import logger

from bot.domain.account import AccountState
from bot.domain.errors import VenueError, VenueRefused
from bot.domain.instrument import Instrument
from bot.domain.market import Candle
from bot.domain.messages import (
    AccountSnapshot,
    Command,
    Event,
    InstrumentsLoaded,
    OrderUpdate,
    Started,
)
from bot.domain.risk import Severity
from bot.domain.units import NS_PER_S
from bot.runtime import outcomes
from bot.runtime.notices import Notices
from bot.runtime.parts import DaemonParts

RETRY_S = 0.5
RETRY_MAX_S = 5.0
PAGE = 1_000
RECENT_BARS = 100
"""Bars of the decision timeframe loaded behind the coarser history, for strategies."""
BAR_SIZES_S = (60, 180, 300, 900, 1_800, 3_600, 7_200, 14_400)
"""Timeframes every venue has; others are built from trades alone."""
STEPS_PER_TURN = 64
"""Coverage is awake already and must not wait for a month of bars."""
FAULTS = (VenueError, *outcomes.DEFECTS)

Step = Callable[[Event], None]


class StartFailed(VenueError):
    """The venue could not be read in the time a start may take."""


async def restore(parts: DaemonParts, notices: Notices) -> str:
    """Give the kernel the account part of its last life; return why it must stay paused, if so.

    Raises:
        JournalBroken: the journal cannot be read: limits and peaks would be forgotten.
    """
    blob = await parts.memory.load_snapshot()
    if blob is None:
        return ""
    try:
        parts.kernel.restore_account(blob)
    except ValueError as error:
        text = f"{error}. Peak, latch and limits of the last run are unknown: paused until resume."
        notices.say(Severity.CRITICAL, "restore", text)
        return text
    return ""


async def settle_reach(parts: DaemonParts, notices: Notices) -> None:
    """Where the venue tells what a key may do: watch and warn with one that may only read.

    No answer in time changes nothing: protection waits for no other host than it needs itself.
    """
    if parts.options.read_only or not parts.options.prove_key:
        return
    try:
        async with asyncio.timeout(parts.options.key_deadline_s):
            may = await parts.venue.key_permissions()
    except outcomes.FAILURES as error:
        logger.warning("key permissions: {}", outcomes.told(error))
        return
    if may.can_trade is False:
        parts.options = dataclasses.replace(parts.options, read_only=True)
        text = "the API key may not trade futures: watching and warning, nothing is sent"
        notices.say(Severity.CRITICAL, "key", text)


async def begin(parts: DaemonParts, step: Step, paused: str) -> None:
    """Tell the kernel that a run starts, and of every order whose end nobody knows."""
    now_ns = parts.clock.now_ns()
    step(
        Started(
            run_id=parts.run_id,
            event_ns=now_ns,
            received_ns=now_ns,
            read_only=parts.options.read_only,
        )
    )
    if paused:
        step(pause_command(parts))
    known = parts.kernel.state.orders
    for order in await parts.memory.live_orders():
        if order.client_order_id not in known:
            step(OrderUpdate(order.event_ns, now_ns, order))


def pause_command(parts: DaemonParts) -> Command:
    """Return the command that forbids new risk until a human resumes."""
    now_ns = parts.clock.now_ns()
    return Command(
        command_id=f"{parts.run_id[:8]}-start",
        name="pause",
        args={},
        operator="start",
        event_ns=now_ns,
        received_ns=now_ns,
    )


@asynccontextmanager
async def patience(parts: DaemonParts, what: str) -> AsyncIterator[None]:
    """Bound a start-up phase by the start deadline, with a line that says what was missing."""
    try:
        async with asyncio.timeout(parts.options.start_deadline_s):
            yield
    except TimeoutError:
        raise StartFailed(
            f"{parts.venue.name}: {what} could not be read within "
            f"{parts.options.start_deadline_s:.0f} s; check the network and the venue's status"
        ) from None


async def load_instruments(parts: DaemonParts, step: Step, symbols: tuple[str, ...]) -> None:
    """Load contracts, trying again until the start deadline.

    Raises:
        StartFailed: the venue did not answer in time.
        VenueRefused: the venue knows no such symbol or key.
    """
    async with patience(parts, "contracts"):
        pause_s = RETRY_S
        while True:
            loaded = await _try_instruments(parts, symbols)
            if loaded is not None:
                now_ns = parts.clock.now_ns()
                step(InstrumentsLoaded(now_ns, now_ns, loaded))
                return
            await parts.clock.sleep_s(pause_s)
            pause_s = min(pause_s * 2, RETRY_MAX_S)


async def _try_instruments(
    parts: DaemonParts, symbols: tuple[str, ...]
) -> tuple[Instrument, ...] | None:
    try:
        async with asyncio.timeout(parts.options.write_deadline_s):
            return await parts.venue.instruments(symbols)
    except VenueRefused:
        raise
    except outcomes.FAILURES as error:
        logger.warning("contracts: {}", outcomes.told(error))
        return None


async def load_history(parts: DaemonParts, step: Step) -> int:
    """Teach the kernel from before now, within a bounded time; return how many candles there were.

    Where no candles can be had, the prior volatility sizes positions; where no past funding or
    open interest can be had, the senses say that they are missing.
    """
    candles: list[Candle] = []
    told: list[Event] = []
    await _in_time(parts, _candles(parts, candles), "candles")
    if parts.past is not None:
        await _in_time(parts, parts.past.once(told.append), "funding and open interest")
    # a bar is known before what happened at its close: the senses fold it with that bar's volume
    past = sorted((*candles, *told), key=lambda e: (e.event_ns, not isinstance(e, Candle)))
    for count, event in enumerate(past, start=1):
        step(event)
        if count % STEPS_PER_TURN == 0:
            await parts.clock.sleep_s(0.0)
    return len(candles)


async def _in_time(parts: DaemonParts, work: Awaitable[None], what: str) -> None:
    """Do `work` within the history deadline; what had come by then counts."""
    try:
        async with asyncio.timeout(parts.options.history_deadline_s):
            await work
    except TimeoutError:
        logger.warning("history: the venue is slow, going on with the {} that came", what)


async def _candles(parts: DaemonParts, candles: list[Candle]) -> None:
    for symbol in parts.symbols:
        for timeframe_s, since_ns, until_ns in _spans(parts):
            candles += await _bars(parts, symbol, timeframe_s, since_ns, until_ns)


def _spans(parts: DaemonParts) -> list[tuple[int, int, int]]:
    """Return (timeframe_s, since_ns, until_ns): a month of coarse bars, then those to decide on."""
    options, bar_s = parts.options, parts.kernel.policy.bar_s
    now_ns = parts.clock.now_ns()
    coarse_s = options.history_timeframe_s
    recent_ns = now_ns - RECENT_BARS * bar_s * NS_PER_S
    recent_ns -= recent_ns % (coarse_s * NS_PER_S)
    since_ns = now_ns - options.history_s * NS_PER_S
    if bar_s not in BAR_SIZES_S or bar_s >= coarse_s:
        return [(coarse_s, since_ns, now_ns)]
    return [(coarse_s, since_ns, recent_ns), (bar_s, recent_ns, now_ns)]


async def _bars(
    parts: DaemonParts, symbol: str, timeframe_s: int, since_ns: int, until_ns: int
) -> list[Candle]:
    """Return the closed bars of one timeframe, oldest first, page by page, as far as they come."""
    bars: list[Candle] = []
    while since_ns < until_ns:
        try:
            page = await parts.venue.candles(symbol, timeframe_s, since_ns, PAGE)
        except FAULTS as error:
            logger.warning("history of {}: {}", symbol, outcomes.told(error))
            break
        fresh = [c for c in page if c.event_ns > since_ns and c.event_ns <= until_ns]
        if not fresh:
            break
        bars += fresh
        since_ns = fresh[-1].event_ns
    return bars


async def read_account(parts: DaemonParts, step: Step) -> AccountState:
    """Read the account until it answers, load contracts of foreign positions, and reconcile.

    Raises:
        StartFailed: the venue did not answer in time.
    """
    async with patience(parts, "the account"):
        pause_s = RETRY_S
        while True:
            reading = await outcomes.read_account(
                parts.venue, parts.clock, parts.options.write_deadline_s
            )
            if isinstance(reading, AccountSnapshot):
                break
            step(reading)
            await parts.clock.sleep_s(pause_s)
            pause_s = min(pause_s * 2, RETRY_MAX_S)
    held = {position.symbol for position in reading.account.positions}
    foreign = tuple(sorted(held - set(parts.symbols)))
    if foreign:
        await load_instruments(parts, step, foreign)
    step(reading)
    return reading.account
