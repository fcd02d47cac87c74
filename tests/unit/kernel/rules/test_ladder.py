"""The ladder: down at once, up slowly, never flapping, never forgotten."""

import msgspec
import pytest

from bot.domain.policy import LadderPolicy, Policy, RulePolicy
from bot.kernel import ladder
from bot.kernel.snapshot import freeze, thaw
from tests.fakes.kernel_world import PATIENT, policy
from tests.unit.kernel.rules.rule_kit import Kit


def with_rules(**changes: object) -> Policy:
    return policy(rules=msgspec.structs.replace(PATIENT, **changes))


def test_a_cut_comes_at_once_and_is_told_with_rule_measured_and_limit() -> None:
    kit = Kit()
    assert ladder.judge(kit.desk, kit.view).state == "NORMAL"
    kit.judged(threat=4, threat_word="High")
    verdict = ladder.judge(kit.desk, kit.view)
    assert (verdict.state, verdict.factor, verdict.blocked) == ("REDUCE", 0.3, True)
    (line,) = kit.told()
    assert "NORMAL -> REDUCE, 30%" in line
    assert "threat" in line
    assert line.endswith("4 / 4")
    kit.judged(threat=5)
    assert ladder.judge(kit.desk, kit.view).state == "FLAT"
    assert len(kit.told()) == 1


def test_it_is_given_back_after_the_cool_down_by_a_quarter_an_hour() -> None:
    kit = Kit()
    kit.judged(threat=5)
    ladder.judge(kit.desk, kit.view)
    kit.judged(threat=1)
    ladder.judge(kit.desk, kit.view)
    kit.wait(3.9)
    verdict = ladder.judge(kit.desk, kit.view)
    assert (verdict.factor, verdict.blocked) == (0.0, True)
    kit.wait(1.1)
    assert ladder.judge(kit.desk, kit.view).factor == pytest.approx(0.25)
    kit.wait(2.0)
    verdict = ladder.judge(kit.desk, kit.view)
    assert verdict.factor == pytest.approx(0.75)
    assert not verdict.blocked, "on the way back trades are small, not forbidden"
    kit.wait(1.1)
    assert ladder.judge(kit.desk, kit.view).state == "NORMAL"


def test_the_cool_down_doubles_with_each_cut_of_the_day_up_to_a_day() -> None:
    kit = Kit(with_rules(ladder=LadderPolicy(cycles_max=100)))
    memory = ladder.ladder_of(kit.state, kit.view)
    hours = []
    for _ in range(5):
        kit.judged(threat=3)
        ladder.judge(kit.desk, kit.view)
        hours.append(ladder.cool_down_ns(kit.desk, memory) / 3.6e12)
        memory.factor, memory.falling = 1.0, False
        kit.wait(0.5)
    assert hours == [4.0, 8.0, 16.0, 24.0, 24.0]


@pytest.mark.parametrize("cascade", ["ACTIVE", "SUBSIDING"])
def test_nothing_is_given_back_while_positions_are_being_forced(cascade: str) -> None:
    kit = Kit()
    kit.judged(threat=4)
    ladder.judge(kit.desk, kit.view)
    kit.judged(threat=1, cascade=cascade)
    for _ in range(10):
        kit.wait(1.0)
        assert ladder.judge(kit.desk, kit.view).factor == 0.3
    kit.judged(threat=1)
    ladder.judge(kit.desk, kit.view)
    kit.wait(3.0)
    assert ladder.judge(kit.desk, kit.view).factor == 0.3, "the cool-down began with the calm"


def test_too_many_cuts_a_day_end_the_strategies_trading_until_resume() -> None:
    kit = Kit(with_rules(ladder=LadderPolicy(cool_down_h=0.0, cool_down_max_h=0.0, dwell_s=0.0)))
    for _ in range(7):
        kit.judged(threat=3)
        ladder.judge(kit.desk, kit.view)
        kit.judged(threat=1)
        for _ in range(5):
            kit.wait(0.6)
            ladder.judge(kit.desk, kit.view)
    assert kit.state.flapping
    assert ladder.judge(kit.desk, kit.view).state == "FLAT"
    assert any("flapping" in line for line in kit.told())
    kit.wait(30.0)
    assert ladder.judge(kit.desk, kit.view).state == "FLAT", "no time heals it, the operator does"


def test_a_restart_keeps_the_ladder() -> None:
    kit = Kit()
    kit.judged(threat=4)
    ladder.judge(kit.desk, kit.view)
    again = Kit()
    again.state.ladders = thaw(freeze(kit.state)).ladders
    again.sensed.assessment = None
    verdict = ladder.judge(again.desk, again.view)
    assert (verdict.state, verdict.factor, verdict.blocked) == ("REDUCE", 0.3, True)
    again.wait(30.0)
    verdict = ladder.judge(again.desk, again.view)
    assert verdict.factor == 0.3, "a market that was not judged again gives nothing back"


@pytest.mark.parametrize(
    "changes",
    [
        {"threat": 5},
        {"cascade": "ACTIVE", "threat": 5},
        {"froth": 0.95, "severities": {"fund_froth": 1.0}},
    ],
)
def test_threat_and_froth_do_not_cut_a_hand_held_position_by_default(
    changes: dict[str, object],
) -> None:
    kit = Kit(own=False)
    kit.judged(**changes)
    verdict = ladder.judge(kit.desk, kit.view)
    assert (verdict.state, verdict.factor, verdict.blocked) == ("NORMAL", 1.0, False)


def test_daily_weekly_loss_and_drawdown_do_not_cut_a_hand_held_position_by_default() -> None:
    kit = Kit(own=False)
    anchors = kit.state.anchors
    anchors.own_day_usd = anchors.own_week_usd = -900.0
    anchors.high_water_usd = 20_000.0
    assert ladder.judge(kit.desk, kit.view).factor == 1.0


def test_far_from_the_backstop_the_distance_ladder_does_not_cut_a_hand_held_position() -> None:
    hand, own = Kit(own=False), Kit(own=True)
    for kit in (hand, own):
        kit.leg.venue_liq_price = None
        kit.leg.isolated_margin_usd = kit.leg.isolated_margin_usd * 2 / 10
        kit.mark(75_200.0)
    ranges = hand.view.liq_distance_frac() * hand.view.mark / hand.view.atr_day
    assert 1.25 < ranges < 2.0
    assert ladder.judge(hand.desk, hand.view).factor == 1.0
    assert ladder.judge(own.desk, own.view).factor == 0.5


def test_the_owner_extends_a_rule_to_all_and_switches_one_off() -> None:
    kit = Kit(with_rules(acts_on={"threat": "all"}), own=False)
    kit.judged(threat=3)
    assert ladder.judge(kit.desk, kit.view).factor == 0.6
    kit = Kit(with_rules(acts_on={"threat": "off"}))
    kit.judged(threat=5)
    assert ladder.judge(kit.desk, kit.view).factor == 1.0


def test_a_new_position_of_the_hand_does_not_inherit_the_last_ones_cut() -> None:
    kit = Kit(with_rules(acts_on={"threat": "all"}), own=False)
    kit.judged(threat=5)
    ladder.judge(kit.desk, kit.view)
    kit.judged(threat=1)
    kit.wait(1.0)
    kit.leg.opened_ns = kit.state.now_ns
    assert ladder.judge(kit.desk, kit.view).factor == 1.0


def test_a_market_that_was_never_judged_takes_no_new_risk() -> None:
    kit = Kit()
    kit.sensed.assessment = None
    verdict = ladder.judge(kit.desk, kit.view)
    assert (verdict.factor, verdict.blocked) == (1.0, True)
    refusal = ladder.spoken(verdict, "BTC/USDT:USDT")
    assert refusal is not None
    assert "not been judged" in refusal.detail
    assert refusal.measured == "unknown"


def test_the_default_thresholds_are_those_of_the_study() -> None:
    rules = RulePolicy()
    assert (rules.ladder.cool_down_h, rules.ladder.cool_down_max_h) == (4.0, 24.0)
    assert (rules.ladder.ramp_per_h, rules.ladder.cycles_max) == (0.25, 6)
    assert rules.action_gap_s == 60.0
