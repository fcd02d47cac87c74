"""Binance USD-M's room: two clients with sockets of their own, one limit, the feeds."""

from collections.abc import Sequence
from typing import Final

import aiohttp

from bot.ports import Clock
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
from bot.venue.breaker import Breaker
from bot.venue.caller import Caller
from bot.venue.errors import error_of_reply
from bot.venue.lanes import Lanes
from bot.venue.line import Line
from bot.venue.manners import Manners
from bot.venue.polls.binance import BinancePolls
from bot.venue.polls.feed import PollFeed
from bot.venue.profiles import binance
from bot.venue.reader import PublicReader
from bot.venue.room import (
    GUARD_POOL,
    MAIN_POOL,
    Notes,
    Transport,
    VenueConfig,
    VenueRoom,
    ccxt_settings,
    check_config,
    closing,
)
from bot.venue.wire import VenueTime, Wire

MANNERS: Final = Manners(
    time=binance.TIME,
    server_ms=lambda answer: answer.get("serverTime") if isinstance(answer, dict) else None,
    clock_apart=binance.CLOCK_APART,
    orders_only=frozenset({binance.TOO_MANY_ORDERS}),
    error_of_reply=error_of_reply,
)


async def open_binance(config: VenueConfig, clock: Clock, transport: Transport) -> VenueRoom:
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
    breaker = Breaker(clock)
    notes = Notes()
    main_session = transport.session(config, MAIN_POOL)
    guard_session = transport.session(config, GUARD_POOL)
    time = VenueTime(clock)
    main = _caller(config, clock, time, main_session, transport, lanes, breaker)
    guard = _caller(config, clock, time, guard_session, transport, lanes, breaker)
    venue = _venue(config, clock, main, main_session, notes, guards=False)
    watchman = _venue(config, clock, guard, guard_session, notes, guards=True)
    public = _public_feed(config, clock, main_session, main, breaker, venue)
    past = PollFeed(BinancePolls(main, clock), config.symbols, clock, pause_s=0.0)
    if config.api_key:
        notes.user = UserStream(main, clock, breaker, notes)
    return VenueRoom(venue, watchman, public, notes.user, past, lanes, breaker, main.venue_now_ns)


def _venue(
    config: VenueConfig,
    clock: Clock,
    caller: Caller,
    session: aiohttp.ClientSession,
    notes: Notes,
    *,
    guards: bool,
) -> BinanceVenue:
    venue = BinanceVenue(
        caller,
        clock,
        guards=guards,
        read_only=config.read_only,
        has_sapi=config.mode == "live",
        on_placed=notes.placed,
        on_settings=notes.unsettled,
        on_instruments=notes.learn,
        on_close=closing(caller.wire, session),
    )
    notes.readers.append(venue.reader)
    return venue


def _caller(
    config: VenueConfig,
    clock: Clock,
    time: VenueTime,
    session: aiohttp.ClientSession,
    transport: Transport,
    lanes: Lanes,
    breaker: Breaker,
) -> Caller:
    rest = binance.rest_url(config.mode, config.base_url)
    streams = binance.ws_url(config.mode, config.ws_url, rest)
    options: dict[str, object] = {
        "fetchCurrencies": False,
        "recvWindow": config.recv_window_ms,
        "timeDifference": 0,
    }
    urls = binance.ccxt_urls(rest, streams)
    settings = ccxt_settings(config, session, transport.context, urls, options)
    return Caller(
        Wire(settings, time, lanes.observe),
        MANNERS,
        lanes,
        breaker,
        clock,
        time,
        timeout_s=config.request_timeout_s,
        queue_s=config.queue_timeout_s,
    )


def _public_feed(
    config: VenueConfig,
    clock: Clock,
    session: aiohttp.ClientSession,
    caller: Caller,
    breaker: Breaker,
    venue: BinanceVenue,
) -> PublicFeed:
    rest = binance.rest_url(config.mode, config.base_url)
    origin = binance.ws_url(config.mode, config.ws_url, rest)
    readers: list[PublicReader] = []

    def line(name: str, path: str, kinds: Sequence[str], stale_ns: int) -> Line:
        reader = PublicReader(config.symbols)
        readers.append(reader)

        async def refine() -> None:
            if name != "market":
                return
            await venue.clock_skew_ns()
            reader.learn_intervals(await venue.funding_intervals_s())

        return Line(
            session,
            origin + path,
            Asking(config.symbols, kinds),
            reader,
            name=name,
            clock=clock,
            breaker=breaker,
            venue_now_ns=caller.venue_now_ns,
            prepare=refine,
            must_prepare=False,
            stale_ns=stale_ns,
        )

    return PublicFeed(
        line("market", "/market/ws", MARKET_STREAMS, STALE_NS),
        line("book", "/public/ws", BOOK_STREAMS, BOOK_STALE_NS),
        readers,
        config.symbols,
    )
