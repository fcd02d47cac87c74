"""Which schema a file has, and the way from there to the one this program writes."""

import io
import sqlite3
import threading
from pathlib import Path

from sqlalchemy import Connection

from bot.domain.errors import JournalBroken
from bot.journal.backups import copy_database
from bot.journal.engine import APPLICATION_ID, damaged_advice, spoken, wrap

REVISIONS = ("0001",)
"""Every migration, oldest first; kept equal to the files in migrations/versions by a test, so that
a start with a current schema need not load Alembic."""
HEAD = REVISIONS[-1]
SCRIPTS = Path(__file__).parent / "migrations"
_ONE_AT_A_TIME = threading.Lock()
"""Alembic keeps the connection it migrates in a global: accounts that start together would migrate
each other's journals from two threads."""


def revision_of(raw: sqlite3.Connection, path: Path) -> str:
    """Return the schema revision of a journal.

    Raises:
        JournalBroken: the file is no journal, or is damaged.
    """
    with spoken(path, "reading its schema version"):
        mark = raw.execute("PRAGMA application_id").fetchone()[0]
        named = raw.execute(
            "SELECT name FROM sqlite_master WHERE name = 'alembic_version'"
        ).fetchone()
        found = raw.execute("SELECT version_num FROM alembic_version").fetchone() if named else None
    if mark != APPLICATION_ID or found is None:
        raise JournalBroken(f"{path} is not a journal of this program: {damaged_advice(path)}")
    return str(found[0])


def refuse_newer(revision: str, path: Path) -> None:
    """Refuse a journal that a later program wrote.

    Raises:
        JournalBroken: this program does not know `revision`.
    """
    if revision not in REVISIONS:
        raise JournalBroken(
            f"{path} has schema {revision}, newer than this program knows ({HEAD}): run the newer"
            f" program, or restore a backup made before it from {path.parent / 'backups'}"
        )


def upgrade(raw: sqlite3.Connection, path: Path) -> None:
    """Run the migrations up to the newest in one transaction: all of them, or none.

    Raises:
        JournalBroken: a migration failed; the file is as it was.
    """
    with spoken(path, f"migrating it to schema {HEAD}"), wrap(raw) as connection:
        raw.execute("PRAGMA foreign_keys = OFF")
        with connection.begin():
            migrate(connection)
            connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
        raw.execute("PRAGMA foreign_keys = ON")


def migrate(connection: Connection) -> None:
    """Run the migrations up to the newest inside the open transaction of `connection`."""
    with _ONE_AT_A_TIME:
        from alembic import command  # loaded only when there is something to migrate
        from alembic.config import Config

        config = Config(stdout=io.StringIO())
        config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, HEAD)


def bring_up(raw: sqlite3.Connection, path: Path, now_ns: int) -> Path | None:
    """Migrate a journal to this program's schema; return the backup made before, if one was due.

    Raises:
        JournalBroken: damaged, of a newer program, or the backup or a migration failed.
    """
    revision = revision_of(raw, path)
    refuse_newer(revision, path)
    if revision == HEAD:
        return None
    kept = copy_database(raw, path, now_ns, label=f"before-{HEAD}")
    upgrade(raw, path)
    return kept
