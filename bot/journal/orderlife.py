"""How the journal's belief about one order moves: late and doubled news never undo an end."""

import msgspec

from bot.domain.orders import OrderState, OrderStatus
from bot.domain.units import NS_PER_S

NOT_FOUND_FINAL_NS = 60 * NS_PER_S
"""A signed request dies with its receive window (seconds); asked later than this, "unknown to
the venue" means that the order does not exist and never will."""

RANK = {
    OrderStatus.PENDING: 0,
    OrderStatus.UNKNOWN: 1,
    OrderStatus.WORKING: 2,
    OrderStatus.TRIGGERING: 3,
}
ENDED = 4


def merged(old: OrderState, new: OrderState) -> OrderState:
    """Return what is known after the venue said `new` of an order known as `old`.

    Filled quantity only grows; an end stays an end, save that a late fill is always believed and
    an order thought lost may turn up.
    """
    more = new if new.filled_qty >= old.filled_qty else old
    latest = new if new.event_ns >= old.event_ns else old
    return msgspec.structs.replace(
        latest,
        client_order_id=new.client_order_id or old.client_order_id,
        venue_order_id=new.venue_order_id or old.venue_order_id,
        status=_status(old, new),
        filled_qty=more.filled_qty,
        average_price=more.average_price or old.average_price or new.average_price,
        trigger_price=latest.trigger_price or old.trigger_price or new.trigger_price,
        trigger_by=latest.trigger_by or old.trigger_by or new.trigger_by,
        position_side=latest.position_side or old.position_side or new.position_side,
        reason=new.reason or old.reason,
    )


def _status(old: OrderState, new: OrderState) -> OrderStatus:
    if old.status is OrderStatus.LOST:
        return new.status
    if not old.status.is_live:
        return new.status if new.status is OrderStatus.FILLED else old.status
    if not new.status.is_live or old.status in (OrderStatus.PENDING, OrderStatus.UNKNOWN):
        return new.status
    if new.event_ns > old.event_ns:
        return new.status
    return max(old.status, new.status, key=lambda status: RANK.get(status, ENDED))


def accepted(old: OrderState, venue_order_id: str, event_ns: int) -> OrderState:
    """Return the order after the venue took it; an order that ended meanwhile stays ended."""
    waiting = old.status in (OrderStatus.PENDING, OrderStatus.UNKNOWN, OrderStatus.LOST)
    return msgspec.structs.replace(
        old,
        venue_order_id=venue_order_id or old.venue_order_id,
        status=OrderStatus.WORKING if waiting else old.status,
        event_ns=max(old.event_ns, event_ns),
    )


def refused(old: OrderState, code: str, reason: str) -> OrderState:
    """Return the order after a refusal, unless the venue has since shown it to exist."""
    if old.status not in (OrderStatus.PENDING, OrderStatus.UNKNOWN, OrderStatus.LOST):
        return old
    text = f"{code} {reason}".strip()
    return msgspec.structs.replace(old, status=OrderStatus.REJECTED, reason=text)


def in_doubt(old: OrderState, reason: str) -> OrderState:
    """Return the order after a request without an answer."""
    if old.status is not OrderStatus.PENDING:
        return old
    return msgspec.structs.replace(old, status=OrderStatus.UNKNOWN, reason=reason)


def not_found(old: OrderState, received_ns: int) -> OrderState:
    """Return the order after the venue said it knows no such one, at `received_ns` of our clock."""
    if not old.status.is_live or received_ns - old.event_ns < NOT_FOUND_FINAL_NS:
        return old
    return msgspec.structs.replace(old, status=OrderStatus.LOST)
