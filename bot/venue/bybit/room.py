"""Bybit's room: two clients with sockets of their own, one limit, the feeds."""

from collections.abc import Callable, Mapping

import aiohttp

from bot.domain.account import MarginMode
from bot.domain.units import NS_PER_S
from bot.ports import Clock
from bot.venue.breaker import Breaker
from bot.venue.bybit.answers import MANNERS, BybitWire
from bot.venue.bybit.client import BybitVenue
from bot.venue.bybit.news import BybitNews
from bot.venue.bybit.public import Asking, BybitMarket
from bot.venue.bybit.stream import BybitStream
from bot.venue.caller import Caller
from bot.venue.endpoint import Endpoint
from bot.venue.feeds.bybit import LIQUIDATIONS
from bot.venue.lanes import Lanes
from bot.venue.line import Line
from bot.venue.one_line import OneLineFeed
from bot.venue.polls.bybit import BybitPolls
from bot.venue.polls.feed import PollFeed
from bot.venue.profiles import bybit
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
from bot.venue.wire import VenueTime

STALE_NS = 10 * NS_PER_S
PERIOD_S = 5.0
PERIODS_PER_MIN = 12


class CallerPolls:
    """Public questions through the room's own caller: its limit counts them as well."""

    def __init__(self, caller: Caller, clock: Clock) -> None:
        self._caller = caller
        self._clock = clock

    def now_ns(self) -> int:
        """Return our time in ns UTC."""
        return self._clock.now_ns()

    async def ask(self, call: str, params: Mapping[str, str | int]) -> object:
        """Send one question by ccxt's implicit method `call`; raises VenueError."""
        return await self._caller.call(Endpoint(call), dict(params))


async def open_bybit(config: VenueConfig, clock: Clock, transport: Transport) -> VenueRoom:
    """Build the room; the first request goes out with the first call.

    Raises:
        ConfigInvalid: mode, symbols, addresses and keys do not fit together.
    """
    rest = _rest(config)
    check_config(config, lambda _mode, _override: rest, bybit.ws_url, bybit.venue_id)
    lanes = Lanes(
        clock,
        limit=(config.weight_limit_per_min or bybit.REQUESTS_PER_5S * PERIODS_PER_MIN)
        // PERIODS_PER_MIN,
        period_s=PERIOD_S,
        orders_limit=(config.order_limit_per_10s or bybit.ORDERS_PER_S * 10) // 10,
        orders_period_s=1.0,
    )
    breaker, notes, time = Breaker(clock), Notes(), VenueTime(clock)
    main_session = transport.session(config, MAIN_POOL)
    guard_session = transport.session(config, GUARD_POOL)
    open_caller = _callers(config, clock, time, transport, lanes, breaker)
    main, guard = open_caller(main_session), open_caller(guard_session)
    venue = _venue(config, clock, main, main_session, notes, guards=False)
    watchman = _venue(config, clock, guard, guard_session, notes, guards=True)
    line = _line(config, clock, main_session, main, breaker, venue, rest)
    public = OneLineFeed(bybit.NAME, line, config.symbols, liquidations=LIQUIDATIONS)
    past = PollFeed(BybitPolls(CallerPolls(main, clock)), config.symbols, clock, pause_s=0.0)
    if config.api_key:
        news = BybitNews(lambda: watchman.reader.hedged, _mode_of(watchman))
        origin = bybit.ws_url(config.mode, config.ws_url, rest)
        notes.user = BybitStream(main, clock, breaker, notes, news, origin + bybit.PRIVATE_PATH)
    return VenueRoom(venue, watchman, public, notes.user, past, lanes, breaker, main.venue_now_ns)


def _rest(config: VenueConfig) -> str:
    return bybit.rest_url(config.mode, config.base_url, config.site)


def _mode_of(venue: BybitVenue) -> Callable[[], MarginMode | None]:
    return lambda: venue.reader.mode


def _callers(
    config: VenueConfig,
    clock: Clock,
    time: VenueTime,
    transport: Transport,
    lanes: Lanes,
    breaker: Breaker,
) -> Callable[[aiohttp.ClientSession], Caller]:
    rest = _rest(config)
    urls: dict[str, object] = {"public": rest, "private": rest}
    options: dict[str, object] = {
        "recvWindow": config.recv_window_ms,
        "timeDifference": 0,
        "brokerId": "",
    }

    def open_caller(session: aiohttp.ClientSession) -> Caller:
        settings = ccxt_settings(config, session, transport.context, urls, options)
        return Caller(
            BybitWire(settings, time, lanes.observe),
            MANNERS,
            lanes,
            breaker,
            clock,
            time,
            timeout_s=config.request_timeout_s,
            queue_s=config.queue_timeout_s,
        )

    return open_caller


def _venue(
    config: VenueConfig,
    clock: Clock,
    caller: Caller,
    session: aiohttp.ClientSession,
    notes: Notes,
    *,
    guards: bool,
) -> BybitVenue:
    venue = BybitVenue(
        caller,
        clock,
        config.symbols,
        guards=guards,
        read_only=config.read_only,
        has_rights=config.mode == "live",
        tells_fees=config.mode != "testnet" or config.site != "demo",
        on_placed=notes.placed,
        on_settings=notes.unsettled,
        on_instruments=notes.learn,
        on_close=closing(caller.wire, session),
    )
    notes.readers.append(venue.reader)
    return venue


def _line(
    config: VenueConfig,
    clock: Clock,
    session: aiohttp.ClientSession,
    caller: Caller,
    breaker: Breaker,
    venue: BybitVenue,
    rest: str,
) -> Line:
    async def prepare() -> None:
        await venue.clock_skew_ns()

    origin = bybit.public_ws_url(config.mode, config.ws_url, rest)
    return Line(
        session,
        origin + bybit.PUBLIC_PATH,
        Asking(config.symbols),
        BybitMarket(config.symbols),
        name="market",
        clock=clock,
        breaker=breaker,
        venue_now_ns=caller.venue_now_ns,
        prepare=prepare,
        must_prepare=False,
        stale_ns=STALE_NS,
    )
