"""One execution's effect on legs, wallet and ledger."""

from decimal import Decimal
from typing import Final

from bot.domain.messages import Fill
from bot.domain.orders import OrderStatus
from bot.domain.units import ZERO
from bot.simulator.accounts import HISTORY_MAX, Account, Leg, Order, money, tidy
from bot.simulator.book import Book

INSURANCE: Final = "INSURANCE_CLEAR"


def settle(
    book: Book,
    account: Account,
    order: Order,
    price: Decimal,
    qty: Decimal,
    *,
    is_maker: bool = False,
    is_liquidation: bool = False,
    is_adl: bool = False,
    fee_usd: Decimal | None = None,
) -> None:
    """Book an execution of `order`: close first, open with the rest, pay, tell.

    A liquidation passes its own fee (USD) and leaves the closed part's margin with the leg.
    """
    before = account.wallet_usd
    trade_id = str(book.next_id())
    symbol = order.request.symbol
    fee = _fee(book, order, price, qty, is_maker=is_maker) if fee_usd is None else fee_usd
    fee_kind = INSURANCE if is_liquidation else "COMMISSION"
    closing, opening = _split(account, order, qty)
    realized = ZERO
    touched: list[Leg] = []
    if closing:
        leg = account.closing_leg(order.request)
        realized = leg.profit_usd(price, closing)
        _shrink(book, account, leg, closing, realized, keep_margin=is_liquidation, info=trade_id)
        touched.append(leg)
    if opening:
        leg = account.leg(symbol, account.opening_leg(order.request).side)
        _grow(account, leg, opening, price)
        touched.append(leg)
    book.pay(account, -fee, fee_kind, symbol, trade_id)
    _repay_from_margin(account, touched, is_liquidation=is_liquidation, fee=fee)
    book.cover_shortfall(account, symbol)
    _advance(book, order, price, qty)
    _tell_fill(book, account, order, trade_id, price, qty, fee, realized,
               is_maker=is_maker, is_liquidation=is_liquidation, is_adl=is_adl)  # fmt: skip
    if order.left_qty > ZERO:
        book.tell_order(account, order)
    else:
        book.end_order(account, order, OrderStatus.FILLED)
    book.generation += 1
    for leg in touched:
        leg.event_ns = book.ledger.now_ns
        book.tell_leg(account, leg, "ORDER")
    book.tell_wallet(account, before, "ORDER")


def _fee(book: Book, order: Order, price: Decimal, qty: Decimal, *, is_maker: bool) -> Decimal:
    contract = book.instruments[order.request.symbol]
    frac = contract.maker_fee_frac if is_maker else contract.taker_fee_frac
    return money(price * qty * Decimal(repr(frac)))


def _split(account: Account, order: Order, qty: Decimal) -> tuple[Decimal, Decimal]:
    """Return (closing, opening) quantity of an execution."""
    side = order.request.position_side
    if side is not None:
        return (qty, ZERO) if order.request.side is side.exit else (ZERO, qty)
    closing = min(qty, account.closing_leg(order.request).qty)
    return closing, qty - closing


def _shrink(
    book: Book,
    account: Account,
    leg: Leg,
    qty: Decimal,
    realized: Decimal,
    *,
    keep_margin: bool,
    info: str,
) -> None:
    """Take `qty` off a leg; isolated margin goes back pro rata unless it has to stay."""
    full = qty == leg.qty
    released = leg.isolated_usd if full else money(leg.isolated_usd * qty / leg.qty)
    if keep_margin and not full:
        released = -realized if account.is_isolated(leg.symbol) else ZERO
    leg.isolated_usd = ZERO if full else leg.isolated_usd - released
    leg.set(ZERO if full else leg.qty - qty, leg.entry_price)
    book.pay(account, realized, "REALIZED_PNL", leg.symbol, info)
    if not account.is_isolated(leg.symbol):
        return
    deficit = -(released + realized)
    if deficit > ZERO:  # the loss went past the margin that backed it: it stops at the wall
        taken = min(deficit, max(leg.isolated_usd, ZERO))
        leg.isolated_usd -= taken
        book.pay(account, deficit - taken, INSURANCE, leg.symbol, "isolated margin exhausted")


def _grow(account: Account, leg: Leg, qty: Decimal, price: Decimal) -> None:
    total = leg.qty + qty
    entry = (leg.entry_price * leg.qty + price * qty) / total
    leg.set(total, tidy(entry))
    if account.is_isolated(leg.symbol):
        leg.isolated_usd += money(price * qty / account.leverage(leg.symbol))


def _repay_from_margin(
    account: Account, legs: list[Leg], *, is_liquidation: bool, fee: Decimal
) -> None:
    """Let isolated legs pay what the cross wallet cannot: a liquidation's fee, a last fee."""
    for leg in legs:
        if leg.isolated_usd <= ZERO:
            continue
        debt = fee if is_liquidation else -account.cross_wallet_usd()
        if debt > ZERO:
            leg.isolated_usd -= min(debt, leg.isolated_usd)


def _advance(book: Book, order: Order, price: Decimal, qty: Decimal) -> None:
    order.filled_qty += qty
    order.cost_usd += price * qty
    order.event_ns = book.ledger.now_ns


def _tell_fill(
    book: Book,
    account: Account,
    order: Order,
    trade_id: str,
    price: Decimal,
    qty: Decimal,
    fee_usd: Decimal,
    realized_usd: Decimal,
    *,
    is_maker: bool,
    is_liquidation: bool,
    is_adl: bool,
) -> None:
    fill = Fill(
        symbol=order.request.symbol,
        trade_id=trade_id,
        client_order_id=order.request.client_order_id,
        venue_order_id=order.venue_order_id,
        side=order.request.side,
        position_side=order.request.position_side,
        qty=qty,
        price=price,
        fee_usd=fee_usd,
        realized_pnl_usd=realized_usd,
        is_maker=is_maker,
        event_ns=book.ledger.now_ns,
        received_ns=book.ledger.now_ns,
        is_liquidation=is_liquidation,
        is_adl=is_adl,
    )
    account.trades.append(fill)
    if len(account.trades) > HISTORY_MAX:
        del account.trades[0]
    book.emit(account, fill)
