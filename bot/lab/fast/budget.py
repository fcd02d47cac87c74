"""The loss budget alone over columns of bars: size by volatility, floor stop, latch, re-levering.

One position with all equity as its margin; the walk is that of `held`. Rules, margin that is given
back, latency and slices are left out: a replay has them. Every function runs interpreted and
compiled; margin and volatility are the kernel's own formulas.
"""

import math
from typing import Any, NamedTuple

from bot.kernel.indicators.volatility import ewma_variance, sigma_annual, variance_of_sigma
from bot.kernel.margin import maintenance_usd

Column = Any
DAY_NS = 86_400_000_000_000
HOUR_NS = 3_600_000_000_000
STEP_MIN_NS = 300_000_000_000
TINY = 1e-12
(
    CASH, QTY, STOP, PEAK, DRAWDOWN, LIQUIDATIONS, ACTIONS, COSTS, USER, FIRST_QTY, FAST, SLOW,
    SEEN_NS, CLOSE, LATCHED, CUT_NS, BACK_NS, DAY, DAY_ACTIONS, DAY_MOST,
) = range(20)  # fmt: skip
"""Places in the state; USER is what the owner opened, FIRST_QTY what the guard left of it."""
STATE_SIZE = 20


class Path(NamedTuple):
    """Columns of one symbol: begin and end of bars (ns), prices, fast flags, funding.

    `paid` is the rate settled at a bar's begin; `due` the rate that is taken for spent at its end
    (NaN: none is known);
    `decide` says whether the guard looks at its end.
    """

    begin_ns: Any
    end_ns: Any
    first: Any
    high: Any
    low: Any
    close: Any
    fast: Any
    paid: Any
    due: Any
    decide: Any


class Guarded(NamedTuple):
    """How a position is opened and guarded; fractions, and instants in ns."""

    sign: int = 1
    leverage: float = 1.0
    cash_usd: float = 10_000.0
    fee_frac: float = 0.0005
    slip_calm_frac: float = 0.0005
    slip_fast_frac: float = 0.003
    close_slip_frac: float = 0.0005
    assumed_frac: float = 0.0001
    """Funding that is due at any time while no rate is known."""
    at_low: int = 0
    """1: stops in fast bars fill at the bar's extreme."""
    floor_frac: float = 0.19
    sigma_target: float = 0.60
    dead_band_frac: float = 0.10
    relever: int = 1
    wait_ns: int = 4 * HOUR_NS
    step_frac: float = 0.25
    distance_max_frac: float = 0.60
    prior_sigma: float = 0.5
    half_fast_ns: int = 2 * DAY_NS
    half_slow_ns: int = 10 * DAY_NS


def equity_usd(state: Column, sign: int, price: float) -> float:
    """Return what would be left after closing at `price` without costs, USD."""
    return float(state[CASH] + sign * state[QTY] * price)


def trade(state: Column, plan: Guarded, price: float, qty: float, slip_frac: float) -> None:
    """Add `qty` (negative: take off) at `price`, slippage and fee paid."""
    side = plan.sign if qty > 0.0 else -plan.sign
    paid = price * (1.0 + side * slip_frac)
    fee = abs(qty) * paid * plan.fee_frac
    state[CASH] -= plan.sign * qty * paid + fee
    state[QTY] += qty
    if state[QTY] < TINY:
        state[QTY] = 0.0
    state[COSTS] += fee + abs(qty) * abs(paid - price)


def see_close(state: Column, plan: Guarded, close: float, close_ns: int) -> None:
    """Fold a close into both volatility estimates; closes nearer than five minutes are left out."""
    elapsed = close_ns - int(state[SEEN_NS])
    if state[SEEN_NS] > 0.0:
        if elapsed < STEP_MIN_NS:
            return
        step = math.log(close / state[CLOSE])
        state[FAST] = ewma_variance(state[FAST], step, elapsed, plan.half_fast_ns)
        state[SLOW] = ewma_variance(state[SLOW], step, elapsed, plan.half_slow_ns)
    state[SEEN_NS], state[CLOSE] = close_ns, close


def allowed_qty(state: Column, plan: Guarded, price: float) -> float:
    """Return how much of the owner's quantity the volatility allows."""
    sigma = sigma_annual(max(state[FAST], state[SLOW]))
    equity = max(equity_usd(state, plan.sign, price), 0.0)
    return float(min(state[USER], plan.sigma_target * equity / (sigma * price)))


def act(state: Column, ns: int) -> None:
    """Count one action of the guard."""
    day = ns // DAY_NS
    state[DAY_ACTIONS] = state[DAY_ACTIONS] + 1.0 if state[DAY] == day else 1.0
    state[DAY] = day
    state[DAY_MOST] = max(state[DAY_MOST], state[DAY_ACTIONS])
    state[ACTIONS] += 1.0


def leave(state: Column, plan: Guarded, price: float, slip_frac: float) -> None:
    """Close everything for good."""
    trade(state, plan, price, -state[QTY], slip_frac)
    state[STOP], state[LATCHED] = 0.0, 1.0


def place_stop(state: Column, plan: Guarded, price: float, due: float, slip_frac: float) -> None:
    """Put the floor stop where closing leaves the floor of the peak; close when none is left."""
    sign, qty = plan.sign, state[QTY]
    budget = equity_usd(state, sign, price) - (1.0 - plan.floor_frac) * state[PEAK]
    cost = plan.fee_frac + plan.close_slip_frac
    spent = plan.assumed_frac if math.isnan(due) else max(sign * due, 0.0)
    if sign > 0:
        budget -= spent * qty * price
    else:
        cost += spent
    stop = (price * qty - sign * budget) / (qty * (1.0 - sign * cost))
    if budget <= 0.0 or sign * (price - stop) <= 0.0:
        leave(state, plan, price, slip_frac)
        return
    far = plan.distance_max_frac * price
    state[STOP] = price - sign * min(sign * (price - stop), far)


def resize(state: Column, plan: Guarded, price: float, slip_frac: float, ns: int) -> None:
    """Cut what volatility forbids; buy back a step of what it allows again."""
    allowed = allowed_qty(state, plan, price)
    band = plan.dead_band_frac * state[USER]
    if state[QTY] - allowed > band:
        trade(state, plan, price, allowed - state[QTY], slip_frac)
        state[CUT_NS] = ns
        act(state, ns)
        return
    missing = allowed - state[QTY]
    waited = state[CUT_NS] > 0.0 and ns - state[CUT_NS] >= plan.wait_ns
    if plan.relever and missing > band and waited and ns - state[BACK_NS] >= HOUR_NS:
        trade(state, plan, price, min(missing, plan.step_frac * state[USER]), slip_frac)
        state[BACK_NS] = ns


def measure(state: Column, sign: int, price: float) -> None:
    """Fold the equity at `price` into peak and drawdown."""
    equity = equity_usd(state, sign, price)
    state[PEAK] = max(state[PEAK], equity)
    state[DRAWDOWN] = max(state[DRAWDOWN], 1.0 - equity / state[PEAK])


def move(
    state: Column, plan: Guarded, price: float, slip_frac: float, tiers: Column, gap: int, low: int
) -> None:
    """Let the price come to `price`; across a gap (1) and with `low` (1) the stop fills there."""
    sign, stop = plan.sign, state[STOP]
    if state[QTY] > 0.0:
        needed = maintenance_usd(state[QTY] * price, tiers)
        stopped = stop > 0.0 and sign * (price - stop) <= 0.0
        fallen = equity_usd(state, sign, price) <= needed
        if fallen and (gap or not stopped):
            state[CASH] = state[QTY] = state[STOP] = 0.0
            state[LIQUIDATIONS] += 1.0
        elif stopped and low:
            leave(state, plan, price, 0.0)
        elif stopped:
            leave(state, plan, price if gap else stop, slip_frac)
    measure(state, sign, price)


def begin_at(state: Column, path: Path, plan: Guarded, bar: int) -> None:
    """Open at the bar's open with all equity as margin; place the stop, then cut to the budget."""
    for place in range(len(state)):
        state[place] = 0.0
    state[CASH] = state[PEAK] = plan.cash_usd
    state[FAST] = state[SLOW] = variance_of_sigma(plan.prior_sigma)
    for past in range(bar):
        if path.decide[past]:
            see_close(state, plan, path.close[past], path.end_ns[past])
    price, slip = path.first[bar], plan.slip_calm_frac
    if path.fast[bar]:
        slip = plan.slip_fast_frac
    state[USER] = state[CASH] / (1.0 / plan.leverage + plan.fee_frac) / price
    trade(state, plan, price, state[USER], slip)
    resize(state, plan, price, slip, path.begin_ns[bar])
    state[FIRST_QTY] = state[QTY]
    place_stop(state, plan, price, 0.0, slip)


def play_budget(state: Column, path: Path, plan: Guarded, tiers: Column, bar: int) -> None:
    """Hold one guarded position from the open of `bar` on; `state` (STATE_SIZE) tells the rest."""
    begin_at(state, path, plan, bar)
    for now in range(bar, len(path.close)):
        fast = bool(path.fast[now])
        slip = plan.slip_fast_frac if fast else plan.slip_calm_frac
        if now > bar:
            move(state, plan, path.first[now], slip, tiers, 1, 0)
            paid = plan.sign * state[QTY] * path.first[now] * path.paid[now]
            state[CASH] -= paid
            state[COSTS] += paid
        adverse, other = path.low[now], path.high[now]
        if plan.sign < 0:
            adverse, other = other, adverse
        at_low = 1 if plan.at_low and fast else 0
        move(state, plan, adverse, slip, tiers, 0, at_low)
        move(state, plan, other, slip, tiers, 0, 0)
        move(state, plan, path.close[now], slip, tiers, 0, 0)
        if path.decide[now]:
            see_close(state, plan, path.close[now], path.end_ns[now])
            if state[QTY] > 0.0:
                resize(state, plan, path.close[now], slip, path.end_ns[now])
            if state[QTY] > 0.0:
                place_stop(state, plan, path.close[now], path.due[now], slip)


def play_starts(
    out: Column, path: Path, plan: Guarded, tiers: Column, bars: Column, state: Column
) -> None:
    """Play one start per entry of `bars`; row n of `out` takes the state of start n."""
    for row in range(len(bars)):
        play_budget(state, path, plan, tiers, bars[row])
        for place in range(len(state)):
            out[row][place] = state[place]
