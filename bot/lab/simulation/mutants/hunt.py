"""Runs mutants in processes of their own until the monitors see them, or the hours are over."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

import msgspec

from bot.lab.simulation.faults import Fault
from bot.lab.simulation.mutants.mutant import Mutant, read_mutants
from bot.lab.simulation.mutants.patch import infect

MUTANTS = read_mutants()
BARS = {"unprotected": (0.3, 5.0), "deleverage": (2.0, 2.0)}
"""What is measured -> most that p50 and p99 may be, in seconds."""
SAMPLES_MIN = 30
ALONE = ("bot.runtime.coverage", "bot.runtime.proof", "bot.runtime.rescue")
"""Modules that guard a position twice over: half of their hours the kernel places no stop."""


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
    from bot.lab.simulation.mix import draw

    spent = 0.0
    alone = mutant.module in ALONE
    samples: dict[str, list[float]] = {name: [] for name in BARS}
    for number, seed in enumerate(seeds):
        muted = alone and number % 2 == 0
        faults = draw(seed, hours)
        found = one_seed(seed, hours, [*faults, mute(hours)] if muted else faults)
        spent += found.hours
        if muted:
            found = msgspec.structs.replace(found, samples={})
        for name in BARS:
            samples[name] += found.samples.get(name, [])
        seen = [f"{one.invariant}: {one.text}" for one in found.violations]
        by = seen[0] if seen else found.crash or slow(samples)
        if by:
            return Trophy(name=mutant.name, killed=True, hours=round(spent, 2), by=by[:160])
    return Trophy(name=mutant.name, killed=False, hours=round(spent, 2), by="")


def mute(hours: float) -> Fault:
    """Return a window over all hours in which the kernel's stops do not leave."""
    return Fault(kind="mute_kernel", at_s=0.0, for_s=hours * 3_600.0, serial=1)


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
