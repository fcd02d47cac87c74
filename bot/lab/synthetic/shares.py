"""Held positions through many generated cascades: shares that were liquidated, with intervals."""

import hashlib
import math
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np

from bot.data.folder import Folder
from bot.domain.account import MarginMode
from bot.domain.policy import Policy
from bot.lab.options import Hold, ReplayOptions, ReplayResult, Silence
from bot.lab.pool import spread
from bot.lab.record import Record
from bot.lab.replay import replay_material
from bot.lab.synthetic.cascades import KINDS, Cascade, cascade, seeds_of
from bot.lab.synthetic.hazard import Hazard, fitted

Z95 = 1.959964
PERCENTILES = (0.05, 0.5, 0.95)
DRAWS = 2_000


class Trial(NamedTuple):
    """What is held through every cascade."""

    hazard: Hazard
    policy: Policy
    symbol: str
    hold: Hold
    leverage: int
    stop_fill: Any


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """One cascade lived through twice, guarded and not; fractions of the first equity."""

    seed: int
    kind: str
    fall_frac: float
    gap_frac: float
    guarded_liquidations: int
    unguarded_liquidations: int
    guarded_drawdown_frac: float
    unguarded_drawdown_frac: float
    guarded_return_frac: float
    unguarded_return_frac: float


def hazard_of(folders: Sequence[Folder], symbol: str) -> Hazard:
    """Return the laws fitted to the closes of a symbol in every folder that holds it."""
    found = [folder.finest(symbol) for folder in folders if _holds(folder, symbol)]
    return fitted([rows.close.tolist() for rows in found])


def _holds(folder: Folder, symbol: str) -> bool:
    return any(key[0] == symbol for key in folder.candles)


def live_through(trial: Trial, seed: int) -> Outcome:
    """Play cascade `seed` guarded and unguarded: the same bars, the same failures."""
    given = cascade(seed, trial.hazard, trial.symbol, sign=1 if trial.hold == "long" else -1)
    guarded, bare = (play_cascade(trial, given, guard=guard) for guard in (True, False))
    return Outcome(
        seed=seed,
        kind=given.kind,
        fall_frac=given.fall_frac,
        gap_frac=given.gap_frac,
        guarded_liquidations=guarded.liquidations,
        unguarded_liquidations=bare.liquidations,
        guarded_drawdown_frac=guarded.max_drawdown_frac,
        unguarded_drawdown_frac=bare.max_drawdown_frac,
        guarded_return_frac=guarded.return_frac,
        unguarded_return_frac=bare.return_frac,
    )


def play_cascade(trial: Trial, given: Cascade, *, guard: bool) -> ReplayResult:
    """Hold what the trial says through one cascade; a hedge shares one wallet."""
    silence = None
    if given.deaf_until_ns:
        silence = Silence(given.deaf_from_ns, given.deaf_until_ns, given.all_deaf)
    margin = MarginMode.ISOLATED if given.adl is None else MarginMode.CROSS
    options = ReplayOptions(
        data=Path(f"cascade-{given.seed}"), policy=trial.policy, symbols=(trial.symbol,),
        hold=trial.hold, leverage=trial.leverage, guard=guard, stop_fill=trial.stop_fill,
        seed=given.seed, sense_on=False, silence=silence, slip_fast_bps=given.slip_fast_bps,
        margin=margin, adl=given.adl,
    )  # fmt: skip
    return replay_material(given.material, options)


class Lived(msgspec.Struct, frozen=True):
    """One line of a record: the leverage at which a cascade was lived through."""

    leverage: int
    outcome: Outcome


def record_of(path: Path, trial: Trial) -> Record[Lived]:
    """Return the record of every outcome under these laws and this policy, at any leverage."""
    asked = (trial.hazard, trial.policy, trial.symbol, trial.hold, trial.stop_fill)
    digest = hashlib.sha256(msgspec.json.encode(asked, order="sorted")).hexdigest()[:32]
    return Record(path, Lived, digest, "stress", "--record")


def run_trials(
    trial: Trial,
    count: int,
    jobs: int,
    told: Callable[[int], None],
    record: Record[Lived] | None = None,
) -> list[Outcome]:
    """Play the first `count` cascades on `jobs` processes; `told` hears how many are done.

    What `record` holds is not played again; every other outcome is put there before the next.
    Outcomes are returned in the order of the cascades.
    """
    seeds = seeds_of(count)
    known = record.open() if record is not None else []
    done = {
        each.outcome.seed: each.outcome
        for each in known
        if each.leverage == trial.leverage and each.outcome.seed in seeds
    }
    wanted = {seed: seed for seed in seeds if seed not in done}
    for seed, outcome in spread(partial(live_through, trial), wanted, jobs):
        done[seed] = outcome
        if record is not None:
            record.add(Lived(trial.leverage, outcome))
        told(len(done))
    return [done[seed] for seed in seeds]


def judged(trial: Trial, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Return shares with Wilson intervals, percentiles with bootstrap intervals, by kind and all.

    `within_reach` leaves out cascades in which one gap is wider than the way to liquidation of
    the position as it was opened.
    """
    reach = 1.0 / trial.leverage
    near = [o for o in outcomes if o.gap_frac < reach]
    return {
        "hold": trial.hold,
        "leverage": trial.leverage,
        "symbol": trial.symbol,
        "cascades": len(outcomes),
        "hazard": msgspec.structs.asdict(trial.hazard),
        "guarded": share([o.guarded_liquidations > 0 for o in outcomes]),
        "unguarded": share([o.unguarded_liquidations > 0 for o in outcomes]),
        "guarded_within_reach": share([o.guarded_liquidations > 0 for o in near]),
        "aim": "guarded at most 0.5 % where no gap exceeds the liquidation distance",
        "guarded_drawdown": percentiles([o.guarded_drawdown_frac for o in outcomes]),
        "unguarded_drawdown": percentiles([o.unguarded_drawdown_frac for o in outcomes]),
        "drawdown_saved": percentiles(
            [o.unguarded_drawdown_frac - o.guarded_drawdown_frac for o in outcomes]
        ),
        "guarded_return": percentiles([o.guarded_return_frac for o in outcomes]),
        "unguarded_return": percentiles([o.unguarded_return_frac for o in outcomes]),
        "kinds": [
            _kind(kind, [o for o in outcomes if o.kind == kind])
            for kind in KINDS
            if any(o.kind == kind for o in outcomes)
        ],
    }


def _kind(kind: str, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    return {
        "kind": kind,
        "cascades": len(outcomes),
        "fall_median_frac": float(np.median([o.fall_frac for o in outcomes])),
        "guarded": share([o.guarded_liquidations > 0 for o in outcomes]),
        "unguarded": share([o.unguarded_liquidations > 0 for o in outcomes]),
        "guarded_drawdown_max_frac": max(o.guarded_drawdown_frac for o in outcomes),
    }


def share(hits: Sequence[bool]) -> dict[str, float | int | None]:
    """Return the share of true ones with its Wilson interval of 95 %; None of nothing."""
    count, found = len(hits), sum(hits)
    if count == 0:
        return {"count": 0, "of": 0, "share": None, "low": None, "high": None}
    part = found / count
    widened = 1.0 + Z95**2 / count
    middle = (part + Z95**2 / (2 * count)) / widened
    half = Z95 / widened * math.sqrt(part * (1.0 - part) / count + Z95**2 / (4 * count**2))
    return {
        "count": found, "of": count, "share": part,
        "low": max(middle - half, 0.0), "high": min(middle + half, 1.0),
    }  # fmt: skip


def percentiles(values: Sequence[float]) -> list[dict[str, float]]:
    """Return the 5th, 50th and 95th percentile, each with a bootstrap interval of 95 %."""
    data = np.asarray(values, float)
    if data.size == 0:
        return []
    dice = np.random.default_rng(data.size)
    picks = dice.integers(0, data.size, (DRAWS, data.size))
    drawn = np.quantile(data[picks], PERCENTILES, axis=1)
    return [
        {
            "percentile": 100.0 * point,
            "value": float(np.quantile(data, point)),
            "low": float(np.quantile(row, 0.025)),
            "high": float(np.quantile(row, 0.975)),
        }
        for point, row in zip(PERCENTILES, drawn, strict=True)
    ]
