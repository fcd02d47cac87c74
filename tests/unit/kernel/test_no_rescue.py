"""A losing position is neither grown nor given fresh margin, whoever asks for it."""

from decimal import Decimal

import pytest

from bot.domain.messages import AdjustMargin
from bot.domain.orders import OrderDraft, OrderKind, PositionSide, Purpose
from bot.domain.risk import RefusalReason, TradingMode
from bot.kernel import gate
from bot.kernel.plan import MarginWish
from tests.fakes.kernel_world import BTC, World, position

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT


def holding(side: PositionSide, mark: float) -> World:
    world = World()
    world.account()
    found = position(side, "0.05", "76000", ns=world.now_ns + 10**9, margin="2000")
    world.accept_all(world.account("10000", [found]))
    world.mark(mark)
    world.kernel.state.mode = TradingMode.ACTIVE
    return world


def add(side: PositionSide, qty: str = "0.01") -> OrderDraft:
    return OrderDraft(
        symbol=BTC, side=side.entry, position_side=side, kind=OrderKind.MARKET,
        purpose=Purpose.ENTRY, qty=Decimal(qty), reason="test",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("side", "mark", "losing"),
    [(LONG, 75_900.0, True), (LONG, 76_100.0, False), (SHORT, 76_100.0, True),
     (SHORT, 75_900.0, False)],
)  # fmt: skip
def test_a_losing_leg_is_not_added_to(side: PositionSide, mark: float, losing: bool) -> None:
    world = holding(side, mark)
    stop = mark - side.sign * 1_000.0
    no = gate.judge_entry(world.kernel.desk, add(side), stop)
    assert (no is not None) == losing
    if no is not None:
        assert no.reason is RefusalReason.AVERAGING_DOWN


def test_giving_back_what_our_own_cut_took_is_no_averaging_down() -> None:
    world = holding(LONG, 75_900.0)
    (leg,) = world.kernel.state.legs.values()
    leg.last_cut_ns, leg.user_qty = world.now_ns, Decimal("0.06")
    assert gate.judge_entry(world.kernel.desk, add(LONG, "0.010"), 74_900.0) is None
    more = gate.judge_entry(world.kernel.desk, add(LONG, "0.011"), 74_900.0)
    assert more is not None
    assert more.reason is RefusalReason.AVERAGING_DOWN


@pytest.mark.parametrize(("asked", "given"), [("50.01", False), ("50", True), ("0", False)])
def test_only_margin_that_our_cut_released_goes_back(asked: str, given: bool) -> None:
    world = holding(LONG, 75_000.0)
    desk = world.kernel.desk
    (leg,) = world.kernel.state.legs.values()
    leg.released_usd = Decimal(50)
    desk.effects = []
    gate.execute(desk, [MarginWish(leg, Decimal(asked), "to save it")])
    assert any(isinstance(effect, AdjustMargin) for effect in desk.effects) == given
    assert leg.released_usd == (Decimal(0) if given else Decimal(50))
