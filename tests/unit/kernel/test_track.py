"""How fills, positions, wallet and orders fold into belief: which word counts, what it moves."""

from decimal import Decimal

import msgspec
import pytest

from bot.domain.account import MarginMode
from bot.domain.messages import Fill, OrderUpdate, WalletUpdate
from bot.domain.orders import (
    OrderKind,
    OrderSide,
    OrderState,
    OrderStatus,
    PositionSide,
    Purpose,
)
from bot.domain.units import NS_PER_S
from bot.kernel import track
from bot.kernel.snapshot import BotState, leg_key
from tests.fakes.kernel_world import BTC, START_NS, position
from tests.unit.kernel.rules.rule_kit import Kit

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT
S = OrderStatus
NOW = START_NS


def execution(side: OrderSide = OrderSide.BUY, qty: str = "0.1", **changes: object) -> Fill:
    fields: dict[str, object] = {
        "symbol": BTC, "trade_id": "t1", "client_order_id": "bw1", "venue_order_id": "v1",
        "side": side, "position_side": None, "qty": Decimal(qty), "price": Decimal(80_000),
        "fee_usd": Decimal(4), "realized_pnl_usd": Decimal(0), "is_maker": False,
        "event_ns": NOW + 1, "received_ns": NOW + 1,
    }  # fmt: skip
    return Fill(**{**fields, **changes})  # type: ignore[arg-type]


def told(status: S = S.WORKING, **changes: object) -> OrderState:
    fields: dict[str, object] = {
        "client_order_id": "bw1", "venue_order_id": "v1", "symbol": BTC, "side": OrderSide.SELL,
        "kind": OrderKind.STOP_MARKET, "status": status, "qty": Decimal("0.1"),
        "filled_qty": Decimal(0), "reduce_only": True, "close_position": False, "event_ns": NOW,
    }  # fmt: skip
    return OrderState(**{**fields, **changes})  # type: ignore[arg-type]


def news(state: BotState, order: OrderState):
    return track.on_order(state, OrderUpdate(order.event_ns, order.event_ns, order))


# ------------------------------------------------------------------ fills


def test_a_fill_that_grows_a_leg_averages_its_entry_and_pays_its_fee() -> None:
    kit = Kit()
    state, leg = kit.state, kit.leg
    leg.flat_ns = leg.absent_ns = 7
    track.apply_fill(state, leg, execution(qty="0.3"), grew=True)
    assert leg.qty == Decimal("0.4")
    assert leg.entry_price == Decimal(79_000)
    assert state.wallet_usd == Decimal(9_996)
    assert (state.fill_ns, state.fill_seen_ns) == (NOW + 1, NOW)
    assert (leg.fill_ns, leg.flat_ns, leg.absent_ns) == (NOW + 1, 0, 0)
    assert leg.opened_ns == START_NS, "it was open before"


def test_a_fill_that_shrinks_a_leg_books_its_result_and_goes_no_further_than_flat() -> None:
    kit = Kit()
    state, leg = kit.state, kit.leg
    sold = execution(OrderSide.SELL, "0.04", realized_pnl_usd=Decimal(160))
    track.apply_fill(state, leg, sold, grew=False)
    assert (leg.qty, leg.entry_price) == (Decimal("0.06"), Decimal(76_000))
    assert state.wallet_usd == Decimal(10_156)
    leg.flat_ns = 5
    track.apply_fill(state, leg, execution(OrderSide.SELL, "0.5"), grew=False)
    assert leg.qty == 0
    assert leg.flat_ns == 5, "only what is held is not flat"


@pytest.mark.parametrize("late", ["wallet", "position", "both"])
def test_what_the_venue_already_said_is_not_counted_twice(late: str) -> None:
    kit = Kit()
    state, leg = kit.state, kit.leg
    state.unexplained_usd, state.unexplained_ns = -50.0, 9
    state.wallet_ns = NOW + (1 if late in ("wallet", "both") else 0)
    leg.position_ns = NOW + (1 if late in ("position", "both") else 0)
    track.apply_fill(state, leg, execution(), grew=True)
    counted = late == "position"
    assert state.wallet_usd == (9_996 if counted else 10_000)
    assert state.unexplained_usd == (-50.0 if counted else -46.0), "its fee explains a part"
    assert leg.qty == Decimal("0.2" if late == "wallet" else "0.1")


def test_an_execution_from_before_the_reading_opens_nothing() -> None:
    kit = Kit()
    kit.leg.qty, kit.state.shown_ns = Decimal(0), NOW + 2
    track.apply_fill(kit.state, kit.leg, execution(), grew=True)
    assert (kit.leg.qty, kit.leg.fill_ns) == (0, 0)
    kit.state.shown_ns, kit.leg.opened_ns = NOW + 1, 0
    track.apply_fill(kit.state, kit.leg, execution(), grew=True)
    assert (kit.leg.qty, kit.leg.opened_ns) == (Decimal("0.1"), NOW + 1)


def test_a_fill_is_new_once() -> None:
    state = BotState(run_id="r", now_ns=NOW)
    assert track.is_new_fill(state, execution())
    assert not track.is_new_fill(state, execution())
    assert track.is_new_fill(state, execution(symbol="ETH/USDT:USDT")), "ids are a symbol's own"
    assert track.is_new_fill(state, execution(trade_id="t2"))


@pytest.mark.parametrize(
    ("side", "held", "wanted", "grew"),
    [
        (OrderSide.BUY, None, LONG, True), (OrderSide.SELL, None, SHORT, True),
        (OrderSide.SELL, LONG, LONG, False), (OrderSide.BUY, SHORT, SHORT, False),
        (OrderSide.BUY, LONG, LONG, True), (OrderSide.SELL, SHORT, SHORT, True),
    ],
)  # fmt: skip
def test_in_one_way_mode_the_held_side_decides(
    side: OrderSide, held: PositionSide | None, wanted: PositionSide, grew: bool
) -> None:
    kit = Kit(long=held is not SHORT)
    if held is None:
        kit.state.legs.clear()
    leg, grows = track.fill_leg(kit.state, execution(side), None)
    assert (leg.side, grows) == (wanted, grew)


def test_executions_of_one_instant_close_the_leg_they_emptied() -> None:
    """The second half of a close comes when the first has emptied the leg: it opens no short."""
    kit = Kit()
    kit.leg.qty, kit.leg.fill_ns = Decimal(0), NOW + 1
    leg, grew = track.fill_leg(kit.state, execution(OrderSide.SELL), None)
    assert (leg.side, grew) == (LONG, False)
    kit.leg.fill_ns = NOW
    leg, grew = track.fill_leg(kit.state, execution(OrderSide.SELL), None)
    assert (leg.side, grew) == (SHORT, True)


def test_the_leg_is_the_orders_own_and_the_venues_word_goes_first() -> None:
    kit = Kit()
    belief = track.adopt_order(kit.state, told(position_side=SHORT, side=OrderSide.BUY))
    assert belief.ours
    leg, grew = track.fill_leg(kit.state, execution(OrderSide.BUY), belief)
    assert (leg.side, grew) == (SHORT, False)
    leg, grew = track.fill_leg(kit.state, execution(OrderSide.BUY, position_side=LONG), belief)
    assert (leg.side, grew) == (LONG, True)
    belief.purpose = None  # another's order says nothing in one-way mode
    leg, grew = track.fill_leg(kit.state, execution(OrderSide.BUY), belief)
    assert (leg.side, grew) == (LONG, True)


# ------------------------------------------------------------------ positions


def test_the_venues_word_on_a_leg_replaces_all_it_says() -> None:
    kit = Kit()
    leg = kit.leg
    leg.flat_ns = leg.absent_ns = leg.missing_reads = 3
    leg.adl_rank, leg.opened_ns = 1, 0
    word = msgspec.structs.replace(
        position(LONG, "0.2", "77000", ns=NOW + 5, margin="900"), leverage=5, hedged=True,
        venue_liq_price=Decimal(60_000), adl_rank=2,
    )  # fmt: skip
    assert track.apply_position(kit.state, word) is leg
    assert (leg.qty, leg.entry_price, leg.position_ns) == (Decimal("0.2"), 77_000, NOW + 5)
    assert (leg.flat_ns, leg.absent_ns, leg.missing_reads) == (0, 0, 0)
    assert (leg.opened_ns, leg.hedged, leg.leverage) == (NOW + 5, True, 5)
    assert (leg.margin_mode, leg.isolated_margin_usd) == (MarginMode.ISOLATED, 900)
    assert (leg.venue_liq_price, leg.adl_rank) == (60_000, 2)
    assert (kit.state.fill_ns, kit.state.fill_seen_ns) == (NOW + 5, NOW)


def test_what_a_word_does_not_say_stays() -> None:
    kit = Kit()
    leg = kit.leg
    leg.leverage, leg.margin_mode, leg.adl_rank = 3, MarginMode.ISOLATED, 4
    leg.venue_liq_price = Decimal(60_000)
    word = msgspec.structs.replace(position(LONG, "0.1", "76000", ns=NOW + 5), margin_mode=None)
    assert track.apply_position(kit.state, word) is leg
    assert (leg.leverage, leg.margin_mode, leg.adl_rank) == (3, MarginMode.ISOLATED, 4)
    assert leg.isolated_margin_usd == 2_000
    assert leg.venue_liq_price is None, "a price that is no longer told holds no longer"
    assert leg.opened_ns == START_NS
    assert (kit.state.fill_ns, kit.state.fill_seen_ns) == (0, 0), "no quantity changed"


def test_a_flat_word_keeps_the_entry() -> None:
    kit = Kit()
    kit.leg.flat_ns, kit.leg.opened_ns = 4, 0
    assert track.apply_position(kit.state, position(LONG, "0", "1", ns=NOW)) is kit.leg
    assert (kit.leg.qty, kit.leg.entry_price) == (0, 76_000)
    assert (kit.leg.flat_ns, kit.leg.opened_ns) == (4, 0)


@pytest.mark.parametrize("newer", ["position_ns", "fill_ns"])
def test_an_older_word_changes_nothing_and_one_of_the_same_instant_counts(newer: str) -> None:
    kit = Kit()
    setattr(kit.leg, newer, NOW)
    assert track.apply_position(kit.state, position(LONG, "0.3", "1", ns=NOW - 1)) is None
    assert (kit.leg.qty, kit.leg.absent_ns) == (Decimal("0.1"), 0)
    assert track.apply_position(kit.state, position(LONG, "0.3", "76000", ns=NOW)) is kit.leg
    assert kit.leg.qty == Decimal("0.3")


# ------------------------------------------------------------------ orders


def test_a_fill_of_an_order_never_shrinks_nor_exceeds_it() -> None:
    kit = Kit()
    belief = news(kit.state, told(filled_qty=Decimal("0.04")))
    assert belief.filled_qty == Decimal("0.04")
    assert news(kit.state, told(filled_qty=Decimal("0.02"))).filled_qty == Decimal("0.04")
    assert news(kit.state, told(filled_qty=Decimal("0.4"))).filled_qty == Decimal("0.1")
    belief.qty = Decimal(0)
    whole = told(filled_qty=Decimal("0.4"), qty=Decimal(0))
    assert news(kit.state, whole).filled_qty == Decimal("0.4"), "of all that is held"


@pytest.mark.parametrize(
    ("before", "word", "after"),
    [
        (S.PENDING, S.WORKING, S.WORKING), (S.WORKING, S.TRIGGERING, S.TRIGGERING),
        (S.TRIGGERING, S.WORKING, S.TRIGGERING), (S.CANCELLED, S.WORKING, S.CANCELLED),
        (S.CANCELLED, S.FILLED, S.FILLED), (S.REJECTED, S.EXPIRED, S.REJECTED),
        (S.LOST, S.WORKING, S.WORKING), (S.TRIGGERING, S.REJECTED, S.REJECTED),
    ],
)  # fmt: skip
def test_an_end_is_left_by_a_late_fill_alone(before: S, word: S, after: S) -> None:
    kit = Kit()
    belief = track.adopt_order(kit.state, told(before, venue_order_id=""))
    belief.reason = "as wished"
    found = news(kit.state, told(word, event_ns=NOW + 3, reason="told"))
    assert found is belief
    assert (belief.status, belief.event_ns, belief.venue_order_id) == (after, NOW + 3, "v1")
    assert belief.reason == ("told" if after is word else "as wished")
    assert news(kit.state, told(after, event_ns=NOW + 1, venue_order_id="")).event_ns == NOW + 3
    assert belief.venue_order_id == "v1"
    assert belief.reason == ("told" if after is word else "as wished")


def test_the_child_of_a_conditional_order_ends_it_by_its_fill_alone() -> None:
    kit = Kit()
    belief = track.adopt_order(kit.state, told(S.TRIGGERING))
    child = told(S.WORKING, kind=OrderKind.MARKET, venue_order_id="child")
    assert news(kit.state, child).status is S.TRIGGERING
    assert news(kit.state, msgspec.structs.replace(child, status=S.CANCELLED)).status is (
        S.TRIGGERING
    )
    full = msgspec.structs.replace(child, status=S.FILLED, filled_qty=Decimal("0.1"))
    assert news(kit.state, full) is belief
    assert (belief.status, belief.venue_order_id) == (S.FILLED, "")
    assert belief.filled_qty == Decimal("0.1")


@pytest.mark.parametrize(
    ("changes", "purpose", "side"),
    [
        ({}, Purpose.STOP, LONG),
        ({"kind": OrderKind.TAKE_PROFIT_MARKET}, Purpose.TARGET, LONG),
        ({"kind": OrderKind.MARKET}, Purpose.CUT, LONG),
        ({"kind": OrderKind.MARKET, "reduce_only": False}, Purpose.ENTRY, SHORT),
        ({"reduce_only": False, "close_position": True}, Purpose.STOP, LONG),
        ({"reduce_only": False, "position_side": LONG}, Purpose.STOP, LONG),
        ({"reduce_only": False, "position_side": SHORT, "kind": OrderKind.LIMIT}, Purpose.ENTRY,
         SHORT),
        ({"side": OrderSide.BUY}, Purpose.STOP, SHORT),
        ({"client_order_id": "web_1"}, None, LONG),
    ],
)  # fmt: skip
def test_an_order_that_nobody_remembers_is_known_by_what_it_does(
    changes: dict[str, object], purpose: Purpose | None, side: PositionSide
) -> None:
    state = BotState(run_id="r", now_ns=NOW + 9)
    order = told(trigger_price=Decimal(75_000), **changes)
    belief = track.adopt_order(state, order)
    assert state.orders[order.client_order_id] is belief
    assert (belief.purpose, belief.position_side, belief.sent_ns) == (purpose, side, NOW + 9)
    assert belief.status is S.WORKING
    for name in ("symbol", "side", "kind", "qty", "trigger_price", "trigger_by", "reduce_only",
                 "close_position"):  # fmt: skip
        assert getattr(belief, name) == getattr(order, name), name


# ------------------------------------------------------------------ wallet and anchors


def test_wallet_and_positions_agree_when_each_knows_the_others_newest() -> None:
    state = BotState(run_id="r", now_ns=NOW)
    for wallet, filled, traded, wanted in ((5, 5, 5, True), (4, 5, 5, False), (5, 4, 5, False),
                                           (6, 5, 4, True)):  # fmt: skip
        state.wallet_ns, state.fill_ns, state.traded_wallet_ns = wallet, filled, traded
        assert track.agrees(state) is wanted
    state.wallet_ns, state.fill_ns = 1, 2
    state.fill_seen_ns, state.traded_wallet_seen_ns = NOW - 5 * NS_PER_S, NOW - track.SETTLING_NS
    assert not track.settled(state), "the newest of both counts"
    state.traded_wallet_seen_ns -= 1
    assert track.settled(state)


def test_equity_counts_each_held_leg_at_its_mark() -> None:
    kit = Kit(long=False)
    kit.mark(75_000.0)
    assert track.equity_usd(kit.state) == pytest.approx(10_100.0)
    kit.market.mark = 0.5
    assert track.equity_usd(kit.state) == pytest.approx(10_000.0 + 0.1 * 75_999.5)
    kit.market.mark = 0.0
    assert track.equity_usd(kit.state) == 10_000.0, "without a mark it counts at its entry"
    kit.market.mark, kit.leg.qty = 75_000.0, Decimal(0)
    assert track.equity_usd(kit.state) == 10_000.0


@pytest.mark.parametrize(("known", "ratio"), [(False, 1.5), (True, 2.0)])
def test_a_transfer_scales_peak_and_starts_by_what_it_added(known: bool, ratio: float) -> None:
    kit = Kit()
    anchors = kit.state.anchors
    anchors.day_start_usd, anchors.week_start_usd = 9_000.0, 8_000.0
    track.scale_anchors(kit.state, 5_000.0, told=known)
    assert (anchors.high_water_usd, anchors.day_start_usd, anchors.week_start_usd) == (
        10_000.0 * ratio, 9_000.0 * ratio, 8_000.0 * ratio,
    )  # fmt: skip


@pytest.mark.parametrize(("change", "known"), [(-10_000.0, False), (10_000.0, True)])
def test_a_transfer_of_everything_scales_nothing(change: float, known: bool) -> None:
    kit = Kit()
    track.scale_anchors(kit.state, change, told=known)
    assert kit.state.anchors.high_water_usd == 10_000.0


def test_a_cause_that_comes_late_explains_its_part() -> None:
    state = BotState(run_id="r", now_ns=NOW)
    track.explain(state, 5.0)
    assert state.unexplained_usd == 0.0, "nothing waits for an explanation"
    state.unexplained_usd, state.unexplained_ns = -20.0, 7
    track.explain(state, -12.0)
    assert (state.unexplained_usd, state.unexplained_ns) == (-8.0, 7)
    track.explain(state, -7.5)
    assert (state.unexplained_usd, state.unexplained_ns) == (-0.5, 7)
    track.explain(state, -0.1)
    assert (state.unexplained_usd, state.unexplained_ns) == (0.0, 0)


def wallet(usd: str, change: str | None, cause: str, ns: int = NOW + 1) -> WalletUpdate:
    return WalletUpdate(ns, ns, Decimal(usd), None if change is None else Decimal(change), cause)


def test_funding_is_booked_once_and_goes_to_the_only_leg() -> None:
    kit = Kit()
    state, trade = kit.state, kit.leg.trade
    assert trade is not None
    track.on_wallet(state, wallet("9990", "-10", "FUNDING_FEE"))
    assert (state.wallet_usd, state.wallet_ns) == (9_990, NOW + 1)
    assert (state.books.funding_usd, trade.funding_usd) == (-10.0, -10)
    assert (state.anchors.own_day_usd, state.anchors.own_week_usd) == (-10.0, -10.0)
    track.on_wallet(state, wallet("9990", "-10", "FUNDING_FEE"))
    assert state.books.funding_usd == -10.0, "the same word again"
    state.unexplained_usd, state.unexplained_ns = -50.0, 3
    track.on_wallet(state, wallet("9980", "-10", "FUNDING_FEE", NOW))
    assert (state.books.funding_usd, state.unexplained_usd) == (-20.0, -40.0)
    assert (state.wallet_usd, state.wallet_ns) == (9_990, NOW + 1), "late: the wallet is newer"
    state.legs["second"] = msgspec.structs.replace(kit.leg, trade=None)
    track.on_wallet(state, wallet("9970", "-20", "FUNDING_FEE", NOW + 2))
    assert (state.books.funding_usd, trade.funding_usd) == (-40.0, -20)
    del state.legs[leg_key(BTC, LONG)]
    track.on_wallet(state, wallet("9960", "-10", "FUNDING_FEE", NOW + 3))
    assert (state.books.funding_usd, trade.funding_usd) == (-50.0, -20)


def test_a_wallet_of_a_trade_waits_for_its_execution() -> None:
    kit = Kit()
    state = kit.state
    track.on_wallet(state, wallet("9990", None, "ORDER"))
    assert (state.traded_wallet_ns, state.traded_wallet_seen_ns) == (NOW + 1, NOW)
    assert state.wallet_usd == 9_990
    state.now_ns += 5
    track.on_wallet(state, wallet("9990", None, "ORDER"))
    assert state.traded_wallet_seen_ns == NOW, "the same word again"
    track.on_wallet(state, wallet("1", None, "ORDER", NOW))
    assert (state.wallet_usd, state.wallet_ns) == (9_990, NOW + 1), "an older word without a change"


def test_a_transfer_is_believed_once_from_both_who_tell_of_it() -> None:
    kit = Kit()
    state = kit.state
    track.on_wallet(state, wallet("15000", "5000", "DEPOSIT"))
    assert state.anchors.high_water_usd == 15_000.0
    track.on_transfer(state, Decimal(5_000), NOW + 2, source="ledger", ref="L1")
    assert state.anchors.high_water_usd == 15_000.0, "the ledger tells of the same one"
    track.on_transfer(state, Decimal(5_000), NOW + 2, source="ledger", ref="L1")
    track.on_transfer(state, Decimal(0), NOW + 2, source="ledger", ref="L0")
    assert len(state.transfers) == 2
    track.on_transfer(state, Decimal(3_000), NOW - 100, source="ledger", ref="L2")
    assert state.anchors.high_water_usd == pytest.approx(15_000.0 * 15_000.0 / 12_000.0)
    state.unexplained_usd, state.unexplained_ns = 1_000.0, 5
    peak = state.anchors.high_water_usd
    late_ns = NOW - track.SAME_TRANSFER_NS - 200
    track.on_transfer(state, Decimal(1_000), late_ns, source="stream", ref="S2")
    assert state.unexplained_usd == 0.0, "it explains the jump that was seen"
    assert state.anchors.high_water_usd == pytest.approx(peak * 15_000.0 / 14_000.0)


def test_a_word_an_hour_apart_is_another_transfer() -> None:
    kit = Kit()
    state = kit.state
    track.on_transfer(state, Decimal(100), NOW, source="stream", ref="S1")
    track.on_transfer(state, Decimal(100), NOW + track.SAME_TRANSFER_NS, source="ledger", ref="L1")
    assert [each.matched for each in state.transfers.values()] == [False, False]
    track.on_transfer(state, Decimal("100.0"), NOW + 1, source="ledger", ref="L2")
    assert [each.matched for each in state.transfers.values()] == [True, False, True]
    track.on_transfer(state, Decimal(100), NOW + 2, source="ledger", ref="L3")
    assert list(state.transfers.values())[-1].matched is False, "its twin is taken"
