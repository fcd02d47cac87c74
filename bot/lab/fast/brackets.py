"""Bracket trades at levels over columns of bars: entry at the next open, stop before target.

Every function here runs interpreted over lists and compiled over arrays, with the same result.
"""

from typing import Any, NamedTuple

Column = Any
"""A list of floats (interpreted) or a float64 array (compiled)."""


class Bracket(NamedTuple):
    """One bracket rule; fractions of price (`band`, `stop`, `target`), of equity (`risk`)."""

    band_frac: float = 0.003
    stop_frac: float = 0.006
    target_frac: float = 0.018
    risk_frac: float = 0.005
    leverage_max: float = 3.0
    fee_frac: float = 0.0005
    cash_usd: float = 100_000.0


def entered_level(before: float, now: float, levels: Column, band_frac: float) -> float:
    """Return the highest of the rising `levels` whose band was entered from above; 0.0: none."""
    for index in range(len(levels) - 1, -1, -1):
        level = levels[index]
        edge = level * (1.0 + band_frac)
        if level <= now <= edge < before:
            return float(level)
    return 0.0


def bracket_qty(cash_usd: float, price: float, stop: float, rule: Bracket) -> float:
    """Return the quantity whose stop costs the risk share, capped by leverage; coins."""
    by_risk = rule.risk_frac * cash_usd / (price - stop)
    by_leverage = rule.leverage_max * cash_usd / price
    return min(by_risk, by_leverage)


def exit_price(first: float, high: float, low: float, stop: float, target: float) -> float:
    """Return where a long bracket leaves in a bar: gap at the open, stop, target; 0.0: nowhere."""
    if first <= stop or first >= target:
        return first
    if low <= stop:
        return stop
    if high >= target:
        return target
    return 0.0


def closed_cash(cash_usd: float, qty: float, entry: float, price: float, fee_frac: float) -> float:
    """Return the cash after closing `qty` at `price`, fee paid."""
    return cash_usd + (qty * (price - entry) - qty * price * fee_frac)


def play_bars(
    first: Column, high: Column, low: Column, close: Column, levels: Column, rule: Bracket
) -> tuple[int, float]:
    """Walk every bar; return (round trips, final cash in USD).

    A signal at the close is filled at the next open; after an exit the same bar may signal again.
    """
    cash, trades = rule.cash_usd, 0
    qty = entry = stop = target = wished = level = 0.0
    for bar in range(len(close)):
        if wished > 0.0:
            entry, qty, wished = first[bar], wished, 0.0
            stop = level * (1.0 - rule.stop_frac)
            target = level * (1.0 + rule.target_frac)
            cash -= qty * entry * rule.fee_frac
        if qty > 0.0:
            price = exit_price(first[bar], high[bar], low[bar], stop, target)
            if price > 0.0:
                cash = closed_cash(cash, qty, entry, price, rule.fee_frac)
                qty = 0.0
                trades += 1
        if qty == 0.0 and bar > 0:
            level = entered_level(close[bar - 1], close[bar], levels, rule.band_frac)
            if level > 0.0:
                planned = level * (1.0 - rule.stop_frac)
                wished = bracket_qty(cash, close[bar], planned, rule)
    return trades, cash
