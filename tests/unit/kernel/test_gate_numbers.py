"""What the gate says with a no, where exactly its limits lie, and what leaves with a yes."""

from decimal import Decimal

import msgspec
import pytest

from bot.domain.messages import AdjustMargin, CancelOrder, Record, SubmitOrder
from bot.domain.orders import OrderKind, OrderSide, OrderStatus, PositionSide, Purpose
from bot.domain.policy import LimitPolicy
from bot.domain.risk import Refusal, RefusalReason, TradingMode
from bot.domain.units import NS_PER_S
from bot.kernel import gate
from bot.kernel.plan import CancelWish, EntryWish, MarginWish, ReduceWish
from bot.kernel.snapshot import OrderBelief
from tests.fakes.kernel_world import BTC, policy
from tests.unit.kernel.rules.rule_kit import Kit
from tests.unit.kernel.test_gate import (
    NOTHING,
    STOP,
    Change,
    belief,
    entry,
    holding,
    holding_short,
    kit,
    reduction,
    setting,
    with_order,
)

LONG = PositionSide.LONG
R = RefusalReason
Words = tuple[RefusalReason, str, str, str]
SAID: list[tuple[Change, dict[str, object], float, Words]] = [
    (setting("state", latched=True, latch_reason="budget"), {}, STOP,
     (R.LATCHED, "budget", "re-armed", "")),
    (setting("state", mode=TradingMode.REDUCING, mode_reason="paused"), {}, STOP,
     (R.MODE_FORBIDS_GROWTH, "REDUCING", "ACTIVE", "paused")),
    (setting("state", read_only=True), {}, STOP,
     (R.READ_ONLY, "read-only key", "a key that may trade", "")),
    (NOTHING, {"symbol": "DOGE/USDT:USDT"}, STOP,
     (R.SYMBOL_NOT_ALLOWED, "DOGE/USDT:USDT", BTC, "")),
    (setting("market", instrument=None), {}, STOP,
     (R.INSTRUMENT_UNKNOWN, BTC, "a loaded contract", "")),
    (setting("market", mark=0.0), {}, STOP, (R.PRICE_UNKNOWN, "no mark", "a mark price", "")),
    (setting("market", feed_live=False, feed_reason="gap"), {}, STOP,
     (R.PRICE_STALE, "0.0 s (gap)", "1000000000.0 s", "")),
    (setting("market", feed_live=False, feed_reason=""), {}, STOP,
     (R.PRICE_STALE, "0.0 s (old)", "1000000000.0 s", "")),
    (NOTHING, {}, 0.0, (R.STOP_MISSING, "no stop", "a stop on the loss side", "")),
    (NOTHING, {}, 76_000.0, (R.STOP_WRONG_SIDE, "76000", "mark 76000", "")),
    (NOTHING, {"qty": Decimal("0.0105")}, STOP, (R.NOT_ON_GRID, "0.0105", "lot 0.001", "")),
    (NOTHING, {"qty": Decimal("0.001")}, STOP,
     (R.BELOW_MINIMUM, "0.001 (76.00 USD)", "0.001 and 100 USD", "")),
    (NOTHING, {"qty": Decimal(1_001)}, STOP, (R.ABOVE_MAXIMUM, "1001", "1000", "")),
    (NOTHING, {"qty": Decimal(121), "kind": OrderKind.MARKET, "price": None}, STOP,
     (R.ABOVE_MAXIMUM, "121", "120", "")),
    (holding("0.1", 80_000), {}, STOP,
     (R.AVERAGING_DOWN, "mark 76000", "entry 80000 or better", "")),
    (with_order(status=OrderStatus.UNKNOWN), {}, STOP,
     (R.ENTRY_PENDING, "bw-other UNKNOWN", "no entry whose end is unknown", "")),
    (holding_short, {}, STOP, (R.WOULD_FLIP, "holds 0.1 SHORT", "flat", "")),
]  # fmt: skip


@pytest.mark.parametrize(("change", "draft", "stop", "words"), SAID)
def test_a_no_says_what_was_measured_against_what(
    change: Change, draft: dict[str, object], stop: float, words: Words
) -> None:
    made = kit()
    change(made)
    asked = entry(**draft)
    reason, measured, limit, detail = words
    assert gate.judge_entry(made.desk, asked, stop) == Refusal(
        reason, asked.symbol, measured, limit, detail
    )


def test_an_exposure_above_the_cap_is_told_in_dollars() -> None:
    made = capped(cap_usd=759.99)
    refusal = gate.judge_entry(made.desk, entry(), STOP)
    assert refusal == Refusal(R.NOTIONAL_ABOVE_CAP, BTC, "760.00 USD", "759.99 USD")


REDUCED: list[tuple[dict[str, object], str, Words]] = [
    ({"side": OrderSide.BUY}, "0.1", (R.WOULD_NOT_REDUCE, "BUY", "the leg's exit side", "")),
    ({}, "0", (R.WOULD_NOT_REDUCE, "held 0", "a held position", "")),
    ({"qty": Decimal(1)}, "0.1", (R.WOULD_FLIP, "qty 1", "held 0.1", "")),
    ({"kind": OrderKind.STOP_MARKET}, "0.1", (R.STOP_MISSING, "None", "a trigger price", "")),
    ({"kind": OrderKind.STOP_MARKET, "trigger_price": Decimal(77_000)}, "0.1",
     (R.STOP_WRONG_SIDE, "77000", "mark 76000", "")),
]  # fmt: skip


@pytest.mark.parametrize(("draft", "held", "words"), REDUCED)
def test_so_does_a_no_to_a_reduction(draft: dict[str, object], held: str, words: Words) -> None:
    reason, measured, limit, detail = words
    refusal = gate.judge_reduction(reduction(**draft), Decimal(held), 76_000.0)
    assert refusal == Refusal(reason, BTC, measured, limit, detail)


def lines(made: Kit) -> list[tuple[str, str, str, str, str]]:
    """Kind, symbol, what, why and cause of what was written."""
    rows = [effect.decision for effect in made.desk.effects if isinstance(effect, Record)]
    return [(d.kind, d.symbol, d.what, d.why, d.cause) for d in rows]


def test_refusals_are_written_with_the_cause_of_the_wish() -> None:
    made = kit()
    gate.execute(made.desk, [EntryWish(entry(), 0.0, None, "d-1"), ReduceWish(reduction(), "d-2")])
    assert lines(made) == [
        ("refusal", BTC, "refused: BUY 0.010 (test)", "STOP_MISSING", "d-1"),
        ("refusal", BTC, "refused: SELL 0.010 (test)", "WOULD_NOT_REDUCE", "d-2"),
    ]


def test_margin_nobody_released_is_refused_with_both_amounts() -> None:
    made = kit()
    made.leg.released_usd = Decimal(50)
    gate.execute(made.desk, [MarginWish(made.leg, Decimal(51), "more")])
    limit = "50 USD released by our own cuts"
    assert made.state.refusals == [Refusal(R.MARGIN_TOP_UP, BTC, "51 USD", limit)]
    assert lines(made) == [("refusal", BTC, "refused: margin: more", "MARGIN_TOP_UP", "")]
    assert made.leg.margin_asked_ns == 0


# ------------------------------------------------------------------ where the limits lie


def capped(cap_usd: float, *, by_symbol: bool = False) -> Kit:
    limits = LimitPolicy(
        symbols=(BTC,),
        notional_cap_default_usd=1e12 if by_symbol else cap_usd,
        notional_cap_usd={BTC: cap_usd} if by_symbol else {},
    )
    made = kit()
    made.desk.policy = msgspec.structs.replace(policy(), limits=limits)
    return made


@pytest.mark.parametrize("by_symbol", [True, False])
@pytest.mark.parametrize(("cap_usd", "passes"), [(760.0, True), (759.9, False)])
def test_exposure_may_reach_its_cap(by_symbol: bool, cap_usd: float, passes: bool) -> None:
    made = capped(cap_usd, by_symbol=by_symbol)
    assert (gate.judge_entry(made.desk, entry(), STOP) is None) is passes


@pytest.mark.parametrize(("age_s", "passes"), [(4.0, True), (4.1, False)])
def test_a_price_may_be_as_old_as_its_limit(age_s: float, passes: bool) -> None:
    made = kit()
    rules = msgspec.structs.replace(made.desk.policy.rules, price_stale_s=4.0)
    made.desk.policy = msgspec.structs.replace(made.desk.policy, rules=rules)
    made.state.now_ns += int(age_s * NS_PER_S)
    refusal = gate.judge_entry(made.desk, entry(), STOP)
    assert (refusal is None) is passes
    if refusal is not None:
        assert (refusal.reason, refusal.measured) == (R.PRICE_STALE, "4.1 s (old)")


@pytest.mark.parametrize(
    ("qty", "kind", "passes"),
    [
        ("1000", OrderKind.LIMIT, True),
        ("1000.001", OrderKind.LIMIT, False),
        ("120", OrderKind.MARKET, True),
        ("120.001", OrderKind.MARKET, False),
        ("0.002", OrderKind.LIMIT, True),
        ("0.001", OrderKind.LIMIT, False),
    ],
)
def test_a_size_may_reach_the_contracts_bounds(qty: str, kind: OrderKind, passes: bool) -> None:
    made = capped(cap_usd=1e12)
    price = Decimal(76_000) if kind is OrderKind.LIMIT else None
    draft = entry(qty=Decimal(qty), kind=kind, price=price)
    assert (gate.judge_entry(made.desk, draft, STOP) is None) is passes


@pytest.mark.parametrize(
    ("sign", "stop", "reason"),
    [
        (1, 75_999.9, None),
        (1, 76_000.1, R.STOP_WRONG_SIDE),
        (-1, 76_000.1, None),
        (-1, 76_000.0, R.STOP_WRONG_SIDE),
        (-1, 75_999.9, R.STOP_WRONG_SIDE),
        (1, -1.0, R.STOP_MISSING),
    ],
)
def test_a_stop_lies_on_the_loss_side(sign: int, stop: float, reason: RefusalReason | None) -> None:
    made = kit()
    side = LONG if sign > 0 else PositionSide.SHORT
    refusal = gate.judge_entry(made.desk, entry(position_side=side, side=side.entry), stop)
    assert (refusal.reason if refusal is not None else None) is reason


@pytest.mark.parametrize(("at", "passes"), [(76_000, True), (76_001, False)])
def test_a_leg_that_is_even_may_grow(at: int, passes: bool) -> None:
    made = kit()
    holding("0.1", at)(made)
    assert (gate.judge_entry(made.desk, entry(), STOP) is None) is passes


@pytest.mark.parametrize(
    "fields",
    [
        {"foreign": False, "last_cut_ns": 1, "user_qty": Decimal(1)},
        {"foreign": True, "last_cut_ns": 0, "user_qty": Decimal(1)},
        {"foreign": True, "last_cut_ns": 1, "user_qty": Decimal("0.109")},
    ],
)
def test_only_giving_back_our_own_cut_adds_nothing(fields: dict[str, object]) -> None:
    made = kit()
    holding("0.1", 80_000, **fields)(made)
    refusal = gate.judge_entry(made.desk, entry(), STOP)
    assert refusal is not None
    assert refusal.reason is R.AVERAGING_DOWN
    made.leg.foreign, made.leg.last_cut_ns, made.leg.user_qty = True, 1, Decimal("0.11")
    assert gate.judge_entry(made.desk, entry(), STOP) is None


def test_an_entry_of_another_symbol_does_not_stand_in_the_way() -> None:
    made = kit()
    with_order(symbol="ETH/USDT:USDT", status=OrderStatus.UNKNOWN)(made)
    assert gate.judge_entry(made.desk, entry(), STOP) is None
    assert gate.exposure_after_usd(made.desk, entry(), 1_000.0) == pytest.approx(10.0)


# ------------------------------------------------------------------ what leaves


@pytest.mark.parametrize("hedged", [True, False])
def test_what_leaves_is_the_draft_and_nothing_else(hedged: bool) -> None:
    made = kit()
    made.state.hedge_mode = hedged
    gate.execute(made.desk, [EntryWish(entry(), STOP, None, "d-1")])
    (order,) = [effect.order for effect in made.desk.effects if isinstance(effect, SubmitOrder)]
    draft = entry()
    for name in draft.__struct_fields__:
        assert getattr(order, name) == getattr(draft, name), name
    assert order.reduce_only == draft.reduce_only
    assert order.hedged is hedged
    what = "ENTRY BUY 0.010 at 76000"
    assert lines(made) == [("order", BTC, what, "test", "d-1")]
    (row,) = [effect.decision for effect in made.desk.effects if isinstance(effect, Record)]
    assert row.client_order_id == order.client_order_id


def test_belief_of_what_left_is_what_left() -> None:
    made = kit()
    made.leg.qty = Decimal("0.1")
    stop = reduction(
        purpose=Purpose.STOP, kind=OrderKind.STOP_MARKET, trigger_price=Decimal(75_000)
    )
    gate.execute(made.desk, [ReduceWish(stop, "d-1")])
    (order,) = [effect.order for effect in made.desk.effects if isinstance(effect, SubmitOrder)]
    assert made.state.orders == {
        order.client_order_id: OrderBelief(
            client_order_id=order.client_order_id, symbol=BTC, side=OrderSide.SELL,
            position_side=LONG, kind=OrderKind.STOP_MARKET, purpose=Purpose.STOP,
            status=OrderStatus.PENDING, qty=stop.qty, trigger_price=Decimal(75_000),
            trigger_by=order.trigger_by, reduce_only=True, sent_ns=made.state.now_ns,
            reason="test",
        )
    }  # fmt: skip


@pytest.mark.parametrize("purpose", [Purpose.ENTRY, Purpose.STOP, Purpose.TARGET])
def test_a_cancel_names_the_order_and_protects_when_it_takes_an_entry_away(
    purpose: Purpose,
) -> None:
    made = kit()
    kind = OrderKind.LIMIT if purpose is Purpose.ENTRY else OrderKind.STOP_MARKET
    resting = belief(purpose, kind=kind, venue_order_id="v9")
    gate.execute(made.desk, [CancelWish(resting, "not needed")])
    assert made.desk.effects == [
        CancelOrder(
            symbol=BTC, client_order_id="bw-other", venue_order_id="v9",
            conditional=kind.is_conditional, protecting=purpose is Purpose.ENTRY,
            reason="not needed",
        )
    ]  # fmt: skip


def test_margin_leaves_once_and_is_written_down() -> None:
    made = kit()
    made.leg.released_usd = Decimal(50)
    gate.execute(made.desk, [MarginWish(made.leg, Decimal(50), "near liquidation")])
    assert made.desk.effects[0] == AdjustMargin(BTC, LONG, Decimal(50), "near liquidation")
    assert lines(made) == [("margin", BTC, "give back 50 USD of margin", "near liquidation", "")]
    assert (made.leg.released_usd, made.leg.margin_asked_ns) == (0, made.state.now_ns)
