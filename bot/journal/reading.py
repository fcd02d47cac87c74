"""A copy of the journal read for a report: no lock, no change, nobody waits for it."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from bot.domain.errors import JournalBroken
from bot.journal import backups
from bot.journal.engine import spoken
from bot.journal.tables import TABLES

Rows = list[dict[str, Any]]
READ: Final = ("equity", "fills", "intents", "decisions", "income", "modes", "runs")


def newest_backup(database: Path) -> Path:
    """Return the newest backup of a journal.

    Raises:
        JournalBroken: there is none yet.
    """
    found = backups.listed(database, "journal")
    if not found:
        raise JournalBroken(
            f"{database.parent / backups.FOLDER}: no backup of the journal yet: one is made every"
            " midnight, UTC, or by `breakwater db backup`"
        )
    return found[0]


def read_copy(path: Path, days: int) -> dict[str, Rows]:
    """Return the rows of the last `days` days that `path` knows, by table, oldest first.

    The days end with the newest point of equity. `path` is a copy that nobody writes (a backup).
    Amounts are text, instants int ns.

    Raises:
        JournalBroken: it is no journal, or cannot be read.
    """
    with spoken(path, "reading it for a report"):
        place = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
        with closing(sqlite3.connect(place, uri=True)) as raw:
            raw.row_factory = sqlite3.Row
            newest = raw.execute('SELECT max(event_ns) FROM "equity"').fetchone()[0]
            if newest is None:
                raise JournalBroken(f"{path}: holds no equity yet: there is nothing to report")
            since_ns = int(newest) - days * 86_400 * 10**9
            return {name: _rows(raw, name, since_ns) for name in READ if name in TABLES}


def _rows(raw: sqlite3.Connection, table: str, since_ns: int) -> Rows:
    query = f'SELECT * FROM "{table}" WHERE event_ns >= ? ORDER BY event_ns, id'  # noqa: S608
    return [dict(row) for row in raw.execute(query, (since_ns,))]
