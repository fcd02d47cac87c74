"""Every reason of the gate, met by the smallest change to an order that would pass."""

from collections.abc import Callable
from decimal import Decimal

import msgspec
import pytest

from bot.domain.messages import AdjustMargin, CancelOrder, Record, SubmitOrder
from bot.domain.orders import (
    ApprovedOrder,
    OrderDraft,
    OrderKind,
    OrderSide,
    OrderStatus,
    PositionSide,
    Purpose,
)
from bot.domain.policy import LimitPolicy
from bot.domain.risk import Refusal, RefusalReason, TradingMode
from bot.kernel import gate
from bot.kernel.plan import CancelWish, EntryWish, MarginWish, ReduceWish
from bot.kernel.snapshot import Leg, OrderBelief, leg_key
from tests.fakes.kernel_world import BTC, CONTRACT, policy, position
from tests.unit.kernel.rules.rule_kit import Kit

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT
Change = Callable[[Kit], None]
STOP = 75_000.0


def entry(**changes: object) -> OrderDraft:
    draft = OrderDraft(
        symbol=BTC, side=OrderSide.BUY, position_side=LONG, kind=OrderKind.LIMIT,
        purpose=Purpose.ENTRY, qty=Decimal("0.010"), reason="test", price=Decimal(76_000),
    )  # fmt: skip
    return msgspec.structs.replace(draft, **changes)


def reduction(**changes: object) -> OrderDraft:
    return entry(
        **{"side": OrderSide.SELL, "purpose": Purpose.CUT, "kind": OrderKind.MARKET, "price": None,
           **changes}
    )  # fmt: skip


def kit() -> Kit:
    """A desk on which the entry of this file passes."""
    made = Kit(policy(limits=LimitPolicy(symbols=(BTC,))), own=False)
    made.state.mode = TradingMode.ACTIVE
    made.market.feed_live = True
    made.leg.qty = Decimal(0)
    return made


def belief(purpose: Purpose = Purpose.ENTRY, **changes: object) -> OrderBelief:
    made = OrderBelief(
        client_order_id="bw-other", symbol=BTC, side=OrderSide.BUY, position_side=LONG,
        kind=OrderKind.LIMIT, purpose=purpose, status=OrderStatus.WORKING, qty=Decimal("0.010"),
    )  # fmt: skip
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def setting(where: str, **fields: object) -> Change:
    def change(made: Kit) -> None:
        for name, value in fields.items():
            setattr(getattr(made, where), name, value)

    return change


def with_order(**fields: object) -> Change:
    def change(made: Kit) -> None:
        made.state.orders["bw-other"] = belief(**fields)

    return change


def holding(qty: str, at: int, **fields: object) -> Change:
    def change(made: Kit) -> None:
        made.leg.qty, made.leg.entry_price = Decimal(qty), Decimal(at)
        for name, value in fields.items():
            setattr(made.leg, name, value)

    return change


def holding_short(made: Kit) -> None:
    made.state.legs[leg_key(BTC, SHORT)] = Leg(symbol=BTC, side=SHORT, qty=Decimal("0.1"))


def old_mark(made: Kit) -> None:
    made.market.mark_received_ns = 0
    made.market.last_received_ns = 0


Case = tuple[RefusalReason | None, Change, dict[str, object], float]
NOTHING: Change = lambda _: None  # noqa: E731
R = RefusalReason
ENTRIES: list[Case] = [
    (None, NOTHING, {}, STOP),
    (R.LATCHED, setting("state", latched=True, latch_reason="budget"), {}, STOP),
    (R.MODE_FORBIDS_GROWTH, setting("state", mode=TradingMode.REDUCING), {}, STOP),
    (R.READ_ONLY, setting("state", read_only=True), {}, STOP),
    (R.SYMBOL_NOT_ALLOWED, NOTHING, {"symbol": "DOGE/USDT:USDT"}, STOP),
    (R.INSTRUMENT_UNKNOWN, setting("market", instrument=None), {}, STOP),
    (R.INSTRUMENT_UNKNOWN, lambda made: made.state.markets.clear(), {}, STOP),
    (R.PRICE_UNKNOWN, setting("market", mark=0.0), {}, STOP),
    (R.PRICE_STALE, setting("market", feed_live=False, feed_reason="gap"), {}, STOP),
    (R.STOP_MISSING, NOTHING, {}, 0.0),
    (R.STOP_WRONG_SIDE, NOTHING, {}, 76_000.0),
    (R.NOT_ON_GRID, NOTHING, {"qty": Decimal("0.0105")}, STOP),
    (R.BELOW_MINIMUM, NOTHING, {"qty": Decimal("0.001"), "price": Decimal(76_000)}, STOP),
    (R.ABOVE_MAXIMUM, NOTHING, {"qty": Decimal(1_001)}, STOP),
    (R.ABOVE_MAXIMUM, NOTHING, {"qty": Decimal(121), "kind": OrderKind.MARKET, "price": None},
     STOP),
    (R.NOTIONAL_ABOVE_CAP, NOTHING, {"qty": Decimal(100)}, STOP),
    (R.AVERAGING_DOWN, holding("0.1", 80_000), {}, STOP),
    (None, holding("0.1", 70_000), {}, STOP),
    (None, holding("0.09", 80_000, foreign=True, last_cut_ns=1, user_qty=Decimal("0.1")), {}, STOP),
    (R.AVERAGING_DOWN,
     holding("0.095", 80_000, foreign=True, last_cut_ns=1, user_qty=Decimal("0.1")), {}, STOP),
    (R.ENTRY_PENDING, with_order(status=OrderStatus.UNKNOWN), {}, STOP),
    (None, with_order(status=OrderStatus.FILLED), {}, STOP),
    (None, with_order(purpose=Purpose.STOP), {}, STOP),
    (R.WOULD_FLIP, holding_short, {}, STOP),
]  # fmt: skip


@pytest.mark.parametrize(("reason", "change", "draft", "stop"), ENTRIES)
def test_an_entry_is_refused_for_the_one_thing_that_is_wrong(
    reason: RefusalReason | None, change: Change, draft: dict[str, object], stop: float
) -> None:
    made = kit()
    change(made)
    refusal = gate.judge_entry(made.desk, entry(**draft), stop)
    assert (None if refusal is None else refusal.reason) == reason
    if refusal is not None:
        assert refusal.measured
        assert refusal.limit


def test_in_hedge_mode_the_other_leg_is_no_hindrance() -> None:
    made = kit()
    holding_short(made)
    made.state.hedge_mode = True
    assert gate.judge_entry(made.desk, entry(), STOP) is None


def test_exposure_counts_what_is_held_and_what_may_still_fill() -> None:
    made = kit()
    made.leg.qty = Decimal("0.1")
    made.state.legs["other"] = Leg(symbol="ETH/USDT:USDT", side=LONG, qty=Decimal(5))
    made.state.orders["bw-1"] = belief(filled_qty=Decimal("0.004"), status=OrderStatus.UNKNOWN)
    made.state.orders["bw-2"] = belief(status=OrderStatus.REJECTED)
    after = gate.exposure_after_usd(made.desk, entry(), 100_000.0)
    assert after == pytest.approx((0.010 + 0.1 + 0.006) * 100_000.0)


# ------------------------------------------------------------------ reductions

REDUCTIONS: list[tuple[RefusalReason | None, dict[str, object], str]] = [
    (None, {}, "0.1"),
    (R.WOULD_NOT_REDUCE, {"side": OrderSide.BUY}, "0.1"),
    (R.WOULD_NOT_REDUCE, {"purpose": Purpose.ENTRY}, "0.1"),
    (R.WOULD_NOT_REDUCE, {}, "0"),
    (R.WOULD_NOT_REDUCE, {"qty": Decimal(0)}, "0.1"),
    (None, {"qty": Decimal(0), "close_position": True}, "0.1"),
    (R.WOULD_FLIP, {"qty": Decimal("0.101")}, "0.1"),
    (R.STOP_MISSING, {"kind": OrderKind.STOP_MARKET}, "0.1"),
    (R.STOP_MISSING, {"kind": OrderKind.STOP_MARKET, "trigger_price": Decimal(0)}, "0.1"),
    (R.STOP_WRONG_SIDE, {"kind": OrderKind.STOP_MARKET, "trigger_price": Decimal(76_000)}, "0.1"),
    (None, {"kind": OrderKind.STOP_MARKET, "trigger_price": Decimal(75_999)}, "0.1"),
]


@pytest.mark.parametrize(("reason", "draft", "held"), REDUCTIONS)
def test_a_reduction_only_ever_reduces(
    reason: RefusalReason | None, draft: dict[str, object], held: str
) -> None:
    refusal = gate.judge_reduction(reduction(**draft), Decimal(held), 76_000.0)
    assert (None if refusal is None else refusal.reason) == reason


def test_without_a_mark_the_side_of_a_stop_is_left_to_the_venue() -> None:
    stop = reduction(kind=OrderKind.STOP_MARKET, trigger_price=Decimal(99_000))
    assert gate.judge_reduction(stop, Decimal("0.1"), 0.0) is None


def told(made: Kit) -> list[str]:
    return [refusal.reason.value for refusal in made.state.refusals]


@pytest.mark.parametrize(
    ("reason", "change"),
    [
        ("READ_ONLY", setting("state", read_only=True)),
        ("INSTRUMENT_UNKNOWN", lambda made: made.state.markets.clear()),
        ("WOULD_NOT_REDUCE", lambda made: made.state.legs.clear()),
    ],
)
def test_a_refused_reduction_is_journaled_and_not_sent(reason: str, change: Change) -> None:
    made = kit()
    made.leg.qty = Decimal("0.1")
    change(made)
    gate.execute(made.desk, [ReduceWish(reduction(), "cause")])
    assert told(made) == [reason]
    assert not [effect for effect in made.desk.effects if isinstance(effect, SubmitOrder)]


# ------------------------------------------------------------------ cancels and margin


def test_a_cancel_goes_out_and_with_a_read_only_key_it_does_not() -> None:
    made = kit()
    resting = belief()
    gate.execute(made.desk, [CancelWish(resting, "not needed")])
    assert [type(effect) for effect in made.desk.effects] == [CancelOrder]
    assert resting.cancel_ns == made.state.now_ns
    made.desk.effects = []
    made.state.read_only = True
    gate.execute(made.desk, [CancelWish(resting, "not needed")])
    assert made.desk.effects == []


def test_margin_is_given_back_only_as_far_as_our_own_cuts_released_it() -> None:
    made = kit()
    made.leg.released_usd = Decimal(50)
    gate.execute(made.desk, [MarginWish(made.leg, Decimal(30), "near liquidation")])
    assert isinstance(made.desk.effects[0], AdjustMargin)
    assert made.leg.released_usd == Decimal(20)
    for amount in (Decimal(21), Decimal(0)):
        gate.execute(made.desk, [MarginWish(made.leg, amount, "more")])
    assert told(made) == ["MARGIN_TOP_UP", "MARGIN_TOP_UP"]
    made.state.read_only = True
    made.desk.effects = []
    gate.execute(made.desk, [MarginWish(made.leg, Decimal(1), "read-only")])
    assert made.desk.effects == []


def test_an_entry_without_a_trade_of_a_strategy_is_an_action_of_the_guard() -> None:
    made = kit()
    made.market.feed_live = True
    before = made.state.books.actions
    gate.execute(made.desk, [EntryWish(entry(), STOP, None, "cause")])
    sent = [effect.order for effect in made.desk.effects if isinstance(effect, SubmitOrder)]
    assert [order.purpose for order in sent] == [Purpose.ENTRY], told(made)
    assert made.state.books.actions == before + 1
    assert made.leg.trade is None
    assert made.state.orders[sent[0].client_order_id].status is OrderStatus.PENDING


def test_a_strategys_entry_opens_a_leg_with_its_trade() -> None:
    made = kit()
    trade = Kit().leg.trade
    assert trade is not None
    made.state.legs.clear()
    gate.execute(made.desk, [EntryWish(entry(), STOP, trade, "cause")])
    leg = made.state.legs[leg_key(BTC, LONG)]
    assert leg.trade is trade
    assert trade.entry_client_id in made.state.orders


def test_an_entry_that_is_refused_is_journaled_with_its_numbers() -> None:
    made = kit()
    gate.execute(made.desk, [EntryWish(entry(), 0.0, None, "cause")])
    assert told(made) == ["STOP_MISSING"]
    assert made.state.orders == {}


def test_a_size_is_not_judged_without_its_contract() -> None:
    """The checks stand by themselves: none relies on another having come before."""
    made = kit()
    made.market.instrument = None
    by_name = {check.__name__: check for check in gate.ENTRY_CHECKS}
    refusal = by_name["_check_size"](made.desk, entry(), STOP)
    assert refusal is not None
    assert refusal.reason is R.INSTRUMENT_UNKNOWN


def test_a_stop_is_sent_with_its_trigger_in_the_story() -> None:
    made = kit()
    made.leg.qty = Decimal("0.1")
    stop = reduction(
        purpose=Purpose.STOP, kind=OrderKind.STOP_MARKET, trigger_price=Decimal(75_000)
    )
    gate.execute(made.desk, [ReduceWish(stop, "cause"), ReduceWish(reduction(), "cause")])
    told_of = [e.decision.what for e in made.desk.effects if isinstance(e, Record)]
    assert told_of == ["STOP SELL 0.010 at 75000", "CUT SELL 0.010 at market"]


@pytest.mark.parametrize("hedged", [True, False])
def test_coverage_asks_the_same_gate(hedged: bool) -> None:
    held = msgspec.structs.replace(position(LONG, "0.1", "76000", ns=1), hedged=hedged)
    given = {"position": held, "mark": 76_000.0, "client_order_id": "bwtest-c1"}
    stop = reduction(
        purpose=Purpose.STOP, kind=OrderKind.STOP_MARKET, trigger_price=Decimal(75_000)
    )
    order = gate.approve_protection(stop, instrument=CONTRACT, **given)
    assert isinstance(order, ApprovedOrder)
    assert (order.client_order_id, order.hedged, order.reduce_only) == ("bwtest-c1", hedged, True)
    flip = gate.approve_protection(
        msgspec.structs.replace(stop, qty=Decimal(1)), instrument=CONTRACT, **given
    )
    assert isinstance(flip, Refusal)
    assert flip.reason is R.WOULD_FLIP
