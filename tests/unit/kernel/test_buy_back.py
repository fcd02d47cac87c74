"""Buying back asks for no more than the free margin pays, and takes a no for hours."""

from decimal import Decimal

import msgspec

from bot.domain.messages import Fill, OrderRefused
from bot.domain.orders import OrderSide, PositionSide, Purpose
from bot.domain.units import NS_PER_DAY, NS_PER_H
from bot.kernel.allowance import affordable_qty
from bot.kernel.snapshot import leg_key
from bot.kernel.view import held
from tests.fakes.kernel_world import BTC, World, orders_of, position

LONG = PositionSide.LONG


def small_world(margin: str, leverage: int | None = 3) -> World:
    """A long that the guard cut to 0.1 of the user's 0.3, a day ago."""
    world = World()
    world.warm()
    state = world.kernel.state
    found = position(LONG, "0.1", "76000", ns=world.now_ns + 10**9, margin=margin)
    world.accept_all(world.account("10000", [found]))
    leg = state.legs[leg_key(BTC, LONG)]
    leg.user_qty, leg.leverage = Decimal("0.3"), leverage
    leg.last_cut_ns = world.now_ns - NS_PER_DAY
    return world


def test_margin_that_is_not_free_buys_nothing() -> None:
    (rich,) = held(small_world("2000").kernel.state, small_world("2000").kernel.policy)
    assert affordable_qty(rich) is not None
    assert affordable_qty(rich) == 0.995 * 8_000 / (76_000 * (1 / 3 + 0.0005))
    (poor,) = held(small_world("9990").kernel.state, small_world("9990").kernel.policy)
    assert affordable_qty(poor) < 0.001
    (unknown,) = held(small_world("2000", None).kernel.state, small_world("2000").kernel.policy)
    assert affordable_qty(unknown) is None


def test_a_refused_buy_back_is_asked_again_hours_later() -> None:
    world = small_world("2000")
    asked = orders_of(world.candle(76_000, 76_010, 75_990, 76_000), Purpose.ENTRY)
    assert len(asked) == 1
    ns = world.later(0.1)
    world.step(OrderRefused(ns, ns, asked[0].client_order_id, "-2019", "Margin is insufficient."))
    since_ns, again = world.now_ns, []
    while not again and world.now_ns - since_ns < NS_PER_DAY:
        again = orders_of(world.candle(76_000, 76_010, 75_990, 76_000), Purpose.ENTRY)
    assert again
    assert world.now_ns - since_ns > 2 * NS_PER_H - 10**9


def test_auto_deleveraging_lets_buy_backs_wait_anew() -> None:
    """The venue takes the winning leg of a hedge: the other one is not doubled into the fall."""
    world = small_world("2000")
    short = position(PositionSide.SHORT, "0.1", "76000", ns=world.now_ns + 10**9, margin="2000")
    long = position(LONG, "0.1", "76000", ns=world.now_ns + 10**9, margin="2000")
    legs = [msgspec.structs.replace(leg, hedged=True) for leg in (long, short)]
    world.accept_all(world.account("10000", legs))
    state = world.kernel.state
    state.legs[leg_key(BTC, LONG)].last_cut_ns = world.now_ns - NS_PER_DAY
    state.legs[leg_key(BTC, LONG)].user_qty = Decimal("0.3")
    ns = world.later(0.1)
    taken = Fill(
        symbol=BTC, trade_id="7", client_order_id="adl_autoclose-7", venue_order_id="7",
        side=OrderSide.BUY, position_side=PositionSide.SHORT, qty=Decimal("0.1"),
        price=Decimal(76_000), fee_usd=Decimal(0), realized_pnl_usd=Decimal(0), is_maker=False,
        event_ns=ns, received_ns=ns, is_adl=True,
    )  # fmt: skip
    world.step(taken)
    since_ns, again = world.now_ns, []
    while not again and world.now_ns - since_ns < NS_PER_DAY:
        again = orders_of(world.candle(76_000, 76_010, 75_990, 76_000), Purpose.ENTRY)
    assert again
    wait_ns = world.kernel.policy.guard.relever_wait_ns
    assert wait_ns <= world.now_ns - since_ns < wait_ns + NS_PER_H
