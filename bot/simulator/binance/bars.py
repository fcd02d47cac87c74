"""Candles the venue serves: history before its start and its own minutes since."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from bot.domain.market import Candle
from bot.domain.units import NS_PER_MS

MINUTE_MS: Final = 60_000
LIVE_BARS_MAX: Final = 14_400

INTERVAL_MS: Final = {
    "1m": MINUTE_MS,
    "3m": 3 * MINUTE_MS,
    "5m": 5 * MINUTE_MS,
    "15m": 15 * MINUTE_MS,
    "30m": 30 * MINUTE_MS,
    "1h": 60 * MINUTE_MS,
    "2h": 120 * MINUTE_MS,
    "4h": 240 * MINUTE_MS,
    "6h": 360 * MINUTE_MS,
    "8h": 480 * MINUTE_MS,
    "12h": 720 * MINUTE_MS,
    "1d": 1_440 * MINUTE_MS,
    "3d": 4_320 * MINUTE_MS,
    "1w": 10_080 * MINUTE_MS,
}


class Bar(msgspec.Struct, array_like=True, gc=False):
    """One bar of `span_ms` from `open_ms`; volumes in base units."""

    open_ms: int
    span_ms: int
    open: float
    high: float
    low: float
    close: float
    volume: float = 0.0
    buy_volume: float = 0.0
    count: int = 0

    def fold(self, other: "Bar") -> None:
        """Take in a later bar."""
        self.high = max(self.high, other.high)
        self.low = min(self.low, other.low)
        self.close = other.close
        self.volume += other.volume
        self.buy_volume += other.buy_volume
        self.count += other.count


class BarLine:
    """The bars of one price of one contract, oldest first."""

    def __init__(self, history: Sequence[Bar] = ()) -> None:
        self._history = list(history)
        self.live: list[Bar] = []

    @property
    def first_ms(self) -> int:
        """When the oldest bar opens; 0 without any: asking from before it begins with it."""
        bars = self._history or self.live
        return bars[0].open_ms if bars else 0

    def add(self, now_ms: int, price: float, volume: float, buy_volume: float) -> None:
        """Take in a price at `now_ms`."""
        open_ms = now_ms // MINUTE_MS * MINUTE_MS
        if not self.live or self.live[-1].open_ms < open_ms:
            opened = self.live[-1].close if self.live else price
            bar = Bar(open_ms, MINUTE_MS, opened, max(opened, price), min(opened, price), price)
            self.live.append(bar)
            del self.live[:-LIVE_BARS_MAX]
        self.live[-1].fold(
            Bar(open_ms, MINUTE_MS, price, price, price, price, volume, buy_volume, 1)
        )

    def read(self, interval_ms: int, from_ms: int, until_ms: int) -> list[Bar]:
        """Return bars of `interval_ms` that open in [from_ms, until_ms); holes are flat bars."""
        folded: list[Bar] = []
        for piece in self._pieces(interval_ms, from_ms, until_ms):
            bucket_ms = piece.open_ms // interval_ms * interval_ms
            if folded and folded[-1].open_ms == bucket_ms:
                folded[-1].fold(piece)
                continue
            while folded and folded[-1].open_ms + interval_ms < bucket_ms:
                close = folded[-1].close
                hole_ms = folded[-1].open_ms + interval_ms
                folded.append(Bar(hole_ms, interval_ms, close, close, close, close))
            first = msgspec.structs.replace(piece, open_ms=bucket_ms, span_ms=interval_ms)
            folded.append(first)
        return folded

    def _pieces(self, interval_ms: int, from_ms: int, until_ms: int) -> Iterator[Bar]:
        first_live_ms = self.live[0].open_ms if self.live else until_ms
        for bars, stop_ms in ((self._history, min(first_live_ms, until_ms)), (self.live, until_ms)):
            span_max = bars[0].span_ms if bars else 0
            at = bisect_left(bars, from_ms - span_max, key=lambda b: b.open_ms)
            for bar in bars[at:]:
                if bar.open_ms >= stop_ms:
                    break
                for piece in split(bar, interval_ms) if bar.span_ms > interval_ms else (bar,):
                    if from_ms <= piece.open_ms < stop_ms:
                        yield piece


def split(bar: Bar, interval_ms: int) -> Iterator[Bar]:
    """Derive finer bars from a coarse one: open, the adverse extreme, the other one, close."""
    first, second = (bar.low, bar.high) if bar.close >= bar.open else (bar.high, bar.low)
    knots = (bar.open, first, second, bar.close)
    parts = max(bar.span_ms // interval_ms, 1)

    def at(share: float) -> float:
        leg = min(int(share * 3), 2)
        inside = share * 3 - leg
        return knots[leg] + (knots[leg + 1] - knots[leg]) * inside

    for part in range(parts):
        start, end = part / parts, (part + 1) / parts
        turns = [at(k / 3) for k in (1, 2) if start <= k / 3 <= end]
        prices = [at(start), *turns, at(end)]
        yield Bar(
            bar.open_ms + part * interval_ms,
            interval_ms,
            prices[0],
            max(prices),
            min(prices),
            prices[-1],
            bar.volume / parts,
            bar.buy_volume / parts,
            max(bar.count // parts, 1),
        )


def bars_from_candles(candles: Sequence[Candle], shift_ns: int) -> list[Bar]:
    """Return candles as bars, moved by `shift_ns` (whole minutes) into the venue's time."""
    return [
        Bar(
            (candle.event_ns + shift_ns) // NS_PER_MS - candle.timeframe_s * 1_000,
            candle.timeframe_s * 1_000,
            candle.open,
            candle.high,
            candle.low,
            candle.close,
            candle.volume,
            candle.volume / 2,
            1,
        )
        for candle in candles
    ]
