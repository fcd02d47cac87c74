"""Listens to the traded venue and the sensed ones, and records until it is told to stop."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any, Final

from bot.data.recorder import Recorder
from bot.domain.errors import BotError, VenueError
from bot.ports import Clock, Emit
from bot.venue.open import VenueConfig, VenueRoom, open_room
from bot.venue.senses import SenseConfig, open_senses

INTEREST_S: Final = 60.0
Told = Callable[[str], None]


async def record(
    venue: VenueConfig,
    senses: SenseConfig | None,
    recorder: Recorder,
    clock: Clock,
    *,
    flush_s: float,
    stop: asyncio.Event,
    told: Told,
) -> dict[str, Any]:
    """Record every market event until `stop` is set; return what was written.

    Raises:
        DataInvalid: the folder cannot be written.
    """
    recorder.sweep()
    recorder.close_days(clock.now_ns())
    async with AsyncExitStack() as stack:
        room = await open_room(venue, clock)
        stack.push_async_callback(room.close)
        feeds = [room.public.run, room.past.run]
        if senses is not None:
            sensed = await open_senses(senses, clock, venue_now_ns=room.venue_now_ns)
            stack.push_async_callback(sensed.close)
            feeds += [feed.run for feed in sensed.feeds]
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(run(recorder.take)) for run in feeds]
                asked = _interest(room, venue.symbols, recorder.take, clock)
                tasks.append(group.create_task(asked))
                tasks.append(group.create_task(_write(recorder, clock, flush_s, told)))
                await stop.wait()
                for task in tasks:
                    task.cancel()
        except BaseExceptionGroup as several:
            ours = several.subgroup(BotError)
            if ours is None:
                raise
            raise _first(ours) from None
    recorder.flush()
    return {"events": recorder.written, "files": recorder.files}


def _first(several: BaseExceptionGroup[BotError]) -> BotError:
    """Return what ended a recording first."""
    inner = several.exceptions[0]
    return _first(inner) if isinstance(inner, BaseExceptionGroup) else inner


async def _write(recorder: Recorder, clock: Clock, flush_s: float, told: Told) -> None:
    """Flush again and again; a day that has ended becomes one file."""
    while True:
        await clock.sleep_s(flush_s)
        recorder.flush()
        days = recorder.close_days(clock.now_ns())
        if days:
            told(f"record: {days} files of whole days")


async def _interest(room: VenueRoom, symbols: tuple[str, ...], emit: Emit, clock: Clock) -> None:
    """Ask for open interest every minute; a question without an answer leaves a gap."""
    while True:
        for symbol in symbols:
            try:
                emit(await room.venue.open_interest(symbol))
            except VenueError:
                continue
        await clock.sleep_s(INTEREST_S)
