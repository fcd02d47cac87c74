"""Shrinks the list of faults of a seed to the few that a violation needs."""

from collections.abc import Callable, Sequence

from bot.lab.simulation.campaign import Outcome, one_seed
from bot.lab.simulation.faults import Fault

Try = Callable[[Sequence[Fault]], bool]


def shrink(
    seed: int, hours: float, faults: Sequence[Fault], *, tries_max: int = 200
) -> tuple[list[Fault], Outcome]:
    """Return a list from which no part can be left out, and what it comes to.

    A list counts as failing when it breaks an invariant that the whole list breaks.
    """
    first = one_seed(seed, hours, faults)
    wanted = {violation.invariant for violation in first.violations}
    if not wanted:
        return list(faults), first
    end_s = min(violation.at_s for violation in first.violations)
    shorter = min(hours, (end_s + 60.0) / 3_600.0)
    kept = [fault for fault in faults if fault.at_s <= end_s]
    worst = {v.invariant for v in first.violations if v.at_s <= end_s}

    def fails(some: Sequence[Fault]) -> bool:
        found = one_seed(seed, shorter, some)
        return any(violation.invariant in worst for violation in found.violations)

    kept = smallest(kept, fails, tries_max)
    return kept, one_seed(seed, shorter, kept)


def smallest(faults: Sequence[Fault], fails: Try, tries_max: int) -> list[Fault]:
    """Leave out halves, quarters and so on while what is left still fails."""
    kept = list(faults)
    size, tries = max(len(kept) // 2, 1), 0
    while kept and tries < tries_max:
        at, smaller = 0, False
        while at < len(kept) and tries < tries_max:
            some = kept[:at] + kept[at + size :]
            tries += 1
            if fails(some):
                kept, smaller = some, True
            else:
                at += size
        if size == 1 and not smaller:
            break
        size = max(size // 2, 1)
    return kept
