"""The rare words of a venue: late, doubled, out of order, about things nobody knows."""

from decimal import Decimal

import msgspec
import pytest

from bot.domain.account import IncomeRow, MarginMode
from bot.domain.messages import (
    FetchAccount,
    FetchFills,
    FetchOrder,
    IncomeBooked,
    MarginAdjusted,
    OrderNotFound,
    OrderRefused,
    OrderUpdate,
    Record,
    WalletUpdate,
)
from bot.domain.orders import (
    OrderKind,
    OrderSide,
    OrderState,
    OrderStatus,
    PositionSide,
    Purpose,
)
from bot.domain.units import NS_PER_DAY, NS_PER_S
from bot.kernel import outcomes, reconcile, track
from bot.kernel.snapshot import BotState, Leg, OrderBelief, Transfer, leg_key
from tests.fakes.kernel_world import BTC, position, snapshot
from tests.unit.journal.stories import fill
from tests.unit.kernel.rules.rule_kit import Kit

LONG = PositionSide.LONG
NAME = "bwkit-1-1"


def believed(kit: Kit, purpose: Purpose | None, **changes: object) -> OrderBelief:
    belief = OrderBelief(
        client_order_id=NAME, symbol=BTC, side=OrderSide.SELL, position_side=LONG,
        kind=OrderKind.STOP_MARKET, purpose=purpose, status=OrderStatus.WORKING,
        qty=Decimal("0.1"), sent_ns=kit.state.now_ns, reduce_only=True,
    )  # fmt: skip
    for name, value in changes.items():
        setattr(belief, name, value)
    kit.state.orders[NAME] = belief
    return belief


def shown(status: OrderStatus, ns: int, **changes: object) -> OrderState:
    order = OrderState(
        client_order_id=NAME, venue_order_id="v1", symbol=BTC, side=OrderSide.SELL,
        kind=OrderKind.STOP_MARKET, status=status, qty=Decimal("0.1"), filled_qty=Decimal(0),
        reduce_only=True, close_position=False, event_ns=ns,
    )  # fmt: skip
    return msgspec.structs.replace(order, **changes)


# ------------------------------------------------------------------ order life


@pytest.mark.parametrize(
    ("was", "told", "becomes"),
    [
        (OrderStatus.TRIGGERING, OrderStatus.WORKING, OrderStatus.TRIGGERING),
        (OrderStatus.CANCELLED, OrderStatus.WORKING, OrderStatus.CANCELLED),
        (OrderStatus.CANCELLED, OrderStatus.FILLED, OrderStatus.FILLED),
        (OrderStatus.LOST, OrderStatus.WORKING, OrderStatus.WORKING),
        (OrderStatus.UNKNOWN, OrderStatus.REJECTED, OrderStatus.REJECTED),
    ],
)
def test_an_end_stays_an_end_but_for_a_late_fill(
    was: OrderStatus, told: OrderStatus, becomes: OrderStatus
) -> None:
    kit = Kit()
    belief = believed(kit, Purpose.STOP, status=was)
    ns = kit.state.now_ns + 1
    track.on_order(kit.state, OrderUpdate(ns, ns, shown(told, ns)))
    assert belief.status is becomes


@pytest.mark.parametrize("price_ran", [0.04, 0.1])
def test_a_target_that_would_trigger_at_once_closes_its_leg_only_when_it_was_all_of_it(
    price_ran: float,
) -> None:
    kit = Kit()
    belief = believed(kit, Purpose.TARGET, qty=Decimal(repr(price_ran)))
    ns = kit.state.now_ns
    found = outcomes.on_refused(kit.desk, OrderRefused(ns, ns, NAME, "-2021", "would trigger"))
    assert (found is belief) is (belief.qty == kit.leg.qty)
    assert belief.status is OrderStatus.REJECTED


@pytest.mark.parametrize("purpose", [Purpose.CUT, Purpose.FLATTEN])
def test_a_reduction_that_is_refused_asks_what_is_really_held(purpose: Purpose) -> None:
    kit = Kit()
    believed(kit, purpose)
    ns = kit.state.now_ns
    outcomes.on_refused(kit.desk, OrderRefused(ns, ns, NAME, "-2022", "reduce only"))
    assert [effect for effect in kit.desk.effects if isinstance(effect, FetchAccount)]
    assert kit.leg.refused == {purpose.value: 1}


@pytest.mark.parametrize("purpose", [None, Purpose.STOP])
def test_a_refusal_about_a_leg_nobody_knows_holds_nothing_back(purpose: Purpose | None) -> None:
    kit = Kit()
    believed(kit, purpose)
    kit.state.legs.clear()
    ns = kit.state.now_ns
    outcomes.on_refused(kit.desk, OrderRefused(ns, ns, NAME, "-4000", "no"))
    assert kit.state.legs == {}
    outcomes.forget_refusals(kit.desk, kit.state.orders[NAME])


def test_an_accepted_kind_is_waited_for_no_longer() -> None:
    kit = Kit()
    belief = believed(kit, Purpose.STOP)
    kit.leg.refused, kit.leg.wait_until_ns = {"STOP": 3, "CUT": 1}, {"STOP": 9, "CUT": 8}
    outcomes.forget_refusals(kit.desk, belief)
    assert (kit.leg.refused, kit.leg.wait_until_ns) == ({"CUT": 1}, {"CUT": 8})


def test_a_working_order_is_gone_when_it_was_not_found_twice() -> None:
    kit = Kit()
    belief = believed(kit, Purpose.STOP)
    ns = kit.state.now_ns
    assert outcomes.on_not_found(kit.desk, OrderNotFound(ns, ns, NAME)) is None
    assert belief.status is OrderStatus.WORKING
    assert outcomes.on_not_found(kit.desk, OrderNotFound(ns, ns, NAME)) is belief
    assert belief.status is OrderStatus.EXPIRED


@pytest.mark.parametrize("done", [True, False])
@pytest.mark.parametrize("known", [True, False])
def test_margin_that_was_not_given_is_ours_to_give_again(done: bool, known: bool) -> None:
    kit = Kit()
    kit.leg.margin_asked_ns = 5
    if not known:
        kit.state.legs.clear()
    ns = kit.state.now_ns
    event = MarginAdjusted(ns, ns, BTC, LONG, Decimal(30), done, "" if done else "-4051")
    outcomes.on_margin_adjusted(kit.desk, event)
    told = [effect for effect in kit.desk.effects if isinstance(effect, Record)]
    assert bool(told) is not done
    if known:
        assert kit.leg.margin_asked_ns == (0 if done else 5), "a no is not asked again at once"
        assert kit.leg.released_usd == (Decimal(0) if done else Decimal(30))


# ------------------------------------------------------------------ reconciliation


def test_an_order_that_was_given_up_and_is_shown_open_lives_again() -> None:
    kit = Kit()
    ns = kit.state.now_ns
    belief = believed(kit, Purpose.STOP, status=OrderStatus.EXPIRED, event_ns=ns - 1, misses=2)
    reading = snapshot("10000", [], [shown(OrderStatus.WORKING, ns - 50)], ns)
    reconcile.on_snapshot(kit.desk, reading)
    assert belief.status is OrderStatus.WORKING
    assert belief.misses == 0


def test_a_position_of_nothing_is_none() -> None:
    kit = Kit()
    kit.state.legs.clear()
    ns = kit.state.now_ns
    changed = reconcile.on_snapshot(
        kit.desk, snapshot("10000", [position(LONG, "0", "76000", ns=ns)], [], ns)
    )
    assert changed == []
    assert kit.state.legs == {}


@pytest.mark.parametrize(("fill_later", "believed_again"), [(False, True), (True, False)])
def test_a_leg_hidden_by_two_readings_is_believed_when_it_is_shown_again(
    fill_later: bool, believed_again: bool
) -> None:
    kit = Kit(own=False)
    held = position(LONG, "0.1", "76000", ns=kit.state.now_ns - NS_PER_S)
    track.apply_position(kit.state, held)
    for _ in range(reconcile.ABSENT_READS):
        kit.state.now_ns += NS_PER_S
        reconcile.on_snapshot(kit.desk, snapshot("10000", [], [], kit.state.now_ns))
    assert kit.leg.qty == 0
    kit.state.now_ns += NS_PER_S
    if fill_later:
        kit.leg.fill_ns = kit.state.now_ns
    reconcile.on_snapshot(kit.desk, snapshot("10000", [held], [], kit.state.now_ns))
    assert (kit.leg.qty > 0) is believed_again


def test_what_a_trade_planned_stays_its_own_when_only_the_reading_was_late() -> None:
    kit = Kit()
    assert kit.leg.trade is not None
    kit.leg.qty = Decimal("0.05")
    kit.leg.position_ns = kit.leg.fill_ns = 1
    ns = kit.state.now_ns
    reconcile.on_snapshot(
        kit.desk, snapshot("10000", [position(LONG, "0.1", "76000", ns=ns)], [], ns)
    )
    assert kit.leg.qty == Decimal("0.1")
    assert not kit.leg.foreign


# ------------------------------------------------------------------ wallet and fills


def test_many_fills_forget_those_of_yesterday_and_never_those_of_today(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(track, "SEEN_FILLS_MAX", 10)
    state = BotState(run_id="edge", now_ns=10 * NS_PER_DAY)
    for n in range(10):
        ns = state.now_ns - (2 * NS_PER_DAY if n < 6 else n)
        assert track.is_new_fill(state, fill(str(n), event_ns=ns))
    assert track.is_new_fill(state, fill("new", event_ns=state.now_ns))
    assert set(state.seen_fills) == {f"{BTC}|{name}" for name in ("6", "7", "8", "9", "new")}
    assert not track.is_new_fill(state, fill("9", event_ns=state.now_ns))


def wallet(state: BotState, usd: str, ns: int, cause: str, change: str | None = None) -> None:
    event = WalletUpdate(
        event_ns=ns, received_ns=ns, wallet_usd=Decimal(usd), cause=cause,
        change_usd=None if change is None else Decimal(change),
    )  # fmt: skip
    track.on_wallet(state, event)


def test_a_late_word_on_the_wallet_does_not_turn_it_back() -> None:
    kit = Kit()
    state, ns = kit.state, kit.state.wallet_ns
    wallet(state, "9000", ns - 5, "ORDER")
    assert state.wallet_usd == Decimal(10_000)
    state.unexplained_usd, state.unexplained_ns = -25.0, ns
    wallet(state, "9975", ns - 5, "FUNDING_FEE", "-25")
    assert state.wallet_usd == Decimal(10_000)
    assert state.unexplained_ns == 0, "the change that only a reading showed was funding"
    assert state.books.funding_usd == -25.0


@pytest.mark.parametrize("own", [True, False])
def test_funding_is_a_strategys_cost_only_for_its_own_leg(own: bool) -> None:
    kit = Kit(own=own)
    wallet(kit.state, "9990", kit.state.wallet_ns + 1, "FUNDING_FEE", "-10")
    assert kit.state.books.funding_usd == -10.0
    assert kit.state.anchors.own_day_usd == (-10.0 if own else 0.0)
    assert kit.state.anchors.own_week_usd == (-10.0 if own else 0.0)


def test_old_transfers_give_way() -> None:
    kit = Kit()
    state = kit.state
    state.transfers = {
        f"stream|{n}": Transfer("1", n, matched=True) for n in range(track.TRANSFERS_KEPT)
    }
    track.on_transfer(state, Decimal(7), state.now_ns, source="stream", ref="new")
    assert len(state.transfers) == track.TRANSFERS_KEPT // 2
    assert "stream|new" in state.transfers


def test_a_withdrawal_of_everything_scales_no_anchor() -> None:
    kit = Kit()
    kit.leg.qty = Decimal(0)
    before = kit.state.anchors.high_water_usd
    track.scale_anchors(kit.state, -10_000.0, told=False)
    assert kit.state.anchors.high_water_usd == before
    track.scale_anchors(kit.state, -5_000.0, told=False)
    assert kit.state.anchors.high_water_usd == before / 2


def test_orders_that_ended_yesterday_are_forgotten_and_live_ones_never() -> None:
    kit = Kit()
    old_ns = kit.state.now_ns - 2 * NS_PER_DAY
    believed(kit, Purpose.STOP, status=OrderStatus.FILLED, sent_ns=old_ns, event_ns=old_ns)
    kit.state.orders["bw-live"] = believed(kit, Purpose.STOP, sent_ns=old_ns, event_ns=old_ns)
    kit.state.orders[NAME].status = OrderStatus.FILLED
    kit.state.orders["bw-live"] = msgspec.structs.replace(
        kit.state.orders[NAME], client_order_id="bw-live", status=OrderStatus.WORKING
    )
    track.forget_old_orders(kit.state)
    assert set(kit.state.orders) == {"bw-live"}


def test_what_a_venue_does_not_say_of_a_position_is_kept() -> None:
    kit = Kit()
    kit.leg.margin_mode, kit.leg.leverage, kit.leg.adl_rank = MarginMode.ISOLATED, 5, 2
    said = msgspec.structs.replace(
        position(LONG, "0.1", "76000", ns=kit.state.now_ns + 1),
        margin_mode=None, leverage=None, isolated_margin_usd=None, adl_rank=None,
    )  # fmt: skip
    leg = track.apply_position(kit.state, said)
    assert leg is not None
    assert (leg.margin_mode, leg.leverage, leg.adl_rank) == (MarginMode.ISOLATED, 5, 2)
    assert leg.isolated_margin_usd == Decimal(2_000)


def test_a_leg_without_a_mark_counts_at_its_entry() -> None:
    kit = Kit()
    kit.mark(77_000.0)
    assert track.equity_usd(kit.state) == pytest.approx(10_100.0)
    kit.state.legs[leg_key("X", LONG)] = Leg(symbol="X", side=LONG, qty=Decimal(5))
    assert track.equity_usd(kit.state) == pytest.approx(10_100.0)


@pytest.mark.parametrize("code", outcomes.DUPLICATE)
def test_a_duplicate_is_an_order_that_exists_and_is_asked_for(code: str) -> None:
    kit = Kit()
    belief = believed(kit, Purpose.ENTRY, status=OrderStatus.PENDING, asked_ns=kit.state.now_ns)
    ns = kit.state.now_ns
    assert outcomes.on_refused(kit.desk, OrderRefused(ns, ns, NAME, code, "duplicate")) is None
    assert belief.status is OrderStatus.UNKNOWN
    assert [e.client_order_id for e in kit.desk.effects if isinstance(e, FetchOrder)] == [NAME]


def test_a_bot_that_never_lived_asks_for_no_missed_fills() -> None:
    kit = Kit()
    kit.state.seen_fills, kit.state.orders, kit.state.lived_until_ns = {}, {}, 0
    outcomes.ask_fills(kit.desk)
    assert kit.desk.effects == []
    kit.state.lived_until_ns = kit.state.now_ns
    outcomes.ask_fills(kit.desk)
    assert [e for e in kit.desk.effects if isinstance(e, FetchFills)]


def test_a_change_that_a_fill_of_now_explains_is_not_the_users() -> None:
    kit = Kit()
    kit.state.now_ns += 60 * NS_PER_S
    ns = kit.state.now_ns
    kit.leg.fill_ns = ns - 1
    kit.state.reconciled_ns = ns - NS_PER_S
    reading = snapshot("10000", [position(LONG, "0.2", "76000", ns=ns)], [], ns)
    assert reconcile.on_snapshot(kit.desk, reading) == [kit.leg]
    assert not kit.leg.foreign
    assert not [e for e in kit.desk.effects if isinstance(e, Record)]


def test_a_reading_older_than_the_last_fill_hides_nothing() -> None:
    kit = Kit()
    ns = kit.state.now_ns
    kit.leg.fill_ns = ns + 5
    assert reconcile.on_snapshot(kit.desk, snapshot("10000", [], [], ns)) == []
    assert kit.leg.qty == Decimal("0.1")
    assert kit.leg.missing_reads == 0


def test_a_transfer_of_the_ledger_and_of_the_stream_are_one() -> None:
    kit = Kit()
    kit.leg.qty = Decimal(0)
    state = kit.state
    ns = state.wallet_ns + 10
    wallet(state, "12000", ns, "DEPOSIT")
    assert state.anchors.high_water_usd == pytest.approx(12_000.0)
    row = IncomeRow(
        kind="TRANSFER", income_id="7", symbol="", asset="USDT", amount=Decimal(2_000),
        event_ns=ns + NS_PER_S, info="",
    )  # fmt: skip
    for _ in range(2):
        reconcile.on_income(kit.desk, IncomeBooked(ns, ns, (row,)))
    assert state.anchors.high_water_usd == pytest.approx(12_000.0)
    assert all(transfer.matched for transfer in state.transfers.values())
    assert len(state.transfers) == 2


@pytest.mark.parametrize(
    ("order_leg", "side", "reduces", "leg"),
    [
        (PositionSide.SHORT, OrderSide.BUY, True, PositionSide.SHORT),
        (None, OrderSide.BUY, False, LONG),
        (None, OrderSide.BUY, True, PositionSide.SHORT),
        (None, OrderSide.SELL, True, LONG),
    ],
)
def test_the_leg_of_an_order_in_both_modes(
    order_leg: PositionSide | None, side: OrderSide, reduces: bool, leg: PositionSide
) -> None:
    order = shown(OrderStatus.WORKING, 1, side=side, reduce_only=reduces, position_side=order_leg)
    assert track.leg_of_order(order) is leg


def test_a_transfer_from_before_the_first_wallet_explains_and_scales_nothing() -> None:
    """The opening deposit, told by a ledger of past days, is in every wallet ever believed."""
    kit = Kit()
    kit.leg.qty = Decimal(0)
    state = kit.state
    state.wallet_since_ns = state.wallet_ns
    state.unexplained_usd, state.unexplained_ns = -1_900.0, state.wallet_ns
    peak = state.anchors.high_water_usd
    for amount, before_ns in ((Decimal(10_000), 2 * NS_PER_DAY), (Decimal(4_000), NS_PER_S)):
        row = IncomeRow(
            kind="TRANSFER", income_id=str(amount), symbol="", asset="USDT", amount=amount,
            event_ns=state.wallet_since_ns - before_ns, info="",
        )  # fmt: skip
        reconcile.on_income(kit.desk, IncomeBooked(state.now_ns, state.now_ns, (row,)))
    assert state.unexplained_usd == -1_900.0
    assert state.anchors.high_water_usd == peak
