"""What an approved order is on Bybit's wire: direction and price of a trigger always said."""

import re
from decimal import Decimal
from typing import Final

from bot.domain.errors import VenueRefused
from bot.domain.orders import ApprovedOrder, OrderKind, OrderSide
from bot.venue.profiles import bybit
from bot.venue.wording import Fields, plain

_VENUE_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def placing(order: ApprovedOrder) -> Fields:
    """Return the parameters that place `order`; client ids go out as they are.

    An order that closes a whole position has quantity zero, is reduce-only and closes on trigger.

    Raises:
        VenueRefused: Bybit has no such order; nothing was sent.
    """
    closes = order.close_position
    if closes and not order.kind.is_conditional:
        raise VenueRefused(
            f"{order.client_order_id}: only conditional orders close a whole position",
            code="CLOSE_UNSUPPORTED",
        )
    sent: Fields = {
        "category": bybit.CATEGORY,
        "symbol": bybit.contract_of(order.symbol),
        "side": bybit.SIDE_WORDS[order.side],
        "orderType": "Limit" if order.kind is OrderKind.LIMIT else "Market",
        "qty": "0" if closes else plain(order.qty),
        "orderLinkId": order.client_order_id,
        "positionIdx": bybit.LEG_NUMBERS[order.position_side] if order.hedged else 0,
    }
    if order.reduce_only or closes:
        sent["reduceOnly"] = True
    if closes:
        sent["closeOnTrigger"] = True
    if order.kind.is_conditional:
        return sent | _trigger(order)
    if order.kind is OrderKind.LIMIT:
        if order.price is None:
            raise VenueRefused(
                f"{order.client_order_id}: limit order without price", code="NO_PRICE"
            )
        sent |= {"price": plain(order.price), "timeInForce": bybit.LIVES[order.time_in_force]}
    return sent


def _trigger(order: ApprovedOrder) -> Fields:
    if order.trigger_price is None:
        raise VenueRefused(f"{order.client_order_id}: no trigger price", code="NO_TRIGGER")
    stops = order.kind is OrderKind.STOP_MARKET
    falls = stops == (order.side is OrderSide.SELL)
    return {
        "triggerPrice": plain(order.trigger_price),
        "triggerDirection": bybit.FALL if falls else bybit.RISE,
        "triggerBy": bybit.TRIGGER_WORDS[order.trigger_by],
    }


def naming(symbol: str, client_order_id: str) -> Fields:
    """Return the parameters that name one order; one placed by hand goes by the venue's id."""
    key = "orderId" if _VENUE_ID.fullmatch(client_order_id) else "orderLinkId"
    return {
        "category": bybit.CATEGORY,
        "symbol": bybit.contract_of(symbol),
        key: client_order_id,
    }


def exact_margin(amount_usd: Decimal) -> str:
    """Write an amount of isolated margin; the venue takes four decimals at most."""
    return plain(amount_usd.quantize(Decimal("0.0001")))
