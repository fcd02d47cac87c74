"""Plain orders: acceptance, execution against the market, rest, end."""

from decimal import Decimal
from typing import Final

from bot.domain.orders import OrderKind, OrderStatus, TimeInForce
from bot.domain.units import ZERO
from bot.simulator.accounts import Account, Leg, Order, shrinks
from bot.simulator.book import Book
from bot.simulator.fills import Fills
from bot.simulator.positions import settle
from bot.simulator.solvency import carries, mark_of, opening_qty
from bot.simulator.terms import ExchangeRefused, OrderRequest, no_margin, nothing_to_reduce

OPEN_ORDERS_MAX: Final = 200
AT_ONCE: Final = (TimeInForce.IOC, TimeInForce.FOK)
"""Filled in the moment they arrive, or not at all."""
MARKET_MARGIN_FACTOR: Final = Decimal("1.0005")
"""A market buy binds margin at a price this much above the last, as it will fill there."""


def submit_plain(book: Book, account: Account, request: OrderRequest) -> Order:
    """Take a market or limit order whose form is good, and match it at once.

    Raises:
        ExchangeRefused: duplicate id, nothing to reduce, no margin, too large for the leverage.
    """
    if request.client_order_id in account.orders.ids:
        raise ExchangeRefused(-4116, "ClientOrderId is duplicated.")
    if len(account.orders.live) >= OPEN_ORDERS_MAX:
        raise ExchangeRefused(-2025, "Reach max open order limit.")
    qty = reducible(account, request, request.qty) if shrinks(account, request) else request.qty
    if qty <= ZERO or (account.hedge_mode and qty < request.qty):
        raise nothing_to_reduce()
    check_risk(book, account, request, qty)
    if request.time_in_force is TimeInForce.GTX and _crossing(book, request, qty):
        raise ExchangeRefused(
            -5022,
            "Due to the order could not be executed as maker, the Post Only order will be "
            "rejected.",
        )
    order = place(book, account, request, qty)
    book.tell_order(account, order)
    _match(book, account, order)
    return order


def place(
    book: Book, account: Account, request: OrderRequest, qty: Decimal, parent: str = ""
) -> Order:
    """Write a new order into its book, working; telling it is the caller's business."""
    seq = book.next_id()
    order = Order(
        request=request,
        venue_order_id=str(seq),
        seq=seq,
        qty=qty,
        status=OrderStatus.WORKING,
        event_ns=book.ledger.now_ns,
        parent=parent,
        reason=f"triggered by {parent}" if parent else "",
        trigger=float(request.trigger_price or 0),
        limit=float(request.price or 0),
    )
    shelf = account.shelf(conditional=request.kind.is_conditional)
    shelf.live[order.venue_order_id] = order
    shelf.ids[request.client_order_id] = order.venue_order_id
    book.generation += 1
    return order


def reducible(account: Account, request: OrderRequest, qty: Decimal) -> Decimal:
    """Return how much of `qty` a reducing order can take off its leg."""
    return min(qty, account.closing_leg(request).qty)


def check_risk(book: Book, account: Account, request: OrderRequest, qty: Decimal) -> None:
    """Refuse an order that opens more than margin or leverage allow."""
    opening = opening_qty(account, request, qty)
    if opening <= ZERO:
        return
    market = book.ledger.markets[request.symbol]
    last = Decimal(repr(market.last))
    price = request.price or (last * MARKET_MARGIN_FACTOR if request.side.sign > 0 else last)
    held = account.opening_leg(request).qty
    notional = (held + opening) * mark_of(book, request.symbol)
    leverage = account.leverage(request.symbol)
    if notional > book.brackets[request.symbol].notional_max_usd(leverage):
        raise ExchangeRefused(-2027, "Exceeded the maximum allowable position at current leverage.")
    if not carries(book, account, request, qty, price):
        raise no_margin()


def execute(
    book: Book, account: Account, order: Order, reference: float, *, stopping: bool = False
) -> None:
    """Let an order take what the market gives at `reference`; reducing orders are clamped."""
    if not _clamp(book, account, order):
        return
    for price, qty in _fills(book, order, reference, stopping=stopping):
        settle(book, account, order, price, qty)
    expire_orphans(book, account, account.closing_leg(order.request))


def fill_resting(book: Book, account: Account, order: Order, qty: Decimal) -> None:
    """Fill a resting limit order as maker at its own price, up to `qty`."""
    if not _clamp(book, account, order) or order.request.price is None:
        return
    settle(book, account, order, order.request.price, min(qty, order.left_qty), is_maker=True)
    expire_orphans(book, account, account.closing_leg(order.request))


def offered(book: Book, order: Order, reference: float) -> Decimal:
    """Return how much of a resting order the market takes when it stands at `reference`."""
    return sum((q for _, q in _fills(book, order, reference, stopping=False)), ZERO)


def expire_orphans(book: Book, account: Account, leg: Leg) -> None:
    """End resting reduce-only orders of a leg that is flat: they have nothing to do."""
    if leg.qty:
        return
    for order in list(account.orders.live.values()):
        r = order.request
        mine = r.symbol == leg.symbol and account.closing_leg(r).side is leg.side
        if order.limit and mine and shrinks(account, r):
            book.end_order(account, order, OrderStatus.EXPIRED, "nothing left to reduce")


def _clamp(book: Book, account: Account, order: Order) -> bool:
    """Cut a reducing order to what there is; False when that is nothing and it has ended."""
    if not shrinks(account, order.request):
        return True
    left = reducible(account, order.request, order.left_qty)
    if left <= ZERO:
        book.end_order(account, order, OrderStatus.EXPIRED, "ReduceOnly Order is rejected.")
        return False
    order.qty = order.filled_qty + left
    return True


def _match(book: Book, account: Account, order: Order) -> None:
    """Run a new order by its kind and time in force."""
    market = book.ledger.markets[order.request.symbol]
    life = order.request.time_in_force
    if order.request.kind is OrderKind.LIMIT and life is TimeInForce.GTX:
        return
    whole = life is TimeInForce.FOK and order.request.kind is OrderKind.LIMIT
    if whole and offered(book, order, market.last) < order.left_qty:
        book.end_order(account, order, OrderStatus.EXPIRED, "could not be filled whole")
        return
    execute(book, account, order, market.last)
    rests = order.request.kind is OrderKind.LIMIT and life is TimeInForce.GTC
    if order.status.is_live and not rests:
        book.end_order(account, order, OrderStatus.EXPIRED, "remainder not filled at once")


def _fills(book: Book, order: Order, reference: float, *, stopping: bool) -> Fills:
    """Return what an order gets; one that cannot rest gets only what is offered within its limit.

    A resting order waits for its price and is filled at it; an immediate one that the market has
    slipped past must not be given its limit as a present.
    """
    request, market = order.request, book.ledger.markets[order.request.symbol]
    limit = order.limit if request.kind is OrderKind.LIMIT else None
    at_once = limit is not None and request.time_in_force in AT_ONCE
    market.stopping = stopping
    try:
        found = book.fill_model.fills(
            request.side, order.left_qty, reference, None if at_once else limit, market, market.fast
        )
    finally:
        market.stopping = False
    if limit is None or not at_once:
        return found
    sign = request.side.sign
    return [(price, qty) for price, qty in found if sign * (limit - float(price)) >= 0.0]


def _crossing(book: Book, request: OrderRequest, qty: Decimal) -> bool:
    market = book.ledger.markets[request.symbol]
    if request.price is None:
        return False
    found = book.fill_model.fills(
        request.side, qty, market.last, float(request.price), market, market.fast
    )
    return bool(found)
