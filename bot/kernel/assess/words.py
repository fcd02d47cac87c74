"""Says an assessment in words: what weighs, with the numbers it is made of."""

import math
from collections.abc import Callable
from typing import Final

from bot.kernel.assess.facts import Facts
from bot.kernel.assess.judge import Assessment
from bot.kernel.assess.stress import WEIGHTS

NOTABLE: Final = 0.05
"""Severities below this are not worth a line."""


def headline(found: Assessment) -> str:
    """Return Pulse, Stress and Threat in one line."""
    lean = "unknown" if found.pulse is None else f"{found.pulse:.0f}"
    return (
        f"Pulse {lean} {found.pulse_word}, Stress {found.stress:.0f} {found.stress_word}, "
        f"Threat {found.threat} {found.threat_word}"
    )


def evidence(found: Assessment, side: int = 1) -> tuple[str, ...]:
    """Return what makes Stress for longs (side 1) or shorts (-1), heaviest first."""
    known = found.severities if side > 0 else found.severities_short
    heavy = sorted(
        (name for name, value in known.items() if value >= NOTABLE),
        key=lambda name: (-WEIGHTS[name] * known[name], name),
    )
    lines = [f"{SAYINGS[name](found.facts, side)} (severity {known[name]:.2f})" for name in heavy]
    if found.floor > 1:
        lines.append(f"Threat held at {found.floor} or more: {', '.join(found.floor_reasons)}")
    lines += [f"systemic: {flag}" for flag in found.systemic]
    return tuple(lines)


def _liquidations(f: Facts, _side: int) -> str:
    day, base = f.liq_24h_usd or 0.0, f.liq_base_usd or 1.0
    text = f"liquidations {day / 1e6:,.0f}M USD in 24 h, {day / base:.1f}x an ordinary day"
    if f.long_share is not None:
        text += f", {f.long_share:.0%} longs"
    if f.liq_1h_usd is not None:
        text += f"; last hour {f.liq_1h_usd / 1e6:,.1f}M"
    return text


def _range(f: Facts, _side: int) -> str:
    return f"24 h range {f.range_24h or 0.0:.1%}, ordinary {f.range_med or 0.0:.1%}"


def _moved(f: Facts, side: int) -> str:
    move = (f.drop_48h if side > 0 else f.rise_48h) or 0.0
    what = "fall" if side > 0 else "rise"
    return f"worst {what} in 48 h {move:.1%}, {move / (f.sd or 1.0):.1f} daily deviations"


def _shock(f: Facts, side: int) -> str:
    move = (f.drop_1h if side > 0 else f.rise_1h) or 0.0
    what = "fall" if side > 0 else "rise"
    return f"{what} within 60 minutes {move:.1%}, {move / (f.sd or 1.0):.1f} daily deviations"


def _funding(f: Facts, _side: int) -> str:
    return (
        f"funding {f.funding_8h or 0.0:+.4%} per 8 h, {f.funding_z or 0.0:+.1f} robust deviations "
        f"from its median {f.funding_med or 0.0:+.4%}"
    )


def _interest(f: Facts, _side: int) -> str:
    moved = math.expm1(f.oi_change or 0.0)
    return f"open interest {moved:+.1%} in 24 h (coins), {f.oi_z or 0.0:+.1f} deviations"


SAYINGS: Final[dict[str, Callable[[Facts, int], str]]] = {
    "liq": _liquidations,
    "vol": _range,
    "ret": _moved,
    "shock": _shock,
    "fund": _funding,
    "fund_froth": _funding,
    "oi": _interest,
    "oi_froth": _interest,
    "fg": lambda f, _: f"fear and greed {f.fear_greed or 0.0:.0f}",
    "skew": lambda f, _: f"puts dearer than calls by {f.skew or 0.0:.1f} volatility points",
    "etf": lambda f, _: f"fund flows of five days {f.etf_z or 0.0:+.1f} deviations",
    "corr": lambda f, _: f"equities {f.equity_ret or 0.0:+.1%}, correlation {f.rho or 0.0:+.2f}",
}
