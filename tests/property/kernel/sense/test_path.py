"""Rolling measures of price equal those recomputed from every bar of the window."""

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.kernel.observe import path
from bot.kernel.observe.path import PathBlock, block_of
from bot.kernel.sensed import PriceSense

H, MIN = 3_600 * 10**9, 60 * 10**9
START = 20_000 * 24 * H
MOVES = st.lists(st.integers(-300, 300), min_size=1, max_size=300)


def bars(moves: list[int], bar_ns: int, skip: int) -> list[tuple[int, PathBlock]]:
    """Return (close time, bar as a path), one in `skip` missing."""
    price, found = 80_000.0, []
    for at, move in enumerate(moves):
        before, price = price, price * (1.0 + move / 1e4)
        if at % skip:
            high, low = max(before, price) * 1.0005, min(before, price) * 0.9995
            found.append((START + (at + 1) * bar_ns, block_of(at, before, high, low, price)))
    return found


def worst(window: list[PathBlock]) -> tuple[float, float]:
    """Return (fall, rise) over every pair of bars, the slow way."""
    drop = max(block.drop for block in window)
    rise = max(block.rise for block in window)
    for at, first in enumerate(window):
        for then in window[at + 1 :]:
            drop = max(drop, 1.0 - then.low / first.high)
            rise = max(rise, then.high / first.low - 1.0)
    return drop, rise


@settings(max_examples=25, deadline=None)
@given(MOVES, st.sampled_from([15, 30, 60]), st.sampled_from([2, 7, 1_000]))
def test_two_days_and_the_hour(moves: list[int], bar_min: int, skip: int) -> None:
    price, seen = PriceSense(), []
    for ns, block in bars(moves, bar_min * MIN, skip):
        prices = (block.open, block.high, block.low, block.close)
        assert path.fold(price, *prices, ns, 0.022)
        seen.append((ns, block))
    if not seen:
        return
    last_ns = seen[-1][0]
    running = (last_ns - 1) // H
    window = [b for ns, b in seen if (ns - 1) // H >= running - 48]
    found = path.last_48h(price)
    assert (found.drop, found.rise) == pytest.approx(worst(window))
    assert found.high == max(b.high for b in window)
    day = [b for ns, b in seen if (ns - 1) // H >= running - 24]
    found = path.last_24h(price)
    assert (found.open, found.low) == (day[0].open, min(b.low for b in day))
    hour = [b for ns, b in seen if ns > last_ns - H]
    if skip > 7 and len(seen) > 1:
        assert path.last_hour(price) == pytest.approx(worst(hour))


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(-300, 300), min_size=80, max_size=200))
def test_daily_volatility_of_hours(moves: list[int]) -> None:
    price, closes = PriceSense(), []
    for ns, block in bars([0, *moves], H, 10_000):
        path.fold(price, block.open, block.high, block.low, block.close, ns, 0.022)
        closes.append(block.close)
    returns = [math.log(b / a) for a, b in pairwise(closes)]
    wanted = math.sqrt(sum(r * r for r in returns[-25:-1]))
    assert price.vols.values[price.vols.newest % price.vols.size] == pytest.approx(wanted)
