"""Which bars to use: the finest series that tells (nearly) all, or the finest at each instant."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from bot.data.arrays import BarArrays, CandleArrays, Ints
from bot.domain.units import NS_PER_S

NEARLY_ALL: Final = 0.9
PREFERRED_VENUE: Final = "binance"


def finest(series: Sequence[CandleArrays]) -> CandleArrays:
    """Return the finest of those that cover at least 90 % of what the longest covers.

    Of one timeframe Binance wins, then the longer, then the first by name.
    """
    longest_s = max(each.covered_s for each in series)
    ample = [each for each in series if each.covered_s >= NEARLY_ALL * longest_s]
    return min(ample, key=_fineness)


def stitch(series: Sequence[CandleArrays]) -> BarArrays:
    """Return one sequence of bars without overlap: coarser ones only where no finer bar is."""
    ranked = sorted(series, key=_fineness)
    opens, closes = ranked[0].open_ns, ranked[0].close_ns
    kept: list[Ints] = [np.arange(len(ranked[0]))]
    for each in ranked[1:]:
        following = np.searchsorted(closes, each.open_ns, side="right")
        next_open = np.append(opens, np.iinfo(np.int64).max)[following]
        free = np.flatnonzero(next_open >= each.close_ns)
        kept.append(free)
        opens = np.concatenate([opens, each.open_ns[free]])
        closes = np.concatenate([closes, each.close_ns[free]])
        order = np.argsort(opens, kind="stable")
        opens, closes = opens[order], closes[order]
    return _joined(ranked, kept)


def _joined(ranked: Sequence[CandleArrays], kept: Sequence[Ints]) -> BarArrays:
    used = [(each, rows) for each, rows in zip(ranked, kept, strict=True) if rows.size]
    open_ns = np.concatenate([each.open_ns[rows] for each, rows in used])
    order = np.argsort(open_ns, kind="stable")
    source = np.repeat(np.arange(len(used)), [rows.size for _, rows in used])
    frames = np.array([each.timeframe_s for each, _ in used], dtype=np.int64)
    columns = {
        name: np.concatenate([getattr(each, name)[rows] for each, rows in used])[order]
        for name in ("open", "high", "low", "close", "volume")
    }
    return BarArrays(
        symbol=ranked[0].symbol,
        sources=tuple((each.venue, each.timeframe_s) for each, _ in used),
        source=source[order],
        timeframe_s=frames[source[order]],
        open_ns=open_ns[order],
        **columns,
    )


def missing_bars(opens_ns: Ints, step_s: int) -> tuple[int, int, int]:
    """Return how many gaps a regular series has, how many rows they lack, and the longest in s."""
    steps = np.diff(opens_ns) // (step_s * NS_PER_S)
    lacking = steps[steps > 1] - 1
    longest = int(lacking.max()) * step_s if lacking.size else 0
    return int(lacking.size), int(lacking.sum()), longest


def _fineness(each: CandleArrays) -> tuple[int, bool, int, str]:
    return (each.timeframe_s, each.venue != PREFERRED_VENUE, -each.covered_s, each.venue)
