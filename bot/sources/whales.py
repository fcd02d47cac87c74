"""Large positions of others, known by name: where they would be liquidated, and how much."""

from collections.abc import Sequence
from typing import Final

from bot.domain.market import WatchedPosition, WatchList
from bot.domain.orders import PositionSide
from bot.ports import SourceAnswer
from bot.sources.rows import NOTHING, CellInvalid, Row, Table, cell, instant_ns, number, short
from bot.sources.told import Look, need

NAME: Final = "whales"
LABEL_MAX: Final = 80
SIDES: Final = {"long": PositionSide.LONG, "short": PositionSide.SHORT}
PRICE_MAX: Final = 1e9
QTY_MAX: Final = 1e12
AHEAD_NS: Final = 60_000_000_000


def from_rows(table: Table, look: Look, symbols: Sequence[str]) -> SourceAnswer:
    """Return one watch-list a symbol; of one position the newest row counts.

    Columns: `address` (or `label`), `symbol`, `side`, `liq_price`, `qty` (base units), `as_of`,
    and perhaps `entry_price`.

    Raises:
        SourceFailed: a column is missing.
    """
    need(table, "address | label", "symbol", "side", "liq_price", "qty", "as_of")
    lists: dict[str, dict[tuple[str, PositionSide], WatchedPosition]] = {s: {} for s in symbols}
    faults = list(table.faults)
    for row in table.rows:
        try:
            symbol = cell(row, "symbol")
            found = _position(row, look.now_ns)
            if symbol not in lists:
                raise CellInvalid(f"symbol was {short(symbol)}, which risk.symbols does not name")
        except CellInvalid as error:
            faults.append(f"{table.what}: {row.where}: {error}")
            continue
        known = lists[symbol].get((found.label, found.side))
        if known is None or found.known_ns > known.known_ns:
            lists[symbol][found.label, found.side] = found
        elif found != known:
            faults.append(f"{table.what}: {row.where}: a newer row tells of this position")
    events = tuple(
        watch_list(symbol, list(lists[symbol].values()), look) for symbol in sorted(lists)
    )
    return SourceAnswer(events=events, faults=tuple(faults))


def watch_list(symbol: str, positions: list[WatchedPosition], look: Look) -> WatchList:
    """Return all that the source knows of one symbol, in a fixed order."""
    ordered = sorted(positions, key=lambda p: (p.label, p.side.value))
    return WatchList(look.source, symbol, look.now_ns, look.now_ns, tuple(ordered), look.origin)


def _position(row: Row, now_ns: int) -> WatchedPosition:
    label = cell(row, "address" if "address" in row.cells else "label")
    if len(label) > LABEL_MAX or not label.isprintable():
        raise CellInvalid(f"label was {short(label)}, needed at most {LABEL_MAX} plain characters")
    side = SIDES.get(cell(row, "side").lower())
    if side is None:
        raise CellInvalid(f"side was {short(row.cells['side'])}, needed long or short")
    as_of_ns = instant_ns(row, "as_of")
    if as_of_ns > now_ns + AHEAD_NS:
        raise CellInvalid("as_of lies in the future")
    entry = None
    if row.cells.get("entry_price", "").lower() not in NOTHING:
        entry = number(row, "entry_price", 1e-9, PRICE_MAX)
    return WatchedPosition(
        label=label,
        side=side,
        liq_price=number(row, "liq_price", 1e-9, PRICE_MAX),
        qty=number(row, "qty", 1e-12, QTY_MAX),
        known_ns=as_of_ns,
        entry_price=entry,
    )
