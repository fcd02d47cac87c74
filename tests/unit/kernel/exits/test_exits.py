"""Targets in parts, the time of a trade, and its own exits where the guard is off."""

from decimal import Decimal

import pytest

from bot.domain.messages import Fill, OrderRefused, OrderUpdate, PositionUpdate
from bot.domain.orders import OrderSide, OrderState, OrderStatus, PositionSide, Purpose
from bot.domain.strategy import Exits
from bot.kernel.snapshot import Leg, Trade, leg_key
from tests.fakes.kernel_world import BTC, World, decisions_of, orders_of, policy, position

ENTRY = "bwtest0001-9-1"
SIDES = pytest.mark.parametrize("side", list(PositionSide))


class Held:
    """A strategy's trade of one coin at 76,000 whose stop works at the venue."""

    def __init__(self, side: PositionSide, exits: Exits, *, guard: bool = True, qty: str = "0.1"):
        self.side, self.sign = side, side.sign
        self.world = World(policy(guard_on=guard))
        self.world.account("10000")
        ns = self.world.later(1.0)
        self.world.kernel.state.legs[leg_key(BTC, side)] = Leg(
            symbol=BTC, side=side, position_ns=ns,
            trade=Trade(
                trade_id="t1", strategy="test", signal_id="s1", symbol=BTC, side=side,
                stop_price=self.at(-1_000), target_price=self.at(3_000),
                planned_qty=Decimal(qty), risk_usd=100.0, reason="a reason", opened_ns=ns,
                decision_id="d1", entry_client_id=ENTRY, exits=exits,
            ),
        )  # fmt: skip
        effects = self.fill(ENTRY, side.entry, qty)
        ns = self.world.now_ns
        effects += self.world.step(PositionUpdate(ns, ns, position(side, qty, "76000", ns=ns)))
        (stop,) = orders_of(effects, Purpose.STOP)
        self.stop = stop
        self.effects = self.works(stop)

    def at(self, gain: float) -> float:
        return 76_000.0 + self.sign * gain

    def fill(self, cid: str, side: OrderSide, qty: str):
        ns = self.world.later(0.1)
        return self.world.step(
            Fill(
                symbol=BTC, trade_id=f"{cid}{ns}", client_order_id=cid, venue_order_id="9",
                side=side, position_side=None, qty=Decimal(qty), price=Decimal(76_000),
                fee_usd=Decimal(1), realized_pnl_usd=Decimal(0), is_maker=False, event_ns=ns,
                received_ns=ns,
            )
        )  # fmt: skip

    def works(self, *orders):
        """Let the venue say that orders work; return what the kernel wants after that."""
        out = []
        for order in orders:
            ns = self.world.later(0.1)
            state = OrderState(
                client_order_id=order.client_order_id, symbol=BTC, side=order.side,
                kind=order.kind, status=OrderStatus.WORKING, qty=order.qty, event_ns=ns,
                filled_qty=Decimal(0),
                trigger_price=order.trigger_price, trigger_by=order.trigger_by,
                reduce_only=True, close_position=False, venue_order_id=f"v{order.client_order_id}",
            )  # fmt: skip
            out += self.world.step(OrderUpdate(ns, ns, state))
        return out

    def targets(self, effects=None):
        found = orders_of(self.effects if effects is None else effects, Purpose.TARGET)
        return [(self.sign * (float(o.trigger_price) - 76_000.0), o.qty) for o in found]

    def bar(self, gain: float, *, seconds: int = 300):
        price = self.at(gain)
        return self.world.candle(price, price, price, price, seconds=seconds)


@SIDES
def test_parts_are_taken_at_the_nearer_targets_and_the_rest_at_the_last(side) -> None:
    held = Held(side, Exits(partials=(76_000.0 + side.sign * 1_000, 76_000.0 + side.sign * 2_000)))
    assert held.targets() == [
        (1_000.0, Decimal("0.033")), (2_000.0, Decimal("0.033")), (3_000.0, Decimal("0.1"))
    ]  # fmt: skip


@SIDES
def test_after_a_part_only_what_is_left_keeps_its_targets(side) -> None:
    held = Held(side, Exits(partials=(76_000.0 + side.sign * 1_000,)))
    first, last = orders_of(held.effects, Purpose.TARGET)
    assert (first.qty, last.qty) == (Decimal("0.05"), Decimal("0.1"))
    held.works(first, last)
    held.world.mark(held.at(1_010))
    held.fill(first.client_order_id, side.exit, "0.05")
    held.world.kernel.state.orders[first.client_order_id].status = OrderStatus.FILLED
    assert held.targets(held.bar(1_050)) == [(3_000.0, Decimal("0.05"))]


@SIDES
def test_a_cut_by_a_rule_counts_as_the_next_part(side) -> None:
    held = Held(side, Exits(partials=(76_000.0 + side.sign * 1_000,)))
    held.works(*orders_of(held.effects, Purpose.TARGET))
    held.fill("bwtest0001-77-1", side.exit, "0.06")
    assert held.targets(held.bar(100)) == [(3_000.0, Decimal("0.04"))]


def test_what_is_too_small_to_be_parted_is_closed_at_the_last_target() -> None:
    held = Held(PositionSide.LONG, Exits(partials=(77_000.0, 78_000.0)), qty="0.002")
    assert held.targets() == [(3_000.0, Decimal("0.002"))]


@SIDES
def test_a_refused_part_closes_nothing_else(side) -> None:
    held = Held(side, Exits(partials=(76_000.0 + side.sign * 1_000,)))
    first, last = orders_of(held.effects, Purpose.TARGET)
    ns = held.world.later(0.1)
    refused = OrderRefused(ns, ns, first.client_order_id, "-2021", "would trigger at once")
    assert orders_of(held.world.step(refused), Purpose.FLATTEN) == []
    refused = OrderRefused(ns, ns, last.client_order_id, "-2021", "would trigger at once")
    (close,) = orders_of(held.world.step(refused), Purpose.FLATTEN)
    assert close.qty == Decimal("0.1")


@SIDES
@pytest.mark.parametrize("guard", [True, False])
def test_a_trade_is_closed_when_its_time_is_over_and_not_before(side, guard) -> None:
    held = Held(side, Exits(life_s=3_600.0), guard=guard)
    assert orders_of(held.bar(10, seconds=3_000), Purpose.FLATTEN) == []
    effects = held.bar(10, seconds=700)
    (close,) = orders_of(effects, Purpose.FLATTEN)
    assert (close.qty, close.side, close.reduce_only) == (Decimal("0.1"), side.exit, True)
    assert "its time is over" in decisions_of(effects, "time_stop")[0]
    assert orders_of(held.bar(10, seconds=1), Purpose.FLATTEN) == []


@SIDES
def test_without_the_guard_a_trade_keeps_its_own_stop_and_targets(side) -> None:
    held = Held(side, Exits(partials=(76_000.0 + side.sign * 1_000,)), guard=False)
    assert float(held.stop.trigger_price) == held.at(-1_000)
    assert [gain for gain, _ in held.targets()] == [1_000.0, 3_000.0]
    assert held.world.kernel.state.ladders == {}


@SIDES
@pytest.mark.parametrize("guard", [True, False])
def test_the_trades_own_rule_moves_its_stop_to_break_even(side, guard) -> None:
    held = Held(side, Exits(break_even_r=1.0), guard=guard)
    held.bar(900)
    trade = held.world.kernel.state.legs[leg_key(BTC, side)].trade
    assert trade.stop_price == held.at(-1_000)
    moved = orders_of(held.bar(1_100), Purpose.STOP)
    assert held.sign * (trade.stop_price - 76_000.0) > 0.0
    assert [float(order.trigger_price) for order in moved] == [pytest.approx(trade.stop_price)]
