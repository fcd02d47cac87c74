"""Levels merge to zones; zones keep their life, wear, and refuse nonsense."""

import math
from itertools import pairwise

import msgspec
import pytest

from bot.domain.policy import LevelPolicy
from bot.kernel.levels import LevelBook, anchor, fold, follow, refresh, worn_strength
from bot.kernel.levels.merge import flaw, merge, placed, strength
from bot.kernel.levels.state import FrameBar, LevelZone
from tests.unit.kernel.levels.level_kit import (
    ETH,
    HOUR_NS,
    START_NS,
    book_of,
    level,
    scene,
    spec,
    walk,
)

POLICY = LevelPolicy()
ATR = 800.0


class TestMerge:
    def test_the_shelf_is_one_zone(self) -> None:
        levels = [level(75_200.0), level(74_800.0, "fibonacci"), level(75_000.0, "manual")]
        (draft,) = merge(levels, 75_203.0, ATR, 0)
        assert (draft.low, draft.high) == (74_800.0, 75_200.0)
        assert draft.manual
        assert draft.kinds == ["fibonacci", "manual", "round"]

    def test_no_zone_is_wider_than_an_hourly_range(self) -> None:
        levels = [level(75_000.0 + 150.0 * i) for i in range(20)]
        drafts = merge(levels, 75_000.0, ATR, 0)
        assert len(drafts) > 1
        assert all(draft.high - draft.low <= ATR for draft in drafts)

    def test_a_wide_band_stays_itself_and_swallows_nothing(self) -> None:
        levels = [level(75_400.0, "gap", high=76_800.0), level(76_000.0)]
        edges = [(draft.low, draft.high) for draft in merge(levels, 76_000.0, ATR, 0)]
        assert edges == [(75_400.0, 76_800.0), (76_000.0, 76_000.0)]

    def test_ten_copies_are_one_vote(self) -> None:
        one, ten = [level(75_000.0)], [level(75_000.0)] * 10
        assert strength(ten, 0) == strength(one, 0) == pytest.approx(0.25)
        assert strength([*one, level(75_000.0, "swing")], 0) == pytest.approx(1 - 0.75**2)

    def test_age_halves_what_a_level_counts(self) -> None:
        old = level(75_000.0, "swing", half_life_ns=HOUR_NS)
        assert strength([old], HOUR_NS) == pytest.approx(0.5 * strength([old], 0))

    def test_many_levels_keep_the_named_and_the_strong(self) -> None:
        levels = [level(50_000.0 + 500.0 * i, strength=i / 200) for i in range(100)]
        levels.append(level(49_000.0, "manual", strength=0.0))
        drafts = merge(levels, 75_000.0, 100.0, 0)
        assert len(drafts) == 60
        assert drafts[0].manual
        assert drafts[-1].high == 99_500.0

    @pytest.mark.parametrize("bad", [math.nan, math.inf, 0.0, -1.0])
    def test_nonsense_is_refused_in_words(self, bad: float) -> None:
        assert flaw(level(bad)) is not None
        assert flaw(level(75_000.0, strength=2.0)) is not None
        assert flaw(level(75_000.0)) is None
        book = book_of(walk([75_000.0] * 4))
        refresh(scene(book, 75_000.0, given=(level(bad, "cluster"),)))
        assert any("cluster" in warning for warning in book.warnings)
        assert all(math.isfinite(zone.low) for zone in book.zones)


class TestSides:
    def test_a_support_above_the_price_is_relabelled_with_a_warning(self) -> None:
        book = book_of(walk([2_390.0, 2_380.0, 2_390.0], wick=2.0), atr_1h=20.0)
        named = (spec("ETH support", 2_500.0, symbol=ETH), spec("must hold", 2_200.0, symbol=ETH))
        refresh(scene(book, 2_390.0, atr_1h=20.0, symbol=ETH, manual=named))
        by_name = {zone.name: zone for zone in book.zones if zone.manual}
        wrong = by_name["ETH support"]
        assert wrong.side == -1
        assert "was said to be support but lies above the price 2,390" in wrong.warning
        assert "taken as resistance" in wrong.warning
        assert book.warnings == [wrong.warning]
        assert by_name["must hold"].side == 1

    def test_the_reported_one(self) -> None:
        (draft,) = merge([level(3_380.0, "manual", said=1)], 2_390.0, 20.0, 0)
        side, warning = placed(draft, 2_390.0)
        assert side == -1
        assert "3,380" in warning

    def test_a_right_word_and_a_price_inside_need_none(self) -> None:
        (draft,) = merge([level(3_380.0, "manual", said=1)], 3_500.0, 20.0, 0)
        assert placed(draft, 3_500.0) == (1, "")
        (draft,) = merge([level(3_380.0, "manual", said=-1)], 3_380.0, 20.0, 0)
        assert placed(draft, 3_380.0) == (1, "")


class TestLives:
    def drive(self, book: LevelBook, closes: list[float], start: int = 100) -> list[str]:
        states = []
        for index, (a, b) in enumerate(pairwise(closes)):
            ns = START_NS + (start + index) * HOUR_NS
            follow(book, FrameBar(ns, a, max(a, b), min(a, b), b), 3_600, POLICY, ATR)
            states.append(self.shelf(book).state)
        return states

    def shelf(self, book: LevelBook) -> LevelZone:
        return next(zone for zone in book.zones if zone.manual)

    def shelved(self) -> LevelBook:
        book = book_of(walk([77_000.0, 76_900.0, 77_000.0]), atr_1h=ATR)
        self.renew(book, 77_000.0)
        return book

    def renew(self, book: LevelBook, price: float, low: float = 74_800.0) -> None:
        named = (spec("75k shelf", low, 75_200.0),)
        refresh(scene(book, price, atr_1h=ATR, manual=named))

    def test_a_zone_lives_on_when_it_is_made_anew(self) -> None:
        book = self.shelved()
        path = [77_000.0, 76_000.0, 75_100.0, 74_500.0]
        assert self.drive(book, path)[-1] == "BREAKING"
        before = msgspec.structs.asdict(self.shelf(book))
        self.renew(book, 74_500.0, low=74_700.0)
        after = msgspec.structs.asdict(self.shelf(book))
        for key in ("state", "side", "holds", "extreme", "bars_in_state", "low", "high"):
            assert after[key] == before[key], key
        assert self.drive(book, [74_500.0, 74_400.0, 74_300.0], start=110)[-1] == "BROKEN"
        self.renew(book, 74_300.0, low=74_700.0)
        assert self.shelf(book).low == 74_700.0
        assert self.shelf(book).side == -1

    def test_a_contested_zone_outlives_its_levels(self) -> None:
        book = self.shelved()
        self.drive(book, [77_000.0, 76_000.0, 75_100.0, 74_500.0])
        refresh(scene(book, 74_500.0, atr_1h=ATR))
        (zone,) = [zone for zone in book.zones if zone.low == 74_800.0]
        assert (zone.state, zone.high) == ("BREAKING", 75_200.0)

    def test_an_idle_zone_goes_with_its_levels(self) -> None:
        book = self.shelved()
        refresh(scene(book, 77_000.0, atr_1h=ATR))
        assert not any(zone.name == "75k shelf" for zone in book.zones)

    def test_missing_bars_age_a_zone(self) -> None:
        book = self.shelved()
        self.drive(book, [75_900.0, 75_250.0, 75_900.0, 76_000.0, 76_100.0, 76_200.0])
        assert self.shelf(book).state == "HELD"
        aged = self.shelf(book).bars_in_state
        self.drive(book, [76_200.0, 76_300.0], start=130)
        assert self.shelf(book).bars_in_state - aged > 20

    def test_an_old_bar_is_not_lived_twice(self) -> None:
        book = self.shelved()
        self.drive(book, [77_000.0, 76_000.0, 75_100.0])
        before = msgspec.msgpack.encode(book)
        self.drive(book, [77_000.0, 70_000.0])
        assert msgspec.msgpack.encode(book) == before

    def test_touches_strengthen_and_then_wear(self) -> None:
        zone = LevelZone(name="75k", low=1.0, high=1.0, strength=0.5)
        seen = []
        for touches in (0, 1, 3, 4, 6):
            zone.touches = touches
            seen.append(round(worn_strength(zone), 9))
        assert seen == [0.5, 0.6, 0.8, 0.7, 0.5]

    def test_holds_are_counted_and_a_break_forgets_them(self) -> None:
        book = self.shelved()
        self.drive(book, [75_900.0, 75_250.0, 75_900.0, 76_000.0, 76_100.0, 76_200.0])
        assert self.shelf(book).touches == 1
        self.drive(book, [76_000.0, 74_400.0, 74_300.0, 74_200.0, 74_100.0], start=120)
        assert self.shelf(book).state == "BROKEN"
        assert self.shelf(book).touches == 0

    def test_the_book_survives_a_freeze(self) -> None:
        book = self.shelved()
        self.drive(book, [77_000.0, 76_000.0, 75_100.0, 74_500.0])
        anchor(book, "cascade low", START_NS, START_NS)
        blob = msgspec.msgpack.encode(book)
        thawed = msgspec.msgpack.decode(blob, type=LevelBook)
        assert msgspec.msgpack.encode(thawed) == blob
        tail = [74_500.0, 74_400.0, 74_300.0]
        assert self.drive(thawed, tail, start=110) == self.drive(book, tail, start=110)
        assert msgspec.msgpack.encode(thawed) == msgspec.msgpack.encode(book)


class TestBars:
    @pytest.mark.parametrize(
        "change",
        [
            {"close": math.nan},
            {"high": math.inf},
            {"low": 0.0},
            {"open": -5.0},
            {"volume": math.nan},
            {"volume": -1.0},
            {"high": 74_000.0},
            {"low": 76_000.0},
            {"open_ns": START_NS},
            {"open_ns": 0},
        ],
        ids=str,
    )
    def test_an_unusable_bar_is_refused_with_its_reason(self, change: dict[str, float]) -> None:
        book = book_of(walk([75_000.0, 75_100.0, 75_000.0]))
        before = msgspec.json.decode(msgspec.json.encode(book))
        bar = FrameBar(START_NS + 2 * HOUR_NS, 75_000.0, 75_100.0, 74_900.0, 75_000.0, 1.0)
        assert fold(book, msgspec.structs.replace(bar, **change), 3_600, ATR) == ()
        after = msgspec.json.decode(msgspec.json.encode(book))
        assert after.pop("refused") == before.pop("refused") + 1
        assert after.pop("refusal") != before.pop("refusal") == ""
        assert after == before

    def test_fine_bars_close_coarse_ones_at_their_end(self) -> None:
        book, closed = LevelBook(), []
        for index in range(4 * 12):
            bar = FrameBar(START_NS + index * 300 * 10**9, 100.0, 101.0 + index, 99.0, 100.0, 1.0)
            closed.append(fold(book, bar, 300, 1.0))
        assert [i for i, each in enumerate(closed) if each] == [11, 23, 35, 47]
        assert closed[-1] == (3_600, 14_400)
        assert book.frames[3_600].high == [112.0, 124.0, 136.0, 148.0]
        assert book.frames[14_400].volume == [48.0]

    def test_a_gap_leaves_a_hole_and_no_invented_bar(self) -> None:
        rows = walk([100.0] * 5, wick=1.0)
        book = LevelBook()
        for index in (0, 1, 4):
            fold(book, FrameBar(START_NS + index * HOUR_NS, *rows[0]), 3_600, 1.0)
        hours = [(ns - START_NS) // HOUR_NS for ns in book.frames[3_600].open_ns]
        assert hours == [0, 1, 4]
