"""Keeps a lease by a thread of its own, and knows when it may already be another's."""

import os
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection

from bot.domain.errors import BotError, Fenced, JournalBroken, StateLocked
from bot.domain.units import NS_PER_S
from bot.journal import fleet, joint, lease
from bot.journal.lease import Candidate, Holder, Lease
from bot.journal.line import Line
from bot.journal.server import Server
from bot.ports import Clock

RENEWALS = 4
"""So often a lease is renewed within its time."""
TELL_S = 3.0
"""At least so often, for others judge by what it tells."""
TOLD_AGE_NS = 5 * NS_PER_S
"""What was given to tell longer ago is not told: whoever should tell it may hang."""
WATCH_NS = NS_PER_S
MARGIN_FRAC = 0.2
"""This share of its time before the server would give it away, a holder stops by itself."""
LOOK_S = 0.1
END_S = 5.0
POLL_S = 0.5


class Fleet(msgspec.Struct, frozen=True):
    """All accounts as the database knew them at `read_ns` of the monotonic clock, ours as well."""

    rows: list[dict[str, Any]]
    """See `fleet.overview`."""
    spent: joint.Spent | None
    read_ns: int


class Tenure:
    """The right to drive an account; thread-safe. It is never regained once it was lost."""

    def __init__(self, held: Lease, line: Line, clock: Clock, began_ns: int) -> None:
        self._lease = held
        self._line = line
        self._clock = clock
        self._kept_ns = int(held.who.ttl_s * (1.0 - MARGIN_FRAC) * NS_PER_S)
        self._until_ns = began_ns + self._kept_ns
        self._why = ""
        self._told, self._told_ns = "", 0
        self._mode = ""
        self._fleet: Fleet | None = None
        self._works: deque[Callable[[Line], object]] = deque()
        self._orders: deque[fleet.Order] = deque()
        self._seen: set[int] = set()
        self._answers: deque[tuple[int, bool, str]] = deque()
        self._trouble = ""
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="lease", daemon=True)
        self._thread.start()

    @property
    def token(self) -> int:
        """The fencing token: it grows with each change of holder."""
        return self._lease.token

    def held(self) -> bool:
        """Tell whether nobody else can have the lease yet, by our own clock."""
        if not self._why and self._clock.monotonic_ns() >= self._until_ns:
            who = self._lease
            silent_s = self._kept_ns / NS_PER_S
            self._why = (
                f"{who.server.label}: the lease could not be renewed for {silent_s:.1f} s"
                f"{f' ({self._trouble})' if self._trouble else ''}: another may drive it now"
            )
        return not self._why

    async def lost(self) -> str:
        """Return why the lease is lost, once it is."""
        while self.held():
            await self._clock.sleep_s(LOOK_S)
        return self._why

    def prove(self, connection: Connection) -> None:
        """Hold the lease until the transaction ends; see postgres.Fence.

        Raises:
            Fenced: another run took it over, or may have.
        """
        if not self.held():
            raise Fenced(self._why)
        try:
            self._lease.prove(connection)
        except Fenced as error:
            self._why = self._why or str(error)
            raise

    def tell(self, line: str) -> None:
        """Give the fleet one JSON line on how this account does; told with the next renewal."""
        self._told, self._told_ns = line, self._clock.monotonic_ns()

    def watch(self, mode: str) -> None:
        """Read all accounts of the database from now on, and whether their budget is used up."""
        self._mode = mode

    def others(self) -> Fleet | None:
        """Return what was read last; None: nothing yet. Its age is the reader's to judge."""
        return self._fleet

    def post(self, work: Callable[[Line], object]) -> None:
        """Have something written in the lease's thread; done again until the server answers."""
        self._works.append(work)

    def ordered(self) -> list[fleet.Order]:
        """Return what was ordered through the fleet since the last call."""
        found = []
        while self._orders:
            found.append(self._orders.popleft())
        return found

    def answer(self, order_id: int, text: str, *, accepted: bool) -> None:
        """Have the answer to an order written down."""
        self._answers.append((order_id, accepted, text))

    def close(self) -> None:
        """Give the lease back, if it is still ours and the server answers."""
        self._end.set()
        self._thread.join(END_S)

    def _keep(self) -> None:
        period_ns = int(min(self._lease.who.ttl_s / RENEWALS, TELL_S) * NS_PER_S)
        due_ns = self._clock.monotonic_ns() + period_ns
        while not self._end.is_set() and self.held():
            try:
                if self._clock.monotonic_ns() >= due_ns or self._answers:
                    self._renew()
                    due_ns = self._clock.monotonic_ns() + period_ns
                self._line.heard(POLL_S)
                self._take_orders()
                self._work()
                self._watch()
            except Fenced as error:
                self._why = str(error)
            except JournalBroken as error:
                self._trouble = str(error)
                self._end.wait(LOOK_S)
        try:
            if self.held():
                self._lease.release(self._line)
        except BotError as error:
            self._trouble = str(error)  # it ends by its time
        finally:
            self._line.close()

    def _renew(self) -> None:
        sent_ns = self._clock.monotonic_ns()
        stale = sent_ns - self._told_ns > TOLD_AGE_NS
        self._lease.renew(self._line, "" if stale else self._told)
        self._until_ns = sent_ns + self._kept_ns
        self._trouble = ""
        while self._answers:
            fleet.answer(self._line, *self._answers[0])
            self._answers.popleft()

    def _work(self) -> None:
        """Write what waits, after what was told before it: nobody may see it the other way."""
        if self._works:
            self._renew()
        while self._works:
            self._works[0](self._line)
            self._works.popleft()

    def _watch(self) -> None:
        now_ns = self._clock.monotonic_ns()
        if not self._mode or (self._fleet and now_ns - self._fleet.read_ns < WATCH_NS):
            return
        rows, spent = fleet.overview_and_spent(self._line, self._mode)
        self._fleet = Fleet(rows, spent, now_ns)

    def _take_orders(self) -> None:
        for order in fleet.waiting(self._line):
            if order.order_id not in self._seen:
                self._seen.add(order.order_id)
                self._orders.append(order)


def obtain(
    server: Server,
    who: Candidate,
    clock: Clock,
    *,
    standby: bool,
    say: Callable[[str], None] = lambda _: None,
) -> Tenure:
    """Return the lease on an account, kept from now on.

    A holder that is seen to live refuses us, unless we stand by: then it is waited for without
    end, and an unreachable server as well. One whose process ended on this machine, or that was
    silent for its time, is followed.

    Raises:
        StateLocked: another run drives the account, or this key drives under another name.
        JournalBroken: the server cannot be reached.
    """
    line = Line(server, answer_s=min(server.answer_s, who.ttl_s / 3.0))
    try:
        return _obtain(line, who, clock, standby=standby, say=say)
    except BaseException:
        line.close()
        raise


def _obtain(
    line: Line, who: Candidate, clock: Clock, *, standby: bool, say: Callable[[str], None]
) -> Tenure:
    first: Holder | None = None
    said = ""
    while True:
        try:
            if said == "" or "cannot" in said:
                lease.prepare(line)
            began_ns = clock.monotonic_ns()
            known = lease.holder_of(line)
            gone = known.token if known is not None and _ended(known, who) else 0
            # asked for only when it may be had: a taker holds up the writes of a living holder
            free = known is None or gone
            taken = lease.take(line, who, dead_token=gone) if free else None
            if taken is not None:
                return Tenure(taken, line, clock, began_ns)
            first = _refuse_living(line, known, first, standby=standby)
            if standby:
                lease.wait_in_line(line, who)
            told = f"standing by: {known.label if known else 'another run'} drives it"
            _wait_for_change(line)
        except JournalBroken as error:
            if not standby:
                raise
            told = f"standing by, but it cannot be told who drives: {error}"
            time.sleep(POLL_S)  # noqa: TID251 - nothing else runs yet
        if told != said:
            said = told
            say(f"{line.server.label}: {told}")


def _refuse_living(
    line: Line, known: Holder | None, first: Holder | None, *, standby: bool
) -> Holder | None:
    """Return the holder first seen; one that renewed since then lives."""
    if standby or known is None or first is None or known.token != first.token:
        return known if first is None or known is None else first
    if known.renewed_s > first.renewed_s:
        raise StateLocked(
            f"{line.server.label}: {known.label} drives this account: stop it first, or wait"
            " for its end with --standby"
        )
    return first


def _wait_for_change(line: Line) -> None:
    """Wait a moment, less when a lease was given back."""
    line.heard(POLL_S)


def _ended(known: Holder, who: Candidate) -> bool:
    """Tell whether the holder's process is known to have ended: it counted its pids where we do."""
    if known.machine != who.machine or known.pid == who.pid:
        return False
    try:
        os.kill(known.pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def this_machine(host: str) -> str:
    """Return a name for this boot of this machine as `host`, and its room of process numbers."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        room = os.readlink("/proc/self/ns/pid")
    except OSError:
        return f"{host} unknown {os.getpid()}"  # equal to nobody's: nobody is known to have ended
    return f"{host} {boot} {room}"
