"""The strategies' ladder in numbers: the day's loss, the share it leaves, what must be sold.

The arithmetic is the kernel's own; here is the order in which the kernel goes through it on a look.
Every function runs interpreted over lists and compiled over arrays.
"""

import math
from typing import NamedTuple

from bot.kernel.giving_back import (
    EXIT_ONLY_FACTOR,
    allowed,
    begin_again,
    cool_down_ns,
    in_force,
    is_blocked,
    recent,
    remember,
)
from bot.lab.fast.brackets import Column

DAY_NS = 86_400_000_000_000
(
    CASH, QTY, ENTRY, STOP, TARGET, RISKED_QTY, SIZE_FACTOR, WISHED_QTY, WISHED_LIMIT, LEVEL,
    CUT_QTY, DAY_START, OWN_DAY, OPEN_DAY, RUNG, FACTOR, REACHED, RESULT, MARK,
) = range(19)  # fmt: skip
MONEY_SIZE = 19
(
    NOW, DAY, ACTED, BLOCKED, FALLING, BLOCKS, SHUT, FLAPPING, RUNG_SINCE, TRADES, CUTS, OPENED,
    LOOKED, RESENT,
) = range(14)  # fmt: skip
"""Places of whole numbers; LOOKED: an order reached the venue in this bar, so that the price was
read again after its high; RESENT: stop and target go out anew at the next open.
"""
TIMES_SIZE = 14


class Contract(NamedTuple):
    """Grids of a contract: lots in a coin, ticks in a USD; minima of an order."""

    lots: float = 1_000.0
    ticks: float = 10.0
    qty_min: float = 0.001
    notional_min_usd: float = 5.0
    bar_ns: int = 60_000_000_000


class Rung(NamedTuple):
    """One step of a rule, as the kernel's arithmetic reads it."""

    enter: float
    leave: float
    factor: float


class Rules(NamedTuple):
    """The strategies' loss of a day, and the ladder that carries it out."""

    half_frac: float = 0.01
    halt_frac: float = 0.02
    cool_down_h: float = 4.0
    cool_down_max_h: float = 24.0
    ramp_per_h: float = 0.25
    dwell_s: float = 60.0
    cycles_max: int = 6
    dead_band_frac: float = 0.10
    action_gap_ns: int = 60_000_000_000
    heat_max_frac: float = 0.02
    band_frac: float = 0.001


def grid_down(value: float, parts: float) -> float:
    """Return the largest whole number of `parts` of one that is no more than `value`."""
    count = math.floor(value * parts + 0.5)
    if count / parts > value:
        count -= 1
    return count / parts


def grid_up(value: float, parts: float) -> float:
    """Return the smallest whole number of `parts` of one that is no less than `value`."""
    count = math.floor(value * parts + 0.5)
    if count / parts < value:
        count += 1
    return count / parts


def open_usd(money: Column, fee_frac: float) -> float:
    """Return the open result at the mark less the fee of closing it."""
    qty, mark = money[QTY], money[MARK]
    return float(qty * (mark - money[ENTRY]) - fee_frac * qty * mark)


def loss_frac(money: Column, fee_frac: float) -> float:
    """Return the strategies' loss of the day, open result counted, over its first equity."""
    left = open_usd(money, fee_frac) - money[OPEN_DAY]
    return float(-(money[OWN_DAY] + left) / money[DAY_START])


def wanted_factor(money: Column, times: Column, rules: Rules, fee_frac: float) -> float:
    """Return what the day's loss leaves of the size, and remember the step in force."""
    held = money[RUNG] <= 0.0 and times[RUNG_SINCE] >= times[DAY] * DAY_NS
    factor = 0.0
    if not held:
        steps = (
            Rung(rules.half_frac, rules.half_frac, 0.5), Rung(rules.halt_frac, rules.halt_frac, 0.0)
        )  # fmt: skip
        loss = loss_frac(money, fee_frac)
        factor = in_force(steps, loss, loss, 1.0, 1)
    if factor >= 1.0:
        money[RUNG] = 1.0
    elif factor < money[RUNG]:
        money[RUNG], times[RUNG_SINCE] = factor, times[NOW]
    else:
        money[RUNG] = factor
    return factor


def judge(
    money: Column, times: Column, asked: Column, cycles: Column, rules: Rules, fee_frac: float
) -> None:
    """Move the ladder as the kernel does on a look: down at once, up by what is given back."""
    now, before = times[NOW], money[FACTOR]
    ruled = wanted_factor(money, times, rules, fee_frac)
    wanted = 0.0 if times[FLAPPING] else ruled
    if before < 1.0 and len(asked) == 0:
        begin_again(asked, now, before)
    if wanted < 1.0:
        remember(asked, now, wanted)
    if wanted < before:
        step_down(money, times, cycles, rules, wanted)
    elif wanted > before:
        cuts = len(recent(cycles, now))
        cool_ns = cool_down_ns(cuts, rules.cool_down_h, rules.cool_down_max_h, rules.dwell_s)
        share = allowed(asked, now, wanted, cool_ns, rules.ramp_per_h)
        if share > before:
            money[FACTOR] = share
            money[REACHED] = max(money[REACHED], share)
            times[FALLING] = 0
    blocks = wanted < 1.0
    if blocks:
        times[BLOCKED] = now
    if wanted < before or money[FACTOR] >= 1.0:
        times[BLOCKS] = 1 if blocks else 0
    held = times[BLOCKS] > 0 and times[FALLING] > 0
    reasons = (blocks, held, money[FACTOR] <= EXIT_ONLY_FACTOR)
    times[SHUT] = is_blocked(now, times[BLOCKED], rules.dwell_s, reasons)


def step_down(money: Column, times: Column, cycles: Column, rules: Rules, wanted: float) -> None:
    """Take the lower share; a cut after calm begins a cycle, and too many of them end all."""
    if not times[FALLING]:
        kept = recent(cycles, times[NOW])
        cycles.clear()
        for ns in kept:
            cycles.append(ns)
        cycles.append(times[NOW])
        if len(cycles) > rules.cycles_max:
            times[FLAPPING] = 1
    money[FACTOR] = wanted
    times[FALLING] = 1


def wish_cut(money: Column, times: Column, rules: Rules, contract: Contract) -> None:
    """Decide how much of what is held must go at the next open."""
    qty, factor = money[QTY], money[FACTOR]
    share = min(factor / money[SIZE_FACTOR], 1.0) if money[SIZE_FACTOR] > 0.0 else factor
    target = money[RISKED_QTY] * share
    excess = qty - target
    near = max(1.0 / contract.lots, rules.dead_band_frac * target)
    if excess <= near:
        money[REACHED] = min(money[REACHED], factor)
    ruled = factor <= 0.0 or (factor < money[REACHED] and excess > near)
    sized = excess > rules.dead_band_frac * money[RISKED_QTY]
    waits = times[ACTED] > 0 and times[NOW] - times[ACTED] < rules.action_gap_ns
    if not (ruled or sized) or (waits and factor > 0.0):
        return
    keep = grid_down(max(target, 0.0), contract.lots)
    money[CUT_QTY] = qty if keep < contract.qty_min else max(qty - keep, 0.0)
    times[ACTED] = times[NOW]


def begin_day(money: Column, times: Column, fee_frac: float) -> None:
    """Let the loss of a new UTC day be counted from what is there at its first look."""
    day = times[NOW] // DAY_NS
    if day != times[DAY]:
        times[DAY] = day
        money[DAY_START] = money[CASH] + money[QTY] * (money[MARK] - money[ENTRY])
        money[OWN_DAY], money[OPEN_DAY] = 0.0, open_usd(money, fee_frac)
