"""Announced events: windows in which Threat does not fall below a floor."""

from typing import Final

from bot.domain.market import EventCalendar, EventWindow
from bot.domain.units import NS_PER_DAY
from bot.kernel.assess.threat import EVENT_FLOOR
from bot.ports import SourceAnswer
from bot.sources.rows import NOTHING, CellInvalid, Row, Table, cell, instant_ns, number, short
from bot.sources.told import Look, need

NAME: Final = "event_calendar"
TITLE_MAX: Final = 120
WINDOW_MAX_NS: Final = 14 * NS_PER_DAY
PAST_NS: Final = NS_PER_DAY
"""Windows that ended longer ago are not told."""


def from_rows(table: Table, look: Look) -> SourceAnswer:
    """Return the calendar of a table: `start`, `end`, `title`, perhaps `floor` and `symbol`.

    Raises:
        SourceFailed: a column is missing.
    """
    need(table, "start", "end", "title")
    windows: list[EventWindow] = []
    faults = list(table.faults)
    for row in table.rows:
        try:
            window = _window(row)
        except CellInvalid as error:
            faults.append(f"{table.what}: {row.where}: {error}")
            continue
        if window.end_ns > look.now_ns - PAST_NS and window not in windows:
            windows.append(window)
    ordered = sorted(windows, key=lambda w: (w.start_ns, w.end_ns, w.title, w.symbol, w.floor))
    return SourceAnswer(events=(calendar(ordered, look),), faults=tuple(faults))


def calendar(windows: list[EventWindow], look: Look) -> EventCalendar:
    """Return windows as the source's whole calendar."""
    return EventCalendar(look.source, look.now_ns, look.now_ns, tuple(windows), look.origin)


def _window(row: Row) -> EventWindow:
    start_ns, end_ns = instant_ns(row, "start"), instant_ns(row, "end")
    if not 0 < end_ns - start_ns <= WINDOW_MAX_NS:
        days = WINDOW_MAX_NS // NS_PER_DAY
        raise CellInvalid(f"end must lie after start, at most {days} days")
    title = cell(row, "title")
    if len(title) > TITLE_MAX or not title.isprintable():
        raise CellInvalid(f"title was {short(title)}, needed at most {TITLE_MAX} plain characters")
    floor = EVENT_FLOOR
    if row.cells.get("floor", "").lower() not in NOTHING:
        value = number(row, "floor", 2.0, 5.0)
        floor = int(value)
        if value != floor:
            raise CellInvalid(f"floor was {value:g}, needed 2, 3, 4 or 5")
    symbol = row.cells.get("symbol", "")
    return EventWindow(title, start_ns, end_ns, floor, "" if symbol.lower() in NOTHING else symbol)
