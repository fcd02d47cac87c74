"""One loss budget of all accounts of a database: when it was used up, who was closed for it.

At most one time of each mode is open. It ends when every account it bound was re-armed.
"""

import msgspec
from sqlalchemy import Connection, TextClause, text

from bot.journal.fleet_tables import ROOM
from bot.journal.line import Line

NOW = "clock_timestamp()"
OPEN = text(f"""
SELECT id, budget_frac, equity_usd, peak_usd, begun_by FROM {ROOM}.joint_spent
WHERE mode = :mode AND ended_at IS NULL
""")  # noqa: S608 - every name in it is a constant
CLOSED = text(f"""
SELECT account, rearmed_at IS NOT NULL AS rearmed FROM {ROOM}.joint_latched WHERE spent_id = :id
""")  # noqa: S608
BEGIN = text(f"""
INSERT INTO {ROOM}.joint_spent (mode, begun_at, begun_by, equity_usd, peak_usd, budget_frac)
VALUES (:mode, {NOW}, :account, :equity_usd, :peak_usd, :budget_frac)
ON CONFLICT (mode) WHERE ended_at IS NULL DO NOTHING
""")  # noqa: S608
LATCHED = text(f"""
INSERT INTO {ROOM}.joint_latched (spent_id, account, latched_at) VALUES (:id, :account, {NOW})
ON CONFLICT DO NOTHING
""")  # noqa: S608
REARMED = text(f"""
UPDATE {ROOM}.joint_latched SET rearmed_at = {NOW}
WHERE spent_id = :id AND account = :account AND rearmed_at IS NULL
""")  # noqa: S608
END = text(f"""
UPDATE {ROOM}.joint_spent SET ended_at = {NOW} WHERE id = :id AND ended_at IS NULL
""")  # noqa: S608


class Spent(msgspec.Struct, frozen=True, kw_only=True):
    """A joint budget that is used up: what was seen then, USD, and what was done since."""

    spent_id: int
    budget_frac: float
    equity_usd: float
    peak_usd: float
    begun_by: str
    latched: frozenset[str]
    """Accounts that were closed and latched for it, whether re-armed since or not."""
    rearmed: frozenset[str]


def open_spent(connection: Connection, mode: str) -> Spent | None:
    """Return the time that is open, in the caller's transaction; None: the budget is not used."""
    found = connection.execute(OPEN, {"mode": mode}).mappings().first()
    if found is None:
        return None
    rows = connection.execute(CLOSED, {"id": found["id"]}).mappings().all()
    return Spent(
        spent_id=int(found["id"]),
        budget_frac=float(found["budget_frac"]),
        equity_usd=float(found["equity_usd"]),
        peak_usd=float(found["peak_usd"]),
        begun_by=str(found["begun_by"]),
        latched=frozenset(str(row["account"]) for row in rows),
        rearmed=frozenset(str(row["account"]) for row in rows if row["rearmed"]),
    )


def begin(line: Line, mode: str, *, equity_usd: float, peak_usd: float, budget_frac: float) -> None:
    """Write down that the budget is used up; of several who see it the first one's word stands.

    Raises:
        JournalBroken: the server did not answer: perhaps written.
    """
    told = {"mode": mode, "account": line.server.account, "budget_frac": budget_frac}
    with line.transaction("telling that the joint budget is used") as connection:
        connection.execute(BEGIN, told | {"equity_usd": equity_usd, "peak_usd": peak_usd})


def note_latched(line: Line, spent_id: int) -> None:
    """Write down that this line's account was latched for it.

    Raises:
        JournalBroken: the server did not answer: perhaps written; doing it twice is once.
    """
    _write(line, LATCHED, id=spent_id, account=line.server.account)


def note_rearmed(line: Line, spent_id: int) -> None:
    """Write down that the operator re-armed this line's account.

    Raises:
        JournalBroken: the server did not answer: perhaps written; doing it twice is once.
    """
    _write(line, REARMED, id=spent_id, account=line.server.account)


def end(line: Line, spent_id: int) -> None:
    """Let the budget begin anew.

    Raises:
        JournalBroken: the server did not answer: perhaps written; doing it twice is once.
    """
    _write(line, END, id=spent_id)


def _write(line: Line, statement: TextClause, **values: object) -> None:
    with line.transaction("writing of the joint budget") as connection:
        connection.execute(statement, values)
