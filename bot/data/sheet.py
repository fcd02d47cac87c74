"""One parquet file as typed numpy columns, each refusal naming file, column and row."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from typing_extensions import override

from bot.data.arrays import Floats, Ints
from bot.domain.errors import DataInvalid
from bot.domain.units import NS_PER_S

EARLIEST_NS: Final = 1_230_768_000 * NS_PER_S
"""1 January 2009: no coin is older."""
LATEST_NS: Final = 4_102_444_800 * NS_PER_S
"""1 January 2100."""
MAGNITUDE_MAX: Final = 1e18

Mask = npt.NDArray[np.bool_]


Fault = Literal["bad value", "bad bar", "unit jump", "overlap", "contradiction"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Rows (from 0) that cannot be believed, for one reason."""

    fault: Fault
    column: str
    what: str
    rows: Ints


class Sheet:
    """A parquet table with the columns a file of its kind must have."""

    def __init__(
        self, path: Path, table: pa.Table, origin: Callable[[int], tuple[str, str]] | None = None
    ) -> None:
        """Take a table; `origin` says of a row (from 0) from which file and place it came."""
        self.path = path
        self._table = table
        self._origin = origin or (lambda row: (str(path), f"row {row + 1}"))

    def __len__(self) -> int:
        return int(self._table.num_rows)

    def times(self, name: str) -> Ints:
        """Return a column of instants as int64 ns UTC (dates: their midnight).

        Raises:
            DataInvalid: another type, a missing value, or an instant outside 2009..2100.
        """
        column = self._whole(name)
        if not (pa.types.is_timestamp(column.type) or pa.types.is_date(column.type)):
            raise self._wrong_type(name, column.type, "a UTC timestamp")
        try:
            instants = pc.cast(column, pa.timestamp("ns", tz="UTC")).cast(pa.int64())
            instants = pc.fill_null(instants, 0)
        except pa.ArrowInvalid as error:
            raise DataInvalid(f"{self.path}: column {name!r}: {_line(error)}") from error
        values: Ints = instants.to_numpy().astype(np.int64)
        self.refuse((values < EARLIEST_NS) | (values > LATEST_NS), name, "is outside 2009..2100")
        return values

    def words(self, name: str) -> tuple[Ints, list[str]]:
        """Return a column of text as codes into a list of its distinct words.

        Raises:
            DataInvalid: another type, or a missing or empty value.
        """
        column = self._whole(name)
        kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
        if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
            raise self._wrong_type(name, column.type, "text")
        known = pc.fill_null(column.cast(pa.large_string()), "")
        encoded = pc.dictionary_encode(known).combine_chunks()
        if isinstance(encoded, pa.ChunkedArray):
            encoded = encoded.chunk(0)
        codes: Ints = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
        labels = [str(word) for word in encoded.dictionary.to_pylist()]
        blank = [code for code, word in enumerate(labels) if not word.strip()]
        self.refuse(np.isin(codes, blank), name, "is empty")
        return codes, labels

    def numbers(self, name: str, *, may_be_missing: bool = False) -> Floats:
        """Return a column of numbers as finite float64; NaN only where missing is allowed.

        Raises:
            DataInvalid: another type, a missing value, NaN, infinite or absurdly large.
        """
        column = self._column(name)
        if pa.types.is_null(column.type) and may_be_missing:
            return np.full(len(self), np.nan)
        numeric = (pa.types.is_floating, pa.types.is_integer, pa.types.is_decimal)
        if not any(check(column.type) for check in numeric):
            raise self._wrong_type(name, column.type, "a number")
        missing: Mask = column.is_null().to_numpy().astype(np.bool_)
        if not may_be_missing:
            self.refuse(missing, name, "is missing")
        values: Floats = pc.cast(column, pa.float64()).to_numpy().astype(np.float64)
        bad = ~np.isfinite(values) | (np.abs(values) > MAGNITUDE_MAX)
        self.refuse(bad & ~missing, name, "is not a finite number", values)
        return values

    def refuse(
        self,
        bad: Mask,
        name: str,
        what: str,
        values: Sequence[Any] | Floats | None = None,
        *,
        fault: Fault = "bad value",
    ) -> None:
        """Raise for the first row of `bad`, if any; rows count from 1.

        Raises:
            DataInvalid: a row is bad; the line names it, and how many more there are.
        """
        rows = np.flatnonzero(bad)
        if rows.size:
            shown = "" if values is None else f" ({values[int(rows[0])]})"
            self._meet(Finding(fault, name, f"{what}{shown}", rows))

    def place(self, row: int, seen_from: int) -> str:
        """Return where a row (from 0) came from; its file only where that of another differs."""
        path, place = self._origin(row)
        return place if path == self._origin(seen_from)[0] else f"{path}, {place}"

    def line(self, found: Finding) -> str:
        """Return what is wrong in one line."""
        path, place = self._origin(int(found.rows[0]))
        more = f" (and {found.rows.size - 1} more rows)" if found.rows.size > 1 else ""
        return (
            f"{path}: column {found.column!r}, {place}: {found.what}{more}:"
            f" correct or remove it, or fetch the file again"
        )

    def _meet(self, found: Finding) -> None:
        raise DataInvalid(self.line(found))

    def _whole(self, name: str) -> pa.ChunkedArray:
        column = self._column(name)
        if column.null_count:
            self.refuse(column.is_null().to_numpy().astype(np.bool_), name, "is missing")
        return column

    def _column(self, name: str) -> pa.ChunkedArray:
        return self._table.column(name)

    def _wrong_type(self, name: str, kind: pa.DataType, needed: str) -> DataInvalid:
        return DataInvalid(f"{self.path}: column {name!r} holds {kind}, {needed} is needed")


class Noting(Sheet):
    """A sheet that goes on after a bad row and keeps what was found, for a whole report."""

    def __init__(self, path: Path, table: pa.Table) -> None:
        super().__init__(path, table)
        self.found: list[Finding] = []

    @override
    def _meet(self, found: Finding) -> None:
        self.found.append(found)


def open_sheet(source: Path | Sheet, columns: Sequence[str]) -> Sheet:
    """Read the parquet file at `source`, which must have `columns`; others are left alone.

    A sheet that is open already is returned as it is.

    Raises:
        DataInvalid: missing, unreadable, not parquet, without a column, or without rows.
    """
    return source if isinstance(source, Sheet) else Sheet(source, read_table(source, columns))


def read_table(path: Path, columns: Sequence[str]) -> pa.Table:
    """Read `columns` of the parquet file at `path`.

    Raises:
        DataInvalid: as `open_sheet`.
    """
    if not path.is_file():
        raise DataInvalid(f"{path}: no such file")
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            _refuse_columns(path, list(file.schema_arrow.names), columns)
            table = file.read(columns=list(columns), use_threads=False)
            table.validate(full=True)
    except (pa.ArrowException, OSError, ValueError, MemoryError) as error:
        raise DataInvalid(f"{path}: not readable as parquet ({_line(error)})") from error
    if table.num_rows == 0:
        raise DataInvalid(f"{path}: holds no rows")
    return table


def _refuse_columns(path: Path, has: Sequence[str], needed: Sequence[str]) -> None:
    for name in needed:
        if name not in has:
            raise DataInvalid(
                f"{path}: column {name!r} is missing (it has {', '.join(has) or 'none'};"
                f" needed are {', '.join(needed)})"
            )
        if has.count(name) > 1:
            raise DataInvalid(f"{path}: column {name!r} is there twice")


def when(instant_ns: int) -> str:
    """Return an instant for people, to the second, UTC."""
    return f"{datetime.fromtimestamp(instant_ns // NS_PER_S, tz=UTC):%Y-%m-%dT%H:%M:%SZ}"


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__
