"""What every traded venue's room is made of: configuration, parts, what they tell each other.

A room is opened by `bot.venue.open.open_room`; the module that builds one is the venue's own.
"""

import ssl
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import aiohttp
import msgspec
from aiohttp import ThreadedResolver
from aiohttp.abc import AbstractResolver
from typing_extensions import override

from bot.domain.errors import ConfigInvalid
from bot.domain.exchanges import Exchange, Site
from bot.domain.feeds import VenueHealth
from bot.domain.instrument import Instrument
from bot.domain.orders import OrderState
from bot.ports import Feed, Venue
from bot.venue.breaker import Breaker
from bot.venue.doors import Mode
from bot.venue.hosts import Fence
from bot.venue.lanes import Lanes
from bot.venue.names import DNS_TTL_S, RememberedNames
from bot.venue.polls.feed import PollFeed
from bot.venue.wire import Hooks

GUARD_POOL = 8
MAIN_POOL = 32
KEEP_ALIVE_S = 60.0


class VenueConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What a room needs to know; `base_url` and `ws_url` are the embedded venue's (paper only)."""

    mode: Mode
    symbols: tuple[str, ...]
    exchange: Exchange = "binance"
    api_key: str = ""
    api_secret: str = ""
    api_passphrase: str = ""
    """The third part of a key, where an exchange has one."""
    base_url: str = ""
    ws_url: str = ""
    read_only: bool = False
    site: Site = "testnet"
    """Which of an exchange's play-money sites mode testnet means."""
    request_timeout_s: float = 5.0
    queue_timeout_s: float = 20.0
    recv_window_ms: int = 5000
    weight_limit_per_min: int | None = None
    """What this address may ask for; None: what the venue's profile says."""
    order_limit_per_10s: int | None = None

    @override
    def __repr__(self) -> str:
        """Name the room without its secrets."""
        return f"VenueConfig({self.exchange}, mode={self.mode!r}, symbols={self.symbols!r})"


class Public(Feed, Protocol):
    """The market streams of the traded venue."""

    def health(self) -> VenueHealth:
        """Return how the streams are doing now."""
        ...


class User(Feed, Protocol):
    """The private stream of the account."""

    def expect(self, client_order_id: str) -> None:
        """Take note that the venue acknowledged an order: the stream must speak of it."""
        ...


class Reader(Protocol):
    """Who remembers something of the account to save requests."""

    def note(self, symbol: str) -> None:
        """Take note that `symbol` may have orders from now on."""
        ...

    def forget(self) -> None:
        """Read everything afresh next time."""
        ...


class VenueRoom:
    """An open venue: `venue` for everybody, `guard` for protection alone, `feeds` to run."""

    def __init__(
        self,
        venue: Venue,
        guard: Venue,
        public: Public,
        user: User | None,
        past: PollFeed,
        lanes: Lanes,
        breaker: Breaker,
        venue_now_ns: Callable[[], int],
    ) -> None:
        self.venue = venue
        self.guard = guard
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


class Notes:
    """What one part of the room tells the others: fees learned, orders placed, settings changed."""

    def __init__(self) -> None:
        self._by_symbol: dict[str, Instrument] = {}
        self.readers: list[Reader] = []
        self.user: User | None = None

    def learn(self, instruments: Sequence[Instrument]) -> None:
        """Keep the fees of contracts that were loaded."""
        self._by_symbol |= {item.symbol: item for item in instruments}

    def fee_of(self, symbol: str, is_maker: bool) -> float | None:  # noqa: FBT001
        """Return the fee fraction of a contract, None when unknown."""
        item = self._by_symbol.get(symbol)
        if item is None:
            return None
        return item.maker_fee_frac if is_maker else item.taker_fee_frac

    def placed(self, order: OrderState) -> None:
        """Take note that the venue acknowledged `order`."""
        self.touched(order.symbol)
        if self.user is not None:
            self.user.expect(order.client_order_id)

    def touched(self, symbol: str) -> None:
        """Take note that `symbol` has orders."""
        for reader in self.readers:
            reader.note(symbol)

    def unsettled(self) -> None:
        """Take note that what was remembered of the account may be wrong."""
        for reader in self.readers:
            reader.forget()


class Transport(msgspec.Struct, frozen=True):
    """How a room goes out; tests lead the production names to a venue on loopback."""

    context: ssl.SSLContext
    resolver: AbstractResolver | None = None

    def session(self, config: VenueConfig, pool: int) -> aiohttp.ClientSession:
        """Return a session that goes out by the doors of the room's venue and mode only."""
        connector = aiohttp.TCPConnector(
            ssl=self.context,
            resolver=self.resolver or RememberedNames(ThreadedResolver()),
            limit=pool,
            ttl_dns_cache=DNS_TTL_S,
            keepalive_timeout=KEEP_ALIVE_S,
        )
        fence = Fence(config.mode, config.exchange)
        return aiohttp.ClientSession(connector=connector, middlewares=(fence,), trust_env=False)


def ccxt_settings(
    config: VenueConfig,
    session: aiohttp.ClientSession,
    context: ssl.SSLContext,
    urls: dict[str, object],
    options: dict[str, object],
) -> dict[str, object]:
    """Return what ccxt is told: our session, no limiter of its own, these addresses."""
    return {
        "apiKey": config.api_key,
        "secret": config.api_secret,
        "session": session,
        "ssl_context": context,
        "enableRateLimit": False,  # Lanes is the limiter; two would fight
        "timeout": int(config.request_timeout_s * 1000),
        "urls": {"api": urls},
        "options": options,
    }


def check_config(
    config: VenueConfig,
    rest_url: Callable[[Mode, str], str],
    ws_url: Callable[[Mode, str, str], str],
    contract_of: Callable[[str], str],
) -> None:
    """Refuse a configuration that could never work, by the venue's own addresses and names.

    Raises:
        ConfigInvalid: mode, symbols, addresses and keys do not fit together.
    """
    if not config.symbols:
        raise ConfigInvalid("venue: no symbols configured")
    for symbol in config.symbols:
        contract_of(symbol)
    if config.mode != "paper" and (config.base_url or config.ws_url):
        raise ConfigInvalid(f"venue: base_url and ws_url are for paper, not for {config.mode}")
    fence = Fence(config.mode, config.exchange)
    base_url = rest_url(config.mode, config.base_url)
    fence.check_configured(base_url)
    fence.check_configured(ws_url(config.mode, config.ws_url, base_url))
    if bool(config.api_key) != bool(config.api_secret):
        raise ConfigInvalid("venue: API key and secret go together, one of them is missing")


def closing(wire: Hooks, session: aiohttp.ClientSession) -> Callable[[], Awaitable[None]]:
    """Return what releases the sockets of one caller."""

    async def close() -> None:
        await wire.close()
        await session.close()

    return close
