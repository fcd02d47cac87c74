"""Opening a room: that of an exchange is built by `open_room` in its folder's `room.py`.

How an exchange is added is told in docs/venues.md.
"""

import importlib
import ssl
from collections.abc import Awaitable, Callable

from aiohttp.abc import AbstractResolver

from bot.domain.exchanges import TRADED, Exchange, check_site, untraded
from bot.ports import Clock
from bot.venue.room import Transport, VenueConfig, VenueRoom

__all__ = ["VenueConfig", "VenueRoom", "open_room"]

Opener = Callable[[VenueConfig, Clock, Transport], Awaitable[VenueRoom]]


async def open_room(
    config: VenueConfig,
    clock: Clock,
    *,
    ssl_context: ssl.SSLContext | None = None,
    resolver: AbstractResolver | None = None,
) -> VenueRoom:
    """Build the room; the first request goes out with the first call.

    `ssl_context` and `resolver` let tests lead the production names to a venue on loopback.

    Raises:
        ConfigInvalid: the exchange cannot be traded, or mode, symbols, addresses and keys do
            not fit together.
    """
    check_site(config.exchange, config.site)
    opener = _opener(config.exchange)
    context = ssl_context or ssl.create_default_context()
    return await opener(config, clock, Transport(context, resolver))


def _opener(exchange: Exchange) -> Opener:
    """Return what opens a room there, found by its folder; only its modules are loaded."""
    if exchange not in TRADED:
        raise untraded(exchange)
    opener: Opener = importlib.import_module(f"bot.venue.{exchange}.room").open_room
    return opener
