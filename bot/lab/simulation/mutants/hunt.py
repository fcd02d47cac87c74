"""Runs mutants in processes of their own until the monitors see them, or the hours are over."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

import msgspec

from bot.lab.simulation.mutants.mutant import Mutant, read_mutants
from bot.lab.simulation.mutants.patch import infect

MUTANTS = read_mutants()
BARS = {"unprotected": (0.3, 5.0), "deleverage": (2.0, 2.0)}
"""What is measured -> most that p50 and p99 may be, in seconds."""
SAMPLES_MIN = 30


class Trophy(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one mutant."""

    name: str
    killed: bool
    hours: float
    by: str


def hunt(
    mutants: Sequence[Mutant], seeds: Sequence[int], hours: float, *, jobs: int
) -> Iterator[Trophy]:
    """Run every mutant over `seeds` until it is killed.

    The seeds must be ones in which the code as it is breaks nothing: that is the noise.
    """
    work = partial(_hunted, seeds=tuple(seeds), hours=hours)
    context = get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context, max_tasks_per_child=1) as pool:
        yield from pool.map(work, mutants)


def _hunted(mutant: Mutant, seeds: tuple[int, ...], hours: float) -> Trophy:
    infect(mutant)
    from bot.lab.simulation.campaign import one_seed

    spent = 0.0
    samples: dict[str, list[float]] = {name: [] for name in BARS}
    for seed in seeds:
        found = one_seed(seed, hours)
        spent += found.hours
        for name in BARS:
            samples[name] += found.samples.get(name, [])
        seen = [f"{one.invariant}: {one.text}" for one in found.violations]
        by = seen[0] if seen else found.crash or slow(samples)
        if by:
            return Trophy(name=mutant.name, killed=True, hours=round(spent, 2), by=by[:160])
    return Trophy(name=mutant.name, killed=False, hours=round(spent, 2), by="")


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
