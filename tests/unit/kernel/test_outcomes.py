"""What each answer to a request of ours makes of belief, and what is said, asked and written."""

from decimal import Decimal

import pytest

from bot.domain.messages import (
    CancelFailed,
    CoverageReported,
    FetchAccount,
    FetchFills,
    FetchOrder,
    FillsFailed,
    MarginAdjusted,
    Notify,
    OrderAccepted,
    OrderNotFound,
    OrderOutcomeUnknown,
    OrderRefused,
    Record,
)
from bot.domain.orders import NOT_SENT, OrderKind, OrderSide, OrderStatus, PositionSide, Purpose
from bot.domain.risk import Severity
from bot.domain.units import NS_PER_S, ZERO
from bot.kernel import outcomes
from bot.kernel.snapshot import Leg, OrderBelief, Trade, leg_key
from tests.fakes.kernel_world import BTC
from tests.unit.kernel.rules.rule_kit import Kit

LONG = PositionSide.LONG
NAME = "bwkit-7-1"
LIVE = [status for status in OrderStatus if status.is_live]
OVER = [status for status in OrderStatus if not status.is_live]
PLAIN = (Purpose.ENTRY, Purpose.CUT, Purpose.FLATTEN)


def believed(
    kit: Kit, purpose: Purpose | None, status: OrderStatus = OrderStatus.PENDING, ago_s: float = 0.5
) -> OrderBelief:
    """An order of the leg, sent a while ago and asked for never."""
    entry = purpose is Purpose.ENTRY
    belief = OrderBelief(
        client_order_id=NAME, symbol=BTC, side=OrderSide.BUY if entry else OrderSide.SELL,
        position_side=LONG, kind=OrderKind.MARKET if purpose in PLAIN else OrderKind.STOP_MARKET,
        purpose=purpose, status=status, qty=Decimal("0.1"), trigger_price=Decimal(75_000),
        sent_ns=kit.state.now_ns - int(ago_s * NS_PER_S), reduce_only=not entry,
    )  # fmt: skip
    kit.state.orders[NAME] = belief
    return belief


def planned(kit: Kit, **changes: object) -> Trade:
    """Make the leg a flat one whose entry is the order NAME."""
    trade = kit.leg.trade
    assert trade is not None
    kit.leg.qty = trade.entry_qty = ZERO
    trade.entry_client_id = NAME
    for name, value in changes.items():
        setattr(trade if hasattr(trade, name) else kit.leg, name, value)
    return trade


def refuse(kit: Kit, code: str = "-4000") -> OrderBelief | None:
    ns = kit.state.now_ns
    return outcomes.on_refused(kit.desk, OrderRefused(ns, ns, NAME, code, "no room"))


def missing(kit: Kit) -> OrderBelief | None:
    ns = kit.state.now_ns
    return outcomes.on_not_found(kit.desk, OrderNotFound(ns, ns, NAME))


def told(kit: Kit) -> list[tuple[str, str, str, str, str]]:
    """Kind, symbol, why, cause and order of each line that was written."""
    lines = [effect.decision for effect in kit.desk.effects if isinstance(effect, Record)]
    return [(d.kind, d.symbol, d.why, d.cause, d.client_order_id) for d in lines]


def what(kit: Kit) -> list[str]:
    return [e.decision.what for e in kit.desk.effects if isinstance(e, Record)]


def asked(kit: Kit) -> list[FetchOrder]:
    return [effect for effect in kit.desk.effects if isinstance(effect, FetchOrder)]


# ------------------------------------------------------------------ accepted, refused, unknown


@pytest.mark.parametrize("status", OrderStatus)
def test_an_accepted_order_works_unless_its_end_was_told_first(status: OrderStatus) -> None:
    kit = Kit()
    belief = believed(kit, Purpose.STOP, status)
    ns = kit.state.now_ns
    assert outcomes.on_accepted(kit.desk, OrderAccepted(ns, ns, NAME, "v7")) is belief
    assert belief.status is (OrderStatus.WORKING if status in outcomes.UNSURE else status)
    assert belief.venue_order_id == "v7"
    assert kit.state.order_ends == [(ns, False)]


def test_an_answer_about_an_order_nobody_knows_changes_nothing_but_the_venues_record() -> None:
    kit = Kit()
    ns = kit.state.now_ns
    assert outcomes.on_accepted(kit.desk, OrderAccepted(ns, ns, NAME, "v7")) is None
    assert refuse(kit) is None
    assert missing(kit) is None
    outcomes.on_unknown(kit.desk, OrderOutcomeUnknown(ns, ns, NAME, "silence"))
    outcomes.on_cancel_failed(kit.desk, CancelFailed(ns, ns, NAME, "-2011", "unknown order"))
    assert kit.desk.effects == []
    assert kit.state.orders == {}
    assert kit.state.order_ends == [(ns, False)]


@pytest.mark.parametrize("status", OVER)
def test_a_refusal_of_what_is_over_is_no_news(status: OrderStatus) -> None:
    kit = Kit()
    belief = believed(kit, Purpose.STOP, status)
    assert refuse(kit) is None
    assert belief.status is status
    assert kit.desk.effects == []


@pytest.mark.parametrize("purpose", [*Purpose, None])
def test_a_refusal_is_written_down_with_what_was_refused(purpose: Purpose | None) -> None:
    kit = Kit()
    belief = believed(kit, purpose)
    refuse(kit)
    assert (belief.status, belief.reason) == (OrderStatus.REJECTED, "no room")
    assert belief.event_ns == kit.state.now_ns
    assert told(kit) == [("refused by venue", BTC, "no room", NAME, NAME)]
    said = f"{purpose.value if purpose else ''} {belief.side.value} 0.1"
    assert what(kit) == [said]
    (line,) = [effect.decision for effect in kit.desk.effects if isinstance(effect, Record)]
    assert line.measured == "code -4000"


@pytest.mark.parametrize(
    ("code", "bad"),
    [("-4000", True), (outcomes.WOULD_TRIGGER, False), *((code, False) for code in NOT_SENT)],
)
def test_only_a_no_of_the_venue_itself_counts_against_it(code: str, bad: bool) -> None:
    kit = Kit()
    believed(kit, Purpose.TARGET)
    refuse(kit, code)
    assert kit.state.order_ends == ([(kit.state.now_ns, True)] if bad else [])


def test_the_venues_record_keeps_the_newest_answers() -> None:
    kit = Kit()
    believed(kit, Purpose.STOP)
    ns = kit.state.now_ns
    kit.state.order_ends = [(n, True) for n in range(outcomes.ENDS_KEPT)]
    outcomes.on_accepted(kit.desk, OrderAccepted(ns, ns, NAME, "v7"))
    assert len(kit.state.order_ends) == outcomes.ENDS_KEPT
    assert kit.state.order_ends[0] == (1, True)
    assert kit.state.order_ends[-1] == (ns, False)


@pytest.mark.parametrize("purpose", Purpose)
@pytest.mark.parametrize("code", ["-4000", outcomes.WOULD_TRIGGER])
def test_whose_refusal_closes_the_leg(purpose: Purpose, code: str) -> None:
    """A stop or a whole target that would trigger at once: what it would do is due now."""
    kit = Kit()
    belief = believed(kit, purpose)
    due = code == outcomes.WOULD_TRIGGER and purpose in (Purpose.STOP, Purpose.TARGET)
    assert refuse(kit, code) is (belief if due else None)
    reads = [effect for effect in kit.desk.effects if isinstance(effect, FetchAccount)]
    reduces = purpose in (Purpose.CUT, Purpose.FLATTEN)
    assert [code in read.reason for read in reads] == ([True] if reduces else [])


@pytest.mark.parametrize("purpose", Purpose)
def test_a_refused_stop_is_told_at_once_and_loudest(purpose: Purpose) -> None:
    kit = Kit()
    believed(kit, purpose)
    refuse(kit)
    notices = [effect for effect in kit.desk.effects if isinstance(effect, Notify)]
    if purpose is not Purpose.STOP:
        assert notices == []
        return
    (notice,) = notices
    assert (notice.severity, notice.kind) == (Severity.CRITICAL, "stop_refused")
    assert notice.symbol == BTC
    assert all(word in notice.text for word in (BTC, "75000", "-4000", "no room"))


@pytest.mark.parametrize("purpose", [Purpose.STOP, Purpose.CUT, Purpose.TARGET, Purpose.ENTRY])
def test_each_refusal_in_a_row_is_waited_for_longer(purpose: Purpose) -> None:
    kit = Kit()
    waits_s = []
    for _ in range(6):
        believed(kit, purpose)
        refuse(kit)
        waits_s.append((kit.leg.wait_until_ns[purpose.value] - kit.state.now_ns) / NS_PER_S)
    hours = [2, 4, 8, 16, 24, 24]
    patient = purpose is Purpose.ENTRY
    assert waits_s == ([h * 3_600 for h in hours] if patient else [1, 2, 4, 8, 15, 15])
    assert kit.leg.refused == {purpose.value: 6}


@pytest.mark.parametrize("code", NOT_SENT)
def test_an_order_that_could_not_leave_is_tried_again_in_a_second(code: str) -> None:
    kit = Kit()
    believed(kit, Purpose.STOP)
    refuse(kit, code)
    ns = kit.state.now_ns
    assert kit.leg.wait_until_ns == {Purpose.STOP.value: ns + NS_PER_S}
    assert kit.leg.refused == {}
    assert kit.leg.cut_off_ns == ns


def test_a_refusal_after_the_end_holds_nothing_back() -> None:
    kit = Kit()
    kit.leg.qty = ZERO
    believed(kit, Purpose.STOP)
    refuse(kit)
    assert (kit.leg.refused, kit.leg.wait_until_ns) == ({}, {})


@pytest.mark.parametrize("status", OrderStatus)
def test_no_answer_makes_only_an_unseen_order_unknown(status: OrderStatus) -> None:
    kit = Kit()
    belief = believed(kit, Purpose.CUT, status)
    ns = kit.state.now_ns
    outcomes.on_unknown(kit.desk, OrderOutcomeUnknown(ns, ns, NAME, "silence"))
    if status not in outcomes.UNSURE:
        assert belief.status is status
        assert (kit.desk.effects, kit.state.order_ends) == ([], [])
        return
    assert (belief.status, belief.reason) == (OrderStatus.UNKNOWN, "silence")
    assert told(kit) == [("unknown", BTC, "silence", NAME, NAME)]
    assert what(kit) == ["SELL 0.1: outcome unknown, asking by id"]
    assert asked(kit) == [FetchOrder(BTC, NAME, conditional=False)]
    assert kit.state.order_ends == [(ns, True)]


# ------------------------------------------------------------------ asking


@pytest.mark.parametrize(("ago_s", "asks"), [(0.0, False), (1.9, False), (2.0, True), (9.0, True)])
def test_one_order_is_asked_for_at_most_every_two_seconds(ago_s: float, asks: bool) -> None:
    kit = Kit()
    belief = believed(kit, Purpose.STOP)
    belief.asked_ns = kit.state.now_ns - int(ago_s * NS_PER_S)
    outcomes.ask(kit.desk, belief)
    assert asked(kit) == ([FetchOrder(BTC, NAME, conditional=True)] if asks else [])
    assert (belief.asked_ns == kit.state.now_ns) is (asks or ago_s == 0.0)


@pytest.mark.parametrize(
    ("status", "ago_s", "asks"),
    [
        (OrderStatus.UNKNOWN, 0.1, True),
        (OrderStatus.PENDING, 2.0, False),
        (OrderStatus.PENDING, 2.1, True),
        (OrderStatus.WORKING, 90.0, False),
        (OrderStatus.LOST, 60.0, False),
        (OrderStatus.LOST, 61.0, True),
        (OrderStatus.CANCELLED, 90.0, False),
    ],
)
@pytest.mark.parametrize("ours", [True, False])
def test_which_open_outcomes_are_asked_for(
    status: OrderStatus, ago_s: float, asks: bool, ours: bool
) -> None:
    kit = Kit()
    believed(kit, Purpose.STOP if ours else None, status, ago_s)
    outcomes.ask_unknown(kit.desk)
    assert bool(asked(kit)) is (asks and ours)


@pytest.mark.parametrize(("answered_after_s", "asks"), [(60.9, True), (61.0, False)])
def test_a_final_answer_ends_the_asking(answered_after_s: float, asks: bool) -> None:
    kit = Kit()
    belief = believed(kit, Purpose.STOP, OrderStatus.LOST, 100.0)
    belief.event_ns = belief.sent_ns + int(answered_after_s * NS_PER_S)
    outcomes.ask_unknown(kit.desk)
    assert bool(asked(kit)) is asks


@pytest.mark.parametrize("status", OrderStatus)
def test_a_failed_cancel_asks_what_became_of_a_live_order(status: OrderStatus) -> None:
    kit = Kit()
    belief = believed(kit, Purpose.STOP, status)
    belief.asked_ns = ns = kit.state.now_ns
    outcomes.on_cancel_failed(kit.desk, CancelFailed(ns, ns, NAME, "-2011", "unknown order"))
    assert bool(asked(kit)) is status.is_live
    assert belief.status is status


# ------------------------------------------------------------------ not found


@pytest.mark.parametrize("status", [OrderStatus.PENDING, OrderStatus.UNKNOWN])
@pytest.mark.parametrize(
    ("purpose", "patience_s"),
    [(Purpose.STOP, 5.0), (Purpose.CUT, 5.0), (Purpose.TARGET, 5.0), (Purpose.ENTRY, 60.0)],
)
@pytest.mark.parametrize("over_ns", [-1, 0])
def test_an_order_that_adds_is_given_up_far_later_than_one_that_reduces(
    status: OrderStatus, purpose: Purpose, patience_s: float, over_ns: int
) -> None:
    kit = Kit()
    belief = believed(kit, purpose, status)
    belief.sent_ns = kit.state.now_ns - int(patience_s * NS_PER_S) - over_ns
    found = missing(kit)
    if over_ns < 0:
        assert belief.status is OrderStatus.UNKNOWN
        assert found is (belief if purpose is Purpose.STOP else None), "only a stop is sent anew"
        assert belief.misses == (1 if purpose is Purpose.STOP else 0)
    else:
        assert found is belief
        assert (belief.status, belief.event_ns) == (OrderStatus.LOST, kit.state.now_ns)


def test_misses_of_a_stop_under_way_are_counted() -> None:
    kit = Kit()
    belief = believed(kit, Purpose.STOP)
    for times in (1, 2, 3):
        assert missing(kit) is belief
        assert belief.misses == times


@pytest.mark.parametrize("status", OVER)
def test_no_such_order_is_no_news_of_what_is_over(status: OrderStatus) -> None:
    kit = Kit()
    belief = believed(kit, Purpose.STOP, status, 100.0)
    assert missing(kit) is None
    assert belief.status is status
    final = status is OrderStatus.LOST
    assert belief.event_ns == (kit.state.now_ns if final else 0), "a lost one had its last word"


@pytest.mark.parametrize("status", [OrderStatus.WORKING, OrderStatus.TRIGGERING])
def test_an_order_that_was_seen_is_asked_for_at_once_before_it_counts_as_gone(
    status: OrderStatus,
) -> None:
    kit = Kit()
    belief = believed(kit, Purpose.STOP, status)
    belief.asked_ns = kit.state.now_ns
    assert missing(kit) is None
    assert (belief.status, len(asked(kit))) == (status, 1)
    assert missing(kit) is belief
    assert (belief.status, belief.event_ns) == (OrderStatus.EXPIRED, kit.state.now_ns)
    assert belief.reason == "gone at the venue without a word"


# ------------------------------------------------------------------ trades that never began


def ends(kit: Kit, how: str) -> None:
    """Let the entry NAME end without a fill."""
    if how == "refused":
        refuse(kit)
    else:
        kit.state.orders[NAME].sent_ns -= 60 * NS_PER_S
        missing(kit)


@pytest.mark.parametrize("how", ["refused", "lost"])
def test_an_entry_that_ends_without_a_fill_takes_its_trade_along(how: str) -> None:
    kit = Kit()
    planned(kit)
    believed(kit, Purpose.ENTRY)
    ends(kit, how)
    assert kit.leg.trade is None
    why = "no room" if how == "refused" else OrderStatus.LOST
    assert told(kit)[-1] == ("entry", BTC, why, "d", NAME)
    assert what(kit)[-1] == "entry ended without a fill"


@pytest.mark.parametrize("how", ["refused", "lost"])
@pytest.mark.parametrize(
    "kept",
    [
        {"entry_client_id": "another"},
        {"entry_qty": Decimal("0.04")},
        {"qty": Decimal("0.04")},
    ],
)
def test_a_trade_that_began_or_is_anothers_stays(how: str, kept: dict[str, object]) -> None:
    kit = Kit()
    trade = planned(kit, **kept)
    believed(kit, Purpose.ENTRY)
    ends(kit, how)
    assert kit.leg.trade is trade
    assert "entry ended without a fill" not in what(kit)


def test_a_partly_filled_entry_keeps_its_trade() -> None:
    kit = Kit()
    trade = planned(kit)
    believed(kit, Purpose.ENTRY).filled_qty = Decimal("0.01")
    refuse(kit)
    assert kit.leg.trade is trade


@pytest.mark.parametrize("purpose", [Purpose.STOP, Purpose.TARGET, Purpose.CUT, Purpose.FLATTEN])
@pytest.mark.parametrize("how", ["refused", "lost"])
def test_only_the_end_of_an_entry_ends_a_trade(purpose: Purpose, how: str) -> None:
    kit = Kit()
    trade = planned(kit)
    believed(kit, purpose)
    ends(kit, how)
    assert kit.leg.trade is trade


def test_an_entry_of_a_leg_nobody_knows_ends_quietly() -> None:
    kit = Kit()
    believed(kit, Purpose.ENTRY)
    kit.state.legs.clear()
    refuse(kit)
    assert [kind for kind, *_ in told(kit)] == ["refused by venue"]


# ------------------------------------------------------------------ executions, margin, coverage


@pytest.mark.parametrize(
    ("newest_s", "lived_s", "sent_s", "since_s"),
    [
        (500, 300, 100, 500),
        (0, 300, 200, 140),
        (0, 300, 0, 240),
        (0, 0, 200, 140),
    ],
)
def test_since_when_missed_executions_are_asked_for(
    newest_s: int, lived_s: int, sent_s: int, since_s: int
) -> None:
    """After the newest one known; else from before the oldest thing that may have filled."""
    kit = Kit()
    state = kit.state
    state.seen_fills = {"a": newest_s * NS_PER_S, "b": 1} if newest_s else {}
    state.lived_until_ns = lived_s * NS_PER_S
    believed(kit, Purpose.STOP).sent_ns = sent_s * NS_PER_S
    outcomes.ask_fills(kit.desk)
    assert {effect.since_ns for effect in kit.desk.effects if isinstance(effect, FetchFills)} == {
        since_s * NS_PER_S
    }


@pytest.mark.parametrize(("holds", "has_trade"), [(True, True), (True, False), (False, True)])
def test_executions_are_asked_for_wherever_something_is_or_may_be(
    holds: bool, has_trade: bool
) -> None:
    kit = Kit()
    kit.state.lived_until_ns = kit.state.now_ns
    trade = kit.leg.trade if has_trade else None
    there = Leg(symbol="THERE", side=LONG, qty=Decimal(int(holds)), trade=trade)
    kit.state.legs[leg_key("THERE", LONG)] = there
    kit.state.legs[leg_key("EMPTY", LONG)] = Leg(symbol="EMPTY", side=LONG)
    outcomes.ask_fills(kit.desk)
    symbols = [effect.symbol for effect in kit.desk.effects if isinstance(effect, FetchFills)]
    assert symbols == sorted({*kit.desk.policy.limits.symbols, BTC, "THERE"})


def test_executions_that_could_not_be_read_are_asked_for_again_once_from_the_earliest() -> None:
    kit = Kit()
    for symbol, since_ns in ((BTC, 70), ("X", 5), (BTC, 50), (BTC, 90)):
        outcomes.on_fills_failed(kit.desk, FillsFailed(1, 1, symbol, since_ns, "silence"))
    outcomes.ask_wanted_fills(kit.desk)
    assert kit.desk.effects == [FetchFills(BTC, 50), FetchFills("X", 5)]
    kit.desk.effects = []
    outcomes.ask_wanted_fills(kit.desk)
    assert kit.desk.effects == []


def test_margin_that_was_not_given_is_added_to_what_may_be_given() -> None:
    kit = Kit()
    kit.leg.released_usd = Decimal(12)
    ns = kit.state.now_ns
    event = MarginAdjusted(ns, ns, BTC, LONG, Decimal(30), done=False, reason="-4051")
    outcomes.on_margin_adjusted(kit.desk, event)
    assert kit.leg.released_usd == Decimal(42)
    assert told(kit) == [("margin", BTC, "-4051", "", "")]
    assert what(kit) == ["margin of 30 USD was not given back"]


@pytest.mark.parametrize("action", ["", "stop", "flatten refused"])
def test_what_coverage_had_to_do_is_written_down(action: str) -> None:
    kit = Kit()
    ns = kit.state.now_ns
    event = CoverageReported(ns, ns, BTC, LONG, not action, action, NAME)
    outcomes.on_coverage(kit.desk, event)
    why = "the coverage task proved the stops at the venue"
    assert told(kit) == ([("coverage", BTC, why, "", NAME)] if action else [])
    assert what(kit) == ([f"LONG: {action}"] if action else [])
