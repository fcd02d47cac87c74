"""Bracket trades under the ladder: sizes in lots, fees, funding, the day's loss, cuts, recovery.

The decisions are the kernel's, on the contract's grid of prices and quantities; what a close
decides happens at the next open. Every function runs interpreted over lists and compiled over
arrays, and says what kernel, gate and exchange say of the same bars, event by event.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from bot.kernel.sizing.unit_risk import unit_risk_usd
from bot.kernel.stops.placement import nudged
from bot.lab.fast.brackets import Bracket, Column, exit_price
from bot.lab.fast.rungs import (
    ACTED,
    CASH,
    CUT_QTY,
    CUTS,
    DAY,
    DAY_NS,
    DAY_START,
    ENTRY,
    FACTOR,
    LEVEL,
    LOOKED,
    MARK,
    MONEY_SIZE,
    NOW,
    OPENED,
    OWN_DAY,
    QTY,
    REACHED,
    RESENT,
    RESULT,
    RISKED_QTY,
    RUNG,
    SHUT,
    SIZE_FACTOR,
    STOP,
    TARGET,
    TIMES_SIZE,
    TRADES,
    WISHED_LIMIT,
    WISHED_QTY,
    Contract,
    Rules,
    begin_day,
    grid_down,
    grid_up,
    judge,
    wish_cut,
)

BORROWED = (
    "bot.kernel.giving_back", "bot.kernel.sizing.unit_risk", "bot.kernel.stops.placement",
    "bot.lab.fast.brackets", "bot.lab.fast.rungs",
)  # fmt: skip
CENTS = 1e8
"""The venue keeps money in this share of a USD."""


class Bars(NamedTuple):
    """Columns: open instants (ns), prices, funding due at the bar's close (share of notional)."""

    ns: Any
    first: Any
    high: Any
    low: Any
    close: Any
    funding: Any


def take_off(money: Column, qty: float, price: float, fee_frac: float) -> None:
    """Sell `qty` of what is held."""
    fee = qty * price * fee_frac
    earned = qty * (price - money[ENTRY]) - fee
    money[CASH] += earned
    money[OWN_DAY] += earned
    money[RESULT] += earned
    money[QTY] = money[QTY] - qty


def leave(money: Column, times: Column, price: float, fee_frac: float, deals: Column) -> None:
    """Close what is left; the trade's row is (opened ns, closed ns, entry, exit, result).

    What a gap took beyond the account is paid by the venue's fund.
    """
    take_off(money, money[QTY], price, fee_frac)
    money[CASH] = max(money[CASH], 0.0)
    row = times[TRADES]
    deals[row][0], deals[row][1] = times[OPENED], times[NOW]
    deals[row][2], deals[row][3], deals[row][4] = money[ENTRY], price, money[RESULT]
    times[TRADES] += 1
    money[QTY] = money[CUT_QTY] = money[RESULT] = 0.0


def pay_funding(money: Column, mark: float, rate: float) -> None:
    """Pay what is due on the notional at the venue's mark, in whole parts of a cent."""
    paid = round(money[QTY] * mark * rate * CENTS) / CENTS
    money[CASH] -= paid
    money[OWN_DAY] -= paid
    money[RESULT] -= paid


def wished_qty(
    money: Column, close: float, rule: Bracket, rules: Rules, contract: Contract
) -> float:
    """Return how many coins the risk, the day and the ladder allow; 0.0: not worth an order."""
    limit, stop = money[WISHED_LIMIT], money[LEVEL] * (1.0 - rule.stop_frac)
    cash = money[CASH]
    unit = unit_risk_usd(1, limit, stop, (rule.fee_frac, rule.fee_frac), 0.0)
    left = rules.halt_frac * money[DAY_START] + min(money[OWN_DAY], 0.0)
    budget = min(cash * rule.risk_frac, cash * rules.heat_max_frac, left)
    if budget <= 0.0:
        return 0.0
    most = min(budget / unit, rule.leverage_max * cash / max(close, limit))
    if money[FACTOR] < 1.0:
        most = min(most, money[FACTOR] * most)
    qty = grid_down(most, contract.lots)
    if qty < contract.qty_min or qty * close < contract.notional_min_usd:
        return 0.0
    return qty


# ------------------------------------------------------------------ a bar


def is_carried(cash_usd: float, qty: float, limit: float, mark: float, rule: Bracket) -> bool:
    """Tell whether the venue takes an order at its limit.

    Margin at the whole leverage that is set, the taker's fee, and what the limit lies above the
    mark come out of what is free.
    """
    margin = qty * limit / max(math.floor(rule.leverage_max), 1)
    loss = max(limit - mark, 0.0) * qty
    return margin + qty * limit * rule.fee_frac + loss <= cash_usd


def enter(money: Column, times: Column, price: float, rule: Bracket, contract: Contract) -> None:
    """Open what was wished at the open of a bar, stop and target on the grid."""
    qty, limit = money[WISHED_QTY], money[WISHED_LIMIT]
    money[WISHED_QTY] = 0.0
    if price > limit or not is_carried(money[CASH], qty, limit, price, rule):
        return
    fee = qty * price * rule.fee_frac
    money[CASH] -= fee
    money[OWN_DAY] -= fee
    money[RESULT] = -fee
    money[QTY] = money[RISKED_QTY] = qty
    money[ENTRY] = price
    stop = nudged(money[LEVEL] * (1.0 - rule.stop_frac), 1, money[MARK])
    money[STOP] = grid_up(stop, contract.ticks)
    money[TARGET] = grid_down(money[LEVEL] * (1.0 + rule.target_frac), contract.ticks)
    times[OPENED], times[ACTED], times[LOOKED] = times[NOW], 0, 1


def begin_bar(
    money: Column, times: Column, bars: Bars, bar: int, asked: Column, cycles: Column,
    rule: Bracket, rules: Rules, contract: Contract, deals: Column, cuts: Column,
) -> None:  # fmt: skip
    """Do at the open what jumped over a stop, or was decided at the close before."""
    first = bars.first[bar]
    times[NOW] = bars.ns[bar]
    times[LOOKED], times[RESENT] = times[RESENT], 0
    if money[QTY] > 0.0 and (first <= money[STOP] or first >= money[TARGET]):
        leave(money, times, first, rule.fee_frac, deals)
    if money[WISHED_QTY] > 0.0:
        enter(money, times, first, rule, contract)
        if money[QTY] > 0.0:
            judge(money, times, asked, cycles, rules, rule.fee_frac)
            wish_cut(money, times, rules, contract)
    for _ in range(2):
        if money[QTY] <= 0.0 or money[CUT_QTY] <= 0.0:
            return
        cut(money, times, first, rule.fee_frac, deals, cuts)
        if money[QTY] > 0.0:
            judge(money, times, asked, cycles, rules, rule.fee_frac)
            wish_cut(money, times, rules, contract)


def inside(
    money: Column, times: Column, bars: Bars, bar: int, asked: Column, cycles: Column,
    rule: Bracket, rules: Rules, contract: Contract, deals: Column,
) -> None:  # fmt: skip
    """Let the low, then the high touch stop and target; the ladder looks before the fill."""
    if money[QTY] <= 0.0:
        return
    stop, first = money[STOP], bars.first[bar]
    price = exit_price(first, bars.high[bar], bars.low[bar], stop, money[TARGET])
    if price <= 0.0:
        return
    third = contract.bar_ns // 3
    times[NOW] = bars.ns[bar] + (third if price <= stop else 2 * third)
    judge(money, times, asked, cycles, rules, rule.fee_frac)
    leave(money, times, price, rule.fee_frac, deals)


def cut(
    money: Column, times: Column, price: float, fee_frac: float, deals: Column, cuts: Column
) -> None:
    """Carry a cut out; its row is (ns, coins cut, price)."""
    qty, row = money[CUT_QTY], times[CUTS]
    cuts[row][0], cuts[row][1], cuts[row][2] = times[NOW], qty, price
    times[CUTS] += 1
    times[LOOKED] = times[RESENT] = 1
    if qty >= money[QTY]:
        leave(money, times, price, fee_frac, deals)
    else:
        take_off(money, qty, price, fee_frac)
    money[CUT_QTY] = 0.0


def known_level(
    before: float, now: float, levels: Column, since: Column, ns: int, band_frac: float
) -> float:
    """Return the highest of the rising `levels`, known by `ns`, whose band was entered from above.

    `since` holds the instant (ns) from which each level is known; 0.0: none was entered.
    """
    for index in range(len(levels) - 1, -1, -1):
        level = levels[index]
        if since[index] <= ns and level <= now <= level * (1.0 + band_frac) < before:
            return float(level)
    return 0.0


def end_bar(
    money: Column, times: Column, bars: Bars, bar: int, asked: Column, cycles: Column,
    levels: Column, since: Column, rule: Bracket, rules: Rules, contract: Contract,
) -> None:  # fmt: skip
    """Judge at the close: a new day, the ladder, a cut of what is held, or a new wish."""
    close = bars.close[bar]
    times[NOW] = bars.ns[bar] + contract.bar_ns
    if money[QTY] > 0.0 and bars.funding[bar] != 0.0:
        pay_funding(money, bars.high[bar], bars.funding[bar])
        if times[LOOKED]:
            money[MARK] = bars.high[bar]
        begin_day(money, times, rule.fee_frac)
        judge(money, times, asked, cycles, rules, rule.fee_frac)
        wish_cut(money, times, rules, contract)
    money[MARK] = close
    begin_day(money, times, rule.fee_frac)
    judge(money, times, asked, cycles, rules, rule.fee_frac)
    if money[QTY] > 0.0:
        wish_cut(money, times, rules, contract)
        return
    if bar == 0 or times[SHUT]:
        return
    level = known_level(bars.close[bar - 1], close, levels, since, times[NOW], rule.band_frac)
    if level > 0.0:
        money[LEVEL] = level
        money[WISHED_LIMIT] = grid_down(close * (1.0 + rules.band_frac), contract.ticks)
        money[WISHED_QTY] = wished_qty(money, close, rule, rules, contract)
        money[SIZE_FACTOR] = money[FACTOR]


def play_laddered(
    money: Column, times: Column, bars: Bars, levels: Column, since: Column, rule: Bracket,
    rules: Rules, contract: Contract, deals: Column, cuts: Column, curve: Column,
) -> tuple[int, float]:  # fmt: skip
    """Walk every bar; return (round trips, equity at the last close in USD).

    `money` (MONEY_SIZE floats) and `times` (TIMES_SIZE whole numbers) are room for the account;
    `deals` takes (opened ns, closed ns, entry, exit, result), `cuts` (ns, coins, price) and
    `curve` the equity at each close.
    """
    for place in range(MONEY_SIZE):
        money[place] = 0.0
    for place in range(TIMES_SIZE):
        times[place] = 0
    asked, cycles = [(0, 1.0)], [0]
    asked.clear()
    cycles.clear()
    money[CASH] = money[DAY_START] = rule.cash_usd
    money[RUNG] = money[FACTOR] = money[REACHED] = 1.0
    times[DAY] = bars.ns[0] // DAY_NS
    for bar in range(len(bars.close)):
        begin_bar(money, times, bars, bar, asked, cycles, rule, rules, contract, deals, cuts)
        inside(money, times, bars, bar, asked, cycles, rule, rules, contract, deals)
        if money[CASH] <= 0.0 and money[QTY] <= 0.0:
            for rest in range(bar, len(bars.close)):
                curve[rest] = 0.0
            break
        end_bar(money, times, bars, bar, asked, cycles, levels, since, rule, rules, contract)
        curve[bar] = money[CASH] + money[QTY] * (money[MARK] - money[ENTRY])
    return times[TRADES], money[CASH] + money[QTY] * (money[MARK] - money[ENTRY])


def play_sets(
    bars: Bars,
    levels: Column,
    since: Column,
    sets: Column,
    rule: Bracket,
    rules: Rules,
    contract: Contract,
) -> tuple[Column, Column, Column]:  # fmt: skip
    """Play every row (stop, target, half, halt) of `sets`; return (round trips, cuts, equity).

    What a row does not name is taken from `rule` and `rules`.
    """
    count, length = len(sets), len(bars.close)
    trades, cut, equity = np.zeros(count, np.int64), np.zeros(count, np.int64), np.zeros(count)
    money, times = np.zeros(MONEY_SIZE), np.zeros(TIMES_SIZE, np.int64)
    deals, cuts, curve = np.zeros((length + 1, 5)), np.zeros((2 * length + 1, 3)), np.zeros(length)
    for row in range(count):
        own = Bracket(
            rule.band_frac, sets[row][0], sets[row][1], rule.risk_frac, rule.leverage_max,
            rule.fee_frac, rule.cash_usd,
        )  # fmt: skip
        ruled = Rules(
            sets[row][2], sets[row][3], rules.cool_down_h, rules.cool_down_max_h,
            rules.ramp_per_h, rules.dwell_s, rules.cycles_max, rules.dead_band_frac,
            rules.action_gap_ns, rules.heat_max_frac, rules.band_frac,
        )  # fmt: skip
        found, left = play_laddered(
            money, times, bars, levels, since, own, ruled, contract, deals, cuts, curve
        )
        trades[row], cut[row], equity[row] = found, times[CUTS], left
    return trades, cut, equity
