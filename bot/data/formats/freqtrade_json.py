"""freqtrade JSON: BTC_USDT_USDT-5m-futures.json or .json.gz, a list of [ms, o, h, l, c, v]."""

import gzip
import zlib
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np

from bot.data.format import Candidate, Format, Given, Rows
from bot.data.freqtrade import named, rows_of
from bot.domain.errors import DataInvalid

COLUMNS = ("date", "open", "high", "low", "close", "volume")
NS_PER_MS = 1_000_000


def _claims(found: Candidate) -> bool:
    return found.path.name.endswith((".json", ".json.gz"))


def _read(found: Candidate, given: Given) -> Iterator[Rows]:
    what = named(found, given)
    rows = _list(found)
    for number, row in enumerate(rows, 1):
        if not isinstance(row, list) or len(row) != len(COLUMNS) or not all(map(_number, row)):
            raise DataInvalid(
                f"{found.path}: row {number}: is no [ms, open, high, low, close, volume]"
                f" ({str(row)[:60]})"
            )
    table = np.array(rows, dtype=np.float64).reshape(len(rows), len(COLUMNS))
    columns: dict[str, Any] = {name: table[:, n] for n, name in enumerate(COLUMNS)}
    columns["date"] = np.array([int(row[0]) for row in rows], dtype=np.int64) * NS_PER_MS
    yield rows_of(what, columns, np.arange(len(rows), dtype=np.int64) + 1)


def _number(cell: object) -> bool:
    return isinstance(cell, int | float) and not isinstance(cell, bool) and abs(cell) < 1e18


def _list(found: Candidate) -> list[Any]:
    try:
        data = found.path.read_bytes()
        rows = msgspec.json.decode(gzip.decompress(data) if found.path.suffix == ".gz" else data)
    except (OSError, EOFError, zlib.error, msgspec.DecodeError) as error:
        raise DataInvalid(f"{found.path}: not readable as JSON ({str(error)[:120]})") from None
    if not isinstance(rows, list) or not rows:
        raise DataInvalid(f"{found.path}: holds no list of rows")
    return rows


FORMAT = Format("freqtrade-json", "freqtrade: bars, marks, funding", _claims, _read)
