"""The market streams of the traded contracts: one line, and its health."""

from collections.abc import Sequence
from typing import Final

from bot.domain.feeds import VenueHealth
from bot.domain.units import NS_PER_S
from bot.ports import Emit
from bot.venue.feeds.contracts import Contract
from bot.venue.feeds.hyperliquid import LIQUIDATIONS, HyperliquidDialect
from bot.venue.hyperliquid.reader import TradedReader
from bot.venue.line import Line
from bot.venue.profiles import hyperliquid as profile

STALE_NS: Final = 20 * NS_PER_S
"""Book tops come with every block that moves them, contract states every few seconds."""


def dialect_of(symbols: Sequence[str]) -> HyperliquidDialect:
    """Return how the traded contracts are asked for."""
    contracts = tuple(
        Contract(
            symbol=symbol,
            venue_id=profile.venue_id(symbol),
            interval_s=profile.FUNDING_INTERVAL_S,
        )
        for symbol in symbols
    )
    return HyperliquidDialect(lambda: contracts)


class HyperliquidFeed:
    """Prices, trades, funding, open interest and book tops; no liquidations of others."""

    name = profile.NAME

    def __init__(self, line: Line, reader: TradedReader, symbols: Sequence[str]) -> None:
        self.line = line
        self._reader = reader
        self._symbols = symbols

    def health(self) -> VenueHealth:
        """Return how the streams are doing now."""
        told = {symbol: self._reader.told_ns(symbol) for symbol in self._symbols}
        return VenueHealth(
            venue=self.name,
            live=self.line.live,
            reason=self.line.reason,
            liquidations=LIQUIDATIONS,
            told_ns={symbol: ns for symbol, ns in told.items() if ns is not None},
            silent=tuple(sorted(self.line.silent)),
            unlisted=(),
            connections=self.line.connections,
            frames=self.line.tally.frames,
            frames_per_s=self.line.tally.per_s(),
            frame_ns=self.line.tally.frame_ns,
            junk=self.line.junk,
            gaps=self._reader.gaps,
            repeats=self._reader.repeats,
            last_error=self.line.error,
        )

    async def run(self, emit: Emit) -> None:
        """Stream until cancelled."""
        await self.line.run(emit)
