"""An account as the fleet is told of it: fresh, priced, its stop only where it covers all."""

import pytest

from bot.answers.house import answer
from bot.answers.question import Question
from bot.domain.units import NS_PER_S
from tests.fakes.kernel_world import World
from tests.unit.answers.test_stress_now import account, rest


def told(world: World):
    return answer(Question(state=world.kernel.state, policy=world.kernel.policy, args={}))


def test_a_covered_leg_is_told_with_its_stop_and_a_half_covered_one_as_bare() -> None:
    world = account("0.1", stop="74000", margin="1000")
    found = told(world)
    assert found["equity_usd"] == pytest.approx(10_000.0)
    (held,) = found["holdings"]
    assert (held["asset"], held["side"], held["qty"]) == ("BTC", "LONG", "0.1")
    assert (held["stop_price"], held["isolated_margin_usd"]) == (74_000.0, 1_000.0)
    assert 0.0 < held["maintenance_frac"] < 0.05
    rest(world, "74000", "0.05")
    assert told(world)["holdings"][0]["stop_price"] is None


def test_what_was_read_long_ago_is_not_told_as_known() -> None:
    world = account()
    world.kernel.state.account_ns = world.kernel.state.now_ns - 16 * NS_PER_S
    assert told(world)["equity_usd"] is None
