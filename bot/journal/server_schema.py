"""The account's tables on a server: made, migrated and judged in one transaction."""

from sqlalchemy import Connection, inspect, text

from bot.domain.errors import JournalBroken
from bot.journal import schema
from bot.journal.line import Line
from bot.journal.tables import TABLES

ADVICE = "move the schema aside (ALTER SCHEMA ... RENAME TO ...) to begin anew"


def bring_up(line: Line) -> str:
    """Make or migrate the account's tables; return the revision they had, empty when new.

    Two programs that start at once take turns. A migration happens whole or not at all.

    Raises:
        JournalBroken: the server is away, the tables are of a newer program, or no journal's.
    """
    name = line.server.schema
    with line.transaction("opening its tables") as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": name})
        connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{name}"'))
        before = revision_of(connection, line.server.label, name)
        if before != schema.HEAD:
            schema.migrate(connection)
    return before


def revision_of(connection: Connection, label: str, name: str) -> str:
    """Return the revision of the tables in schema `name`; empty when there are none at all.

    Raises:
        JournalBroken: they are no journal, or of a newer program.
    """
    tables = set(inspect(connection).get_table_names(schema=name))
    if not tables:
        return ""
    found = None
    if "alembic_version" in tables:
        query = text(f'SELECT version_num FROM "{name}".alembic_version')  # noqa: S608
        found = connection.execute(query).scalar()
    if found is None:
        raise JournalBroken(f"{label}: schema {name} is not a journal of this program: {ADVICE}")
    if found not in schema.REVISIONS:
        raise JournalBroken(
            f"{label} has schema {found}, newer than this program knows ({schema.HEAD}):"
            " run the newer program"
        )
    return str(found)


def counts(connection: Connection) -> dict[str, int]:
    """Return the number of rows of each table."""
    return {
        name: int(connection.execute(text(f'SELECT count(*) FROM "{name}"')).scalar_one())  # noqa: S608
        for name in sorted(TABLES)
    }
