"""The reported scenarios on authored hours, and what they allow while they run."""

import math

import msgspec
import pytest

from bot.domain.orders import PositionSide
from bot.domain.policy import LevelPolicy
from bot.domain.scenario import REPORTED, ScenarioSpec, Watch, ZoneEvent
from bot.kernel import scenarios
from bot.kernel.levels.state import FrameBar, ScenarioBook

HOUR_NS = 3_600 * 10**9
POLICY = LevelPolicy()
ATR = 600.0
LONG, SHORT = PositionSide.LONG, PositionSide.SHORT
RECLAIM, LOSS, SWEEP = REPORTED
START_NS = LOSS.known_from_ns


class Run:
    """One scenario book driven hour by hour."""

    def __init__(self, *specs: ScenarioSpec, start_ns: int = START_NS) -> None:
        self.specs = specs
        self.book = ScenarioBook()
        self.now_ns = start_ns
        self.told: list[tuple[str, str]] = []

    def hours(self, *rows: float | tuple[float, float]) -> "Run":
        """Feed closes, or (low, close)."""
        for row in rows:
            low, close = row if isinstance(row, tuple) else (row, row)
            bar = FrameBar(self.now_ns, close, close, low, close)
            told = scenarios.follow(self.book, self.specs, bar, 3_600, POLICY, ATR)
            self.told += [(name, text.split(":")[0]) for name, text in told]
            self.now_ns += HOUR_NS
        return self

    def status(self, name: str) -> str:
        return next(each.status for each in self.book.followed if each.name == name)

    @property
    def standing(self) -> scenarios.Standing:
        return scenarios.standing(self.book, self.specs, self.now_ns)


class TestReported:
    def test_80k_reclaimed_and_held_ends_the_bear_case(self) -> None:
        run = Run(RECLAIM, start_ns=RECLAIM.known_from_ns).hours(78_199, 79_300, 80_400, 80_500)
        assert run.status("reclaim-80k") == "WAITING"
        run.hours(80_600)
        assert run.status("reclaim-80k") == "RUNNING"
        assert run.standing.allowed_sides == (LONG,)
        run.hours(83_100, 85_200)
        assert run.status("reclaim-80k") == "DONE"
        assert run.standing.allowed_sides == (LONG, SHORT)

    def test_a_reclaim_that_is_lost_is_invalid(self) -> None:
        run = Run(RECLAIM, start_ns=RECLAIM.known_from_ns)
        run.hours(79_300, 80_400, 80_500, 80_600, 79_500, 79_400, 79_300)
        assert run.status("reclaim-80k") == "INVALID"
        assert run.standing.allowed_sides == (LONG, SHORT)

    def test_76k_already_lost_arms_and_75k_lost_runs(self) -> None:
        run = Run(LOSS).hours(75_203, 75_250, 75_300)
        assert run.status("loss-of-76k-and-75k") == "ARMED"
        run.hours(74_400, 74_300, 74_200)
        assert run.status("loss-of-76k-and-75k") == "RUNNING"
        standing = run.standing
        assert standing.allowed_sides == (SHORT,)
        assert (standing.size_factor, standing.threat_add) == (0.5, 1)
        assert standing.tighten_stops
        run.hours(72_300, 66_000)
        assert run.status("loss-of-76k-and-75k") == "DONE"
        assert run.told[-2:] == [
            ("loss-of-76k-and-75k", "RUNNING"),
            ("loss-of-76k-and-75k", "DONE"),
        ]

    def test_76k_regained_undoes_it(self) -> None:
        run = Run(LOSS).hours(75_203, 75_250, 75_300, 76_500, 76_600, 76_700)
        assert run.status("loss-of-76k-and-75k") == "INVALID"
        run.hours(75_500, 75_400, 75_300)
        assert run.status("loss-of-76k-and-75k") == "ARMED"

    def test_the_shelf_swept_and_held_lets_no_shorts_for_four_hours(self) -> None:
        run = Run(SWEEP).hours(75_500, (74_400, 74_900), 75_300, 75_400, 75_450)
        assert run.status("sweep-of-75k") == "RUNNING"
        assert run.standing.allowed_sides == (LONG,)
        run.hours(75_500, 75_600, 75_700, 75_800)
        assert run.standing.allowed_sides == (LONG, SHORT)
        assert run.standing.reasons
        run.hours(77_100)
        assert run.book.followed[0].targets_hit == 1

    def test_a_touch_that_holds_is_no_sweep(self) -> None:
        run = Run(SWEEP).hours(75_500, (75_150, 75_300), 75_400, 75_500, 75_600, 75_700)
        assert run.status("sweep-of-75k") == "WAITING"

    def test_nothing_is_followed_before_it_was_said(self) -> None:
        run = Run(LOSS, start_ns=LOSS.known_from_ns - 10 * HOUR_NS)
        run.hours(*[74_000.0] * 9)
        assert run.book.followed == []
        run.hours(74_000.0)
        assert run.status("loss-of-76k-and-75k") == "WAITING"


def test_what_is_over_rests_and_is_watched_for_from_where_price_is() -> None:
    run = Run(LOSS).hours(75_203, 75_250, 75_300, 74_400, 74_300, 74_200, 66_000)
    assert run.status("loss-of-76k-and-75k") == "DONE"
    run.hours(*[66_000.0] * 30)
    assert run.status("loss-of-76k-and-75k") == "WAITING"
    run.hours(76_900, 77_000, 77_100, 75_600, 75_500, 75_400)
    assert run.status("loss-of-76k-and-75k") == "ARMED"


def test_time_ends_a_scenario() -> None:
    short = msgspec.structs.replace(SWEEP, life_ns=3 * HOUR_NS, invalid=None)
    run = Run(short).hours(75_500, (74_400, 74_900), 75_300, 75_400, 75_500, 75_500)
    assert run.status("sweep-of-75k") == "RUNNING"
    run.hours(75_500, 75_500)
    assert run.status("sweep-of-75k") == "EXPIRED"


def test_scenarios_that_contradict_allow_neither_side() -> None:
    down = msgspec.structs.replace(LOSS, stages=LOSS.stages[:1], targets=(70_000.0,), invalid=None)
    up = msgspec.structs.replace(SWEEP, sides_for_ns=0, invalid=None)
    run = Run(down, up).hours(75_500, (74_400, 74_900), 75_300, 75_400, 75_450)
    assert run.standing.allowed_sides == ()


def test_finer_bars_are_judged_by_the_hour() -> None:
    book = ScenarioBook()
    for minute in range(0, 180, 5):
        bar = FrameBar(START_NS + minute * 60 * 10**9, 80_500.0, 80_500.0, 80_500.0, 80_500.0)
        told = scenarios.follow(book, (RECLAIM,), bar, 300, POLICY, ATR)
        assert bool(told) == (minute == 175)


def test_the_book_survives_a_freeze_at_any_hour() -> None:
    rows = [
        75_203,
        75_250,
        75_300,
        (74_400, 74_900),
        75_300,
        75_400,
        77_100,
        74_000,
        73_900,
        73_800,
    ]
    whole = Run(*REPORTED).hours(*rows)
    for cut in range(len(rows)):
        run = Run(*REPORTED).hours(*rows[:cut])
        blob = msgspec.msgpack.encode(run.book)
        run.book = msgspec.msgpack.decode(blob, type=ScenarioBook)
        run.hours(*rows[cut:])
        assert run.book == whole.book
        assert run.told == whole.told


@pytest.mark.parametrize("bad", [math.nan, 0.0, -1.0])
def test_nonsense_bars_change_nothing(bad: float) -> None:
    run = Run(*REPORTED).hours(75_203, 75_250)
    before = msgspec.msgpack.encode(run.book)
    run.hours(bad)
    assert msgspec.msgpack.encode(run.book) == before


class TestSpecs:
    WATCH = Watch(low=1.0, high=2.0, event=ZoneEvent.BROKEN_UP)

    def test_declarations_that_cannot_be_followed_are_refused(self) -> None:
        def make(**changes: object) -> ScenarioSpec:
            fields = {"name": "x", "symbol": "y", "says": "z", "stages": (self.WATCH,)}
            return ScenarioSpec(**{**fields, **changes})  # type: ignore[arg-type]

        assert make(targets=(3.0, 4.0)).way == 1
        for changes, words in (
            ({"stages": ()}, "at least one stage"),
            ({"size_factor": math.nan}, "size_factor"),
            ({"size_factor": 1.5}, "size_factor"),
            ({"targets": (4.0, 3.0)}, "nearest first"),
            ({"targets": (math.nan,)}, "above zero"),
        ):
            with pytest.raises(ValueError, match=words):
                make(**changes)

    @pytest.mark.parametrize(
        ("low", "high"), [(0.0, 1.0), (2.0, 1.0), (math.nan, 1.0), (1.0, math.inf)]
    )
    def test_a_watch_needs_a_zone(self, low: float, high: float) -> None:
        with pytest.raises(ValueError, match="watched zone"):
            Watch(low=low, high=high, event=ZoneEvent.BROKEN_UP)
