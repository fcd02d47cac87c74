"""Readings that lack what is held: silence is not a close, and a position that is back is held."""

from decimal import Decimal

import pytest

from bot.domain.messages import (
    CancelOrder,
    Fill,
    Notify,
    OrderAccepted,
    SubmitOrder,
    TimerFired,
)
from bot.domain.orders import OrderSide, PositionSide, Purpose
from bot.domain.risk import Severity
from bot.domain.units import NS_PER_S, ZERO
from bot.kernel.snapshot import leg_key
from tests.fakes.kernel_world import BTC, World, orders_of, position

KEY = leg_key(BTC, PositionSide.LONG)


def held(world: World) -> Decimal:
    leg = world.kernel.state.legs.get(KEY)
    return leg.qty if leg is not None else ZERO


def test_a_position_that_two_readings_lacked_is_believed_when_it_is_shown_again() -> None:
    world = World()
    kept = position(PositionSide.LONG, "0.05", "76000", ns=world.now_ns)
    world.account(positions=[kept])
    world.account()
    assert held(world) == kept.qty, "one reading without it says nothing"
    world.account()
    assert held(world) == ZERO
    again = world.account(positions=[kept])
    assert held(world) == kept.qty, "the venue dates a position by its last change, not its reading"
    assert orders_of(again, Purpose.STOP), "and it is protected anew"


def test_a_stop_outlives_a_moment_of_empty_readings() -> None:
    world = World()
    kept = position(PositionSide.LONG, "0.05", "76000", ns=world.now_ns)
    (stop,) = orders_of(world.account(positions=[kept]), Purpose.STOP)
    ns = world.later(1.0)
    world.step(OrderAccepted(ns, ns, stop.client_order_id, "v1"))
    cancelled: dict[str, float] = {}
    began_ns = world.now_ns
    for _ in range(40):
        ns = world.later(0.5)
        for effect in world.account() + world.step(TimerFired("second", ns, ns)):
            if isinstance(effect, CancelOrder):
                after_s = (world.now_ns - began_ns) / 1e9
                cancelled.setdefault(effect.client_order_id, after_s)
    assert set(cancelled) == {stop.client_order_id}
    assert 15.0 <= cancelled[stop.client_order_id] <= 20.0, "it is swept, but not at once"


def test_a_reading_older_than_the_silence_brings_nothing_back() -> None:
    world = World()
    kept = position(PositionSide.LONG, "0.05", "76000", ns=world.now_ns)
    world.account(positions=[kept])
    old_ns = world.now_ns
    world.account()
    world.account()
    now_ns, world.now_ns = world.now_ns, old_ns - 1_000_000_000
    world.account(positions=[kept])
    world.now_ns = now_ns
    assert held(world) == ZERO


def test_our_own_liquidation_is_counted_told_and_leaves_nothing_open() -> None:
    world = World()
    kept = position(PositionSide.LONG, "0.05", "76000", ns=world.now_ns)
    stop = orders_of(world.account(positions=[kept]), Purpose.STOP)[0]
    ns = world.later(1.0)
    world.step(OrderAccepted(ns, ns, stop.client_order_id, "v1"))
    forced = Fill(
        symbol=BTC, trade_id="9", client_order_id="autoclose-1", venue_order_id="v2",
        side=OrderSide.SELL, position_side=None, qty=kept.qty, price=Decimal(70_000),
        fee_usd=Decimal(40), realized_pnl_usd=Decimal(-300), is_maker=False,
        event_ns=world.later(1.0), received_ns=world.now_ns, is_liquidation=True,
    )  # fmt: skip
    effects = world.step(forced)
    assert held(world) == ZERO
    assert world.kernel.state.books.liquidations == 1
    told = [e for e in effects if isinstance(e, Notify) and e.kind == "liquidation"]
    assert [notice.severity for notice in told] == [Severity.CRITICAL]
    cancelled = [e.client_order_id for e in effects if isinstance(e, CancelOrder)]
    assert cancelled == [stop.client_order_id]


def past(world: World, number: int, side: OrderSide, ago_s: float) -> Fill:
    """An execution that the account had seen long ago, read by a life that knows nothing of it."""
    return Fill(
        symbol=BTC, trade_id=str(number), client_order_id=f"bwearlier-{number}-1",
        venue_order_id=f"v{number}", side=side, position_side=None, qty=Decimal("0.045"),
        price=Decimal(76_000), fee_usd=Decimal(1), realized_pnl_usd=Decimal(0), is_maker=False,
        event_ns=world.now_ns - int(ago_s * NS_PER_S), received_ns=world.now_ns,
    )  # fmt: skip


@pytest.mark.parametrize("oldest_s", [9.0, 4.0, 2.5])
@pytest.mark.parametrize(
    "sides",
    [
        (OrderSide.BUY, OrderSide.SELL),
        (OrderSide.SELL, OrderSide.BUY),
        (OrderSide.SELL,),
        (OrderSide.BUY, OrderSide.SELL, OrderSide.SELL, OrderSide.BUY),
    ],
)
def test_executions_of_an_earlier_life_open_nothing_and_send_nothing(
    sides: tuple[OrderSide, ...], oldest_s: float
) -> None:
    """However the round trip lies before the reading: half of one must not look like a position."""
    world = World()
    world.account()
    events = [past(world, n, side, oldest_s - 0.8 * n) for n, side in enumerate(sides)]
    told = [effect for event in events for effect in world.step(event)]
    assert not any(isinstance(effect, SubmitOrder) for effect in told)
    assert all(leg.qty == ZERO for leg in world.kernel.state.legs.values())
    assert world.kernel.state.books.fees_usd == len(sides), "they are counted all the same"


def test_an_execution_after_the_reading_is_believed_and_protected() -> None:
    world = World()
    world.account()
    world.later(1.0)
    effects = world.step(past(world, 1, OrderSide.BUY, 0.5))
    assert held(world) == Decimal("0.045")
    assert orders_of(effects, Purpose.STOP)
