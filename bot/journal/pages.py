"""One step's page in the journal: inserts, idempotent inserts and order upserts."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache
from typing import Any

from sqlalchemy import Connection, Executable, bindparam, insert, select, update
from sqlalchemy.dialects.postgresql import insert as insert_on_server
from sqlalchemy.dialects.sqlite import insert as insert_in_file

from bot.domain.messages import CoverageReported, Fill, RecordEquity, Started
from bot.domain.orders import ApprovedOrder, OrderState
from bot.journal import orderlife, rows
from bot.journal.tables import TABLES

FILL_FACTS = ("venue_order_id", "side", "qty", "price", "fee_usd", "realized_pnl_usd")
"""What two tellings of one execution must agree on; a REST row may lack the rest."""
NOTE_FACTS = ("what", "filled_qty", "code", "reason")
WHICH = "which"
ANCHORS = ("high_water_usd", "day_start_usd", "week_start_usd")


class Page:
    """Writes of one step, inside the transaction that the store holds open."""

    def __init__(self, connection: Connection, run_id: str, seq: int) -> None:
        self._connection = connection
        self._step: rows.Values = {"run_id": run_id, "seq": seq}

    def insert(self, table: str, values: rows.Values) -> None:
        """Add a row."""
        self._connection.execute(_insert(table), self._step | values)

    def once(self, table: str, values: rows.Values, key: tuple[str, ...]) -> bool:
        """Add a row unless one with this `key` is there; a different twin is written up."""
        added = self._try(table, values, key)
        if not added:
            self._compare(table, values, key, tuple(name for name in values if name not in key))
        return added

    def run(self, started: Started) -> None:
        """Add a run; the step columns are the row itself."""
        values = {
            "run_id": started.run_id,
            "event_ns": started.event_ns,
            "read_only": started.read_only,
        }
        self._connection.execute(self._once("runs", ("run_id",)), values)

    def intent(self, order: ApprovedOrder, event_ns: int, written_ns: int) -> bool:
        """Add an intent and its pending order; tell whether it was new.

        A second telling of the same intent changes nothing; a different order under a used id is
        written up as a conflict.
        """
        values = rows.intent_values(order, event_ns, written_ns)
        key = ("client_order_id",)
        if not self._try("intents", values, key):
            same = tuple(set(values) - {"client_order_id", "written_ns", "event_ns"})
            self._compare("intents", values, key, same)
            return False
        self._insert_note(order.client_order_id, event_ns, "INTENT", reason=order.reason)
        self._try("orders", rows.order_values(rows.pending_state(order, event_ns)), key)
        return True

    def order_update(self, new: OrderState) -> None:
        """Take in the venue's word on an order."""
        key = rows.order_key(new)
        old = self._order(key)
        self.note(key, new.event_ns, new.status.value, filled_qty=new.filled_qty, reason=new.reason)
        self._write_order(old, orderlife.merged(old, new) if old else new)

    def change(self, key: str, how: Callable[[OrderState], OrderState]) -> None:
        """Change what is known of an order; one never journaled keeps its note alone."""
        old = self._order(key)
        if old is not None:
            self._write_order(old, how(old))

    def note(
        self,
        key: str,
        event_ns: int,
        what: str,
        *,
        filled_qty: Decimal | None = None,
        code: str = "",
        reason: str = "",
    ) -> None:
        """Add a line to the life of an order, unless its last line said the same."""
        last = self._newest("order_notes", client_order_id=key)
        told = (what, filled_qty, code, reason)
        if last is None or tuple(last[name] for name in NOTE_FACTS) != told:
            self._insert_note(key, event_ns, what, filled_qty, code, reason)

    def fill(self, fill: Fill) -> None:
        """Add an execution once; a later telling may add the client order id it lacked."""
        values = rows.fill_values(fill)
        key = ("symbol", "trade_id")
        if self._try("fills", values, key):
            return
        self._compare("fills", values, key, FILL_FACTS)
        if fill.client_order_id:
            table = TABLES["fills"]
            nameless = (table.c.symbol == fill.symbol) & (table.c.trade_id == fill.trade_id)
            nameless &= table.c.client_order_id == ""
            self._connection.execute(
                update(table).where(nameless).values(client_order_id=fill.client_order_id)
            )

    def coverage(self, report: CoverageReported) -> None:
        """Add a coverage report when it says something new about its leg."""
        values = rows.coverage_values(report)
        last = self._newest("coverage", symbol=values["symbol"], side=values["side"])
        told = ("covered", "action", "client_order_id")
        if last is None or any(last[name] != values[name] for name in told):
            self.insert("coverage", values)

    def anchors(self, point: RecordEquity) -> None:
        """Add the loss anchors when one of them moved."""
        values = rows.anchor_values(point)
        last = self._newest("anchors")
        if last is None or any(last[name] != values[name] for name in ANCHORS):
            self.insert("anchors", values)

    def _try(self, table: str, values: rows.Values, key: tuple[str, ...]) -> bool:
        statement = self._once(table, key)
        return self._connection.execute(statement, self._step | values).rowcount == 1

    def _once(self, table: str, key: tuple[str, ...]) -> Executable:
        return _insert_once(self._connection.dialect.name, table, key)

    def _insert_note(
        self,
        key: str,
        event_ns: int,
        what: str,
        filled_qty: Decimal | None = None,
        code: str = "",
        reason: str = "",
    ) -> None:
        told = dict(zip(NOTE_FACTS, (what, filled_qty, code, reason), strict=True))
        self.insert("order_notes", told | {"client_order_id": key, "event_ns": event_ns})

    def _compare(
        self, name: str, values: rows.Values, key: tuple[str, ...], facts: tuple[str, ...]
    ) -> None:
        found = self._connection.execute(_by(name, key), {part: values[part] for part in key})
        known = found.mappings().one()
        differing = sorted(fact for fact in facts if known[fact] != values[fact])
        if not differing:
            return
        ident = ":".join(str(values[part]) for part in key)
        conflict = {
            "event_ns": values["event_ns"],
            "decision_id": f"conflict:{name}:{ident}",
            "kind": "journal_conflict",
            "symbol": values.get("symbol", ""),
            "what": f"{name} {ident} was told twice with different facts; the first is kept",
            "why": "the venue or a replayed message contradicts the journal",
            "measured": _listed(values, differing),
            "limit": _listed(known, differing),
            "cause": str(values.get("cause", "")),
            "client_order_id": values.get("client_order_id", ""),
        }
        self._try("decisions", conflict, ("decision_id",))

    def _order(self, key: str) -> OrderState | None:
        row = self._newest("orders", client_order_id=key)
        return rows.order_state(row) if row is not None else None

    def _write_order(self, old: OrderState | None, new: OrderState) -> None:
        if old == new:
            return
        values = self._step | rows.order_values(new)
        if old is None:
            self._connection.execute(_insert("orders"), values)
            return
        statement = _change("orders", "client_order_id", tuple(values))
        self._connection.execute(statement, values | {WHICH: rows.order_key(old)})

    def _newest(self, table: str, **where: object) -> Mapping[Any, Any] | None:
        found = self._connection.execute(_by(table, tuple(where)), where)
        return found.mappings().first()


@cache
def _insert(table: str) -> Executable:
    return insert(TABLES[table])


@cache
def _insert_once(dialect: str, table: str, key: tuple[str, ...]) -> Executable:
    if dialect == "sqlite":
        return insert_in_file(TABLES[table]).on_conflict_do_nothing(index_elements=key)
    return insert_on_server(TABLES[table]).on_conflict_do_nothing(index_elements=key)


@cache
def _by(table: str, key: tuple[str, ...]) -> Executable:
    """Return the query of the newest row whose columns `key` are as bound by name."""
    columns = TABLES[table].c
    query = select(TABLES[table]).where(*(columns[name] == bindparam(name) for name in key))
    return query.order_by(columns.id.desc()).limit(1)


@cache
def _change(table: str, key: str, names: tuple[str, ...]) -> Executable:
    """Return the change of the columns `names`, bound by name, where `key` is as bound by WHICH."""
    columns = TABLES[table].c
    where = columns[key] == bindparam(WHICH)
    return update(TABLES[table]).where(where).values({name: bindparam(name) for name in names})


def _listed(values: Mapping[Any, Any], names: list[str]) -> str:
    return ", ".join(f"{name} {values[name]}" for name in names)
