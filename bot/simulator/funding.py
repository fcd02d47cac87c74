"""Funding: who pays whom at the end of an interval, and when that is."""

from decimal import Decimal
from typing import Final

from bot.domain.units import NS_PER_S, ZERO
from bot.simulator.accounts import Account, Leg, money
from bot.simulator.book import Book
from bot.simulator.market import MarketState
from bot.simulator.solvency import mark_of

INTERVALS_MAX: Final = 200
"""Missed intervals settled in one go; beyond that the clock is set anew without paying."""


def schedule(market: MarketState, now_ns: int) -> None:
    """Set the next settlement to the next whole interval after `now_ns`."""
    step = market.funding_interval_s * NS_PER_S
    market.next_funding_ns = (now_ns // step + 1) * step


def settle_due(book: Book, market: MarketState, now_ns: int) -> None:
    """Settle every interval that ended by `now_ns`, each at the mark and rate that stand."""
    step = market.funding_interval_s * NS_PER_S
    for _ in range(INTERVALS_MAX):
        due = market.next_funding_ns
        if due > now_ns:
            return
        market.next_funding_ns = due + step
        _settle(book, market, due)
    schedule(market, now_ns)


def _settle(book: Book, market: MarketState, due_ns: int) -> None:
    """Charge all legs of one market: quantity times mark times rate; positive: longs pay."""
    if not market.funding_frac:
        return
    book.ledger.now_ns = max(book.ledger.now_ns, due_ns)
    rate = Decimal(repr(market.funding_frac))
    for account in book.ledger.accounts.values():
        for leg in account.held(market.symbol):
            _charge(book, account, leg, rate)


def _charge(book: Book, account: Account, leg: Leg, rate: Decimal) -> None:
    amount = money(-leg.side.sign * leg.qty * mark_of(book, leg.symbol) * rate)
    if amount == ZERO:
        return
    before = account.wallet_usd
    book.pay(account, amount, "FUNDING_FEE", leg.symbol)
    if account.is_isolated(leg.symbol):
        leg.isolated_usd += amount
        book.tell_leg(account, leg, "FUNDING_FEE")
    book.tell_wallet(account, before, "FUNDING_FEE")
