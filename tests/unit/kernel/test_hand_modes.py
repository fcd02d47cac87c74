"""Modes of positions opened by hand: what the guard does, what it only tells, what it keeps."""

from decimal import Decimal

import msgspec
import pytest

from bot.domain.messages import Answer, CancelOrder, Command, Effect, Notify, PositionUpdate
from bot.domain.orders import OrderStatus, PositionSide, Purpose
from bot.domain.policy import LimitPolicy
from bot.domain.risk import HandMode
from bot.kernel.step import Kernel
from tests.fakes.kernel_world import BTC, World, decisions_of, orders_of, policy, position

LONG = PositionSide.LONG
KEY = f"{BTC}|LONG"


def command(world: World, **args: str) -> list[Effect]:
    ns = world.later(1.0)
    given = {"symbol": BTC, "side": "long", **args}
    return world.step(
        Command(
            command_id=f"c{ns}", name="mode", args=given, operator="me", event_ns=ns,
            received_ns=ns,
        )
    )  # fmt: skip


def held(qty: str = "0.1", margin: str = "1500", **changes: object) -> World:
    world = World(policy(**changes))
    world.warm()
    world.account()
    found = position(LONG, qty, "76000", ns=world.now_ns + 10**9, margin=margin)
    world.accept_all(world.account("10000", [found]))
    return world


def answer_of(effects: list[Effect]) -> Answer:
    (found,) = [e for e in effects if isinstance(e, Answer)]
    return found


def test_panic_closes_now_and_then_stays_shut_to_strategies() -> None:
    world = held()
    effects = command(world, mode="panic")
    (close,) = orders_of(effects)
    assert (close.purpose, close.qty) == (Purpose.FLATTEN, Decimal("0.1"))
    ns = world.later(1.0)
    world.step(PositionUpdate(ns, ns, position(LONG, "0", "0", ns=ns)))
    assert world.kernel.state.hand_orders[KEY].mode is HandMode.GRACEFUL_STOP
    ns = world.later(60.0)
    again = world.step(PositionUpdate(ns, ns, position(LONG, "0.1", "76000", ns=ns, margin="1500")))
    assert orders_of(again, Purpose.FLATTEN) == [], "what is opened later is not slammed shut"


def test_a_panic_that_was_not_filled_is_sent_again() -> None:
    world = held()
    (close,) = orders_of(command(world, mode="panic"))
    world.kernel.state.orders[close.client_order_id].status = OrderStatus.REJECTED
    assert orders_of(world.mark(76_000.0, after_s=2.0), Purpose.FLATTEN)


def test_manual_only_tells_what_the_rules_would_do() -> None:
    normal, manual = held(margin="400"), held(margin="400")
    command(manual, mode="manual")
    seen = {}
    for name, world in (("normal", normal), ("manual", manual)):
        out = []
        for _ in range(3):
            out += world.mark(72_600.0, after_s=61.0)
        seen[name] = out
    assert orders_of(seen["normal"], Purpose.CUT) + orders_of(seen["normal"], Purpose.FLATTEN)
    assert not orders_of(seen["manual"], Purpose.CUT)
    assert not orders_of(seen["manual"], Purpose.FLATTEN)
    assert [e for e in seen["manual"] if isinstance(e, Notify) and e.kind == "would_act"]


def test_manual_keeps_the_loss_budget() -> None:
    world = World(policy())
    world.account()
    command(world, mode="manual")
    found = position(LONG, "0.657", "76000", ns=world.now_ns + 10**9, margin="9980")
    effects = world.account("10000", [found])
    assert orders_of(effects, Purpose.STOP), "the floor stop rests"
    assert orders_of(world.accept_all(effects), Purpose.CUT), "and exposure fits the budget"


def test_tp_only_needs_a_target_on_the_profit_side_and_keeps_one_order_there() -> None:
    world = held()
    assert not answer_of(command(world, mode="tp_only")).accepted
    refused = answer_of(command(world, mode="tp_only", target="75000"))
    assert not refused.accepted
    assert "above" in refused.text
    (target,) = orders_of(command(world, mode="tp_only", target="79000"))
    assert (target.purpose, target.trigger_price) == (Purpose.TARGET, Decimal(79000))
    assert target.reduce_only
    world.accept_all([e for e in world.effects if orders_of([e]) == [target]])
    effects = command(world, mode="tp_only", target="80000")
    assert [e.client_order_id for e in effects if isinstance(e, CancelOrder)] == [
        target.client_order_id
    ]


@pytest.mark.parametrize(
    ("args", "word"),
    [
        ({"mode": "calm"}, "known: normal"),
        ({"mode": "manual", "side": "up"}, "long or short"),
        ({"mode": "manual", "symbol": "XRP/USDT:USDT"}, "known: BTC"),
        ({"mode": "tp_only", "target": "nan"}, "--target"),
        ({"mode": "tp_only", "target": "-1"}, "--target"),
    ],
)
def test_nonsense_is_refused_in_one_line(args: dict[str, str], word: str) -> None:
    found = answer_of(command(held(), **args))
    assert not found.accepted
    assert word in found.text
    assert "\n" not in found.text


def test_a_mode_is_told_and_survives_a_restart() -> None:
    world = held()
    effects = command(world, mode="manual")
    assert "normal -> manual" in decisions_of(effects, "command")[0]
    again = Kernel(policy(), [], "test0002")
    again.restore_account(world.kernel.freeze())
    assert again.state.hand_orders[KEY].mode is HandMode.MANUAL


def test_the_configuration_names_a_mode_until_one_is_commanded() -> None:
    limits = msgspec.structs.replace(LimitPolicy(), hand_modes={KEY: HandMode.MANUAL})
    world = held(margin="400", limits=limits)
    out = []
    for _ in range(3):
        out += world.mark(72_600.0, after_s=61.0)
    assert not orders_of(out, Purpose.CUT)
    assert orders_of(command(world, mode="normal"))
