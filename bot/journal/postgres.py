"""The journal on a server: every write proves in its own transaction that we still may write."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection

from bot.domain.errors import JournalBroken, StateLocked
from bot.journal import lease, schema, server_schema
from bot.journal.line import Line
from bot.journal.server import Server
from bot.journal.store import Store
from bot.ports import Clock

STEPS_MAX = 32


class Fence(Protocol):
    """The right to write, as the server itself knows it."""

    def prove(self, connection: Connection) -> None:
        """Hold the right until the transaction of `connection` ends.

        Raises:
            Fenced: another process has it.
        """
        ...


class ServerLink:
    """An account's tables on a server; see Link. Without a fence nothing is written."""

    def __init__(self, server: Server, fence: Fence | None) -> None:
        self._line = Line(server)
        self._fence = fence

    @property
    def line(self) -> Line:
        """The connection beneath."""
        return self._line

    @property
    def label(self) -> str:
        """Account and database."""
        return self._line.server.label

    @property
    def remedy(self) -> str:
        """Restore the server's own backup; see Link."""
        return f"restore the server's own backup, or {server_schema.ADVICE}"

    @property
    def steps_max(self) -> int:
        """Few: each statement is a round trip, and the lease is held meanwhile; see Link."""
        return STEPS_MAX

    @contextmanager
    def transaction(self, doing: str, *, writes: bool) -> Iterator[Connection]:
        """Open a transaction, fenced when it writes; see Link."""
        with self._line.transaction(doing) as connection:
            if writes:
                if self._fence is None:
                    raise JournalBroken(f"{self.label} is open for reading alone, while {doing}")
                self._fence.prove(connection)
            yield connection

    def tidy(self) -> None:
        """Nothing: the server keeps its own log."""

    def backup(self, now_ns: int, keep: int) -> Path:
        """Refuse: see Link.

        Raises:
            JournalBroken: always; the line says whose duty it is.
        """
        del now_ns, keep
        raise no_backup(self._line.server)

    def close(self) -> None:
        """Let go of the connection."""
        self._line.close()


def open_server_journal(server: Server, fence: Fence | None, clock: Clock) -> Store:
    """Open the journal of an account on a server, its tables made or migrated.

    Raises:
        JournalBroken: the server is away, or the tables are not ours or newer: one line each.
    """
    link = ServerLink(server, fence)
    try:
        server_schema.bring_up(link.line)
    except BaseException:
        link.close()
        raise
    return Store(link, clock)


def no_backup(server: Server) -> JournalBroken:
    """Return the line that says whose duty backups are."""
    return JournalBroken(
        f"{server.label}: backups are the server's own: pg_dump --schema {server.schema},"
        " or continuous archiving"
    )


def upgrade(server: Server) -> dict[str, object]:
    """Migrate an account's tables while nobody drives it.

    Raises:
        StateLocked: a daemon drives it.
        JournalBroken: the server is away, or the tables are newer or no journal's.
    """
    line = Line(server)
    try:
        lease.prepare(line)
        holder = lease.holder_of(line)
        if holder is not None:
            raise StateLocked(f"{server.label}: {holder.label} drives it: stop it first")
        before = server_schema.bring_up(line)
    finally:
        line.close()
    return {"path": server.label, "from": before, "to": schema.HEAD, "backup": None}


def check(server: Server) -> dict[str, object]:
    """Return a report on an account's tables: `ok`, `problems`, `schema`, `rows` by table.

    Raises:
        JournalBroken: the server is away, or holds no such account.
    """
    line = Line(server)
    try:
        with line.transaction("checking it") as connection:
            found = server_schema.revision_of(connection, server.label, server.schema)
            if not found:
                raise JournalBroken(f"{server.label}: there is no journal here: start once")
            version = connection.exec_driver_sql("SHOW server_version").scalar_one()
            behind = [] if found == schema.HEAD else [f"schema {found}: run db upgrade"]
            rows = server_schema.counts(connection) if not behind else {}
    finally:
        line.close()
    return {
        "path": server.label,
        "ok": not behind,
        "problems": behind,
        "schema": found,
        "schema_known": schema.HEAD,
        "server": str(version),
        "rows": rows,
        "newest_backup": None,
    }
