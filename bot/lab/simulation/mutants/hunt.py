"""Runs mutants in processes of their own until the monitors see them, or the trials are over."""

import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from multiprocessing import get_context
from types import FrameType

import msgspec

from bot.lab.simulation.mutants.mutant import Mutant, read_mutants
from bot.lab.simulation.mutants.patch import infect
from bot.lab.simulation.mutants.trials import Noise, Trial, lived, louder, prey_of, trials_of

MUTANTS = read_mutants()
BARS = {"unprotected": (0.3, 5.0), "deleverage": (2.0, 2.0)}
"""What is measured -> most that p50 and p99 may be under the mix, in seconds."""
SAMPLES_MIN = 30
CPU_MAX_S = 600.0


class Trophy(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one mutant."""

    name: str
    killed: bool
    hours: float
    by: str
    trial: str = ""


class Hung(SystemExit):
    """A mutant that computes for ever; nothing between here and there may catch it."""


def hunt(
    mutants: Sequence[Mutant],
    noise: dict[Trial, Noise],
    *,
    jobs: int,
    seeds: Sequence[int] = (),
    hours: float = 0.0,
    named: bool = False,
) -> Iterator[Trophy]:
    """Run every mutant through its trials that are in `noise` and that the code as it is passes.

    `named`: no further than the worlds that the list names for it. Trophies come as they are won,
    in no order.
    """
    calm = {trial: one for trial, one in noise.items() if not one.broken}
    work = partial(_hunted, seeds=tuple(seeds), hours=hours, noise=calm, named=named)
    context = get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context, max_tasks_per_child=1) as pool:
        for won in as_completed([pool.submit(work, mutant) for mutant in mutants]):
            yield won.result()


def _hunted(
    mutant: Mutant,
    seeds: tuple[int, ...],
    hours: float,
    noise: dict[Trial, Noise],
    *,
    named: bool,
) -> Trophy:
    infect(mutant)
    signal.signal(signal.SIGVTALRM, _give_up)
    signal.setitimer(signal.ITIMER_VIRTUAL, CPU_MAX_S, 10.0)
    spent = 0.0
    samples: dict[str, list[float]] = {name: [] for name in BARS}
    for trial in prey_of(mutant) if named else trials_of(mutant, seeds, hours):
        if trial not in noise:
            continue
        try:
            found = lived(trial, to_first=True)
        except Hung:
            return Trophy(
                name=mutant.name, killed=True, hours=round(spent, 2), by="hung", trial=trial.name
            )
        spent += found.hours
        if not trial.row and not trial.without:
            for name in BARS:
                samples[name] += found.samples.get(name, [])
        by = louder(trial, found, noise[trial]) or slow(samples)
        if by:
            return Trophy(
                name=mutant.name, killed=True, hours=round(spent, 2), by=by[:160], trial=trial.name
            )
    return Trophy(name=mutant.name, killed=False, hours=round(spent, 2), by="")


def _give_up(_number: int, _frame: FrameType | None) -> None:
    raise Hung(1)


def slow(samples: dict[str, list[float]]) -> str:
    """Return which bar the measured times break; empty: none, or too few to say."""
    for name, (median, high) in BARS.items():
        ordered = sorted(samples[name])
        if len(ordered) < SAMPLES_MIN:
            continue
        middle, tail = ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99)]
        if middle > median or tail > high:
            return f"{name}: p50 {middle:.2f} s, p99 {tail:.2f} s"
    return ""
