"""The map's own score: what it measures, and that chance scores nothing."""

import math
import random

import msgspec
import numpy as np
import pytest

from bot.kernel.clusters import map as fuel
from bot.kernel.clusters import score
from bot.kernel.clusters.grid import cell
from bot.kernel.clusters.state import ClusterMap, Sample, ScoreBook

HOUR_NS = score.HOUR_NS


def samples(count: int, seed: int, informed: float) -> list[Sample]:
    """Return hours whose liquidations follow the way and, as far as `informed`, the map."""
    dice = random.Random(seed)
    rows = []
    for _ in range(count):
        way, mass = dice.expovariate(100.0), dice.lognormvariate(0.0, 1.0)
        real = way * (mass**informed) * dice.lognormvariate(0.0, 0.5)
        random_usd = [way * dice.lognormvariate(0.0, 1.0) for _ in range(score.RANDOM_MAPS)]
        rows.append(Sample(way * mass, way, random_usd, real))
    return rows


def test_an_informed_map_scores_and_has_weight() -> None:
    side = score.side_score(samples(400, 1, informed=1.0))
    assert side is not None
    assert side.partial > 0.5
    assert abs(side.random) < 0.15
    assert side.weight == 1.0


def test_a_map_that_only_repeats_price_has_none() -> None:
    side = score.side_score(samples(400, 2, informed=0.0))
    assert side is not None
    assert side.plain > 0.4
    assert side.partial < score.GATE
    assert side.weight == 0.0


@pytest.mark.parametrize(
    ("partial", "random_", "weight"),
    [(0.099, 0.0, 0.0), (0.1, 0.0, 0.25), (0.2, 0.2, 0.0), (0.2, 0.1, 0.5), (0.9, 0.0, 1.0)],
)
def test_the_gate(partial: float, random_: float, weight: float) -> None:
    side = score.SideScore(hours=200, partial=partial, plain=0.5, excursion=0.5, random=random_)
    assert side.weight == pytest.approx(weight)


def test_too_few_hours_or_nothing_that_varies_is_no_score() -> None:
    assert score.side_score(samples(99, 3, 1.0)) is None
    assert score.side_score([Sample(1.0, 0.01, [1.0] * 4, 5.0)] * 200) is None
    assert score.score(ScoreBook()).weight(is_long=True) == 0.0


def test_ranks_share_ties_and_correlation_is_spearmans() -> None:
    assert score.ranks([3.0, 1.0, 3.0, 2.0]).tolist() == [3.5, 1.0, 3.5, 2.0]
    x, y = np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 3.0, 2.0, 4.0])
    assert score.correlation(x, y) == pytest.approx(0.8)
    assert score.correlation(x, np.ones(4)) is None


def test_partial_correlation_is_that_of_the_residuals() -> None:
    dice = np.random.default_rng(4)
    z = dice.normal(size=300)
    x, y = z + dice.normal(size=300), 2 * z + dice.normal(size=300)
    design = np.column_stack([np.ones(300), z])
    left = [v - design @ np.linalg.lstsq(design, v, rcond=None)[0] for v in (x, y)]
    expected = np.corrcoef(*left)[0, 1]
    assert score.partial_correlation(x, y, z) == pytest.approx(expected)
    assert score.partial_correlation(z, y, z) is None


class Hours:
    """Drives a map and its score through hours of four bars."""

    def __init__(self) -> None:
        self.map, self.book = ClusterMap(), ScoreBook()

    def bar(self, index: int, high: float, low: float, close: float) -> None:
        open_ns = index * HOUR_NS // 4
        score.fold(self.book, self.map, open_ns=open_ns, high=high, low=low)
        fuel.fold(
            self.map, close_ns=open_ns + HOUR_NS // 4, high=high, low=low, close=close, volume=100.0
        )


class TestHours:
    def started(self) -> Hours:
        hours = Hours()
        for index in range(40):
            hours.bar(index, 80_100.0, 79_900.0, 80_000.0)
        return hours

    def test_the_prediction_is_the_map_of_the_hours_start(self) -> None:
        hours = self.started()
        ahead = {index: mass * hours.map.scale for index, mass in hours.map.longs.items()}
        for index, low in enumerate((79_000.0, 78_000.0, 79_000.0, 79_500.0), start=40):
            hours.bar(index, 80_000.0, low, 79_800.0)
        hours.bar(44, 80_000.0, 79_700.0, 79_800.0)
        long, short = hours.book.predicted[10 * HOUR_NS]
        expected = sum(m for index, m in ahead.items() if index >= cell(78_000.0)) * 80_000.0
        assert long.predicted_usd == pytest.approx(expected)
        assert long.excursion_frac == pytest.approx(0.025)
        assert short.excursion_frac == 0.0

    @pytest.mark.parametrize("early", [True, False])
    def test_realised_sums_may_come_before_or_long_after_the_hour_is_folded(
        self, *, early: bool
    ) -> None:
        hours = self.started()
        if early:
            score.on_realised(hours.book, 9 * HOUR_NS, 5.0, 7.0)
        hours.bar(40, 80_000.0, 79_000.0, 79_500.0)
        if not early:
            score.on_realised(hours.book, 9 * HOUR_NS, 5.0, 7.0)
        assert [sample.realised_usd for sample in hours.book.longs] == [5.0]
        assert [sample.realised_usd for sample in hours.book.shorts] == [7.0]
        score.on_realised(hours.book, 9 * HOUR_NS, 5.0, 7.0)
        assert len(hours.book.longs) == 1

    def test_what_never_comes_is_let_go(self) -> None:
        hours = self.started()
        for index in range(40, 800):
            hours.bar(index, 80_100.0, 79_900.0, 80_000.0)
        for hour in range(300, 500):
            score.on_realised(hours.book, hour * HOUR_NS, 1.0, 1.0)
        assert len(hours.book.predicted) <= score.WAITING_MAX
        assert len(hours.book.realised) <= score.WAITING_MAX
        assert hours.book.longs == []

    @pytest.mark.parametrize("bad", [math.nan, math.inf, -1.0])
    def test_nonsense_sums_are_not_taken(self, bad: float) -> None:
        hours = self.started()
        score.on_realised(hours.book, 8 * HOUR_NS, bad, 1.0)
        score.on_realised(hours.book, 8 * HOUR_NS, 1.0, bad)
        assert hours.book.longs == []
        assert hours.book.realised == {}

    def test_the_same_tape_throws_the_same_dice_over_a_freeze(self) -> None:
        whole, cut = self.started(), self.started()
        cut.book = msgspec.msgpack.decode(msgspec.msgpack.encode(cut.book), type=ScoreBook)
        for index in range(40, 60):
            for each in (whole, cut):
                each.bar(index, 80_100.0, 79_000.0 + index, 79_500.0)
        assert msgspec.msgpack.encode(whole.book) == msgspec.msgpack.encode(cut.book)
        draws = {score._dice(whole.book) for _ in range(2_000)}
        assert draws == set(range(score.REACH_CELLS))
