"""What the venue leaves out is unknown, what makes no sense is refused."""

from decimal import Decimal

import pytest

from bot.domain.account import MarginMode
from bot.domain.errors import ConfigInvalid, VenueDataInvalid
from bot.domain.orders import OrderKind, OrderStatus, PositionSide
from bot.venue.hyperliquid import listing, parse
from bot.venue.profiles import hyperliquid as profile

AT_MS = 1_790_964_546_856
USER = "0x5c902b2eb0e1d9eb9a232014824ae6247df0a480"


def state(**changes: object) -> dict[str, object]:
    position: dict[str, object] = {
        "coin": "BTC", "szi": "-0.05", "leverage": {"type": "cross", "value": 10},
        "entryPx": "60000.0", "positionValue": "3000.0", "unrealizedPnl": "12.5",
        "liquidationPx": None, "marginUsed": "300.0",
    }  # fmt: skip
    position |= changes
    return {
        "marginSummary": {"accountValue": "10012.5"},
        "assetPositions": [{"type": "oneWay", "position": position}],
        "time": AT_MS,
    }


def order(**changes: object) -> dict[str, object]:
    row: dict[str, object] = {
        "coin": "ETH", "side": "A", "limitPx": "2000.0", "sz": "0.1", "oid": 7,
        "timestamp": AT_MS, "isTrigger": False, "triggerPx": "0.0", "isPositionTpsl": False,
        "reduceOnly": False, "orderType": "Limit", "origSz": "0.3", "tif": "Gtc", "cloid": None,
    }  # fmt: skip
    return row | changes


def fill(**changes: object) -> dict[str, object]:
    row: dict[str, object] = {
        "coin": "NEAR", "px": "4.6879", "sz": "64.8", "side": "A", "time": AT_MS,
        "startPosition": "64.8", "dir": "Close Long", "closedPnl": "-16.98408", "oid": 9,
        "crossed": True, "fee": "0.131231", "tid": 11, "feeToken": "USDC",
    }  # fmt: skip
    return row | changes


def test_a_position_and_the_wallet_behind_it() -> None:
    (held,) = parse.positions(state())
    assert (held.side, held.qty, held.leverage) == (PositionSide.SHORT, Decimal("0.05"), 10)
    assert held.venue_liq_price is None
    assert held.adl_rank is None
    assert held.isolated_margin_usd is None
    assert parse.wallet_usd(state()) == Decimal(10_000)


def test_what_is_not_said_is_unknown() -> None:
    (held,) = parse.positions(state(leverage={}))
    assert (held.margin_mode, held.leverage) == (None, None)
    (held,) = parse.positions(state(leverage=None))
    assert (held.margin_mode, held.leverage) == (None, None)


def test_isolated_margin_is_told_without_the_profit() -> None:
    (held,) = parse.positions(state(leverage={"type": "isolated", "value": 5, "rawUsd": "1"}))
    assert held.margin_mode is MarginMode.ISOLATED
    assert held.isolated_margin_usd == Decimal("287.5")


@pytest.mark.parametrize(
    "broken",
    [
        state(szi="NaN"),
        state(entryPx="0"),
        state(coin="@107"),
        state(leverage={"type": "shared", "value": 3}),
        {**state(), "time": 5},
        {**state(), "assetPositions": [{"type": "hedge", "position": {}}]},
        {**state(), "assetPositions": None},
    ],
)
def test_nonsense_is_refused(broken: dict[str, object]) -> None:
    with pytest.raises(VenueDataInvalid):
        parse.positions(broken)


def test_orders_that_the_house_does_not_place_count_as_no_protection() -> None:
    row = order(isTrigger=True, orderType="Stop Limit", triggerPx="1900.0", reduceOnly=True)
    shown = parse.order(row, OrderStatus.WORKING, 1)
    assert (shown.kind, shown.trigger_price) == (OrderKind.STOP_MARKET, None)
    assert "not counted as a stop" in shown.reason
    assert shown.filled_qty == Decimal("0.2")


def test_spot_orders_are_no_business_of_ours() -> None:
    assert parse.open_orders([order(coin="@107"), order(coin="PURR/USDC")]) == ()


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("open", OrderStatus.WORKING),
        ("triggered", OrderStatus.TRIGGERING),
        ("reduceOnlyCanceled", OrderStatus.CANCELLED),
        ("scheduledCancel", OrderStatus.CANCELLED),
        ("perpMarginRejected", OrderStatus.REJECTED),
    ],
)
def test_where_an_order_stands(word: str, status: OrderStatus) -> None:
    told = parse.with_status({"order": order(), "status": word, "statusTimestamp": AT_MS})
    assert told.status is status


def test_a_word_never_heard_is_no_status() -> None:
    with pytest.raises(VenueDataInvalid, match="unknown word"):
        parse.with_status({"order": order(), "status": "resting", "statusTimestamp": AT_MS})
    assert parse.order_status({"status": "unknownOid"}) is None
    with pytest.raises(VenueDataInvalid):
        parse.order_status({"status": "ok"})


def test_liquidations_by_whom_they_name() -> None:
    mark = {"markPx": "4.69112", "method": "market"}
    own = parse.fill(fill(liquidation={"liquidatedUser": USER, **mark}), "", USER.upper(), 1)
    assert own.is_liquidation
    taker = parse.fill(fill(liquidation={"liquidatedUser": "0x" + "1" * 40, **mark}), "", USER, 1)
    assert not taker.is_liquidation
    adl = parse.fill(fill(dir="Auto-Deleveraging"), "", USER, 1)
    assert adl.is_adl
    with pytest.raises(VenueDataInvalid, match="fee in HYPE"):
        parse.fill(fill(feeToken="HYPE"), "", USER, 1)


def test_symbols_and_coins() -> None:
    assert profile.venue_id("1000PEPE/USDT:USDT") == "kPEPE"
    assert profile.unified("kPEPE") == "1000PEPE/USDT:USDT"
    assert profile.venue_id("BTC/USDT:USDT") == "BTC"
    for wrong in ("BTC/USDC:USDC", "BTC/USD:BTC", "BTCUSDT", "BTC/USDT:USDT-261225"):
        with pytest.raises(ConfigInvalid):
            profile.venue_id(wrong)


def test_margin_tiers_meet_without_a_step() -> None:
    low, high = listing.tiers([(0.0, 40.0), (150e6, 20.0)], "BTC")
    assert (low.maint_frac, high.maint_frac) == (0.0125, 0.025)
    edge = 150e6
    assert edge * low.maint_frac - low.deduction_usd == pytest.approx(
        edge * high.maint_frac - high.deduction_usd
    )
    for wrong in ([], [(5.0, 10.0)], [(0.0, 10.0), (100.0, 20.0)], [(0.0, 10.0), (0.0, 5.0)]):
        with pytest.raises(VenueDataInvalid):
            listing.tiers(wrong, "BTC")


@pytest.mark.parametrize(
    ("delta", "amount"),
    [
        ({"type": "deposit"}, "100"),
        ({"type": "withdraw"}, "-100"),
        ({"type": "accountClassTransfer", "toPerp": True}, "100"),
        ({"type": "accountClassTransfer", "toPerp": False}, "-100"),
        ({"type": "subAccountTransfer", "user": "0xME", "destination": "0xother"}, "-100"),
        ({"type": "subAccountTransfer", "user": "0xother", "destination": "0xMe"}, "100"),
        ({"type": "internalTransfer", "user": "0xme", "destination": "0xyou", "fee": "1"}, "-101"),
        ({"type": "internalTransfer", "user": "0xyou", "destination": "0xme", "fee": "1"}, "100"),
        ({"type": "vaultDeposit", "vault": "0xv"}, "-100"),
    ],
)
def test_money_that_was_moved_is_no_result_of_trading(delta: dict, amount: str) -> None:
    row = {"time": 1_790_964_546_856, "hash": "0xab", "delta": {"usdc": "100", **delta}}
    (moved,) = parse.transfer_rows([row], "0xme")
    assert (moved.kind, moved.amount) == ("TRANSFER", Decimal(amount))
