"""Made-up markets of the bench, always the same: a year of minutes, and a day of events.

The recipe (order of draws, seeds, constants) is that of the public bench specification, so that
other engines can be measured on the same numbers.
"""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Columns = dict[str, Any]
FIRST_MS = 1_704_067_200_000
"""1 January 2024, 00:00 UTC."""
MINUTE_MS, DAY_MS = 60_000, 86_400_000
STEPS_A_MINUTE = 4
STEPS_A_DAY = 1_440 * STEPS_A_MINUTE


def made_bars(count: int = 525_600, seed: int = 20_240_101) -> Columns:
    """Return columns ts (ms UTC), open, high, low, close, volume of one-minute bars."""
    dice = np.random.Generator(np.random.PCG64(seed))
    steps = count * STEPS_A_MINUTE
    noise = dice.standard_normal(steps) * (0.00055 / np.sqrt(STEPS_A_MINUTE))
    swing = dice.standard_normal(steps) * 0.006
    volatility = np.clip(_regimes(swing), 0.4, 2.5)
    chance = 0.3 / STEPS_A_DAY
    jumps = (dice.random(steps) < chance) * dice.standard_normal(steps) * 0.008
    walked = _pulled(noise * volatility + jumps, 1.0 / (STEPS_A_DAY * 12))
    path = np.round(79_000 * np.exp(walked), 1).reshape(count, STEPS_A_MINUTE)
    close = path[:, -1]
    gaps = np.round(dice.standard_normal(count) * 2, 1)
    first = np.round(np.concatenate(([79_000.0], close[:-1])) + gaps, 1)
    return {
        "ts": np.int64(FIRST_MS) + np.arange(count, dtype=np.int64) * MINUTE_MS,
        "open": first,
        "high": np.maximum(path.max(1), np.maximum(first, close)),
        "low": np.minimum(path.min(1), np.minimum(first, close)),
        "close": close,
        "volume": np.round(np.exp(dice.standard_normal(count) * 0.7 + 2.5), 3),
    }


def _regimes(swing: Floats) -> Floats:
    """Return a slowly moving factor of volatility from its steps."""
    out = np.empty(swing.size)
    level = 0.0
    for at, step in enumerate(swing.tolist()):
        level += -level * 1.2e-4 + step
        out[at] = math.exp(level)
    return out


def _pulled(steps: Floats, pull: float) -> Floats:
    """Return the walk of `steps` that is pulled back to zero."""
    out = np.empty(steps.size)
    level = 0.0
    for at, step in enumerate(steps.tolist()):
        level += pull * (0.0 - level) + step
        out[at] = level
    return out


def made_events(
    trades: int = 2_000_000, marks: int = 86_400, liquidations: int = 20_000, seed: int = 7
) -> Columns:
    """Return columns ts (ms UTC), kind (0 trade, 1 mark, 2 liquidation), px, qty, side of a day.

    Side 1 is a buying trade, or a liquidated long.
    """
    dice = np.random.Generator(np.random.PCG64(seed))
    trade_ms = np.sort(dice.integers(0, DAY_MS, trades)).astype(np.int64)
    steps = dice.standard_normal(trades) * 0.00003
    steps += (dice.random(trades) < 2e-5) * dice.standard_normal(trades) * 0.004
    trade_px = np.round(76_500 * np.exp(_pulled(steps, 4e-6)), 1)
    trade_qty = np.round(np.exp(dice.standard_normal(trades)) * 0.05 + 0.001, 3)
    trade_side = (dice.random(trades) < 0.5).astype(np.int8)
    mark_ms = np.arange(marks, dtype=np.int64) * 1_000 + 500
    drift = 1 + dice.standard_normal(marks) * 0.00002
    mark_px = np.round(_last_before(mark_ms, trade_ms, trade_px) * drift, 1)
    hit_ms = np.sort(dice.integers(0, DAY_MS, liquidations)).astype(np.int64)
    hit_px = _last_before(hit_ms, trade_ms, trade_px)
    hit_qty = np.round(np.exp(dice.standard_normal(liquidations) * 1.3) * 0.08 + 0.001, 3)
    hit_side = (dice.random(liquidations) < 0.5).astype(np.int8)
    sizes = (trades, marks, liquidations)
    kind = np.repeat(np.arange(3, dtype=np.int8), sizes)
    ms = np.concatenate((trade_ms, mark_ms, hit_ms))
    order = np.lexsort((kind, ms))
    return {
        "ts": ms[order] + FIRST_MS,
        "kind": kind[order],
        "px": np.concatenate((trade_px, mark_px, hit_px))[order],
        "qty": np.concatenate((trade_qty, np.zeros(marks), hit_qty))[order],
        "side": np.concatenate((trade_side, np.zeros(marks, np.int8), hit_side))[order],
    }


def _last_before(ms: npt.NDArray[np.int64], known_ms: npt.NDArray[np.int64], px: Floats) -> Floats:
    at = np.clip(np.searchsorted(known_ms, ms) - 1, 0, px.size - 1)
    out: Floats = px[at]
    return out


MAKERS: dict[str, Callable[[], Columns]] = {"bars": made_bars, "events": made_events}


def make_file(name: str, path: Path) -> None:
    """Write the columns of `name` ("bars" or "events") to `path`, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part.npz")
    np.savez(part, **MAKERS[name]())
    part.replace(path)
