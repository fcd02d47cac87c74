"""A held position over columns of bars: stops, schedules, volatility targets, liquidation.

The walk is that of a replay: open, the extreme against the position, the other one, close. The
account is one position with all equity as its margin. Every function runs interpreted and compiled;
margin and volatility are the kernel's own formulas.
"""

import math
from typing import Any, NamedTuple

from bot.kernel.indicators.volatility import ewma_variance, sigma_annual, variance_of_sigma
from bot.kernel.margin import liquidation_price, maintenance_usd

Column = Any
DAY_NS = 86_400_000_000_000
SHRINK, TINY = 0.9995, 1e-12
(
    CASH, QTY, STOP, WAITING, PEAK, DRAWDOWN, LIQUIDATIONS, ACTIONS, COSTS, FIRST_QTY, FACTOR,
    FAST, SLOW, SEEN_NS, CLOSE, WANTED, DUE,
) = range(17)  # fmt: skip
"""Places in the state; WAITING is the price above which a stopped position is bought again."""
STATE_SIZE = 17


class Walk(NamedTuple):
    """Columns: open instants (ns), prices, fast flags, funding paid at the bar's begin (frac).

    `change` is what a schedule buys (+) or sells (-) at the bar's open, as a share of the first
    quantity.
    """

    ns: Any
    first: Any
    high: Any
    low: Any
    close: Any
    fast: Any
    funding: Any
    change: Any


class Tier(NamedTuple):
    """A margin tier as the kernel's formulas read it."""

    floor_usd: float
    cap_usd: float
    maint_frac: float
    deduction_usd: float


class Plan(NamedTuple):
    """How a position is held; fractions, and zero switches a part off."""

    sign: int = 1
    leverage: float = 1.0
    cash_usd: float = 10_000.0
    fee_frac: float = 0.0005
    slip_calm_frac: float = 0.0005
    slip_fast_frac: float = 0.003
    stop_frac: float = 0.0
    sigma_target: float = 0.0
    dead_band_frac: float = 0.1
    prior_sigma: float = 0.5
    half_fast_ns: int = 2 * DAY_NS
    half_slow_ns: int = 10 * DAY_NS
    ratio_on: int = 0


def equity_usd(state: Column, sign: int, price: float) -> float:
    """Return what would be left after closing at `price` without costs, USD."""
    return float(state[CASH] + sign * state[QTY] * price)


def trade(state: Column, plan: Plan, price: float, qty: float, slip_frac: float) -> None:
    """Add `qty` (negative: take off) at `price`, slippage and fee paid."""
    side = plan.sign if qty > 0.0 else -plan.sign
    paid = price * (1.0 + side * slip_frac)
    fee = abs(qty) * paid * plan.fee_frac
    state[CASH] -= plan.sign * qty * paid + fee
    state[QTY] += qty
    if state[QTY] < TINY:
        state[QTY] = 0.0
    state[COSTS] += fee + abs(qty) * abs(paid - price)


def enter(state: Column, plan: Plan, price: float, slip_frac: float) -> None:
    """Open with all equity as margin, so that the fee is left over."""
    times = plan.leverage
    if plan.sigma_target > 0.0:
        times = min(times, plan.sigma_target / annual_sigma(state))
    qty = state[CASH] / (1.0 / times + plan.fee_frac) / price
    trade(state, plan, price, qty, slip_frac)
    if state[FIRST_QTY] == 0.0:
        state[FIRST_QTY] = state[QTY]
    if plan.stop_frac > 0.0:
        state[STOP] = price * (1.0 - plan.sign * plan.stop_frac)
    state[WAITING] = 0.0


def annual_sigma(state: Column) -> float:
    """Return the larger of both volatility estimates, annual."""
    return sigma_annual(max(state[FAST], state[SLOW]))


def see_close(state: Column, plan: Plan, close: float, close_ns: int) -> None:
    """Fold a close into both volatility estimates."""
    elapsed = close_ns - int(state[SEEN_NS])
    if state[SEEN_NS] > 0.0 and elapsed > 0:
        step = math.log(close / state[CLOSE])
        state[FAST] = ewma_variance(state[FAST], step, elapsed, plan.half_fast_ns)
        state[SLOW] = ewma_variance(state[SLOW], step, elapsed, plan.half_slow_ns)
    state[SEEN_NS], state[CLOSE] = close_ns, close


def fall_price(state: Column, sign: int, price: float, tiers: Column) -> float:
    """Return the mark that liquidates the position; 0.0: none does."""
    found = liquidation_price(sign, state[QTY], price, equity_usd(state, sign, price), tiers)
    if found is None:
        return 0.0
    return 0.0 + found


def move(
    state: Column, plan: Plan, price: float, slip_frac: float, tiers: Column, gap: int
) -> None:
    """Let the price come to `price`: a stop or a liquidation on the way acts, the nearer first.

    Across a gap (1, else 0) both act at `price`.
    """
    if state[QTY] > 0.0:
        sign, stop = plan.sign, state[STOP]
        stopped = stop > 0.0 and sign * (price - stop) <= 0.0
        needed = maintenance_usd(state[QTY] * price, tiers)
        fallen = equity_usd(state, sign, price) <= needed
        if fallen and stopped and not gap:
            fallen = sign * (stop - fall_price(state, sign, price, tiers)) < 0.0
        if fallen:
            state[CASH] = state[QTY] = state[STOP] = 0.0
            state[LIQUIDATIONS] += 1.0
        elif stopped:
            trade(state, plan, price if gap else stop, -state[QTY], slip_frac)
            state[STOP], state[WAITING] = 0.0, stop
            state[ACTIONS] += 1.0
    measure(state, plan.sign, price)


def measure(state: Column, sign: int, price: float) -> None:
    """Fold the equity at `price` into peak and drawdown."""
    equity = equity_usd(state, sign, price)
    state[PEAK] = max(state[PEAK], equity)
    state[DRAWDOWN] = max(state[DRAWDOWN], 1.0 - equity / state[PEAK])


def wanted_factor(ratio: float, before: float, steps: Column) -> float:
    """Return the share of the first quantity that the margin ladder leaves; it never grows back."""
    factor = before
    for index in range(len(steps)):
        if ratio >= steps[index][0]:
            factor = min(factor, steps[index][1])
    return factor


def watch_ratio(
    state: Column, plan: Plan, price: float, slip_frac: float, tiers: Column, steps: Column
) -> None:
    """Cut by the margin ladder at this price when maintenance eats the equity."""
    if state[QTY] <= 0.0:
        return
    equity = equity_usd(state, plan.sign, price)
    needed = maintenance_usd(state[QTY] * price, tiers)
    ratio = needed / equity if equity > 0.0 else 1.0
    factor = wanted_factor(ratio, state[FACTOR], steps)
    if factor < state[FACTOR]:
        state[FACTOR] = factor
        cut = state[QTY] - factor * state[FIRST_QTY]
        if cut > 0.0:
            trade(state, plan, price, -cut, slip_frac)
            state[ACTIONS] += 1.0


def rebalance(state: Column, plan: Plan, price: float, slip_frac: float) -> None:
    """Bring the exposure to the volatility target when it is a dead band away."""
    equity = equity_usd(state, plan.sign, price)
    if equity <= 0.0 or state[QTY] <= 0.0:
        return
    times = min(plan.leverage, plan.sigma_target / annual_sigma(state))
    change = times * equity / price * SHRINK - state[QTY]
    if abs(change) > plan.dead_band_frac * state[QTY]:
        trade(state, plan, price, change, slip_frac)
        state[ACTIONS] += 1.0


def begin_bar(state: Column, plan: Plan, walk: Walk, bar: int, slip_frac: float) -> None:
    """Pay funding and do at the open what was due: enter, re-enter, follow schedule or target."""
    price = walk.first[bar]
    paid = plan.sign * state[QTY] * price * walk.funding[bar]
    state[CASH] -= paid
    state[COSTS] += paid
    if state[QTY] == 0.0 and state[DUE] > 0.0 and state[CASH] > 0.0:
        if state[FIRST_QTY] > 0.0:
            state[ACTIONS] += 1.0
        enter(state, plan, price, slip_frac)
    elif state[DUE] > 0.0 and plan.sigma_target > 0.0:
        rebalance(state, plan, price, slip_frac)
    state[DUE] = 0.0
    if walk.change[bar] != 0.0:
        follow(state, plan, price, walk.change[bar], slip_frac)


def follow(state: Column, plan: Plan, price: float, share: float, slip_frac: float) -> None:
    """Carry out one step of the schedule, as far as the equity bears it."""
    room = plan.leverage * equity_usd(state, plan.sign, price) / price - state[QTY]
    change = max(share * state[FIRST_QTY], -state[QTY])
    change = min(change, max(room, 0.0))
    if abs(change) > TINY:
        trade(state, plan, price, change, slip_frac)
        state[ACTIONS] += 1.0


def end_bar(state: Column, plan: Plan, walk: Walk, bar: int) -> None:
    """Decide at the close what the next open shall do."""
    close = walk.close[bar]
    if plan.sigma_target > 0.0:
        see_close(state, plan, close, walk.ns[bar])
        if bar > 0 and walk.ns[bar] // DAY_NS != walk.ns[bar - 1] // DAY_NS:
            state[DUE] = 1.0
    if state[WAITING] > 0.0 and plan.sign * (close - state[WAITING]) > 0.0:
        state[DUE] = 1.0


def play_held(state: Column, walk: Walk, plan: Plan, tiers: Column, steps: Column) -> None:
    """Hold one position through `walk`; what became of it is read from `state` (STATE_SIZE)."""
    for place in range(len(state)):
        state[place] = 0.0
    state[CASH] = state[PEAK] = plan.cash_usd
    state[FACTOR] = state[DUE] = 1.0
    state[FAST] = state[SLOW] = variance_of_sigma(plan.prior_sigma)
    for bar in range(len(walk.close)):
        slip = plan.slip_fast_frac if walk.fast[bar] else plan.slip_calm_frac
        move(state, plan, walk.first[bar], slip, tiers, 1)
        begin_bar(state, plan, walk, bar, slip)
        adverse, other = walk.low[bar], walk.high[bar]
        if plan.sign < 0:
            adverse, other = other, adverse
        for price in (adverse, other, walk.close[bar]):
            move(state, plan, price, slip, tiers, 0)
            if plan.ratio_on:
                watch_ratio(state, plan, price, slip, tiers, steps)
        end_bar(state, plan, walk, bar)


def play_schedules(
    finals: Column, drawdowns: Column, fallen: Column, orders: Column, walk: Walk, plan: Plan,
    tiers: Column, steps: Column, state: Column,
) -> None:  # fmt: skip
    """Play one schedule per row of `orders` (bar numbers, with the changes of `walk.change`).

    Row r changes, at bar orders[r][k], what the k-th entry of the schedule says; `finals`,
    `drawdowns` and `fallen` take what became of it.
    """
    sizes = [0.0 for _ in range(len(orders[0]))]
    filled = 0
    for bar in range(len(walk.change)):
        if walk.change[bar] != 0.0:
            sizes[filled] = walk.change[bar]
            filled += 1
    for row in range(len(orders)):
        for bar in range(len(walk.change)):
            walk.change[bar] = 0.0
        for step in range(len(sizes)):
            walk.change[orders[row][step]] += sizes[step]
        play_held(state, walk, plan, tiers, steps)
        finals[row] = equity_usd(state, plan.sign, walk.close[-1])
        drawdowns[row] = state[DRAWDOWN]
        fallen[row] = state[LIQUIDATIONS]
