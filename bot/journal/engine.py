"""The one connection to the journal's database, and its errors in words of the house.

SQLite before 3.51.3 can lose commits when two connections share a write-ahead log, so the journal
holds its file in exclusive locking mode: a second connection is refused by SQLite itself.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import StaticPool

from bot.domain.errors import BotError, JournalBroken, StateLocked

BUSY_MS = 500
APPLICATION_ID = 0x42574A31
"""Marks a file as a journal of this program ("BWJ1")."""
AUTOCHECKPOINT_PAGES = 4_000
"""A backstop: the log is normally folded in after a snapshot, away from orders that wait."""
CACHE_KIB = 1_024
"""What a journal touches anew is its newest pages; a larger cache only fills up over hours."""
PRAGMAS = (
    f"PRAGMA busy_timeout = {BUSY_MS}",
    f"PRAGMA cache_size = -{CACHE_KIB}",
    "PRAGMA locking_mode = EXCLUSIVE",
    "PRAGMA trusted_schema = OFF",
    "PRAGMA cell_size_check = ON",
    "PRAGMA foreign_keys = ON",
    "PRAGMA temp_store = MEMORY",
)
DURABLE = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    f"PRAGMA wal_autocheckpoint = {AUTOCHECKPOINT_PAGES}",
    "PRAGMA journal_size_limit = 67108864",
)


def connect_raw(path: Path) -> sqlite3.Connection:
    """Open the file for one thread at a time, transactions begun by us alone.

    Raises:
        sqlite3.Error: as SQLite has it; wrap calls in `spoken`.
    """
    raw = sqlite3.connect(
        path,
        timeout=BUSY_MS / 1000,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
    )
    try:
        for pragma in PRAGMAS:
            raw.execute(pragma)
    except BaseException:
        raw.close()
        raise
    return raw


def make_durable(raw: sqlite3.Connection) -> None:
    """Switch to a write-ahead log that reaches the disk with each commit."""
    for pragma in DURABLE:
        raw.execute(pragma)


def wrap(raw: sqlite3.Connection) -> Connection:
    """Return a SQLAlchemy connection over `raw`; each transaction takes the write lock at once."""
    engine = create_engine("sqlite://", creator=lambda: raw, poolclass=StaticPool)
    event.listen(engine, "begin", _begin)
    return engine.connect()


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


@contextmanager
def spoken(path: Path, doing: str) -> Iterator[None]:
    """Turn what the database raises inside into one line: which file, doing what, what to do.

    Raises:
        StateLocked: another process has the file open.
        JournalBroken: anything else.
    """
    try:
        yield
    except BotError:
        raise
    except (SQLAlchemyError, sqlite3.Error, OSError, UnicodeError) as error:
        told = str(error.orig) if isinstance(error, DBAPIError) else str(error)
        told = " ".join(told.split())[:160] or type(error).__name__
        if "locked" in told:
            raise StateLocked(
                f"{path} is open in another process: stop that one, or ask the running daemon"
            ) from error
        raise JournalBroken(f"{path}: {told}, while {doing}: {_advice(told, path)}") from error


def _advice(told: str, path: Path) -> str:
    if "full" in told or "disk I/O" in told:
        return "free space on its disk; nothing of this write was kept"
    if "malformed" in told or "not a database" in told or "decode" in told:
        return damaged_advice(path)
    if "readonly" in told or "unable to open" in told:
        return "give this user the right to write it and its directory"
    return "run `breakwater db check`"


def damaged_advice(path: Path) -> str:
    """Return what an operator does about a damaged journal."""
    return (
        f"restore the newest file of {path.parent / 'backups'}, or move it aside to begin anew"
        f" (positions and orders are read from the venue)"
    )
