"""What the cluster map keeps true on any path of price."""

import math
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.kernel.clusters import map as fuel
from bot.kernel.clusters import outlook
from bot.kernel.clusters.grid import cell
from bot.kernel.clusters.state import ClusterMap

HOUR_NS = 3_600 * 10**9
PATHS = st.lists(
    st.tuples(
        st.floats(-0.06, 0.06), st.floats(0.0, 0.02), st.floats(0.0, 0.02), st.floats(0.0, 5_000.0)
    ),
    min_size=1,
    max_size=40,
)
Path = list[tuple[float, float, float, float]]


def walk(state: ClusterMap, path: Path, start: int = 0) -> float:
    """Feed bars; check after each that no live mass lies where price has been."""
    price = state.close or 80_000.0
    for index, (move, up, down, volume) in enumerate(path, start=start + 1):
        close = price * math.exp(move)
        high, low = max(price, close) * (1 + up), min(price, close) * (1 - down)
        eaten = fuel.fold(
            state, close_ns=index * HOUR_NS, high=high, low=low, close=close, volume=volume
        )
        assert eaten.long_qty >= 0.0 <= eaten.short_qty
        assert all(at < cell(low) for at in state.longs)
        assert all(at > cell(high) for at in state.shorts)
        if index % 3 == 0:
            fuel.on_open_interest(state, 2_000.0 + 10.0 * volume, index * HOUR_NS, volume)
            assert max(fuel.totals(state)) <= state.open_interest_qty * (1 + 1e-9)
        price = close
    return price


@settings(max_examples=60, deadline=None)
@given(path=PATHS)
def test_price_leaves_nothing_behind_it(path: Path) -> None:
    walk(ClusterMap(), path)


@settings(max_examples=40, deadline=None)
@given(path=PATHS, data=st.data())
def test_a_map_thawed_anywhere_goes_on_alike(path: Path, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(path)))
    whole, part = ClusterMap(), ClusterMap()
    walk(whole, path)
    walk(part, path[:cut])
    part = msgspec.msgpack.decode(msgspec.msgpack.encode(part), type=ClusterMap)
    walk(part, path[cut:], start=cut)
    assert msgspec.msgpack.encode(part) == msgspec.msgpack.encode(whole)


@settings(max_examples=40, deadline=None)
@given(
    path=PATHS,
    steps=st.lists(st.tuples(st.floats(1e-4, 0.05), st.floats(0.0, 5e7)), min_size=1, max_size=12),
    is_long=st.booleans(),
)
def test_forced_flow_and_k_only_grow_on_the_way(
    path: Path, steps: list[tuple[float, float]], is_long: bool
) -> None:
    state = ClusterMap()
    price = walk(state, path)
    distance, resting, depth = 0.0, 1_000.0, []
    for further, usd in steps:
        distance, resting = distance + further, resting + usd
        depth.append((distance, resting))
    rows = outlook.potentials(state, price, depth, is_long=is_long)
    assert len(rows) == len(depth)
    for before, after in pairwise(rows):
        assert after.k >= before.k
        assert after.forced_usd >= before.forced_usd * (1 - 1e-12)
    doubled = [(way, 2.0 * usd) for way, usd in depth]
    for thin, deep in zip(
        rows, outlook.potentials(state, price, doubled, is_long=is_long), strict=True
    ):
        assert deep.k == pytest.approx(0.5 * thin.k)


@settings(max_examples=40, deadline=None)
@given(path=PATHS)
def test_clusters_hold_no_more_than_the_map(path: Path) -> None:
    state = ClusterMap()
    price = walk(state, path)
    longs, shorts = fuel.totals(state)
    found = outlook.clusters(state, price, atr=0.0)
    for is_long, total in ((True, longs), (False, shorts)):
        side = [each for each in found if each.is_long == is_long]
        assert all(math.isfinite(each.usd) and each.qty >= 0.0 for each in side)
        assert all((each.price <= price * 1.001) == is_long for each in side) or not side
        held = sum(each.qty for each in side)
        assert held <= total * 1.2 + 1e-9
