"""Our own recordings (`breakwater record`): ticks folded into what a replay reads."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bot.data.arrays import Floats, Ints
from bot.data.folder import CANDLES, FUNDING, LIQUIDATION_EVENTS, LIQUIDATIONS, MARK_CANDLES
from bot.data.format import Candidate, Column, Format, Given, Rows, frame_word
from bot.data.sheet import Mask
from bot.domain.errors import DataInvalid
from bot.domain.units import NS_PER_MIN, NS_PER_S

EDGE_NS = 5 * NS_PER_S
"""A minute whose first or last seconds were not heard is not made into a bar."""


def _kind(found: Candidate) -> str:
    parts = found.path.absolute().parts
    return parts[-3] if len(parts) > 2 else ""


def _claims(found: Candidate) -> bool:
    return found.path.suffix == ".parquet" and _kind(found) in (*_READERS, *_LEFT)


def _read(found: Candidate, given: Given) -> Iterator[Rows]:
    del given
    try:
        table = pq.read_table(found.path).sort_by("time")
    except (pa.ArrowException, OSError) as error:
        line = " ".join(str(error).split())[:120]
        raise DataInvalid(f"{found.path}: not readable as parquet ({line})") from None
    reader = _READERS.get(_kind(found))
    if reader is not None:
        yield from reader(found, table)


def _bars(found: Candidate, table: pa.Table) -> Iterator[Rows]:
    """Fold trades: a bucket tells high, low and last; the first price of a bar is the last before.

    A minute without a trade is not made up.
    """
    at = _instants(table)
    high, low, last, qty = (_numbers(table, name) for name in ("high", "low", "last", "qty"))
    minutes, first, end = _minutes(at)
    whole = _whole(at, minutes, first, end)
    before = np.concatenate(([last[0]], last[:-1]))[first]
    highs, lows = np.maximum.reduceat(high, first), np.minimum.reduceat(low, first)
    columns: dict[str, Column] = {
        "time": (minutes * NS_PER_MIN)[whole],
        **_named(table),
        "timeframe": "1m",
        "open": before[whole],
        "high": np.maximum(highs, before)[whole],
        "low": np.minimum(lows, before)[whole],
        "close": last[end][whole],
        "volume": np.add.reduceat(qty, first)[whole],
    }
    yield Rows(CANDLES, columns, found.path, first[whole] + 1, "row")


def _marks(found: Candidate, table: pa.Table) -> Iterator[Rows]:
    at, mark = _instants(table), _numbers(table, "mark")
    minutes, first, end = _minutes(at)
    whole = _whole(at, minutes, first, end)
    columns: dict[str, Column] = {
        "time": (minutes * NS_PER_MIN)[whole],
        **_named(table),
        "timeframe": "1m",
        "open": mark[first][whole],
        "high": np.maximum.reduceat(mark, first)[whole],
        "low": np.minimum.reduceat(mark, first)[whole],
        "close": mark[end][whole],
        "volume": np.zeros(int(whole.sum())),
    }
    yield Rows(MARK_CANDLES, columns, found.path, first[whole] + 1, "row")


def _funding(found: Candidate, table: pa.Table) -> Iterator[Rows]:
    paid = table.filter(pc.field("settled"))
    hours = _numbers(paid, "interval_s") / 3_600
    columns: dict[str, Column] = {
        "time": _instants(paid),
        "venue": [str(name) for name in paid["venue"].to_pylist()],
        "symbol": [str(name) for name in paid["symbol"].to_pylist()],
        "rate": _numbers(paid, "rate_frac"),
        "interval_hours": hours,
    }
    yield Rows(FUNDING, columns, found.path, np.arange(hours.size, dtype=np.int64) + 1, "row")


def _events(found: Candidate, table: pa.Table) -> Iterator[Rows]:
    columns: dict[str, Column] = {
        "time": _instants(table),
        "venue": [str(name) for name in table["venue"].to_pylist()],
        "symbol": [str(name) for name in table["symbol"].to_pylist()],
        "side": [str(side).lower() for side in table["side"].to_pylist()],
        "price": _numbers(table, "price"),
        "qty": _numbers(table, "qty"),
    }
    rows = np.arange(table.num_rows, dtype=np.int64) + 1
    yield Rows(LIQUIDATION_EVENTS, columns, found.path, rows, "row")


def _sums(found: Candidate, table: pa.Table) -> Iterator[Rows]:
    windows = [int(each) for each in table["window_s"].to_pylist()]
    columns: dict[str, Column] = {
        "time": _instants(table) - np.array(windows, np.int64) * NS_PER_S,
        "venue": [str(name) for name in table["venue"].to_pylist()],
        "symbol": [str(name) for name in table["symbol"].to_pylist()],
        "window": [frame_word(each) for each in windows],
        "long_usd": _numbers(table, "long_usd"),
        "short_usd": _numbers(table, "short_usd"),
    }
    rows = np.arange(table.num_rows, dtype=np.int64) + 1
    yield Rows(LIQUIDATIONS, columns, found.path, rows, "row")


def _minutes(at: Ints) -> tuple[Ints, Ints, Ints]:
    """Return the minutes that are there, and the first and last row of each."""
    minute = at // NS_PER_MIN
    first = np.flatnonzero(np.diff(minute, prepend=minute[0] - 1)).astype(np.int64)
    end = np.append(first[1:], minute.size).astype(np.int64) - 1
    return minute[first], first, end


def _whole(at: Ints, minutes: Ints, first: Ints, end: Ints) -> Mask:
    """Tell which minutes were heard whole: the edges of a file may begin or end within one."""
    whole = np.ones(minutes.size, np.bool_)
    whole[0] = at[first[0]] - minutes[0] * NS_PER_MIN <= EDGE_NS
    whole[-1] &= (minutes[-1] + 1) * NS_PER_MIN - at[end[-1]] <= EDGE_NS
    return whole


def _named(table: pa.Table) -> dict[str, Column]:
    return {name: str(table[name][0].as_py()) for name in ("venue", "symbol")}


def _instants(table: pa.Table) -> Ints:
    found: Ints = table["time"].cast(pa.int64()).to_numpy().astype(np.int64)
    return found


def _numbers(table: pa.Table, name: str) -> Floats:
    found: Floats = pc.cast(table[name], pa.float64()).to_numpy().astype(np.float64)
    return found


_READERS = {
    "trades": _bars,
    "marks": _marks,
    "funding": _funding,
    "liquidations": _events,
    "liquidation_sums": _sums,
}
_LEFT = ("book", "feeds", "open_interest")

FORMAT = Format(
    "recording", "our own recordings: ticks into bars of a minute", _claims, _read,
    may_be_empty=True,
)  # fmt: skip
