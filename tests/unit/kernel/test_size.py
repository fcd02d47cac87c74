"""All-in sizing: the worked examples of fixed-fractional risk with costs."""

from decimal import Decimal

import pytest

from bot.domain.orders import PositionSide
from bot.domain.risk import Refusal, RefusalReason
from bot.domain.strategy import Intent
from bot.kernel.size import Sized, size_intent, unit_risk_usd
from tests.fakes.kernel_world import BTC, World, policy


def intent(stop: float, target: float, side: PositionSide = PositionSide.LONG) -> Intent:
    return Intent(
        symbol=BTC, side=side, stop_price=stop, target_price=target, reason="test", signal_id="s"
    )


def sized(world: World, wish: Intent) -> Sized | Refusal:
    state = world.kernel.state
    return size_intent(state, world.kernel.policy, state.markets[BTC], wish)


def test_unit_risk_counts_fees_slippage_and_funding() -> None:
    costs = (0.0005 + 0.0005, 0.0005 + 0.0005)
    bare = unit_risk_usd(1, 76_000.0, 74_900.0, costs, 0.0)
    assert bare == pytest.approx(1_100.0 + 76.0 + 74.9)
    carried = unit_risk_usd(1, 76_000.0, 74_900.0, costs, 0.0003)
    assert carried == pytest.approx(bare + 22.8)
    assert unit_risk_usd(1, 76_000.0, 74_900.0, costs, -0.01) == pytest.approx(bare)


def test_the_risk_budget_binds_and_is_rounded_down() -> None:
    world = World()
    world.account("10000")
    got = sized(world, intent(74_900.0, 80_000.0))
    assert isinstance(got, Sized)
    assert got.binding == "risk"
    assert got.qty == Decimal("0.038")
    assert got.risk_usd <= 50.0


def test_a_trade_that_does_not_pay_is_refused_with_its_numbers() -> None:
    world = World(mark=78_199.0)
    world.account("10000")
    got = sized(world, intent(75_800.0, 80_000.0))
    assert isinstance(got, Refusal)
    assert got.reason is RefusalReason.REWARD_TOO_SMALL
    assert float(got.measured.split()[0]) < 0.8


def test_below_the_venue_minimum_is_refused_never_rounded_up() -> None:
    world = World()
    world.account("20")
    got = sized(world, intent(74_900.0, 80_000.0))
    assert isinstance(got, Refusal)
    assert got.reason is RefusalReason.BELOW_MINIMUM


def test_a_stop_on_the_wrong_side_is_refused() -> None:
    world = World()
    world.account("10000")
    got = sized(world, intent(76_500.0, 80_000.0))
    assert isinstance(got, Refusal)
    assert got.reason is RefusalReason.STOP_WRONG_SIDE


def test_costs_that_eat_the_risk_are_refused() -> None:
    world = World()
    world.account("10000")
    got = sized(world, intent(75_950.0, 80_000.0))
    assert isinstance(got, Refusal)
    assert got.reason is RefusalReason.COST_SHARE


def test_the_symbol_cap_names_itself_as_binding() -> None:
    limits = policy().limits
    import msgspec

    small = msgspec.structs.replace(limits, notional_cap_usd={BTC: 500.0})
    world = World(policy(limits=small))
    world.account("10000")
    got = sized(world, intent(74_900.0, 80_000.0))
    assert isinstance(got, Sized)
    assert got.binding == "symbol notional"
    assert float(got.qty) * 76_000.0 <= 500.0
