"""Keeps two EWMA volatilities per symbol, seeded by the prior of its asset."""

import math

from bot.domain.policy import GuardPolicy
from bot.domain.units import NS_PER_MIN
from bot.kernel.indicators import ewma_variance, sigma_annual, variance_of_sigma
from bot.kernel.snapshot import Market

STEP_MIN_NS = 5 * NS_PER_MIN
"""Closes nearer than this measure the spread rather than the market."""


def prior_sigma(policy: GuardPolicy, symbol: str) -> float:
    """Return the annual volatility assumed for a symbol before its history is known."""
    return policy.prior_sigma.get(symbol.split("/", 1)[0], policy.prior_sigma_other)


def on_close(market: Market, close: float, close_ns: int, policy: GuardPolicy) -> None:
    """Fold a bar's close into both estimates."""
    if close <= 0.0:
        return
    if market.var_ns == 0:
        rate = variance_of_sigma(prior_sigma(policy, market.symbol))
        market.var_fast = market.var_slow = rate
        market.var_from_ns = market.var_ns = close_ns
        market.var_close = close
        return
    elapsed_ns = close_ns - market.var_ns
    if elapsed_ns < STEP_MIN_NS:
        return
    log_return = math.log(close / market.var_close)
    market.var_fast = ewma_variance(
        market.var_fast, log_return, elapsed_ns, policy.half_life_fast_ns
    )
    market.var_slow = ewma_variance(
        market.var_slow, log_return, elapsed_ns, policy.half_life_slow_ns
    )
    market.var_ns = close_ns
    market.var_close = close


def sigma(market: Market, policy: GuardPolicy) -> float:
    """Return the annual volatility that sizes exposure: the larger of both, or the prior."""
    if market.var_ns == 0:
        return prior_sigma(policy, market.symbol)
    return sigma_annual(max(market.var_fast, market.var_slow))


def is_prior(market: Market, policy: GuardPolicy) -> bool:
    """Whether less than the wanted history has been seen, so that the prior still weighs in."""
    return market.var_ns - market.var_from_ns < policy.history_ns
