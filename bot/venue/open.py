"""Opening a room: which module builds the room of which exchange.

How an exchange is added is told in docs/venues.md: a line in `_opener` and in
`bot/domain/exchanges.py`, a profile, its doors, and a module that builds its room.
"""

import ssl
from collections.abc import Awaitable, Callable

from aiohttp.abc import AbstractResolver

from bot.domain.exchanges import Exchange, check_site, untraded
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
    """Return what opens a room there; only its modules are loaded."""
    match exchange:
        case "binance":
            from bot.venue.binance.room import open_binance

            return open_binance
        case "hyperliquid":
            from bot.venue.hyperliquid.room import open_hyperliquid

            return open_hyperliquid
        case "bybit":
            from bot.venue.bybit.room import open_bybit

            return open_bybit
        case "okx":
            from bot.venue.okx.room import open_okx

            return open_okx
        case _:
            raise untraded(exchange)
