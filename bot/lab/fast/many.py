"""Many bracket rules over the same bars: signals once per band, exits by first-hit search.

The search skips whole blocks of bars whose range touches neither stop nor target, so that a set
costs as much as it trades and not as many bars as there are.
"""

import numpy as np

from bot.lab.fast.brackets import (
    Bracket,
    Column,
    bracket_qty,
    closed_cash,
    entered_level,
    exit_price,
)

PARALLEL = ("play_many",)
BLOCK, GREAT_BLOCK = 32, 1024
prange = range


def extremes(high: Column, low: Column, size: int) -> tuple[Column, Column]:
    """Return the highest high and the lowest low of every block of `size` bars."""
    count = (len(high) + size - 1) // size
    top, bottom = np.empty(count), np.empty(count)
    for block in range(count):
        end = min(len(high), (block + 1) * size)
        best, worst = high[block * size], low[block * size]
        for bar in range(block * size + 1, end):
            best = max(best, high[bar])
            worst = min(worst, low[bar])
        top[block], bottom[block] = best, worst
    return top, bottom


def first_hit(
    bar: int,
    high: Column,
    low: Column,
    stop: float,
    target: float,
    blocks: tuple[Column, Column, Column, Column],
) -> int:
    """Return the first bar from `bar` on that touches stop or target; the bar count: none does.

    `blocks` holds top and bottom of the blocks, then of the great blocks.
    """
    top, bottom, great_top, great_bottom = blocks
    count = len(high)
    while bar < count:
        if bar % GREAT_BLOCK == 0:
            block = bar // GREAT_BLOCK
            if great_bottom[block] > stop and great_top[block] < target:
                bar += GREAT_BLOCK
                continue
        if bar % BLOCK == 0:
            block = bar // BLOCK
            if bottom[block] > stop and top[block] < target:
                bar += BLOCK
                continue
        if low[bar] <= stop or high[bar] >= target:
            return bar
        bar += 1
    return count


def near_levels(close: Column, levels: Column, band_frac: float) -> Column:
    """Return the bars that fell and closed within `band_frac` above a level: shape (bars,)."""
    bars = np.empty(len(close), np.int64)
    found = 0
    for bar in range(1, len(close)):
        now = close[bar]
        if now >= close[bar - 1]:
            continue
        for index in range(len(levels) - 1, -1, -1):
            if levels[index] <= now:
                if now <= levels[index] * (1.0 + band_frac):
                    bars[found] = bar
                    found += 1
                break
    return bars[:found].copy()


def find_signals(close: Column, levels: Column, bands: Column) -> tuple[Column, Column, Column]:
    """Return (how many, bars, levels): per rising band the bars at whose close a level was entered.

    Shapes: (bands,), (bands, bars) and (bands, bars); a row is filled as far as its count. Bands
    must not reach from one level to the next.
    """
    near = near_levels(close, levels, bands[-1])
    found = np.zeros(len(bands), np.int64)
    bars = np.empty((len(bands), len(near)), np.int64)
    where = np.empty((len(bands), len(near)))
    for kind in range(len(bands)):
        filled = 0
        for bar in near:
            level = entered_level(close[bar - 1], close[bar], levels, bands[kind])
            if level > 0.0:
                bars[kind, filled], where[kind, filled] = bar, level
                filled += 1
        found[kind] = filled
    return found, bars, where


def play_one(
    prices: tuple[Column, Column, Column, Column],
    signal_bars: Column,
    signal_levels: Column,
    rule: Bracket,
    blocks: tuple[Column, Column, Column, Column],
) -> tuple[int, float]:
    """Play one rule over the signals of its band; return (round trips, final cash in USD)."""
    first, high, low, close = prices
    cash, trades, free = rule.cash_usd, 0, 0
    for number in range(len(signal_bars)):
        bar = signal_bars[number]
        if bar < free or bar + 1 >= len(close):
            continue
        level = signal_levels[number]
        stop = level * (1.0 - rule.stop_frac)
        target = level * (1.0 + rule.target_frac)
        qty = bracket_qty(cash, close[bar], stop, rule)
        entry = first[bar + 1]
        cash -= qty * entry * rule.fee_frac
        free = first_hit(bar + 1, high, low, stop, target, blocks)
        if free >= len(close):
            break
        price = exit_price(first[free], high[free], low[free], stop, target)
        cash = closed_cash(cash, qty, entry, price, rule.fee_frac)
        trades += 1
    return trades, cash


def play_many(
    prices: tuple[Column, Column, Column, Column], levels: Column, sets: Column, rule: Bracket
) -> tuple[Column, Column]:
    """Play every row (band, stop, target) of `sets`; return (round trips, final cash in USD).

    What a row does not name is taken from `rule`. Rows are shared out among threads when compiled.
    """
    high, low = prices[1], prices[2]
    top, bottom = extremes(high, low, BLOCK)
    great_top, great_bottom = extremes(high, low, GREAT_BLOCK)
    blocks = (top, bottom, great_top, great_bottom)
    bands = np.unique(sets[:, 0])
    found, bars, where = find_signals(prices[3], levels, bands)
    trades, cash = np.zeros(len(sets), np.int64), np.empty(len(sets))
    for row in prange(len(sets)):
        kind = np.searchsorted(bands, sets[row, 0])
        own = Bracket(
            sets[row, 0], sets[row, 1], sets[row, 2], rule.risk_frac, rule.leverage_max,
            rule.fee_frac, rule.cash_usd,
        )  # fmt: skip
        count = found[kind]
        trades[row], cash[row] = play_one(
            prices, bars[kind, :count], where[kind, :count], own, blocks
        )
    return trades, cash
