"""What a mutant must live through: directed worlds first, then hours of the mix; and the noise."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TYPE_CHECKING, Final

import msgspec

from bot.lab.simulation.faults import Fault
from bot.lab.simulation.mutants.mutant import Mutant

if TYPE_CHECKING:
    from bot.lab.simulation.campaign import Outcome

ALONE: Final = ("bot.runtime.coverage", "bot.runtime.proof", "bot.runtime.rescue")
"""Modules that guard a position a second time: they live all worlds without a kernel as well."""
ROW_SEEDS: Final = (11, 12)
"""Every row is lived so often: the first for the mutant, all of them for the noise."""
TIMES: Final = ("unprotected", "deleverage", "orphan", "belief", "wallet", "external")
"""Measured times of which a mutant's may not stand out."""
SLOWER_S: Final = 5.0
MIDDLE_SLOWER_S: Final = 1.5
MORE_TIMES, MORE_ORDERS = 3, 20


class Trial(msgspec.Struct, frozen=True):
    """One world: a row by name, or a seed's own mix; `without` "kernel" or "coverage", if so."""

    row: str
    seed: int
    hours: float
    without: str = ""

    @property
    def name(self) -> str:
        """What it is called in a report."""
        how = f" without {self.without}" if self.without else ""
        return f"{self.row or 'mix'} {self.seed}{how}"


class Noise(msgspec.Struct, frozen=True):
    """What the code as it is comes to in a trial: the worst of its seeds."""

    broken: bool
    middle_s: dict[str, float]
    worst_s: dict[str, float]
    orders: int
    struck: bool


def prey_of(mutant: Mutant) -> list[Trial]:
    """Return the worlds that the list of mutants names for this one."""
    from bot.lab.simulation.rows import HOURS

    found = []
    for world in mutant.worlds:
        row, _, without = world.partition(" without ")
        found.append(Trial(row, ROW_SEEDS[0], HOURS, without))
    return found


def trials_of(mutant: Mutant, seeds: Sequence[int], hours: float) -> list[Trial]:
    """Return the trials of a mutant in order: the worlds named for it, the others, the seeds."""
    from bot.lab.simulation.rows import HOURS, ROWS

    alone = ("kernel", "") if mutant.module in ALONE else ("",)
    found = prey_of(mutant)
    found += [Trial(row, ROW_SEEDS[0], HOURS, without) for without in alone for row in ROWS]
    found += [Trial("", seed, hours, without) for seed in seeds for without in alone]
    return list(dict.fromkeys(found))


def lived(trial: Trial, *, to_first: bool = False, seed: int | None = None) -> "Outcome":
    """Live a trial once, with another seed when one is given."""
    from bot.lab.simulation.campaign import one_seed
    from bot.lab.simulation.mix import draw
    from bot.lab.simulation.rows import faults_of

    number = trial.seed if seed is None else seed
    if trial.row:
        faults = faults_of(trial.row, without=trial.without)
    else:
        faults = [*draw(number, trial.hours), *([mute(trial.hours)] if trial.without else [])]
    return one_seed(number, trial.hours, faults, to_first=to_first)


def mute(hours: float) -> Fault:
    """Return a window over all hours in which the kernel's stops do not leave."""
    return Fault(kind="mute_kernel", at_s=0.0, for_s=hours * 3_600.0, serial=1)


def noise_of(trial: Trial) -> Noise:
    """Live a trial with the code as it is, a row with several seeds, and return the worst."""
    seeds = ROW_SEEDS if trial.row and not trial.without else (trial.seed,)
    outcomes = [lived(trial, seed=seed) for seed in seeds]
    return Noise(
        broken=any(one.violations or one.crash for one in outcomes),
        middle_s={name: max(middle_s(one, name) for one in outcomes) for name in TIMES},
        worst_s={name: max(worst_s(one, name) for one in outcomes) for name in TIMES},
        orders=max(one.orders for one in outcomes),
        struck=has_struck(trial, outcomes[0]),
    )


def noises(trials: Sequence[Trial], *, jobs: int) -> Iterator[Noise]:
    """Return the noise of every trial, in their order."""
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield from pool.map(noise_of, trials)


def worst_s(outcome: "Outcome", name: str) -> float:
    """Return the longest time of a kind in a trial, in seconds."""
    return max(outcome.samples.get(name, ()), default=0.0)


def middle_s(outcome: "Outcome", name: str) -> float:
    """Return the median time of a kind in a trial, in seconds; nothing measured: 0.0."""
    found = sorted(outcome.samples.get(name, ()))
    return found[len(found) // 2] if found else 0.0


def has_struck(trial: Trial, outcome: "Outcome") -> bool:
    """Tell whether the fault of a row struck; of a mix it is not asked."""
    from bot.lab.simulation.rows import struck

    return not trial.row or struck(trial.row, {**outcome.marks, **outcome.faults})


def louder(trial: Trial, outcome: "Outcome", noise: Noise) -> str:
    """Return by what a trial's outcome stands out of the noise; empty: it does not."""
    if outcome.violations:
        first = outcome.violations[0]
        return f"{first.invariant}: {first.text}"
    if outcome.crash:
        return outcome.crash
    for name in TIMES:
        worst, middle = worst_s(outcome, name), middle_s(outcome, name)
        if worst > noise.worst_s[name] + SLOWER_S:
            return f"{name}: {worst:.1f} s, as it is {noise.worst_s[name]:.1f} s"
        if middle > noise.middle_s[name] + MIDDLE_SLOWER_S:
            return f"{name}: median {middle:.1f} s, as it is {noise.middle_s[name]:.1f} s"
    if outcome.orders > MORE_TIMES * noise.orders + MORE_ORDERS:
        return f"{outcome.orders} orders, as it is {noise.orders}"
    if noise.struck and not has_struck(trial, outcome):
        return "what the row is about never came to pass"
    return ""
