"""Copies of the journal: whole, checked, private, the newest few kept."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from bot.domain.errors import JournalBroken
from bot.domain.units import NS_PER_MS, NS_PER_S
from bot.journal.engine import spoken
from bot.journal.statedir import make_private, make_private_file, move_durably

FOLDER = "backups"
KEEP = 14


def copy_database(
    raw: sqlite3.Connection, database: Path, now_ns: int, *, label: str, keep: int = KEEP
) -> Path:
    """Copy the open database `raw` into the backups beside it and return the new file.

    The copy is checked before it takes its name, so a file in `backups` is always whole; of each
    label the newest `keep` are kept.

    Raises:
        JournalBroken: it could not be written, or the copy did not pass its check.
    """
    folder = database.parent / FOLDER
    make_private(folder)
    target = folder / f"{label}-{_stamp(now_ns)}.db"
    making = folder / f".{target.name}.making"
    make_private_file(making)
    try:
        with spoken(target, "writing a backup"), closing(sqlite3.connect(making)) as copy:
            raw.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")
            verdict = copy.execute("PRAGMA quick_check(1)").fetchone()[0]
        if verdict != "ok":
            raise JournalBroken(f"{target}: the backup did not pass its check: {verdict}")
        move_durably(making, target)
    finally:
        making.unlink(missing_ok=True)
    for old in listed(database, label)[keep:]:
        old.unlink(missing_ok=True)
    return target


def listed(database: Path, label: str) -> list[Path]:
    """Return the backups of one label, newest first."""
    return sorted((database.parent / FOLDER).glob(f"{label}-*.db"), reverse=True)


def _stamp(now_ns: int) -> str:
    moment = datetime.fromtimestamp(now_ns // NS_PER_S, tz=UTC)
    return f"{moment:%Y%m%dT%H%M%S}.{now_ns % NS_PER_S // NS_PER_MS:03d}Z"
