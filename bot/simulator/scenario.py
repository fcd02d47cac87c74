"""From bars to market ticks: the path a market takes through recorded or authored candles.

RECORDED (when the candles are): open, high, low, close and volume of each bar, mark candles,
funding rates and open interest. DERIVED, from them and a seed alone: the order of the extremes
inside a bar, the way between them, the split of volume into ticks and into buys and sells, the
mark where no mark candles are given, the index (it is the mark), and whether a bar counts as fast.
"""

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

import msgspec

from bot.domain.errors import DataInvalid
from bot.domain.market import Candle, FundingRate, OpenInterest
from bot.domain.units import NS_PER_S
from bot.simulator.barwalk import POINTS_MIN, MarkLine, News, Order, OrderOf, Walk
from bot.simulator.terms import MarketTick

TICKS_PER_S: Final = 3.0


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """A market to live through; all instants are the path's own time (ns UTC).

    `path()` begins anew with each call and yields bars by open time, the symbols side by side;
    it may be endless. `recorded` says whether the bars happened.
    """

    name: str
    recorded: bool
    start_ns: int
    symbols: tuple[str, ...]
    history: tuple[Candle, ...]
    path: Callable[[], Iterator[Candle]]
    funding: tuple[FundingRate, ...] = ()
    open_interest: tuple[OpenInterest, ...] = ()


def low_first(_bar: Candle) -> Order:
    """Visit the low before the high."""
    return "low_first"


def likely_first(bar: Candle) -> Order:
    """Visit first the extreme that a bar of this colour more often sees first."""
    return "low_first" if bar.close >= bar.open else "high_first"


def ticks_from_candles(
    candles: Sequence[Candle],
    marks: Sequence[Candle] = (),
    funding: Sequence[FundingRate] = (),
    open_interest: Sequence[OpenInterest] = (),
    *,
    seed: int = 1,
    points_per_bar: int = POINTS_MIN,
    order: OrderOf = low_first,
) -> Iterator[MarketTick]:
    """Yield the ticks of closed bars in time order, `points_per_bar` (>= 4) for each.

    The first tick of a bar is a gap to its open: what lies between the last close and the open
    fills at the open. `order` is asked when the bar begins, so it may look at the account.
    """
    points = max(points_per_bar, POINTS_MIN)
    news = News(funding, open_interest)
    lines = _by_symbol(candles)
    mark_lines = _by_symbol(marks)
    walks = [
        Walk(symbol, news, seed, MarkLine(mark_lines.get(symbol, []))).bars(
            bars, lambda _bar: points, order
        )
        for symbol, bars in sorted(lines.items())
    ]
    return heapq.merge(*walks, key=lambda tick: tick.event_ns)


def live_path(
    bars: Iterable[Candle],
    *,
    seed: int = 1,
    speed: float = 1.0,
    funding: Sequence[FundingRate] = (),
    open_interest: Sequence[OpenInterest] = (),
) -> Iterator[MarketTick]:
    """Yield a fine walk through `bars`: about three ticks a symbol in each second of wall time.

    `event_ns` is the path's time: wall time since the start is (event_ns - start) / speed. Bars
    come by open time with the symbols side by side, as Scenario.path gives them; at high speed
    several are folded into one. The mark trails the last price a little.
    """
    if not speed > 0.0:
        raise DataInvalid(f"a speed of {speed} makes no sense; use a number above 0")
    news = News(funding, open_interest)
    walks: dict[str, Walk] = {}
    shortest_s = speed * (POINTS_MIN / TICKS_PER_S)
    points = _points_for(speed)
    for row in _rows(_folded(bars, shortest_s)):
        columns = []
        for bar in row:
            walk = walks.get(bar.symbol)
            if walk is None:
                walk = walks[bar.symbol] = Walk(bar.symbol, news, seed, MarkLine([]), trails=True)
            columns.append(walk.bars([bar], points, likely_first))
        yield from heapq.merge(*columns, key=lambda tick: tick.event_ns)


def _points_for(speed: float) -> Callable[[Candle], int]:
    return lambda bar: max(POINTS_MIN, round(TICKS_PER_S * bar.timeframe_s / speed))


def _by_symbol(candles: Iterable[Candle]) -> dict[str, list[Candle]]:
    out: dict[str, list[Candle]] = defaultdict(list)
    for candle in candles:
        out[candle.symbol].append(candle)
    return out


def _rows(bars: Iterable[Candle]) -> Iterator[list[Candle]]:
    """Yield the bars that begin at the same instant together."""
    row: list[Candle] = []
    for bar in bars:
        begin = bar.event_ns - bar.timeframe_s * NS_PER_S
        if row and begin != row[0].event_ns - row[0].timeframe_s * NS_PER_S:
            yield row
            row = []
        row.append(bar)
    if row:
        yield row


def _folded(bars: Iterable[Candle], shortest_s: float) -> Iterator[Candle]:
    """Yield bars of at least `shortest_s` seconds, each symbol's folded on its own."""
    open_bars: dict[str, Candle] = {}
    for bar in bars:
        held = open_bars.pop(bar.symbol, None)
        whole = bar if held is None else _joined(held, bar)
        if whole.timeframe_s >= shortest_s:
            yield whole
        else:
            open_bars[bar.symbol] = whole
    yield from open_bars.values()


def _joined(one: Candle, two: Candle) -> Candle:
    span_ns = two.event_ns - one.event_ns + one.timeframe_s * NS_PER_S
    return Candle(
        one.symbol, two.event_ns, two.received_ns, span_ns // NS_PER_S, one.open,
        max(one.high, two.high), min(one.low, two.low), two.close, one.volume + two.volume,
    )  # fmt: skip
