"""What a word of the operator does at once, and that the answer says what was really done."""

from decimal import Decimal

import msgspec

from bot.domain.messages import Answer, Command, Effect, SubmitOrder
from bot.domain.orders import PositionSide, Purpose
from tests.fakes.kernel_world import BTC, World, position


def held(qty: str, market_qty_max: str = "120") -> World:
    """A long opened by hand and stopped; one market order carries at most so much."""
    world = World()
    world.account("100000")
    market = world.kernel.state.markets[BTC]
    assert market.instrument is not None
    market.instrument = msgspec.structs.replace(
        market.instrument, market_qty_max=Decimal(market_qty_max)
    )
    ns = world.later(1.0)
    leg = position(PositionSide.LONG, qty, "76000", ns=ns, margin="5000")
    world.accept_all(world.account("100000", positions=[leg]))
    return world


def ordered(world: World, name: str, **args: str) -> tuple[Answer, list[SubmitOrder]]:
    ns = world.later(1.0)
    command = Command(
        command_id=f"{name}{ns}", name=name, args=args, operator="x", event_ns=ns, received_ns=ns
    )
    effects: list[Effect] = world.step(command)
    (answer,) = (each for each in effects if isinstance(each, Answer))
    return answer, [each for each in effects if isinstance(each, SubmitOrder)]


def test_a_position_larger_than_one_market_order_is_closed_by_several() -> None:
    answer, sent = ordered(held("0.12", "0.05"), "flatten")
    quantities = [each.order.qty for each in sent]
    assert quantities == [Decimal("0.05"), Decimal("0.05"), Decimal("0.02")]
    assert {each.order.purpose for each in sent} == {Purpose.FLATTEN}
    assert all(each.order.reduce_only for each in sent)
    assert "by 0.12 in 3 orders" in answer.text


def test_what_even_many_orders_do_not_carry_is_said() -> None:
    answer, sent = ordered(held("0.05", "0.002"), "reduce", fraction="1")
    assert sum(each.order.qty for each in sent) == Decimal("0.04")
    assert "0.010 is left, repeat the command" in answer.text


def test_too_little_to_reduce_is_no_reduction() -> None:
    answer, sent = ordered(held("0.002"), "reduce", fraction="0.1")
    assert sent == []
    assert not answer.accepted
    assert answer.text == f"left as it is: {BTC} LONG: 0.1 of 0.002 is under one lot"


def test_panic_of_a_side_that_holds_nothing_does_not_say_that_it_was_closed() -> None:
    answer, sent = ordered(held("0.1"), "mode", symbol=BTC, side="short", mode="panic")
    assert sent == []
    assert answer.accepted
    assert "nothing to close now" in answer.text
    answer, sent = ordered(held("0.1"), "mode", symbol=BTC, side="long", mode="panic")
    assert [each.order.qty for each in sent] == [Decimal("0.1")]
    assert "closed now at the market" in answer.text
