"""Care of a journal at rest: check, backup and upgrade, for `breakwater db`.

Each takes the state directory's lock, so none runs beside a daemon; a running daemon does the same
through its own store.
"""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from bot.domain.errors import JournalBroken
from bot.journal import backups, schema
from bot.journal.engine import connect_raw, damaged_advice, make_durable, spoken
from bot.journal.lock import hold_state
from bot.journal.statedir import database_path, make_private_file, move_durably
from bot.journal.tables import TABLES
from bot.ports import Clock

Report = dict[str, object]
PROBLEMS_MAX = 20


def check(path: Path) -> Report:
    """Examine every page, key and row count of the journal at `path`, changing nothing in it.

    The report has `ok`, `problems` (lines), `schema`, `schema_known`, `rows` by table, sizes in
    bytes and the newest backup.

    Raises:
        StateLocked: a daemon holds it.
        JournalBroken: there is no journal at `path`.
    """
    database = _existing(path)
    with hold_state(database.parent), closing(_open_to_read(database)) as raw:
        return examine(raw, database)


def examine(raw: sqlite3.Connection, database: Path) -> Report:
    """Return the report of `check` on an open connection."""
    problems = _problems(raw, database)
    revision = ""
    counts: dict[str, int] = {}
    try:
        revision = schema.revision_of(raw, database)
        schema.refuse_newer(revision, database)
        counts = _counts(raw, database)
    except JournalBroken as error:
        problems.append(str(error))
    log = database.with_name(database.name + "-wal")
    kept = backups.listed(database, "journal")
    return {
        "path": str(database),
        "ok": not problems,
        "problems": problems,
        "schema": revision,
        "schema_known": schema.HEAD,
        "sqlite": sqlite3.sqlite_version,
        "rows": counts,
        "size_bytes": database.stat().st_size,
        "log_bytes": log.stat().st_size if log.exists() else 0,
        "free_bytes": shutil.disk_usage(database.parent).free,
        "newest_backup": str(kept[0]) if kept else None,
    }


def backup(path: Path, clock: Clock, *, keep: int = backups.KEEP) -> Report:
    """Copy the journal at rest into `backups` beside it; keep the newest `keep`.

    Raises:
        StateLocked: a daemon holds it.
        JournalBroken: there is none, or the copy could not be made or is not sound.
    """
    database = _existing(path)
    with hold_state(database.parent), closing(_open_to_read(database)) as raw:
        made = backups.copy_database(raw, database, clock.now_ns(), label="journal", keep=keep)
    kept = [str(each) for each in backups.listed(database, "journal")]
    return {"path": str(database), "backup": str(made), "bytes": made.stat().st_size, "kept": kept}


def upgrade(path: Path, clock: Clock) -> Report:
    """Migrate the journal at rest to this program's schema, after a backup when there is a change.

    Raises:
        StateLocked: a daemon holds it.
        JournalBroken: there is none, it is damaged or newer, or a migration failed.
    """
    database = _existing(path)
    with hold_state(database.parent):
        with spoken(database, "opening it"):
            raw = connect_raw(database)
        with closing(raw):
            with spoken(database, "opening it"):
                make_durable(raw)
            before = schema.revision_of(raw, database)
            kept = schema.bring_up(raw, database, clock.now_ns())
    return {
        "path": str(database),
        "from": before,
        "to": schema.HEAD,
        "backup": str(kept) if kept else None,
    }


def restore(path: Path, backup_file: Path, clock: Clock) -> Report:
    """Put a backup in the journal's place; what was there is moved aside, never deleted.

    Limits, loss anchors, peak and latch are then those of the backup; positions and orders are read
    from the venue at the next start.

    Raises:
        StateLocked: a daemon holds it.
        JournalBroken: the backup is absent, unsound or newer than this program, or it cannot be put
            there; the journal is then as it was.
    """
    database = database_path(path)
    if not backup_file.is_file():
        raise JournalBroken(f"{backup_file}: there is no such backup")
    with hold_state(database.parent):
        making = database.with_name(f".{database.name}.restoring")
        make_private_file(making)
        try:
            with spoken(backup_file, "copying it"):
                making.write_bytes(backup_file.read_bytes())
            revision = _sound_revision(making, backup_file)
            aside = _set_aside(database, f"replaced-{clock.now_ns()}", stays=True)
            move_durably(making, database)
        finally:
            making.unlink(missing_ok=True)
    return {
        "path": str(database),
        "restored": str(backup_file),
        "schema": revision,
        "moved_to": str(aside) if aside else None,
    }


def _sound_revision(copy: Path, named: Path) -> str:
    with closing(_open_to_read(copy)) as raw:
        problems = _problems(raw, named)
        if problems:
            raise JournalBroken(f"{named}: is not sound, nothing was changed: {problems[0]}")
        revision = schema.revision_of(raw, named)
        schema.refuse_newer(revision, named)
    return revision


def quarantine(path: Path, clock: Clock) -> Report:
    """Move a damaged journal and its log aside, so that the next start begins anew.

    Nothing is deleted. What only the journal knew (limits, loss anchors, latch) is lost to the new
    one; positions and orders are read from the venue.

    Raises:
        StateLocked: a daemon holds it.
        JournalBroken: there is none, or it cannot be moved.
    """
    database = _existing(path)
    with hold_state(database.parent):
        aside = _set_aside(database, f"damaged-{clock.now_ns()}")
    return {"path": str(database), "moved_to": str(aside)}


def _set_aside(database: Path, label: str, *, stays: bool = False) -> Path | None:
    """Rename the journal and its log; return the journal's new name, None when there is none.

    With `stays` the file also keeps its name, until another takes its place in one step: a power
    cut in between must not leave a bot without a journal.
    """
    aside = database.with_name(f"{database.name}.{label}")
    log = database.with_name(database.name + "-wal")
    if log.exists():
        move_durably(log, aside.with_name(aside.name + "-wal"))
    database.with_name(database.name + "-shm").unlink(missing_ok=True)
    if not database.exists():
        return None
    if stays:
        with spoken(aside, "keeping what was there"):
            aside.hardlink_to(database)
    else:
        move_durably(database, aside)
    return aside


def _existing(path: Path) -> Path:
    database = database_path(path)
    if not database.is_file():
        raise JournalBroken(f"{database}: there is no journal here: start breakwater once")
    return database


def _open_to_read(database: Path) -> sqlite3.Connection:
    with spoken(database, "opening it"):
        return sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True, timeout=1.0)


def _problems(raw: sqlite3.Connection, database: Path) -> list[str]:
    try:
        with spoken(database, "checking it"):
            found = raw.execute(f"PRAGMA integrity_check({PROBLEMS_MAX})").fetchall()
            strays = raw.execute("PRAGMA foreign_key_check").fetchmany(PROBLEMS_MAX)
    except JournalBroken as error:
        return [str(error)]
    lines = [" ".join(str(row[0]).split()) for row in found if row[0] != "ok"]
    if lines:
        lines.append(f"{database} is damaged: {damaged_advice(database)}")
    return lines + [f"table {row[0]} row {row[1]} points nowhere" for row in strays]


def _counts(raw: sqlite3.Connection, database: Path) -> dict[str, int]:
    with spoken(database, "counting rows"):
        return {
            name: int(raw.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0])  # noqa: S608
            for name in sorted(TABLES)
        }
