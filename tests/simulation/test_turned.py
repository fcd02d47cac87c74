"""Invariant 4 looks at one execution, and not at what an instant left behind."""

from decimal import Decimal

import pytest

from bot.domain.messages import Fill, PositionUpdate
from bot.domain.orders import OrderSide, PositionSide
from bot.lab.simulation.monitors.turned import Turns
from tests.fakes.kernel_world import BTC, position


def told(side: PositionSide, qty: str) -> PositionUpdate:
    return PositionUpdate(1, 1, position(side, qty, "76000", ns=1))


def done(side: OrderSide, qty: str) -> Fill:
    return Fill(
        symbol=BTC, trade_id="1", client_order_id="bw1", venue_order_id="1", side=side,
        position_side=None, qty=Decimal(qty), price=Decimal(76_000), fee_usd=Decimal(0),
        realized_pnl_usd=Decimal(0), is_maker=False, event_ns=1, received_ns=1,
    )  # fmt: skip


def test_what_somebody_else_opens_in_the_instant_of_our_close_is_theirs() -> None:
    turns = Turns()
    assert not turns.happened(told(PositionSide.SHORT, "1.189"))
    assert not turns.happened(done(OrderSide.BUY, "1.189"))
    assert not turns.happened(told(PositionSide.SHORT, "0"))
    assert turns.happened(done(OrderSide.BUY, "1.187"))


@pytest.mark.parametrize("held", ["1.1", "0"])
def test_an_execution_beyond_flat_is_seen(held: str) -> None:
    turns = Turns()
    turns.happened(told(PositionSide.LONG, held))
    assert turns.happened(done(OrderSide.SELL, "1.2"))


def test_parts_before_the_word_on_the_leg_add_up() -> None:
    turns = Turns()
    turns.happened(told(PositionSide.LONG, "1"))
    assert [turns.happened(done(OrderSide.SELL, "0.4")) for _ in range(3)] == [False, False, True]
