"""The journal in a file of our own: SQLite, one connection, every commit on the disk."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection

from bot.domain.errors import JournalBroken
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
        self._own: dict[Path, tuple[int, int]] = {}
        self._remember()

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
        self._check(doing)
        with spoken(self.database, doing), self._connection.begin():
            yield self._connection
        self._remember()

    def _remember(self) -> None:
        """Note which files are written: the log is there from the first write on."""
        for path in (self.database, self.database.with_name(self.database.name + "-wal")):
            found = _inode(path) if path not in self._own else None
            if found is not None:
                self._own[path] = found

    def _check(self, doing: str) -> None:
        """Raise JournalBroken when a file was removed or replaced.

        SQLite would write on, durably, into what no start will ever find.
        """
        for path, own in self._own.items():
            if _inode(path) != own:
                raise JournalBroken(
                    f"{path} was removed or replaced while it was open, seen while {doing}: put it "
                    "back, or stop the bot and start it anew (positions and orders are read from "
                    "the venue)"
                )

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


def _inode(path: Path) -> tuple[int, int] | None:
    """Return what tells a file from every other one; None: there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
