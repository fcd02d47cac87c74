"""`breakwater simulate`: the daemon in virtual time, under every fault, by seed."""

import os
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.console import Console

from bot.app.cli.grid import facts
from bot.app.cli.output import Document, JsonFlag, leave, show, whisper
from bot.domain.errors import ConfigInvalid

if TYPE_CHECKING:
    from bot.lab.simulation.campaign import Outcome

EXIT_VIOLATED = 3
KILLED_MIN = 0.95
SEEDS_MAX = 1_000_000
HOURS_MAX = 240.0


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(simulate)


def simulate(
    *,
    seeds: Annotated[
        str, typer.Option(metavar="A..B", help="Seeds to run, both ends; or one seed.")
    ] = "1..10",
    hours: Annotated[float, typer.Option(help="Simulated hours of each seed.")] = 3.0,
    jobs: Annotated[int, typer.Option(help="Processes; 0: one for each processor.")] = 0,
    mutants: Annotated[
        bool, typer.Option("--mutants", help="Show which safety mutants the seeds kill.")
    ] = False,
    only: Annotated[str, typer.Option(metavar="TEXT", help="Mutants whose name has this.")] = "",
    named: Annotated[
        bool, typer.Option("--named", help="Mutants live in the worlds named for them alone.")
    ] = False,
    shrink: Annotated[
        bool, typer.Option("--shrink", help="Leave out of a failing seed what it does not need.")
    ] = False,
    log: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write each seed there; go on after those it has."),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Run the whole daemon against the embedded exchange, with faults and kills, and judge it."""
    from bot.lab.simulation.summary import summed

    first, last = seed_range(seeds)
    if not 0.0 < hours <= HOURS_MAX:
        raise ConfigInvalid(f"--hours {hours}: choose more than 0 and at most {HOURS_MAX:.0f}")
    workers = jobs if jobs > 0 else os.cpu_count() or 1
    if mutants:
        given = range(first, last + 1)
        _hunt(given, hours, only, workers, named=named, as_json=as_json)
        return
    if shrink:
        _shrink(first, hours, as_json=as_json)
        return
    outcomes = _played(range(first, last + 1), hours, workers, log)
    document = summed(_told(outcomes))
    show({"first_seed": first, "last_seed": last, **document}, _render, as_json=as_json)
    if document["violations"] or document["bars_missed"]:
        leave(EXIT_VIOLATED)


def _played(seeds: range, hours: float, jobs: int, log: Path | None) -> "Iterator[Outcome]":
    """Return every seed in order: those that the log has, then the others as they come."""
    from bot.lab.simulation.campaign import many_seeds
    from bot.lab.simulation.ledger import kept, played

    if log is None:
        return many_seeds(seeds, hours, jobs=min(jobs, len(seeds)))
    known = played(log, hours)
    left = [seed for seed in seeds if seed not in known]
    whisper(f"{log}: {len(seeds) - len(left)} of {len(seeds)} seeds are there already")
    new = many_seeds(left, hours, jobs=min(jobs, max(len(left), 1)))
    return chain((known[seed] for seed in seeds if seed in known), kept(new, log, hours))


def _hunt(seeds: range, hours: float, only: str, jobs: int, *, named: bool, as_json: bool) -> None:
    """Print which mutants die: in the worlds named for them, then in all rows and the seeds."""
    from bot.lab.simulation.mutants.hunt import MUTANTS, hunt
    from bot.lab.simulation.mutants.trials import Noise, Trial, noises, prey_of, trials_of

    chosen = [mutant for mutant in MUTANTS if only in mutant.name]
    if not chosen:
        raise ConfigInvalid(f"--only {only[:40]!r}: no mutant has this in its name")
    noise: dict[Trial, Noise] = {}
    rows: dict[str, dict[str, object]] = {}
    left = chosen
    for near in (True,) if named else (True, False):
        wanted = [t for m in left for t in (prey_of(m) if near else trials_of(m, seeds, hours))]
        new = [trial for trial in dict.fromkeys(wanted) if trial not in noise]
        noise |= dict(zip(new, noises(new, jobs=jobs), strict=True))
        noisy = [trial.name for trial, one in noise.items() if one.broken]
        whisper(f"{len(left)} mutants, {len(noise)} worlds, not used: {', '.join(noisy) or 'none'}")
        for trophy in hunt(left, noise, jobs=jobs, seeds=seeds, hours=hours, named=near):
            fate = "killed" if trophy.killed else "SURVIVED"
            whisper(f"{fate} {trophy.name} {trophy.hours} h: {trophy.trial}: {trophy.by}")
            rows[trophy.name] = msgspec.to_builtins(trophy)
        left = [mutant for mutant in left if not rows[mutant.name]["killed"]]
    killed_frac = 1.0 - len(left) / len(chosen)
    document = {
        "mutants": len(chosen),
        "killed": len(chosen) - len(left),
        "killed_frac": round(killed_frac, 4),
        "noisy": [trial.name for trial, one in noise.items() if one.broken],
        "survivors": sorted(mutant.name for mutant in left),
        "rows": [rows[name] for name in sorted(rows)],
    }
    show(document, _render, as_json=as_json)
    if killed_frac < KILLED_MIN:
        leave(EXIT_VIOLATED)


def _shrink(seed: int, hours: float, *, as_json: bool) -> None:
    """Print the few faults that the violation of a seed needs."""
    from bot.lab.simulation.mix import draw
    from bot.lab.simulation.shrink import shrink

    kept, outcome = shrink(seed, hours, draw(seed, hours))
    document = {
        "seed": seed,
        "faults": [msgspec.to_builtins(fault) for fault in kept],
        "violations": [msgspec.to_builtins(found) for found in outcome.violations],
        "trace_hash": outcome.trace_hash,
    }
    show(document, _render, as_json=as_json)


def seed_range(text: str) -> tuple[int, int]:
    """Return first and last seed of "A..B" or "A".

    Raises:
        ConfigInvalid: it is no such range.
    """
    low, dots, high = text.partition("..")
    wrong = ConfigInvalid(f"--seeds {text[:40]!r}: write A..B with 0 <= A <= B, or one seed")
    try:
        first, last = int(low), int(high if dots else low)
    except ValueError:
        raise wrong from None
    if not 0 <= first <= last or last - first >= SEEDS_MAX:
        raise wrong
    return first, last


def _told(outcomes: "Iterator[Outcome]") -> "Iterator[Outcome]":
    for one in outcomes:
        for found in one.violations:
            whisper(f"seed {one.seed} at {found.at_s:.1f} s: {found.invariant}: {found.text}")
        if one.crash:
            whisper(f"seed {one.seed}: {one.crash}")
        yield one


def _render(document: Document, console: Console) -> None:
    rows = []
    for key, value in document.items():
        if key in ("violations", "rows"):
            rows.append((key, str(len(value))))
        elif isinstance(value, dict):
            rows.append((key, ", ".join(f"{name} {count}" for name, count in value.items())))
        else:
            rows.append((key, str(value)))
    console.print(facts("simulation", rows))
