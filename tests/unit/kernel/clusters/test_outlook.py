"""Peaks, mass within reach, forced flow against the book, and spent fuel kept apart."""

import math
import random

import numpy as np
import pytest

from bot.kernel.clusters import grid, outlook, realised
from bot.kernel.clusters import map as fuel
from bot.kernel.clusters.state import ClusterMap, PointMass, SpentMap

PRICE = 78_199.0


def planted(*rows: tuple[float, float]) -> ClusterMap:
    """Return a map with (price, coins): longs below `PRICE`, shorts above."""
    state = ClusterMap()
    for price, qty in rows:
        cells = state.longs if price < PRICE else state.shorts
        cells[grid.cell(price)] = cells.get(grid.cell(price), 0.0) + qty
    return state


class TestGrid:
    @pytest.mark.parametrize("price", [0.000_01, 1.0, 75_200.0, 1e9])
    def test_a_cell_holds_its_price(self, price: float) -> None:
        assert grid.price_of(grid.cell(price)) == pytest.approx(price, rel=grid.STEP)

    def test_smoothing_keeps_the_mass(self) -> None:
        masses = np.zeros(200)
        masses[100] = 5.0
        assert grid.smooth(masses, 10.0).sum() == pytest.approx(5.0)
        assert grid.smooth(masses, 10.0).argmax() == 100

    def test_peaks_stand_out_and_keep_apart(self) -> None:
        masses = np.zeros(300)
        masses[[50, 100, 200]] = [10.0, 4.0, 7.0]
        smooth = grid.smooth(masses, 4.0)
        assert [peak.index for peak in grid.peaks(smooth, 0.15, 10)] == [50, 100, 200]
        assert [peak.index for peak in grid.peaks(smooth, 0.5, 10)] == [50, 200]
        assert [peak.index for peak in grid.peaks(smooth, 0.15, 60)] == [50, 200]

    def test_a_shoulder_is_no_peak(self) -> None:
        masses = np.array([0.0, 1.0, 8.0, 7.9, 7.95, 3.0, 0.0])
        assert [peak.index for peak in grid.peaks(masses, 0.15, 1)] == [2]

    def test_flat_tops_and_edges(self) -> None:
        assert [p.index for p in grid.peaks(np.array([0.0, 2.0, 2.0, 0.0]), 0.1, 1)] == [1]
        assert [p.index for p in grid.peaks(np.array([3.0, 1.0, 2.0]), 0.1, 1)] == [0, 2]
        assert grid.peaks(np.zeros(5), 0.1, 1) == []
        assert grid.peaks(np.zeros(0), 0.1, 1) == []


class TestClusters:
    def test_planted_ones_are_found_with_mass_and_distance(self) -> None:
        state = planted((75_200.0, 400.0), (72_000.0, 300.0), (82_000.0, 200.0))
        found = outlook.clusters(state, PRICE, atr=1_000.0)
        assert [cluster.is_long for cluster in found] == [True, True, False]
        for cluster, price, qty in zip(
            found, (72_000, 75_200, 82_000), (300, 400, 200), strict=True
        ):
            assert cluster.price == pytest.approx(price, rel=1e-3)
            assert cluster.qty == pytest.approx(qty)
            assert cluster.usd == pytest.approx(qty * price, rel=1e-3)
            assert cluster.distance_atr == pytest.approx((price - PRICE) / 1_000.0, abs=0.1)
            assert cluster.low <= cluster.price <= cluster.high

    def test_without_a_range_there_is_no_distance_in_ranges(self) -> None:
        (found,) = outlook.clusters(planted((75_200.0, 1.0)), PRICE, atr=0.0)
        assert found.distance_atr is None

    def test_an_empty_map_says_nothing(self) -> None:
        assert outlook.clusters(ClusterMap(), PRICE, atr=1.0) == []
        rows = outlook.within(ClusterMap(), PRICE)
        assert all(row.imbalance is None for row in rows)

    def test_known_positions_count(self) -> None:
        state = ClusterMap()
        fuel.watch(state, [PointMass(label="whale", is_long=True, price=76_500.0, qty=40.0)])
        (found,) = outlook.clusters(state, PRICE, atr=1.0)
        assert found.qty == pytest.approx(40.0)
        assert outlook.forced_usd(state, PRICE, 76_000.0) == pytest.approx(40 * 76_500, rel=1e-3)


class TestWithin:
    def test_mass_and_imbalance_by_reach(self) -> None:
        state = planted((77_600.0, 10.0), (75_200.0, 30.0), (79_500.0, 20.0))
        rows = {row.frac: row for row in outlook.within(state, PRICE)}
        assert (rows[0.005].long_qty, rows[0.005].short_qty) == (0.0, 0.0)
        assert (rows[0.01].long_qty, rows[0.01].short_qty) == (10.0, 0.0)
        assert (rows[0.02].long_qty, rows[0.02].short_qty) == (10.0, 20.0)
        assert (rows[0.05].long_qty, rows[0.05].short_qty) == (40.0, 20.0)
        assert rows[0.01].imbalance == -1.0
        assert rows[0.05].imbalance == pytest.approx(-1 / 3)


class TestPotential:
    STATE = planted((77_000.0, 100.0), (75_200.0, 500.0), (72_000.0, 300.0))

    def test_forced_flow_grows_with_the_way(self) -> None:
        ways = [PRICE * (1 - 0.001 * i) for i in range(150)]
        usd = [outlook.forced_usd(self.STATE, PRICE, way) for way in ways]
        assert usd == sorted(usd)
        assert usd[-1] == pytest.approx(100 * 77_000 + 500 * 75_200 + 300 * 72_000, rel=1e-3)

    def test_k_is_monotone_on_the_way_and_crosses_one_where_the_book_is_eaten(self) -> None:
        depth = [(0.01 * i, 4e6 * i) for i in range(1, 11)]
        rows = outlook.potentials(self.STATE, PRICE, depth, is_long=True)
        assert len(rows) == 10
        assert [row.k for row in rows] == sorted(row.k for row in rows)
        assert next(row.distance_frac for row in rows if row.k > 1.0) == pytest.approx(0.04)
        assert all(row.ratio <= row.k for row in rows)
        assert rows[-1].ratio < rows[-1].k

    def test_more_book_means_less_potential(self) -> None:
        thin = outlook.potentials(self.STATE, PRICE, [(0.05, 1e6)], is_long=True)[0]
        deep = outlook.potentials(self.STATE, PRICE, [(0.05, 1e7)], is_long=True)[0]
        assert thin.k == pytest.approx(10 * deep.k)

    def test_what_is_no_depth_is_left_out(self) -> None:
        depth = [(0.01, math.nan), (math.nan, 1e6), (0.02, 0.0), (-0.01, 1e6), (1.0, 1e6)]
        assert outlook.potentials(self.STATE, PRICE, depth, is_long=True) == []
        shrinking = [(0.01, 2e6), (0.02, 1e6), (0.03, 3e6)]
        rows = outlook.potentials(self.STATE, PRICE, shrinking, is_long=True)
        assert [row.distance_frac for row in rows] == [0.01, 0.03]

    def test_shorts_are_forced_upwards(self) -> None:
        state = planted((80_000.0, 50.0))
        (row,) = outlook.potentials(state, PRICE, [(0.03, 1e6)], is_long=False)
        assert row.price > PRICE
        assert row.k == pytest.approx(50 * 80_000 / 1e6, rel=1e-3)


class TestRealised:
    def spent(self) -> SpentMap:
        dice, state = random.Random(5), SpentMap()
        for index in range(4_000):
            centre, width = ((75_200.0, 60.0), (76_800.0, 80.0))[index % 2]
            price = dice.gauss(centre, width)
            if index % 20 == 0:
                price = dice.uniform(74_000.0, 78_000.0)
            assert realised.add(
                state, is_long=True, price=price, usd=dice.expovariate(1e-4), ns=index
            )
        return state

    def test_planted_clusters_are_recovered(self) -> None:
        found = realised.clusters(self.spent(), 78_199.0)
        assert len(found) == 2
        assert found[0].price == pytest.approx(75_200.0, abs=45.0)
        assert found[1].price == pytest.approx(76_800.0, abs=45.0)
        assert all(cluster.is_long for cluster in found)

    @pytest.mark.parametrize("bad", [math.nan, math.inf, 0.0, -1.0])
    def test_nonsense_is_refused(self, bad: float) -> None:
        state = SpentMap()
        assert not realised.add(state, is_long=True, price=bad, usd=1.0, ns=1)
        assert not realised.add(state, is_long=True, price=1.0, usd=bad, ns=1)
        assert state == SpentMap()

    def test_order_of_arrival_changes_nothing(self) -> None:
        week = 168 * 3_600 * 10**9
        rows = [(75_000.0, 100.0, 1), (75_000.0, 100.0, 1 + week), (76_000.0, 50.0, 1 + 2 * week)]
        sums = []
        for order in (rows, rows[::-1], [rows[1], rows[0], rows[2]]):
            state = SpentMap()
            for price, usd, ns in order:
                realised.add(state, is_long=False, price=price, usd=usd, ns=ns)
            sums.append({index: mass * state.scale for index, mass in sorted(state.shorts.items())})
        assert sums[0] == pytest.approx(sums[1])
        assert sums[0] == pytest.approx(sums[2])
        assert sums[0][grid.cell(75_000.0)] == pytest.approx(75.0)

    def test_old_fuel_is_forgotten(self) -> None:
        state = SpentMap()
        realised.add(state, is_long=True, price=75_000.0, usd=1_000.0, ns=1)
        realised.add(state, is_long=True, price=70_000.0, usd=1_000.0, ns=168 * 3_600 * 10**9 * 30)
        assert list(state.longs) == [grid.cell(70_000.0)]
