"""Settings of an account: leverage, margin mode, position mode, isolated margin, transfers."""

from decimal import Decimal
from typing import Final

from bot.domain.account import MarginMode
from bot.domain.orders import PositionSide
from bot.domain.units import ZERO
from bot.simulator.accounts import Account, money
from bot.simulator.book import Book
from bot.simulator.solvency import available_usd, initial_usd, mark_of
from bot.simulator.terms import ExchangeRefused

TRANSFER: Final = "MARGIN_TRANSFER"


def set_leverage(book: Book, account: Account, symbol: str, leverage: int) -> None:
    """Set the leverage of a symbol.

    Raises:
        ExchangeRefused: out of the contract's range, too high for the position held, lower
            with an isolated position, or the balance cannot carry the new margin.
    """
    brackets = book.brackets[symbol]
    if not 1 <= leverage <= brackets.leverage_max:
        raise ExchangeRefused(-4028, f"Leverage {leverage} is not valid")
    legs = account.held(symbol)
    mark = mark_of(book, symbol)
    if any(leg.qty * mark > brackets.notional_max_usd(leverage) for leg in legs):
        raise ExchangeRefused(-2027, "Exceeded the maximum allowable position at current leverage.")
    before = account.leverage(symbol)
    if legs and account.is_isolated(symbol) and leverage < before:
        raise ExchangeRefused(
            -4161,
            "Leverage reduction is not supported in Isolated Margin Mode with open positions.",
        )
    if legs and not account.is_isolated(symbol):
        more = sum((leg.qty * mark for leg in legs), ZERO) * (
            Decimal(1) / leverage - Decimal(1) / before
        )
        if more > available_usd(book, account):
            raise ExchangeRefused(
                -2028, "Leverage is smaller than permitted: insufficient margin balance."
            )
    account.leverages[symbol] = leverage
    book.generation += 1


def set_margin_mode(book: Book, account: Account, symbol: str, mode: MarginMode) -> None:
    """Set cross or isolated margin for a symbol without position and open orders."""
    if account.mode(symbol) is mode:
        raise ExchangeRefused(-4046, "No need to change margin type.")
    if account.held(symbol):
        raise ExchangeRefused(-4048, "Margin type cannot be changed if there exists position.")
    if any(o.request.symbol == symbol for o in account.orders.live.values()):
        raise ExchangeRefused(-4047, "Margin type cannot be changed if there exists open orders.")
    account.modes[symbol] = mode
    book.generation += 1


def set_hedge_mode(book: Book, account: Account, *, hedge_mode: bool) -> None:
    """Set one-way or hedge mode for an account without positions and open orders."""
    if account.hedge_mode == hedge_mode:
        raise ExchangeRefused(-4059, "No need to change position side.")
    if account.held():
        raise ExchangeRefused(-4068, "Position side cannot be changed if there exists position.")
    if account.orders.live or account.stops.live:
        raise ExchangeRefused(-4067, "Position side cannot be changed if there exists open orders.")
    account.hedge_mode = hedge_mode
    book.generation += 1


def add_margin(
    book: Book, account: Account, symbol: str, side: PositionSide, amount_usd: Decimal
) -> None:
    """Move margin (USD) from the wallet to an isolated leg, or back when negative."""
    leg = account.leg(symbol, side)
    if not account.is_isolated(symbol):
        raise ExchangeRefused(-4053, "Add margin only support for isolated position.")
    if not leg.qty:
        raise ExchangeRefused(-4054, "Cannot add position margin: position is 0.")
    amount = money(amount_usd)
    if amount == ZERO:
        raise ExchangeRefused(-4055, "Amount must be positive.")
    if amount > available_usd(book, account):
        raise ExchangeRefused(-4050, "Cross balance insufficient.")
    if amount < ZERO:
        profit = min(leg.profit_usd(mark_of(book, symbol), leg.qty), ZERO)
        if leg.isolated_usd + amount + profit < initial_usd(book, account, leg):
            raise ExchangeRefused(-4051, "Isolated balance insufficient.")
    leg.isolated_usd += amount
    book.generation += 1
    book.tell_leg(account, leg, TRANSFER)


def transfer(book: Book, account: Account, amount_usd: Decimal) -> None:
    """Pay money in, or out when negative, never more than is free."""
    amount = money(amount_usd)
    if amount < ZERO and -amount > available_usd(book, account):
        raise ExchangeRefused(-4050, "Cross balance insufficient.")
    before = account.wallet_usd
    book.pay(account, amount, "TRANSFER")
    book.tell_wallet(account, before, "DEPOSIT" if amount > ZERO else "WITHDRAW")
