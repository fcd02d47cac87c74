"""freqtrade feather: BTC_USDT_USDT-5m-futures.feather, -mark and -funding_rate."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.feather

from bot.data.arrays import Floats
from bot.data.format import Candidate, Format, Given, Rows
from bot.data.freqtrade import named, rows_of
from bot.domain.errors import DataInvalid

COLUMNS = ("date", "open", "high", "low", "close", "volume")


def _claims(found: Candidate) -> bool:
    return found.path.suffix == ".feather"


def _read(found: Candidate, given: Given) -> Iterator[Rows]:
    what = named(found, given)
    table = _table(found)
    try:
        times = pc.cast(table["date"], pa.timestamp("ns", tz="UTC")).cast(pa.int64())
        numbers = {name: _numbers(table[name]) for name in COLUMNS[1:]}
    except pa.ArrowException as error:
        raise DataInvalid(f"{found.path}: {' '.join(str(error).split())[:120]}") from None
    columns: dict[str, Any] = {"date": pc.fill_null(times, 0).to_numpy(), **numbers}
    yield rows_of(what, columns, np.arange(table.num_rows, dtype=np.int64) + 1)


def _numbers(column: "pa.ChunkedArray[Any]") -> Floats:
    known = pc.fill_null(pc.cast(column, pa.float64()), float("nan"))
    numbers: Floats = known.to_numpy().astype(np.float64)
    return numbers


def _table(found: Candidate) -> pa.Table:
    try:
        table = pyarrow.feather.read_table(found.path, use_threads=False, memory_map=False)
        table.validate(full=True)
    except (pa.ArrowException, OSError, ValueError) as error:
        short = " ".join(str(error).split())[:120]
        raise DataInvalid(f"{found.path}: not readable as feather ({short})") from None
    missing = [name for name in COLUMNS if name not in table.schema.names]
    if missing:
        raise DataInvalid(f"{found.path}: column {missing[0]!r} is missing")
    if not pa.types.is_timestamp(table.schema.field("date").type):
        raise DataInvalid(f"{found.path}: column 'date' holds no timestamps")
    return table


FORMAT = Format("freqtrade-feather", "freqtrade: bars, marks, funding", _claims, _read)
