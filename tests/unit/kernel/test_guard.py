"""The loss budget on positions opened by hand: stop first, then reduce, then stay inside."""

from decimal import Decimal
from functools import partial

import msgspec
import pytest

from bot.domain.market import FundingRate
from bot.domain.messages import (
    Fill,
    Notify,
    OrderRefused,
    PositionUpdate,
    SubmitOrder,
    WalletUpdate,
)
from bot.domain.orders import OrderSide, PositionSide, Purpose
from bot.domain.policy import GuardPolicy, guard_of
from bot.domain.risk import Enforce, TradingMode
from bot.domain.units import NS_PER_S
from bot.kernel.guard import drawdown_frac, floor_stop_price
from bot.kernel.observe.flows import ASSUMED, KNOWN, LAST_KNOWN, FundingDue, funding_due
from bot.kernel.snapshot import leg_key
from bot.kernel.view import LegView
from tests.fakes.kernel_world import (
    BTC,
    World,
    decisions_of,
    orders_of,
    policy,
    position,
)

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT


def held_world(
    side: PositionSide = LONG, qty: str = "0.657", guard: GuardPolicy | None = None
) -> tuple[World, list[object]]:
    """An account of 10,000 USD found holding about 5x at 76,000, isolated."""
    world = World(policy(guard=guard or GuardPolicy()))
    world.account()
    found = position(side, qty, "76000", ns=world.now_ns + 10**9, margin="9980")
    return world, world.account("10000", [found])


def fill(
    world: World, order_id: str, side: OrderSide, qty: str, price: str, pnl: str
) -> list[object]:
    ns = world.later(0.1)
    return world.step(
        Fill(
            symbol=BTC, trade_id=f"t{ns}", client_order_id=order_id, venue_order_id="v",
            side=side, position_side=None, qty=Decimal(qty), price=Decimal(price),
            fee_usd=Decimal(0), realized_pnl_usd=Decimal(pnl), is_maker=False,
            event_ns=ns, received_ns=ns,
        )
    )  # fmt: skip


@pytest.mark.parametrize("side", [LONG, SHORT])
def test_a_found_position_gets_its_stop_before_it_is_cut(side: PositionSide) -> None:
    world, effects = held_world(side)
    (stop,) = orders_of(effects)
    assert stop.purpose is Purpose.STOP
    assert stop.reduce_only
    assert stop.side is side.exit
    assert stop.qty == Decimal("0.657")
    assert side.sign * (76_000.0 - float(stop.trigger_price)) > 0
    (cut,) = orders_of(world.accept_all(effects))
    assert cut.purpose is Purpose.CUT
    left = (Decimal("0.657") - cut.qty) * 76_000
    assert Decimal(11_500) < left <= Decimal(12_000), "sigma_target 0.60 over prior 0.50 is 1.2x"


def test_the_floor_stop_leaves_the_floor_of_the_peak() -> None:
    _world, effects = held_world()
    (stop,) = orders_of(effects)
    loss = (76_000.0 - float(stop.trigger_price)) * 0.657 + float(
        stop.trigger_price
    ) * 0.657 * 0.001
    due = 0.0001 * 0.657 * 76_000.0
    assert loss + due == pytest.approx(1_900.0, abs=1.0), "no funding rate was told: one is assumed"


def due_world(left_s: int, rate: float, wallet: str = "10000") -> World:
    """The account of 10,000 USD, `left_s` before a settlement at `rate`, with another wallet."""
    world, effects = held_world()
    world.accept_all(effects)
    ahead_ns = 28_800 * NS_PER_S - world.now_ns % (28_800 * NS_PER_S) - left_s * NS_PER_S
    world.now_ns += ahead_ns + 28_800 * NS_PER_S
    ns = world.now_ns
    world.step(FundingRate(BTC, ns, ns, "", rate, 28_800, False))
    market, leg = world.kernel.state.markets[BTC], world.kernel.state.legs[leg_key(BTC, LONG)]
    world.kernel.state.wallet_usd, market.mark = Decimal(wallet), 76_000.0
    leg.qty = leg.user_qty = Decimal("0.157")
    return world


def floor_stop(world: World) -> float | None:
    state = world.kernel.state
    leg = state.legs[leg_key(BTC, LONG)]
    return floor_stop_price(LegView(state, world.kernel.policy, leg, state.markets[BTC]))


def test_funding_due_within_the_hour_is_spent_before_the_stop() -> None:
    far, near = floor_stop(due_world(3_601, 0.02)), floor_stop(due_world(3_600, 0.02))
    assert far is not None
    assert near is not None
    assert near - far == pytest.approx(0.02 * 76_000.0, rel=2e-3)
    assert floor_stop(due_world(600, -0.02)) == pytest.approx(far), "received funding is no budget"


def unit_loss(stop: float | None) -> float:
    assert stop is not None
    return 76_000.0 - stop


def test_a_rate_that_is_not_known_is_taken_for_paid_at_any_time() -> None:
    """Nobody can say when or what is due: the configured rate counts, far from any settlement."""
    known, silent = due_world(7_200, 0.0), due_world(7_200, 0.0)
    market = silent.kernel.state.markets[BTC]
    market.funding_frac, market.funding_interval_s = None, 0
    assert silent.kernel.policy.sizing.funding_assumed_frac == 0.0001
    nearer = unit_loss(floor_stop(known)) - unit_loss(floor_stop(silent))
    assert nearer == pytest.approx(0.0001 * 76_000.0, rel=5e-3)


def test_an_old_rate_counts_for_no_less_than_the_assumed_one() -> None:
    market = due_world(600, -0.02).kernel.state.markets[BTC]
    now_ns = market.funding_ns
    due = partial(funding_due, market, sign=1, assumed_8h_frac=0.0001)
    assert due(now_ns) == FundingDue(0.0, KNOWN), "longs receive it"
    later_ns = now_ns + 2 * 28_800 * NS_PER_S
    assert due(later_ns) == (pytest.approx(0.0001), LAST_KNOWN)
    market.funding_frac = 0.003
    assert due(later_ns) == FundingDue(0.003, LAST_KNOWN)
    market.funding_interval_s = 0
    assert due(now_ns) == FundingDue(0.0001, ASSUMED)


@pytest.mark.parametrize("hours", [1, 4, 8])
def test_fault_funding_due_each_eight_hours(hours: int) -> None:
    world = due_world(600, 0.001)
    market = world.kernel.state.markets[BTC]
    market.funding_interval_s = hours * 3_600
    eight_ns = 28_800 * NS_PER_S
    market.funding_ns = settled_ns = world.now_ns // eight_ns * eight_ns
    dues = [
        funding_due(market, settled_ns + minute * 60 * NS_PER_S, 1, 0.0001).frac
        for minute in range(1, hours * 60)
    ]
    assert sum(due > 0.0 for due in dues) == min(hours * 60 - 1, 60)
    assert dues[-1] == 0.001


def test_a_leg_that_cannot_pay_what_is_due_is_closed_before_the_settlement() -> None:
    """Under the floor by the payment alone: 8,200 USD less 2 % of 11,932 USD is less than 8,100."""
    assert floor_stop(due_world(3_601, 0.02, wallet="8200")) is not None
    assert floor_stop(due_world(600, 0.02, wallet="8200")) is None


def test_a_new_stop_is_placed_before_the_old_one_is_cancelled() -> None:
    world, effects = held_world()
    follow = world.accept_all(effects)
    (cut,) = orders_of(follow, Purpose.CUT)
    left = Decimal("0.657") - cut.qty
    out = fill(world, cut.client_order_id, OrderSide.SELL, str(cut.qty), "76000", "0")
    (newer,) = orders_of(out, Purpose.STOP)
    assert newer.qty == left
    assert not [e for e in out if type(e).__name__ == "CancelOrder"]
    after = world.accept_all(out)
    cancelled = [e.client_order_id for e in after if type(e).__name__ == "CancelOrder"]
    assert cancelled == [orders_of(effects)[0].client_order_id]


def test_would_trigger_at_once_closes_the_position() -> None:
    world, effects = held_world()
    (stop,) = orders_of(effects)
    ns = world.later(0.1)
    out = world.step(OrderRefused(ns, ns, stop.client_order_id, "-2021", "would trigger"))
    (close,) = orders_of(out)
    assert close.purpose is Purpose.FLATTEN
    assert close.qty == Decimal("0.657")


def test_no_working_stop_for_too_long_closes_the_position() -> None:
    world, effects = held_world()
    rules = world.kernel.policy.rules
    (stop,) = orders_of(effects)
    ns = world.later(0.1)
    world.step(OrderRefused(ns, ns, stop.client_order_id, "-1013", "filter"))
    out = world.mark(76_000.0, after_s=rules.stop_missing_s + 1.0)
    assert [o.purpose for o in orders_of(out)][-1] is Purpose.FLATTEN
    assert any("missing_stop" in text for text in decisions_of(out, "cut"))


def test_the_floor_hit_latches_until_rearmed() -> None:
    world, effects = held_world()
    (stop,) = orders_of(effects)
    world.accept_all(effects)
    world.mark(73_150.0)
    fill(world, stop.client_order_id, OrderSide.SELL, "0.657", "73080", "-1918")
    ns = world.now_ns
    out = world.step(WalletUpdate(ns, ns, Decimal(8_082), Decimal(-1_918), "ORDER"))
    assert world.kernel.state.latched
    assert world.kernel.state.mode is TradingMode.HALTED
    assert drawdown_frac(world.kernel.state) == pytest.approx(0.1918, abs=1e-3)
    assert any(isinstance(e, Notify) and e.kind == "latch" for e in out)


def test_an_unguarded_policy_does_nothing() -> None:
    world = World(policy(guard_on=False))
    world.account()
    found = position(LONG, "0.657", "76000", ns=world.now_ns + 10**9, margin="9980")
    assert orders_of(world.account("10000", [found])) == []


def test_stop_only_places_stops_and_never_cuts() -> None:
    guard = msgspec.structs.replace(GuardPolicy(), enforce=Enforce.STOP_ONLY)
    world, effects = held_world(guard=guard)
    assert [o.purpose for o in orders_of(effects)] == [Purpose.STOP]
    assert orders_of(world.accept_all(effects)) == []


def test_alert_only_sends_nothing_and_says_what_it_would_do() -> None:
    guard = msgspec.structs.replace(GuardPolicy(), enforce=Enforce.ALERT)
    _world, effects = held_world(guard=guard)
    assert not [e for e in effects if isinstance(e, SubmitOrder)]
    said = [e.text for e in effects if isinstance(e, Notify) and e.kind == "would_act"]
    assert len(said) == 1
    assert "stop at" in said[0]


@pytest.mark.parametrize(("profile", "multiple"), [("L20", 1.2), ("L25", 1.6), ("L30", 2.0)])
def test_profiles_set_exposure(profile: str, multiple: float) -> None:
    world, effects = held_world(guard=guard_of(profile))
    (cut,) = orders_of(world.accept_all(effects))
    left = float(Decimal("0.657") - cut.qty) * 76_000.0 / 10_000.0
    assert left == pytest.approx(multiple, abs=0.02)


def test_a_hand_close_lowers_and_a_hand_add_raises_the_users_quantity() -> None:
    world, _effects = held_world(qty="0.100")
    (leg,) = world.kernel.state.legs.values()
    assert leg.user_qty == Decimal("0.100")
    fill(world, "hand1", OrderSide.SELL, "0.040", "76000", "0")
    assert leg.user_qty == Decimal("0.060")
    fill(world, "hand2", OrderSide.BUY, "0.020", "76000", "0")
    assert leg.user_qty == Decimal("0.080")


def test_a_deposit_is_neither_gain_nor_loss() -> None:
    world, _effects = held_world(qty="0.100")
    world.mark(75_000.0)
    before = drawdown_frac(world.kernel.state)
    ns = world.later(1.0)
    world.step(WalletUpdate(ns, ns, Decimal(15_000), Decimal(5_000), "DEPOSIT"))
    assert drawdown_frac(world.kernel.state) == pytest.approx(before, rel=1e-9)


def test_released_margin_goes_back_so_that_liquidation_lies_behind_the_stop() -> None:
    world, effects = held_world()
    (cut,) = orders_of(world.accept_all(effects))
    out = fill(world, cut.client_order_id, OrderSide.SELL, str(cut.qty), "76000", "0")
    world.accept_all(out)
    left = Decimal("0.657") - cut.qty
    ns = world.now_ns
    margin = (Decimal(9980) * left / Decimal("0.657")).quantize(Decimal("0.01"))
    moved = world.step(
        PositionUpdate(ns, ns, position(LONG, str(left), "76000", ns=ns, margin=str(margin)))
    )
    given = [e for e in moved if type(e).__name__ == "AdjustMargin"]
    assert len(given) == 1
    assert given[0].amount_usd <= Decimal(9980) - margin


def test_a_slow_venue_is_no_reason_to_close() -> None:
    world, _effects = held_world(qty="0.100")
    out = world.mark(76_000.0, after_s=4.0)
    assert not orders_of(out, Purpose.FLATTEN), "the answer about the stop is still due"
    later = world.mark(76_000.0, after_s=8.0)
    assert orders_of(later, Purpose.FLATTEN), "but not for ever"


def test_a_guard_that_may_not_close_still_stops_when_the_budget_is_used_up() -> None:
    guard = msgspec.structs.replace(GuardPolicy(), enforce=Enforce.STOP_ONLY)
    world, effects = held_world(qty="0.657", guard=guard)
    world.accept_all(effects)
    out = world.candle(76_000, 76_000, 70_000, 70_000)
    stops = orders_of(out, Purpose.STOP)
    assert [float(s.trigger_price) for s in stops] == [pytest.approx(70_000 * 0.995, abs=0.2)]
