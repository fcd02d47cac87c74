"""What is asked of the venue now and then: open interest, income, contracts, key, clock."""

import asyncio
from collections.abc import Callable
from functools import partial

from bot.domain.account import IncomeRow
from bot.domain.market import FeedStatus
from bot.domain.messages import Event, IncomeBooked, InstrumentsLoaded, TimerFired
from bot.domain.risk import Severity
from bot.domain.units import NS_PER_S
from bot.ports import KeyPermissions
from bot.runtime import outcomes
from bot.runtime.memory import FAILURES
from bot.runtime.notices import Notices
from bot.runtime.parts import DaemonParts
from bot.runtime.timers import Job

DAY_S = 86_400.0


class Polls:
    """Each poll puts what it learned into the inbox; a failed one says so and changes nothing."""

    def __init__(self, parts: DaemonParts, emit: Callable[[Event], None], notices: Notices) -> None:
        self._parts = parts
        self._options = parts.options
        self._clock = parts.clock
        self._emit = emit
        self._notices = notices
        self._income_ns = parts.clock.now_ns() - parts.options.income_back_s * NS_PER_S
        self._booked: set[tuple[str, str, str]] = set()
        self._silent: set[str] = set()

    def jobs(self) -> tuple[Job, ...]:
        """Return all jobs with their periods."""
        options = self._options
        jobs = [
            Job("reconcile", options.reconcile_s, partial(self._fire, "reconcile")),
            Job("day", DAY_S, partial(self._fire, "day"), at_midnight=True),
            Job("open_interest", options.open_interest_s, self.open_interest, at_start=True),
            Job("income", options.income_s, self.income, at_start=True),
            Job("instruments", options.instruments_s, self.instruments),
            Job("permissions", options.permissions_s, self.permissions, at_start=True),
            Job("skew", options.skew_s, self.skew, at_start=True),
        ]
        if self._parts.backup is not None:
            jobs.append(Job("backup", DAY_S, self.backup, at_midnight=True))
        return tuple(jobs)

    async def _fire(self, name: str) -> None:
        now_ns = self._clock.now_ns()
        self._emit(TimerFired(name, now_ns, now_ns))

    async def open_interest(self) -> None:
        """Read open interest of every symbol."""
        for symbol in self._parts.symbols:
            try:
                async with asyncio.timeout(self._options.read_deadline_s):
                    self._emit(await self._parts.venue.open_interest(symbol))
            except outcomes.FAILURES as error:
                self._failed(f"open interest of {symbol}", error)
            else:
                self._silent.discard(f"open interest of {symbol}")

    async def income(self) -> None:
        """Read ledger rows that were not read before."""
        try:
            async with asyncio.timeout(self._options.write_deadline_s):
                rows = await self._parts.venue.income(self._income_ns)
        except outcomes.FAILURES as error:
            self._failed("income", error)
            return
        self._silent.discard("income")
        fresh = tuple(row for row in rows if _key(row) not in self._booked)
        if fresh:
            newest_ns = max(row.event_ns for row in fresh)
            self._income_ns = max(self._income_ns, newest_ns)
            self._booked = {_key(row) for row in rows if row.event_ns >= self._income_ns}
            self._emit(IncomeBooked(newest_ns, self._clock.now_ns(), fresh))

    async def instruments(self) -> None:
        """Read filters, fees and tiers afresh."""
        try:
            async with asyncio.timeout(self._options.write_deadline_s):
                loaded = await self._parts.venue.instruments(self._parts.symbols)
        except outcomes.FAILURES as error:
            self._failed("instruments", error)
            return
        self._silent.discard("instruments")
        now_ns = self._clock.now_ns()
        self._emit(InstrumentsLoaded(now_ns, now_ns, loaded))

    async def permissions(self) -> None:
        """Read what the key may do, and warn of what it should not."""
        try:
            async with asyncio.timeout(self._options.write_deadline_s):
                may = await self._parts.venue.key_permissions()
        except outcomes.FAILURES as error:
            self._failed("key permissions", error)
            return
        self._silent.discard("key permissions")
        found = complaints(may, read_only=self._parts.options.read_only)
        for severity, text in found:
            self._notices.say(severity, "key", text)
        reason = found[0][1] if found else "may trade, and nothing else"
        self._emit(key_status(self._clock.now_ns(), live=not found, reason=reason))

    async def skew(self) -> None:
        """Compare the venue's clock with ours."""
        try:
            async with asyncio.timeout(self._options.read_deadline_s):
                skew_s = await self._parts.venue.clock_skew_ns() / NS_PER_S
        except outcomes.FAILURES as error:
            self._failed("clock skew", error)
            return
        self._silent.discard("clock skew")
        if abs(skew_s) > self._options.skew_max_s:
            text = f"the venue's clock differs from ours by {skew_s:+.2f} s: check NTP on this host"
            self._notices.say(Severity.WARNING, "skew", text)

    async def backup(self) -> None:
        """Copy the journal."""
        if self._parts.backup is None:
            return
        try:
            await self._parts.backup()
        except FAILURES as error:
            self._notices.say(Severity.WARNING, "backup", f"no backup was made: {error}")

    def _failed(self, what: str, error: BaseException) -> None:
        """Say once that a poll stopped answering; it is asked again at its next turn."""
        if what not in self._silent:
            self._silent.add(what)
            text = f"{what} could not be read: {outcomes.told(error)}"
            self._notices.say(Severity.WARNING, "poll", text)


def _key(row: IncomeRow) -> tuple[str, str, str]:
    return (row.kind, row.income_id, row.symbol)


def key_status(now_ns: int, *, live: bool, reason: str) -> FeedStatus:
    """Return what tells the kernel whether the key is fit to open positions with."""
    return FeedStatus("key", "", now_ns, now_ns, live, reason)


def complaints(may: KeyPermissions, *, read_only: bool) -> list[tuple[Severity, str]]:
    """Return what is wrong with a key's permissions, loudest first."""
    found = []
    if may.can_withdraw:
        text = "the API key may withdraw: make one that may only trade"
        found.append((Severity.CRITICAL, text))
    if may.can_transfer:
        text = "the API key may transfer: make one that may only trade"
        found.append((Severity.CRITICAL, text))
    if may.can_trade is False and not read_only:
        text = "the API key may not trade futures: nothing can be protected with it"
        found.append((Severity.CRITICAL, text))
    if may.ip_restricted is False:
        text = "the API key is not bound to an address: bind it at the venue"
        found.append((Severity.WARNING, text))
    return found
