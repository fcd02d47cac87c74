"""Opening the senses: feeds and polls of venues that are not traded, each with its own fence."""

import asyncio
import ssl
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import aiohttp
import msgspec

from bot.domain.errors import ConfigInvalid
from bot.domain.feeds import VenueHealth
from bot.domain.units import NS_PER_S
from bot.ports import Clock, Emit, Feed
from bot.venue.breaker import Breaker
from bot.venue.feeds import bybit, hyperliquid, okx
from bot.venue.feeds.contracts import Contract, symbols_known
from bot.venue.feeds.reader import Decode, SenseReader
from bot.venue.feeds.sensed import STALE_S, SensedFeed
from bot.venue.hosts import SENSED, DataFence
from bot.venue.line import Dialect, Line
from bot.venue.names import DNS_TTL_S, RememberedNames
from bot.venue.polls.bybit import BybitPolls
from bot.venue.polls.client import PublicClient
from bot.venue.polls.feed import PollFeed, Polls
from bot.venue.polls.hyperliquid import HyperliquidPolls
from bot.venue.polls.okx import OkxPolls
from bot.venue.streams import bybit as bybit_stream
from bot.venue.streams import hyperliquid as hyperliquid_stream
from bot.venue.streams import okx as okx_stream

POOL: Final = 4
PAST_S: Final = 30.0
"""How long the streams wait for the past."""


class SenseConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Which venues are listened to; `loopback` puts a local server in a venue's place (tests)."""

    symbols: tuple[str, ...]
    venues: tuple[str, ...] = ("bybit", "okx", "hyperliquid")
    watched: tuple[str, ...] = ()
    """Hyperliquid addresses whose liquidations are followed."""
    stale_s: float = STALE_S
    polls_s: float = 300.0
    past_days: int = 30
    names: dict[str, dict[str, str]] = {}
    """venue -> our symbol -> the coin as that venue spells it; empty: not sensed there."""
    loopback: dict[str, str] = {}


class _Kind(msgspec.Struct, frozen=True):
    """What is special about a venue."""

    path: str
    decode: Decode
    dialect: Callable[[Callable[[], Sequence[Contract]], SenseConfig], Dialect]
    polls: Callable[[PublicClient, Mapping[str, str]], Polls]
    liquidations: Callable[[SenseConfig], str]


_KINDS: Final[dict[str, _Kind]] = {
    "bybit": _Kind(
        "/v5/public/linear",
        bybit_stream.decode,
        lambda listed, _: bybit.BybitDialect(listed),
        BybitPolls,
        lambda _: bybit.LIQUIDATIONS,
    ),
    "okx": _Kind(
        "/ws/v5/public",
        okx_stream.decode,
        lambda listed, _: okx.OkxDialect(listed),
        OkxPolls,
        lambda _: okx.LIQUIDATIONS,
    ),
    "hyperliquid": _Kind(
        "/ws",
        hyperliquid_stream.decode,
        lambda listed, config: hyperliquid.HyperliquidDialect(listed, config.watched),
        HyperliquidPolls,
        lambda config: (
            hyperliquid.LIQUIDATIONS_OF_WATCHED if config.watched else hyperliquid.LIQUIDATIONS
        ),
    ),
}


class SensedVenue:
    """One venue: `feed` streams, `past` asks now and then; both tell events of that venue."""

    def __init__(
        self, feed: SensedFeed, past: PollFeed, client: PublicClient, session: aiohttp.ClientSession
    ) -> None:
        self.name = feed.line.name
        self.feed = feed
        self.past = past
        self._client = client
        self._session = session

    async def run(self, emit: Emit) -> None:
        """Tell the past, then stream and ask until cancelled.

        The past goes first because what is older than a stream's newest word comes too late.
        """
        try:
            async with asyncio.timeout(PAST_S):
                await self.past.once(emit)
        except TimeoutError:
            self.past.slow(emit, PAST_S)
        async with asyncio.TaskGroup() as group:
            group.create_task(self.feed.run(emit))
            group.create_task(self.past.run(emit))

    async def close(self) -> None:
        """Release every socket."""
        try:
            await self._client.close()
        finally:
            await self._session.close()


class SenseRoom:
    """All sensed venues."""

    def __init__(self, venues: Sequence[SensedVenue]) -> None:
        self.venues = tuple(venues)
        self.feeds: tuple[Feed, ...] = self.venues

    def health(self) -> tuple[VenueHealth, ...]:
        """Return how every venue is doing."""
        return tuple(item.feed.health() for item in self.venues)

    async def close(self) -> None:
        """Release every socket of every venue."""
        for item in self.venues:
            await item.close()


async def open_senses(
    config: SenseConfig, clock: Clock, *, venue_now_ns: Callable[[], int] | None = None
) -> SenseRoom:
    """Build the feeds; the first request goes out when a feed runs.

    `venue_now_ns` is a better clock than ours, where one was measured.

    Raises:
        ConfigInvalid: an unknown venue, no symbols, no address, or a stand-in off loopback.
    """
    symbols_known(config.symbols)
    hyperliquid.check_watched(config.watched)
    for name in (*config.venues, *config.loopback, *config.names):
        if name not in _KINDS:
            known = ", ".join(sorted(_KINDS))
            raise ConfigInvalid(f"sense: no venue {name!r}; known: {known}")
    fences = {name: DataFence(name, config.loopback.get(name, "")) for name in config.venues}
    context = ssl.create_default_context()
    return SenseRoom(
        [
            _open(config, name, fences[name], clock, context, venue_now_ns or clock.now_ns)
            for name in config.venues
        ]
    )


def _open(
    config: SenseConfig,
    name: str,
    fence: DataFence,
    clock: Clock,
    context: ssl.SSLContext,
    venue_now_ns: Callable[[], int],
) -> SensedVenue:
    kind, stand_in = _KINDS[name], config.loopback.get(name, "").rstrip("/")
    connector = aiohttp.TCPConnector(
        ssl=context,
        resolver=RememberedNames(aiohttp.ThreadedResolver()),
        limit=POOL,
        ttl_dns_cache=DNS_TTL_S,
    )
    session = aiohttp.ClientSession(connector=connector, middlewares=(fence,), trust_env=False)
    breaker = Breaker(clock)
    rest_url = stand_in or SENSED[name].rest
    client = PublicClient(name, session, context, clock, breaker, rest_url=rest_url)
    polls = kind.polls(client, config.names.get(name, {}))
    reader = SenseReader(name, kind.decode)

    async def prepare() -> None:
        reader.learn(await polls.contracts(config.symbols))

    origin = stand_in.replace("http://", "ws://") or SENSED[name].ws
    line = Line(
        session,
        origin + kind.path,
        kind.dialect(reader.contracts, config),
        reader,
        name=f"{name}.market",
        clock=clock,
        breaker=breaker,
        venue_now_ns=venue_now_ns,
        prepare=prepare,
        must_prepare=True,
        stale_ns=int(config.stale_s * NS_PER_S),
    )
    feed = SensedFeed(
        name,
        line,
        reader,
        clock=clock,
        symbols=config.symbols,
        liquidations=kind.liquidations(config),
    )
    past = PollFeed(
        polls,
        config.symbols,
        clock,
        back_s=config.past_days * 86_400,
        again_s=config.polls_s,
    )
    return SensedVenue(feed, past, client, session)
