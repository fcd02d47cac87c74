"""Keeps score of the map: does it tell more about realised liquidations than price alone does.

At each hour's start the map is put aside. When the hour is over, it has said how much lies within
the way price then went. That is compared by ranks with what really was liquidated, with the way
itself taken out (partial correlation), and against the same levels at random distances.
"""

import math
from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from bot.kernel.clusters import grid
from bot.kernel.clusters.outlook import ahead
from bot.kernel.clusters.state import ClusterMap, Hour, Sample, ScoreBook

HOUR_NS = 3_600 * 1_000_000_000
REACH_CELLS = 200
"""Ten per cent: further no hour is judged by detail."""
SAMPLES_MIN, SAMPLES_KEPT = 100, 500
RANDOM_MAPS = 4
WAITING_MAX = 72
GATE = 0.10
FULL = 0.40
"""A score that gives the map its full weight."""


class SideScore(msgspec.Struct, frozen=True, kw_only=True):
    """How one side of the map did: rank correlations with realised liquidations."""

    hours: int
    partial: float
    """With the excursion of price taken out."""
    plain: float
    excursion: float
    """What the excursion alone reaches."""
    random: float
    """The mean partial correlation of the same levels at random distances."""

    @property
    def weight(self) -> float:
        """What the map may count for in decisions, 0 to 1; 0 below the gate or below chance."""
        if self.partial < GATE or self.partial <= self.random:
            return 0.0
        return min(self.partial / FULL, 1.0)


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """Both sides; None while too few hours are known or nothing varied."""

    longs: SideScore | None
    shorts: SideScore | None

    def weight(self, *, is_long: bool) -> float:
        """Return what one side of the map may count for; 0.0 while it has no score."""
        side = self.longs if is_long else self.shorts
        return side.weight if side is not None else 0.0


def fold(book: ScoreBook, state: ClusterMap, *, open_ns: int, high: float, low: float) -> None:
    """Watch one closed bar; tell it before the map is told, for the map must not know it.

    The hour's first bar must come with the map's newest close as the price it began at.
    """
    start_ns = open_ns - open_ns % HOUR_NS
    hour = book.hour
    if hour is not None and hour.ns == start_ns:
        hour.high, hour.low = max(hour.high, high), min(hour.low, low)
        return
    if hour is not None:
        if start_ns < hour.ns:
            return
        book.predicted[hour.ns] = (_predict(book, hour, -1), _predict(book, hour, 1))
        _match(book, hour.ns)
    book.hour = None
    if state.close > 0.0:
        price = state.close
        book.hour = Hour(
            ns=start_ns,
            price=price,
            high=max(high, price),
            low=min(low, price),
            ahead_long=_ahead_usd(state, price, is_long=True),
            ahead_short=_ahead_usd(state, price, is_long=False),
        )


def on_realised(book: ScoreBook, hour_ns: int, long_usd: float, short_usd: float) -> None:
    """Take what was liquidated in the hour that began at `hour_ns`; it may come days late."""
    if all(math.isfinite(usd) and usd >= 0.0 for usd in (long_usd, short_usd)):
        book.realised[hour_ns] = (long_usd, short_usd)
        _match(book, hour_ns)


def score(book: ScoreBook) -> Score:
    """Return the score of both sides over the newest hours."""
    return Score(longs=side_score(book.longs), shorts=side_score(book.shorts))


def side_score(samples: Sequence[Sample]) -> SideScore | None:
    """Return the score of one side; None with too few samples or when nothing varied."""
    if len(samples) < SAMPLES_MIN:
        return None
    said = ranks([sample.predicted_usd for sample in samples])
    way = ranks([sample.excursion_frac for sample in samples])
    real = ranks([sample.realised_usd for sample in samples])
    partial = partial_correlation(said, real, way)
    plain, excursion = correlation(said, real), correlation(way, real)
    if partial is None or plain is None or excursion is None:
        return None
    random = [
        partial_correlation(ranks([s.random_usd[i] for s in samples]), real, way)
        for i in range(RANDOM_MAPS)
    ]
    known = [value for value in random if value is not None]
    return SideScore(
        hours=len(samples),
        partial=partial,
        plain=plain,
        excursion=excursion,
        random=sum(known) / len(known) if known else 0.0,
    )


def ranks(values: Sequence[float]) -> grid.Column:
    """Return ranks from 1; equal values share their mean rank."""
    inverse: npt.NDArray[np.intp]
    _, inverse, counts = np.unique(np.asarray(values), return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    shared: grid.Column = (2 * ends - counts + 1) / 2.0
    return shared[inverse]


def correlation(x: grid.Column, y: grid.Column) -> float | None:
    """Return Pearson's correlation; None when one of them does not vary."""
    dx, dy = x - x.mean(), y - y.mean()
    scale = math.sqrt(float((dx * dx).sum()) * float((dy * dy).sum()))
    return float((dx * dy).sum()) / scale if scale > 0.0 else None


def partial_correlation(x: grid.Column, y: grid.Column, given: grid.Column) -> float | None:
    """Return the correlation of x and y with `given` taken out of both; None: not defined."""
    xy, xz, yz = correlation(x, y), correlation(x, given), correlation(y, given)
    if xy is None or xz is None or yz is None:
        return None
    left = (1.0 - xz * xz) * (1.0 - yz * yz)
    if left <= 1e-12:
        return None
    return (xy - xz * yz) / math.sqrt(left)


def _ahead_usd(state: ClusterMap, price: float, *, is_long: bool) -> list[float]:
    masses = ahead(state, price, is_long=is_long, cells=REACH_CELLS)
    return [float(mass) * price for mass in masses]


def _predict(book: ScoreBook, hour: Hour, way: int) -> Sample:
    masses = hour.ahead_long if way < 0 else hour.ahead_short
    end = hour.low if way < 0 else hour.high
    cells = min(abs(grid.cell(end) - grid.cell(hour.price)) + 1, REACH_CELLS)
    random = []
    for _ in range(RANDOM_MAPS):
        shift = _dice(book)
        random.append(sum((masses * 2)[shift : shift + cells]))
    return Sample(
        predicted_usd=sum(masses[:cells]),
        excursion_frac=abs(end / hour.price - 1.0),
        random_usd=random,
    )


def _dice(book: ScoreBook) -> int:
    """Return the next shift of a fixed sequence: the same tape throws the same dice."""
    book.seed = (book.seed * 25_214_903_917 + 11) % 2**48
    return book.seed * REACH_CELLS >> 48


def _match(book: ScoreBook, hour_ns: int) -> None:
    """Complete an hour once both what was said and what happened are known."""
    if hour_ns in book.predicted and hour_ns in book.realised:
        samples = book.predicted.pop(hour_ns)
        usd = book.realised.pop(hour_ns)
        for kept, sample, real in zip((book.longs, book.shorts), samples, usd, strict=True):
            sample.realised_usd = real
            kept.append(sample)
            del kept[:-SAMPLES_KEPT]
    for waiting in (book.predicted, book.realised):
        while len(waiting) > WAITING_MAX:
            del waiting[min(waiting)]
