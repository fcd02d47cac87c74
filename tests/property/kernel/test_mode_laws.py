"""No fill of anything that was sent raises exposure in REDUCING, HALTED or EXIT_ONLY."""

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.messages import Command
from bot.domain.orders import (
    OrderDraft,
    OrderKind,
    OrderSide,
    OrderStatus,
    PositionSide,
    Purpose,
    TimeInForce,
)
from bot.domain.risk import TradingMode
from bot.domain.units import NS_PER_H
from bot.kernel import gate
from bot.kernel.plan import EntryWish, ReduceWish
from bot.kernel.snapshot import Ladder, OrderBelief, leg_key
from tests.fakes.kernel_world import BTC, World, orders_of, position

SIDES = st.sampled_from(list(PositionSide))
LOTS = st.integers(1, 400).map(lambda n: Decimal(n) * Decimal("0.001"))
OPEN = st.sampled_from([OrderStatus.PENDING, OrderStatus.UNKNOWN, OrderStatus.WORKING])
MODES = ["REDUCING", "HALTED", "EXIT_ONLY"]


def shut(world: World, mode: str) -> None:
    state = world.kernel.state
    if mode == "REDUCING":
        ns = world.later(0.1)
        world.step(Command(command_id="p", name="pause", args={}, operator="t", event_ns=ns,
                           received_ns=ns))  # fmt: skip
        assert state.mode is TradingMode.REDUCING
    elif mode == "HALTED":
        state.latched, state.latch_reason = True, "used up"
        world.mark(76_000.0)
        assert state.mode is TradingMode.HALTED
    else:
        for side in PositionSide:
            for whose in ("own", "hand"):
                state.ladders[f"{leg_key(BTC, side)}|{whose}"] = Ladder(
                    symbol=BTC, side=side, own=whose == "own", state="EXIT_ONLY", factor=0.25,
                    reached=0.25, falling=True, blocks=True, cycles=[world.now_ns - NS_PER_H],
                    opened_ns=next(iter(state.legs.values())).opened_ns,
                )  # fmt: skip


def earlier(world: World, number: int, side: PositionSide, row: tuple) -> OrderBelief:
    """Return an order of ours whose end is open: it may have filled in part, or may still."""
    status, qty, part = row
    belief = OrderBelief(
        client_order_id=f"bwold-{number}", symbol=BTC, side=side.exit, position_side=side,
        kind=OrderKind.MARKET, purpose=Purpose.CUT, status=status, qty=qty,
        filled_qty=(qty * Decimal(str(part))).quantize(Decimal("0.001")), reduce_only=True,
        sent_ns=world.now_ns,
    )  # fmt: skip
    world.kernel.state.orders[belief.client_order_id] = belief
    return belief


@settings(max_examples=150, deadline=None)
@given(
    mode=st.sampled_from(MODES), held=SIDES, qty=LOTS, data=st.data(),
    open_orders=st.lists(st.tuples(OPEN, LOTS, st.sampled_from([0.0, 0.4, 1.0])), max_size=3),
    wishes=st.lists(
        st.tuples(st.sampled_from(list(Purpose)), SIDES, st.sampled_from(list(OrderSide)), LOTS),
        min_size=1, max_size=6,
    ),
)  # fmt: skip
def test_no_fill_raises_exposure(
    mode: str, held: PositionSide, qty: Decimal, open_orders: list, wishes: list,
    data: st.DataObject,
) -> None:  # fmt: skip
    world = World()
    world.account()
    found = position(held, str(qty), "76000", ns=world.now_ns + 10**9)
    world.account("100000", [found])
    shut(world, mode)
    may_fill = [
        (b.side, b.remaining_qty)
        for n, row in enumerate(open_orders)
        for b in [earlier(world, n, held, row)]
    ]
    world.kernel.desk.effects = []
    for purpose, side, order_side, size in wishes:
        is_stop = purpose in (Purpose.STOP, Purpose.TARGET)
        draft = OrderDraft(
            symbol=BTC, side=order_side, position_side=side, purpose=purpose, qty=size,
            kind=OrderKind.STOP_MARKET if is_stop else OrderKind.LIMIT, reason="property",
            price=None if is_stop else Decimal(76_000),
            trigger_price=Decimal(76_000 - side.sign * 700) if is_stop else None,
            time_in_force=TimeInForce.GTC if is_stop else TimeInForce.IOC,
        )  # fmt: skip
        stop = 76_000.0 - side.sign * 1_000.0
        wish = (
            EntryWish(draft, stop, None, "w")
            if purpose is Purpose.ENTRY
            else ReduceWish(draft, "w")
        )
        gate.execute(world.kernel.desk, [wish])
    sent = orders_of(world.kernel.desk.effects)
    assert all(order.reduce_only and order.purpose is not Purpose.ENTRY for order in sent)
    assert all(order.side is order.position_side.exit for order in sent)
    may_fill += [(order.side, order.qty) for order in sent]
    signed = held.sign * qty
    for side, size in data.draw(st.permutations(may_fill)):
        part = Decimal(str(data.draw(st.sampled_from([0.0, 0.5, 1.0]))))
        filled = min(size * part, abs(signed) if side.sign * signed < 0 else Decimal(0))
        after = signed + side.sign * filled
        assert abs(after) <= abs(signed), "the venue clamps what only reduces"
        assert after * signed >= 0
        signed = after
    assert abs(signed) <= qty
