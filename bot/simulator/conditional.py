"""The second book: conditional orders, their acceptance and their trigger."""

from decimal import Decimal

import msgspec

from bot.domain.orders import OrderKind, OrderSide, OrderStatus
from bot.domain.units import ZERO
from bot.simulator.accounts import Account, Order, shrinks
from bot.simulator.book import Book
from bot.simulator.market import MarketState
from bot.simulator.matching import check_risk, execute, place
from bot.simulator.terms import ExchangeRefused, OrderRequest, immediate_trigger


def triggers_below(request: OrderRequest) -> bool:
    """Tell whether the order goes off when the price falls to its trigger."""
    stop = request.kind is OrderKind.STOP_MARKET
    return (request.side is OrderSide.SELL) == stop


def is_due(order: Order, price: float) -> bool:
    """Tell whether `price` sets the order off."""
    if triggers_below(order.request):
        return price <= order.trigger
    return price >= order.trigger


def submit_conditional(book: Book, account: Account, request: OrderRequest) -> Order:
    """Take a stop or take-profit whose form is good; it binds no margin while it rests.

    A reduce-only one may rest without a position: whether it has something to reduce is asked
    when it triggers.

    Raises:
        ExchangeRefused: duplicate id, too many, a second closePosition, or due at once.
    """
    if request.client_order_id in account.stops.ids:
        raise ExchangeRefused(-20132, "Client algo id is duplicated.")
    same = [o for o in account.stops.live.values() if o.request.symbol == request.symbol]
    if len(same) >= book.instruments[request.symbol].stops_max:
        raise ExchangeRefused(-4045, "Reach max stop order limit.")
    if request.close_position and any(_is_twin(o.request, request) for o in same):
        raise ExchangeRefused(
            -4130,
            "An open stop or take profit order with GTE and closePosition in the direction "
            "is existing.",
        )
    market = book.ledger.markets[request.symbol]
    trigger = float(request.trigger_price or 0)
    price = market.price_by(request.trigger_by)
    if price <= trigger if triggers_below(request) else price >= trigger:
        raise immediate_trigger()
    order = place(book, account, request, request.qty)
    book.tell_order(account, order)
    return order


def fire(book: Book, account: Account, stop: Order, market: MarketState) -> None:
    """Trigger a conditional order: its child, a market order, runs under the same client id."""
    stop.status = OrderStatus.TRIGGERING
    stop.event_ns = book.ledger.now_ns
    book.generation += 1
    book.tell_order(account, stop)
    if stop.request.symbol in book.ledger.stuck:
        return
    request = stop.request
    qty = account.closing_leg(request).qty if request.close_position else stop.qty
    if shrinks(account, request):
        qty = min(qty, account.closing_leg(request).qty)
        if qty <= ZERO:
            book.end_order(
                account, stop, OrderStatus.REJECTED, "-2022 ReduceOnly Order is rejected."
            )
            return
    child = _child(book, account, stop, qty)
    if child is None:
        return
    execute(book, account, child, market.last, stopping=True)
    if child.status.is_live:
        book.end_order(account, child, OrderStatus.EXPIRED, "remainder not filled at once")
    stop.filled_qty, stop.cost_usd = child.filled_qty, child.cost_usd
    stop.qty = child.filled_qty
    book.end_order(account, stop, OrderStatus.FILLED)


def _child(book: Book, account: Account, stop: Order, qty: Decimal) -> Order | None:
    request = msgspec.structs.replace(
        stop.request,
        kind=OrderKind.MARKET,
        qty=qty,
        close_position=False,
        reduce_only=shrinks(account, stop.request),
    )
    try:
        check_risk(book, account, request, qty)
    except ExchangeRefused as refused:
        reason = f"{refused.code} {refused.message}"
        book.end_order(account, stop, OrderStatus.REJECTED, reason)
        return None
    child = place(book, account, request, qty, parent=stop.venue_order_id)
    book.tell_order(account, child)
    return child


def _is_twin(one: OrderRequest, other: OrderRequest) -> bool:
    return (
        one.close_position
        and one.side is other.side
        and one.kind is other.kind
        and one.position_side is other.position_side
    )
