"""What a table says as readings: in order of time, each day once, nothing before it was known."""

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

import msgspec

from bot.domain.errors import SourceFailed
from bot.domain.market import Reading
from bot.domain.messages import Event
from bot.domain.units import NS_PER_DAY
from bot.kernel.observe.readings import LIMITS
from bot.ports import SourceAnswer
from bot.sources.rows import CellInvalid, Row, Table, known_ns

KEPT_DAYS: Final = 150
"""Older rows are not told: the senses remember no further."""
AHEAD_NS: Final = 2 * NS_PER_DAY
"""A row of today is held back until it is known; one further ahead is a mistake."""


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """Under which name rows are told, where they come from, and when they were read."""

    source: str
    origin: str
    now_ns: int


class Found(NamedTuple):
    """A row's word: when it was known, what tells it from others, and what it says."""

    ns: int
    key: str
    value: float
    where: str


def gathered(
    table: Table, look: Look, read: Callable[[Row], Found | None]
) -> tuple[list[Found], list[str], int]:
    """Return what the rows say in order of time, a line for each bad row, and when more is due.

    Rows that are not known yet are held back: the third value says when the first becomes due
    (0: none). Of two rows that say different things for one instant the first counts.
    """
    seen: dict[tuple[int, str], Found] = {}
    faults = list(table.faults)
    due_ns = 0
    for row in table.rows:
        try:
            found = read(row)
        except CellInvalid as error:
            faults.append(f"{table.what}: {row.where}: {error}")
            continue
        if found is None:
            continue
        if found.ns > look.now_ns + AHEAD_NS:
            faults.append(f"{table.what}: {row.where}: lies in the future: correct its date")
        elif found.ns > look.now_ns:
            due_ns = min(due_ns, found.ns) if due_ns else found.ns
        elif (found.ns, found.key) not in seen:
            seen[found.ns, found.key] = found
        elif seen[found.ns, found.key].value != found.value:
            other = seen[found.ns, found.key].where
            faults.append(f"{table.what}: {row.where}: {other} says otherwise for the same time")
    ordered = sorted(seen.values(), key=lambda found: (found.ns, found.key))
    return ordered, faults, due_ns


def need(table: Table, *columns: str) -> None:
    """Refuse a table without its columns; a | b: either will do.

    Raises:
        SourceFailed: one is missing.
    """
    for column in columns:
        if not set(column.split(" | ")) & table.columns:
            known = ", ".join(sorted(table.columns)) or "none"
            known = "".join(c if c.isprintable() else "?" for c in known)  # it stays one line
            raise SourceFailed(f"{table.what}: no column {column}; columns: {known[:200]}")


def timed(cells: Callable[[Row], tuple[str, float] | None]) -> Callable[[Row], Found | None]:
    """Return a reader of rows that carry `time` or `date`, and what `cells` makes of the rest."""

    def read(row: Row) -> Found | None:
        told = cells(row)
        return None if told is None else Found(known_ns(row), told[0], told[1], row.where)

    return read


def readings(found: Iterable[Found], look: Look, half_life_ns: int) -> tuple[Event, ...]:
    """Return readings under their keys as names, those that are still remembered."""
    since_ns = look.now_ns - KEPT_DAYS * NS_PER_DAY
    return tuple(
        Reading(
            source=look.source,
            name=each.key,
            event_ns=each.ns,
            received_ns=look.now_ns,
            value=each.value,
            origin=look.origin,
            half_life_ns=half_life_ns,
        )
        for each in found
        if each.ns > since_ns
    )


def answer(
    table: Table, look: Look, read: Callable[[Row], Found | None], half_life_ns: int
) -> SourceAnswer:
    """Return the readings of a table."""
    found, faults, due_ns = gathered(table, look, read)
    return SourceAnswer(
        events=readings(found, look, half_life_ns), faults=tuple(faults), due_ns=due_ns
    )


def bounds(name: str) -> tuple[float, float]:
    """Return what the senses believe of a reading."""
    least, most, _ = LIMITS[name]
    return least, most
