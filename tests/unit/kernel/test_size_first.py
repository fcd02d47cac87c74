"""Near liquidation the loss budget's own cut comes first, and what a rule sold comes back.

A human opens 10x in a week whose days range as far as liquidation lies away: the budget cuts that
to a fraction anyway, and the margin that is released puts liquidation out of reach.
"""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.domain.messages import (
    AdjustMargin,
    Effect,
    Fill,
    MarginAdjusted,
    OrderUpdate,
    PositionUpdate,
    WalletUpdate,
)
from bot.domain.orders import (
    ApprovedOrder,
    OrderSide,
    OrderState,
    OrderStatus,
    PositionSide,
    Purpose,
)
from bot.domain.policy import Policy
from bot.domain.risk import Enforce
from bot.domain.units import NS_PER_H
from bot.kernel import allowance, ladder
from bot.kernel.plan import give_back
from bot.kernel.rules import liquidation_distance
from bot.kernel.view import held
from tests.fakes.kernel_world import BTC, World, decisions_of, orders_of, policy, position
from tests.unit.kernel.rules.rule_kit import Kit

LONG = PositionSide.LONG


def wild_kit(margin: str = "9900", a_policy: Policy | None = None) -> Kit:
    """1.3 BTC by hand, 9.9x: liquidation lies 9.7 % away, the day ranges over 8.4 %."""
    kit = Kit(a_policy, own=False)
    kit.leg.qty = kit.leg.user_qty = Decimal("1.3")
    kit.leg.isolated_margin_usd = Decimal(margin)
    kit.market.atr_1h = 1_300.0
    return kit


def test_a_step_gives_way_to_a_budget_cut_that_leaves_less() -> None:
    kit = wild_kit()
    found = liquidation_distance.demand(kit.view)
    assert found is not None
    assert found.size_first
    assert found.exposure_factor == 1.0
    assert found.blocks_entries
    assert found.measured < found.limit == 1.25
    assert ladder.judge(kit.desk, kit.view).factor == 1.0


def test_the_last_step_gives_way_to_nothing() -> None:
    kit = wild_kit()
    kit.market.atr_1h = 2_200.0
    found = liquidation_distance.demand(kit.view)
    assert found is not None
    assert found.exposure_factor == 0.0


def test_a_guard_that_may_not_cut_promises_no_cut() -> None:
    guard = msgspec.structs.replace(policy().guard, enforce=Enforce.STOP_ONLY)
    found = liquidation_distance.demand(wild_kit(a_policy=policy(guard=guard)).view)
    assert found is not None
    assert found.exposure_factor == 0.25


def test_a_small_leg_with_little_margin_is_cut_by_the_rule() -> None:
    """The budget has nothing to cut: the step stands."""
    kit = wild_kit()
    kit.leg.qty = kit.leg.user_qty = Decimal("0.05")
    kit.leg.isolated_margin_usd = Decimal(380)
    found = liquidation_distance.demand(kit.view)
    assert found is not None
    assert found.exposure_factor == 0.25


def test_margin_on_its_way_back_is_waited_for_and_not_longer() -> None:
    kit = wild_kit()
    leg = kit.leg
    leg.qty, leg.isolated_margin_usd = Decimal("0.15"), Decimal(1140)
    leg.released_usd, leg.last_cut_ns = Decimal(8_000), kit.state.now_ns
    found = liquidation_distance.demand(kit.view)
    assert found is not None
    assert found.size_first
    kit.mark(76_000.0, after_s=16.0)
    late = liquidation_distance.demand(kit.view)
    assert late is not None
    assert late.exposure_factor == 0.25


@settings(max_examples=200, deadline=None)
@given(
    atr=st.floats(50.0, 3_000.0), sigma_target=st.floats(0.01, 3.0),
    qty=st.floats(0.01, 1.5), times=st.floats(1.0, 40.0),
)  # fmt: skip
@example(atr=1_300.0, sigma_target=0.6, qty=1.3, times=10.0)
def test_never_more_than_the_step_leaves_of_what_is_held(
    atr: float, sigma_target: float, qty: float, times: float
) -> None:
    """Whoever cuts, what stays is at most the budget's size and the step's share of the leg."""
    guard = msgspec.structs.replace(policy().guard, sigma_target=sigma_target)
    kit = wild_kit(a_policy=policy(guard=guard))
    kit.leg.qty = kit.leg.user_qty = Decimal(repr(round(qty, 3)))
    kit.leg.isolated_margin_usd = Decimal(repr(round(76_000.0 * qty / times + 1.0, 2)))
    kit.market.atr_1h = atr
    steps = kit.desk.policy.rules.liq_distance_atr
    distance = kit.view.liq_distance_frac()
    ranges = distance * 76_000.0 / kit.view.atr_day if distance is not None else 1e9
    share = min((step.factor for step in steps if ranges <= step.enter), default=1.0)
    found = liquidation_distance.demand(kit.view)
    budget = allowance.target_qty(kit.view)
    if found is None:
        assert share == 1.0
    elif found.size_first:
        assert budget <= share * kit.view.qty
        assert kit.view.qty - budget > allowance.dead_band_qty(kit.view)
        assert share > 0.0
    else:
        assert found.exposure_factor == share


# ------------------------------------------------------------------ margin that goes back


def test_no_more_margin_goes_back_than_is_free() -> None:
    """What the cut lost came out of what it released."""
    kit = wild_kit()
    leg, state = kit.leg, kit.state
    leg.qty, leg.isolated_margin_usd = Decimal("0.15"), Decimal(1140)
    leg.released_usd, state.wallet_usd = Decimal(8_760), Decimal(1500)
    wish = give_back(kit.view, 70_000.0)
    assert wish is not None
    assert wish.amount_usd <= Decimal(360)
    assert leg.released_usd == Decimal(360)


def test_a_refused_return_is_not_asked_again_within_seconds() -> None:
    kit = wild_kit()
    leg = kit.leg
    leg.qty, leg.isolated_margin_usd = Decimal("0.15"), Decimal(1140)
    leg.released_usd = Decimal(8_000)
    leg.margin_asked_ns = kit.state.now_ns
    assert give_back(kit.view, 70_000.0) is None
    kit.mark(76_000.0, after_s=11.0)
    assert give_back(kit.view, 70_000.0) is not None


# ------------------------------------------------------------------ the whole way


class Venue:
    """Fills what is sent at the mark, releases margin pro rata, takes margin back."""

    def __init__(self, world: World, margin: Decimal, wallet: Decimal) -> None:
        self.world, self.margin, self.wallet = world, margin, wallet
        self.trades = 0

    def take(self, effects: list[Effect]) -> None:
        for _ in range(12):
            found = [e for e in effects if isinstance(e, AdjustMargin)]
            moves = (Purpose.CUT, Purpose.ENTRY)
            orders = [o for o in orders_of(effects) if o.purpose in moves]
            effects = self.world.accept_all(effects)
            for each in found:
                effects += self.add(each)
            for order in orders:
                effects += self.fill(order)
            if not effects:
                return

    def add(self, wish: AdjustMargin) -> list[Effect]:
        ns = self.world.later(0.05)
        done = wish.amount_usd <= self.wallet - self.margin
        if done:
            self.margin += wish.amount_usd
        out = self.world.step(
            MarginAdjusted(ns, ns, BTC, LONG, wish.amount_usd, done, "" if done else "-4050")
        )
        return out + self.tell(self.leg.qty)

    @property
    def leg(self):
        return next(iter(self.world.kernel.state.legs.values()))

    def fill(self, order: ApprovedOrder) -> list[Effect]:
        ns, before = self.world.later(0.05), self.leg.qty
        mark = Decimal(repr(self.world.kernel.state.markets[BTC].mark))
        grows = order.side is OrderSide.BUY
        qty = order.qty if grows else min(order.qty, before)
        after = before + qty if grows else before - qty
        self.margin = self.margin + qty * mark / 10 if grows else self.margin * after / before
        fee = (qty * mark * Decimal("0.0005")).quantize(Decimal("0.01"))
        self.wallet -= fee
        self.trades += 1
        filled = Fill(
            symbol=BTC, trade_id=f"t{self.trades}", client_order_id=order.client_order_id,
            venue_order_id="v", side=order.side, position_side=None, qty=qty, price=mark,
            fee_usd=fee, realized_pnl_usd=Decimal(0), is_maker=False, event_ns=ns, received_ns=ns,
        )  # fmt: skip
        told = OrderState(
            client_order_id=order.client_order_id, venue_order_id="v", symbol=BTC, side=order.side,
            kind=order.kind, status=OrderStatus.FILLED, qty=order.qty, filled_qty=order.qty,
            reduce_only=order.reduce_only, close_position=False, event_ns=ns,
        )  # fmt: skip
        out = self.world.step(filled) + self.world.step(OrderUpdate(ns, ns, told))
        out += self.world.step(WalletUpdate(ns, ns, self.wallet, -fee, "ORDER"))
        return out + self.tell(after)

    def tell(self, qty: Decimal) -> list[Effect]:
        ns = self.world.later(0.01)
        margin = self.margin.quantize(Decimal("0.01"))
        place = position(LONG, str(qty), "76000", ns=ns, margin=str(margin))
        return self.world.step(PositionUpdate(ns, ns, msgspec.structs.replace(place, leverage=10)))


def wild_world(a_policy: Policy) -> tuple[World, Venue]:
    world = World(a_policy)
    world.warm(span=1_300.0)
    world.account()
    ns = world.later(1.0)
    shown = position(LONG, "1.300", "76000", ns=ns, margin="9900")
    shown = msgspec.structs.replace(shown, leverage=10)
    venue = Venue(world, Decimal(9_900), Decimal(10_000))
    venue.take(world.account("10000", [shown]))
    return world, venue


def test_ten_times_in_a_wild_week_becomes_the_budgets_size() -> None:
    world, venue = wild_world(policy())
    (view,) = held(world.kernel.state, world.kernel.policy)
    assert view.qty == pytest.approx(allowance.target_qty(view), rel=0.05)
    told = decisions_of(world.effects, "cut")
    assert len(told) == 1
    assert venue.margin > Decimal(2_000), "its margin came back"
    venue.take(world.candle(76_000, 76_650, 75_350, 76_000))
    assert liquidation_distance.demand(held(world.kernel.state, world.kernel.policy)[0]) is None
    assert ladder.ladder_of(world.kernel.state, view).factor == 1.0


def test_what_the_rule_sold_is_bought_back_after_its_time() -> None:
    """The budget had cut 1.3 to 0.16; a tenth of 1.3 is no measure of what the rule then sold."""
    world = World()
    world.warm(span=400.0)
    world.account()
    shown = position(LONG, "0.160", "76000", ns=world.later(1.0), margin="1190")
    venue = Venue(world, Decimal(1_190), Decimal(10_000))
    venue.take(world.account("10000", [msgspec.structs.replace(shown, leverage=10)]))
    leg = venue.leg
    leg.user_qty = Decimal("1.300")
    world.kernel.state.markets[BTC].atr_1h = 1_300.0
    venue.take(world.mark(75_990.0))
    cut_qty, since_ns = leg.qty, world.now_ns
    assert Decimal(0) < cut_qty < Decimal("0.05")
    assert leg.ruled_qty == Decimal("0.16")
    assert allowance.dead_band_qty(held(world.kernel.state, world.kernel.policy)[0]) > 0.12
    back_ns = 0
    for _ in range(20 * 12):
        venue.take(world.candle(76_000, 76_080, 75_920, 76_000))
        if leg.qty > cut_qty and not back_ns:
            back_ns = world.now_ns
    assert back_ns - since_ns >= 4 * NS_PER_H
    assert Decimal("0.144") <= leg.qty <= Decimal("0.16"), "no more than the budget had left of it"
