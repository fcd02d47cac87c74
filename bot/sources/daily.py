"""A table of days, on the web or in a file: which columns say what, and days as readings."""

from collections.abc import Callable
from typing import Final, Literal

import msgspec

from bot.domain.errors import SourceFailed
from bot.ports import SourceAnswer
from bot.sources.rows import NOTHING, Row, Table, from_csv, from_json, number
from bot.sources.told import Look, answer, bounds, need, timed

DATE: Final = "date"
VALUE: Final = "value"


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """Where date and value stand in a table that somebody else lays out."""

    kind: Literal["csv", "json"] = "csv"
    rows_at: str = ""
    """JSON: keys to the array of rows, joined by dots."""
    date_column: str = DATE
    value_column: str = VALUE
    scale: float = 1.0
    """What 1 in the table is in the reading's unit: 1e6 for a table in millions."""

    def raw(self, body: bytes, what: str) -> Table:
        """Return the table with its own columns.

        Raises:
            SourceFailed: it cannot be read.
        """
        csv = self.kind == "csv"
        return from_csv(body, what) if csv else from_json(body, what, self.rows_at)

    def table(self, body: bytes, what: str) -> Table:
        """Return the table with its two columns under our names.

        Raises:
            SourceFailed: it cannot be read, or a column is missing.
        """
        parsed = self.raw(body, what)
        date, value = self.date_column.lower(), self.value_column.lower()
        if not parsed.rows and not parsed.faults:
            raise SourceFailed(f"{what}: the table has no rows")
        need(parsed, date, value)
        rows = [
            Row(row.where, {DATE: row.cells.get(date, ""), VALUE: row.cells.get(value, "")})
            for row in parsed.rows
        ]
        return Table(what, frozenset((DATE, VALUE)), rows, parsed.faults)


def days(
    table: Table, look: Look, name: str, half_life_ns: int, scale: float = 1.0
) -> SourceAnswer:
    """Return one reading a day; a day without a value is a hole, not a fault.

    Raises:
        SourceFailed: a column is missing.
    """
    need(table, "time | date", VALUE)
    return answer(table, look, timed(value_of(lambda _: name, name, scale)), half_life_ns)


def value_of(
    name_of: Callable[[Row], str], kind: str, scale: float = 1.0
) -> Callable[[Row], tuple[str, float] | None]:
    """Return what reads a row's value within what the senses believe of readings of a kind."""
    least, most = bounds(kind)

    def read(row: Row) -> tuple[str, float] | None:
        if row.cells[VALUE].lower() in NOTHING:
            return None
        return name_of(row), number(row, VALUE, least, most, scale)

    return read
