"""One sweep: sets chosen, trials played and recorded, all of them judged together."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

import msgspec
import numpy as np

from bot.domain.errors import ConfigInvalid
from bot.lab.sweep.crew import played
from bot.lab.sweep.judge import (
    YEAR_DAYS,
    deflated_sharpe,
    overfitting,
    plateau,
    sharpe,
    walk_forward,
)
from bot.lab.sweep.ledger import Ledger, Trial
from bot.lab.sweep.space import Axis, Params, drawn, grid

Method = Literal["grid", "random", "halving"]
SHARES = (0.25, 0.5, 1.0)
KEEP = 0.5
"""Halving plays a quarter of the time, then half, then all; half of the sets go on each time."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be swept and how."""

    axes: tuple[Axis, ...]
    method: Method
    trials: int
    seed: int
    processes: int
    cluster: str
    embargo_days: int


Play = Callable[[Params, float], Trial]
Told = Callable[[int, int], None]


class Player(msgspec.Struct, frozen=True):
    """A picklable call: plays one (set, share) pair."""

    play: Any

    def __call__(self, job: tuple[Params, float]) -> Trial:
        """Return what became of the job."""
        done: Trial = self.play(*job)
        return done


def sets_of(asked: Asked) -> list[Params]:
    """Return the sets that are played at first."""
    if asked.method == "grid":
        return grid(asked.axes)
    return drawn(asked.axes, asked.trials, asked.seed)


def sweep(asked: Asked, play: Play, ledger: Ledger, told: Told) -> dict[str, Any]:
    """Play what the ledger does not hold yet, and return the judgement over all trials.

    Raises:
        ConfigInvalid: every trial failed; the first reason is told.
    """
    shares = SHARES if asked.method == "halving" else (1.0,)
    chosen, trials = sets_of(asked), []
    for rung, share in enumerate(shares):
        trials = _rung(asked, play, ledger, chosen, share, told)
        if rung + 1 < len(shares):
            ranked = sorted(trials, key=lambda t: (-score(t), t.key))
            keep = max(2, round(len(ranked) * KEEP))
            kept = {trial.key for trial in ranked[:keep]}
            chosen = [t.params for t in trials if t.key in kept]
    sound = [trial for trial in trials if not trial.error]
    if not sound:
        raise ConfigInvalid(f"sweep: no trial could be played: {trials[0].error}")
    return judged(asked, sound, ledger)


def _rung(
    asked: Asked, play: Play, ledger: Ledger, sets: Sequence[Params], share: float, told: Told
) -> list[Trial]:
    wanted = [Trial(params=params, share=share) for params in sets]
    missing = [(t.params, t.share) for t in wanted if t.key not in ledger.done]
    count = len(wanted) - len(missing)
    told(count, len(wanted))
    for trial in _new(asked, play, missing):
        ledger.add(trial)
        count += 1
        told(count, len(wanted))
    return [ledger.done[trial.key] for trial in wanted]


def _new(asked: Asked, play: Play, jobs: list[tuple[Params, float]]) -> Iterator[Trial]:
    if jobs:
        yield from played(Player(play), jobs, processes=asked.processes, cluster=asked.cluster)


def all_days(trial: Trial) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """Return the daily returns of all folders one after another, by folder name."""
    return np.array([value for name in sorted(trial.days) for value in trial.days[name]], float)


def score(trial: Trial) -> float:
    """Return the daily Sharpe over all folders; minus infinity of a failed trial."""
    return float("-inf") if trial.error else sharpe(all_days(trial))


def judged(asked: Asked, trials: Sequence[Trial], ledger: Ledger) -> dict[str, Any]:
    """Return table, plateau map and what luck explains, over everything that was ever tried."""
    table = np.stack([all_days(trial) for trial in trials], axis=1)
    scores = [sharpe(table[:, n]) for n in range(table.shape[1])]
    tried = [score(trial) for trial in ledger.done.values() if not trial.error]
    best = int(np.argmax(scores))
    year = YEAR_DAYS**0.5
    map_rows = plateau([t.params for t in trials], asked.axes, [s * year for s in scores])
    return {
        "method": asked.method,
        "tried": len(ledger.done),
        "failed": sum(1 for trial in ledger.done.values() if trial.error),
        "days": table.shape[0],
        "plateau": map_rows,
        "best": {
            "params": trials[best].params,
            "sharpe": scores[best] * year,
            "deflated_sharpe": deflated_sharpe(table[:, best], tried),
        },
        "chosen": map_rows[0]["params"],
        "overfitting_probability": overfitting(table),
        "walk_forward": walk_forward(table, asked.embargo_days),
        "embargo_days": asked.embargo_days,
        "trials": [_row(trial, s * year) for trial, s in zip(trials, scores, strict=True)],
    }


def _row(trial: Trial, annual: float) -> dict[str, Any]:
    days = all_days(trial)
    return {
        "params": trial.params,
        "share": trial.share,
        "sharpe": annual,
        "return_frac": float(np.prod(1.0 + days) - 1.0),
        "max_drawdown_frac": trial.max_drawdown_frac,
        "trades": trial.trades,
        "liquidations": trial.liquidations,
    }
