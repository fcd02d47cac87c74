"""An order the venue did not know is given up, and asked for a last time when that counts."""

import pytest

from bot.domain.messages import (
    FetchOrder,
    OrderNotFound,
    OrderOutcomeUnknown,
    TimerFired,
)
from bot.domain.orderlife import DOUBTFUL, EDGES, ENDS, OPEN, allowed
from bot.domain.orders import OrderStatus, PositionSide, Purpose
from tests.fakes.kernel_world import World, orders_of, position


def lost_stop() -> tuple[World, str]:
    """A stop whose request had no answer and that the venue did not know five seconds later."""
    world = World()
    held = position(PositionSide.LONG, "0.05", "76000", ns=world.now_ns)
    stop = orders_of(world.account(positions=[held]), Purpose.STOP)[0]
    name = stop.client_order_id
    ns = world.later(0.1)
    world.step(OrderOutcomeUnknown(ns, ns, name, "no answer"))
    ns = world.later(6.0)
    world.step(OrderNotFound(ns, ns, name))
    assert world.kernel.state.orders[name].status is OrderStatus.LOST
    return world, name


def asked_after(world: World, seconds: float, name: str) -> bool:
    ns = world.later(seconds)
    effects = world.step(TimerFired("second", ns, ns))
    return any(isinstance(e, FetchOrder) and e.client_order_id == name for e in effects)


def test_a_lost_order_is_asked_for_once_more_when_the_answer_is_final() -> None:
    world, name = lost_stop()
    assert not asked_after(world, 20.0, name)
    assert asked_after(world, 40.0, name), "the journal believes a no only after a minute"
    ns = world.later(0.1)
    world.step(OrderNotFound(ns, ns, name))
    assert world.kernel.state.orders[name].status is OrderStatus.LOST
    assert not any(asked_after(world, 5.0, name) for _ in range(20))


def test_a_last_question_without_an_answer_is_repeated() -> None:
    world, name = lost_stop()
    assert asked_after(world, 61.0, name)
    assert asked_after(world, 5.0, name)


@pytest.mark.parametrize("status", OrderStatus)
def test_every_status_has_its_edges(status: OrderStatus) -> None:
    assert status in EDGES
    assert allowed(status, status)
    assert status not in EDGES[status]


def test_an_end_is_left_for_a_late_fill_or_the_venues_word_alone() -> None:
    for end in ENDS - {OrderStatus.FILLED}:
        assert EDGES[end] == OPEN | {OrderStatus.FILLED}
    assert not EDGES[OrderStatus.FILLED]


def test_doubt_never_returns_to_an_order_that_was_seen() -> None:
    for status in OPEN | ENDS:
        assert not EDGES[status] & DOUBTFUL
