"""A trade is made of its own executions, in whatever order the venue tells of them."""

from decimal import Decimal

import pytest

from bot.domain.messages import Effect, Fill, Notify, PositionUpdate
from bot.domain.orders import OrderKind, OrderSide, OrderStatus, PositionSide, Purpose
from bot.kernel.snapshot import Leg, OrderBelief, Trade, leg_key
from tests.fakes.kernel_world import BTC, World, position

ENTRY = "bwtest0001-9-1"


def waiting_world() -> World:
    """A flat account whose entry was sent and whose answer was lost."""
    world = World()
    world.account("10000")
    ns = world.later(1.0)
    state = world.kernel.state
    state.orders[ENTRY] = OrderBelief(
        client_order_id=ENTRY, symbol=BTC, side=OrderSide.BUY,
        position_side=PositionSide.LONG, kind=OrderKind.LIMIT, purpose=Purpose.ENTRY,
        status=OrderStatus.UNKNOWN, qty=Decimal("0.1"), sent_ns=ns,
    )  # fmt: skip
    state.legs[leg_key(BTC, PositionSide.LONG)] = Leg(
        symbol=BTC, side=PositionSide.LONG, position_ns=ns,
        trade=Trade(
            trade_id="t1", strategy="test", signal_id="s1", symbol=BTC, side=PositionSide.LONG,
            stop_price=75_000.0, target_price=78_000.0, planned_qty=Decimal("0.1"),
            risk_usd=100.0, reason="a reason", opened_ns=ns, decision_id="d1",
            entry_client_id=ENTRY,
        ),
    )  # fmt: skip
    return world


def told(effects: list[Effect], kind: str) -> list[str]:
    return [e.text for e in effects if isinstance(e, Notify) and e.kind == kind]


def execute(
    world: World, cid: str, side: OrderSide, qty: str, ns: int, heard: list[Effect] | None = None
) -> Leg:
    effects = world.step(
        Fill(
            symbol=BTC, trade_id=f"{cid}{side}{ns}", client_order_id=cid, venue_order_id="9",
            side=side, position_side=None, qty=Decimal(qty), price=Decimal(76_000),
            fee_usd=Decimal(1), realized_pnl_usd=Decimal(0), is_maker=False, event_ns=ns,
            received_ns=world.later(0.1),
        )
    )  # fmt: skip
    if heard is not None:
        heard += effects
    return world.kernel.state.legs[leg_key(BTC, PositionSide.LONG)]


@pytest.mark.parametrize("stranger", ["hand1", "bwdead0001-4-1"])
def test_older_executions_read_late_take_nothing_from_a_waiting_entry(stranger: str) -> None:
    world = waiting_world()
    before_ns = world.now_ns - 20 * 10**9
    execute(world, stranger, OrderSide.BUY, "0.3", before_ns)
    leg = execute(world, stranger, OrderSide.SELL, "0.3", before_ns + 10**9)
    assert leg.qty == 0
    assert not leg.foreign
    assert leg.trade is not None
    assert leg.trade.entry_qty == leg.trade.exit_qty == leg.trade.fees_usd == 0
    leg = execute(world, ENTRY, OrderSide.BUY, "0.1", world.later(5.0))
    assert leg.qty == Decimal("0.1")
    assert leg.trade is not None
    assert leg.trade.entry_qty == Decimal("0.1")
    assert leg.user_qty == 0


def test_a_trade_ends_with_its_own_exit() -> None:
    world = waiting_world()
    execute(world, ENTRY, OrderSide.BUY, "0.1", world.later(1.0))
    leg = execute(world, "bwtest0001-10-1", OrderSide.SELL, "0.1", world.later(1.0))
    assert leg.trade is None
    (done,) = world.kernel.state.closed_trades
    assert done.exit_qty == done.entry_qty == Decimal("0.1")


def test_people_hear_of_a_trade_once_when_it_opens_and_once_when_it_closes() -> None:
    world = waiting_world()
    heard: list[Effect] = []
    execute(world, ENTRY, OrderSide.BUY, "0.06", world.later(1.0), heard)
    execute(world, ENTRY, OrderSide.BUY, "0.04", world.later(1.0), heard)
    (opened,) = told(heard, "opened")
    assert "test LONG 0.06 of 0.1 at 76000, stop 75000 (100.00 USD at risk)" in opened
    assert "a reason" in opened
    execute(world, "bwtest0001-10-1", OrderSide.SELL, "0.05", world.later(1.0), heard)
    assert told(heard, "closed") == []
    execute(world, "hand", OrderSide.SELL, "0.05", world.later(1.0), heard)
    (closed,) = told(heard, "closed")
    assert "test LONG closed: -4.00 USD (-0.04 R), costs counted, by hand" in closed
    assert len(told(heard, "opened")) == 1


def test_a_position_opened_by_hand_is_told_once_and_not_its_adds() -> None:
    world = World()
    world.account("10000")
    heard: list[Effect] = []
    execute(world, "hand1", OrderSide.BUY, "0.02", world.later(1.0), heard)
    execute(world, "hand2", OrderSide.BUY, "0.01", world.later(1.0), heard)
    assert told(heard, "adopt") == [
        f"{BTC}: LONG 0.02 at 76000 was opened by hand. It is guarded from now on; /positions "
        "shows its stop."
    ]


def test_a_position_that_came_and_went_unseen_frees_the_plan() -> None:
    """The entry is known to be filled, its execution never came, and the leg is flat again."""
    world = waiting_world()
    world.kernel.state.orders[ENTRY].status = OrderStatus.FILLED
    ns = world.later(1.0)
    world.step(PositionUpdate(ns, ns, position(PositionSide.LONG, "0.1", "76000", ns=ns)))
    leg = execute(world, "hand1", OrderSide.SELL, "0.1", world.later(1.0))
    assert leg.qty == 0
    assert leg.trade is None
    assert world.kernel.state.closed_trades == []
