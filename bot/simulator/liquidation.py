"""Forced closing: partial first, takeover at bankruptcy when that cannot help, and ADL."""

from decimal import Decimal
from typing import Final

from bot.domain.market import Liquidation
from bot.domain.orders import OrderKind, OrderStatus
from bot.domain.units import ZERO
from bot.simulator.accounts import Account, Leg, Order, money
from bot.simulator.book import Book
from bot.simulator.market import to_tick
from bot.simulator.matching import place
from bot.simulator.positions import INSURANCE, settle
from bot.simulator.solvency import mark_of
from bot.simulator.terms import ADL_PREFIX, LIQUIDATION_PREFIX, OrderRequest

VENUE: Final = "embedded"
"""The venue named in public liquidation events."""
HALF: Final = Decimal("0.5")


def isolated_unsafe(book: Book, leg: Leg, mark: float) -> bool:
    """Tell whether an isolated leg's equity at `mark` no longer exceeds its maintenance."""
    equity = float(leg.isolated_usd) + leg.size * (mark - leg.entry)
    return equity <= book.brackets[leg.symbol].maintenance_near(abs(leg.size) * mark)


def cross_unsafe(book: Book, account: Account, symbol: str, mark: float) -> bool:
    """Tell whether the cross side fails with `symbol` at `mark`, the others where they are."""
    legs = account.legs.values()
    wallet, need, found = account.wallet_usd, 0.0, False
    for leg in legs:
        if leg.isolated_usd:
            wallet = account.cross_wallet_usd()
            break
    equity = float(wallet)
    for leg in legs:
        if not leg.size or account.is_isolated(leg.symbol):
            continue
        found = True
        at = mark if leg.symbol == symbol else book.ledger.markets[leg.symbol].mark
        equity += leg.size * (at - leg.entry)
        need += book.brackets[leg.symbol].maintenance_near(abs(leg.size) * at)
    return found and equity <= need


def liquidate_isolated(book: Book, account: Account, leg: Leg) -> None:
    """Take one step on an isolated leg: close a part, or hand it over with all its margin."""
    _cancel_open(book, account, leg.symbol)
    mark = mark_of(book, leg.symbol)
    equity = leg.isolated_usd + leg.profit_usd(mark, leg.qty)
    part = _part(book, leg, mark, equity)
    if part > ZERO and _force_part(book, account, leg, part, bankruptcy(leg)):
        return
    _take_over_isolated(book, account, leg)


def liquidate_cross(book: Book, account: Account) -> None:
    """Take one step on the cross side: close part of the heaviest leg, or hand all over."""
    legs = [x for x in account.held() if not account.is_isolated(x.symbol)]
    for symbol in sorted({x.symbol for x in legs}):
        _cancel_open(book, account, symbol)
    equity = account.cross_wallet_usd() + sum(
        (x.profit_usd(mark_of(book, x.symbol), x.qty) for x in legs), ZERO
    )
    heaviest = max(
        legs,
        key=lambda x: (
            book.brackets[x.symbol].maintenance_usd(mark_of(book, x.symbol) * x.qty),
            x.symbol,
            x.side,
        ),
    )
    part = _part(book, heaviest, mark_of(book, heaviest.symbol), equity)
    if part > ZERO and _force_part(book, account, heaviest, part, None):
        return
    for leg in legs:
        price = to_tick(float(mark_of(book, leg.symbol)), _tick(book, leg), leg.side.exit)
        _force(book, account, leg, leg.qty, price, fee_usd=ZERO)
    rest = account.cross_wallet_usd()
    before = account.wallet_usd
    book.pay(account, -rest, INSURANCE, heaviest.symbol, "takeover")
    book.tell_wallet(account, before, INSURANCE)


def bankruptcy(leg: Leg) -> Decimal:
    """Return the price at which an isolated leg has lost all its margin."""
    return leg.entry_price - leg.side.sign * leg.isolated_usd / leg.qty


def deleverage(book: Book, account: Account, leg: Leg, qty: Decimal, price: Decimal) -> Order:
    """Close `qty` of a leg at `price` against somebody's bankruptcy (ADL); no fee."""
    order = _forced_order(book, account, leg, qty, ADL_PREFIX)
    settle(book, account, order, price, qty, is_adl=True, fee_usd=ZERO)
    return order


# ---------------------------------------------------------------------- steps


def _part(book: Book, leg: Leg, mark: Decimal, equity_usd: Decimal) -> Decimal:
    """Return how much to close first, or 0 when a part cannot help.

    Down to the cap of the next lower tier, or by half in the lowest; a part whose liquidation
    fee alone would eat the equity helps nobody.
    """
    contract, brackets = book.instruments[leg.symbol], book.brackets[leg.symbol]
    level = brackets.level(mark * leg.qty)
    keep = brackets.exact[level - 1][1] / mark if level else leg.qty * HALF
    keep = contract.qty_down(min(keep, leg.qty * HALF) if level == 0 else keep)
    part = leg.qty - keep
    fee = book.liquidation_fee * part * mark
    if keep < contract.qty_min or equity_usd - fee <= ZERO:
        return ZERO
    return part


def _force_part(
    book: Book, account: Account, leg: Leg, qty: Decimal, worst: Decimal | None
) -> bool:
    """Sell a part into the market, no worse than `worst`; False when nothing filled."""
    market = book.ledger.markets[leg.symbol]
    limit = float(worst) if worst is not None else None
    market.stopping = True
    try:
        fills = book.fill_model.fills(leg.side.exit, qty, market.last, limit, market, market.fast)
    finally:
        market.stopping = False
    for price, got in fills:
        fee = money(price * got * book.liquidation_fee)
        _force(book, account, leg, got, price, fee_usd=fee)
    return bool(fills)


def _take_over_isolated(book: Book, account: Account, leg: Leg) -> None:
    """Close the whole leg at its bankruptcy price: all its margin is gone, nothing more."""
    symbol, before_fill = leg.symbol, account.cross_wallet_usd()
    price = to_tick(max(float(bankruptcy(leg)), 0.0), _tick(book, leg), leg.side.exit)
    _force(book, account, leg, leg.qty, price, fee_usd=ZERO)
    residue = account.cross_wallet_usd() - before_fill
    if residue:  # the tick grid left a crumb of the margin on one side or the other
        before = account.wallet_usd
        book.pay(account, -residue, INSURANCE, symbol, "takeover")
        book.tell_wallet(account, before, INSURANCE)


def _force(
    book: Book, account: Account, leg: Leg, qty: Decimal, price: Decimal, *, fee_usd: Decimal
) -> None:
    order = _forced_order(book, account, leg, qty, LIQUIDATION_PREFIX)
    settle(book, account, order, price, qty, is_liquidation=True, fee_usd=fee_usd)
    now = book.ledger.now_ns
    book.ledger.liquidations += 1
    book.emit(
        None,
        Liquidation(leg.symbol, now, now, VENUE, leg.side, float(qty), float(price)),
    )


def _forced_order(book: Book, account: Account, leg: Leg, qty: Decimal, prefix: str) -> Order:
    request = OrderRequest(
        symbol=leg.symbol,
        side=leg.side.exit,
        kind=OrderKind.MARKET,
        qty=qty,
        client_order_id=f"{prefix}{book.next_id()}",
        reduce_only=True,
        position_side=leg.side if account.hedge_mode else None,
    )
    return place(book, account, request, qty)


def _cancel_open(book: Book, account: Account, symbol: str) -> None:
    """Cancel the plain orders of a symbol before its position is forced."""
    for order in list(account.orders.live.values()):
        if order.request.symbol == symbol:
            book.end_order(account, order, OrderStatus.CANCELLED, "liquidation")


def _tick(book: Book, leg: Leg) -> Decimal:
    return book.instruments[leg.symbol].tick
