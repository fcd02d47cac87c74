"""The numbers of the rules, as they were studied."""

import pytest

from bot.domain.policy import RulePolicy, Step
from bot.kernel.rules import RULES
from bot.kernel.rules._ladder import factor_in_force
from bot.kernel.rules.drawdown import grossman_zhou, grossman_zhou_steps


@pytest.mark.parametrize(
    ("fall", "share"), [(0.05, 0.70), (0.08, 0.51), (0.10, 0.37), (0.12, 0.23), (0.15, 0.0)]
)
def test_grossman_zhou_sizes_by_the_way_left_to_its_floor(fall: float, share: float) -> None:
    assert grossman_zhou(fall, 0.85) == pytest.approx(share, abs=0.005)
    steps = grossman_zhou_steps(RulePolicy())
    assert factor_in_force(steps, fall, 1.0, rising=True) == pytest.approx(share, abs=0.005)


@pytest.mark.parametrize(
    ("ratio", "before", "factor"),
    [
        (0.349, 1.0, 1.0), (0.35, 1.0, 0.75), (0.29, 0.75, 0.75), (0.279, 0.75, 1.0),
        (0.50, 1.0, 0.50), (0.41, 0.50, 0.50), (0.399, 0.50, 0.75), (0.65, 1.0, 0.25),
        (0.51, 0.25, 0.25), (0.80, 1.0, 0.0), (0.51, 0.0, 0.0), (0.499, 0.0, 0.5),
    ],
)  # fmt: skip
def test_the_margin_ratio_ladder(ratio: float, before: float, factor: float) -> None:
    assert factor_in_force(RulePolicy().margin_ratio, ratio, before, rising=True) == factor


@pytest.mark.parametrize(
    ("ranges", "before", "factor"),
    [
        (3.0, 1.0, 0.75), (3.4, 0.75, 0.75), (3.51, 0.75, 1.0), (2.0, 1.0, 0.5),
        (2.4, 0.5, 0.5), (1.25, 1.0, 0.25), (0.75, 1.0, 0.0), (3.01, 1.0, 1.0),
    ],
)  # fmt: skip
def test_the_distance_ladder_of_the_strategies(ranges: float, before: float, factor: float) -> None:
    steps = RulePolicy().liq_distance_own_atr
    assert factor_in_force(steps, ranges, before, rising=False) == factor


@pytest.mark.parametrize(("level", "factor"), [(1, 1.0), (2, 1.0), (3, 0.6), (4, 0.3), (5, 0.0)])
def test_the_threat_ladder(level: int, factor: float) -> None:
    assert factor_in_force(RulePolicy().threat, float(level), 1.0, rising=True) == factor


def test_every_row_of_the_table_has_its_rule() -> None:
    names = {rule.NAME: rule.ACTS_ON for rule in RULES}
    by_hand = {"margin_ratio", "liquidation_distance", "missing_stop", "stale_data"}
    by_hand |= {"venue_health", "adl_rank", "close_out"}
    assert {name for name, scope in names.items() if scope == "all"} == by_hand
    assert {name for name, scope in names.items() if scope == "off"} == {"broken_support"}
    own = {"threat", "daily_loss", "weekly_loss", "drawdown", "cluster_proximity", "level_broken"}
    own |= {"funding_cost", "oi_froth", "event_window"}
    assert {name for name, scope in names.items() if scope == "own"} == own


def test_a_step_entered_stays_until_its_way_out() -> None:
    steps = (Step(3.0, 2.0, 0.5),)
    assert factor_in_force(steps, 2.5, 1.0, rising=True) == 1.0
    assert factor_in_force(steps, 2.5, 0.5, rising=True) == 0.5
