"""The public feed of the traded venue: a line for prices and liquidations, one for book tops."""

import asyncio
from collections.abc import Sequence
from typing import Final

import msgspec

from bot.domain.feeds import VenueHealth
from bot.domain.units import NS_PER_S
from bot.ports import Emit
from bot.venue.line import Line
from bot.venue.profiles import binance
from bot.venue.reader import PublicReader

HEARTBEAT_S: Final = 10.0
STALE_NS: Final = 10 * NS_PER_S
BOOK_STALE_NS: Final = 60 * NS_PER_S
STREAMS_PER_MESSAGE: Final = 100
MARKET_STREAMS: Final = ("aggTrade", "markPrice@1s", "forceOrder")
BOOK_STREAMS: Final = ("bookTicker",)
LIQUIDATIONS: Final = "one print a second per contract, the rest is estimated"


class Asking:
    """How Binance is asked for streams of `kinds`; it answers pings of the protocol itself."""

    heartbeat_s: float | None = HEARTBEAT_S
    ping: str = ""
    ping_s: float = 0.0

    def __init__(self, symbols: Sequence[str], kinds: Sequence[str]) -> None:
        self._symbols = symbols
        self._streams = stream_names(symbols, kinds)

    def symbols(self) -> Sequence[str]:
        """Return the symbols whose prices must stay fresh."""
        return self._symbols

    def messages(self) -> Sequence[str]:
        """Return the requests for all streams."""
        parts = range(0, len(self._streams), STREAMS_PER_MESSAGE)
        return [self._request(start) for start in parts]

    def _request(self, start: int) -> str:
        part = self._streams[start : start + STREAMS_PER_MESSAGE]
        request = {"method": "SUBSCRIBE", "params": part, "id": start + 1}
        return msgspec.json.encode(request).decode()


class PublicFeed:
    """Prices, liquidations and book tops of one venue: a line for each of its two addresses."""

    name = binance.NAME

    def __init__(
        self, market: Line, book: Line, readers: Sequence[PublicReader], symbols: Sequence[str]
    ) -> None:
        self.market = market
        self.book = book
        self._readers = readers
        self._symbols = symbols

    def health(self) -> VenueHealth:
        """Return how the market streams are doing now; book tops count as its frames."""
        lines, readers = (self.market, self.book), self._readers
        told = {symbol: self.market.reader.told_ns(symbol) for symbol in self._symbols}
        return VenueHealth(
            venue=self.name,
            live=self.market.live,
            reason=self.market.reason,
            liquidations=LIQUIDATIONS,
            told_ns={symbol: ns for symbol, ns in told.items() if ns is not None},
            silent=tuple(sorted(self.market.silent)),
            unlisted=(),
            connections=self.market.connections,
            frames=sum(line.tally.frames for line in lines),
            frames_per_s=sum(line.tally.per_s() for line in lines),
            frame_ns=max(line.tally.frame_ns for line in lines),
            junk=sum(line.junk for line in lines),
            gaps=sum(reader.gaps for reader in readers),
            repeats=sum(reader.repeats for reader in readers),
            last_error=self.market.error or self.book.error,
        )

    async def run(self, emit: Emit) -> None:
        """Stream both lines until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.market.run(emit))
            group.create_task(self.book.run(emit))


def stream_names(symbols: Sequence[str], kinds: Sequence[str]) -> list[str]:
    """Return the venue's stream names of `symbols`."""
    return [f"{binance.venue_id(symbol).lower()}@{kind}" for symbol in symbols for kind in kinds]
