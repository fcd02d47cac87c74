"""Rows from many files as the tables of a data folder: sorted, each told once, all believable."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from bot.data.arrays import Ints
from bot.data.files import Told
from bot.data.folder import READERS
from bot.data.format import Column, Rows
from bot.data.kinds import COLUMNS, SCHEMAS
from bot.data.sheet import Sheet, read_table


@dataclass(frozen=True, slots=True)
class Merged:
    """One table, and what was made of the rows that were given."""

    table: pa.Table
    series: tuple[Told, ...]
    given: int
    """Rows that were read from foreign files."""

    @property
    def repeats(self) -> int:
        """Rows that were told more than once, with what the folder had before."""
        return sum(each.series.repeats for each in self.series)


def merged(folder: Path, rows: Iterable[Rows]) -> dict[str, Merged]:
    """Join `rows` by file with what `folder` holds of that file already.

    Raises:
        DataInvalid: a row that cannot be believed, or that contradicts another: the line names
            the files and lines.
    """
    kinds: dict[str, list[Rows]] = {}
    for each in rows:
        if len(each):
            kinds.setdefault(each.kind, []).append(each)
    return {kind: _joined(folder / kind, parts) for kind, parts in sorted(kinds.items())}


def _joined(path: Path, parts: list[Rows]) -> Merged:
    before = path.is_file()
    tables = [read_table(path, COLUMNS[path.name]).cast(SCHEMAS[path.name])] if before else []
    tables += [table_of(each) for each in parts]
    starts = np.cumsum([0, *(table.num_rows for table in tables)])
    whole = pa.concat_tables(tables)

    def origin(row: int) -> tuple[str, str]:
        part = int(np.searchsorted(starts, row, side="right")) - 1
        inside = row - int(starts[part])
        if before and part == 0:
            return str(path), f"row {inside + 1}"
        found = parts[part - int(before)]
        return str(found.path), f"{found.counted_in} {found.lines[inside]}"

    told: list[Told] = []
    READERS[path.name](Sheet(path, whole, origin), told.append)
    kept: Ints = np.concatenate([each.series.rows for each in told])
    return Merged(whole.take(pa.array(kept)), tuple(told), sum(len(each) for each in parts))


def table_of(rows: Rows) -> pa.Table:
    """Return rows as a table with the columns of their file, in its order."""
    schema = SCHEMAS[rows.kind]
    arrays = [_array(rows.columns[field.name], field.type, len(rows)) for field in schema]
    return pa.Table.from_arrays(arrays, schema=schema)


def _array(column: Column, kind: pa.DataType, count: int) -> "pa.Array[Any]":
    if isinstance(column, str):
        return pa.repeat(pa.scalar(column, pa.string()), count)
    if isinstance(column, list):
        return pa.array(column, pa.string())
    return pa.array(column).cast(kind)
