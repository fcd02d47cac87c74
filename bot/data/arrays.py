"""Recorded market data as typed numpy columns, read-only: int64 ns instants, float64 numbers."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bot.domain.units import NS_PER_S

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class CandleArrays:
    """Bars of one symbol, venue and timeframe, oldest first, without overlap.

    `open_ns` is the start of a bar: a bar is known at its end, `close_ns`. Mark prices have no
    volume: zeros.
    """

    symbol: str
    venue: str
    timeframe_s: int
    open_ns: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats

    def __len__(self) -> int:
        return int(self.open_ns.size)

    @property
    def close_ns(self) -> Ints:
        """The instants at which the bars are known."""
        return self.open_ns + self.timeframe_s * NS_PER_S

    @property
    def covered_s(self) -> int:
        """Seconds that the bars cover, gaps left out."""
        return len(self) * self.timeframe_s


@dataclass(frozen=True, slots=True)
class BarArrays:
    """Bars of one symbol stitched from all its series: the finest there is at each instant.

    `timeframe_s` is per bar; `source` is the index of its series in `sources` (venue, timeframe).
    """

    symbol: str
    sources: tuple[tuple[str, int], ...]
    source: Ints
    timeframe_s: Ints
    open_ns: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats

    def __len__(self) -> int:
        return int(self.open_ns.size)

    @property
    def close_ns(self) -> Ints:
        """The instants at which the bars are known."""
        return self.open_ns + self.timeframe_s * NS_PER_S


@dataclass(frozen=True, slots=True)
class FundingArrays:
    """Settled funding of one symbol at one venue: longs pay `rate_frac` when it is positive.

    `time_ns` is as recorded; `interval_s` is per row, for contracts change their interval.
    """

    symbol: str
    venue: str
    time_ns: Ints
    rate_frac: Floats
    interval_s: Ints

    def __len__(self) -> int:
        return int(self.time_ns.size)


@dataclass(frozen=True, slots=True)
class OpenInterestArrays:
    """Open interest of one symbol at one venue in USD; a row is known `window_s` after its time."""

    symbol: str
    venue: str
    window_s: int
    time_ns: Ints
    open_interest_usd: Floats

    def __len__(self) -> int:
        return int(self.time_ns.size)

    @property
    def known_ns(self) -> Ints:
        """The instants at which the rows are known."""
        return self.time_ns + self.window_s * NS_PER_S


@dataclass(frozen=True, slots=True)
class LiquidationArrays:
    """Liquidated USD per window, by side of the position that was closed."""

    symbol: str
    venue: str
    window_s: int
    time_ns: Ints
    long_usd: Floats
    short_usd: Floats

    def __len__(self) -> int:
        return int(self.time_ns.size)

    @property
    def known_ns(self) -> Ints:
        """The instants at which the windows have closed."""
        return self.time_ns + self.window_s * NS_PER_S


@dataclass(frozen=True, slots=True)
class SentimentArrays:
    """Daily readings; NaN where the source has none (weekends). Known the day after `day_ns`."""

    day_ns: Ints
    fear_greed: Floats
    btc_etf_net_flow_usd: Floats
    spx_return: Floats

    def __len__(self) -> int:
        return int(self.day_ns.size)
