"""Keeps one feed running: a feed that ends or breaks is started again, with growing pauses."""

from collections.abc import Callable

from loguru import logger

from bot.domain.market import FeedStatus
from bot.domain.messages import Event
from bot.domain.units import NS_PER_S
from bot.ports import Clock, Feed
from bot.runtime.outcomes import told

PAUSE_S = 1.0
PAUSE_MAX_S = 30.0
HEALTHY_NS = 60 * NS_PER_S
"""A feed that ran so long starts over with the shortest pause."""


async def keep_feed(feed: Feed, emit: Callable[[Event], None], clock: Clock) -> None:
    """Run `feed` until cancelled; each end is told as its stream being down."""
    pause_s = PAUSE_S
    while True:
        began_ns = clock.monotonic_ns()
        reason = await _run_once(feed, emit)
        now_ns = clock.now_ns()
        emit(FeedStatus(feed.name, "", now_ns, now_ns, False, reason))
        if clock.monotonic_ns() - began_ns > HEALTHY_NS:
            pause_s = PAUSE_S
        logger.warning("feed {} ended ({}); again in {:.0f} s", feed.name, reason, pause_s)
        await clock.sleep_s(pause_s)
        pause_s = min(pause_s * 2, PAUSE_MAX_S)


async def _run_once(feed: Feed, emit: Callable[[Event], None]) -> str:
    try:
        await feed.run(emit)
    except Exception as error:  # noqa: BLE001 - logged and told; a feed must not end the guard
        logger.opt(exception=error).debug("feed {}", feed.name)
        return told(error)
    return "ended by itself"
