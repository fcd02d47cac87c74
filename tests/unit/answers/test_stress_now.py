"""What shocks leave of an account: fills, gaps, silence, liquidation, a vanished hedge."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.answers.question import Question
from bot.answers.shocks import Shock, after
from bot.answers.stress_now import answer
from bot.domain.orders import OrderKind, OrderSide, OrderStatus, PositionSide, TriggerBy
from bot.domain.units import NS_PER_S
from bot.kernel.snapshot import OrderBelief
from bot.kernel.view import held
from tests.fakes.kernel_world import BTC, World, policy, position

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT


def rest(world: World, trigger: str, qty: str) -> None:
    """Let one stop work at the venue, and nothing else."""
    world.kernel.state.orders = {
        "s1": OrderBelief(
            client_order_id="s1", venue_order_id="v", symbol=BTC, side=OrderSide.SELL,
            position_side=LONG, kind=OrderKind.STOP_MARKET, purpose=None,
            status=OrderStatus.WORKING, qty=Decimal(qty), reduce_only=True,
            trigger_price=Decimal(trigger), trigger_by=TriggerBy.MARK,
        )
    }  # fmt: skip


def account(qty: str = "0.1", stop: str | None = "74000", margin: str | None = None) -> World:
    """A long of `qty` at 76,000 in an account of 10,000 USD, marked at 76,000."""
    world = World()
    found = position(LONG, qty, "76000", ns=world.now_ns + NS_PER_S, margin=margin)
    world.account("10000", [found])
    world.kernel.state.orders = {}
    if stop:
        rest(world, stop, qty)
    return world


def left_of(world: World, move: float, **how: bool):
    views = held(world.kernel.state, world.kernel.policy)
    shock = Shock(name="s", why="t", moves={BTC: move}, **how)
    return after(world.kernel.state, views, shock)


def test_a_slide_fills_the_stop_where_it_rests() -> None:
    left = left_of(account(), -0.10)
    assert left.closed_by_stop == ["BTC/USDT:USDT LONG"]
    costs = 0.1 * 74_000 * (0.0005 + 0.0005)
    assert left.equity_usd == pytest.approx(10_000 - 0.1 * 2_000 - costs)


def test_a_gap_fills_the_stop_behind_itself() -> None:
    left = left_of(account(), -0.10, gap=True)
    costs = 0.1 * 68_400 * (0.003 + 0.0005)
    assert left.equity_usd == pytest.approx(10_000 - 0.1 * 7_600 - costs)


def test_a_silent_venue_fills_nothing() -> None:
    left = left_of(account(), -0.10, silent=True)
    assert (left.closed_by_stop, left.still_held) == ([], ["BTC/USDT:USDT LONG"])
    assert left.equity_usd == pytest.approx(10_000 - 0.1 * 7_600)


def test_a_move_that_stays_above_the_stop_closes_nothing() -> None:
    left = left_of(account(), -0.02)
    assert left.closed_by_stop == []
    assert left.equity_usd == pytest.approx(10_000 - 0.1 * 1_520)


def test_an_isolated_leg_without_a_stop_loses_its_margin_and_no_more() -> None:
    left = left_of(account(stop=None, margin="760"), -0.20)
    assert left.liquidated == ["BTC/USDT:USDT LONG"]
    assert left.equity_usd == pytest.approx(10_000 - 760)


def test_a_cross_account_is_taken_whole() -> None:
    left = left_of(account(qty="1", stop=None), -0.20)
    assert left.liquidated == ["BTC/USDT:USDT LONG"]
    assert left.equity_usd == pytest.approx(0.0)


def test_a_stop_over_half_the_leg_saves_nothing_here() -> None:
    world = account(qty="1", stop=None)
    rest(world, "74000", "0.5")
    assert left_of(world, -0.20).liquidated == ["BTC/USDT:USDT LONG"]


@given(st.floats(0.0, 0.9), st.floats(0.0, 0.9))
def test_a_worse_gap_never_leaves_more(one: float, other: float) -> None:
    world = account(qty="0.5", stop=None)
    small, large = sorted((one, other))
    kinder, harder = left_of(world, -small), left_of(world, -large)
    assert harder.equity_usd <= kinder.equity_usd + 1e-6
    assert harder.equity_usd >= -1e-6


def test_the_answer_goes_against_what_is_held() -> None:
    world = account()
    told = answer(Question(state=world.kernel.state, policy=policy()))
    names = [row["shock"] for row in told["shocks"]]
    assert names[:2] == ["fall of 5%", "fall of 10%"]
    assert names[-1] == "outage at -20%"
    assert all(row["within_budget"] in (True, False) for row in told["shocks"])
    assert told["auto_deleveraging"] == []


def test_a_hedge_that_loses_its_winner_is_told() -> None:
    world = World()
    ns = world.now_ns + NS_PER_S
    world.account(
        "10000",
        [position(LONG, "0.2", "70000", ns=ns), position(SHORT, "0.3", "76000", ns=ns)],
    )
    (row,) = answer(Question(state=world.kernel.state, policy=policy()))["auto_deleveraging"]
    assert (row["vanishes"], row["left"]) == ("LONG", "SHORT")
    assert row["net_usd_after"] == pytest.approx(0.3 * 76_000)
    assert row["net_usd_before"] == pytest.approx(0.1 * 76_000)


def test_an_unknown_account_is_not_stressed() -> None:
    world = World()
    told = answer(Question(state=world.kernel.state, policy=policy()))
    assert (told["equity_usd"], told["shocks"]) == (None, [])
