"""Answers say what the kernel believes: with units, and null where nothing is known."""

import json
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.answers.ask import ANSWERS, Fetched, ask, table_wanted
from bot.answers.question import Question, QuestionUnclear, age_s, exact, iso, rounded
from bot.domain.messages import OrderUpdate
from bot.domain.orders import (
    OrderKind,
    OrderSide,
    OrderState,
    OrderStatus,
    PositionSide,
    Purpose,
    TriggerBy,
)
from bot.domain.policy import Policy
from bot.kernel.rules import NAMES
from bot.kernel.snapshot import BotState
from tests.fakes.kernel_world import BTC, World, orders_of, position

EMPTY = Question(state=BotState(), policy=Policy())


def asked(world: World, name: str, **args: str) -> dict:
    question = Question(state=world.kernel.state, policy=world.kernel.policy, args=args)
    answer = ask(name, question)
    json.loads(msgspec.json.encode(answer))
    return answer


@pytest.fixture
def held() -> World:
    """A long of 0.1 opened by hand at 76,000, with the kernel's stop working."""
    world = World()
    world.account()
    ns = world.later(1.0)
    effects = world.account(
        positions=[position(PositionSide.LONG, "0.1", "76000", ns=ns, margin="2000")]
    )
    stop = orders_of(effects, Purpose.STOP)[-1]
    world.accept_all(effects)
    ns = world.later(0.1)
    state = OrderState(
        client_order_id=stop.client_order_id,
        venue_order_id="v1",
        symbol=BTC,
        side=stop.side,
        kind=stop.kind,
        status=OrderStatus.WORKING,
        qty=stop.qty,
        filled_qty=Decimal(0),
        reduce_only=True,
        close_position=False,
        event_ns=ns,
        trigger_price=stop.trigger_price,
        trigger_by=stop.trigger_by,
    )
    world.step(OrderUpdate(ns, ns, state))
    world.mark(75_500.0)
    return world


@pytest.mark.parametrize("name", sorted(set(ANSWERS) - {"why", "journal", "equity"}))
def test_before_anything_is_known_answers_are_json_and_invent_nothing(name):
    answer = json.loads(msgspec.json.encode(ask(name, EMPTY)))
    for key, value in answer.items():
        if key.endswith(("_usd", "_at")) or key == "as_of":
            assert value is None, key


def test_status_before_the_account_was_read_knows_no_money():
    status = ask("status", EMPTY)
    assert status["equity_usd"] is None
    assert status["drawdown_frac"] is None
    assert status["reconciled"] is False
    assert status["mode"] == "REDUCING"


def test_status_counts_protection_from_working_stops(held):
    status = asked(held, "status")
    assert status["positions"] == 1
    assert status["stops_working"] == 1
    assert status["unprotected"] == []
    assert status["equity_usd"] == pytest.approx(10_000 - 0.1 * 500)
    assert status["upnl_usd"] == pytest.approx(-50.0)


def test_a_position_shows_its_stop_and_both_liquidation_prices(held):
    (leg,) = asked(held, "positions")["positions"]
    assert (leg["symbol"], leg["side"], leg["qty"]) == (BTC, "LONG", "0.1")
    assert leg["opened_by"] == "by hand"
    assert leg["protected"] is True
    assert leg["stop_covers_qty"] == "0.1"
    assert leg["liq_price_venue"] is None
    # isolated: (margin + cum - qty * entry) / (qty * maint - qty)
    assert leg["liq_price_own"] == pytest.approx((2000 - 7600) / (0.1 * 0.004 - 0.1), abs=0.01)
    stop = float(leg["stop_price"])
    assert leg["liq_price_own"] < stop < leg["mark"]
    assert leg["stop_distance_frac"] == pytest.approx((75_500 - stop) / 75_500, abs=1e-6)
    assert leg["stop_result_usd"] == pytest.approx(0.1 * (stop - 76_000), abs=0.01)


def test_a_position_without_a_stop_is_loud(held):
    belief = next(o for o in held.kernel.state.orders.values() if o.purpose is Purpose.STOP)
    belief.status = OrderStatus.CANCELLED
    assert asked(held, "status")["unprotected"] == [f"{BTC} LONG"]
    (leg,) = asked(held, "positions")["positions"]
    assert leg["protected"] is False
    assert leg["stop_price"] is None
    assert leg["stop_result_usd"] is None


@pytest.mark.parametrize("status", [s for s in OrderStatus if s is not OrderStatus.WORKING])
def test_only_a_working_stop_protects(held, status):
    belief = next(o for o in held.kernel.state.orders.values() if o.purpose is Purpose.STOP)
    belief.status = status
    assert asked(held, "positions")["positions"][0]["protected"] is False


def test_a_stop_of_the_wrong_side_or_kind_does_not_protect(held):
    belief = next(o for o in held.kernel.state.orders.values() if o.purpose is Purpose.STOP)
    belief.kind = OrderKind.TAKE_PROFIT_MARKET
    assert asked(held, "positions")["positions"][0]["protected"] is False
    belief.kind = OrderKind.STOP_MARKET
    belief.position_side = PositionSide.SHORT
    assert asked(held, "positions")["positions"][0]["protected"] is False


def test_an_unknown_mark_is_null_and_not_zero(held):
    held.kernel.state.markets[BTC].mark = 0.0
    (leg,) = asked(held, "positions")["positions"]
    assert leg["mark"] is None
    assert leg["upnl_usd"] is None
    assert leg["liq_distance_frac"] is None
    exposure = asked(held, "risk")["exposure"]
    assert exposure["gross_usd"] is None
    assert exposure["legs_without_price"] == 1


def test_risk_tells_what_is_left_and_what_comes_next(held):
    risk = asked(held, "risk")
    assert risk["floor_usd"] == pytest.approx(0.81 * risk["high_water_usd"], abs=0.01)
    assert risk["budget_left_usd"] == pytest.approx(risk["equity_usd"] - risk["floor_usd"])
    assert {row["rule"] for row in risk["rules"]} == set(NAMES), "every rule is measured"
    by_name = {row["rule"]: row for row in risk["rules"]}
    assert by_name["margin_ratio"]["limit"] == 0.35
    assert by_name["margin_ratio"]["acts_on"] == "all"
    assert by_name["broken_support"]["acts_on"] == "off"
    following = risk["next"]
    distances = [abs(row["distance_frac"]) for row in following]
    assert distances == sorted(distances)
    assert following[0]["what"] == "our stop closes the leg"
    assert "liquidation" in following[-1]["what"]
    assert following[-1]["result_usd"] < following[0]["result_usd"] < 0
    cuts = [row for row in following if "cuts to" in row["what"] or "closes the leg" in row["what"]]
    assert any(row["what"] == "margin_ratio cuts to 50%" for row in cuts)
    (leg,) = risk["positions"]
    assert leg["liq_distance_frac"] == pytest.approx(1.0 - leg["liq_price"] / 75_500.0, abs=1e-4)
    assert leg["liq_stop_distances"] > 1.0


def test_the_price_of_a_cut_is_where_its_rule_acts(held):
    from bot.kernel.rules import margin_ratio
    from bot.kernel.view import held as held_legs

    row = next(r for r in asked(held, "risk")["next"] if r["what"] == "margin_ratio cuts to 50%")
    for apart, acts in ((1.0005, False), (0.9995, True)):
        held.kernel.state.markets[BTC].mark = row["price"] * apart
        (view,) = held_legs(held.kernel.state, held.kernel.policy)
        found = margin_ratio.demand(view)
        assert (found is not None and found.exposure_factor <= 0.5) is acts


def test_the_loss_at_the_stop_stays_inside_the_budget(held):
    risk = asked(held, "risk")
    stop = next(row for row in risk["next"] if "stop" in row["what"])
    from_here = stop["result_usd"] - (risk["equity_usd"] - 10_000)
    assert -from_here <= risk["budget_left_usd"]


def test_orders_are_live_ones_unless_all_are_asked_for(held):
    stop = next(o for o in held.kernel.state.orders.values() if o.purpose is Purpose.STOP)
    (row,) = asked(held, "orders")["orders"]
    assert row["purpose"] == "STOP"
    assert row["trigger_by"] == TriggerBy.MARK.value
    assert row["side"] == OrderSide.SELL.value
    stop.status = OrderStatus.FILLED
    assert asked(held, "orders")["orders"] == []
    assert len(asked(held, "orders", all="true")["orders"]) == 1


def test_levels_come_nearest_side_first_and_hide_what_is_not_known(held):
    rows = asked(held, "levels")["levels"]
    lows = [row["low"] for row in rows]
    assert lows == sorted(lows, reverse=True)
    inside = [row for row in rows if row["distance_frac"] == 0.0]
    assert all(row["low"] <= 75_500 <= row["high"] for row in inside)


@pytest.mark.parametrize("limit", ["0", "-1", "1001", "many", "1.5", ""])
def test_a_limit_is_bounded(limit):
    question = Question(state=BotState(), policy=Policy(), args={"limit": limit})
    if limit == "":
        assert question.limit == 50
    else:
        with pytest.raises(QuestionUnclear, match="allowed: 1 to 1000"):
            _ = question.limit


def test_unknown_names_tables_and_references_are_refused_in_one_line():
    for name, args, words in [
        ("nonsense", {}, "no answer called 'nonsense'"),
        ("journal", {"table": "sqlite_master"}, "'sqlite_master', allowed"),
        ("why", {}, "no journal"),
    ]:
        with pytest.raises(QuestionUnclear, match=words) as caught:
            ask(name, Question(state=BotState(), policy=Policy(), args=args))
        assert "\n" not in str(caught.value)


def test_why_tells_the_chain_and_says_when_there_is_none():
    rows = [{"id": 1, "event_ns": 1_769_983_200_123_000_000, "what": "a", "why": "b"}]
    question = Question(
        state=BotState(), policy=Policy(), args={"ref": "bw1"}, shelf=Fetched(chain=rows)
    )
    (line,) = ask("why", question)["chain"]
    assert line["at"] == "2026-02-01T22:00:00.123Z"
    assert "id" not in line
    with pytest.raises(QuestionUnclear, match="nothing is known under 'bw1'"):
        ask("why", msgspec.structs.replace(question, shelf=Fetched()))


def test_the_table_an_answer_needs_is_named():
    assert table_wanted("why", {}) == "decisions"
    assert table_wanted("why", {"ref": "x"}) == ""
    assert table_wanted("journal", {"table": "fills"}) == "fills"
    assert table_wanted("status", {}) == ""


@given(st.integers(1, 2**62))
def test_instants_keep_their_order_as_text(ns):
    earlier, later = iso(ns), iso(ns + 1_000_000)
    assert earlier is not None
    assert later is not None
    assert earlier < later


@given(st.decimals(allow_nan=False, allow_infinity=False, places=12))
def test_decimals_are_told_exactly_and_without_exponent(value):
    told = exact(value)
    assert told is not None
    assert Decimal(told) == value
    assert "E" not in told.upper()


def test_infinity_and_nan_become_unknown():
    assert rounded(float("inf"), 2) is None
    assert rounded(float("nan"), 2) is None
    assert rounded(None, 2) is None
    assert age_s(10, 0) is None
    assert iso(0) is None
