"""The command `hedge`: an entry like any other, with a stop, as much as the gate allows."""

from decimal import Decimal

import msgspec
import pytest

from bot.domain.market import FeedStatus
from bot.domain.messages import Answer, Command, Fill, TimerFired
from bot.domain.orders import OrderKind, OrderSide, PositionSide, Purpose
from bot.domain.policy import LimitPolicy
from bot.domain.units import ZERO
from bot.kernel.hedge_command import WHO
from tests.fakes.kernel_world import BTC, World, orders_of, policy, position


def ready(**changes: object) -> World:
    world = World(policy(**changes))
    world.warm()
    for stream in ("user", "market", "proof"):
        ns = world.later(0.1)
        world.step(FeedStatus(stream, "", ns, ns, live=True, reason="connected"))
    for _ in range(3):
        world.account("10000")
        world.mark(76_000.0)
        ns = world.later(1.0)
        world.step(TimerFired("second", ns, ns))
    return world


def hedge(world: World, *, operator: str = WHO, **args: str):
    ns = world.later(0.1)
    told = {"symbol": BTC, "side": "SHORT", "qty": "0.05", "stop_frac": "0.03", **args}
    out = world.step(
        Command(
            command_id=f"h{ns}", name="hedge", args=told, operator=operator, event_ns=ns,
            received_ns=ns,
        )
    )  # fmt: skip
    return next(e for e in out if isinstance(e, Answer)), orders_of(out)


def test_it_opens_through_the_gate_and_its_stop_follows_the_fill() -> None:
    world = ready()
    told, (order,) = hedge(world)
    assert told.accepted, told.text
    assert (order.purpose, order.side, order.qty) == (
        Purpose.ENTRY,
        OrderSide.SELL,
        Decimal("0.05"),
    )
    assert (order.kind, order.reduce_only) == (OrderKind.LIMIT, False)
    assert order.price is not None
    world.accept_all(world.effects[-1:])
    ns = world.later(0.1)
    out = world.step(
        Fill(
            event_ns=ns, received_ns=ns, symbol=BTC, side=OrderSide.SELL,
            position_side=PositionSide.SHORT, qty=order.qty, price=order.price, trade_id="f1",
            client_order_id=order.client_order_id, venue_order_id="v1", fee_usd=ZERO,
            realized_pnl_usd=ZERO, is_maker=False,
        )
    )  # fmt: skip
    (stop,) = orders_of(out, Purpose.STOP)
    assert (stop.qty, stop.side) == (order.qty, OrderSide.BUY)
    assert float(stop.trigger_price) == pytest.approx(76_000.0 * 1.03, rel=2e-3)


def test_what_the_cap_does_not_allow_is_halved_until_it_fits() -> None:
    world = ready(limits=msgspec.structs.replace(LimitPolicy(), notional_cap_default_usd=2_000.0))
    told, (order,) = hedge(world, qty="0.1")
    assert told.accepted
    assert order.qty == Decimal("0.025")
    told, orders = hedge(
        ready(limits=msgspec.structs.replace(LimitPolicy(), notional_cap_default_usd=500.0)),
        qty="0.1",
    )
    assert (told.accepted, orders) == (False, [])
    assert "limit 500" in told.text


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"operator": "me"}, "by the house alone"),
        ({"side": "UP"}, "needs side"),
        ({"qty": "-1"}, "needs side"),
        ({"qty": "0.0001"}, "under one lot"),
        ({"stop_frac": "0.5"}, "at most 0.2"),
        ({"symbol": "ETH/USDT:USDT"}, "not known"),
    ],
)
def test_what_is_no_hedge_is_refused_in_a_line(change: dict[str, str], said: str) -> None:
    told, orders = hedge(ready(), **change)
    assert (told.accepted, orders) == (False, [])
    assert said in told.text


def test_it_is_never_opened_beside_a_position_or_while_paused() -> None:
    world = ready()
    world.account("10000", [position(PositionSide.LONG, "0.01", "76000", ns=world.now_ns)])
    told, orders = hedge(world)
    assert (told.accepted, orders) == (False, [])
    paused = ready()
    paused.kernel.state.latched = True
    told, orders = hedge(paused)
    assert (told.accepted, orders) == (False, [])
    assert paused.kernel.state.legs == {} or all(
        leg.qty == ZERO for leg in paused.kernel.state.legs.values()
    )
