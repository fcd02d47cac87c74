"""What a long campaign has played so far, one line a seed, so that it can go on after an end."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from bot.domain.errors import DataInvalid
from bot.lab.simulation.campaign import Outcome


class Entry(msgspec.Struct, frozen=True):
    """One seed that was played for so many hours."""

    hours: float
    outcome: Outcome


def played(path: Path, hours: float) -> dict[int, Outcome]:
    """Return what `path` holds of runs of `hours`, by seed; a last line that was cut is dropped.

    Raises:
        DataInvalid: it holds something else, or runs of another length.
    """
    if not path.exists():
        return {}
    text = path.read_bytes()
    whole = text.rfind(b"\n") + 1
    if whole < len(text):
        path.write_bytes(text[:whole])
    found: dict[int, Outcome] = {}
    for number, line in enumerate(text[:whole].splitlines(), start=1):
        try:
            entry = msgspec.json.decode(line, type=Entry)
        except msgspec.MsgspecError as error:
            raise DataInvalid(f"{path}, line {number}: {error}: name another file") from error
        if entry.hours != hours:
            raise DataInvalid(
                f"{path}, line {number}: a run of {entry.hours:g} hours, not {hours:g}: "
                "name another file"
            )
        found[entry.outcome.seed] = entry.outcome
    return found


def kept(outcomes: Iterable[Outcome], path: Path, hours: float) -> Iterator[Outcome]:
    """Hand on what comes, each written down before."""
    with path.open("ab") as file:
        for outcome in outcomes:
            file.write(msgspec.json.encode(Entry(hours, outcome)) + b"\n")
            file.flush()
            yield outcome
