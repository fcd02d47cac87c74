"""Stops are trimmed without churn, and a stop that fires is not doubled."""

from decimal import Decimal

import msgspec
import pytest

from bot.domain.market import FeedStatus
from bot.domain.messages import (
    CancelOrder,
    Effect,
    FetchFills,
    FillsFailed,
    OrderRefused,
    OrderUpdate,
    TimerFired,
)
from bot.domain.orders import (
    OrderKind,
    OrderSide,
    OrderState,
    OrderStatus,
    PositionSide,
    Purpose,
    TriggerBy,
)
from bot.kernel.snapshot import OrderBelief
from tests.fakes.kernel_world import BTC, World, orders_of, position
from tests.unit.kernel.test_guard import fill


def stop_state(world: World, order_id: str, status: OrderStatus) -> OrderUpdate:
    belief = world.kernel.state.orders[order_id]
    ns = world.later(0.1)
    return OrderUpdate(
        ns,
        ns,
        OrderState(
            client_order_id=order_id, venue_order_id="v", symbol=BTC, side=belief.side,
            kind=OrderKind.STOP_MARKET, status=status, qty=belief.qty, filled_qty=Decimal(0),
            reduce_only=True, close_position=False, event_ns=ns,
            trigger_price=belief.trigger_price, trigger_by=TriggerBy.MARK,
        ),
    )  # fmt: skip


def guarded_world(qty: str) -> tuple[World, str]:
    world = World()
    world.account()
    found = position(PositionSide.LONG, qty, "76000", ns=world.now_ns + 10**9)
    effects = world.account("10000", [found])
    world.accept_all(effects)
    (stop,) = orders_of(effects, Purpose.STOP)
    return world, stop.client_order_id


def test_a_stop_larger_than_the_position_is_replaced_once_and_then_left_alone() -> None:
    world, first = guarded_world("0.100")
    closed = fill(world, "hand", OrderSide.SELL, "0.040", "76000", "0")
    world.accept_all(closed)
    (newer,) = orders_of(closed, Purpose.STOP)
    assert newer.qty == Decimal("0.060")
    cancels = [e.client_order_id for e in world.effects if isinstance(e, CancelOrder)]
    assert cancels == [first]
    world.step(stop_state(world, first, OrderStatus.CANCELLED))
    for _ in range(3):
        assert orders_of(world.candle(76_000, 76_010, 75_990, 76_000)) == []


def test_a_stop_that_fires_is_not_doubled() -> None:
    world, stop_id = guarded_world("0.100")
    out = world.step(stop_state(world, stop_id, OrderStatus.TRIGGERING))
    assert orders_of(out) == []


def test_a_stop_stuck_triggering_is_replaced_or_closed() -> None:
    world, stop_id = guarded_world("0.100")
    world.step(stop_state(world, stop_id, OrderStatus.TRIGGERING))
    world.later(4.0)
    first = world.mark(75_900.0)
    later = world.mark(75_900.0, after_s=4.0)
    purposes = {o.purpose for o in orders_of([*first, *later])}
    assert purposes & {Purpose.STOP, Purpose.FLATTEN}


def test_the_orders_of_a_gone_position_are_swept() -> None:
    world, stop_id = guarded_world("0.100")
    out = fill(world, "hand", OrderSide.SELL, "0.100", "76000", "0")
    cancelled = [e.client_order_id for e in out if isinstance(e, CancelOrder)]
    assert cancelled == [stop_id]


def test_an_orphan_of_another_life_is_cancelled() -> None:
    world = World()
    ns = world.now_ns
    orphan = OrderState(
        client_order_id="bwdead0001-5-1", venue_order_id="7", symbol=BTC, side=OrderSide.SELL,
        kind=OrderKind.STOP_MARKET, status=OrderStatus.WORKING, qty=Decimal("0.1"),
        filled_qty=Decimal(0), reduce_only=True, close_position=False, event_ns=ns,
        trigger_price=Decimal(70_000), trigger_by=TriggerBy.MARK,
    )  # fmt: skip
    foreign = msgspec.structs.replace(orphan, client_order_id="hand-stop")
    world.account("10000", [], [orphan, foreign])
    ns = world.later(10.0)
    out = world.step(TimerFired("second", ns, ns))
    cancelled = [e.client_order_id for e in out if isinstance(e, CancelOrder)]
    assert cancelled == ["bwdead0001-5-1"]


def conditional(order_id: str, ns: int) -> OrderState:
    return OrderState(
        client_order_id=order_id, venue_order_id=order_id, symbol=BTC, side=OrderSide.SELL,
        kind=OrderKind.STOP_MARKET, status=OrderStatus.WORKING, qty=Decimal("0.1"),
        filled_qty=Decimal(0), reduce_only=True, close_position=False, event_ns=ns,
        trigger_price=Decimal(70_000), trigger_by=TriggerBy.MARK,
    )  # fmt: skip


def test_an_entry_of_unknown_end_keeps_later_stops_and_no_older_ones() -> None:
    world = World()
    world.account("10000", [], [conditional("bwdead0001-5-1", world.now_ns)])
    ns = world.later(1.0)
    world.kernel.state.orders["bwtest0001-9-1"] = OrderBelief(
        client_order_id="bwtest0001-9-1", symbol=BTC, side=OrderSide.BUY,
        position_side=PositionSide.LONG, kind=OrderKind.LIMIT, purpose=Purpose.ENTRY,
        status=OrderStatus.UNKNOWN, qty=Decimal("0.1"), sent_ns=ns,
    )  # fmt: skip
    world.account("10000", [], [conditional("bwtest0001-c1", world.now_ns)])
    ns = world.later(10.0)
    out = world.step(TimerFired("second", ns, ns))
    cancelled = [e.client_order_id for e in out if isinstance(e, CancelOrder)]
    assert cancelled == ["bwdead0001-5-1"]


def test_only_the_market_stream_speaks_for_prices() -> None:
    world = World()
    for stream, live in (("book", False), ("trades", False)):
        ns = world.later(1.0)
        world.step(FeedStatus(stream, "", ns, ns, live=live, reason="test"))
    assert world.kernel.state.markets[BTC].feed_live
    ns = world.later(1.0)
    world.step(FeedStatus("market", "", ns, ns, live=False, reason="test"))
    ns = world.later(1.0)
    world.step(FeedStatus("book", "", ns, ns, live=True, reason="test"))
    assert not world.kernel.state.markets[BTC].feed_live


def test_a_reconnected_account_stream_asks_for_missed_executions() -> None:
    world, _stop = guarded_world("0.100")
    fill(world, "hand", OrderSide.SELL, "0.040", "76000", "0")
    seen_ns = world.now_ns
    ns = world.later(60.0)
    out = world.step(FeedStatus("user", "", ns, ns, live=True, reason="reconnected"))
    assert [(e.symbol, e.since_ns) for e in out if isinstance(e, FetchFills)] == [(BTC, seen_ns)]
    ns = world.later(1.0)
    world.step(FillsFailed(ns, ns, BTC, seen_ns, "timeout"))
    ns = world.later(1.0)
    again = world.step(TimerFired("reconcile", ns, ns))
    assert [(e.symbol, e.since_ns) for e in again if isinstance(e, FetchFills)] == [(BTC, seen_ns)]


def refuse_stops(world: World, effects: list[Effect], code: str) -> list[Effect]:
    out: list[Effect] = []
    for order in orders_of(effects, Purpose.STOP):
        ns = world.later(0.1)
        out += world.step(OrderRefused(ns, ns, order.client_order_id, code, "test"))
    return out


def seconds(world: World, count: int, code: str) -> list[Effect]:
    """Let seconds pass in which every stop is refused with `code`."""
    seen: list[Effect] = []
    for _ in range(count):
        ns = world.later(1.0)
        out = world.step(TimerFired("second", ns, ns))
        seen += [*out, *refuse_stops(world, out, code)]
    return seen


@pytest.mark.parametrize("code", ["throttled", "unreachable"])
def test_what_could_not_be_sent_gives_no_position_up(code: str) -> None:
    world = World()
    world.account()
    found = position(PositionSide.LONG, "0.100", "76000", ns=world.now_ns + 10**9)
    refuse_stops(world, world.account("10000", [found]), code)
    cut_off = seconds(world, 40, code)
    assert orders_of(cut_off, Purpose.FLATTEN) == []
    assert len(orders_of(cut_off, Purpose.STOP)) > 10, "it is tried again and again"
    refused = seconds(world, 5, "-1013")
    assert orders_of(refused, Purpose.FLATTEN), "what the venue itself refuses is closed"


def test_a_stop_as_far_away_as_may_be_does_not_follow_every_move() -> None:
    world, stop_id = guarded_world("0.010")
    trigger = world.kernel.state.orders[stop_id].trigger_price
    assert trigger is not None
    assert float(trigger) == pytest.approx(76_000 * 0.4, rel=1e-3)
    for price in (76_200, 76_400, 76_300, 76_100):
        assert orders_of(world.candle(price, price + 10, price - 10, price)) == []
    (moved,) = orders_of(world.candle(78_500, 78_510, 78_490, 78_500), Purpose.STOP)
    assert float(moved.trigger_price or 0) == pytest.approx(78_500 * 0.4, rel=1e-3)
