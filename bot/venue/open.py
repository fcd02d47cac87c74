"""Opening the room: two clients with sockets of their own, one limit, the feeds. No request yet."""

import ssl
from collections.abc import Callable, Sequence

import aiohttp
import msgspec
from aiohttp.abc import AbstractResolver
from typing_extensions import override

from bot.domain.errors import ConfigInvalid
from bot.domain.instrument import Instrument
from bot.domain.orders import OrderState
from bot.ports import Clock, Feed, Venue
from bot.venue.account import AccountReader
from bot.venue.breaker import Breaker
from bot.venue.caller import Caller
from bot.venue.client import BinanceVenue
from bot.venue.feed import (
    BOOK_STALE_NS,
    BOOK_STREAMS,
    MARKET_STREAMS,
    STALE_NS,
    Asking,
    PublicFeed,
)
from bot.venue.hosts import Fence
from bot.venue.lanes import Lanes
from bot.venue.line import Line
from bot.venue.polls.binance import BinancePolls
from bot.venue.polls.feed import PollFeed
from bot.venue.profiles import binance
from bot.venue.profiles.binance import Mode
from bot.venue.reader import PublicReader
from bot.venue.user_stream import UserStream
from bot.venue.wire import VenueTime, Wire

GUARD_POOL = 8
MAIN_POOL = 32
DNS_TTL_S = 300
"""A name server that is away must not keep a stop from leaving."""
KEEP_ALIVE_S = 60.0


class VenueConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What a room needs to know; `base_url` and `ws_url` are the embedded venue's (paper only)."""

    mode: Mode
    symbols: tuple[str, ...]
    api_key: str = ""
    api_secret: str = ""
    base_url: str = ""
    ws_url: str = ""
    read_only: bool = False
    request_timeout_s: float = 5.0
    queue_timeout_s: float = 20.0
    recv_window_ms: int = 5000
    weight_limit_per_min: int = binance.WEIGHT_LIMIT_PER_MIN
    order_limit_per_10s: int = binance.ORDER_LIMIT_PER_10S

    @override
    def __repr__(self) -> str:
        """Name the room without its secrets."""
        return f"VenueConfig(mode={self.mode!r}, symbols={self.symbols!r})"


class VenueRoom:
    """An open venue: `venue` for everybody, `guard` for protection alone, `feeds` to run."""

    def __init__(
        self,
        venue: BinanceVenue,
        guard: BinanceVenue,
        public: PublicFeed,
        user: UserStream | None,
        past: PollFeed,
        lanes: Lanes,
        breaker: Breaker,
        venue_now_ns: Callable[[], int],
    ) -> None:
        self.venue: Venue = venue
        self.guard: Venue = guard
        self.public = public
        self.user = user
        self.past = past
        self.feeds: tuple[Feed, ...] = (public,) if user is None else (public, user)
        self.venue_now_ns = venue_now_ns
        self.lanes = lanes
        self.breaker = breaker

    async def close(self) -> None:
        """Release every socket."""
        try:
            await self.venue.close()
        finally:
            await self.guard.close()


class _Notes:
    """What one part of the room tells the others: fees learned, orders placed, settings changed."""

    def __init__(self) -> None:
        self._by_symbol: dict[str, Instrument] = {}
        self.readers: list[AccountReader] = []
        self.user: UserStream | None = None

    def learn(self, instruments: Sequence[Instrument]) -> None:
        self._by_symbol |= {item.symbol: item for item in instruments}

    def fee_of(self, symbol: str, is_maker: bool) -> float | None:  # noqa: FBT001
        item = self._by_symbol.get(symbol)
        if item is None:
            return None
        return item.maker_fee_frac if is_maker else item.taker_fee_frac

    def placed(self, order: OrderState) -> None:
        self.touched(order.symbol)
        if self.user is not None:
            self.user.expect(order.client_order_id)

    def touched(self, symbol: str) -> None:
        for reader in self.readers:
            reader.note(symbol)

    def unsettled(self) -> None:
        for reader in self.readers:
            reader.forget()


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
        ConfigInvalid: mode, symbols, addresses and keys do not fit together.
    """
    _check(config)
    context = ssl_context or ssl.create_default_context()
    lanes = Lanes(clock, limit=config.weight_limit_per_min, orders_limit=config.order_limit_per_10s)
    breaker = Breaker(clock)
    notes = _Notes()
    main_session = _session(config, context, resolver, MAIN_POOL)
    guard_session = _session(config, context, resolver, GUARD_POOL)
    time = VenueTime(clock)
    main = _caller(config, clock, time, main_session, context, lanes, breaker)
    guard = _caller(config, clock, time, guard_session, context, lanes, breaker)
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
    notes: _Notes,
    *,
    guards: bool,
) -> BinanceVenue:
    async def close() -> None:
        await caller.wire.close()
        await session.close()

    venue = BinanceVenue(
        caller,
        clock,
        guards=guards,
        read_only=config.read_only,
        has_sapi=config.mode == "live",
        on_placed=notes.placed,
        on_settings=notes.unsettled,
        on_instruments=notes.learn,
        on_close=close,
    )
    notes.readers.append(venue.reader)
    return venue


def _check(config: VenueConfig) -> None:
    if not config.symbols:
        raise ConfigInvalid("venue: no symbols configured")
    for symbol in config.symbols:
        binance.venue_id(symbol)
    if config.mode != "paper" and (config.base_url or config.ws_url):
        raise ConfigInvalid(f"venue: base_url and ws_url are for paper, not for {config.mode}")
    fence = Fence(config.mode)
    base_url = binance.rest_url(config.mode, config.base_url)
    fence.check_configured(base_url)
    fence.check_configured(binance.ws_url(config.mode, config.ws_url, base_url))
    if bool(config.api_key) != bool(config.api_secret):
        raise ConfigInvalid("venue: API key and secret go together, one of them is missing")


def _session(
    config: VenueConfig,
    context: ssl.SSLContext,
    resolver: AbstractResolver | None,
    pool: int,
) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(
        ssl=context,
        resolver=resolver,
        limit=pool,
        ttl_dns_cache=DNS_TTL_S,
        keepalive_timeout=KEEP_ALIVE_S,
    )
    return aiohttp.ClientSession(
        connector=connector, middlewares=(Fence(config.mode),), trust_env=False
    )


def _caller(
    config: VenueConfig,
    clock: Clock,
    time: VenueTime,
    session: aiohttp.ClientSession,
    context: ssl.SSLContext,
    lanes: Lanes,
    breaker: Breaker,
) -> Caller:
    rest = binance.rest_url(config.mode, config.base_url)
    streams = binance.ws_url(config.mode, config.ws_url, rest)
    settings = {
        "apiKey": config.api_key,
        "secret": config.api_secret,
        "session": session,
        "ssl_context": context,
        "enableRateLimit": False,  # Lanes is the limiter; two would fight
        "timeout": int(config.request_timeout_s * 1000),
        "urls": {"api": binance.ccxt_urls(rest, streams)},
        "options": {
            "fetchCurrencies": False,
            "recvWindow": config.recv_window_ms,
            "timeDifference": 0,
        },
    }
    return Caller(
        Wire(settings, time, lanes.observe),
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
