"""Live market events into Parquet by kind, symbol and day: whole files only, whatever ends us.

What was heard waits in memory until `flush` writes it as a part of its day; a day that has ended
becomes one file. Parts and days appear by renaming.
"""

import json
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, get_type_hints

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from bot.data.placing import sync, write_table
from bot.domain.errors import DataInvalid
from bot.domain.market import (
    BookTop,
    FeedStatus,
    FundingRate,
    Liquidation,
    LiquidationSum,
    MarkPrice,
    OpenInterest,
    TradeBucket,
)
from bot.domain.messages import Event
from bot.domain.units import NS_PER_DAY, NS_PER_S

KINDS: Final[dict[type, str]] = {
    TradeBucket: "trades",
    MarkPrice: "marks",
    BookTop: "book",
    FundingRate: "funding",
    OpenInterest: "open_interest",
    Liquidation: "liquidations",
    LiquidationSum: "liquidation_sums",
    FeedStatus: "feeds",
}
BUFFER_ROWS_MAX: Final = 200_000
"""More than this is not kept in memory: it is written at once."""
NO_SYMBOL: Final = "all"
PART: Final = ".part.parquet"
_INSTANTS: Final = {"event_ns": "time", "received_ns": "received", "next_ns": "next"}
_STAMP: Final = pa.timestamp("ns", tz="UTC")


class Recorder:
    """Takes events of the feeds of one traded venue; `folder` is all its own."""

    def __init__(self, folder: Path, venue: str) -> None:
        self._folder = folder
        self._venue = venue
        self._rows: dict[tuple[type, str, int], list[Any]] = {}
        self._waiting = 0
        self.written = 0
        self.files = 0

    def take(self, event: Event) -> None:
        """Keep a market event until the next flush; others are not recorded.

        Raises:
            DataInvalid: memory was full and the disk does not take it.
        """
        if type(event) not in KINDS:
            return
        fact: Any = event
        key = (type(event), fact.symbol, fact.received_ns // NS_PER_DAY)
        self._rows.setdefault(key, []).append(event)
        self._waiting += 1
        if self._waiting >= BUFFER_ROWS_MAX:
            self.flush()

    def flush(self) -> None:
        """Write everything that waits, a part for each kind, symbol and day.

        Raises:
            DataInvalid: the disk does not take it; what was not written still waits.
        """
        for key in list(self._rows):
            rows = self._rows[key]
            kind, symbol, day = key
            place = self._folder / KINDS[kind] / _folder_name(symbol)
            path = place / f"{_day_name(day)}.{rows[0].received_ns:020d}{PART}"
            _write(path, _table(kind, rows, self._venue))
            del self._rows[key]
            self._waiting -= len(rows)
            self.written += len(rows)
            self.files += 1

    def close_days(self, now_ns: int) -> int:
        """Join the parts of every day before today into one file; return how many days.

        Raises:
            DataInvalid: a part cannot be read, or the disk does not take the file.
        """
        today = _day_name(now_ns // NS_PER_DAY)
        days: dict[Path, list[Path]] = {}
        for part in sorted(self._folder.glob(f"*/*/*{PART}")):
            name = part.name.split(".", 1)[0]
            if name < today:
                days.setdefault(part.with_name(f"{name}.parquet"), []).append(part)
        for whole, parts in days.items():
            _join(whole, parts)
        return len(days)

    def sweep(self) -> None:
        """Make the folder, and remove what a killed recorder had begun to write.

        Raises:
            DataInvalid: nothing can be written there.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self._folder):
                pass
        except OSError as error:
            raise DataInvalid(f"{self._folder}: cannot be written ({error.strerror})") from None
        for half in self._folder.glob("*/*/.*.half"):
            half.unlink(missing_ok=True)


def _join(whole: Path, parts: list[Path]) -> None:
    """Join parts into a day; a day that was joined before a kill knows its parts."""
    try:
        before = [pq.read_table(whole)] if whole.exists() else []
        known = _parts_of(before[0]) if before else []
        fresh = [part for part in parts if part.name not in known]
        if fresh:
            tables = [table.replace_schema_metadata(None) for table in before]
            tables += [pq.read_table(part) for part in fresh]
            names = json.dumps([*known, *(part.name for part in fresh)]).encode()
            _write(whole, pa.concat_tables(tables).replace_schema_metadata({b"parts": names}))
        for part in parts:
            part.unlink()
    except (pa.ArrowException, OSError) as error:
        line = " ".join(str(error).split())[:160]
        raise DataInvalid(f"{whole}: its parts cannot be joined ({line})") from None


def _parts_of(table: pa.Table) -> list[str]:
    found = (table.schema.metadata or {}).get(b"parts", b"[]")
    return [str(name) for name in json.loads(found)]


def _write(path: Path, table: pa.Table) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_table(path, table)
        sync(path.parent)
    except OSError as error:
        raise DataInvalid(f"{path}: cannot be written ({error.strerror or error})") from None


def _table(kind: type, rows: list[Any], venue: str) -> pa.Table:
    """Return events as columns; the traded venue stands where an event does not name one."""
    columns: dict[str, pa.Array[Any]] = {}
    hints = get_type_hints(kind)
    for field in msgspec.structs.fields(kind):
        values = [getattr(row, field.name) for row in rows]
        name = _INSTANTS.get(field.name, field.name)
        columns[name] = pa.array(_plain(values), _type(field.name, hints[field.name]))
    if "venue" not in columns:
        columns["venue"] = pa.repeat(pa.scalar(venue, pa.string()), len(rows))
    return pa.table(columns)


def _plain(values: Iterable[Any]) -> list[Any]:
    return [getattr(value, "value", value) for value in values]


def _type(name: str, hint: Any) -> pa.DataType:  # noqa: ANN401 - a type
    if name in _INSTANTS:
        return _STAMP
    if hint is bool:
        return pa.bool_()
    if hint is int:
        return pa.int64()
    return pa.float64() if hint in (float, float | None) else pa.string()


def _folder_name(symbol: str) -> str:
    return symbol.replace("/", "-").replace(":", "-") or NO_SYMBOL


def _day_name(day: int) -> str:
    return f"{datetime.fromtimestamp(day * (NS_PER_DAY // NS_PER_S), tz=UTC):%Y-%m-%d}"
