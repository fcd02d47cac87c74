"""Many seeds: each run in a process of a pool, results summed as they come."""

import gc
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

import msgspec
from loguru import logger

from bot.domain.units import NS_PER_H
from bot.lab.simulation.faults import Fault
from bot.lab.simulation.mix import draw
from bot.lab.simulation.monitors.verdicts import Violation
from bot.lab.simulation.run import Run
from bot.lab.simulation.timeline import START_NS


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What one seed came to."""

    seed: int
    hours: float
    intents: int
    orders: int
    kills: int
    lives: int
    faults: dict[str, int]
    marks: dict[str, int]
    samples: dict[str, list[float]]
    violations: list[Violation]
    trace_hash: str
    crash: str = ""
    """The error that ended the simulation itself; empty: none did."""


def one_seed(
    seed: int, hours: float, faults: Sequence[Fault] | None = None, *, to_first: bool = False
) -> Outcome:
    """Simulate one seed; with `faults` under those instead of its own.

    `to_first`: no further than to the first violation.
    """
    logger.disable("bot")
    gc.disable()  # cycles are few between two lives, looking for them costs a tenth of the time
    gc.freeze()  # between two lives only what this seed made is looked through
    try:
        return _one(seed, hours, faults, to_first=to_first)
    finally:
        gc.unfreeze()
        gc.enable()
        logger.enable("bot")


def _one(seed: int, hours: float, faults: Sequence[Fault] | None, *, to_first: bool) -> Outcome:
    mix = draw(seed, hours) if faults is None else faults
    run = Run(seed, hours, mix, to_first=to_first)
    crash = ""
    try:
        run.go()
    except Exception as error:  # noqa: BLE001 - told: a broken simulation is a result of the seed
        crash = f"{type(error).__name__}: {error}"
    return Outcome(
        seed=seed,
        hours=min((run.world.now_ns - START_NS) / NS_PER_H, hours),
        intents=run.sends.intents,
        orders=run.sends.orders,
        kills=run.kills,
        lives=run.lives,
        faults=dict(sorted(run.world.board.hits.items())),
        marks=dict(sorted(run.world.marks.items())),
        samples=run.verdicts.samples,
        violations=run.verdicts.violations,
        trace_hash=run.world.trace.digest(),
        crash=crash,
    )


def many_seeds(seeds: Iterable[int], hours: float, *, jobs: int) -> Iterator[Outcome]:
    """Simulate every seed, in the order of the seeds."""
    if jobs <= 1:
        for seed in seeds:
            yield one_seed(seed, hours)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield from pool.map(partial(one_seed, hours=hours), list(seeds))
