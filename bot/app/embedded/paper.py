"""Keeps the embedded venue beside a running bot, and starts it anew if it dies."""

import asyncio
from collections.abc import Callable

from loguru import logger

from bot.app.config.places import Places
from bot.app.config.settings import Settings
from bot.app.embedded.process import Address, end_venue, ensure_venue, living
from bot.domain.errors import BotError, StateLocked
from bot.domain.messages import Event
from bot.ports import Clock

LOOK_S = 1.0
RETRY_S = 5.0


class PaperVenue:
    """The venue process of one paper account; as a feed it looks after it and emits nothing."""

    name = "embedded venue"

    def __init__(self, settings: Settings, places: Places, clock: Clock) -> None:
        paper = settings.breakwater.paper
        self._arguments = (
            "--scenario", paper.scenario, "--speed", repr(paper.speed), "--seed", str(paper.seed),
            "--protocol", settings.venues.exchange,
        )  # fmt: skip
        self._exchange = settings.venues.exchange
        self._places = places
        self._clock = clock
        self._watching = settings.breakwater.read_only
        self._found = False
        """Whether the venue ran before we came: then somebody who only watches lets it run on."""
        self.another = False
        """Whether another run drives the account of this venue: it is that one's to end."""
        self.address: Address | None = None

    def start(self) -> Address:
        """Return where the venue listens; blocks until it does.

        Raises:
            VenueUnreachable: it could not be started.
            StateLocked: another process holds its book and does not say where it listens.
        """
        address, fresh = ensure_venue(self._places, self._arguments, self._clock)
        if address.protocol != self._exchange:
            raise StateLocked(
                f"{self._places.venue}: the venue of this book speaks {address.protocol}, "
                f"venues.exchange is {self._exchange}: end it first, or use another state_dir"
            )
        self._found = not fresh
        logger.info(
            "embedded venue {} at {} (pid {})",
            "started" if fresh else "still running, taken over",
            address.base_url,
            address.pid,
        )
        self.address = address
        return address

    async def run(self, emit: Callable[[Event], None]) -> None:
        """Start the venue anew whenever it has died; it keeps its port, its key and its book."""
        del emit
        while True:
            await self._clock.sleep_s(LOOK_S)
            try:
                if await asyncio.to_thread(living, self._places.venue) is None:
                    logger.warning("the embedded venue died: starting it anew from its book")
                    await asyncio.to_thread(self.start)
            except BotError as error:
                logger.error("embedded venue: {}", error)
                await self._clock.sleep_s(RETRY_S)

    def end(self) -> None:
        """End the venue in order, unless it is another's; its book stays on disk."""
        if self._found and (self._watching or self.another):
            return
        try:
            address = living(self._places.venue)
        except BotError as error:
            logger.warning("embedded venue: {}", error)
            return
        if address is not None:
            end_venue(address, self._clock, self._places.venue)
            logger.info("embedded venue ended; its book is kept in {}", self._places.venue)
