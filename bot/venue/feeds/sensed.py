"""The feed of one sensed venue: its line, what its liquidations are worth, and its health."""

from typing import Final

from bot.domain.feeds import VenueHealth
from bot.domain.market import FeedStatus
from bot.domain.messages import Event
from bot.ports import Clock, Emit
from bot.venue.feeds.flow import VenueFlow
from bot.venue.feeds.reader import SenseReader
from bot.venue.line import Line

STALE_S: Final = 30.0
"""OKX repeats an unchanged mark price only every 10 s; three of these are silence."""


class SensedFeed:
    """Funding, open interest and liquidations of a venue that is not traded; all carry `venue`.

    Its trades and prices are folded into flows and never become the traded symbol's own.
    """

    def __init__(
        self,
        venue: str,
        line: Line,
        reader: SenseReader,
        *,
        clock: Clock,
        symbols: tuple[str, ...],
        liquidations: str,
    ) -> None:
        self.name = venue
        self.line = line
        self._reader = reader
        self._clock = clock
        self._symbols = symbols
        self._liquidations = liquidations

    async def run(self, emit: Emit) -> None:
        """Say what the liquidations are worth, then stream until cancelled.

        Each time the line comes back it is said again: a line that went down took them along.
        """
        offered = not self._liquidations.startswith("not offered")
        stream = f"{self.name}.liquidations"

        def say() -> None:
            now_ns = self._clock.now_ns()
            emit(FeedStatus(stream, "", now_ns, now_ns, offered, self._liquidations))

        was_down = False

        def tell(event: Event) -> None:
            nonlocal was_down
            emit(event)
            if isinstance(event, FeedStatus) and not event.symbol:
                if event.live and was_down and offered:
                    say()
                was_down = not event.live

        say()
        await self.line.run(tell)

    def take_flows(self) -> tuple[VenueFlow, ...]:
        """Return this venue's trades and prices since the last call."""
        return self._reader.take_flows()

    def health(self) -> VenueHealth:
        """Return how the stream is doing now."""
        listed = {contract.symbol for contract in self._reader.contracts()}
        told = {symbol: self._reader.told_ns(symbol) for symbol in self._symbols}
        return VenueHealth(
            venue=self.name,
            live=self.line.live,
            reason=self.line.reason,
            liquidations=self._liquidations,
            told_ns={symbol: ns for symbol, ns in told.items() if ns is not None},
            silent=tuple(sorted(self.line.silent)),
            unlisted=tuple(symbol for symbol in self._symbols if symbol not in listed),
            connections=self.line.connections,
            frames=self.line.tally.frames,
            frames_per_s=self.line.tally.per_s(),
            frame_ns=self.line.tally.frame_ns,
            junk=self.line.junk,
            gaps=self._reader.gaps,
            repeats=self._reader.repeats,
            last_error=self.line.error,
        )
