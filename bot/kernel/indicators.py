"""Incremental statistics as pure functions over floats."""

import math

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


def true_range(high: float, low: float, previous_close: float) -> float:
    """Return Wilder's true range; a previous close of 0.0 means there is none."""
    if previous_close <= 0.0:
        return high - low
    return max(high - low, abs(high - previous_close), abs(low - previous_close))


def wilder(previous: float, value: float, count: int, length: int) -> float:
    """Return Wilder's average after `value`, the `count`-th: a plain mean until `length`."""
    n = min(count, length)
    return previous + (value - previous) / n
