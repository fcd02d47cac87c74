"""The way of a price through one bar: extremes, bridges, mark, news, and what counts as fast."""

from bisect import bisect_left, insort
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from math import sqrt
from typing import Final, Literal

from bot.domain.errors import DataInvalid
from bot.domain.market import Candle, FundingRate, OpenInterest
from bot.domain.units import NS_PER_S
from bot.simulator.contracts import CONTRACTS
from bot.simulator.dice import Dice
from bot.simulator.terms import MarketTick

FAST_WINDOW: Final = 288
FAST_BARS_MIN: Final = 12
FAST_TIMES: Final = 3.0
"""A bar is fast when its range exceeds this many medians of the bars before it."""
POINTS_MIN: Final = 4
BRIDGE_SHARE: Final = 0.15
"""Noise of the way between two known prices, as a share of the bar's range."""
BASIS_CAP_FRAC: Final = 0.002

_DECIMALS: Final = {c.symbol: -int(c.tick.as_tuple().exponent) for c in CONTRACTS}
"""Derived last prices lie on the tick grid where the contract is known."""

Order = Literal["low_first", "high_first"]
OrderOf = Callable[[Candle], Order]


class News:
    """Funding and open interest as they were known at an instant."""

    def __init__(
        self, funding: Sequence[FundingRate], open_interest: Sequence[OpenInterest]
    ) -> None:
        self._rates = _steps((f.symbol, f.event_ns, f.rate_frac) for f in funding)
        self._held = _steps((o.symbol, o.event_ns, o.qty) for o in open_interest)

    def at(self, symbol: str, event_ns: int) -> tuple[float | None, float | None]:
        """Return (funding fraction, open interest in coins) known at `event_ns`, None if none."""
        return _known(self._rates[symbol], event_ns), _known(self._held[symbol], event_ns)


Steps = tuple[list[int], list[float]]


def _steps(rows: Iterable[tuple[str, int, float]]) -> dict[str, Steps]:
    out: dict[str, Steps] = defaultdict(lambda: ([], []))
    for symbol, event_ns, value in sorted(rows):
        out[symbol][0].append(event_ns)
        out[symbol][1].append(value)
    return out


def _known(steps: Steps, event_ns: int) -> float | None:
    place = bisect_left(steps[0], event_ns + 1)
    return steps[1][place - 1] if place else None


class MarkLine:
    """Mark prices from mark candles: the same bar's own path, or a basis between coarser ones."""

    def __init__(self, marks: Sequence[Candle]) -> None:
        self._by_close = {(m.event_ns, m.timeframe_s): m for m in marks}
        self._closes = [m.event_ns for m in marks]
        self._marks = list(marks)

    def path(self, bar: Candle, points: list[float], times: list[int]) -> list[float]:
        """Return the mark at each of a bar's points."""
        if not self._marks:
            return points
        twin = self._by_close.get((bar.event_ns, bar.timeframe_s))
        if twin is not None:
            return [_carry(p, bar, twin) for p in points]
        return [self._between(t, p) for t, p in zip(times, points, strict=True)]

    def _between(self, event_ns: int, last: float) -> float:
        """Return the mark on the line between the mark closes around an instant."""
        place = bisect_left(self._closes, event_ns + 1)
        if place and self._closes[place - 1] == event_ns:
            return self._marks[place - 1].close
        if place == 0 or place == len(self._closes):
            return last
        before, after = self._marks[place - 1], self._marks[place]
        if after.event_ns - before.event_ns > after.timeframe_s * NS_PER_S:
            return last
        share = (event_ns - before.event_ns) / (after.event_ns - before.event_ns)
        return before.close + (after.close - before.close) * share


def _carry(price: float, bar: Candle, twin: Candle) -> float:
    """Return the twin bar's price at the height that `price` has in its own bar."""
    if price == bar.open:
        return twin.open
    if price == bar.close:
        return twin.close
    if bar.high == bar.low:
        return twin.close
    share = (price - bar.low) / (bar.high - bar.low)
    return twin.low + (twin.high - twin.low) * share


class Walk:
    """The way of one symbol through its bars; with `trails` the mark follows the last price."""

    def __init__(
        self, symbol: str, news: News, seed: int, marks: MarkLine, *, trails: bool = False
    ) -> None:
        self._symbol = symbol
        self._news = news
        self._dice = Dice(seed ^ sum(symbol.encode()) << 16)
        self._marks = marks
        self._trails = trails
        self._mark: float | None = None
        self._ranges = Ranges()
        self._decimals = _DECIMALS.get(symbol, 8)

    def bars(
        self, bars: Iterable[Candle], points: Callable[[Candle], int], order: OrderOf
    ) -> Iterator[MarketTick]:
        """Yield the ticks of bars in order."""
        for bar in bars:
            _check(bar)
            fast = self._ranges.is_fast(bar)
            prices = self._way(bar, points(bar), order(bar))
            yield from self._ticks(bar, prices, fast=fast)

    def _way(self, bar: Candle, number: int, order: Order) -> list[float]:
        """Return prices from open over both extremes to the close, never outside the bar."""
        first, second = (bar.low, bar.high) if order == "low_first" else (bar.high, bar.low)
        spare = number - POINTS_MIN
        cuts = sorted(int(self._dice.roll() * (spare + 1)) for _ in range(2))
        places = (0, cuts[0] + 1, cuts[1] + 2, number - 1)
        known = (bar.open, first, second, bar.close)
        out: list[float] = []
        for i in range(3):
            out += self._bridge(bar, known[i], known[i + 1], places[i + 1] - places[i])
        return [*out, bar.close]

    def _bridge(self, bar: Candle, start: float, end: float, steps: int) -> list[float]:
        """Return `steps` prices from `start` on, towards `end`, held within the bar."""
        height = (bar.high - bar.low) * BRIDGE_SHARE
        out = [start]
        for i in range(1, steps):
            share = i / steps
            wobble = self._dice.normal() * height * sqrt(share * (1.0 - share))
            price = round(start + (end - start) * share + wobble, self._decimals)
            out.append(min(bar.high, max(bar.low, price)))
        return out

    def _ticks(self, bar: Candle, prices: list[float], *, fast: bool) -> Iterator[MarketTick]:
        span_ns = bar.timeframe_s * NS_PER_S
        begin_ns, number = bar.event_ns - span_ns, len(prices)
        times = [begin_ns + span_ns * i // number for i in range(number)]
        marks = self._marks.path(bar, prices, times)
        qty = bar.volume / number
        before = prices[0]
        for i, (at_ns, last) in enumerate(zip(times, prices, strict=True)):
            mark = self._trail(last) if self._trails else marks[i]
            lean = 0.5 if last == before else (0.62 if last > before else 0.38)
            rate, held = self._news.at(self._symbol, at_ns)
            yield MarketTick(
                symbol=self._symbol,
                event_ns=at_ns,
                last=last,
                mark=mark,
                index=mark,
                gap=i == 0 and not self._trails,
                fast=fast,
                qty=qty,
                buy_qty=qty * lean,
                funding_frac=rate,
                open_interest_qty=held,
                low=bar.low,
                high=bar.high,
            )
            before = last

    def _trail(self, last: float) -> float:
        """Return a mark that lags the last price, never further off than 20 bp."""
        mark = last if self._mark is None else round((self._mark + last) / 2.0, 8)
        cap = last * BASIS_CAP_FRAC
        self._mark = min(last + cap, max(last - cap, mark))
        return self._mark


class Ranges:
    """The median range of the last bars, to tell which bar is fast; knows only bars before it."""

    def __init__(self) -> None:
        self._recent: deque[float] = deque()
        self._sorted: list[float] = []

    def is_fast(self, bar: Candle) -> bool:
        """Tell whether the bar's range stands out, then count it in; folded bars scale."""
        span = (bar.high - bar.low) / bar.open / sqrt(bar.timeframe_s)
        known = len(self._sorted)
        fast = known >= FAST_BARS_MIN and span > FAST_TIMES * self._sorted[known // 2]
        self._recent.append(span)
        insort(self._sorted, span)
        if len(self._recent) > FAST_WINDOW:
            del self._sorted[bisect_left(self._sorted, self._recent.popleft())]
        return fast


def _check(bar: Candle) -> None:
    if not (0.0 < bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high):
        raise DataInvalid(
            f"{bar.symbol}: the bar that closed at {bar.event_ns} is no bar: open {bar.open}, "
            f"high {bar.high}, low {bar.low}, close {bar.close}; check the candle file"
        )
