"""No path through the gate raises exposure where growth is forbidden, or flips a position."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.messages import Command
from bot.domain.orders import OrderDraft, OrderKind, OrderSide, PositionSide, Purpose
from bot.domain.risk import Refusal
from bot.kernel.gate import approve_protection, judge_entry, judge_reduction
from tests.fakes.kernel_world import BTC, CONTRACT, World, position

LOTS = st.integers(min_value=0, max_value=5_000).map(lambda n: Decimal(n) * Decimal("0.001"))
SIDES = st.sampled_from(list(OrderSide))
LEGS = st.sampled_from(list(PositionSide))
PURPOSES = st.sampled_from(list(Purpose))
KINDS = st.sampled_from([OrderKind.MARKET, OrderKind.STOP_MARKET])
TRIGGERS = st.none() | st.integers(1, 200_000).map(Decimal)


@given(SIDES, LEGS, PURPOSES, KINDS, LOTS, LOTS, TRIGGERS)
def test_an_approved_protection_only_shrinks_and_never_flips(
    side: OrderSide,
    leg: PositionSide,
    purpose: Purpose,
    kind: OrderKind,
    qty: Decimal,
    held: Decimal,
    trigger: Decimal | None,
) -> None:
    draft = OrderDraft(
        symbol=BTC, side=side, position_side=leg, kind=kind, purpose=purpose, qty=qty,
        reason="property", trigger_price=trigger,
    )  # fmt: skip
    answer = approve_protection(
        draft,
        instrument=CONTRACT,
        position=position(leg, str(held), "76000", ns=1),
        mark=76_000.0,
        client_order_id="bwtest-c1",
    )
    if isinstance(answer, Refusal):
        return
    assert answer.reduce_only
    signed = leg.sign * held
    after = signed + side.sign * answer.qty
    assert abs(after) < abs(signed)
    assert after * signed >= 0
    if kind is OrderKind.STOP_MARKET:
        assert answer.trigger_price is not None
        assert leg.sign * (Decimal(76_000) - answer.trigger_price) > 0


@given(st.sampled_from(["pause", "latch", "unreconciled", "stream"]), LEGS, LOTS)
def test_nothing_grows_while_growth_is_forbidden(why: str, leg: PositionSide, qty: Decimal) -> None:
    world = World()
    if why != "unreconciled":
        world.account()
    ns = world.later(1.0)
    if why == "pause":
        world.step(
            Command(
                command_id="1", name="pause", args={}, operator="t", event_ns=ns, received_ns=ns
            )
        )
    elif why == "latch":
        world.kernel.state.latched = True
    elif why == "stream":
        from bot.domain.market import FeedStatus

        world.step(FeedStatus("user", "", ns, ns, live=False, reason="test"))
    draft = OrderDraft(
        symbol=BTC, side=leg.entry, position_side=leg, kind=OrderKind.MARKET,
        purpose=Purpose.ENTRY, qty=qty, reason="property",
    )  # fmt: skip
    stop = 76_000.0 - leg.sign * 1_000.0
    assert isinstance(judge_entry(world.kernel.desk, draft, stop), Refusal)


@given(LEGS, LOTS, LOTS)
def test_a_reduction_larger_than_the_position_is_refused(
    leg: PositionSide, held: Decimal, extra: Decimal
) -> None:
    draft = OrderDraft(
        symbol=BTC, side=leg.exit, position_side=leg, kind=OrderKind.MARKET,
        purpose=Purpose.CUT, qty=held + extra + Decimal("0.001"), reason="property",
    )  # fmt: skip
    assert judge_reduction(draft, held, 76_000.0) is not None
