"""How much of a best result is luck: deflated Sharpe, overfitting, walk-forward, plateaus.

Sources: Bailey and Lopez de Prado, "The Deflated Sharpe Ratio" (2014); Bailey, Borwein, Lopez de
Prado and Zhu, "The Probability of Backtest Overfitting" (2015).
"""

import itertools
import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from bot.lab.sweep.space import Axis, Params

Floats = npt.NDArray[np.float64]
EULER = 0.5772156649015329
YEAR_DAYS = 365.0
BLOCKS = 10
BLOCK_DAYS_MIN = 2
FOLDS = 4


def sharpe(days: Floats) -> float:
    """Return mean over deviation of daily returns, not annualised; 0.0 of none or constant ones."""
    if days.size < 2:
        return 0.0
    deviation = float(days.std(ddof=1))
    return float(days.mean()) / deviation if deviation > 1e-12 else 0.0


def deflated_sharpe(days: Floats, tried: Sequence[float]) -> float | None:
    """Return the chance that the true Sharpe exceeds what luck gives the best of all `tried`.

    None with fewer than three days or two trials, or where nothing varies.
    """
    if days.size < 3 or len(tried) < 2:
        return None
    normal, count = NormalDist(), len(tried)
    spread = float(np.std(np.asarray(tried), ddof=1))
    by_luck = spread * (
        (1.0 - EULER) * normal.inv_cdf(1.0 - 1.0 / count)
        + EULER * normal.inv_cdf(1.0 - 1.0 / (count * math.e))
    )
    found = sharpe(days)
    centred = days - days.mean()
    variance = float((centred**2).mean())
    if variance <= 1e-18:
        return None
    skew = float((centred**3).mean()) / variance**1.5
    kurtosis = float((centred**4).mean()) / variance**2
    width = 1.0 - skew * found + (kurtosis - 1.0) / 4.0 * found**2
    if width <= 0.0:
        return None
    return normal.cdf((found - by_luck) * math.sqrt(days.size - 1) / math.sqrt(width))


def overfitting(table: Floats) -> float | None:
    """Return the probability that the best in one half of time is below the median in the other.

    `table`: daily returns, shape (days, trials). Time is cut into an even number of blocks, and
    every way of taking half of them as the sample is tried (combinatorially symmetric
    cross-validation). None with too few days or trials.
    """
    days, trials = table.shape
    blocks = min(BLOCKS, days // BLOCK_DAYS_MIN)
    blocks -= blocks % 2
    if blocks < 4 or trials < 2:
        return None
    parts = np.array_split(np.arange(days), blocks)
    lost = cases = 0
    for chosen in itertools.combinations(range(blocks), blocks // 2):
        inside = np.concatenate([parts[n] for n in chosen])
        outside = np.concatenate([parts[n] for n in range(blocks) if n not in chosen])
        best = int(np.argmax([sharpe(table[inside, n]) for n in range(trials)]))
        scores = np.array([sharpe(table[outside, n]) for n in range(trials)])
        beaten = float((scores < scores[best]).sum() + 0.5 * ((scores == scores[best]).sum() - 1))
        lost += beaten / (trials - 1) <= 0.5
        cases += 1
    return lost / cases


def walk_forward(table: Floats, embargo_days: int, folds: int = FOLDS) -> list[dict[str, Any]]:
    """Return per fold which trial was chosen on what lay before it, and how it then did.

    Days within `embargo_days` before a fold are not used to choose: positions reach across.
    """
    edges = np.linspace(0, table.shape[0], folds + 1).astype(int).tolist()
    rows = []
    for begin, end in itertools.pairwise(edges[1:]):
        known = table[: max(begin - embargo_days, 0)]
        if known.shape[0] < 2 or end <= begin:
            continue
        scores = [sharpe(known[:, n]) for n in range(table.shape[1])]
        best = int(np.argmax(scores))
        after = table[begin:end, best]
        rows.append(
            {
                "from_day": begin, "to_day": end, "trial": best,
                "sharpe_before": scores[best] * math.sqrt(YEAR_DAYS),
                "sharpe_after": sharpe(after) * math.sqrt(YEAR_DAYS),
                "return_after_frac": float(np.prod(1.0 + after) - 1.0),
            }
        )  # fmt: skip
    return rows


def neighbours(sets: Sequence[Params], axes: Sequence[Axis]) -> list[list[int]]:
    """Return for each set the numbers of the sets at most one step away on every axis."""
    places = {axis.name: {value: n for n, value in enumerate(axis.values)} for axis in axes}
    spots = [tuple(places[axis.name][one[axis.name]] for axis in axes) for one in sets]
    at = {spot: n for n, spot in enumerate(spots)}
    steps = list(itertools.product((-1, 0, 1), repeat=len(axes)))
    out = []
    for spot in spots:
        around = (tuple(a + b for a, b in zip(spot, step, strict=True)) for step in steps)
        out.append([at[near] for near in around if near in at and near != spot])
    return out


def plateau(
    sets: Sequence[Params], axes: Sequence[Axis], scores: Sequence[float]
) -> list[dict[str, Any]]:
    """Return every set with its score and those of its neighbours, the safest plateau first.

    A set is ranked by the lesser of its own score and the middle of its neighbours': a lonely peak
    ranks by its slopes. Sets without a neighbour come last.
    """
    rows = []
    for number, near in enumerate(neighbours(sets, axes)):
        around = [scores[n] for n in near]
        middle = float(np.median(around)) if around else scores[number]
        rows.append(
            {
                "trial": number, "params": sets[number], "score": scores[number],
                "neighbours": len(near), "plateau": min(scores[number], middle),
                "plateau_worst": min([scores[number], *around]),
            }
        )  # fmt: skip
    return sorted(
        rows, key=lambda r: (r["neighbours"] == 0, -r["plateau"], -r["plateau_worst"], r["trial"])
    )
