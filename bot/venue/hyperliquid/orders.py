"""What an approved order is on this wire, and what the answer says became of it."""

from decimal import Decimal
from typing import Final

from bot.domain.errors import OutcomeUnknown, VenueRefused
from bot.domain.orders import (
    ApprovedOrder,
    OrderKind,
    OrderState,
    OrderStatus,
    TimeInForce,
    TriggerBy,
)
from bot.domain.units import ZERO
from bot.venue import fields
from bot.venue.hyperliquid import prices
from bot.venue.hyperliquid.cloid import to_cloid
from bot.venue.hyperliquid.errors import refusal
from bot.venue.hyperliquid.listing import Listed
from bot.venue.hyperliquid.prices import plain
from bot.venue.profiles import hyperliquid as profile

Json = dict[str, object]
WAITING: Final = frozenset({"waitingForTrigger", "waitingForFill"})
_TRIGGERS: Final = {OrderKind.STOP_MARKET: "sl", OrderKind.TAKE_PROFIT_MARKET: "tp"}


def needs_price(order: ApprovedOrder) -> bool:
    """Tell whether a reference price is needed: the venue has no market order."""
    return order.kind is OrderKind.MARKET


def placing(order: ApprovedOrder, contract: Listed, reference: Decimal | None) -> Json:
    """Return the action that places `order`.

    Raises:
        VenueRefused: the venue has no such order; nothing was sent.
    """
    if order.hedged:
        raise VenueRefused(
            f"{order.client_order_id}: Hyperliquid has no hedge mode: one position a contract",
            code="HEDGE_UNSUPPORTED",
        )
    row: Json = {"a": contract.asset, "b": order.side.sign > 0}
    if order.kind.is_conditional:
        row |= _trigger(order, contract)
    else:
        row |= _plain(order, contract, reference)
    row["c"] = to_cloid(order.client_order_id)
    grouping = "positionTpsl" if order.close_position else "na"
    return {"type": "order", "orders": [row], "grouping": grouping}


def _trigger(order: ApprovedOrder, contract: Listed) -> Json:
    if order.trigger_price is None:
        raise VenueRefused(f"{order.client_order_id}: no trigger price", code="NO_TRIGGER")
    if order.trigger_by is not TriggerBy.MARK:
        raise VenueRefused(
            f"{order.client_order_id}: Hyperliquid triggers by the mark price alone",
            code="TRIGGER_UNSUPPORTED",
        )
    decimals = contract.size_decimals
    trigger = prices.toward_market(order.trigger_price, decimals, order.side)
    worst = prices.reach(trigger, decimals, order.side, prices.EXIT_REACH_FRAC)
    return {
        "p": plain(worst),
        "s": "0" if order.close_position else plain(order.qty),
        "r": order.reduce_only or order.close_position,
        "t": {
            "trigger": {
                "isMarket": True,
                "triggerPx": plain(trigger),
                "tpsl": _TRIGGERS[order.kind],
            }
        },
    }


def _plain(order: ApprovedOrder, contract: Listed, reference: Decimal | None) -> Json:
    if order.close_position:
        raise VenueRefused(
            f"{order.client_order_id}: only conditional orders close a whole position",
            code="CLOSE_UNSUPPORTED",
        )
    if order.kind is OrderKind.MARKET:
        if reference is None:
            raise VenueRefused(f"{order.client_order_id}: no reference price", code="NO_PRICE")
        far = prices.EXIT_REACH_FRAC if order.reduce_only else prices.ENTRY_REACH_FRAC
        price = prices.reach(reference, contract.size_decimals, order.side, far)
        life = "Ioc"
    else:
        if order.price is None:
            raise VenueRefused(
                f"{order.client_order_id}: limit order without price", code="NO_PRICE"
            )
        price = prices.passive(order.price, contract.size_decimals, order.side)
        found = profile.LIVES.get(order.time_in_force)
        if found is None:
            raise VenueRefused(
                f"{order.client_order_id}: Hyperliquid has no {order.time_in_force.value}",
                code="LIFE_UNSUPPORTED",
            )
        life = found
    return {
        "p": plain(price),
        "s": plain(order.qty),
        "r": order.reduce_only,
        "t": {"limit": {"tif": life}},
    }


def pending(order: ApprovedOrder, now_ns: int) -> OrderState:
    """Return an order that is about to be sent: the stream may tell of it before the answer."""
    return _state(order, "", OrderStatus.PENDING, ZERO, None, now_ns)


def first_status(answer: object) -> object:
    """Return what an answer says of its one order or cancel.

    Raises:
        OutcomeUnknown: the answer cannot be read.
    """
    try:
        response = fields.row(fields.row(answer, "answer").get("response"), "answer")
        data = fields.row(response.get("data"), "answer")
        (status,) = fields.rows(data.get("statuses"), "answer")
    except Exception as nonsense:  # noqa: BLE001  (whatever it is, the order may be there)
        raise OutcomeUnknown(f"sent, but the answer is unreadable: {str(nonsense)[:120]}") from None
    return status


def placed(order: ApprovedOrder, status: object, now_ns: int) -> OrderState:
    """Return the order as the answer says it stands.

    Raises:
        VenueRefused, VenueThrottled: the venue said no to this order.
        OutcomeUnknown: the answer cannot be read.
    """
    if isinstance(status, str) and status in WAITING:
        return _state(order, "", OrderStatus.WORKING, ZERO, None, now_ns)
    if not isinstance(status, dict):
        raise OutcomeUnknown(f"sent, but the answer is unreadable: {str(status)[:80]!r}")
    if "error" in status:
        raise refusal(str(status["error"])[:200])
    try:
        if "resting" in status:
            row = fields.row(status["resting"], "answer")
            oid = fields.text(row, "oid", "answer")
            return _state(order, oid, OrderStatus.WORKING, ZERO, None, now_ns)
        row = fields.row(status.get("filled"), "answer")
        filled = fields.positive(row, "totalSz", "answer")
        average = fields.positive(row, "avgPx", "answer")
        oid = fields.text(row, "oid", "answer")
    except Exception as nonsense:  # noqa: BLE001  (whatever it is, the order may be there)
        raise OutcomeUnknown(f"sent, but the answer is unreadable: {str(nonsense)[:120]}") from None
    if filled >= order.qty:
        return _state(order, oid, OrderStatus.FILLED, filled, average, now_ns)
    rests = order.kind is OrderKind.LIMIT and order.time_in_force is not TimeInForce.IOC
    status = OrderStatus.WORKING if rests else OrderStatus.EXPIRED
    return _state(order, oid, status, filled, average, now_ns)


def _state(
    order: ApprovedOrder,
    oid: str,
    status: OrderStatus,
    filled: Decimal,
    average: Decimal | None,
    now_ns: int,
) -> OrderState:
    return OrderState(
        client_order_id=order.client_order_id,
        venue_order_id=oid,
        symbol=order.symbol,
        side=order.side,
        kind=order.kind,
        status=status,
        qty=ZERO if order.close_position else order.qty,
        filled_qty=filled,
        reduce_only=order.reduce_only,
        close_position=order.close_position,
        event_ns=now_ns,
        price=order.price,
        trigger_price=order.trigger_price,
        trigger_by=order.trigger_by if order.kind.is_conditional else None,
        average_price=average,
        reason="" if status is not OrderStatus.EXPIRED else "remainder not filled at once",
    )
