"""Where liquidations really happened: spent fuel, kept apart from the estimate."""

import math
from collections.abc import Iterator

from bot.kernel.clusters import grid
from bot.kernel.clusters.outlook import Cluster
from bot.kernel.clusters.state import SpentMap

HALF_LIFE_NS = 168 * 3_600 * 1_000_000_000
SIGMA_CELLS, PROMINENCE_FRAC, APART_CELLS = 4.0, 0.15, 10
SCALE_MIN = 1e-6


def add(state: SpentMap, *, is_long: bool, price: float, usd: float, ns: int) -> bool:
    """Take one forced order; False and nothing changed when it is not believable.

    A late one counts for what is left of it by now.
    """
    if not all(math.isfinite(number) and number > 0.0 for number in (price, usd)):
        return False
    if state.ns == 0:
        state.ns = ns
    if ns > state.ns:
        state.scale *= 0.5 ** ((ns - state.ns) / HALF_LIFE_NS)
        state.ns = ns
        _rescale(state)
    left = 0.5 ** ((state.ns - ns) / HALF_LIFE_NS)
    cells = state.longs if is_long else state.shorts
    index = grid.cell(price)
    cells[index] = cells.get(index, 0.0) + usd * left / state.scale
    return True


def _rescale(state: SpentMap) -> None:
    """Write the decay into the cells before it grows too small, and forget what is gone."""
    if state.scale >= SCALE_MIN:
        return
    for cells in (state.longs, state.shorts):
        for index in list(cells):
            mass = cells.pop(index) * state.scale
            if mass >= 1.0:
                cells[index] = mass
    state.scale = 1.0


def clusters(state: SpentMap, price: float) -> list[Cluster]:
    """Return where most was forced on either side, lowest first; distances from `price`."""
    found = [
        cluster
        for cells, is_long in ((state.longs, True), (state.shorts, False))
        if cells
        for cluster in _side(cells, state.scale, price, is_long=is_long)
    ]
    return sorted(found, key=lambda cluster: cluster.price)


def _side(
    cells: dict[int, float], scale: float, price: float, *, is_long: bool
) -> Iterator[Cluster]:
    margin = math.ceil(grid.SIGMAS * SIGMA_CELLS)
    first = min(cells) - margin
    masses = grid.column(cells, scale, first, max(cells) + margin)
    smooth = grid.smooth(masses, SIGMA_CELLS)
    for peak in grid.peaks(smooth, PROMINENCE_FRAC, APART_CELLS):
        at = grid.price_of(first + peak.index)
        usd = float(masses[peak.first : peak.last + 1].sum())
        yield Cluster(
            is_long=is_long,
            price=at,
            low=grid.price_of(first + peak.first),
            high=grid.price_of(first + peak.last),
            qty=usd / at,
            usd=usd,
            distance_frac=at / price - 1.0,
            distance_atr=None,
        )
