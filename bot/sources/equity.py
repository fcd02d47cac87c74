"""Daily return of the S&P 500 as a fraction; its correlation with bitcoin is the senses' own."""

from itertools import pairwise
from typing import Final

from bot.domain.units import NS_PER_DAY
from bot.kernel.observe.readings import EQUITY
from bot.ports import SourceAnswer
from bot.sources import addresses
from bot.sources.daily import VALUE, Layout, days
from bot.sources.rows import NOTHING, Row, Table, number
from bot.sources.told import Found, Look, bounds, gathered, need, readings, timed

NAME: Final = "spx_return"
LAYOUT: Final = Layout(date_column=addresses.EQUITY_DATE, value_column=addresses.EQUITY_CLOSE)
HALF_LIFE_NS: Final = NS_PER_DAY
CLOSE: Final = "close"
CLOSE_MAX: Final = 1e6
GAP_NS: Final = 6 * NS_PER_DAY
"""Two closes further apart than a long weekend make no return."""


def from_web(body: bytes, look: Look, layout: Layout = LAYOUT) -> SourceAnswer:
    """Return the returns between the closes of a table.

    Raises:
        SourceFailed: it cannot be read.
    """
    return from_closes(layout.table(body, look.origin), look, VALUE)


def from_file(table: Table, look: Look) -> SourceAnswer:
    """Return the rows of spx_return.csv: `date`, and either `value` (a return) or `close`."""
    need(table, f"{VALUE} | {CLOSE}")
    if VALUE in table.columns:
        return days(table, look, EQUITY, HALF_LIFE_NS)
    return from_closes(table, look, CLOSE)


def from_closes(table: Table, look: Look, column: str) -> SourceAnswer:
    """Return close over the close before, less one, known when the later day had closed."""
    need(table, "time | date", column)

    def close(row: Row) -> tuple[str, float] | None:
        if row.cells[column].lower() in NOTHING:
            return None
        return EQUITY, number(row, column, 1.0, CLOSE_MAX)

    found, faults, due_ns = gathered(table, look, timed(close))
    least, most = bounds(EQUITY)
    moves: list[Found] = []
    for before, after in pairwise(found):
        move = after.value / before.value - 1.0
        if after.ns - before.ns > GAP_NS:
            continue
        if least <= move <= most:
            moves.append(after._replace(value=move))
        else:
            faults.append(f"{table.what}: {after.where}: {move:+.0%} in a day is not believed")
    told = readings(moves, look, HALF_LIFE_NS)
    return SourceAnswer(events=told, faults=tuple(faults), due_ns=due_ns)
