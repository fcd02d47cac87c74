"""An approved order on Bybit's wire: direction and price of a trigger are never left out."""

from decimal import Decimal

import pytest

from bot.domain.errors import VenueRefused
from bot.domain.orders import OrderKind, OrderSide, PositionSide, TimeInForce, TriggerBy
from bot.venue.bybit.orders import naming, placing
from tests.fakes.embedded import BTC
from tests.unit.venue.bybit.rows import STOP_ID
from tests.venue.adapter.scene import entry, stop


@pytest.mark.parametrize(
    ("side", "kind", "way"),
    [
        (OrderSide.SELL, OrderKind.STOP_MARKET, 2), (OrderSide.BUY, OrderKind.STOP_MARKET, 1),
        (OrderSide.SELL, OrderKind.TAKE_PROFIT_MARKET, 1),
        (OrderSide.BUY, OrderKind.TAKE_PROFIT_MARKET, 2),
    ],
)  # fmt: skip
@pytest.mark.parametrize(("price", "word"), [(TriggerBy.MARK, "MarkPrice"),
                                             (TriggerBy.LAST, "LastPrice")])  # fmt: skip
def test_every_trigger_says_its_direction_and_its_price(
    side: OrderSide, kind: OrderKind, way: int, price: TriggerBy, word: str
) -> None:
    sent = placing(stop(side=side, kind=kind, trigger_by=price))
    assert (sent["triggerDirection"], sent["triggerBy"]) == (way, word)
    assert (sent["orderType"], sent["triggerPrice"], sent["reduceOnly"]) == (
        "Market",
        "70000",
        True,
    )


def test_a_whole_position_is_quantity_zero_that_closes_on_trigger() -> None:
    sent = placing(stop(close_position=True, qty=Decimal(0)))
    assert (sent["qty"], sent["reduceOnly"], sent["closeOnTrigger"]) == ("0", True, True)
    with pytest.raises(VenueRefused, match="only conditional"):
        placing(entry(close_position=True))


@pytest.mark.parametrize(
    ("hedged", "leg", "number"),
    [(False, PositionSide.SHORT, 0), (True, PositionSide.LONG, 1), (True, PositionSide.SHORT, 2)],
)
def test_the_leg_is_named_by_number(hedged: bool, leg: PositionSide, number: int) -> None:
    assert placing(stop(hedged=hedged, position_side=leg))["positionIdx"] == number


def test_a_limit_order_says_how_long_it_lives_and_an_entry_does_not_reduce() -> None:
    limit = entry(kind=OrderKind.LIMIT, price=Decimal("79000.10"), time_in_force=TimeInForce.GTX)
    sent = placing(limit)
    assert (sent["price"], sent["timeInForce"]) == ("79000.1", "PostOnly")
    assert "reduceOnly" not in sent
    with pytest.raises(VenueRefused, match="without price"):
        placing(entry(kind=OrderKind.LIMIT))
    with pytest.raises(VenueRefused, match="no trigger price"):
        placing(stop(trigger_price=None))


def test_an_order_is_named_by_our_id_else_by_the_venues() -> None:
    assert naming(BTC, "bw00000001-2-0")["orderLinkId"] == "bw00000001-2-0"
    assert naming(BTC, STOP_ID)["orderId"] == STOP_ID
    with pytest.raises(VenueRefused, match="only linear USDT"):
        naming("BTC/USD:BTC", "x")
