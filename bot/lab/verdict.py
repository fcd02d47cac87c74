"""What many guarded runs say together: survival, budget kept, what protection cost."""

from collections.abc import Sequence
from statistics import mean, median

import numpy as np

from bot.lab.stress import Row

GAIN_MIN_FRAC = 0.10
"""Unguarded gains below this say nothing about how much of them is kept."""

Group = tuple[str, str, str, str, int, str, str, str]
Figures = dict[str, float | int | str | None]


def group_of(row: Row) -> Group:
    """Return what is held equal within a group; only the start differs."""
    return (
        row.data, row.symbols, row.hold, row.margin, row.leverage, row.profile, row.stop_fill,
        row.label,
    )  # fmt: skip


def verdicts(rows: Sequence[Row], budgets: dict[str, float]) -> list[Figures]:
    """Return one line per group of guarded rows.

    `budgets`: profile -> loss budget, a fraction. Unguarded rows of the same hold and start are
    looked up among `rows`; those at leverage 1 give the cost of the guard at equal size.
    """
    bare = {
        (r.data, r.symbols, r.hold, r.margin, r.leverage, r.start): r for r in rows if not r.guard
    }
    groups: dict[Group, list[Row]] = {}
    for row in rows:
        if row.guard and not row.error:
            groups.setdefault(group_of(row), []).append(row)
    return [_figures(key, group, bare, budgets) for key, group in groups.items()]


def _figures(
    key: Group,
    group: Sequence[Row],
    bare: dict[tuple[str, str, str, str, int, str], Row],
    budgets: dict[str, float],
) -> Figures:
    data, symbols, hold, margin, leverage, profile, stop_fill, label = key
    pairs = [(r, bare.get((data, symbols, hold, margin, leverage, r.start))) for r in group]
    alone = [(r, bare.get((data, symbols, hold, "isolated", 1, r.start))) for r in group]
    costs = [
        (other.return_frac * r.first_leverage - r.return_frac)
        for r, other in alone
        if other is not None and not other.error
    ]
    drawdowns = [r.max_drawdown_frac for r in group]
    budget = budgets.get(profile)
    days = sum(r.days for r in group)
    return {
        "data": data, "symbols": symbols, "hold": hold, "margin": margin, "leverage": leverage,
        "profile": profile, "stop_fill": stop_fill, "label": label, "runs": len(group),
        "liquidations": sum(r.liquidations for r in group),
        "liquidated_unguarded": sum(1 for _, o in pairs if o is not None and o.liquidations > 0),
        "max_drawdown_frac": max(drawdowns),
        "max_drawdown_first_bar_frac": next(
            (r.max_drawdown_frac for r in group if r.start == "first"), None
        ),
        "within_budget_frac": (
            None if budget is None else float(np.mean([d <= budget for d in drawdowns]))
        ),
        "worst_margin_ratio": max(r.worst_margin_ratio for r in group),
        "unprotected_s_max": max(r.unprotected_s_max for r in group),
        "return_median_frac": median(r.return_frac for r in group),
        "unguarded_return_median_frac": _median([o.return_frac for _, o in pairs if o is not None]),
        "gain_kept_frac": _kept([(r, o) for r, o in pairs if o is not None]),
        "same_size_gain_kept_frac": _kept_same_size([(r, o) for r, o in alone if o is not None]),
        "same_size_cost_median_frac": _median(costs),
        "same_size_cost_p90_frac": float(np.quantile(costs, 0.9)) if costs else None,
        "actions_a_day": sum(r.delever_actions for r in group) / days if days else None,
        "actions_a_day_max": max(r.actions_a_day_max for r in group),
        "fees_mean_usd": mean(r.fees_usd for r in group),
    }  # fmt: skip


def _median(values: Sequence[float]) -> float | None:
    return median(values) if values else None


def _kept(pairs: Sequence[tuple[Row, Row]]) -> float | None:
    """Return guarded over unguarded gains where the unguarded gain was worth keeping."""
    worth = [(r, o) for r, o in pairs if o.return_frac > GAIN_MIN_FRAC]
    whole = sum(o.return_frac for _, o in worth)
    return sum(r.return_frac for r, _ in worth) / whole if whole > 0.0 else None


def _kept_same_size(pairs: Sequence[tuple[Row, Row]]) -> float | None:
    """Return guarded gains over those of an unguarded position of the guard's first quantity."""
    sized = [(r.return_frac, o.return_frac * r.first_leverage) for r, o in pairs]
    worth = [(kept, gain) for kept, gain in sized if gain > GAIN_MIN_FRAC / 3.0]
    whole = sum(gain for _, gain in worth)
    return sum(kept for kept, _ in worth) / whole if whole > 0.0 else None
