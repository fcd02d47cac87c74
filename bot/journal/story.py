"""Why something happened: the causes behind a decision, order or command, and its sequel."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Connection, or_, select

from bot.journal.tables import TABLES

LINKS_MAX = 500
"""A chain longer than this is cut: nobody reads it, and a command that caused the whole day's
work must not fetch the whole journal."""
BY_ORDER = ("intents", "orders", "order_notes", "fills", "coverage")
BY_COMMAND = ("commands", "answers")

Chain = list[dict[str, object]]


def tell(connection: Connection, ref: str) -> Chain:
    """Return the rows behind `ref`, oldest first, each with the name of its `table`.

    `ref` is a decision id, client order id, venue order id, trade id or command id. Causes are
    followed backwards to their first, consequences forwards to their last; siblings (other
    consequences of the same cause) are left out.
    """
    found: dict[tuple[str, int], dict[str, object]] = {}
    if not ref:
        return []
    starts = {ref} | _aliases(connection, ref)
    refs = starts | _walk(connection, starts, found, backwards=True)
    refs |= _walk(connection, starts, found, backwards=False)
    for table in BY_ORDER:
        _collect(connection, table, "client_order_id", refs, found)
    for table in BY_COMMAND:
        _collect(connection, table, "command_id", refs, found)
    return sorted(found.values(), key=_when)


def _aliases(connection: Connection, ref: str) -> set[str]:
    """Return client order ids that a venue's own order or trade number stands for."""
    orders, fills = TABLES["orders"], TABLES["fills"]
    by_order = select(orders.c.client_order_id).where(orders.c.venue_order_id == ref)
    by_trade = select(fills.c.client_order_id).where(
        or_(fills.c.trade_id == ref, fills.c.venue_order_id == ref)
    )
    names = set(connection.execute(by_order.limit(LINKS_MAX)).scalars())
    names |= set(connection.execute(by_trade.limit(LINKS_MAX)).scalars())
    return {name for name in names if name}


def _walk(
    connection: Connection,
    starts: Iterable[str],
    found: dict[tuple[str, int], dict[str, object]],
    *,
    backwards: bool,
) -> set[str]:
    """Follow decisions from `starts`; return every id met on the way."""
    table = TABLES["decisions"]
    seen: set[str] = set()
    frontier = {start for start in starts if start}
    while frontier and len(seen) < LINKS_MAX:
        seen |= frontier
        names = list(frontier)
        links: ColumnElement[bool] = table.c.decision_id.in_(names)
        links |= table.c.client_order_id.in_(names)
        if not backwards:
            links |= table.c.cause.in_(names)
        query = select(table).where(links).order_by(table.c.id).limit(LINKS_MAX)
        met: set[str] = set()
        for row in connection.execute(query).mappings():
            ahead = row["decision_id"] in frontier or row["client_order_id"] in frontier
            if not backwards and not ahead and row["cause"] not in frontier:
                continue
            found["decisions", row["id"]] = {"table": "decisions", **row}
            met |= {row["decision_id"], row["cause"] if backwards else row["client_order_id"]}
        frontier = {name for name in met if name} - seen
    return seen


def _collect(
    connection: Connection,
    name: str,
    column: str,
    refs: set[str],
    found: dict[tuple[str, int], dict[str, object]],
) -> None:
    table = TABLES[name]
    query = select(table).where(table.c[column].in_(sorted(refs))).order_by(table.c.id)
    for row in connection.execute(query.limit(LINKS_MAX)).mappings():
        found[name, row["id"]] = {"table": name, **row}


def _when(row: dict[str, Any]) -> tuple[int, int, int, int]:
    """Order rows by instant; of one instant causes stand before consequences."""
    place = ("commands", "decisions", *BY_ORDER, "answers").index(row["table"])
    return (row["event_ns"], row["seq"], place, row["id"])
