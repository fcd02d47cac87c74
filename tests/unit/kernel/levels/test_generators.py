"""Each generator on bars whose levels are known."""

import msgspec
import pytest

from bot.kernel.levels import LevelBook, Scene, fold
from bot.kernel.levels.generators import (
    GENERATORS,
    anchored_vwap,
    fair_value_gaps,
    fibonacci,
    manual,
    order_blocks,
    prior_periods,
    round_numbers,
    swings,
    volume_profile,
)
from bot.kernel.levels.history import DAY_S
from bot.kernel.levels.state import FrameBar, Pivot, VwapAnchor
from tests.unit.kernel.levels.level_kit import (
    BTC,
    DAY_NS,
    ETH,
    HOUR_NS,
    START_NS,
    book_of,
    frame_of,
    scene,
    spec,
    walk,
)

FALL = [
    (77_000.0, 77_100.0, 76_800.0, 76_900.0),
    (76_900.0, 76_950.0, 75_100.0, 75_200.0),
    (75_200.0, 75_400.0, 74_900.0, 75_203.0),
]


def test_every_file_is_found() -> None:
    assert {generator.NAME for generator in GENERATORS} == {
        "round",
        "swing",
        "prior",
        "fibonacci",
        "fair value gap",
        "order block",
        "volume profile",
        "anchored vwap",
        "manual",
    }


class TestRoundNumbers:
    def test_bitcoin_has_thousands_and_weighs_ten_thousands_most(self) -> None:
        found = {
            level.low: level.strength
            for level in round_numbers.levels(scene(LevelBook(), 78_199.0))
        }
        assert found[80_000.0] == 1.0
        assert found[75_000.0] == 0.8
        assert found[76_000.0] == 0.4
        assert min(found) >= 78_199 * 0.85
        assert max(found) <= 78_199 * 1.15

    def test_others_have_quarters(self) -> None:
        found = {
            level.low for level in round_numbers.levels(scene(LevelBook(), 2_390.0, symbol=ETH))
        }
        assert found == {2_250.0, 2_500.0}

    @pytest.mark.parametrize("price", [0.000_012_34, 0.99, 1.0, 123_456.0])
    def test_any_price_has_some(self, price: float) -> None:
        assert round_numbers.levels(scene(LevelBook(), price, symbol=ETH))


class TestSwings:
    def test_a_fractal_needs_bars_on_both_sides(self) -> None:
        highs = [1.0, 2.0, 3.0, 9.0, 3.0, 2.0, 1.0]
        assert swings.fractals(highs, 3) == [3]
        assert swings.fractals(highs[:-1], 3) == []

    def test_a_tie_belongs_to_the_first(self) -> None:
        assert swings.fractals([1.0, 1.0, 9.0, 9.0, 1.0, 1.0], 2) == [2]

    def test_a_swing_is_known_only_after_its_bars(self) -> None:
        rows = walk([74_900, 75_000, 75_200, 75_400, 76_000, 75_500, 75_300, 75_000, 74_900])
        book = book_of(rows)
        found = [level for level in swings.levels(scene(book, 75_000.0)) if level.kind == "swing"]
        high = next(level for level in found if "high" in level.name)
        assert high.low == 76_050.0
        assert high.known_from_ns - high.formed_ns == 4 * HOUR_NS

    def test_the_zigzag_turns_only_after_its_threshold(self) -> None:
        rows = walk([75_000.0, 76_000.0, 77_000.0, 76_500.0, 76_200.0, 75_500.0, 75_000.0])
        pivots = book_of(rows).zigzags[3_600].pivots
        assert [(pivot.is_high, pivot.price) for pivot in pivots] == [
            (False, 74_950.0),
            (True, 77_050.0),
        ]
        assert pivots[1].known_ns == START_NS + 5 * HOUR_NS


class TestPriorPeriods:
    def test_high_low_and_close_of_yesterday_and_last_week(self) -> None:
        rows = [(100.0 + d, 110.0 + d, 90.0 + d, 105.0 + d) for d in range(9) for _ in range(24)]
        found = {
            level.name: level.low for level in prior_periods.levels(scene(book_of(rows), 105.0))
        }
        assert found["prior day's high 118"] == 118.0
        assert found["prior day's low 98"] == 98.0
        # 1 February 2026 is a Sunday: the last whole week before the 10th runs from the 2nd.
        assert found["prior week's high 117"] == 117.0
        assert found["prior week's low 91"] == 91.0
        assert not any("month" in name for name in found)

    def test_a_day_not_seen_whole_tells_nothing(self) -> None:
        book = LevelBook()
        rows = walk([100.0] * 40, wick=1.0)
        whole = book_of(rows)
        assert len(whole.frames[DAY_S]) == 1
        for index, row in enumerate(rows):
            fold(book, FrameBar(START_NS + (index + 5) * HOUR_NS, *row), 3_600, 1.0)
        assert len(book.frames[DAY_S]) == 0

    def test_the_day_has_an_open(self) -> None:
        rows = [(100.0, 101.0, 99.0, 100.0)] * 24 + [(107.0, 108.0, 99.0, 100.0)] * 2
        found = prior_periods.levels(scene(book_of(rows), 100.0))
        assert [level.low for level in found if "open" in level.name] == [107.0]


class TestFibonacci:
    @pytest.mark.parametrize(
        ("low", "high"), [(67_200.0, 87_094.2), (58_900.0, 100_522.5)], ids=["near", "far"]
    )
    def test_the_reported_level_needs_its_anchors(self, low: float, high: float) -> None:
        found = fibonacci.retracement(low, high, 0.618, 14_400, START_NS, START_NS)
        assert found.low == pytest.approx(74_800.0, abs=0.5)
        assert found.params == {"start": low, "end": high, "ratio": 0.618}
        assert fibonacci.flaw(found) is None

    def test_without_anchors_it_is_refused(self) -> None:
        found = fibonacci.retracement(67_200.0, 87_094.2, 0.618, 14_400, START_NS, START_NS)
        for bare in (
            msgspec.structs.replace(found, params={}),
            msgspec.structs.replace(found, timeframe_s=0),
        ):
            assert "needs its leg" in (fibonacci.flaw(bare) or "")
        moved = msgspec.structs.replace(found, low=70_000.0, high=70_000.0)
        assert "its leg gives 74,799.58" in (fibonacci.flaw(moved) or "")

    def test_the_last_leg_is_measured_back_from_its_end(self) -> None:
        start = Pivot(is_high=False, price=70_000.0, ns=1, known_ns=2)
        end = Pivot(is_high=True, price=80_000.0, ns=3, known_ns=4)
        assert [level.low for level in fibonacci.leg(start, end, 3_600)] == pytest.approx(
            [76_180.0, 75_000.0, 73_820.0, 72_140.0]
        )
        assert [level.low for level in fibonacci.leg(end, start, 3_600)] == pytest.approx(
            [73_820.0, 75_000.0, 76_180.0, 77_860.0]
        )
        assert all(level.known_from_ns == 4 for level in fibonacci.leg(start, end, 3_600))


class TestGaps:
    def test_the_reported_fall_left_a_gap(self) -> None:
        gap = fair_value_gaps.gaps(frame_of(FALL))[0]
        assert (gap.is_up, gap.low, gap.high) == (False, 75_400.0, 76_800.0)

    def test_a_gap_fills_from_its_near_edge(self) -> None:
        book = book_of([*FALL, (75_203.0, 76_100.0, 75_000.0, 76_000.0)])
        (found,) = fair_value_gaps.levels(scene(book, 76_000.0))
        assert (found.low, found.high) == (75_400.0, 76_800.0)
        assert found.params == {"filled_frac": 0.5, "touched": 1.0}
        assert found.known_from_ns == START_NS + 3 * HOUR_NS

    def test_a_crossed_gap_is_gone(self) -> None:
        book = book_of([*FALL, (75_203.0, 76_900.0, 75_000.0, 76_850.0)])
        assert fair_value_gaps.levels(scene(book, 76_850.0)) == []

    def test_a_narrow_gap_is_noise_and_unknown_range_tells_nothing(self) -> None:
        book = book_of(FALL)
        assert fair_value_gaps.levels(scene(book, 75_200.0, atr_1h=6_000.0)) == []
        assert fair_value_gaps.levels(scene(book, 75_200.0, atr_1h=0.0)) == []

    def test_mirrored_bars_give_the_mirrored_gap(self) -> None:
        mirrored = [tuple(150_000.0 - row[i] for i in (0, 2, 1, 3)) for row in FALL]
        (gap,) = fair_value_gaps.gaps(frame_of(mirrored))
        assert (gap.is_up, gap.low, gap.high) == (True, 73_200.0, 74_600.0)


RISE = [99.0, 100.0, 101.0, 103.0, 106.0, 104.0, 103.0, 102.0, 101.0, 104.0, 108.0]


class TestOrderBlocks:
    def test_the_last_bar_against_the_break_is_the_block(self) -> None:
        frame = frame_of(walk(RISE, wick=0.5))
        (block,) = [block for block in order_blocks.blocks(frame) if block.is_up]
        assert (block.index, block.broke) == (7, 9)
        assert (block.low, block.high) == (100.5, 102.5)

    def test_it_stands_until_a_close_goes_through(self) -> None:
        def ups(closes: list[float]) -> list[float]:
            book = book_of(walk(closes, wick=0.5), atr_1h=1.0)
            found = order_blocks.levels(scene(book, 105.0, atr_1h=1.0))
            return [level.low for level in found if "buy" in level.name]

        assert ups([*RISE, 101.0]) == [100.5]
        assert ups([*RISE, 100.0]) == []


BINS = [5.0, 9.0, 22.0, 30.0, 18.0, 12.0, 8.0, 4.0]


class TestVolumeProfile:
    def test_the_value_area_of_the_example(self) -> None:
        area = volume_profile.value_area(BINS)
        assert area is not None
        prices = [74_000 + 500 * index for index in range(8)]
        assert (prices[area.peak], prices[area.low], prices[area.high]) == (75_500, 74_500, 76_500)
        assert area.share >= 0.70

    def test_no_volume_has_no_peak(self) -> None:
        assert volume_profile.value_area([0.0, 0.0]) is None
        assert volume_profile.value_area([]) is None

    def test_a_tie_goes_to_the_mean(self) -> None:
        area = volume_profile.value_area([10.0, 1.0, 1.0, 10.0, 3.0])
        assert area is not None
        assert area.peak == 3

    def test_a_profile_keeps_all_volume(self) -> None:
        frame = frame_of([(100.0, 104.9, 96.0, 101.0, 9.0), (101.0, 101.4, 101.0, 101.2, 4.0)])
        start, volumes = volume_profile.profile(frame, 0, 1.0)
        assert start == 96
        assert sum(volumes) == pytest.approx(13.0)
        assert volumes[101 - 96] == pytest.approx(5.0)

    def test_the_day_has_a_point_of_control(self) -> None:
        rows = [(100.0, 100.9, 100.0, 100.5, 50.0)] * 16 + [(103.0, 103.9, 103.0, 103.5, 1.0)] * 8
        found = volume_profile.levels(scene(book_of(rows), 103.0, atr_1h=10.0))
        control = next(level for level in found if "1 d point of control" in level.name)
        assert control.low == 100.5


class TestAnchoredVwap:
    def test_it_is_the_average_since_the_anchor(self) -> None:
        rows = [(100.0, 100.0, 100.0, 100.0, 5.0)] * 4 + [
            (110.0, 110.0, 110.0, 110.0, 1.0),
            (120.0, 120.0, 120.0, 120.0, 3.0),
            (110.0, 110.0, 110.0, 110.0, 1.0),
        ]
        book = book_of(rows)
        since = START_NS + 4 * HOUR_NS
        book.anchors.append(VwapAnchor(name="cascade low", ns=since + 1, known_ns=since + HOUR_NS))
        (found,) = anchored_vwap.levels(scene(book, 110.0))
        assert found.low == pytest.approx((110 + 360 + 110) / 5)
        assert found.name == "vwap since cascade low"

    def test_an_anchor_before_the_bars_is_unknown(self) -> None:
        book = book_of([(100.0, 100.0, 100.0, 100.0)] * 5)
        assert anchored_vwap.average_since(book.frames[3_600], START_NS - 1) is None


class TestManual:
    def test_only_what_is_known_by_now_of_this_symbol(self) -> None:
        book = book_of(walk([75_000.0] * 3))
        later = msgspec.structs.replace(spec("later", 70_000.0), known_from_ns=START_NS + DAY_NS)
        specs = (spec("75k", 75_000.0), later, spec("ETH", 3_380.0, symbol=ETH))
        found = manual.levels(scene(book, 75_000.0, manual=specs))
        assert [level.name for level in found] == ["75k"]

    def test_a_name_is_taken_at_its_word(self) -> None:
        assert manual.said("ETH support 3,380") == 1
        assert manual.said("77k first Resistance") == -1
        assert manual.said("supportive of nothing") == 0
        assert manual.said("support and resistance") == 0


def test_a_scene_reaches_a_fifth() -> None:
    here = Scene(book=LevelBook(), symbol=BTC, now_ns=0, price=100.0)
    assert here.near(70.0, 80.0)
    assert not here.near(70.0, 79.9)
