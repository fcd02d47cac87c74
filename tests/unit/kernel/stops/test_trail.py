"""A trade's stop follows by rule, never back, and not at all by default."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.orders import PositionSide, Purpose
from bot.domain.policy import Policy, StopPolicy
from bot.kernel.snapshot import Trade
from bot.kernel.stops.trail import followed_price
from tests.fakes.kernel_world import BTC, World, decisions_of, orders_of, policy, position

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT


def holding(a_policy: Policy, side: PositionSide = LONG) -> World:
    """A strategy's trade of 0.03 from 76,000 with its stop 1,350 away, and an hourly ATR of 400."""
    world = World(a_policy)
    world.warm()
    world.account()
    stop = 76_000.0 - side.sign * 1_350.0
    found = position(side, "0.03", "76000", ns=world.now_ns + 10**9, margin="800")
    world.accept_all(world.account("10000", [found]))
    (leg,) = world.kernel.state.legs.values()
    leg.foreign, leg.user_qty = False, Decimal(0)
    leg.trade = Trade(
        trade_id="t", strategy="mine", signal_id="s", symbol=BTC, side=side, stop_price=stop,
        target_price=76_000.0 + side.sign * 9_000.0, planned_qty=leg.qty, risk_usd=45.0,
        reason="", opened_ns=world.now_ns, decision_id="d", entry_qty=leg.qty,
        entry_value_usd=leg.qty * 76_000,
    )  # fmt: skip
    return world


def close_at(world: World, price: float) -> float:
    """Close a bar at `price`; return where the trade's stop then is."""
    world.accept_all(world.candle(price, price + 5, price - 5, price))
    (leg,) = world.kernel.state.legs.values()
    assert leg.trade is not None
    return leg.trade.stop_price


@pytest.mark.parametrize("side", [LONG, SHORT])
def test_stops_stand_still_by_default(side: PositionSide) -> None:
    world = holding(policy(), side)
    for step in (500.0, 2_000.0, 4_000.0):
        assert close_at(world, 76_000.0 + side.sign * step) == 76_000.0 - side.sign * 1_350.0


@pytest.mark.parametrize("side", [LONG, SHORT])
def test_break_even_pays_the_costs_back(side: PositionSide) -> None:
    world = holding(policy(stops=StopPolicy(break_even_r=1.0)), side)
    assert close_at(world, 76_000.0 + side.sign * 1_300.0) == 76_000.0 - side.sign * 1_350.0
    stop = close_at(world, 76_000.0 + side.sign * 1_500.0)
    assert side.sign * (stop - 76_000.0) < 0.004 * 76_000.0
    paid = 76_000.0 * 0.0005 + stop * (0.0005 + 0.001)
    assert side.sign * (stop - 76_000.0) == pytest.approx(paid, rel=0.02)
    assert decisions_of(world.effects, "trail")
    assert close_at(world, 76_000.0 + side.sign * 600.0) == stop, "it never goes back"


@pytest.mark.parametrize("side", [LONG, SHORT])
def test_trailing_keeps_its_distance_from_the_best_close(side: PositionSide) -> None:
    world = holding(policy(stops=StopPolicy(trail_atr=3.0)), side)
    stop = close_at(world, 76_000.0 + side.sign * 2_550.0)
    atr = world.kernel.state.markets[BTC].atr_1h
    assert stop == pytest.approx(76_000.0 + side.sign * (2_550.0 - 3.0 * atr), abs=80.0)
    placed = orders_of(world.effects, Purpose.STOP)[-1]
    assert placed.trigger_price is not None
    assert float(placed.trigger_price) == pytest.approx(stop, abs=0.2)
    assert close_at(world, 76_000.0 + side.sign * 2_000.0) == stop
    world.kernel.state.markets[BTC].atr_1h *= 2.0
    assert close_at(world, 76_000.0 + side.sign * 2_000.0) == stop, "wider ranges do not loosen it"


RULES = st.builds(
    StopPolicy, break_even_r=st.floats(0.0, 3.0), trail_atr=st.floats(0.0, 5.0),
    trail_from_r=st.floats(0.0, 3.0),
)  # fmt: skip


@settings(max_examples=300)
@given(
    sign=st.sampled_from([1, -1]), risk=st.floats(0.002, 0.1), gain=st.floats(-0.1, 0.3),
    back=st.floats(0.0, 0.1), atr=st.floats(0.0, 2_000.0), rule=RULES,
)  # fmt: skip
def test_a_stop_that_follows_stays_on_the_loss_side_of_the_mark(
    sign: int, risk: float, gain: float, back: float, atr: float, rule: StopPolicy
) -> None:
    entry = 76_000.0
    best = entry * (1.0 + sign * max(gain, 0.0))
    mark = best * (1.0 - sign * back)
    prices = (entry, entry * (1.0 - sign * risk), best, mark)
    wanted = followed_price(sign, prices, atr, 0.002, rule)
    if rule.break_even_r == 0.0 and rule.trail_atr == 0.0:
        assert wanted is None
    if wanted is not None:
        assert sign * (mark - wanted) >= 0.0009 * mark
