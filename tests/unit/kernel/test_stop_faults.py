"""Faults other bots were seen to have with stops; each test fails where one is brought in."""

from decimal import Decimal

import pytest

from bot.domain.messages import CancelOrder, Effect, OrderRefused, OrderUpdate, TimerFired
from bot.domain.orders import OrderSide, OrderState, OrderStatus, PositionSide, Purpose
from bot.kernel.snapshot import OrderBelief
from tests.fakes.kernel_world import BTC, World, orders_of, position
from tests.unit.kernel.test_guard import fill

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT


class Venue:
    """What rests at the venue, told by effects in their order; tells the kernel what it did."""

    def __init__(self, world: World, answers: tuple[bool, ...] = (True,)) -> None:
        self.world = world
        self.resting: dict[str, Decimal] = {}
        self.least: Decimal | None = None
        self._answers = answers
        self._asked = 0

    def take(self, effects: list[Effect]) -> None:
        """Carry out what the kernel wants, and what follows from it, one by one."""
        queue = list(effects)
        while queue:
            effect = queue.pop(0)
            queue += self._cancel(effect) if isinstance(effect, CancelOrder) else []
            for order in orders_of([effect], Purpose.STOP):
                queue += self._place(order.client_order_id, order.qty)
            held = sum((leg.qty for leg in self.world.kernel.state.legs.values()), Decimal(0))
            if self.least is not None:
                self.least = min(self.least, sum(self.resting.values(), Decimal(0)) - held)

    def _place(self, order_id: str, qty: Decimal) -> list[Effect]:
        taken = self._answers[self._asked % len(self._answers)]
        self._asked += 1
        ns = self.world.later(0.1)
        if not taken:
            return self.world.step(OrderRefused(ns, ns, order_id, "-1001", "busy"))
        self.resting[order_id] = qty
        return self.world.step(self._told(order_id, OrderStatus.WORKING, ns))

    def _cancel(self, effect: CancelOrder) -> list[Effect]:
        if self.resting.pop(effect.client_order_id, None) is None:
            return []
        ns = self.world.later(0.1)
        return self.world.step(self._told(effect.client_order_id, OrderStatus.CANCELLED, ns))

    def _told(self, order_id: str, status: OrderStatus, ns: int) -> OrderUpdate:
        belief: OrderBelief = self.world.kernel.state.orders[order_id]
        state = OrderState(
            client_order_id=order_id, venue_order_id="v" + order_id, symbol=BTC,
            side=belief.side, kind=belief.kind, status=status, qty=belief.qty,
            filled_qty=Decimal(0), reduce_only=True, close_position=False, event_ns=ns,
            trigger_price=belief.trigger_price, trigger_by=belief.trigger_by,
        )  # fmt: skip
        return OrderUpdate(ns, ns, state)


def guarded(
    side: PositionSide, answers: tuple[bool, ...] = (True,), qty: str = "0.100"
) -> tuple[World, Venue]:
    world = World()
    world.account()
    venue = Venue(world, answers)
    found = position(side, qty, "76000", ns=world.now_ns + 10**9)
    venue.take(world.account("10000", [found]))
    assert sum(venue.resting.values()) == Decimal(qty)
    venue.least = Decimal(1)
    return world, venue


@pytest.mark.parametrize("side", [LONG, SHORT])
@pytest.mark.parametrize("answers", [(True,), (True, False), (True, False, False)])
def test_fault_cancel_then_create(side: PositionSide, answers: tuple[bool, ...]) -> None:
    """At no instant of many re-pricings does less rest at the venue than is held."""
    world, venue = guarded(side, answers)
    prices = [76_000.0 + side.sign * step for step in (500, 1_500, 900, 2_500, 3_000, 4_000)]
    for price in prices:
        venue.take(world.candle(price, price + 5, price - 5, price))
    placed = orders_of(world.effects, Purpose.STOP)
    assert len(placed) > 3, "the stop was moved"
    assert venue.least == 0


@pytest.mark.parametrize("side", [LONG, SHORT])
def test_fault_stop_quantity_does_not_follow(side: PositionSide) -> None:
    """Adds are covered at once, partial closes are trimmed, though the trigger stands still."""
    world, venue = guarded(side, qty="0.010")
    venue.take(fill(world, "hand1", side.entry, "0.003", "76000", "0"))
    assert sum(venue.resting.values()) >= Decimal("0.013")
    venue.take(fill(world, "hand2", side.exit, "0.005", "76000", "0"))
    for _ in range(3):
        world.later(5.0)
        venue.take(world.candle(76_000, 76_010, 75_990, 76_000))
    assert sum(venue.resting.values()) == Decimal("0.008")
    triggers = {order.trigger_price for order in orders_of(world.effects, Purpose.STOP)}
    assert len(triggers) == 1


@pytest.mark.parametrize("side", [LONG, SHORT])
def test_fault_stop_left_alive(side: PositionSide) -> None:
    """A stop whose position is gone would open the other way when it triggers."""
    world, venue = guarded(side)
    venue.take(fill(world, "hand", side.exit, "0.100", "76000", "0"))
    assert venue.resting == {}


def test_fault_a_stop_sent_while_the_position_closes_is_not_left_alive() -> None:
    """The stop is taken by the venue only after the position is gone."""
    world = World()
    world.account()
    found = position(LONG, "0.100", "76000", ns=world.now_ns + 10**9)
    effects = world.account("10000", [found])
    (late,) = orders_of(effects, Purpose.STOP)
    fill(world, "hand", OrderSide.SELL, "0.100", "76000", "0")
    venue = Venue(world)
    venue.take(effects)
    for _ in range(8):
        ns = world.later(1.0)
        venue.take(world.step(TimerFired("second", ns, ns)))
    assert late.client_order_id not in venue.resting
    assert venue.resting == {}
