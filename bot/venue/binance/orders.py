"""What an approved order is on Binance's wire: which book, which words, exact decimals."""

from bot.domain.errors import VenueRefused
from bot.domain.orders import ApprovedOrder, OrderKind
from bot.venue.endpoint import Endpoint
from bot.venue.profiles import binance
from bot.venue.wording import Fields, plain


def placing(order: ApprovedOrder) -> tuple[Endpoint, Fields]:
    """Return endpoint and parameters that place `order`; client ids go out as they are.

    Raises:
        VenueRefused: Binance has no such order; nothing was sent.
    """
    fields: Fields = {
        "symbol": binance.contract_of(order.symbol),
        "side": order.side.value,
        "type": order.kind.value,
        "newOrderRespType": "RESULT",
    }
    _say_direction(order, fields)
    if order.kind.is_conditional:
        return binance.PLACE_ALGO, fields | _conditional(order)
    return binance.PLACE_ORDER, fields | _plain(order)


def naming(symbol: str, client_order_id: str, *, conditional: bool) -> Fields:
    """Return the parameters that name one order in its book."""
    key = "clientAlgoId" if conditional else "origClientOrderId"
    return {"symbol": binance.contract_of(symbol), key: client_order_id}


def _say_direction(order: ApprovedOrder, fields: Fields) -> None:
    """Hedge mode names the leg and knows no reduceOnly; one-way mode the other way round.

    closePosition says by itself that the order reduces and how much.
    """
    if order.hedged:
        fields["positionSide"] = order.position_side.value
    elif order.reduce_only and not order.close_position:
        fields["reduceOnly"] = "true"


def _conditional(order: ApprovedOrder) -> Fields:
    if order.trigger_price is None:
        raise VenueRefused(f"{order.client_order_id}: no trigger price", code="NO_TRIGGER")
    if order.trigger_by not in binance.WORKING_TYPES:
        raise VenueRefused(
            f"{order.client_order_id}: no trigger by {order.trigger_by.value} on Binance",
            code="TRIGGER_UNSUPPORTED",
        )
    fields: Fields = {
        "algoType": "CONDITIONAL",
        "clientAlgoId": order.client_order_id,
        "triggerPrice": plain(order.trigger_price),
        "workingType": binance.WORKING_TYPES[order.trigger_by],
    }
    if order.close_position:
        return fields | {"closePosition": "true"}
    return fields | {"quantity": plain(order.qty)}


def _plain(order: ApprovedOrder) -> Fields:
    if order.close_position:
        raise VenueRefused(
            f"{order.client_order_id}: only conditional orders close a whole position",
            code="CLOSE_UNSUPPORTED",
        )
    fields: Fields = {"newClientOrderId": order.client_order_id, "quantity": plain(order.qty)}
    if order.kind is not OrderKind.LIMIT:
        return fields
    if order.price is None:
        raise VenueRefused(f"{order.client_order_id}: limit order without price", code="NO_PRICE")
    return fields | {"price": plain(order.price), "timeInForce": order.time_in_force.value}
