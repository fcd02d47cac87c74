"""Bars are judged on enough samples only; what is never reached is told by name."""

from bot.lab.simulation.bars import BARS, MARKS, SAMPLES_MIN, missed, seldom
from bot.lab.simulation.mix import KINDS


def figures(**changed: float) -> dict[str, float | int | None]:
    return {"count": SAMPLES_MIN, "p50": 0.1, "p99": 1.0, "max": 14.0, **changed}


def test_good_figures_miss_no_bar() -> None:
    assert missed({bar.what: figures() for bar in BARS}) == []


def test_a_slow_figure_is_named_with_its_bar() -> None:
    (found,) = missed({"deleverage_s": figures(p99=2.5)})
    assert found == {"what": "deleverage_s", "figure": "p99", "is_s": 2.5, "most_s": 2.0}


def test_a_figure_of_a_few_samples_is_not_judged() -> None:
    assert missed({"unprotected_s": figures(p99=9.0, count=SAMPLES_MIN - 1)}) == []
    assert missed({"unprotected_s": {"count": 0, "p50": None, "p99": None, "max": None}}) == []


def test_every_mark_and_every_kind_of_fault_must_be_reached_ten_times_in_five_hundred_hours() -> (
    None
):
    names = {*MARKS, *(kind.name for kind in KINDS)} - {"rearm"}
    assert set(seldom({}, {}, 500.0)) == names
    enough = dict.fromkeys(names, 10)
    assert seldom(enough, {}, 500.0) == {}
    assert seldom({**enough, "adl": 9}, {}, 500.0) == {"adl": 9}
    assert seldom(dict.fromkeys(names, 1), {}, 50.0) == {}
