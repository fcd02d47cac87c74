"""The room all accounts of one database share: who drives what, who waits, what was ordered."""

from sqlalchemy import Connection, text

from bot.domain.errors import JournalBroken

ROOM = "breakwater"
VERSION = 1
MAKING = f"""
CREATE SCHEMA IF NOT EXISTS {ROOM};
CREATE TABLE IF NOT EXISTS {ROOM}.version (number integer PRIMARY KEY);
CREATE TABLE IF NOT EXISTS {ROOM}.leases (
  account text PRIMARY KEY, key_digest text NOT NULL, token bigint NOT NULL,
  holder text NOT NULL, host text NOT NULL, machine text NOT NULL, pid bigint NOT NULL,
  mode text NOT NULL,
  taken_at timestamptz NOT NULL, renewed_at timestamptz NOT NULL, expires_at timestamptz NOT NULL,
  told text NOT NULL
);
CREATE TABLE IF NOT EXISTS {ROOM}.standbys (
  account text NOT NULL, holder text NOT NULL, host text NOT NULL, pid bigint NOT NULL,
  seen_at timestamptz NOT NULL, PRIMARY KEY (account, holder)
);
CREATE TABLE IF NOT EXISTS {ROOM}.orders (
  id bigserial PRIMARY KEY, account text NOT NULL, name text NOT NULL, args text NOT NULL,
  operator text NOT NULL, given_at timestamptz NOT NULL, answered_at timestamptz,
  accepted boolean, answer text
);
CREATE TABLE IF NOT EXISTS {ROOM}.joint_spent (
  id bigserial PRIMARY KEY, mode text NOT NULL, begun_at timestamptz NOT NULL,
  begun_by text NOT NULL, equity_usd float8 NOT NULL, peak_usd float8 NOT NULL,
  budget_frac float8 NOT NULL, ended_at timestamptz
);
CREATE UNIQUE INDEX IF NOT EXISTS joint_spent_open ON {ROOM}.joint_spent (mode)
  WHERE ended_at IS NULL;
CREATE TABLE IF NOT EXISTS {ROOM}.joint_latched (
  spent_id bigint NOT NULL REFERENCES {ROOM}.joint_spent (id), account text NOT NULL,
  latched_at timestamptz NOT NULL, rearmed_at timestamptz, PRIMARY KEY (spent_id, account)
);
"""


def make_room(connection: Connection, label: str) -> None:
    """Make the shared tables where they are missing, in the open transaction.

    Raises:
        JournalBroken: they are of a newer program.
    """
    made = f"SELECT to_regclass('{ROOM}.joint_latched')"  # the last one made
    if connection.execute(text(made)).scalar() is None:
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext(:room))"), {"room": ROOM})
        for statement in MAKING.split(";"):
            if statement.strip():
                connection.execute(text(statement))
        number = text(f"INSERT INTO {ROOM}.version VALUES (:number) ON CONFLICT DO NOTHING")  # noqa: S608
        connection.execute(number, {"number": VERSION})
    found = connection.execute(text(f"SELECT max(number) FROM {ROOM}.version")).scalar()  # noqa: S608
    if found is None or int(found) > VERSION:
        raise JournalBroken(
            f"{label}: its shared tables have version {found}, newer than this program knows"
            f" ({VERSION}): run the newer program"
        )
