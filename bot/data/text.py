"""A text file of rows (CSV, plain, zipped or gzipped) in typed columns, block by block.

Whatever cannot be read is refused in one line that names the file and the line in it.
"""

import gzip
import io
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from bot.data.arrays import Floats, Ints
from bot.data.sheet import EARLIEST_NS, LATEST_NS, Mask
from bot.domain.errors import DataInvalid

BLOCK_BYTES: Final = 8 << 20
LINE_BYTES_MAX: Final = 1 << 16
_SCALES: Final = (10**9, 10**6, 10**3, 1)
"""ns in s, ms, us and ns: instants of 2009..2100 in these units do not overlap."""
_BAD_FILE: Final = (OSError, EOFError, zlib.error, zipfile.BadZipFile, NotImplementedError)


class Cells:
    """Rows of one block, every cell as text, with the lines they stand on."""

    def __init__(self, path: Path, first_line: int, columns: dict[str, "pa.Array[Any]"]) -> None:
        self.path = path
        self._columns = columns
        self.lines: Ints = np.arange(len(self), dtype=np.int64) + first_line

    def __len__(self) -> int:
        return len(next(iter(self._columns.values())))

    def words(self, name: str) -> list[str]:
        """Return a column as it stands; none may be empty.

        Raises:
            DataInvalid: a cell is empty.
        """
        column = self._columns[name]
        self.refuse(pc.equal(pc.binary_length(column), 0), name, "is empty")
        return [str(word) for word in column.to_pylist()]

    def numbers(self, name: str, *, may_be_missing: bool = False) -> Floats:
        """Return a column as finite numbers; NaN only where missing is allowed.

        Raises:
            DataInvalid: a cell is empty or no finite number.
        """
        column = self._columns[name]
        empty = pc.equal(pc.binary_length(column), 0)
        given = pc.if_else(empty, "nan", column) if may_be_missing else None
        found: Floats = self._cast(name, pa.float64(), "is no number", given).to_numpy()
        may_be = np.asarray(empty, dtype=np.bool_) if may_be_missing else np.zeros(1, np.bool_)
        self.refuse(~np.isfinite(found) & ~may_be, name, "is no finite number")
        return found

    def instants(self, name: str) -> Ints:
        """Return a column as ns UTC: numbers of s, ms, us or ns, or text as 2026-01-31 17:05:00.

        Raises:
            DataInvalid: a cell is no instant in 2009..2100.
        """
        column = self._columns[name]
        if len(column) and "-" in str(column[0].as_py())[1:]:
            return self._dated(name)
        values: Ints = self._cast(name, pa.int64(), "is no instant").to_numpy()
        found = np.zeros(values.size, np.int64)
        for scale in _SCALES:
            fits = (values >= EARLIEST_NS // scale) & (values <= LATEST_NS // scale)
            found[fits] = values[fits] * scale
        self.refuse(found == 0, name, "is no instant in 2009..2100")
        return found

    def one_of(self, name: str, places: dict[str, int]) -> Ints:
        """Return what each word of a column stands for, in any case.

        Raises:
            DataInvalid: a word that is none of `places`.
        """
        coded = pc.dictionary_encode(pc.utf8_lower(self._columns[name]))
        labels = [str(word) for word in coded.dictionary.to_pylist()]
        known = np.array([places.get(word, -1) for word in labels], np.int64)
        found: Ints = known[coded.indices.to_numpy().astype(np.int64)]
        self.refuse(found < 0, name, f"is none of {', '.join(places)}")
        return found

    def refuse(self, bad: "Mask | pa.Array[Any]", name: str, what: str) -> None:
        """Raise for the first bad row.

        Raises:
            DataInvalid: a row is bad; the line names file and line.
        """
        rows = np.flatnonzero(np.asarray(bad, dtype=np.bool_))
        if rows.size:
            row = int(rows[0])
            shown = str(self._columns[name][row].as_py())[:40]
            raise DataInvalid(
                f"{self.path}: column {name!r}, line {self.lines[row]}: {what} ({shown!r}):"
                f" correct it, or fetch the file again"
            )

    def _dated(self, name: str) -> Ints:
        cleaned = pc.replace_substring_regex(
            self._columns[name], pattern=r"(Z|\+00:00| UTC)$", replacement=""
        )
        found = self._cast(name, pa.timestamp("ns"), "is no instant", pc.utf8_trim(cleaned, " "))
        values: Ints = found.cast(pa.int64()).to_numpy()
        bad = (values < EARLIEST_NS) | (values > LATEST_NS)
        self.refuse(bad, name, "is no instant in 2009..2100")
        return values

    def _cast(
        self, name: str, kind: pa.DataType, what: str, given: "pa.Array[Any] | None" = None
    ) -> "pa.Array[Any]":
        column = pc.utf8_trim(self._columns[name], " ") if given is None else given
        try:
            return pc.cast(column, kind)
        except pa.ArrowInvalid:
            self.refuse(_uncastable(column, kind), name, what)
            raise DataInvalid(f"{self.path}: column {name!r}: {what}") from None


def _uncastable(column: "pa.Array[Any]", kind: pa.DataType) -> npt.NDArray[np.bool_]:
    """Return which cells cannot be cast; halves that can are not looked at singly."""
    try:
        pc.cast(column, kind)
    except pa.ArrowInvalid:
        if len(column) == 1:
            return np.ones(1, np.bool_)
        half = len(column) // 2
        parts = (column.slice(0, half), column.slice(half))
        return np.concatenate([_uncastable(part, kind) for part in parts])
    return np.zeros(len(column), np.bool_)


def first_cells(path: Path) -> list[str]:
    """Return the cells of the first line, for telling formats apart.

    Raises:
        DataInvalid: the file cannot be read, or is empty.
    """
    try:
        with ExitStack() as stack:
            line = _opened(path, stack).readline(LINE_BYTES_MAX)
    except _BAD_FILE as error:
        raise DataInvalid(f"{path}: cannot be read ({_short(error)})") from None
    if not line.strip():
        raise DataInvalid(f"{path}: is empty")
    text = line.decode("utf-8-sig", errors="replace").strip()
    return [cell.strip().strip('"').strip() for cell in text.split(",")]


def is_header(cells: Sequence[str]) -> bool:
    """Tell whether a first line names columns: rows of all our formats begin with a number or day.

    An exchange's name in front of numbers is a row as well.
    """
    return not any(cell[:1].isdigit() for cell in cells)


def blocks(path: Path, columns: Sequence[str]) -> Iterator[Cells]:
    """Yield the rows of a CSV file; `columns` names them where the file has no header.

    Raises:
        DataInvalid: not readable, a row too short or long, or not text.
    """
    head = first_cells(path)
    named = is_header(head)
    names = head if named else list(columns)
    line = 2 if named else 1
    wrong: list[pacsv.InvalidRow] = []

    def met(row: pacsv.InvalidRow) -> str:
        wrong.append(row)
        return "error"

    try:
        with ExitStack() as stack:
            reader = pacsv.open_csv(
                _opened(path, stack),
                pacsv.ReadOptions(
                    use_threads=False, block_size=BLOCK_BYTES, column_names=names,
                    skip_rows=int(named),
                ),
                pacsv.ParseOptions(invalid_row_handler=met, ignore_empty_lines=False),
                pacsv.ConvertOptions(
                    column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
                ),
            )  # fmt: skip
            for batch in reader:
                if batch.num_rows:
                    yield Cells(path, line, dict(zip(names, batch.columns, strict=True)))
                line += batch.num_rows
    except pa.ArrowException as error:
        raise DataInvalid(_refusal(path, wrong, line, error)) from None
    except _BAD_FILE as error:
        raise DataInvalid(f"{path}: cannot be read to its end ({_short(error)})") from None


def _refusal(path: Path, wrong: list[pacsv.InvalidRow], line: int, error: Exception) -> str:
    if wrong and wrong[0].number is not None:
        row = wrong[0]
        return (
            f"{path}: line {row.number}: has {row.actual_columns} cells, {row.expected_columns}"
            f" are needed ({row.text[:40]!r}): correct it, or fetch the file again"
        )
    return f"{path}: line {line} or after it: not readable as CSV ({_short(error)})"


def _opened(path: Path, stack: ExitStack) -> IO[bytes]:
    if path.suffix == ".gz":
        file = stack.enter_context(path.open("rb"))
        return stack.enter_context(io.BufferedReader(gzip.GzipFile(fileobj=file)))
    if path.suffix != ".zip":
        return stack.enter_context(path.open("rb"))
    archive = stack.enter_context(zipfile.ZipFile(path))
    names = [each.filename for each in archive.infolist() if not each.is_dir()]
    if len(names) != 1:
        raise DataInvalid(f"{path}: holds {len(names)} files, one is needed")
    return stack.enter_context(archive.open(names[0]))


def _short(error: BaseException) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__
