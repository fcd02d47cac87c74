"""Text into rows with a place each: CSV files, CSV answers and JSON answers alike."""

import csv
import io
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple

import msgspec

from bot.domain.errors import SourceFailed, VenueDataInvalid
from bot.domain.units import NS_PER_DAY, NS_PER_MS, NS_PER_S, finite

ROWS_MAX: Final = 20_000
NOTHING: Final = frozenset({"", "-", ".", "n/a", "na", "null", "none"})
"""How tables write that there is no value that day."""
_NUMBER: Final = re.compile(r"[+-]?(\d+|\d{1,3}(,\d{3})+)?(\.\d*)?([eE][+-]?\d{1,3})?", re.ASCII)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS: Final = (10**9, 10**10)
_MILLIS: Final = (10**12, 10**13)
_WRITTEN: Final = ("%Y-%m-%d", "%d %b %Y", "%d %B %Y")


class Row(NamedTuple):
    """One row: where it stands ("line 3", "row 0"), and its cells by column."""

    where: str
    cells: dict[str, str]


class Table(NamedTuple):
    """Rows of one file or answer; `faults` are lines about rows that are none."""

    what: str
    columns: frozenset[str]
    rows: list[Row]
    faults: list[str]


# ------------------------------------------------------------------ whole texts


def from_csv(data: bytes, what: str) -> Table:
    """Return the rows of a CSV text whose first line names the columns (any case).

    Raises:
        SourceFailed: it is not UTF-8, is empty, or has too many rows.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SourceFailed(f"{what}: byte {error.start} is not UTF-8 text: save it so") from None
    lines = _lines(text, what)
    header = next(lines, None)
    if header is None or isinstance(header[1], str):
        raise SourceFailed(f"{what}: no rows: the first line names the columns")
    columns = [cell.strip().lower() for cell in header[1]]
    if len(set(columns)) != len(columns):
        raise SourceFailed(f"{what}: line {header[0]} names a column twice")
    table = Table(what, frozenset(columns), [], [])
    for number, cells in lines:
        where = f"line {number}"
        if len(table.rows) + len(table.faults) >= ROWS_MAX:
            raise SourceFailed(f"{what}: more than {ROWS_MAX} rows: keep the newest")
        if isinstance(cells, str):
            table.faults.append(f"{what}: {where}: {cells}")
        elif len(cells) != len(columns):
            told = f"has {len(cells)} cells, the first line names {len(columns)}"
            table.faults.append(f"{what}: {where}: {told}")
        else:
            named = zip(columns, (cell.strip() for cell in cells), strict=True)
            table.rows.append(Row(where, dict(named)))
    return table


def _lines(text: str, what: str) -> Iterator[tuple[int, list[str] | str]]:
    """Yield (line number, cells or what is wrong) of the lines that are not blank."""
    del what
    first = text.lstrip().partition("\n")[0]
    delimiter = ";" if ";" in first and "," not in first else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield reader.line_num, f"cannot be read: {error}"
            continue
        if any(cell.strip() for cell in cells):
            yield reader.line_num, cells


def from_json(data: bytes, what: str, path: str = "") -> Table:
    """Return the objects of the array at `path` (keys joined by dots) of a JSON text.

    Raises:
        SourceFailed: it is no JSON, nothing is at the path, or it is too long.
    """
    found = decoded(data, what)
    for key in [key for key in path.split(".") if key]:
        if not isinstance(found, dict) or key not in found:
            raise SourceFailed(f"{what}: no {key!r} in the answer; was {short(found)}")
        found = found[key]
    if not isinstance(found, list):
        place = f" at {path!r}" if path else ""
        raise SourceFailed(f"{what}: an array is needed{place}, was {short(found)}")
    if len(found) > ROWS_MAX:
        raise SourceFailed(f"{what}: more than {ROWS_MAX} rows: ask for fewer")
    rows: list[Row] = []
    faults: list[str] = []
    for number, item in enumerate(found):
        if isinstance(item, dict):
            cells = {str(key).strip().lower(): _cell(value) for key, value in item.items()}
            rows.append(Row(f"row {number}", cells))
        else:
            faults.append(f"{what}: row {number}: an object is needed, was {short(item)}")
    return Table(what, frozenset(key for row in rows for key in row.cells), rows, faults)


def decoded(data: bytes, what: str) -> object:
    """Return a JSON text as plain values.

    Raises:
        SourceFailed: it is no JSON.
    """
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SourceFailed(f"{what}: the answer is not JSON: {str(error)[:120]}") from None


def _cell(value: object) -> str:
    if value is None:
        return ""
    return value.strip() if isinstance(value, str) else repr(value)


def short(value: object) -> str:
    """Return a value as it may stand in a line."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


# ------------------------------------------------------------------ one cell


class CellInvalid(Exception):
    """A cell says nothing that can be used; the message goes behind the place of its row."""


def cell(row: Row, column: str) -> str:
    """Return a cell that must say something."""
    text = row.cells.get(column, "")
    if text.lower() in NOTHING:
        raise CellInvalid(f"{column} is empty")
    return text


def number(row: Row, column: str, least: float, most: float, scale: float = 1.0) -> float:
    """Return a number times `scale` within bounds; (1.5) is minus 1.5, 1,234 is 1234."""
    text = cell(row, column)
    inner = f"-{text[1:-1]}" if text.startswith("(") and text.endswith(")") else text
    good = _NUMBER.fullmatch(inner) and any(sign.isdigit() for sign in inner)
    try:
        value = finite(inner.replace(",", ""), column) * scale if good else None
    except VenueDataInvalid:
        value = None
    if value is None or not least <= value <= most:
        wanted = f"a number from {least:g} to {most:g}"
        raise CellInvalid(f"{column} was {short(text)}, needed {wanted}")
    return value


def instant_ns(row: Row, column: str) -> int:
    """Return an instant in ns UTC: ISO 8601 with its offset, or seconds or ms since 1970."""
    text = cell(row, column)
    if text.isascii() and text.isdigit():
        value = int(text) if len(text) <= 20 else 0
        if _SECONDS[0] <= value < _SECONDS[1]:
            return value * NS_PER_S
        if _MILLIS[0] <= value < _MILLIS[1]:
            return value * NS_PER_MS
        raise CellInvalid(f"{column} was {short(text)}, needed seconds or milliseconds since 1970")
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        wanted = "an instant with its offset, as 2026-02-01T14:55:00Z"
        raise CellInvalid(f"{column} was {short(text)}, needed {wanted}")
    return _ns(found, column)


def _ns(found: datetime, column: str) -> int:
    try:
        return (found - _EPOCH) // timedelta(microseconds=1) * 1_000
    except OverflowError:
        raise CellInvalid(f"{column} was {found.isoformat()}, which is out of reach") from None


def day_end_ns(row: Row, column: str) -> int:
    """Return when the day in a cell closed: 24:00 UTC. Dates are 2026-02-01 or 1 Feb 2026."""
    text = cell(row, column)
    if text.isascii() and text.isdigit():
        return (instant_ns(row, column) // NS_PER_DAY + 1) * NS_PER_DAY
    day = _date(text)
    if day is None:
        raise CellInvalid(f"{column} was {short(text)}, needed a date as 2026-02-01")
    return (day.toordinal() - date(1970, 1, 1).toordinal() + 1) * NS_PER_DAY


def _date(text: str) -> date | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is not None:
        return found.date() if found.tzinfo is None else found.astimezone(UTC).date()
    for written in _WRITTEN:
        try:
            return datetime.strptime(text, written).replace(tzinfo=UTC).date()
        except ValueError:
            continue
    return None


def known_ns(row: Row) -> int:
    """Return when a row became known: its `time`, or the close of its `date`."""
    return instant_ns(row, "time") if "time" in row.cells else day_end_ns(row, "date")
