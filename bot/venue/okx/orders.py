"""What an approved order is on OKX's wire: which book, which words, contracts for coins."""

from decimal import Decimal
from typing import Final

from bot.domain.account import MarginMode
from bot.domain.errors import VenueRefused
from bot.domain.orders import ApprovedOrder, OrderKind
from bot.venue.profiles import okx
from bot.venue.wording import Fields, plain

NUMBERED: Final = "oid-"


def placing(order: ApprovedOrder, size: Decimal, mode: MarginMode) -> Fields:
    """Return the parameters that place `order`; `size` is the coins of one contract.

    Raises:
        VenueRefused: the venue has no such order; nothing was sent.
    """
    params: Fields = {
        "instId": okx.contract_of(order.symbol),
        "tdMode": okx.MODE_WORDS[mode],
        "side": okx.SIDE_WORDS[order.side],
        "posSide": okx.LEG_WORDS[order.position_side] if order.hedged else "net",
    }
    if order.reduce_only and not order.hedged:
        params["reduceOnly"] = True
    if order.close_position:
        params["closeFraction"] = "1"
    else:
        params["sz"] = plain(order.qty / size)
    name = okx.sent_id(order.client_order_id)
    if order.kind.is_conditional:
        return params | _conditional(order, name)
    if order.close_position:
        raise VenueRefused("only conditional orders close a position", code="CLOSE_UNSUPPORTED")
    params["clOrdId"] = name
    if order.kind is not OrderKind.LIMIT:
        return params | {"ordType": "market"}
    if order.price is None:
        raise VenueRefused(f"{order.client_order_id}: no price", code="NO_PRICE")
    return params | {"ordType": okx.LIVES[order.time_in_force], "px": plain(order.price)}


def _conditional(order: ApprovedOrder, name: str) -> Fields:
    if order.trigger_price is None:
        raise VenueRefused(f"{order.client_order_id}: no trigger price", code="NO_TRIGGER")
    kind = "sl" if order.kind is OrderKind.STOP_MARKET else "tp"
    return {
        "algoClOrdId": name,
        "ordType": "conditional",
        f"{kind}TriggerPx": plain(order.trigger_price),
        f"{kind}TriggerPxType": okx.TRIGGER_WORDS[order.trigger_by],
        f"{kind}OrdPx": "-1",
    }


def naming(symbol: str, client_order_id: str, *, conditional: bool) -> Fields:
    """Return the parameters that name one order in its book."""
    number = client_order_id.removeprefix(NUMBERED)
    key = (
        ("algoId" if conditional else "ordId")
        if number != client_order_id
        else ("algoClOrdId" if conditional else "clOrdId")
    )
    value = number if number != client_order_id else okx.sent_id(client_order_id)
    return {"instId": okx.contract_of(symbol), key: value}
