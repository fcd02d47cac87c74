"""What the journal believes of an order after each word about it, field by field."""

from decimal import Decimal

import msgspec
import pytest

from bot.domain.orders import OrderState, OrderStatus, PositionSide, TriggerBy
from bot.journal.orderlife import (
    NOT_FOUND_FINAL_NS,
    accepted,
    in_doubt,
    merged,
    not_found,
    refused,
)
from tests.unit.journal.stories import NOW_NS, state

S = OrderStatus
FULL = {
    "average_price": Decimal(76_000), "trigger_price": Decimal(75_000),
    "trigger_by": TriggerBy.MARK, "position_side": PositionSide.LONG, "reason": "as wished",
}  # fmt: skip
OTHER = {
    "average_price": Decimal(77_000), "trigger_price": Decimal(74_000),
    "trigger_by": TriggerBy.LAST, "position_side": PositionSide.SHORT, "reason": "changed",
}  # fmt: skip
EMPTY = {
    "average_price": None, "trigger_price": None, "trigger_by": None, "position_side": None,
    "reason": "",
}  # fmt: skip


def fields(order: OrderState, names: object = FULL) -> dict[str, object]:
    return {name: getattr(order, name) for name in names}  # type: ignore[attr-defined]


@pytest.mark.parametrize("later_ns", [-1, 0, 1])
def test_news_without_a_field_keeps_what_was_known(later_ns: int) -> None:
    old = state(**FULL)
    new = state(client_order_id="", venue_order_id="", event_ns=NOW_NS + later_ns, **EMPTY)
    after = merged(old, new)
    assert fields(after) == FULL
    assert (after.client_order_id, after.venue_order_id) == ("bwrun00001-1-1", "9001")
    assert after.event_ns == NOW_NS + max(later_ns, 0)


@pytest.mark.parametrize("later_ns", [-1, 0, 1])
def test_news_fills_what_was_not_known(later_ns: int) -> None:
    old = state(venue_order_id="", **EMPTY)
    after = merged(old, state(venue_order_id="7", event_ns=NOW_NS + later_ns, **FULL))
    assert fields(after) == FULL
    assert after.venue_order_id == "7"


def test_newer_words_win_and_older_ones_do_not() -> None:
    old = state(**FULL)
    newer = merged(old, state(event_ns=NOW_NS + 1, venue_order_id="8", **OTHER))
    assert fields(newer) == OTHER
    assert newer.venue_order_id == "8"
    older = merged(old, state(event_ns=NOW_NS - 1, **OTHER))
    told = fields(older)
    assert told.pop("reason") == "changed", "a reason is kept whenever it comes"
    assert told.pop("average_price") == OTHER["average_price"], "of the larger filled quantity"
    assert told == {name: FULL[name] for name in told}


def test_the_price_belongs_to_the_larger_fill() -> None:
    old = state(filled_qty=Decimal("0.006"), average_price=Decimal(76_000))
    less = state(filled_qty=Decimal("0.004"), average_price=Decimal(77_000), event_ns=NOW_NS + 1)
    after = merged(old, less)
    assert (after.filled_qty, after.average_price) == (Decimal("0.006"), Decimal(76_000))
    after = merged(less, old)
    assert (after.filled_qty, after.average_price) == (Decimal("0.006"), Decimal(76_000))
    unpriced = msgspec.structs.replace(old, average_price=None)
    assert merged(unpriced, less).average_price == Decimal(77_000)
    assert merged(less, unpriced).average_price == Decimal(77_000)


@pytest.mark.parametrize(
    ("old", "new", "later_ns", "wanted"),
    [
        (S.LOST, S.WORKING, -1, S.WORKING), (S.LOST, S.FILLED, 1, S.FILLED),
        (S.FILLED, S.WORKING, 1, S.FILLED), (S.CANCELLED, S.FILLED, -1, S.FILLED),
        (S.CANCELLED, S.EXPIRED, 1, S.CANCELLED), (S.REJECTED, S.WORKING, 1, S.REJECTED),
        (S.WORKING, S.CANCELLED, -1, S.CANCELLED), (S.TRIGGERING, S.FILLED, -1, S.FILLED),
        (S.PENDING, S.WORKING, -1, S.WORKING), (S.UNKNOWN, S.PENDING, -1, S.PENDING),
        (S.WORKING, S.TRIGGERING, 1, S.TRIGGERING), (S.TRIGGERING, S.WORKING, 1, S.WORKING),
        (S.TRIGGERING, S.WORKING, 0, S.TRIGGERING), (S.WORKING, S.TRIGGERING, -1, S.TRIGGERING),
        (S.WORKING, S.PENDING, 0, S.WORKING), (S.WORKING, S.UNKNOWN, -1, S.WORKING),
        (S.WORKING, S.UNKNOWN, 1, S.UNKNOWN),
    ],
)  # fmt: skip
def test_a_status_moves_by_rank_and_time(old: S, new: S, later_ns: int, wanted: S) -> None:
    after = merged(state(status=old), state(status=new, event_ns=NOW_NS + later_ns))
    assert after.status is wanted


@pytest.mark.parametrize("before", list(S))
def test_an_acceptance_begins_what_waited_and_wakes_no_end(before: S) -> None:
    waits = before in (S.PENDING, S.UNKNOWN, S.LOST)
    after = accepted(state(status=before), "77", NOW_NS + 5)
    assert after.status is (S.WORKING if waits else before)
    assert (after.venue_order_id, after.event_ns) == ("77", NOW_NS + 5)
    kept = accepted(state(status=before), "", NOW_NS - 5)
    assert (kept.venue_order_id, kept.event_ns) == ("9001", NOW_NS)


@pytest.mark.parametrize("before", list(S))
def test_a_refusal_ends_only_what_the_venue_never_showed(before: S) -> None:
    order = state(status=before, reason="as wished")
    after = refused(order, "-2019", "Margin is insufficient.")
    if before in (S.PENDING, S.UNKNOWN, S.LOST):
        assert (after.status, after.reason) == (S.REJECTED, "-2019 Margin is insufficient.")
        assert refused(order, "", "why").reason == "why"
    else:
        assert after == order


@pytest.mark.parametrize("before", list(S))
def test_doubt_and_absence(before: S) -> None:
    order = state(status=before, reason="as wished")
    after = in_doubt(order, "no answer")
    wanted = (S.UNKNOWN, "no answer") if before is S.PENDING else (before, "as wished")
    assert (after.status, after.reason) == wanted
    at = not_found(order, NOW_NS + NOT_FOUND_FINAL_NS)
    assert at.status is (S.LOST if before.is_live else before)
    assert not_found(order, NOW_NS + NOT_FOUND_FINAL_NS - 1) == order
