"""An approved order on the wire: the right book, the right words, our id as it is."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import ConfigInvalid, VenueDataInvalid, VenueRefused
from bot.domain.orders import (
    ApprovedOrder,
    OrderKind,
    OrderSide,
    PositionSide,
    Purpose,
    TimeInForce,
    TriggerBy,
)
from bot.venue.binance.orders import naming, placing
from bot.venue.profiles import binance
from bot.venue.wording import plain

BTC = "BTC/USDT:USDT"


def approved(**changes: object) -> ApprovedOrder:
    fields: dict[str, object] = {
        "client_order_id": "bw01234567-12-0",
        "symbol": BTC,
        "side": OrderSide.SELL,
        "position_side": PositionSide.LONG,
        "kind": OrderKind.STOP_MARKET,
        "purpose": Purpose.STOP,
        "qty": Decimal("0.050"),
        "price": None,
        "trigger_price": Decimal("70000.10"),
        "trigger_by": TriggerBy.MARK,
        "time_in_force": TimeInForce.GTC,
        "reduce_only": True,
        "close_position": False,
        "hedged": False,
        "reason": "test",
    }
    return ApprovedOrder(**{**fields, **changes})


def test_a_stop_goes_to_the_conditional_book_by_mark_and_reduce_only() -> None:
    endpoint, fields = placing(approved())
    assert endpoint is binance.PLACE_ALGO
    assert fields == {
        "symbol": "BTCUSDT",
        "side": "SELL",
        "type": "STOP_MARKET",
        "newOrderRespType": "RESULT",
        "algoType": "CONDITIONAL",
        "clientAlgoId": "bw01234567-12-0",
        "triggerPrice": "70000.1",
        "workingType": "MARK_PRICE",
        "quantity": "0.05",
        "reduceOnly": "true",
    }


@pytest.mark.parametrize("hedged", [False, True])
def test_closing_a_position_carries_no_quantity_and_no_reduce_only(hedged: bool) -> None:
    _, fields = placing(approved(close_position=True, qty=Decimal(0), hedged=hedged))
    assert fields["closePosition"] == "true"
    assert "quantity" not in fields
    assert "reduceOnly" not in fields
    assert fields.get("positionSide") == ("LONG" if hedged else None)


@pytest.mark.parametrize("kind", [OrderKind.STOP_MARKET, OrderKind.MARKET])
def test_hedge_mode_names_the_leg_instead_of_reduce_only(kind: OrderKind) -> None:
    _, fields = placing(approved(kind=kind, hedged=True))
    assert fields["positionSide"] == "LONG"
    assert "reduceOnly" not in fields


def test_a_limit_order_carries_price_and_time_in_force() -> None:
    order = approved(
        kind=OrderKind.LIMIT,
        price=Decimal("75000.00"),
        time_in_force=TimeInForce.GTX,
        reduce_only=False,
    )
    endpoint, fields = placing(order)
    assert endpoint is binance.PLACE_ORDER
    assert fields["price"] == "75000"
    assert fields["timeInForce"] == "GTX"
    assert fields["newClientOrderId"] == order.client_order_id
    assert "reduceOnly" not in fields


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"trigger_price": None}, "NO_TRIGGER"),
        ({"trigger_by": TriggerBy.INDEX}, "TRIGGER_UNSUPPORTED"),
        ({"kind": OrderKind.MARKET, "close_position": True}, "CLOSE_UNSUPPORTED"),
        ({"kind": OrderKind.LIMIT}, "NO_PRICE"),
    ],
)
def test_what_the_venue_does_not_have_is_refused_here(
    changes: dict[str, object], code: str
) -> None:
    with pytest.raises(VenueRefused) as caught:
        placing(approved(**changes))
    assert caught.value.code == code


def test_an_order_is_named_in_its_own_book() -> None:
    assert naming(BTC, "x", conditional=True) == {"symbol": "BTCUSDT", "clientAlgoId": "x"}
    assert naming(BTC, "x", conditional=False) == {"symbol": "BTCUSDT", "origClientOrderId": "x"}


@given(st.decimals(min_value="1e-8", max_value="1e9", places=8))
def test_numbers_on_the_wire_are_exact_and_plain(value: Decimal) -> None:
    text = plain(value)
    assert Decimal(text) == value
    assert set(text) <= set("0123456789.")


@given(st.from_regex(r"[A-Z0-9]{1,12}", fullmatch=True).filter(lambda base: base != "USDT"))
def test_symbols_translate_both_ways(base: str) -> None:
    symbol = f"{base}/USDT:USDT"
    assert binance.unified(binance.venue_id(symbol)) == symbol


@pytest.mark.parametrize("symbol", ["BTCUSDT", "BTC/USD:BTC", "BTC/USDC:USDC", "BTC/USDT:BTC", ""])
def test_contracts_we_do_not_trade_are_refused(symbol: str) -> None:
    with pytest.raises(ConfigInvalid):
        binance.venue_id(symbol)


@pytest.mark.parametrize("contract", ["BTCUSDC", "BTCUSD_PERP", "USDT", "", "BTC-USDT", "X" * 300])
def test_foreign_contract_ids_are_refused(contract: str) -> None:
    with pytest.raises(VenueDataInvalid):
        binance.unified(contract)
