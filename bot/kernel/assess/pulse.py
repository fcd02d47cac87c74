"""Pulse 0-100: which way the market leans, with credit for exhaustion once the knife is down."""

from typing import Final

from bot.kernel.assess.facts import Facts
from bot.kernel.assess.severities import ramp, times

WEIGHTS: Final[dict[str, float]] = {
    "ret": 0.18, "liq": 0.16, "fund": 0.14, "rsi": 0.10, "fg": 0.10, "skew": 0.08, "etf": 0.08,
    "oi": 0.06, "vol": 0.06, "corr": 0.04,
}  # fmt: skip
CREDIT_FALL: Final = 0.50
CREDIT_FROTH: Final = 0.30
FLAT_SHARE: Final = 0.042
"""An hour's share of a day's liquidations when nothing is accelerating: one in 24."""
RUNNING_SHARE: Final = 0.25
WORDS: Final = ((25.0, "Very bearish"), (42.0, "Bearish"), (58.0, "Neutral"), (75.0, "Bullish"))


def signed(x: float) -> float:
    """Return x cut to -1..1."""
    if x < -1.0:
        return -1.0
    return 1.0 if x > 1.0 else x  # noqa: FURB136 - a call costs as much as the rest


def directions(facts: Facts) -> dict[str, float]:
    """Return the lean of every known input, -1 (down) to 1 (up)."""
    f = facts
    out: dict[str, float] = {}
    funding_z, oi_z = f.funding_z, f.oi_z
    if f.ret_24h is not None and f.sd is not None and f.sd > 0.0:
        out["ret"] = signed(f.ret_24h / (6.0 * f.sd))
    if f.liq_24h_usd is not None and f.liq_base_usd is not None and f.long_share is not None:
        day = ramp(times(f.liq_24h_usd, f.liq_base_usd), 0.0, 5.0)
        hour = ramp(times(24.0 * (f.liq_1h_usd or 0.0), f.liq_base_usd), 0.0, 6.0)
        out["liq"] = -max(day, hour) * (2.0 * f.long_share - 1.0)
    if funding_z is not None:
        out["fund"] = signed(funding_z / 8.0)
    if f.rsi is not None:
        out["rsi"] = signed((f.rsi - 50.0) / 40.0)
    if f.fear_greed is not None:
        out["fg"] = signed((f.fear_greed - 50.0) / 50.0)
    if f.skew is not None:
        out["skew"] = signed(-f.skew / 20.0)
    if f.etf_z is not None:
        out["etf"] = signed(f.etf_z / 3.0)
    if f.rho is not None and f.equity_ret is not None:
        out["corr"] = f.rho * signed(f.equity_ret / 0.03)
    sign = 0.0 if not f.ret_24h else (1.0 if f.ret_24h > 0.0 else -1.0)
    if oi_z is not None:
        out["oi"] = 0.5 * sign * ramp(abs(oi_z), 0.0, 6.0)
    if f.range_24h is not None and f.range_med is not None:
        wide = ramp(times(f.range_24h, f.range_med), 0.0, 2.5)
        out["vol"] = sign * max(wide, ramp(f.range_24h, 0.0, 0.15))
    return out


def exhaustion(facts: Facts) -> float:
    """Return how spent sellers (positive) or buyers (negative) are; unknown inputs say nothing."""
    f = facts
    down = up = 0.0
    funding_z, oi_z = f.funding_z, f.oi_z
    if f.rsi is not None:
        down += ramp(35.0 - f.rsi, 0.0, 20.0)
        up += ramp(f.rsi - 65.0, 0.0, 20.0)
    if f.fear_greed is not None:
        down += ramp(30.0 - f.fear_greed, 0.0, 30.0)
        up += ramp(f.fear_greed - 70.0, 0.0, 30.0)
    if oi_z is not None:
        down += ramp(-oi_z, 0.0, 6.0)
        up += ramp(oi_z, 1.0, 5.0)
    if funding_z is not None:
        down += ramp(-funding_z, 0.0, 8.0)
        up += ramp(funding_z, 1.0, 9.0)
    return (down - up) / 4.0


def quiet(active_share: float | None) -> float:
    """Return 1 when forced selling has subsided, 0 while it runs, by the last hour's share."""
    share = FLAT_SHARE if active_share is None else active_share
    return 1.0 - ramp(share, FLAT_SHARE, RUNNING_SHARE)


def active_share(facts: Facts) -> float | None:
    """Return the last hour's share of the day's liquidations; None: unknown."""
    if facts.liq_1h_usd is None or not facts.liq_24h_usd:
        return None
    return min(facts.liq_1h_usd / facts.liq_24h_usd, 1.0)


def pulse(facts: Facts, share: float | None, *, systemic: bool) -> float | None:
    """Return Pulse; None when nothing is known. No credit for exhaustion while it runs."""
    leans = directions(facts)
    if not leans:
        return None
    lean = whole = 0.0
    for name, value in leans.items():
        weight = WEIGHTS[name]
        lean += weight * value
        whole += weight
    lean /= whole
    spent = exhaustion(facts)
    credit = CREDIT_FROTH
    if spent > 0.0:
        credit = 0.0 if systemic else CREDIT_FALL * quiet(share)
    return 100.0 * min(max(0.5 + 0.5 * (lean + credit * spent), 0.0), 1.0)


def pulse_word(value: float | None) -> str:
    """Return the word of a Pulse."""
    if value is None:
        return "Unknown"
    for limit, word in WORDS:
        if value < limit:
            return word
    return "Very bullish"
