"""Rows of the venue as domain values: what is read, what is refused, what stays unknown."""

from decimal import Decimal

import pytest

from bot.domain.account import MarginMode
from bot.domain.errors import VenueDataInvalid
from bot.domain.orders import OrderKind, OrderSide, OrderStatus, PositionSide, TriggerBy
from bot.venue.binance import parse, parse_market

BTC = "BTC/USDT:USDT"
MS = 1_795_000_000_000
NS = MS * 10**6

PLAIN: dict[str, object] = {
    "orderId": 17, "clientOrderId": "bw1", "symbol": "BTCUSDT", "status": "PARTIALLY_FILLED",
    "type": "LIMIT", "side": "BUY", "positionSide": "BOTH", "reduceOnly": False,
    "closePosition": False, "price": "75000.10", "avgPrice": "75000.00", "origQty": "0.100",
    "executedQty": "0.040", "updateTime": MS, "neverSeenBefore": {"x": 1},
}  # fmt: skip
ALGO: dict[str, object] = {
    "algoId": 9, "clientAlgoId": "bw2", "symbol": "BTCUSDT", "algoStatus": "NEW",
    "orderType": "STOP_MARKET", "side": "SELL", "positionSide": "BOTH", "reduceOnly": True,
    "closePosition": False, "price": "0.00", "triggerPrice": "70000.00", "quantity": "0.100",
    "workingType": "MARK_PRICE", "updateTime": MS,
}  # fmt: skip
LEG: dict[str, object] = {
    "symbol": "BTCUSDT", "positionSide": "BOTH", "positionAmt": "-0.250", "entryPrice": "80000.5",
    "liquidationPrice": "0", "isolatedWallet": "123.4", "marginAsset": "USDT", "adl": 2,
    "updateTime": MS,
}  # fmt: skip
ISOLATED = {BTC: MarginMode.ISOLATED}


def test_an_order_is_read_exactly() -> None:
    order = parse.order(PLAIN)
    assert (order.client_order_id, order.venue_order_id, order.symbol) == ("bw1", "17", BTC)
    assert order.status is OrderStatus.WORKING
    assert (order.qty, order.filled_qty, order.price) == (
        Decimal("0.100"), Decimal("0.040"), Decimal("75000.10"),
    )  # fmt: skip
    assert order.event_ns == NS
    assert order.position_side is None
    assert not order.reduce_only


def test_an_exit_in_hedge_mode_can_only_reduce() -> None:
    leaving = parse.order({**PLAIN, "side": "SELL", "positionSide": "LONG"})
    entering = parse.order({**PLAIN, "side": "BUY", "positionSide": "LONG"})
    assert (leaving.reduce_only, entering.reduce_only) == (True, False)


def test_a_stop_is_read_from_its_own_book() -> None:
    stop = parse.algo(ALGO)
    assert stop.kind is OrderKind.STOP_MARKET
    assert (stop.trigger_price, stop.trigger_by) == (Decimal("70000.00"), TriggerBy.MARK)
    assert (stop.reduce_only, stop.close_position, stop.price) == (True, False, None)


def test_a_closing_stop_has_no_quantity_of_its_own() -> None:
    stop = parse.algo({**ALGO, "closePosition": True, "reduceOnly": False, "quantity": "0"})
    assert (stop.qty, stop.close_position, stop.reduce_only) == (Decimal(0), True, True)


@pytest.mark.parametrize("word", ["STOP", "TAKE_PROFIT", "TRAILING_STOP_MARKET", "NEW_KIND_2027"])
def test_a_conditional_order_we_never_place_is_seen_and_never_counts_as_a_stop(word: str) -> None:
    order = parse.algo({**ALGO, "orderType": word})
    assert order.kind.is_conditional
    assert order.trigger_price is None
    assert word in order.reason


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("NEW", OrderStatus.WORKING),
        ("TRIGGERING", OrderStatus.TRIGGERING),
        ("TRIGGERED", OrderStatus.TRIGGERING),
        ("FINISHED", OrderStatus.FILLED),
        ("CANCELED", OrderStatus.CANCELLED),
        ("REJECTED", OrderStatus.REJECTED),
        ("EXPIRED", OrderStatus.EXPIRED),
    ],
)
def test_the_life_of_a_conditional_order(word: str, status: OrderStatus) -> None:
    assert parse.algo({**ALGO, "algoStatus": word}).status is status


def test_a_fired_stop_is_told_with_its_child() -> None:
    child = {**PLAIN, "status": "EXPIRED", "executedQty": "0.06", "avgPrice": "69990"}
    fired = parse.with_child(parse.algo({**ALGO, "algoStatus": "FINISHED"}), parse.order(child))
    assert fired.status is OrderStatus.EXPIRED
    assert (fired.filled_qty, fired.average_price) == (Decimal("0.06"), Decimal(69990))
    working = parse.with_child(parse.algo({**ALGO, "algoStatus": "FINISHED"}), parse.order(PLAIN))
    assert working.status is OrderStatus.TRIGGERING


def test_a_leg_keeps_what_the_venue_said_and_no_more() -> None:
    leg = parse.position(LEG, ISOLATED, {BTC: 7})
    assert leg is not None
    assert (leg.side, leg.qty) == (PositionSide.SHORT, Decimal("0.250"))
    assert (leg.leverage, leg.isolated_margin_usd, leg.adl_rank) == (7, Decimal("123.4"), 2)
    assert leg.venue_liq_price is None
    assert not leg.hedged
    bare = parse.position(
        {k: v for k, v in LEG.items() if k not in ("adl", "liquidationPrice")}, {}, {}
    )
    assert bare is not None
    assert (bare.margin_mode, bare.leverage, bare.isolated_margin_usd, bare.adl_rank) == (None,) * 4


def test_a_flat_leg_is_none() -> None:
    assert parse.position({**LEG, "positionAmt": "0.000", "entryPrice": "0"}, {}, {}) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"marginAsset": "USDC"},
        {"symbol": "BTCUSD_PERP"},
        {"positionSide": "LONG"},
        {"entryPrice": "0"},
        {"entryPrice": None},
        {"positionAmt": "NaN"},
        {"updateTime": 0},
        {"adl": "1.5"},
        {"positionAmt": "-1E-400000000"},
        {"entryPrice": "0E-400000000"},
    ],
    ids=str,
)
def test_a_leg_that_cannot_be_believed_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(VenueDataInvalid):
        parse.position({**LEG, **changes}, ISOLATED, {})


NEEDED = (
    "status", "origQty", "executedQty", "side", "positionSide", "type", "orderId", "clientOrderId",
    "symbol", "updateTime", "reduceOnly",
)  # fmt: skip


@pytest.mark.parametrize("key", NEEDED)
def test_an_order_with_a_hole_is_refused(key: str) -> None:
    with pytest.raises(VenueDataInvalid):
        parse.order({name: value for name, value in PLAIN.items() if name != key})


def account(total: str, **balances: str) -> dict[str, object]:
    assets = [{"asset": asset, "walletBalance": text} for asset, text in balances.items()]
    return {"totalWalletBalance": total, "assets": assets}


def test_the_wallet_is_what_the_usdt_row_says() -> None:
    assert parse.wallet_usd(account("100.5", USDT="100.50000000")) == Decimal("100.5")
    assert parse.wallet_usd(account("100.5", USDT="100.5", BNB="0.2")) == Decimal("100.5")
    assert parse.wallet_usd(account("0.0")) == 0


def test_mixed_collateral_is_refused_with_what_to_do() -> None:
    with pytest.raises(VenueDataInvalid, match="single-asset mode"):
        parse.wallet_usd(account("350.0", USDT="100.0", BTC="0.003"))


def test_a_wallet_that_is_not_told_is_not_zero() -> None:
    for broken in ({}, {"totalWalletBalance": "5"}, {"assets": []}, account("x", USDT="1")):
        with pytest.raises(VenueDataInvalid):
            parse.wallet_usd(broken)


def test_settings_of_other_margin_assets_are_left_out() -> None:
    rows = [
        {"symbol": "BTCUSDT", "marginType": "ISOLATED", "leverage": 5},
        {"symbol": "ETHUSDC", "marginType": "CROSSED", "leverage": 9},
        {"symbol": "ETHUSDT", "marginType": "CROSSED", "leverage": "3"},
    ]
    modes, leverages = parse.symbol_settings(rows)
    assert modes == {BTC: MarginMode.ISOLATED, "ETH/USDT:USDT": MarginMode.CROSS}
    assert leverages == {BTC: 5, "ETH/USDT:USDT": 3}


def test_a_ledger_row_without_symbol_is_a_transfer() -> None:
    row = {"tranId": 5, "incomeType": "TRANSFER", "asset": "USDT", "income": "-3.5", "time": MS,
           "symbol": "", "info": "TRANSFER"}  # fmt: skip
    read = parse.income(row)
    assert (read.income_id, read.kind, read.amount, read.symbol) == (
        "5",
        "TRANSFER",
        Decimal("-3.5"),
        "",
    )
    assert parse.income({**row, "symbol": "BTCUSDT"}).symbol == BTC
    assert parse.income({**row, "symbol": "BTCUSDC"}).symbol == "BTCUSDC"


def contract(**changes: object) -> dict[str, object]:
    return {
        "symbol": "BTCUSDT", "contractType": "PERPETUAL", "marginAsset": "USDT",
        "baseAsset": "BTC", "quoteAsset": "USDT",
        "filters": [
            {"filterType": "PRICE_FILTER", "tickSize": "0.10"},
            {"filterType": "LOT_SIZE", "stepSize": "0.001", "minQty": "0.001", "maxQty": "1000"},
            {"filterType": "MARKET_LOT_SIZE", "stepSize": "0.01", "minQty": "0.02",
             "maxQty": "120"},
            {"filterType": "MIN_NOTIONAL", "notional": "100"},
            {"filterType": "MAX_NUM_ALGO_ORDERS", "limit": 10},
        ],
        **changes,
    }  # fmt: skip


BRACKETS = [
    {"notionalFloor": 50000, "notionalCap": 600000, "maintMarginRatio": 0.005, "cum": 50.0,
     "initialLeverage": 100},
    {"notionalFloor": 0, "notionalCap": 50000, "maintMarginRatio": 0.004, "cum": 0.0,
     "initialLeverage": 125},
]  # fmt: skip
FEES = {"makerCommissionRate": "0.000200", "takerCommissionRate": "0.000500"}


def test_a_contract_takes_the_stricter_of_both_lot_rules() -> None:
    item = parse_market.instrument(contract(), BRACKETS, FEES)
    assert (item.lot, item.qty_min, item.market_qty_max) == (
        Decimal("0.010"), Decimal("0.02"), Decimal(120),
    )  # fmt: skip
    assert (item.taker_fee_frac, item.maker_fee_frac) == (0.0005, 0.0002)
    assert [tier.cap_usd for tier in item.tiers] == [50_000.0, 600_000.0]
    assert item.stops_max == 10


@pytest.mark.parametrize(
    ("changed", "brackets", "fees"),
    [
        (contract(contractType="CURRENT_QUARTER"), BRACKETS, FEES),
        (contract(marginAsset="BTC"), BRACKETS, FEES),
        (contract(filters=[]), BRACKETS, FEES),
        (contract(), None, FEES),
        (contract(), BRACKETS[:1], FEES),
        (contract(), [{**BRACKETS[0], "notionalFloor": 60000}, BRACKETS[1]], FEES),
        (contract(), [{**BRACKETS[0], "maintMarginRatio": 0.001}, BRACKETS[1]], FEES),
        (contract(), BRACKETS, {}),
        (contract(), BRACKETS, {**FEES, "takerCommissionRate": "5"}),
    ],
)
def test_a_contract_with_holes_is_refused(changed: dict[str, object], brackets: object,
                                          fees: dict[str, object]) -> None:  # fmt: skip
    with pytest.raises(VenueDataInvalid):
        parse_market.instrument(changed, brackets, fees)


def kline(open_ms: int, *prices: str) -> list[object]:
    return [open_ms, *prices, "12.5", open_ms + 59_999, "0", 10]


def test_only_closed_bars_are_history() -> None:
    rows = [kline(MS + 60_000 * i, "10", "12", "9", "11") for i in range(3)]
    bars = parse_market.candles(rows, BTC, 60, venue_now_ns=NS + 2 * 60 * 10**9, received_ns=NS)
    assert [bar.event_ns for bar in bars] == [NS + 60 * 10**9, NS + 120 * 10**9]
    assert all(bar.history for bar in bars)


@pytest.mark.parametrize(
    "rows",
    [
        [kline(MS, "10", "9", "9", "11")],
        [kline(MS, "10", "12", "10.5", "11")],
        [kline(MS, "NaN", "12", "9", "11")],
        [kline(MS, "-10", "12", "-11", "11")],
        [kline(MS, "10", "12", "9", "11"), kline(MS, "10", "12", "9", "11")],
        [[MS, "10"]],
        ["x"],
    ],
)
def test_bars_that_contradict_themselves_are_refused(rows: list[object]) -> None:
    with pytest.raises(VenueDataInvalid):
        parse_market.candles(rows, BTC, 60, venue_now_ns=NS * 2, received_ns=NS)


def test_sides_are_what_they_say() -> None:
    assert parse.order(PLAIN).side is OrderSide.BUY
