"""The files of single happenings, trades and forced orders: who is told twice counts once."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from bot.data.arrays import Floats, Ints
from bot.data.files import Told
from bot.data.series import Series, part
from bot.data.sheet import Sheet, open_sheet

TRADE_COLUMNS: Final = ("time", "venue", "symbol", "grain", "trade_id", "price", "qty", "side")
EVENT_COLUMNS: Final = ("time", "venue", "symbol", "side", "price", "qty")
GRAINS: Final = ("trade", "aggregate")
"""A trade as the venue matched it, or all of one order at one price."""


@dataclass(frozen=True, slots=True)
class TradeArrays:
    """Trades of one symbol at one venue, oldest first; `bought` says who took: the buyer."""

    symbol: str
    venue: str
    time_ns: Ints
    price: Floats
    qty: Floats
    bought: "np.ndarray[tuple[int], np.dtype[np.bool_]]"


def read_trades(
    source: Path | Sheet, tell: Callable[[Told], None]
) -> dict[tuple[str, str, str], TradeArrays]:
    """Read `trades.parquet`: trades by (symbol, venue, grain), told apart by `trade_id`.

    Raises:
        DataInvalid: a price, quantity, side or grain that is none, or an id with two contents.
    """
    sheet = open_sheet(source, TRADE_COLUMNS)
    times_ns = sheet.times("time")
    facts = _amounts(sheet)
    sides = _word(sheet, "side", ("buy", "sell"))
    _word(sheet, "grain", GRAINS)
    ids, names = sheet.words("trade_id")
    told: dict[str, Floats | Ints] = {**facts, "side": sides, "time": times_ns}
    found = {}
    for series in part(sheet, ("symbol", "venue", "grain"), ids, told, lambda n: f"id {names[n]}"):
        ordered = _by_time(series, times_ns)
        symbol, venue, grain = series.key
        rows = ordered.rows
        found[symbol, venue, grain] = TradeArrays(
            symbol=symbol,
            venue=venue,
            time_ns=times_ns[rows],
            price=facts["price"][rows],
            qty=facts["qty"][rows],
            bought=sides[rows] == 0,
        )
        tell(Told(symbol, venue, 0, times_ns[rows], ordered))
    return found


def read_liquidation_events(source: Path | Sheet, tell: Callable[[Told], None]) -> None:
    """Read `liquidation_events.parquet`: `side` is that of the position that was closed.

    Two equal orders of one instant cannot be told apart and count once.

    Raises:
        DataInvalid: a price, quantity or side that is none; the line names the row.
    """
    sheet = open_sheet(source, EVENT_COLUMNS)
    times_ns = sheet.times("time")
    facts = _amounts(sheet)
    sides = _word(sheet, "side", ("long", "short"))
    whole = np.column_stack((times_ns, sides, *(each.view(np.int64) for each in facts.values())))
    same: Ints = np.unique(whole, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)
    for series in part(sheet, ("symbol", "venue"), same, {}):
        ordered = _by_time(series, times_ns)
        symbol, venue = series.key
        tell(Told(symbol, venue, 0, times_ns[ordered.rows], ordered))


def _amounts(sheet: Sheet) -> dict[str, Floats]:
    facts = {name: sheet.numbers(name) for name in ("price", "qty")}
    for name, values in facts.items():
        sheet.refuse(values <= 0.0, name, "must be above zero", values)
    return facts


def _word(sheet: Sheet, name: str, allowed: tuple[str, ...]) -> Ints:
    """Return the place of each word in `allowed`."""
    codes, labels = sheet.words(name)
    places = np.array([allowed.index(word) if word in allowed else -1 for word in labels], np.int64)
    found: Ints = places[codes]
    sheet.refuse(found < 0, name, f"is none of {', '.join(allowed)}")
    return found


def _by_time(series: Series, times_ns: Ints) -> Series:
    rows = series.rows
    rows = np.sort(rows)[np.argsort(times_ns[np.sort(rows)], kind="stable")]
    return replace(series, rows=rows, unsorted=bool(np.any(np.diff(rows) < 0)))
