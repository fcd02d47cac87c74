"""From bars to the instants of a replay: open, adverse extreme, other extreme, close, in order."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np
import numpy.typing as npt

from bot.domain.errors import DataInvalid
from bot.domain.market import Candle
from bot.domain.units import NS_PER_S

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

FAST_WINDOW: Final = 288
FAST_TIMES: Final = 3.0
FAST_BARS_MIN: Final = 12
"""A bar is fast when its range exceeds 3x the median of up to 288 earlier ones (at least 12)."""
CLOSE_EARLY_NS: Final = NS_PER_S
"""The last price of a bar is traded this long before the bar ends and becomes known."""


class Phase(IntEnum):
    """What happens at an instant; at equal times the lower number comes first."""

    BAR_CLOSED = 0
    NEWS = 1
    OPEN = 2
    TIMER = 3
    FIRST = 4
    SECOND = 5
    CLOSE = 6
    READ = 7


@dataclass(frozen=True, slots=True)
class Track:
    """Bars of one symbol as plain lists; `is_mark` marks candles of the mark price."""

    symbol: str
    timeframe_s: int
    open_ns: list[int]
    open: list[float]
    high: list[float]
    low: list[float]
    close: list[float]
    volume: list[float]
    fast: list[bool]
    is_mark: bool = False


def track_of(
    symbol: str,
    timeframe_s: int,
    open_ns: Ints,
    prices: tuple[Floats, Floats, Floats, Floats],
    volume: Floats,
    *,
    is_mark: bool = False,
) -> Track:
    """Return one symbol's bars (open, high, low, close in `prices`) ready to be walked.

    Raises:
        DataInvalid: no bars, or times that do not rise.
    """
    if open_ns.size == 0:
        raise DataInvalid(f"{symbol}: no candles to replay")
    if bool(np.any(np.diff(open_ns) <= 0)):
        raise DataInvalid(f"{symbol}: candle times do not rise; sort the file by time")
    first, high, low, close = prices
    return Track(
        symbol=symbol,
        timeframe_s=timeframe_s,
        open_ns=open_ns.tolist(),
        open=first.tolist(),
        high=high.tolist(),
        low=low.tolist(),
        close=close.tolist(),
        volume=volume.tolist(),
        fast=fast_flags(first, high, low).tolist(),
        is_mark=is_mark,
    )


def fast_flags(first: Floats, high: Floats, low: Floats) -> npt.NDArray[np.bool_]:
    """Return which bars range over three times the median range of the bars before them."""
    span = (high - low) / first
    flags = np.zeros(span.size, dtype=np.bool_)
    for i in range(FAST_BARS_MIN, min(FAST_WINDOW, span.size)):
        flags[i] = span[i] > FAST_TIMES * np.median(span[:i])
    if span.size > FAST_WINDOW:
        windows = np.lib.stride_tricks.sliding_window_view(span[:-1], FAST_WINDOW)
        flags[FAST_WINDOW:] = span[FAST_WINDOW:] > FAST_TIMES * np.median(windows, axis=1)
    return flags


Instant = tuple[int, int, int, int]
"""(ns, phase, track number, bar number); for NEWS the bar number counts the news."""


def instants(
    tracks: Sequence[Track], news_ns: Sequence[int], start_ns: int, end_ns: int
) -> Iterator[Instant]:
    """Yield every instant from `start_ns` until the last bar that begins before `end_ns` closed.

    Equal times are ordered by phase, then track. Timers come once per distinct bar start.
    """
    columns = [_track_instants(n, t, start_ns, end_ns) for n, t in enumerate(tracks)]
    columns += _timers(tracks, start_ns, end_ns)
    times = np.asarray(news_ns, dtype=np.int64)
    columns.append(_column(times, Phase.NEWS, 0, np.arange(times.size, dtype=np.int64)))
    table = np.concatenate(columns, axis=1)
    order = np.lexsort((table[3], table[2], table[1], table[0]))
    yield from zip(*table[:, order].tolist(), strict=True)


def _track_instants(number: int, track: Track, start_ns: int, end_ns: int) -> Ints:
    open_ns = np.asarray(track.open_ns, dtype=np.int64)
    bars = np.flatnonzero((open_ns >= start_ns) & (open_ns < end_ns))
    begin = open_ns[bars]
    length = track.timeframe_s * NS_PER_S
    parts = [
        _column(begin, Phase.OPEN, number, bars),
        _column(begin + length // 3, Phase.FIRST, number, bars),
        _column(begin + 2 * length // 3, Phase.SECOND, number, bars),
        _column(begin + length - CLOSE_EARLY_NS, Phase.CLOSE, number, bars),
    ]
    if not track.is_mark:
        parts.append(_column(begin + length, Phase.BAR_CLOSED, number, bars))
    return np.concatenate(parts, axis=1)


def _timers(tracks: Sequence[Track], start_ns: int, end_ns: int) -> tuple[Ints, Ints]:
    """Return a look at every distinct bar start, and a reading of the account before it ends."""
    bars = [t for t in tracks if not t.is_mark]
    starts = np.concatenate([np.asarray(t.open_ns, dtype=np.int64) for t in bars])
    starts = np.unique(starts[(starts >= start_ns) & (starts < end_ns)])
    none = np.zeros(starts.size, dtype=np.int64)
    length = min(t.timeframe_s for t in bars) * NS_PER_S
    return (
        _column(starts, Phase.TIMER, 0, none),
        _column(starts + length - CLOSE_EARLY_NS, Phase.READ, 0, none),
    )


def _column(ns: Ints, phase: Phase, number: int, bars: Ints) -> Ints:
    size = ns.size
    return np.stack((ns, np.full(size, int(phase)), np.full(size, number), bars)).astype(np.int64)


def price_at(track: Track, bar: int, phase: int, *, high_first: bool) -> float:
    """Return the price of one point of a bar; the adverse extreme of what is held comes first."""
    if phase == Phase.OPEN:
        return track.open[bar]
    if phase == Phase.CLOSE:
        return track.close[bar]
    wants_high = high_first == (phase == Phase.FIRST)
    return track.high[bar] if wants_high else track.low[bar]


def told_candles(track: Track, bar_s: int) -> list[Candle | None]:
    """Return what is told when each bar has closed: a bar of `bar_s`, or None inside one.

    Bars finer than the decision timeframe are folded into it; coarser ones are told as they are.
    A folded bar whose last part is missing is told when the next part has closed.
    """
    if track.timeframe_s >= bar_s:
        return [candle_of(track, bar) for bar in range(len(track.open_ns))]
    step = bar_s * NS_PER_S
    told: list[Candle | None] = []
    parts: list[Candle] = []
    for bar in range(len(track.open_ns)):
        due = None
        if parts and track.open_ns[bar] // step != _bucket(parts[0], step):
            due, parts = _folded(parts, bar_s), []
        parts.append(candle_of(track, bar))
        if due is None and parts[-1].event_ns % step == 0:
            due, parts = _folded(parts, bar_s), []
        told.append(due)
    return told


def _bucket(part: Candle, step: int) -> int:
    return (part.event_ns - 1) // step


def _folded(parts: Sequence[Candle], bar_s: int) -> Candle:
    closed_ns = (_bucket(parts[0], bar_s * NS_PER_S) + 1) * bar_s * NS_PER_S
    return Candle(
        parts[0].symbol,
        closed_ns,
        closed_ns,
        bar_s,
        parts[0].open,
        max(part.high for part in parts),
        min(part.low for part in parts),
        parts[-1].close,
        sum(part.volume for part in parts),
    )


def candle_of(track: Track, bar: int, *, history: bool = False) -> Candle:
    """Return a closed bar as the kernel is told of it, at the instant it closed."""
    closed_ns = track.open_ns[bar] + track.timeframe_s * NS_PER_S
    return Candle(
        track.symbol, closed_ns, closed_ns, track.timeframe_s, track.open[bar], track.high[bar],
        track.low[bar], track.close[bar], track.volume[bar], history,
    )  # fmt: skip
