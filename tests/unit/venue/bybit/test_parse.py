"""Bybit's rows: unknown is unknown, a trigger is a stop by its direction, money is exact."""

from decimal import Decimal

import pytest

from bot.domain.account import MarginMode
from bot.domain.errors import VenueDataInvalid
from bot.domain.orders import OrderKind, OrderSide, OrderStatus, PositionSide, TriggerBy
from bot.venue.bybit import parse
from bot.venue.bybit.parse_market import margin_tiers
from tests.unit.venue.bybit.rows import MS, STOP_ID, leg_row, order_row, stop_row, wallet_row

STOP, TARGET = OrderKind.STOP_MARKET, OrderKind.TAKE_PROFIT_MARKET


def test_what_the_venue_does_not_say_is_unknown_and_never_zero() -> None:
    leg = parse.position(leg_row(), MarginMode.CROSS)
    assert leg is not None
    assert (leg.venue_liq_price, leg.leverage, leg.adl_rank, leg.isolated_margin_usd) == (None,) * 4
    assert parse.position(leg_row(leverage="0", liqPrice="0"), None) == parse.position(
        leg_row(), None
    )
    told = parse.position(leg_row(leverage="12.5", liqPrice="71000.5", adlRankIndicator=3), None)
    assert told is not None
    assert (told.leverage, told.venue_liq_price, told.adl_rank) == (12, Decimal("71000.5"), 3)


def test_isolated_margin_counts_where_the_account_is_isolated_alone() -> None:
    row = leg_row(positionBalance="201.5")
    walled, shared = (parse.position(row, mode) for mode in (MarginMode.ISOLATED, MarginMode.CROSS))
    assert walled is not None
    assert shared is not None
    assert (walled.isolated_margin_usd, shared.isolated_margin_usd) == (Decimal("201.5"), None)


@pytest.mark.parametrize(
    ("side", "way", "kind"),
    [("Sell", 2, STOP), ("Buy", 1, STOP), ("Sell", 1, TARGET), ("Buy", 2, TARGET)],
)
def test_the_direction_tells_stop_from_target(side: str, way: int, kind: OrderKind) -> None:
    state = parse.order(stop_row(side=side, triggerDirection=way))
    assert (state.kind, state.trigger_price, state.trigger_by) == (kind, 79_000, TriggerBy.MARK)
    assert (state.status, state.reduce_only) == (OrderStatus.WORKING, True)


@pytest.mark.parametrize(
    "changes",
    [
        {"stopOrderType": "StopLoss"}, {"stopOrderType": "TrailingStop"},
        {"stopOrderType": "PartialTakeProfit"}, {"orderType": "Limit", "price": "78990"},
        {"triggerDirection": 0},
    ],
    ids=str,
)  # fmt: skip
def test_what_the_house_does_not_place_is_seen_and_counts_as_no_stop(changes: dict) -> None:
    state = parse.order(stop_row(**changes))
    assert (state.kind, state.trigger_price) == (STOP, None)
    assert "not counted as a stop" in state.reason


def test_a_trigger_word_never_heard_hides_no_account_where_it_is_not_ours() -> None:
    row = stop_row(stopOrderType="TrailingStop", triggerBy="UNKNOWN")
    assert parse.order(row).trigger_by is None
    with pytest.raises(VenueDataInvalid):
        parse.order(stop_row(triggerBy="UNKNOWN"))


def test_an_order_without_our_id_goes_by_the_venues() -> None:
    assert parse.order(stop_row(orderLinkId="")).client_order_id == STOP_ID


def test_quantity_zero_that_closes_on_trigger_is_the_whole_position() -> None:
    state = parse.order(stop_row(qty="0", closeOnTrigger=True))
    assert (state.close_position, state.reduce_only, state.qty) == (True, True, 0)
    assert not parse.order(stop_row(closeOnTrigger=True)).close_position


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("New", OrderStatus.WORKING), ("PartiallyFilled", OrderStatus.WORKING),
        ("Untriggered", OrderStatus.WORKING), ("Triggered", OrderStatus.TRIGGERING),
        ("Filled", OrderStatus.FILLED), ("Cancelled", OrderStatus.CANCELLED),
        ("PartiallyFilledCanceled", OrderStatus.CANCELLED), ("Rejected", OrderStatus.REJECTED),
        ("Deactivated", OrderStatus.CANCELLED),
    ],
)  # fmt: skip
def test_every_state_of_an_order(word: str, status: OrderStatus) -> None:
    assert parse.order(order_row(orderStatus=word)).status is status


def test_a_leg_of_hedge_mode_that_is_held_the_other_way_is_nonsense() -> None:
    leg = parse.position(leg_row(positionIdx=2, side="Sell"), None)
    assert leg is not None
    assert (leg.side, leg.hedged) == (PositionSide.SHORT, True)
    with pytest.raises(VenueDataInvalid, match="is held"):
        parse.position(leg_row(positionIdx=2, side="Buy"), None)


def test_the_wallet_is_usdt_and_nothing_else_may_carry_risk() -> None:
    def coin(name: str, **fields: object) -> dict:
        return {"coin": name, "walletBalance": "1", "usdValue": "0", "borrowAmount": "", **fields}

    assert parse.wallet_usd(wallet_row()) == Decimal("9997.99998")
    assert parse.wallet_usd(wallet_row("5", coin("MNT", usdValue="0.4"))) == 5
    assert (
        parse.wallet_usd(wallet_row("5", coin("BTC", usdValue="900", collateralSwitch=False))) == 5
    )
    with pytest.raises(VenueDataInvalid, match=r"BTC worth 900\.00 USD is collateral"):
        parse.wallet_usd(wallet_row("5", coin("BTC", usdValue="900", collateralSwitch=True)))
    with pytest.raises(VenueDataInvalid, match="is borrowed"):
        parse.wallet_usd(wallet_row("5", coin("USDC", borrowAmount="3")))


def test_a_ledger_row_of_a_trade_is_a_result_and_a_fee() -> None:
    row = {
        "id": "r1", "type": "TRADE", "symbol": "BTCUSDT", "currency": "USDT", "cashFlow": "-12.5",
        "fee": "0.5", "funding": "", "change": "-13", "transactionTime": MS, "tradeId": "t1",
    }  # fmt: skip
    assert {(part.kind, part.amount) for part in parse.income(row)} == {
        ("REALIZED_PNL", Decimal("-12.5")),
        ("COMMISSION", Decimal("-0.5")),
    }
    (paid,) = parse.income({**row, "type": "SETTLEMENT", "tradeId": "", "change": "-0.4"})
    (moved,) = parse.income({**row, "type": "TRANSFER_OUT", "tradeId": "", "change": "-100"})
    assert (paid.kind, paid.amount) == ("FUNDING_FEE", Decimal("-0.4"))
    assert (moved.kind, moved.amount) == ("TRANSFER", -100)


def test_an_execution_of_hedge_mode_finds_its_leg_by_what_it_closed() -> None:
    assert parse.leg_of(OrderSide.BUY, closing=False) is PositionSide.LONG
    assert parse.leg_of(OrderSide.BUY, closing=True) is PositionSide.SHORT
    assert parse.leg_of(OrderSide.SELL, closing=True) is PositionSide.LONG
    assert parse.closes({"closedSize": ""}) is None


def tier(cap: str, maint: str, deduction: str | None = None) -> dict[str, str]:
    row = {"riskLimitValue": cap, "maintenanceMargin": maint, "maxLeverage": "50"}
    return row if deduction is None else {**row, "mmDeduction": deduction}


def test_margin_goes_on_without_a_step_where_no_deduction_is_told() -> None:
    silent = margin_tiers([tier("2000000", "0.01"), tier("1000000", "0.005")], "BTCUSDT")
    told = margin_tiers([tier("1000000", "0.005", ""), tier("2000000", "0.01", "5000")], "BTCUSDT")
    assert silent == told
    below, above = told
    edge = below.cap_usd
    assert edge * below.maint_frac - below.deduction_usd == pytest.approx(
        edge * above.maint_frac - above.deduction_usd
    )
    with pytest.raises(VenueDataInvalid, match="makes no sense"):
        margin_tiers([tier("1000000", "0.01"), tier("2000000", "0.005")], "BTCUSDT")
