"""How much of equity a strategy's own record allows to risk: a share of a shrunken Kelly bet."""

import math
from collections.abc import Sequence

from bot.kernel.snapshot import Trade


def kelly_frac(results_r: Sequence[float], share: float) -> float:
    """Return the share of equity to risk per trade by the record in multiples of risk.

    f* = mean / variance for small bets (Kelly 1956; Thorp 2006); the mean is shrunken by its own
    standard error and zero when it does not exceed it. Constant results say nothing about risk:
    their standard error is zero and no finite share follows, so a lone sign decides.
    """
    count = len(results_r)
    if count < 2:
        return 0.0
    mean = sum(results_r) / count
    variance = sum((r - mean) ** 2 for r in results_r) / (count - 1)
    if variance <= 0.0:
        return math.inf if mean > 0.0 else 0.0
    error = math.sqrt(variance / count)
    shrunken = mean * max(1.0 - error / mean, 0.0) if mean > 0.0 else 0.0
    return share * shrunken / variance


def binary_kelly_frac(p: float, b: float) -> float:
    """Return f* = p - (1 - p) / b of a bet that wins `b` with chance `p`; 0.0 where it loses."""
    return max(p - (1.0 - p) / b, 0.0) if b > 0.0 else 0.0


def result_r(trade: Trade) -> float | None:
    """Return a closed trade's result in multiples of its planned risk; None: it says nothing."""
    if trade.risk_usd <= 0.0 or trade.entry_qty <= 0 or trade.exit_qty < trade.entry_qty:
        return None
    return float(trade.result_usd) / trade.risk_usd
