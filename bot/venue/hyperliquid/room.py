"""Hyperliquid's room: two clients with sockets of their own, one limit, one run of nonces."""

from collections.abc import Callable, Mapping
from typing import Final

import aiohttp

from bot.domain.orders import OrderState
from bot.ports import Clock
from bot.venue.breaker import Breaker
from bot.venue.caller import Caller
from bot.venue.feeds.hyperliquid import LIQUIDATIONS
from bot.venue.hyperliquid.asking import Asker, Shared
from bot.venue.hyperliquid.client import HyperliquidVenue
from bot.venue.hyperliquid.errors import CLOCK_APART, error_of_reply
from bot.venue.hyperliquid.feed import STALE_NS, dialect_of
from bot.venue.hyperliquid.reader import TradedReader
from bot.venue.hyperliquid.user_stream import HyperliquidStream
from bot.venue.hyperliquid.wire import ALLOWANCE, NO_BUILDER, HyperliquidWire, NonceSource
from bot.venue.lanes import Lane, Lanes
from bot.venue.line import Line
from bot.venue.manners import Manners
from bot.venue.one_line import OneLineFeed
from bot.venue.polls.feed import PollFeed
from bot.venue.polls.hyperliquid import HyperliquidPolls
from bot.venue.profiles import hyperliquid as profile
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

MANNERS: Final = Manners(
    time=profile.TIME,
    server_ms=lambda answer: answer.get("time") if isinstance(answer, dict) else None,
    clock_apart=frozenset({CLOCK_APART}),
    orders_only=frozenset({ALLOWANCE}),
    error_of_reply=error_of_reply,
)


async def open_hyperliquid(config: VenueConfig, clock: Clock, transport: Transport) -> VenueRoom:
    """Build the room; the first request goes out with the first call.

    Raises:
        ConfigInvalid: mode, symbols, addresses and keys do not fit together.
    """
    check_config(config, profile.rest_url, profile.ws_url, profile.venue_id)
    profile.check_key(config.api_key, config.api_secret)
    lanes = Lanes(
        clock,
        limit=config.weight_limit_per_min or profile.WEIGHT_LIMIT_PER_MIN,
        orders_limit=config.order_limit_per_10s or profile.ORDER_LIMIT_PER_10S,
    )
    breaker, notes, shared = Breaker(clock), Notes(), Shared(clock)
    time = VenueTime(clock)
    nonces = NonceSource(time)
    main_session = transport.session(config, MAIN_POOL)
    guard_session = transport.session(config, GUARD_POOL)

    def caller(session: aiohttp.ClientSession) -> Caller:
        wire = HyperliquidWire(_settings(config, session, transport), time, lanes.observe, nonces)
        return Caller(
            wire, MANNERS, lanes, breaker, clock, time,
            timeout_s=config.request_timeout_s, queue_s=config.queue_timeout_s,
        )  # fmt: skip

    main, guard = caller(main_session), caller(guard_session)
    user = _user(config, clock, main, breaker, notes)
    know = user.know if user is not None else _nobody
    venue = _venue(config, clock, main, main_session, notes, shared, know, guards=False)
    watchman = _venue(config, clock, guard, guard_session, notes, shared, know, guards=True)
    public = _public(config, clock, main_session, main, breaker, shared, venue)
    polls = HyperliquidPolls(_Questions(Asker(main), clock))
    past = PollFeed(polls, config.symbols, clock, pause_s=0.0)
    notes.user = user
    return VenueRoom(venue, watchman, public, user, past, lanes, breaker, main.venue_now_ns)


def _settings(
    config: VenueConfig, session: aiohttp.ClientSession, transport: Transport
) -> dict[str, object]:
    rest = profile.rest_url(config.mode, config.base_url)
    streams = profile.ws_url(config.mode, config.ws_url, rest)
    options: dict[str, object] = {
        **NO_BUILDER,
        "sandboxMode": config.mode == "testnet",  # the signature names the net it is for
    }
    urls = profile.ccxt_urls(rest, streams)
    return ccxt_settings(config, session, transport.context, urls, options)


def _venue(
    config: VenueConfig,
    clock: Clock,
    caller: Caller,
    session: aiohttp.ClientSession,
    notes: Notes,
    shared: Shared,
    know: Callable[[OrderState], None],
    *,
    guards: bool,
) -> HyperliquidVenue:
    venue = HyperliquidVenue(
        Asker(caller),
        shared,
        clock,
        symbols=config.symbols,
        guards=guards,
        read_only=config.read_only,
        agent_address=caller.wire.agent_address,
        on_known=know,
        on_placed=notes.placed,
        on_settings=notes.unsettled,
        on_instruments=notes.learn,
        on_close=closing(caller.wire, session),
    )
    notes.readers.append(venue.reader)
    return venue


def _user(
    config: VenueConfig, clock: Clock, caller: Caller, breaker: Breaker, notes: Notes
) -> HyperliquidStream | None:
    if not config.api_key:
        return None
    rest = profile.rest_url(config.mode, config.base_url)
    url = profile.ws_url(config.mode, config.ws_url, rest) + "/ws"
    return HyperliquidStream(caller, clock, breaker, notes, url, config.api_key.lower())


def _public(
    config: VenueConfig,
    clock: Clock,
    session: aiohttp.ClientSession,
    caller: Caller,
    breaker: Breaker,
    shared: Shared,
    venue: HyperliquidVenue,
) -> OneLineFeed:
    rest = profile.rest_url(config.mode, config.base_url)
    reader = TradedReader(config.symbols, shared.heard)

    async def refine() -> None:
        await venue.clock_skew_ns()

    line = Line(
        session,
        profile.ws_url(config.mode, config.ws_url, rest) + "/ws",
        dialect_of(config.symbols),
        reader,
        name="market",
        clock=clock,
        breaker=breaker,
        venue_now_ns=caller.venue_now_ns,
        prepare=refine,
        must_prepare=False,
        stale_ns=STALE_NS,
    )
    return OneLineFeed(
        profile.NAME, line, config.symbols, liquidations=LIQUIDATIONS, counted=reader
    )


class _Questions:
    """The room's own caller as the polls ask: its weight limit counts them as well."""

    def __init__(self, asker: Asker, clock: Clock) -> None:
        self._asker = asker
        self._clock = clock

    def now_ns(self) -> int:
        """Return our time in ns UTC."""
        return self._clock.now_ns()

    async def ask(self, call: str, params: Mapping[str, str | int]) -> object:
        """Send one question."""
        del call
        weight = 20 + profile.FUNDINGS_MAX // 20
        return await self._asker.put(params, lane=Lane.QUERY, weight=weight)


def _nobody(*_: OrderState) -> None:
    return
