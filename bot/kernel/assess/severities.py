"""How bad each input is, 0 to 1: zero at readings a calm month has."""

import math

from bot.kernel.assess.facts import Facts

NAMES = (
    "liq", "vol", "ret", "shock", "fund", "fund_froth", "oi", "oi_froth", "fg", "skew", "etf",
    "corr",
)  # fmt: skip


def ramp(x: float, low: float, high: float) -> float:
    """Return 0 up to `low`, 1 from `high`, straight between."""
    share = (x - low) / (high - low)
    if share > 0.0:
        return share if share < 1.0 else 1.0  # noqa: FURB136 - a call costs as much as the rest
    return 0.0


def times(x: float, ordinary: float) -> float:
    """Return log2 of x over what is ordinary, cut to +-64; -64 where either is nothing."""
    ratio = x / ordinary if ordinary > 0.0 else 0.0
    if not ratio > 0.0:
        return -64.0
    doublings = math.log2(ratio)
    if -64.0 < doublings < 64.0:
        return doublings
    return -64.0 if doublings < 0.0 else 64.0


def of_liquidations(day_usd: float, base_usd: float, hour_usd: float | None) -> float:
    """Return how far a day's, or the last hour's, liquidations exceed an ordinary day's."""
    day = ramp(times(day_usd, base_usd), 1.0, 4.0)
    if hour_usd is None:
        return day
    hour = ramp(times(24.0 * hour_usd, base_usd), 3.0, 6.0)
    return max(day, hour)


def of_range(range_24h: float, range_med: float) -> float:
    """Return how far the day's range exceeds the ordinary one, or is wide by itself."""
    return max(ramp(times(range_24h, range_med), 0.5, 2.0), ramp(range_24h, 0.06, 0.15))


def of_drop(drop_48h: float, sd: float) -> float:
    """Return how deep the worst fall of 48 h is in daily deviations."""
    return ramp(drop_48h / sd, 2.0, 6.0)


def of_shock(drop_1h: float, sd: float) -> float:
    """Return how deep the worst fall of 60 minutes is in daily deviations."""
    return ramp(drop_1h / sd, 0.5, 2.0)


def of_interest(oi_z: float) -> tuple[float, float]:
    """Return (flight, froth) of a day's change of open interest."""
    return ramp(-oi_z, 1.0, 6.0), ramp(oi_z, 1.0, 5.0)


def of_funding(funding_z: float) -> tuple[float, float]:
    """Return (shorts pay, longs pay) beyond what is ordinary."""
    return ramp(-funding_z, 1.5, 8.0), ramp(funding_z, 1.5, 8.0)


def of_fear(fear_greed: float) -> float:
    """Return how far fear is below 25."""
    return ramp(25.0 - fear_greed, 0.0, 25.0)


def of_skew(skew: float) -> float:
    """Return how dear puts are against calls, 25-delta volatility points."""
    return ramp(skew, 0.0, 20.0)


def of_flow(etf_z: float) -> float:
    """Return how heavy five days of fund outflow are."""
    return ramp(-etf_z, 1.0, 3.0)


def of_equity(rho: float, equity_ret: float) -> float:
    """Return how much falling equities pull, by correlation."""
    return max(rho, 0.0) * ramp(-equity_ret, 0.01, 0.04)


def severities(facts: Facts, side: int = 1) -> dict[str, float]:
    """Return the severities that are known, for longs (side 1) or, mirrored, for shorts (-1).

    Only `ret` and `shock` are mirrored.
    """
    out: dict[str, float] = {}
    if facts.liq_24h_usd is not None and facts.liq_base_usd is not None:
        out["liq"] = of_liquidations(facts.liq_24h_usd, facts.liq_base_usd, facts.liq_1h_usd)
    if facts.range_24h is not None and facts.range_med is not None:
        out["vol"] = of_range(facts.range_24h, facts.range_med)
    if facts.sd is not None and facts.sd > 0.0:
        out.update(_of_price(facts, facts.sd, side))
    funding_z, oi_z = facts.funding_z, facts.oi_z
    if funding_z is not None:
        out["fund"], out["fund_froth"] = of_funding(funding_z)
    if oi_z is not None:
        out["oi"], out["oi_froth"] = of_interest(oi_z)
    if facts.fear_greed is not None:
        out["fg"] = of_fear(facts.fear_greed)
    if facts.skew is not None:
        out["skew"] = of_skew(facts.skew)
    if facts.etf_z is not None:
        out["etf"] = of_flow(facts.etf_z)
    if facts.rho is not None and facts.equity_ret is not None:
        out["corr"] = of_equity(facts.rho, facts.equity_ret)
    return out


def mirrored(known: dict[str, float], facts: Facts) -> dict[str, float]:
    """Return severities for shorts from those for longs."""
    if facts.sd is None or facts.sd <= 0.0:
        return known
    return {**known, **_of_price(facts, facts.sd, -1)}


def _of_price(facts: Facts, sd: float, side: int) -> dict[str, float]:
    out: dict[str, float] = {}
    two_days = facts.drop_48h if side > 0 else facts.rise_48h
    hour = facts.drop_1h if side > 0 else facts.rise_1h
    if two_days is not None:
        out["ret"] = of_drop(two_days, sd)
    if hour is not None:
        out["shock"] = of_shock(hour, sd)
    return out
