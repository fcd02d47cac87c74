"""Words of a picture stand near their lines and never on one another."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.telegram.drawing import TAG_FRAC, _named
from bot.telegram.labels import spread

PLACES = st.lists(st.floats(0.0, 100.0), max_size=12)


@given(PLACES, st.floats(0.1, 20.0))
def test_labels_keep_their_order_their_distance_and_the_picture(
    wanted: list[float], gap: float
) -> None:
    places = spread(wanted, gap, 0.0, 100.0)
    room = min(gap, 100.0 / max(len(wanted) - 1, 1))
    ranked = sorted(zip(wanted, places, strict=True), key=lambda pair: (pair[1], pair[0]))
    assert [place for _, place in ranked] == sorted(places)
    assert [want for want, _ in ranked] == sorted(wanted), "nobody overtakes a neighbour"
    for below, above in pairwise(ranked):
        assert above[1] - below[1] >= room - 1e-6
    assert all(-1e-6 <= place <= 100.0 + 1e-6 for place in places)


@given(st.lists(st.integers(0, 20), unique=True, max_size=12))
def test_labels_that_have_room_stay_at_their_lines(steps: list[int]) -> None:
    wanted = [5.0 * step for step in steps]
    assert spread(wanted, 5.0, 0.0, 100.0) == pytest.approx(wanted)


def test_crowded_labels_share_out_about_their_middle() -> None:
    assert spread([50.0, 50.0, 50.0], 4.0, 0.0, 100.0) == pytest.approx([46.0, 50.0, 54.0])
    assert spread([99.0, 99.0], 4.0, 0.0, 100.0) == pytest.approx([96.0, 100.0])


def test_as_many_labels_as_are_drawn_fit_one_over_the_other() -> None:
    assert 20 * TAG_FRAC < 1.0


def test_zones_of_one_price_share_a_label_and_the_price_is_told_once() -> None:
    zones = [
        {"name": "78k pivot", "low": 78_000.0}, {"name": "round 78,000", "low": 78_000.0},
        {"name": "30 d thin volume 77,734.9", "low": 77_734.9}, {"name": "80000", "low": 80_000.0},
    ]  # fmt: skip
    told = [(place, word) for place, word, _ in _named(zones)]
    assert told == [
        (78_000.0, "78k pivot + round"), (77_734.9, "30 d thin volume"), (80_000.0, "80000"),
    ]  # fmt: skip
