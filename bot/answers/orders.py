"""Answers `orders`: what may still fill, ours and foreign."""

from bot.answers.question import Answered, Question, exact, iso
from bot.kernel.snapshot import OrderBelief

NAME = "orders"


def answer(question: Question) -> Answered:
    """Return live orders (all with args.all), the newest first."""
    state = question.state
    orders = [
        order
        for order in state.orders.values()
        if question.symbol in ("", order.symbol)
        and (order.status.is_live or question.args.get("all") == "true")
    ]
    orders.sort(key=lambda order: (max(order.sent_ns, order.event_ns), order.client_order_id))
    rows = [_order(order) for order in reversed(orders)]
    return {"as_of": iso(state.now_ns), "orders": rows[: question.limit]}


def _order(order: OrderBelief) -> Answered:
    return {
        "client_order_id": order.client_order_id,
        "venue_order_id": order.venue_order_id or None,
        "symbol": order.symbol,
        "purpose": order.purpose.value if order.purpose else "FOREIGN",
        "kind": order.kind.value,
        "side": order.side.value,
        "position_side": order.position_side.value,
        "status": order.status.value,
        "qty": exact(order.qty),
        "filled_qty": exact(order.filled_qty),
        "trigger_price": exact(order.trigger_price),
        "trigger_by": order.trigger_by.value if order.trigger_by else None,
        "reduce_only": order.reduce_only,
        "close_position": order.close_position,
        "sent_at": iso(order.sent_ns),
        "reason": order.reason or None,
    }
