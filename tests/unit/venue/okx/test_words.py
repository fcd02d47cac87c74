"""OKX's ids, sizes, kinds and numbers; what the house does not place counts as no protection."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import (
    ConfigInvalid,
    OutcomeUnknown,
    VenueDataInvalid,
    VenueRefused,
    VenueThrottled,
)
from bot.domain.orders import OrderKind, OrderStatus
from bot.venue.okx import contracts, parse
from bot.venue.okx.answers import error_of_reply, reply_of
from bot.venue.profiles import okx

SIZES = {"BTC-USDT-SWAP": Decimal("0.01")}
AT = "1790964546856"


@given(st.from_regex(r"bw[0-9a-f]{8}-([0-9]{1,9}-[0-9]{1,3}|[cp][0-9]{1,6})", fullmatch=True))
def test_our_ids_travel_without_dashes_and_come_back(name: str) -> None:
    sent = okx.sent_id(name)
    assert sent.isalnum()
    assert len(sent) <= 32
    assert okx.own_id(sent, "7") == name


@pytest.mark.parametrize("name", ["bwZ-1", "x" * 33, "bw_1", "bwä"])
def test_what_cannot_be_carried_is_not_sent(name: str) -> None:
    with pytest.raises(VenueRefused, match="letters, digits and dashes"):
        okx.sent_id(name)


def test_orders_of_other_hands_keep_their_names() -> None:
    assert okx.own_id("handZ1", "7") == "handZ1"
    assert okx.own_id("", "7") == "oid-7"


def test_symbols() -> None:
    assert okx.venue_id("BTC/USDT:USDT") == "BTC-USDT-SWAP"
    assert okx.unified("BTC-USDT-SWAP") == "BTC/USDT:USDT"
    for wrong in ("BTC/USDC:USDC", "BTC/USD:BTC", "BTC-USDT-SWAP"):
        with pytest.raises(ConfigInvalid):
            okx.venue_id(wrong)
    for wrong in ("BTC-USD-SWAP", "BTC-USDT-241227", "BTC-USDT"):
        with pytest.raises(VenueDataInvalid):
            okx.unified(wrong)


def algo(**changes: object) -> dict[str, object]:
    row: dict[str, object] = {
        "instId": "BTC-USDT-SWAP", "algoId": "9", "algoClOrdId": "bw00000001Z2Z0", "side": "sell",
        "posSide": "net", "ordType": "conditional", "sz": "5", "closeFraction": "",
        "reduceOnly": "true", "slTriggerPx": "70000", "slTriggerPxType": "mark", "slOrdPx": "-1",
        "tpTriggerPx": "", "tpOrdPx": "", "state": "live", "uTime": AT, "cTime": AT,
    }  # fmt: skip
    return row | changes


def test_a_stop_in_contracts_is_one_in_coins() -> None:
    stop = parse.algo(algo(), SIZES)
    assert (stop.kind, stop.qty) == (OrderKind.STOP_MARKET, Decimal("0.05"))
    assert (stop.client_order_id, stop.reduce_only) == ("bw00000001-2-0", True)
    assert parse.algo(algo(closeFraction="1", sz=""), SIZES).close_position


@pytest.mark.parametrize(
    "other",
    [
        {"slOrdPx": "69000"},
        {"ordType": "oco", "tpTriggerPx": "90000", "tpOrdPx": "-1"},
        {"ordType": "trigger", "slTriggerPx": ""},
        {"ordType": "move_order_stop", "slTriggerPx": ""},
    ],
)
def test_other_kinds_are_shown_and_protect_nothing(other: dict[str, object]) -> None:
    shown = parse.algo(algo(**other), SIZES)
    assert (shown.kind, shown.trigger_price) == (OrderKind.STOP_MARKET, None)
    assert "not counted as a stop" in shown.reason


def test_a_contract_of_unknown_size_is_refused() -> None:
    with pytest.raises(VenueDataInvalid, match="size of ETH-USDT-SWAP is not known"):
        parse.algo(algo(instId="ETH-USDT-SWAP"), SIZES)
    with pytest.raises(VenueDataInvalid, match="its size is not in BTC"):
        contracts.size_of({"instId": "BTC-USDT-SWAP", "ctType": "linear", "ctValCcy": "USD"})


def test_positions_say_what_they_know() -> None:
    row = {"instId": "BTC-USDT-SWAP", "pos": "-5", "posSide": "net", "avgPx": "60000",
           "mgnMode": "cross", "uTime": AT, "lever": "", "liqPx": "", "adl": "1"}  # fmt: skip
    held = parse.position(row, SIZES)
    assert held is not None
    assert (held.qty, held.leverage, held.venue_liq_price, held.adl_rank) == (
        Decimal("0.05"), None, None, 0,
    )  # fmt: skip
    assert parse.position({**row, "pos": "0"}, SIZES) is None


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (200, {"code": "1", "data": [{"sCode": "51280", "sMsg": "x"}]}, VenueRefused, "-2021"),
        (200, {"code": "1", "data": [{"sCode": "51169", "sMsg": "x"}]}, VenueRefused, "-2022"),
        (200, {"code": "51603", "msg": "x", "data": []}, VenueRefused, "-2013"),
        (200, {"code": "50102", "msg": "x", "data": []}, VenueRefused, "50102"),
        (429, {"code": "50011", "msg": "x", "data": []}, VenueThrottled, ""),
        (200, {"code": "50004", "msg": "x", "data": []}, OutcomeUnknown, ""),
        (502, None, OutcomeUnknown, ""),
        (200, None, OutcomeUnknown, ""),
        (403, None, VenueRefused, "HTTP403"),
    ],
)
def test_numbers_of_a_no(status: int, body: object, kind: type[Exception], code: str) -> None:
    reply = reply_of(status, "", body)
    assert reply is not None
    error = error_of_reply(reply, acts=True, now_ns=0)
    assert type(error) is kind
    if isinstance(error, VenueRefused):
        assert error.code == code
    assert reply_of(200, "", {"code": "0", "data": []}) is None


def test_a_triggered_stop_ends_as_its_order_does() -> None:
    row = {
        "instId": "BTC-USDT-SWAP", "ordId": "10", "clOrdId": "", "algoClOrdId": "bw00000001Z2Z0",
        "side": "sell", "posSide": "net", "ordType": "market", "state": "filled", "sz": "5",
        "accFillSz": "5", "avgPx": "69990", "reduceOnly": "true", "uTime": AT,
    }  # fmt: skip
    stop = parse.algo(algo(state="effective"), SIZES)
    assert stop.status is OrderStatus.TRIGGERING
    child = parse.order(row, SIZES)
    assert child.client_order_id == stop.client_order_id
    whole = parse.with_child(stop, child)
    assert (whole.status, whole.filled_qty) == (OrderStatus.FILLED, Decimal("0.05"))
    assert whole.venue_order_id == "9"


def test_an_order_of_other_hands_with_an_odd_trigger_is_shown_and_no_error() -> None:
    odd = parse.algo(algo(slOrdPx="69000", slTriggerPxType="new_word"), SIZES)
    assert (odd.trigger_price, odd.trigger_by) == (None, None)


@pytest.mark.parametrize(
    ("told", "child"),
    [
        ({"ordId": "7"}, "7"),
        ({"ordId": "", "ordIdList": ["5", "8"]}, "8"),
        ({"ordIdList": []}, ""),
        ({}, ""),
    ],
)
def test_what_a_trigger_bore_is_found_by_either_field(told, child: str) -> None:
    assert parse.child_of(told) == child


def test_a_stop_is_no_larger_than_the_venue_takes_one() -> None:
    contract = {
        "instId": "BTC-USDT-SWAP", "ctType": "linear", "ctVal": "0.01", "ctValCcy": "BTC",
        "tickSz": "0.1", "lotSz": "1", "minSz": "1", "maxLmtSz": "9000", "maxMktSz": "5000",
    }  # fmt: skip
    fee = {"takerU": "-0.0005", "makerU": "-0.0002"}
    tier = {"tier": "1", "mmr": "0.004", "maxSz": "1000", "maxLever": "100"}
    for more, most in (({}, 50), ({"maxStopSz": "2000"}, 20), ({"maxStopSz": ""}, 50)):
        built = contracts.instrument(contract | more, [tier], fee, Decimal(80_000))
        assert built.market_qty_max == most


@pytest.mark.parametrize(
    ("category", "bill", "liquidation", "adl"),
    [
        ("normal", "1", False, False),
        ("full_liquidation", "104", True, False),
        ("partial_liquidation", "100", True, False),
        ("adl", "125", False, True),
        ("adl", "126", False, True),
    ],
)
def test_what_the_venue_did_by_itself_is_told(category, bill, liquidation, adl) -> None:
    row = {
        "instId": "BTC-USDT-SWAP", "ordId": "10", "clOrdId": "", "side": "sell", "posSide": "net",
        "ordType": "market", "state": "filled", "sz": "5", "accFillSz": "5", "avgPx": "69990",
        "reduceOnly": "true", "uTime": AT, "category": category, "tradeId": "3", "fillSz": "5",
        "fillPx": "69990", "fillFee": "-1", "fillFeeCcy": "USDT", "fillPnl": "-500",
        "fillTime": AT, "execType": "T",
    }  # fmt: skip
    heard = parse.told_fill(row, parse.order(row, SIZES), SIZES, 7)
    assert heard is not None
    past = parse.fill(row | {"subType": bill, "fee": "-1", "ts": AT}, "oid-10", SIZES, 7)
    for fill in (heard, past):
        assert (fill.is_liquidation, fill.is_adl, fill.fee_usd) == (liquidation, adl, 1)
        assert (fill.qty, fill.client_order_id) == (Decimal("0.05"), "oid-10")
