"""The lease on an account: one row, one token that only grows, by the server's own clock.

Whoever holds the newest token drives the account. Each write of the journal proves its token in
its own transaction (`prove`), under a shared lock that a taker must wait for; so nothing of an old
holder is committed after a new one took over, however long its packets were under way.
"""

import msgspec
from sqlalchemy import Connection, text

from bot.domain.errors import Fenced, StateLocked
from bot.journal.fleet_tables import ROOM, make_room
from bot.journal.line import CHANNEL, Line
from bot.journal.server import Server

RELEASED = "released"
NOW = "clock_timestamp()"
TAKE = text(f"""
INSERT INTO {ROOM}.leases AS old
  (account, key_digest, token, holder, host, machine, pid, mode,
   taken_at, renewed_at, expires_at, told)
VALUES (:account, :digest, 1, :holder, :host, :machine, :pid, :mode,
  {NOW}, {NOW}, {NOW} + make_interval(secs => :ttl_s), '')
ON CONFLICT (account) DO UPDATE SET key_digest = excluded.key_digest, token = old.token + 1,
  holder = excluded.holder, host = excluded.host, machine = excluded.machine, pid = excluded.pid,
  mode = excluded.mode, taken_at = excluded.taken_at, renewed_at = excluded.renewed_at,
  expires_at = excluded.expires_at, told = ''
WHERE old.expires_at <= {NOW} OR old.token = :dead_token
RETURNING token
""")  # noqa: S608 - every name in it is a constant
TWIN = text(f"""
SELECT account FROM {ROOM}.leases
WHERE key_digest = :digest AND account <> :account AND expires_at > {NOW}
""")  # noqa: S608
RENEW = text(f"""
UPDATE {ROOM}.leases SET renewed_at = {NOW},
  expires_at = {NOW} + make_interval(secs => :ttl_s), told = :told
WHERE account = :account AND token = :token
""")  # noqa: S608
RELEASE = text(f"""
UPDATE {ROOM}.leases SET expires_at = {NOW} WHERE account = :account AND token = :token
""")  # noqa: S608
PROVE = text(f"""
SELECT token, holder, host FROM {ROOM}.leases WHERE account = :account
""")  # noqa: S608
HOLDER = text(f"""
SELECT holder, host, machine, pid, token, extract(epoch FROM renewed_at)::float8 AS renewed_s
FROM {ROOM}.leases WHERE account = :account AND expires_at > {NOW}
""")  # noqa: S608
WAITING = text(f"""
INSERT INTO {ROOM}.standbys VALUES (:account, :holder, :host, :pid, {NOW})
ON CONFLICT (account, holder) DO UPDATE SET seen_at = {NOW}
""")  # noqa: S608
ENDED = text(f"""
DELETE FROM {ROOM}.standbys
WHERE account = :account AND (holder = :holder OR seen_at < {NOW} - interval '1 hour')
""")  # noqa: S608
# Not a lock on the row: a writer that commits in a row would hold up its own renewals.
STAY = text("SELECT pg_advisory_xact_lock_shared(hashtextextended(:account, 1))")
MOVE = text("SELECT pg_advisory_xact_lock(hashtextextended(:account, 1))")
TELL = text("SELECT pg_notify(:channel, :word)")


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """Who wants to drive which account, and for how long a silent holder is waited for."""

    holder: str
    """The run's id."""
    key_digest: str
    """Of mode and API key: the same key under two names is the same account."""
    mode: str
    ttl_s: float
    host: str
    """This machine's name, for people."""
    machine: str
    """Names this boot of this machine, and the room its process numbers are counted in."""
    pid: int


class Holder(msgspec.Struct, frozen=True):
    """Who drives an account, as the server knows it."""

    holder: str
    host: str
    machine: str
    pid: int
    token: int
    renewed_s: float

    @property
    def label(self) -> str:
        """Name it for people."""
        return f"run {self.holder} on {self.host} (pid {self.pid})"


class Lease:
    """A taken lease. `prove` and `renew` are called on different lines, and hold no state."""

    def __init__(self, server: Server, who: Candidate, token: int) -> None:
        self.server = server
        self.who = who
        self.token = token

    def prove(self, connection: Connection) -> None:
        """Hold the lease until the transaction of `connection` ends; see postgres.Fence.

        Raises:
            Fenced: another run took it over.
        """
        mine = {"account": self.server.account}
        connection.execute(STAY, mine)  # by itself first: what is read next is newer than the lock
        found = connection.execute(PROVE, mine).mappings().first()
        if found is None or found["token"] != self.token:
            who = "nobody" if found is None else f"run {found['holder']} on {found['host']}"
            raise Fenced(
                f"{self.server.label}: {who} drives it now; this run held token {self.token}"
            )

    def renew(self, line: Line, told: str) -> None:
        """Hold the lease for another `ttl_s`, and tell the fleet how it goes (one JSON line).

        Raises:
            Fenced: another run took it over.
            JournalBroken: the server did not answer; the lease may have been renewed or not.
        """
        mine = {"account": self.server.account, "token": self.token}
        with line.transaction("renewing the lease") as connection:
            renewed = connection.execute(RENEW, mine | {"ttl_s": self.who.ttl_s, "told": told})
            if renewed.rowcount != 1:
                self.prove(connection)
            _tell(connection, self.server.account)

    def release(self, line: Line) -> None:
        """Let the next one have it at once; one that was taken over stays with its taker.

        Raises:
            JournalBroken: the server did not answer: the lease ends by its time.
        """
        mine = {"account": self.server.account, "token": self.token}
        with line.transaction("giving back the lease") as connection:
            connection.execute(RELEASE, mine)
            _tell(connection, f"{RELEASED} {self.server.account}")


def prepare(line: Line) -> None:
    """Make the shared tables where they are missing, and listen for what holders tell.

    Raises:
        JournalBroken: the server is away, or the tables are of a newer program.
    """
    with line.transaction("opening the fleet's tables") as connection:
        make_room(connection, line.server.label)
    line.listen()


def take(line: Line, who: Candidate, *, dead_token: int = 0) -> Lease | None:
    """Take the lease when it is free or its holder was silent for its time; None: it is held.

    `dead_token` names a holder whose process is known to have ended: it is not waited for.

    Raises:
        StateLocked: this API key drives under another account name.
        JournalBroken: the server did not answer: perhaps taken, by nobody who knows; it ends by
            its time.
    """
    server = line.server
    mine: dict[str, object] = {
        "account": server.account,
        "digest": who.key_digest,
        "holder": who.holder,
    }
    mine |= {"host": who.host, "pid": who.pid, "mode": who.mode, "ttl_s": who.ttl_s}
    mine |= {"machine": who.machine, "dead_token": dead_token}
    with line.transaction("taking the lease") as connection:
        # two names for one key must not be taken side by side
        connection.execute(
            text("SELECT pg_advisory_xact_lock(hashtext(:key))"), {"key": who.key_digest}
        )
        twin = connection.execute(TWIN, mine).scalar()
        if twin is not None:
            raise StateLocked(
                f"{server.label}: this API key is driven under the name {twin}: give both the"
                " same state.account, or another key"
            )
        connection.execute(MOVE, {"account": server.account})
        token = connection.execute(TAKE, mine).scalar()
        if token is None:
            return None
        connection.execute(ENDED, mine)
        _tell(connection, server.account)
    return Lease(server, who, int(token))


def wait_in_line(line: Line, who: Candidate) -> None:
    """Tell the fleet that somebody is ready to take over.

    Raises:
        JournalBroken: the server did not answer.
    """
    mine = {"account": line.server.account, "holder": who.holder, "host": who.host}
    with line.transaction("standing by") as connection:
        connection.execute(WAITING, mine | {"pid": who.pid})


def holder_of(line: Line) -> Holder | None:
    """Return who drives the account; None: nobody.

    Raises:
        JournalBroken: the server did not answer.
    """
    with line.transaction("asking who drives") as connection:
        found = connection.execute(HOLDER, {"account": line.server.account}).mappings().first()
    return None if found is None else Holder(**found)


def _tell(connection: Connection, word: str) -> None:
    connection.execute(TELL, {"channel": CHANNEL, "word": word})
