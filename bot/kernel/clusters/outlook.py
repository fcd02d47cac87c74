"""What the map says: clusters, mass within reach, and what is forced if price gets there."""

import math
from collections.abc import Iterable, Sequence

import msgspec
import numpy as np

from bot.kernel.clusters import grid
from bot.kernel.clusters.map import live_qty
from bot.kernel.clusters.state import ClusterMap

REACH_CELLS = 820
"""Where a long of three times leverage is liquidated, with some room."""
SIGMA_CELLS, PROMINENCE_FRAC, APART_CELLS = 10.0, 0.05, 10
NEAR_FRACS = (0.005, 0.01, 0.02, 0.03, 0.05)


class Cluster(msgspec.Struct, frozen=True, kw_only=True):
    """Liquidation prices that lie together; distances are signed, below price negative."""

    is_long: bool
    price: float
    low: float
    high: float
    qty: float
    usd: float
    distance_frac: float
    distance_atr: float | None


class Within(msgspec.Struct, frozen=True, kw_only=True):
    """Coins that are forced within a share of price, on each side."""

    frac: float
    long_qty: float
    short_qty: float

    @property
    def imbalance(self) -> float | None:
        """(above - below) / both: +1 all above, -1 all below; None when there is nothing."""
        both = self.long_qty + self.short_qty
        return (self.short_qty - self.long_qty) / both if both > 0.0 else None


class Potential(msgspec.Struct, frozen=True, kw_only=True):
    """Forced flow against the book on the way to `price`.

    `ratio` is forced over resting to there; `k` the largest such ratio on the way: above 1 the
    forced flow alone eats through the book somewhere before `price`.
    """

    price: float
    distance_frac: float
    forced_usd: float
    depth_usd: float
    ratio: float
    k: float


def ahead(state: ClusterMap, price: float, *, is_long: bool, cells: int) -> grid.Column:
    """Return coins per cell from the price outwards, nearest first; longs lie below it."""
    here = grid.cell(price)
    if is_long:
        first, last = here - cells + 1, here
    else:
        first, last = here, here + cells - 1
    masses = grid.column(state.longs if is_long else state.shorts, state.scale, first, last)
    for point in state.points:
        index = grid.cell(point.price)
        if point.is_long == is_long and first <= index <= last:
            masses[index - first] += live_qty(point, state.bar_ns)
    return masses[::-1] if is_long else masses


def clusters(state: ClusterMap, price: float, atr: float) -> list[Cluster]:
    """Return the clusters of both sides, lowest first; `atr` in quote, 0.0 while unknown."""
    found = [_side(state, price, atr, is_long=is_long) for is_long in (True, False)]
    return sorted((each for side in found for each in side), key=lambda each: each.price)


def _side(state: ClusterMap, price: float, atr: float, *, is_long: bool) -> Iterable[Cluster]:
    masses = ahead(state, price, is_long=is_long, cells=REACH_CELLS)
    smooth = grid.smooth(masses, SIGMA_CELLS)
    way = -1 if is_long else 1
    here = grid.cell(price)
    for peak in grid.peaks(smooth, PROMINENCE_FRAC, APART_CELLS):
        at = grid.price_of(here + way * peak.index)
        edges = sorted(grid.price_of(here + way * i) for i in (peak.first, peak.last))
        qty = float(masses[peak.first : peak.last + 1].sum())
        yield Cluster(
            is_long=is_long,
            price=at,
            low=edges[0],
            high=edges[1],
            qty=qty,
            usd=qty * at,
            distance_frac=at / price - 1.0,
            distance_atr=(at - price) / atr if atr > 0.0 else None,
        )


def within(
    state: ClusterMap, price: float, fracs: Sequence[float] = NEAR_FRACS
) -> tuple[Within, ...]:
    """Return the coins forced within each share of price."""
    below = np.cumsum(ahead(state, price, is_long=True, cells=REACH_CELLS))
    above = np.cumsum(ahead(state, price, is_long=False, cells=REACH_CELLS))
    here = grid.cell(price)
    rows = []
    for frac in fracs:
        down = min(here - grid.cell(price * (1.0 - frac)), REACH_CELLS - 1)
        up = min(grid.cell(price * (1.0 + frac)) - here, REACH_CELLS - 1)
        row = Within(frac=frac, long_qty=float(below[down]), short_qty=float(above[up]))
        rows.append(row)
    return tuple(rows)


def forced_usd(state: ClusterMap, price: float, target: float) -> float:
    """Return what is forced, in USD at its own prices, if price goes from `price` to `target`.

    Longs when the target lies below, shorts when above. This is all the map is asked for: it says
    nothing about where price will go.
    """
    is_long = target <= price
    here, there = grid.cell(price), grid.cell(target)
    masses = ahead(state, price, is_long=is_long, cells=abs(there - here) + 1)
    way = -1 if is_long else 1
    prices = np.exp((here + way * np.arange(masses.size) + 0.5) * grid.STEP)
    return float((masses * prices).sum())


def potentials(
    state: ClusterMap, price: float, depth: Sequence[tuple[float, float]], *, is_long: bool
) -> list[Potential]:
    """Return the forced flow against the book for rows of (distance as a share, resting USD).

    Resting USD is counted from the price to that distance: bids when longs are forced. Rows that
    are not believable, or that hold less than a nearer row, are left out; further than the last
    row the book is unknown and nothing is said.
    """
    way = -1.0 if is_long else 1.0
    found: list[Potential] = []
    resting = k = 0.0
    for distance, usd in sorted(depth):
        sound = math.isfinite(distance) and 0.0 < distance < 1.0 and math.isfinite(usd)
        if not sound or usd <= 0.0 or usd < resting:
            continue
        resting = usd
        target = price * (1.0 + way * distance)
        forced = forced_usd(state, price, target)
        k = max(k, forced / usd)
        found.append(
            Potential(
                price=target,
                distance_frac=distance,
                forced_usd=forced,
                depth_usd=usd,
                ratio=forced / usd,
                k=k,
            )
        )
    return found
