"""What a generator of levels may look at."""

import math
from dataclasses import dataclass

from bot.domain.policy import LevelSpec
from bot.kernel.levels.state import Frame, Level, LevelBook

REACH_FRAC = 0.20
"""Levels further from price than this are not worth keeping."""

RECENT = 240
"""Bars of a frame in which shapes are looked for: older ones have faded."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One symbol at one instant: its book, its price, and what humans named.

    `atr_1h` in quote, 0.0 while unknown. `given` are levels that others found: liquidation
    clusters, option strikes, whales.
    """

    book: LevelBook
    symbol: str
    now_ns: int
    price: float
    atr_1h: float = 0.0
    tick: float = 0.0
    manual: tuple[LevelSpec, ...] = ()
    given: tuple[Level, ...] = ()

    def atr(self, timeframe_s: int) -> float:
        """Return the ATR of a timeframe, in quote, scaled from the hour; 0.0 while unknown."""
        return self.atr_1h * math.sqrt(timeframe_s / 3_600.0)

    def frames(self) -> tuple[Frame, ...]:
        """Return the newest bars of every frame that holds any, finest first."""
        return tuple(frame.tail(RECENT) for frame in self.book.frames.values() if len(frame))

    def near(self, low: float, high: float) -> bool:
        """Whether a band lies within reach of the price."""
        reach = REACH_FRAC * self.price
        return high >= self.price - reach and low <= self.price + reach


def written(price: float) -> str:
    """Return a price as people write it."""
    return format(price, ",.8g")
