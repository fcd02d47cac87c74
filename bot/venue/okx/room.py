"""OKX's room: two clients with sockets of their own, one limit, the feeds."""

from collections.abc import Callable
from typing import Final

import aiohttp

from bot.domain.errors import ConfigInvalid
from bot.domain.units import NS_PER_S
from bot.ports import Clock
from bot.venue.breaker import Breaker
from bot.venue.bybit.room import CallerPolls
from bot.venue.caller import Caller
from bot.venue.feeds.okx import LIQUIDATIONS
from bot.venue.lanes import Lane, Lanes
from bot.venue.line import Line
from bot.venue.okx.account import Sizes
from bot.venue.okx.answers import MANNERS, OkxWire, Questions
from bot.venue.okx.client import OkxVenue
from bot.venue.okx.news import OkxNews
from bot.venue.okx.public import OkxMarket, TradedDialect
from bot.venue.okx.stream import OkxLine, OkxStreams
from bot.venue.one_line import OneLineFeed
from bot.venue.polls.feed import PollFeed
from bot.venue.polls.okx import OkxPolls
from bot.venue.profiles import okx
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

STALE_NS: Final = 15 * NS_PER_S
PERIOD_S: Final = 2.0
PERIODS_PER_MIN: Final = 30
EMBEDDED: Final = "embedded"
"""The passphrase of the embedded venue, known to everybody."""


async def open_okx(config: VenueConfig, clock: Clock, transport: Transport) -> VenueRoom:
    """Build the room; the first request goes out with the first call.

    Raises:
        ConfigInvalid: mode, symbols, addresses and keys do not fit together.
    """
    check_config(config, okx.rest_url, okx.ws_url, okx.venue_id)
    if config.mode != "paper" and config.api_key and not config.api_passphrase:
        raise ConfigInvalid("venue: a key of OKX has three parts, the passphrase is missing")
    per_min = config.weight_limit_per_min or okx.REQUESTS_PER_2S * PERIODS_PER_MIN
    lanes = Lanes(
        clock,
        limit=per_min // PERIODS_PER_MIN * 2,
        period_s=PERIOD_S,
        orders_limit=(config.order_limit_per_10s or okx.ORDERS_PER_2S * 5) // 5,
        orders_period_s=PERIOD_S,
    )
    breaker, notes, time, sizes = Breaker(clock), Notes(), VenueTime(clock), Sizes()
    main_session = transport.session(config, MAIN_POOL)
    guard_session = transport.session(config, GUARD_POOL)
    open_caller = _callers(config, clock, time, transport, lanes, breaker)
    main, guard = open_caller(main_session), open_caller(guard_session)
    venue = _venue(config, clock, main, main_session, notes, sizes, guards=False)
    watchman = _venue(config, clock, guard, guard_session, notes, sizes, guards=True)
    origin = okx.ws_url(config.mode, config.ws_url, okx.rest_url(config.mode, config.base_url))
    line = _line(config, clock, main_session, main, breaker, venue, sizes, origin)
    past = PollFeed(OkxPolls(CallerPolls(main, clock)), config.symbols, clock, pause_s=0.0)
    if config.api_key:
        news = OkxNews(sizes)
        lines = [
            OkxLine(main, clock, breaker, notes, news, sizes, origin, path)
            for path in (okx.PRIVATE_PATH, okx.BUSINESS_PATH)
        ]
        notes.user = OkxStreams(*lines)
    public = OneLineFeed(okx.NAME, line, config.symbols, liquidations=LIQUIDATIONS)
    return VenueRoom(venue, watchman, public, notes.user, past, lanes, breaker, main.venue_now_ns)


def _callers(
    config: VenueConfig,
    clock: Clock,
    time: VenueTime,
    transport: Transport,
    lanes: Lanes,
    breaker: Breaker,
) -> Callable[[aiohttp.ClientSession], Caller]:
    rest = okx.rest_url(config.mode, config.base_url)
    urls: dict[str, object] = {"rest": rest}
    demo = {okx.DEMO_HEADER: "1"} if config.mode == "testnet" else {}

    def open_caller(session: aiohttp.ClientSession) -> Caller:
        settings = ccxt_settings(config, session, transport.context, urls, {"brokerId": ""})
        settings |= {"password": config.api_passphrase or EMBEDDED, "headers": demo}
        return Caller(
            OkxWire(settings, time, lanes.observe),
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
    sizes: Sizes,
    *,
    guards: bool,
) -> OkxVenue:
    venue = OkxVenue(
        caller,
        clock,
        config.symbols,
        sizes,
        guards=guards,
        read_only=config.read_only,
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
    venue: OkxVenue,
    sizes: Sizes,
    origin: str,
) -> Line:
    async def prepare() -> None:
        await venue.clock_skew_ns()
        await sizes.settle(Questions(caller, Lane.QUERY))

    market = OkxMarket(config.symbols, sizes)
    return Line(
        session,
        origin + okx.PUBLIC_PATH,
        TradedDialect(market.contracts),
        market,
        name="market",
        clock=clock,
        breaker=breaker,
        venue_now_ns=caller.venue_now_ns,
        prepare=prepare,
        must_prepare=True,
        stale_ns=STALE_NS,
    )
