"""Binance USD-M's room: two clients with sockets of their own, one limit, the feeds."""

from collections.abc import Sequence
from typing import Final

from bot.ports import Clock
from bot.venue.assembly import Assembly, End
from bot.venue.binance.client import BinanceVenue
from bot.venue.binance.feed import (
    BOOK_STALE_NS,
    BOOK_STREAMS,
    MARKET_STREAMS,
    STALE_NS,
    Asking,
    PublicFeed,
)
from bot.venue.binance.user_stream import UserStream
from bot.venue.errors import error_of_reply
from bot.venue.lanes import Lanes
from bot.venue.line import Line
from bot.venue.manners import Manners
from bot.venue.polls.binance import BinancePolls
from bot.venue.polls.feed import PollFeed
from bot.venue.profiles import binance
from bot.venue.reader import PublicReader
from bot.venue.room import Transport, VenueConfig, VenueRoom, check_config
from bot.venue.wire import Wire

MANNERS: Final = Manners(
    time=binance.TIME,
    server_ms=lambda answer: answer.get("serverTime") if isinstance(answer, dict) else None,
    clock_apart=binance.CLOCK_APART,
    orders_only=frozenset({binance.TOO_MANY_ORDERS}),
    error_of_reply=error_of_reply,
)


async def open_room(config: VenueConfig, clock: Clock, transport: Transport) -> VenueRoom:
    """Build the room; the first request goes out with the first call.

    Raises:
        ConfigInvalid: mode, symbols, addresses and keys do not fit together.
    """
    check_config(config, binance.rest_url, binance.ws_url, binance.venue_id)
    lanes = Lanes(
        clock,
        limit=config.weight_limit_per_min or binance.WEIGHT_LIMIT_PER_MIN,
        orders_limit=config.order_limit_per_10s or binance.ORDER_LIMIT_PER_10S,
    )
    rest = binance.rest_url(config.mode, config.base_url)
    origin = binance.ws_url(config.mode, config.ws_url, rest)
    parts = Assembly(
        config,
        clock,
        transport,
        lanes,
        MANNERS,
        urls=binance.ccxt_urls(rest, origin),
        options={
            "fetchCurrencies": False,
            "recvWindow": config.recv_window_ms,
            "timeDifference": 0,
        },
    )
    main, guard = parts.ends(lambda settings: Wire(settings, parts.time, lanes.observe))
    venue, watchman = _venue(parts, main), _venue(parts, guard)
    past = PollFeed(BinancePolls(main.caller, clock), config.symbols, clock, pause_s=0.0)
    if config.api_key:
        parts.notes.user = UserStream(main.caller, clock, parts.breaker, parts.notes)
    return parts.room(main, venue, watchman, _public_feed(parts, main, origin, venue), past)


def _venue(parts: Assembly, end: End) -> BinanceVenue:
    has_sapi = parts.config.mode == "live"
    venue = BinanceVenue(end.caller, parts.clock, parts.ties(end), has_sapi=has_sapi)
    parts.notes.readers.append(venue.reader)
    return venue


def _public_feed(parts: Assembly, end: End, origin: str, venue: BinanceVenue) -> PublicFeed:
    symbols = parts.config.symbols
    readers: list[PublicReader] = []

    def line(name: str, path: str, kinds: Sequence[str], stale_ns: int) -> Line:
        reader = PublicReader(symbols)
        readers.append(reader)

        async def refine() -> None:
            if name != "market":
                return
            await venue.clock_skew_ns()
            reader.learn_intervals(await venue.funding_intervals_s())

        asking = Asking(symbols, kinds)
        return parts.line(end, origin + path, asking, reader, refine, stale_ns=stale_ns, name=name)

    return PublicFeed(
        line("market", "/market/ws", MARKET_STREAMS, STALE_NS),
        line("book", "/public/ws", BOOK_STREAMS, BOOK_STALE_NS),
        readers,
        symbols,
    )
