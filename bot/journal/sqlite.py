"""The journal in a file of our own: SQLite, one connection, every commit on the disk."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection

from bot.journal import backups
from bot.journal.engine import damaged_advice, spoken, wrap

LOG_MAX_BYTES = 4_000_000
STEPS_MAX = 256


class SqliteLink:
    """An open journal file; see Link."""

    def __init__(self, raw: sqlite3.Connection, database: Path) -> None:
        self.raw = raw
        self.database = database
        self._connection = wrap(raw)

    @property
    def label(self) -> str:
        """The database file."""
        return str(self.database)

    @property
    def remedy(self) -> str:
        """Restore a backup; see Link."""
        return damaged_advice(self.database)

    @property
    def steps_max(self) -> int:
        """Many: a statement costs microseconds; see Link."""
        return STEPS_MAX

    @contextmanager
    def transaction(self, doing: str, *, writes: bool) -> Iterator[Connection]:
        """Open a transaction; see Link. The file is locked: nobody else can have taken over."""
        del writes
        with spoken(self.database, doing), self._connection.begin():
            yield self._connection

    def tidy(self) -> None:
        """Move a grown log into the file here, so that no order waits for it at its own commit.

        Raises:
            JournalBroken: it could not be; the log is kept.
        """
        log = self.database.with_name(self.database.name + "-wal")
        if log.exists() and log.stat().st_size >= LOG_MAX_BYTES:
            with spoken(self.database, "folding in the log"):
                self.raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()

    def backup(self, now_ns: int, keep: int) -> Path:
        """Copy the journal into `backups` beside it; see Link."""
        return backups.copy_database(self.raw, self.database, now_ns, label="journal", keep=keep)

    def close(self) -> None:
        """Fold the log into the file and release it.

        Raises:
            JournalBroken: the log could not be folded in; it is kept and read at the next start.
        """
        try:
            with spoken(self.database, "closing it"):
                self.raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        finally:
            self._connection.close()
            self._connection.engine.dispose()
            self.raw.close()
