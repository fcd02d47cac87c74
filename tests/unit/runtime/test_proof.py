"""The judgement alone: which orders cover a leg, and what is done about a bare one."""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.orders import (
    OrderKind,
    OrderSide,
    OrderState,
    OrderStatus,
    PositionSide,
    TriggerBy,
)
from bot.domain.units import NS_PER_S
from bot.runtime.proof import Act, Verdict, Watch, decide, judge, learn
from tests.fakes.kernel_world import BTC, position
from tests.fakes.ports import ETH

MARK = 76_000.0
FAR = 0.6


def a_stop(qty: str = "1", trigger: str = "70000", **changes: object) -> OrderState:
    order = OrderState(
        client_order_id="s", venue_order_id="v", symbol=BTC, side=OrderSide.SELL,
        kind=OrderKind.STOP_MARKET, status=OrderStatus.WORKING, qty=Decimal(qty),
        filled_qty=Decimal(0), reduce_only=True, close_position=False, event_ns=1,
        trigger_price=Decimal(trigger), trigger_by=TriggerBy.MARK,
    )  # fmt: skip
    return msgspec.structs.replace(order, **changes)


LONG = position(PositionSide.LONG, "1", "76000", ns=1)


@pytest.mark.parametrize(
    ("order", "covers"),
    [
        (a_stop(), True),
        (a_stop("0.999"), False),
        (a_stop("5"), True),
        (a_stop("0", close_position=True, reduce_only=False), True),
        (a_stop(filled_qty=Decimal("0.5")), False),
        (a_stop(trigger="29000"), True),
        (a_stop(trigger="27000"), False),
        (a_stop(trigger="20000"), False),
        (a_stop(reduce_only=False), False),
        (a_stop(symbol=ETH), False),
        (a_stop(side=OrderSide.BUY), False),
        (a_stop(kind=OrderKind.TAKE_PROFIT_MARKET), False),
        (a_stop(kind=OrderKind.LIMIT), False),
        (a_stop(trigger_price=None), False),
        (a_stop(trigger="10000"), False),
        (a_stop(position_side=PositionSide.LONG, reduce_only=False), True),
        (a_stop(position_side=PositionSide.SHORT), False),
        *[
            (a_stop(status=status), status in (OrderStatus.WORKING, OrderStatus.TRIGGERING))
            for status in OrderStatus
        ],
    ],
)
def test_what_covers_a_long(order: OrderState, covers: bool) -> None:
    assert judge(LONG, [order], MARK, FAR).covered is covers


def test_a_stop_behind_the_liquidation_price_covers_nothing() -> None:
    leg = msgspec.structs.replace(LONG, venue_liq_price=Decimal(71_000))
    assert not judge(leg, [a_stop(trigger="70000")], MARK, FAR).covered
    assert judge(leg, [a_stop(trigger="72000")], MARK, FAR).covered


def test_a_hedge_is_stopped_although_the_venue_shows_the_other_legs_liquidation() -> None:
    leg = msgspec.structs.replace(LONG, venue_liq_price=Decimal(190_000), hedged=True)
    assert judge(leg, [a_stop(trigger="70000", position_side=LONG.side)], MARK, FAR).covered
    one_way = msgspec.structs.replace(leg, hedged=False)
    assert not judge(one_way, [a_stop(trigger="70000")], MARK, FAR).covered


def test_a_stop_that_the_mark_has_passed_is_ending() -> None:
    passed = a_stop(trigger="76500")
    assert judge(LONG, [passed], MARK, FAR).ending == ("s",)
    assert judge(LONG, [passed], None, FAR).ending == ()
    by_last = a_stop(trigger="76500", trigger_by=TriggerBy.LAST)
    assert judge(LONG, [by_last], MARK, FAR).ending == ()


quantities = st.integers(1, 50).map(lambda n: Decimal(n) / 10)


@given(quantities, st.lists(quantities, max_size=5), st.sampled_from(PositionSide))
def test_covered_is_exactly_enough_working_quantity(
    held: Decimal, stops: list[Decimal], side: PositionSide
) -> None:
    leg = position(side, str(held), "76000", ns=1)
    trigger = "70000" if side is PositionSide.LONG else "82000"
    orders = [a_stop(str(qty), trigger, side=side.exit) for qty in stops]
    verdict = judge(leg, orders, MARK, FAR)
    assert verdict.covered is (sum(stops, Decimal(0)) >= held)
    assert verdict.missing_qty == max(held - sum(stops, Decimal(0)), Decimal(0))
    assert verdict.ending == ()


# ------------------------------------------------------------------ what is done


BARE = Verdict(covered=False, ending=(), missing_qty=Decimal(1))
SAFE = Verdict(covered=True, ending=(), missing_qty=Decimal(0))
FIRED = Verdict(covered=True, ending=("s",), missing_qty=Decimal(0))


def acts(
    verdicts: list[Verdict], watch: Watch | None = None, *, kernel_acts: bool = False
) -> list[Act]:
    """One verdict a second."""
    watch = watch or Watch()
    out = []
    for second, verdict in enumerate(verdicts):
        now_ns = (second + 1) * NS_PER_S
        learn(watch, verdict, now_ns, NS_PER_S)
        out.append(decide(watch, verdict, now_ns, kernel_acts=kernel_acts)[0])
    return out


def test_a_bare_leg_is_watched_a_second_then_rescued_and_closed_after_ten() -> None:
    assert acts([BARE] * 13) == [Act.WATCH, *[Act.RESCUE] * 10, *[Act.FLATTEN] * 2]


def test_a_covered_leg_starts_anew() -> None:
    assert acts([BARE] * 8 + [SAFE] + [BARE] * 3)[-3:] == [Act.WATCH, Act.RESCUE, Act.RESCUE]
    assert acts([SAFE] * 20) == [Act.WATCH] * 20


def test_the_kernel_on_its_way_is_waited_for_but_not_for_ever() -> None:
    expected = [Act.WATCH] * 3 + [Act.RESCUE] * 8 + [Act.FLATTEN]
    assert acts([BARE] * 12, kernel_acts=True) == expected


def test_two_failures_or_a_hopeless_stop_close_the_leg() -> None:
    assert acts([BARE, BARE], Watch(failures=1)) == [Act.WATCH, Act.RESCUE]
    assert acts([BARE, BARE], Watch(failures=2)) == [Act.FLATTEN, Act.FLATTEN]
    assert acts([BARE], Watch(hopeless="-2021")) == [Act.FLATTEN]


def test_a_stop_that_fired_has_three_seconds() -> None:
    assert acts([FIRED] * 5) == [Act.WATCH] * 4 + [Act.FLATTEN]
    assert acts([FIRED, FIRED, SAFE, FIRED, FIRED]) == [Act.WATCH] * 5


def test_blind_time_does_not_count() -> None:
    watch = Watch()
    learn(watch, BARE, 0, 0)
    learn(watch, BARE, 3_600 * NS_PER_S, 3_600 * NS_PER_S)
    assert watch.bare_ns == 2 * NS_PER_S
