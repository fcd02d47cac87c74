"""Volatility: time-weighted variance, and realised, Parkinson and bipower over a rolling window."""

import math

import msgspec

from bot.domain.units import NS_PER_DAY

YEAR_NS = 365 * NS_PER_DAY


def ewma_variance(rate: float, log_return: float, elapsed_ns: int, half_life_ns: int) -> float:
    """Return the variance per nanosecond after one return over `elapsed_ns`.

    Weighting by time rather than by count lets bars of mixed length feed one estimate.
    """
    keep: float = 0.5 ** (elapsed_ns / half_life_ns)
    return keep * rate + (1.0 - keep) * (log_return * log_return / elapsed_ns)


def variance_of_sigma(sigma_annual: float) -> float:
    """Return the variance per nanosecond of an annual volatility (365 days)."""
    return sigma_annual * sigma_annual / YEAR_NS


def sigma_annual(rate: float) -> float:
    """Return annual volatility (365 days) of a variance per nanosecond."""
    return math.sqrt(rate * YEAR_NS)


class RollingVolatility(msgspec.Struct, kw_only=True):
    """The bars of the last `window_ns`: squared returns, neighbouring products, squared ranges."""

    window_ns: int
    bar_ns: int
    close: float = 0.0
    close_ns: int = 0
    step: float = 0.0
    """Size of the newest log return; 0.0 when a gap precedes the next one."""
    times: list[int] = []
    squares: list[float] = []
    products: list[float] = []
    ranges: list[float] = []


def fold(state: RollingVolatility, high: float, low: float, close: float, close_ns: int) -> bool:
    """Take one closed bar; False and nothing changed when it is not believable, old or repeated.

    A gap is a gap: the return across it counts for its variance, not as a neighbour of others.
    """
    sound = math.isfinite(high) and 0.0 < low <= close <= high
    if not sound or close_ns <= state.close_ns:
        return False
    log_return = product = 0.0
    if state.close > 0.0:
        log_return = math.log(close / state.close)
        if close_ns - state.close_ns == state.bar_ns:
            product = abs(log_return) * state.step
            state.step = abs(log_return)
        else:
            state.step = 0.0
    state.times.append(close_ns)
    state.squares.append(log_return * log_return)
    state.products.append(product)
    state.ranges.append(math.log(high / low) ** 2)
    state.close, state.close_ns = close, close_ns
    _forget(state, close_ns - state.window_ns)
    return True


def _forget(state: RollingVolatility, before_ns: int) -> None:
    gone = 0
    while state.times[gone] <= before_ns:
        gone += 1
    if gone:
        for column in (state.times, state.squares, state.products, state.ranges):
            del column[:gone]


def realised(state: RollingVolatility) -> float:
    """Return the annual volatility of the returns in the window; 0.0 while it is empty."""
    return _annual(sum(state.squares), state.window_ns)


def bipower(state: RollingVolatility) -> float:
    """Return the annual volatility without its jumps (Barndorff-Nielsen and Shephard)."""
    return _annual(0.5 * math.pi * sum(state.products), state.window_ns)


def jump_share(state: RollingVolatility) -> float:
    """Return the share of the realised variance that came in jumps, 0 to 1."""
    total = sum(state.squares)
    if total <= 0.0:
        return 0.0
    return min(max(1.0 - 0.5 * math.pi * sum(state.products) / total, 0.0), 1.0)


def parkinson(state: RollingVolatility) -> float:
    """Return the annual volatility that the bars' ranges tell (Parkinson); 0.0 while empty."""
    if not state.ranges:
        return 0.0
    per_bar = sum(state.ranges) / len(state.ranges) / (4.0 * math.log(2.0))
    return math.sqrt(per_bar * YEAR_NS / state.bar_ns)


def _annual(variance: float, window_ns: int) -> float:
    return math.sqrt(variance * YEAR_NS / window_ns)
