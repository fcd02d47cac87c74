"""How much an account is worth, must keep, and may still use."""

from decimal import Decimal
from math import inf

from bot.domain.units import ZERO
from bot.simulator.accounts import Account, Leg, shrinks
from bot.simulator.book import Book
from bot.simulator.terms import OrderRequest


def mark_of(book: Book, symbol: str) -> Decimal:
    """Return the mark price as an exact decimal."""
    return Decimal(repr(book.ledger.markets[symbol].mark))


def equity_usd(book: Book, account: Account) -> float:
    """Return wallet plus unrealised profit at mark."""
    markets = book.ledger.markets
    total = float(account.wallet_usd)
    for leg in account.legs.values():
        if leg.size:
            total += leg.size * (markets[leg.symbol].mark - leg.entry)
    return total


def maintenance_usd(book: Book, leg: Leg) -> float:
    """Return the maintenance margin of a leg at mark."""
    notional = abs(leg.size) * book.ledger.markets[leg.symbol].mark
    return book.brackets[leg.symbol].maintenance_near(notional) if notional else 0.0


def initial_usd(book: Book, account: Account, leg: Leg) -> Decimal:
    """Return the initial margin that a leg binds at mark."""
    return mark_of(book, leg.symbol) * leg.qty / account.leverage(leg.symbol)


def order_margin_usd(book: Book, account: Account) -> Decimal:
    """Return the margin that open limit orders bind."""
    total = ZERO
    for order in account.orders.live.values():
        r = order.request
        if r.price is not None and not shrinks(account, r):
            total += _need_usd(book, account, r, order.left_qty, r.price)
    return total


def available_usd(book: Book, account: Account) -> Decimal:
    """Return what new orders may bind: the cross side's equity less what is bound, at least 0."""
    free = account.cross_wallet_usd() - order_margin_usd(book, account)
    for leg in account.held():
        if not account.is_isolated(leg.symbol):
            free += leg.profit_usd(mark_of(book, leg.symbol), leg.qty)
            free -= initial_usd(book, account, leg)
    return max(free, ZERO)


def opening_qty(account: Account, request: OrderRequest, qty: Decimal) -> Decimal:
    """Return the part of `qty` that would open or grow a position."""
    if shrinks(account, request):
        return ZERO
    if request.position_side is not None:
        return qty
    return max(qty - account.closing_leg(request).qty, ZERO)


def carries(
    book: Book, account: Account, request: OrderRequest, qty: Decimal, price: Decimal
) -> bool:
    """Tell whether the free balance carries the opening part of an order at `price`."""
    opening = opening_qty(account, request, qty)
    if opening <= ZERO:
        return True
    contract = book.instruments[request.symbol]
    fee = price * opening * Decimal(repr(contract.taker_fee_frac))
    loss = max(request.side.sign * (price - mark_of(book, request.symbol)), ZERO) * opening
    margin = price * opening / account.leverage(request.symbol)
    return margin + fee + loss <= available_usd(book, account) + _freed_usd(book, account, request)


def _freed_usd(book: Book, account: Account, request: OrderRequest) -> Decimal:
    """Return what closing the opposite position frees, when an order flips it."""
    if request.position_side is not None:
        return ZERO
    leg = account.closing_leg(request)
    if not leg.qty:
        return ZERO
    if not account.is_isolated(leg.symbol):
        return initial_usd(book, account, leg)
    return max(leg.isolated_usd + leg.profit_usd(mark_of(book, leg.symbol), leg.qty), ZERO)


def _need_usd(
    book: Book, account: Account, request: OrderRequest, qty: Decimal, price: Decimal
) -> Decimal:
    """Return initial margin and taker fee of an order that rests."""
    opening = opening_qty(account, request, qty)
    fee = Decimal(repr(book.instruments[request.symbol].taker_fee_frac))
    return price * opening * (Decimal(1) / account.leverage(request.symbol) + fee)


def worst_ratio(book: Book, account: Account) -> float:
    """Return the highest maintenance over equity among the cross side and the isolated legs."""
    worst, equity, need = 0.0, float(account.cross_wallet_usd()), 0.0
    for leg in account.held():
        maintenance = maintenance_usd(book, leg)
        profit = leg.unrealised(book.ledger.markets[leg.symbol].mark)
        if account.is_isolated(leg.symbol):
            worst = max(worst, _ratio(maintenance, float(leg.isolated_usd) + profit))
        else:
            equity += profit
            need += maintenance
    return max(worst, _ratio(need, equity))


def _ratio(need_usd: float, equity: float) -> float:
    if need_usd <= 0.0:
        return 0.0
    return need_usd / equity if equity > 0.0 else inf
