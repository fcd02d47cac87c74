"""The store: one connection, one writer, every call one durable commit."""

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, delete, func, insert, select

from bot.domain.errors import DataInvalid, JournalBroken
from bot.domain.messages import Effect, Event
from bot.domain.orders import ApprovedOrder, OrderState, OrderStatus
from bot.journal import backups, rows, schema, story
from bot.journal.engine import connect_raw, damaged_advice, make_durable, spoken
from bot.journal.facts import Facts, write
from bot.journal.link import Link
from bot.journal.pages import Page
from bot.journal.sqlite import SqliteLink
from bot.journal.statedir import database_path, make_private, make_private_file, move_durably
from bot.journal.tables import TABLES, Row
from bot.ports import Clock

SNAPSHOTS_KEPT = 20
ROWS_MAX = 100_000
IN_MEMORY = Path(":memory:")
LIVE = [status.value for status in OrderStatus if status.is_live]

_STATES, _ORDERS = TABLES["snapshots"], TABLES["orders"]
_NEWEST = select(_STATES.c.id).order_by(_STATES.c.id.desc()).limit(SNAPSHOTS_KEPT)
KEEP_STATE = insert(_STATES)
FORGET_STATES = delete(_STATES).where(_STATES.c.id.not_in(_NEWEST))
NEWEST_STATE = select(_STATES).order_by(_STATES.c.id.desc()).limit(1)
LIVE_ORDERS = (
    select(_ORDERS).where(_ORDERS.c.ours, _ORDERS.c.status.in_(LIVE)).order_by(_ORDERS.c.id)
)


def open_journal(path: Path, clock: Clock) -> "Store":
    """Open the journal at `path` (a `.db` file, or a directory that holds `journal.db`).

    It is made when missing, migrated after a backup when an older program wrote it, and checked.
    Hold the state directory (bot.journal.lock) first.

    Raises:
        JournalBroken: read-only, damaged, of a newer program, or the disk is full: one line each.
        StateLocked: another process has the file open.
    """
    database = database_path(path)
    make_private(database.parent)
    _make_if_missing(database)
    raw = _open_raw(database)
    try:
        with spoken(database, "opening it"):
            make_durable(raw)
            raw.execute("BEGIN IMMEDIATE").execute("COMMIT")
        _refuse_damaged(raw, database)
        schema.bring_up(raw, database, clock.now_ns())
        return Store(SqliteLink(raw, database), clock)
    except BaseException:
        raw.close()
        raise


def open_in_memory(clock: Clock) -> "Store":
    """Open a journal that ends with the process, for simulations."""
    return Store(link_in_memory(), clock)


def link_in_memory() -> SqliteLink:
    """Return an empty journal that ends with the process."""
    link = SqliteLink(connect_raw(IN_MEMORY), IN_MEMORY)
    with link.transaction("making it", writes=True) as connection:
        Row.metadata.create_all(connection)
    return link


def _open_raw(database: Path) -> sqlite3.Connection:
    with spoken(database, "opening it"):
        return connect_raw(database)


def _refuse_damaged(raw: sqlite3.Connection, database: Path) -> None:
    with spoken(database, "checking it"):
        # Folded in first: a page that only the log has whole is no damage.
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        told = raw.execute("PRAGMA quick_check(1)").fetchone()[0]
        pages = raw.execute("PRAGMA page_count").fetchone()[0]
        lacking = pages * raw.execute("PRAGMA page_size").fetchone()[0] - database.stat().st_size
    if told == "ok" and lacking > 0:
        told = f"{lacking} bytes are missing at its end"  # SQLite would read them as zeros
    if told != "ok":
        line = " ".join(str(told).split())[:120]
        raise JournalBroken(f"{database} is damaged ({line}): {damaged_advice(database)}")


def _make_if_missing(database: Path) -> None:
    """Make a new journal beside its place and move it there whole: a torn one never appears."""
    log = database.with_name(database.name + "-wal")
    if database.exists():
        return
    if log.exists() and log.stat().st_size:
        raise JournalBroken(
            f"{database} is missing but its log {log.name} is there: {damaged_advice(database)}"
        )
    making = database.with_name(f".{database.name}.making")
    making.with_name(making.name + "-journal").unlink(missing_ok=True)
    make_private_file(making)
    raw = _open_raw(making)
    try:
        schema.upgrade(raw, making)
    finally:
        raw.close()
    move_durably(making, database)


class Store:
    """Journal and Shelf over one link; call it from one thread at a time."""

    def __init__(self, link: Link, clock: Clock) -> None:
        self._link = link
        self._clock = clock
        self._closed = False

    @property
    def label(self) -> str:
        """The database, named for people."""
        return self._link.label

    @property
    def steps_max(self) -> int:
        """How many steps `append_many` should be handed at once."""
        return self._link.steps_max

    def intent(self, run_id: str, seq: int, order: ApprovedOrder, event_ns: int) -> None:
        """Make the intent to send `order` durable before returning; telling it twice is harmless.

        Raises:
            JournalBroken: it could not be made durable, or its id was used by another order.
        """
        with self._transaction("writing an intent", writes=True) as connection:
            page = Page(connection, run_id, seq)
            if page.intent(order, event_ns, self._clock.now_ns()):
                return
            values = rows.intent_values(order, 0, 0)
            query = select(TABLES["intents"]).where(
                TABLES["intents"].c.client_order_id == order.client_order_id
            )
            known = connection.execute(query).mappings().one()
            timeless = set(values) - {"event_ns", "written_ns"}
            if any(known[name] != values[name] for name in timeless):
                raise JournalBroken(
                    f"{self.label}: client order id {order.client_order_id} was used by another"
                    f" order: do not send it"
                )

    def append(self, run_id: str, seq: int, event: Event, effects: Sequence[Effect]) -> None:
        """Write the facts of one step in one commit; a step without facts costs nothing.

        Raises:
            JournalBroken: nothing of the step was written.
        """
        self.append_many([Facts(run_id, seq, event, tuple(effects))])

    def append_many(self, steps: Sequence[Facts]) -> None:
        """Write the facts of several steps in one commit, in their order.

        Raises:
            JournalBroken: nothing of any of them was written.
        """
        kept = [step for step in steps if step.leaves_rows]
        if not kept:
            return
        now_ns = self._clock.now_ns()
        with self._transaction("writing facts", writes=True) as connection:
            for step in kept:
                write(connection, step, now_ns)

    def save_snapshot(self, run_id: str, seq: int, event_ns: int, state: bytes) -> None:
        """Keep the kernel's state; the newest 20 are kept. A grown log is folded into the file.

        Raises:
            JournalBroken: it was not written; the older ones are untouched.
        """
        values = {"run_id": run_id, "seq": seq, **rows.snapshot_values(event_ns, state)}
        with self._transaction("keeping a snapshot", writes=True) as connection:
            connection.execute(KEEP_STATE, values)
            connection.execute(FORGET_STATES)
        self._link.tidy()

    def load_snapshot(self) -> bytes | None:
        """Return the newest state, or None on a first start.

        Raises:
            JournalBroken: it does not match its checksum; an older one would forget limits, so
                none is taken in its place.
        """
        with self._transaction("reading the last snapshot") as connection:
            row = connection.execute(NEWEST_STATE).mappings().first()
        if row is None:
            return None
        state = bytes(row["state"])
        if hashlib.sha256(state).hexdigest() != row["sha256"]:
            raise JournalBroken(
                f"{self.label}: snapshot {row['id']} is damaged: {self._link.remedy}"
            )
        return state

    def live_orders(self) -> tuple[OrderState, ...]:
        """Return our orders whose end is not known, oldest first.

        Raises:
            JournalBroken: they cannot be read.
        """
        with self._transaction("reading live orders") as connection:
            found = connection.execute(LIVE_ORDERS).mappings().all()
        return tuple(rows.order_state(row) for row in found)

    def rows(self, table: str, *, limit: int, symbol: str = "") -> list[dict[str, object]]:
        """Return the newest rows of `table`, newest first, optionally of one symbol.

        Amounts are Decimal, instants int ns; a snapshot's state is left out.

        Raises:
            DataInvalid: no such table, no symbol in it, or a limit outside 1..100,000.
            JournalBroken: it cannot be read.
        """
        known = TABLES.get(table)
        if known is None:
            names = ", ".join(sorted(TABLES))
            raise DataInvalid(f"the journal has no table {table!r}: choose one of {names}")
        if not 1 <= limit <= ROWS_MAX:
            raise DataInvalid(f"limit {limit}: choose 1..{ROWS_MAX} rows")
        query = select(*(column for column in known.c if column.name != "state"))
        if symbol:
            if "symbol" not in known.c:
                raise DataInvalid(f"table {table} has no symbols: ask without one")
            query = query.where(known.c.symbol == symbol)
        with self._transaction(f"reading {table}") as connection:
            found = connection.execute(query.order_by(known.c.id.desc()).limit(limit))
            return [dict(row) for row in found.mappings()]

    def curve(self, since_ns: int, span_ns: int) -> list[dict[str, object]]:
        """Return the last point of equity in each span (of whole `span_ns` since 1970).

        The oldest first; spans without a point are left out. Amounts are Decimal, instants ns.

        Raises:
            JournalBroken: it cannot be read.
        """
        table = TABLES["equity"]
        spans = table.c.event_ns // max(span_ns, 1)
        last = select(func.max(table.c.id)).where(table.c.event_ns >= since_ns).group_by(spans)
        columns = (table.c.event_ns, table.c.equity_usd, table.c.wallet_usd)
        query = select(*columns).where(table.c.id.in_(last)).order_by(table.c.event_ns)
        with self._transaction("reading the equity curve") as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def exits(self, limit: int) -> list[dict[str, object]]:
        """Return the newest executions with the purpose of their order, newest first.

        `purpose` is None for what no order of ours explains: a hand, or the venue by force.

        Raises:
            JournalBroken: they cannot be read.
        """
        fills, intents = TABLES["fills"], TABLES["intents"]
        mine = fills.outerjoin(intents, fills.c.client_order_id == intents.c.client_order_id)
        names = ("event_ns", "symbol", "side", "client_order_id", "is_liquidation", "is_adl")
        query = select(*(fills.c[name] for name in names), intents.c.purpose).select_from(mine)
        with self._transaction("reading executions") as connection:
            found = connection.execute(query.order_by(fills.c.id.desc()).limit(limit))
            return [dict(row) for row in found.mappings()]

    def why(self, ref: str) -> list[dict[str, object]]:
        """Return the chain that led to and from `ref`, oldest first; empty when nothing is known.

        Raises:
            JournalBroken: it cannot be read.
        """
        with self._transaction("telling why") as connection:
            return story.tell(connection, ref)

    def backup(self, *, keep: int = backups.KEEP) -> Path:
        """Copy the journal into `backups` beside it, keep the newest `keep`, return the file.

        Raises:
            JournalBroken: it could not be written, or the copy is not sound; or the database is a
                server, whose backups are its own.
        """
        return self._link.backup(self._clock.now_ns(), keep)

    def close(self) -> None:
        """Release the database; closing twice is harmless.

        Raises:
            JournalBroken: the log could not be folded in; it is kept and read at the next start.
        """
        if not self._closed:
            self._closed = True
            self._link.close()

    @contextmanager
    def _transaction(self, doing: str, *, writes: bool = False) -> Iterator[Connection]:
        if self._closed:
            raise JournalBroken(f"{self.label} is closed, while {doing}")
        with self._link.transaction(doing, writes=writes) as connection:
            yield connection
