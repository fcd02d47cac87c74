"""What the owner wrote into the configuration itself: announced events and watched positions."""

from collections.abc import Sequence
from typing import Final

from bot.domain.market import EventWindow, WatchedPosition
from bot.domain.messages import Event
from bot.ports import Clock, SourceAnswer
from bot.sources.event_calendar import calendar
from bot.sources.told import Look
from bot.sources.whales import watch_list

NAME: Final = "declared"
ORIGIN: Final = "config/sources.toml"
EVERY_S: Final = 3_600.0


class Declared:
    """Tells it at the start; what was taken out of the file is thereby taken back."""

    def __init__(
        self,
        windows: Sequence[EventWindow],
        positions: Sequence[tuple[str, WatchedPosition]],
        symbols: Sequence[str],
        clock: Clock,
    ) -> None:
        self.name = NAME
        self.origin = ORIGIN
        self.every_s = EVERY_S
        self._windows = sorted(windows, key=lambda w: (w.start_ns, w.end_ns, w.title))
        self._positions = tuple(positions)
        self._symbols = tuple(symbols)
        self._clock = clock

    async def look(self) -> SourceAnswer:
        """Return the whole calendar and one watch-list a symbol."""
        look = Look(source=NAME, origin=ORIGIN, now_ns=self._clock.now_ns())
        events: list[Event] = [calendar(self._windows, look)]
        for symbol in self._symbols:
            ours = [position for at, position in self._positions if at == symbol]
            events.append(watch_list(symbol, ours, look))
        return SourceAnswer(events=tuple(events))
