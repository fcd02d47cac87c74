"""What people ask and order of all accounts of one database, beside the daemons that drive them."""

import json
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import text

from bot.domain.errors import DataInvalid
from bot.journal import joint
from bot.journal.fleet_tables import ROOM
from bot.journal.line import CHANNEL, Line

AGE_MAX_S = 60.0
"""An order nobody took by then is void: nobody expects it any more."""
NOW = "clock_timestamp()"
OVERVIEW = text(f"""
SELECT account, mode, holder, host, pid, token, told, expires_at > {NOW} AS driven,
  extract(epoch FROM {NOW} - renewed_at)::float8 AS age_s,
  (SELECT count(*) FROM {ROOM}.standbys s WHERE s.account = l.account
     AND s.seen_at > {NOW} - interval '10 seconds') AS standbys
FROM {ROOM}.leases l ORDER BY account
""")  # noqa: S608 - every name in it is a constant
GIVE = text(f"""
INSERT INTO {ROOM}.orders (account, name, args, operator, given_at)
VALUES (:account, :name, :args, :operator, {NOW}) RETURNING id
""")  # noqa: S608
WAITING = text(f"""
SELECT id, name, args, operator FROM {ROOM}.orders
WHERE account = :account AND answered_at IS NULL
  AND given_at > {NOW} - make_interval(secs => :age_s) ORDER BY id
""")  # noqa: S608
ANSWER = text(f"""
UPDATE {ROOM}.orders SET answered_at = {NOW}, accepted = :accepted, answer = :answer
WHERE id = :id
""")  # noqa: S608
ANSWERED = text(f"""
SELECT id, account, accepted, answer FROM {ROOM}.orders
WHERE id = ANY(:ids) AND answered_at IS NOT NULL
""")  # noqa: S608
FORGET = text(f"""
UPDATE {ROOM}.leases SET told = :told WHERE account = :account AND expires_at <= {NOW}
""")  # noqa: S608
TELL = text("SELECT pg_notify(:channel, :word)")


class Order(msgspec.Struct, frozen=True):
    """A command given through the database."""

    order_id: int
    name: str
    args: dict[str, str]
    operator: str


def overview(line: Line) -> list[dict[str, Any]]:
    """Return one row an account: who drives it, how fresh that is, and what the run tells.

    Raises:
        JournalBroken: the server did not answer, or no account was ever driven here.
    """
    return overview_and_spent(line, "")[0]


def overview_and_spent(line: Line, mode: str) -> tuple[list[dict[str, Any]], joint.Spent | None]:
    """Return `overview`, and the joint budget of a mode if it is used up, of the same instant.

    Raises:
        JournalBroken: the server did not answer.
    """
    with line.transaction("reading the fleet") as connection:
        if connection.execute(text(f"SELECT to_regclass('{ROOM}.joint_latched')")).scalar() is None:
            return [], None
        found = [dict(row) for row in connection.execute(OVERVIEW).mappings()]
        spent = joint.open_spent(connection, mode)
    return [_told(row) for row in found], spent


def _told(row: dict[str, Any]) -> dict[str, Any]:
    told = row.pop("told")
    row["state"] = json.loads(told) if told else None
    row["driven"] = bool(row["driven"])
    return row


def forget(line: Line, account: str) -> bool:
    """Leave an account out of the joint budget until it is driven again; False: it is driven.

    Its lease and its token stay, so that nothing of an old holder is ever taken.

    Raises:
        JournalBroken: the server did not answer: perhaps forgotten.
    """
    told = {"account": account, "told": json.dumps({"forgotten": True})}
    with line.transaction("forgetting an account") as connection:
        return connection.execute(FORGET, told).rowcount == 1


def give(line: Line, accounts: Sequence[str], name: str, operator: str) -> list[int]:
    """Give one command to each account; return the numbers under which answers will come.

    Raises:
        JournalBroken: the server did not answer: perhaps given.
    """
    given = []
    with line.transaction("giving an order") as connection:
        for account in accounts:
            values = {"account": account, "name": name, "args": "{}", "operator": operator}
            given.append(int(connection.execute(GIVE, values).scalar_one()))
            connection.execute(TELL, {"channel": CHANNEL, "word": f"order {account}"})
    return given


def waiting(line: Line) -> list[Order]:
    """Return the orders for this line's account that nobody answered and that still mean it.

    Raises:
        JournalBroken: the server did not answer.
        DataInvalid: an order was written by no program of ours.
    """
    mine = {"account": line.server.account, "age_s": AGE_MAX_S}
    with line.transaction("reading orders") as connection:
        found = connection.execute(WAITING, mine).mappings().all()
    return [
        Order(int(row["id"]), str(row["name"]), _args(row["args"]), str(row["operator"]))
        for row in found
    ]


def _args(told: str) -> dict[str, str]:
    try:
        return msgspec.json.decode(told, type=dict[str, str])
    except msgspec.DecodeError as error:
        raise DataInvalid(f"fleet: an order's arguments cannot be read: {error}") from None


def answer(line: Line, order_id: int, accepted: bool, told: str) -> None:  # noqa: FBT001
    """Write down what an account answered.

    Raises:
        JournalBroken: the server did not answer.
    """
    with line.transaction("answering an order") as connection:
        connection.execute(ANSWER, {"id": order_id, "accepted": accepted, "answer": told[:500]})
        connection.execute(TELL, {"channel": CHANNEL, "word": f"answer {order_id}"})


def answered(line: Line, order_ids: Sequence[int]) -> dict[int, tuple[bool, str]]:
    """Return the answers that came so far, by number.

    Raises:
        JournalBroken: the server did not answer.
    """
    with line.transaction("reading answers") as connection:
        found = connection.execute(ANSWERED, {"ids": list(order_ids)}).mappings().all()
    return {int(row["id"]): (bool(row["accepted"]), str(row["answer"])) for row in found}
