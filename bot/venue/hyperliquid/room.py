"""Hyperliquid's room: two clients with sockets of their own, one limit, one run of nonces."""

from collections.abc import Callable, Mapping
from typing import Final

from bot.domain.orders import OrderState
from bot.ports import Clock
from bot.venue.assembly import Assembly, End
from bot.venue.feeds.hyperliquid import LIQUIDATIONS
from bot.venue.hyperliquid.asking import Asker, Shared
from bot.venue.hyperliquid.client import HyperliquidVenue
from bot.venue.hyperliquid.errors import CLOCK_APART, error_of_reply
from bot.venue.hyperliquid.feed import STALE_NS, dialect_of
from bot.venue.hyperliquid.reader import TradedReader
from bot.venue.hyperliquid.user_stream import HyperliquidStream
from bot.venue.hyperliquid.wire import ALLOWANCE, NO_BUILDER, HyperliquidWire, NonceSource
from bot.venue.lanes import Lane, Lanes
from bot.venue.manners import Manners
from bot.venue.one_line import OneLineFeed
from bot.venue.polls.feed import PollFeed
from bot.venue.polls.hyperliquid import HyperliquidPolls
from bot.venue.profiles import hyperliquid as profile
from bot.venue.room import Transport, VenueConfig, VenueRoom, check_config

MANNERS: Final = Manners(
    time=profile.TIME,
    server_ms=lambda answer: answer.get("time") if isinstance(answer, dict) else None,
    clock_apart=frozenset({CLOCK_APART}),
    orders_only=frozenset({ALLOWANCE}),
    error_of_reply=error_of_reply,
)


async def open_room(config: VenueConfig, clock: Clock, transport: Transport) -> VenueRoom:
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
    rest = profile.rest_url(config.mode, config.base_url)
    streams = profile.ws_url(config.mode, config.ws_url, rest)
    parts = Assembly(
        config,
        clock,
        transport,
        lanes,
        MANNERS,
        urls=profile.ccxt_urls(rest, streams),
        options={
            **NO_BUILDER,
            "sandboxMode": config.mode == "testnet",  # the signature names the net it is for
        },
    )
    nonces = NonceSource(parts.time)
    main, guard = parts.ends(
        lambda settings: HyperliquidWire(settings, parts.time, lanes.observe, nonces)
    )
    know: Callable[[OrderState], None] = _nobody
    if config.api_key:
        user = HyperliquidStream(
            main.caller, clock, parts.breaker, parts.notes, streams + "/ws", config.api_key.lower()
        )
        parts.notes.user, know = user, user.know
    shared = Shared(clock)
    venue, watchman = _venue(parts, main, shared, know), _venue(parts, guard, shared, know)
    polls = HyperliquidPolls(_Questions(Asker(main.caller), clock))
    past = PollFeed(polls, config.symbols, clock, pause_s=0.0)
    public = _public_feed(parts, main, shared, venue, streams)
    return parts.room(main, venue, watchman, public, past)


def _venue(
    parts: Assembly, end: End, shared: Shared, know: Callable[[OrderState], None]
) -> HyperliquidVenue:
    venue = HyperliquidVenue(
        Asker(end.caller),
        shared,
        parts.clock,
        parts.ties(end),
        symbols=parts.config.symbols,
        agent_address=end.caller.wire.agent_address,
        on_known=know,
    )
    parts.notes.readers.append(venue.reader)
    return venue


def _public_feed(
    parts: Assembly, end: End, shared: Shared, venue: HyperliquidVenue, streams: str
) -> OneLineFeed:
    symbols = parts.config.symbols
    reader = TradedReader(symbols, shared.heard)

    async def refine() -> None:
        await venue.clock_skew_ns()

    line = parts.line(end, streams + "/ws", dialect_of(symbols), reader, refine, stale_ns=STALE_NS)
    return OneLineFeed(profile.NAME, line, symbols, liquidations=LIQUIDATIONS, counted=reader)


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
