"""The second book: conditional orders."""

from decimal import Decimal

import pytest

from bot.domain.messages import Fill, OrderUpdate, PositionUpdate, WalletUpdate
from bot.domain.orders import OrderKind, OrderSide, OrderStatus, PositionSide, TriggerBy
from bot.simulator.exchange import BarModel
from tests.unit.simulator.exchange_kit import BTC, ME, Desk

BUY, SELL = OrderSide.BUY, OrderSide.SELL
WORKING, TRIGGERING = OrderStatus.WORKING, OrderStatus.TRIGGERING
FILLED = OrderStatus.FILLED


def held(**more: object) -> Desk:
    desk = Desk(**more)  # type: ignore[arg-type]
    desk.buy("0.1")
    return desk


def test_a_stop_lives_in_a_book_of_its_own() -> None:
    desk = held()
    stop = desk.stop(SELL, "0.1", "75000")
    assert desk.exchange.open_orders(ME, BTC, conditional=False) == []
    (resting,) = desk.exchange.open_orders(ME, BTC, conditional=True)
    assert resting == stop
    assert desk.exchange.cancel_all(ME, BTC, conditional=False) == []
    (gone,) = desk.exchange.cancel_all(ME, BTC, conditional=True)
    assert gone.status is OrderStatus.CANCELLED


def test_a_stop_is_triggered_and_told_with_its_child() -> None:
    desk = held()
    stop = desk.stop(SELL, "0.1", "75000")
    desk.events()
    desk.walk(74_000.0)
    told = desk.events()
    orders = [e.order for e in told if isinstance(e, OrderUpdate)]
    assert [(o.kind, o.status) for o in orders] == [
        (OrderKind.STOP_MARKET, TRIGGERING),
        (OrderKind.MARKET, WORKING),
        (OrderKind.MARKET, FILLED),
        (OrderKind.STOP_MARKET, FILLED),
    ]
    assert {o.client_order_id for o in orders} == {stop.client_order_id}
    assert orders[1].venue_order_id != stop.venue_order_id
    assert stop.venue_order_id in orders[1].reason
    assert [type(e) for e in told if not isinstance(e, OrderUpdate)] == [
        Fill,
        PositionUpdate,
        WalletUpdate,
    ]
    last = desk.state(stop, conditional=True)
    assert (last.filled_qty, last.average_price) == (Decimal("0.1"), Decimal(75000))
    child = desk.exchange.order(ME, BTC, client_order_id=stop.client_order_id, conditional=False)
    assert child is not None
    assert child.status is FILLED


def test_without_a_gap_a_stop_fills_at_its_trigger_across_one_at_the_open() -> None:
    for move, price in (("walk", "75000"), ("jump", "74000")):
        desk = held()
        desk.stop(SELL, "0.1", "75000")
        desk.events()
        getattr(desk, move)(74_000.0)
        (fill,) = desk.fills()
        assert fill.price == Decimal(price), move


@pytest.mark.parametrize("by", list(TriggerBy))
def test_each_price_can_trigger_and_the_others_do_not(by: TriggerBy) -> None:
    desk = held()
    stop = desk.stop(SELL, "0.1", "75000", trigger_by=by)
    away = {
        TriggerBy.MARK: {"last": 74_900.0, "mark": 75_100.0, "index": 74_900.0},
        TriggerBy.LAST: {"last": 75_100.0, "mark": 74_900.0, "index": 74_900.0},
        TriggerBy.INDEX: {"last": 74_900.0, "mark": 74_900.0, "index": 75_100.0},
    }[by]
    desk.tick(**away)  # type: ignore[arg-type]
    assert desk.state(stop, conditional=True).status is WORKING
    desk.tick(75_000.0)
    assert desk.state(stop, conditional=True).status is FILLED


def test_a_mark_stop_fills_where_the_last_price_is_then() -> None:
    desk = held()
    desk.tick(80_000.0)
    desk.stop(SELL, "0.1", "75000")
    desk.events()
    desk.tick(79_000.0, mark=74_000.0, index=79_000.0)
    (fill,) = desk.fills()
    assert Decimal(79_100) < fill.price < Decimal(79_200)


@pytest.mark.parametrize(
    ("side", "kind", "trigger", "due"),
    [
        (SELL, OrderKind.STOP_MARKET, "80000", True),
        (SELL, OrderKind.STOP_MARKET, "80001", True),
        (SELL, OrderKind.STOP_MARKET, "79999.9", False),
        (BUY, OrderKind.STOP_MARKET, "80000", True),
        (BUY, OrderKind.STOP_MARKET, "80000.1", False),
        (SELL, OrderKind.TAKE_PROFIT_MARKET, "80000", True),
        (SELL, OrderKind.TAKE_PROFIT_MARKET, "80000.1", False),
        (BUY, OrderKind.TAKE_PROFIT_MARKET, "80000", True),
        (BUY, OrderKind.TAKE_PROFIT_MARKET, "79999.9", False),
    ],
)
def test_what_would_trigger_at_once_is_refused(
    side: OrderSide, kind: OrderKind, trigger: str, due: bool
) -> None:
    desk = Desk()
    more: dict[str, object] = {"kind": kind, "trigger_price": Decimal(trigger)}
    if due:
        assert desk.refusal(side, "0.1", **more) == -2021
    else:
        assert desk.send(side, "0.1", **more).status is WORKING


def test_a_take_profit_fills_on_the_way_up() -> None:
    desk = held()
    order = desk.stop(SELL, "0.1", "82000", kind=OrderKind.TAKE_PROFIT_MARKET)
    desk.events()
    desk.walk(83_000.0)
    (fill,) = desk.fills()
    assert fill.price == Decimal(82_000)
    assert fill.realized_pnl_usd == Decimal(200)
    assert desk.state(order, conditional=True).status is FILLED


def test_close_position_closes_what_is_there_when_it_triggers() -> None:
    desk = held()
    desk.stop(SELL, "0", "75000", close_position=True, reduce_only=False)
    assert desk.refusal(
        SELL, "0", kind=OrderKind.STOP_MARKET, trigger_price=Decimal(74000),
        close_position=True,
    ) == -4130  # fmt: skip
    assert desk.refusal(
        SELL, "1", kind=OrderKind.STOP_MARKET, trigger_price=Decimal(74000),
        close_position=True,
    ) == -4137  # fmt: skip
    desk.buy("0.2")
    desk.walk(74_500.0)
    assert desk.exchange.account(ME).positions == ()


def test_a_stop_larger_than_the_position_is_clamped() -> None:
    desk = held()
    stop = desk.stop(SELL, "5", "75000")
    desk.walk(74_000.0)
    assert desk.state(stop, conditional=True).filled_qty == Decimal("0.1")
    assert desk.exchange.account(ME).positions == ()


def test_a_stop_without_a_position_is_rejected_when_it_triggers() -> None:
    desk = Desk()
    stop = desk.stop(SELL, "0.1", "75000")
    desk.walk(74_000.0)
    state = desk.state(stop, conditional=True)
    assert state.status is OrderStatus.REJECTED
    assert "-2022" in state.reason


def test_an_opening_stop_without_margin_is_rejected_when_it_triggers() -> None:
    desk = Desk(wallet="100")
    stop = desk.stop(BUY, "1", "81000", reduce_only=False)
    desk.walk(82_000.0)
    state = desk.state(stop, conditional=True)
    assert state.status is OrderStatus.REJECTED
    assert "-2019" in state.reason


def test_ids_and_numbers_of_stops_are_bounded() -> None:
    desk = held()
    desk.stop(SELL, "0.01", "75000", client_order_id="bw-s")
    assert desk.refusal(
        SELL, "0.01", kind=OrderKind.STOP_MARKET, trigger_price=Decimal(74_000),
        client_order_id="bw-s",
    ) == -20132  # fmt: skip
    for i in range(9):
        desk.stop(SELL, "0.01", str(74_000 - i))
    assert (
        desk.refusal(SELL, "0.01", kind=OrderKind.STOP_MARKET, trigger_price=Decimal(73_000))
        == -4045
    )


def test_a_cancelled_client_id_stays_used() -> None:
    desk = held()
    desk.stop(SELL, "0.01", "75000", client_order_id="bw-s")
    desk.exchange.cancel(ME, BTC, client_order_id="bw-s", conditional=True)
    assert desk.refusal(
        SELL, "0.01", kind=OrderKind.STOP_MARKET, trigger_price=Decimal(74_000),
        client_order_id="bw-s", reduce_only=True,
    ) == -20132  # fmt: skip


def test_stops_on_the_way_act_in_the_order_of_the_way() -> None:
    desk = held()
    low = desk.stop(SELL, "0.05", "74000")
    high = desk.stop(SELL, "0.05", "76000")
    desk.events()
    desk.walk(73_000.0)
    assert [f.client_order_id for f in desk.fills()] == [
        high.client_order_id,
        low.client_order_id,
    ]


def test_a_stop_above_the_liquidation_price_saves_the_position() -> None:
    desk = held(wallet="1000")
    desk.stop(SELL, "0.1", "73000")
    desk.events()
    desk.walk(70_000.0)
    (fill,) = desk.fills()
    assert (fill.price, fill.is_liquidation) == (Decimal(73_000), False)


def test_in_hedge_mode_a_stop_closes_its_own_leg() -> None:
    desk = Desk(hedge=True)
    desk.buy("0.1", position_side=PositionSide.LONG)
    desk.sell("0.1", position_side=PositionSide.SHORT)
    desk.stop(
        SELL, "0", "75000", close_position=True, reduce_only=False,
        position_side=PositionSide.LONG,
    )  # fmt: skip
    assert desk.refusal(
        BUY, "0", kind=OrderKind.STOP_MARKET, trigger_price=Decimal(85_000),
        close_position=True, position_side=PositionSide.LONG,
    ) == -4136  # fmt: skip
    desk.walk(74_000.0)
    (left,) = desk.exchange.account(ME).positions
    assert left.side is PositionSide.SHORT


def test_a_stuck_trigger_hangs_until_it_is_cancelled() -> None:
    desk = held()
    stop = desk.stop(SELL, "0.1", "75000")
    desk.exchange.stick_triggering(BTC, True)
    desk.walk(74_900.0)
    desk.walk(74_800.0)
    assert desk.state(stop, conditional=True).status is TRIGGERING
    assert desk.qty() == Decimal("0.1")
    desk.exchange.stick_triggering(BTC, False)
    desk.exchange.cancel(ME, BTC, venue_order_id=stop.venue_order_id, conditional=True)
    assert desk.stop(SELL, "0.1", "74000").status is WORKING
    desk.walk(73_500.0)
    assert desk.qty() == 0


def test_the_stop_fill_policies_differ_as_stated() -> None:
    prices = {}
    for policy in ("touch", "gap", "low"):
        desk = held(model=BarModel(stop_fill=policy, seed=4))  # type: ignore[arg-type]
        desk.stop(SELL, "0.1", "75000")
        desk.events()
        desk.tick(74_500.0, fast=True, low=73_900.0)
        (fill,) = desk.fills()
        prices[policy] = float(fill.price)
    assert prices["touch"] == pytest.approx(75_000 * (1 - 0.003), abs=0.1)
    assert prices["low"] == pytest.approx(73_900 * (1 - 0.003), abs=0.1)
    assert 75_000 * (1 - 0.103) < prices["gap"] < prices["touch"]


def test_market_orders_do_not_pay_the_pessimism_of_stops() -> None:
    desk = held(model=BarModel(stop_fill="low"))
    desk.tick(74_500.0, fast=True, low=70_000.0)
    desk.events()
    desk.sell("0.1")
    (fill,) = desk.fills()
    assert float(fill.price) == pytest.approx(74_500 * (1 - 0.003), abs=0.1)
