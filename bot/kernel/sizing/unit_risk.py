"""What one coin loses when its stop fills, all costs counted, and what it gains at the target."""


def unit_risk_usd(
    sign: int, entry: float, stop: float, costs: tuple[float, float], funding_frac: float
) -> float:
    """Return what one coin loses if the stop fills as planned (fixed fraction with full cost).

    `costs` are (entry, stop) fee plus slippage as shares of the price paid there: they are paid on
    the notional, not on the money at risk. `funding_frac` is what is paid to the horizon as a share
    of notional; what would be received is not counted on.
    """
    entry_cost, stop_cost = costs
    carry = max(funding_frac, 0.0) * entry
    return sign * (entry - stop) + entry * entry_cost + stop * stop_cost + carry


def funding_frac(sign: int, rate_frac: float, interval_s: int, horizon_h: float) -> float:
    """Return funding paid (negative: received) to the horizon as a share of notional.

    `rate_frac` is paid once every `interval_s`, whatever that interval is; a positive rate is paid
    by longs.
    """
    return sign * rate_frac * horizon_h * 3_600.0 / interval_s


def reward_usd(sign: int, entry: float, target: float, costs: tuple[float, float]) -> float:
    """Return what one coin gains at the target after costs; `costs` as (entry, target) shares."""
    return sign * (target - entry) - entry * costs[0] - target * costs[1]


def cost_share(sign: int, entry: float, stop: float, unit_usd: float) -> float:
    """Return which share of a coin's risk is cost rather than the way to the stop."""
    return 1.0 - sign * (entry - stop) / unit_usd
