"""The market streams of a traded venue that come over one line, and their health."""

from collections.abc import Sequence
from typing import Protocol

from bot.domain.feeds import VenueHealth
from bot.ports import Emit
from bot.venue.line import Line


class Counted(Protocol):
    """A reader that looks for what is missing and what comes twice."""

    gaps: int
    repeats: int


class OneLineFeed:
    """Prices, trades, funding, open interest and book tops of the traded contracts."""

    def __init__(
        self,
        name: str,
        line: Line,
        symbols: Sequence[str],
        *,
        liquidations: str,
        counted: Counted | None = None,
    ) -> None:
        self.name = name
        self.line = line
        self._symbols = symbols
        self._liquidations = liquidations
        self._counted = counted

    def health(self) -> VenueHealth:
        """Return how the streams are doing now."""
        line, counted = self.line, self._counted
        told = {symbol: line.reader.told_ns(symbol) for symbol in self._symbols}
        return VenueHealth(
            venue=self.name,
            live=line.live,
            reason=line.reason,
            liquidations=self._liquidations,
            told_ns={symbol: ns for symbol, ns in told.items() if ns is not None},
            silent=tuple(sorted(line.silent)),
            unlisted=(),
            connections=line.connections,
            frames=line.tally.frames,
            frames_per_s=line.tally.per_s(),
            frame_ns=line.tally.frame_ns,
            junk=line.junk,
            gaps=None if counted is None else counted.gaps,
            repeats=None if counted is None else counted.repeats,
            last_error=line.error,
        )

    async def run(self, emit: Emit) -> None:
        """Stream until cancelled."""
        await self.line.run(emit)
