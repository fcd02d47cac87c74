"""Bracket trades over one stream of trades, marks and liquidations, event by event."""

from typing import Any, NamedTuple

from bot.lab.fast.brackets import Bracket, Column, bracket_qty, closed_cash, entered_level

TRADE, MARK, LIQUIDATION = 0, 1, 2
LONG_LIQUIDATED = 1


class Tape(NamedTuple):
    """Columns of one time-ordered stream: ms UTC, kind, price, quantity, side."""

    ms: Any
    kind: Any
    price: Any
    qty: Any
    side: Any


class Crowd(NamedTuple):
    """What must have been liquidated before an entry: USD of longs within a window of ms."""

    least_usd: float = 5_000_000.0
    window_ms: int = 3_600_000


def cooled(
    oldest: int, newest: int, heat_usd: float, until_ms: int, ring_ms: Column, ring_usd: Column
) -> tuple[int, float]:
    """Return (oldest entry kept, USD left) after dropping what happened up to `until_ms`."""
    while oldest < newest and ring_ms[oldest] <= until_ms:
        heat_usd -= ring_usd[oldest]
        oldest += 1
    return oldest, heat_usd


def play_tape(
    tape: Tape, levels: Column, rule: Bracket, crowd: Crowd, ring_ms: Column, ring_usd: Column
) -> tuple[int, float]:
    """Walk every event; return (round trips, final cash in USD).

    `ring_ms` and `ring_usd` are room for every liquidation of the tape. The stop is judged on the
    mark, the target on the last trade; both fill at that price.
    """
    oldest = newest = trades = 0
    heat = before = qty = entry = stop = target = 0.0
    cash = rule.cash_usd
    for at in range(len(tape.ms)):
        kind, price = tape.kind[at], tape.price[at]
        if kind == TRADE:
            if qty > 0.0:
                if price >= target:
                    cash = closed_cash(cash, qty, entry, price, rule.fee_frac)
                    qty = 0.0
                    trades += 1
            elif before > 0.0 and price < before:
                level = entered_level(before, price, levels, rule.band_frac)
                if level > 0.0:
                    oldest, heat = cooled(
                        oldest, newest, heat, tape.ms[at] - crowd.window_ms, ring_ms, ring_usd
                    )
                    if heat >= crowd.least_usd:
                        stop = level * (1.0 - rule.stop_frac)
                        target = level * (1.0 + rule.target_frac)
                        qty, entry = bracket_qty(cash, price, stop, rule), price
                        cash -= qty * price * rule.fee_frac
            before = price
        elif kind == MARK:
            if qty > 0.0 and price <= stop:
                cash = closed_cash(cash, qty, entry, price, rule.fee_frac)
                qty = 0.0
                trades += 1
        else:
            if tape.side[at] == LONG_LIQUIDATED:
                ring_ms[newest] = tape.ms[at]
                ring_usd[newest] = price * tape.qty[at]
                heat += ring_usd[newest]
                newest += 1
            oldest, heat = cooled(
                oldest, newest, heat, tape.ms[at] - crowd.window_ms, ring_ms, ring_usd
            )
    return trades, cash
