"""What a running daemon says about its own health: doctor, and care of its journal."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

from bot.answers import risk
from bot.answers.heard import words
from bot.answers.held import covered_qty, legs_of, working_stops
from bot.answers.question import Answered, age_s
from bot.app.config.places import Places
from bot.app.config.server import server_of
from bot.app.config.settings import Settings, config_hash, load_settings
from bot.app.telling.answering import Special
from bot.app.telling.checkup import Check, bounded, machine_checks, report, venue_checks
from bot.app.telling.noticeboard import Noticeboard
from bot.app.telling.source_health import source_checks
from bot.domain.errors import BotError
from bot.domain.feeds import VenueHealth
from bot.domain.risk import Severity
from bot.domain.units import NS_PER_S
from bot.journal import care, postgres
from bot.journal.writer import JournalWriter
from bot.ports import Venue
from bot.runtime.parts import Machine

TIERS_AGE_MAX_S = 7_200.0
"""They are read every hour; two misses are a finding."""
DOCTOR_S = 6.0
"""The longest that any one look outside may take; the socket gives up after ten."""
SEEN_NS = 2 * NS_PER_S
"""Who asks so soon after somebody else is told what that one was: requests belong to protection."""


class Bedside:
    """Answers that need the venue and the journal of a running daemon."""

    def __init__(
        self,
        settings: Settings,
        places: Places,
        machine: Machine,
        venue: Venue,
        journal: JournalWriter,
        board: Noticeboard,
        health: Mapping[str, object],
        feeds: Callable[[], tuple[VenueHealth, ...]],
    ) -> None:
        self._settings = settings
        self._places = places
        self._machine = machine
        self._venue = venue
        self._journal = journal
        self._board = board
        self._health = health
        self._feeds = feeds
        self._one_at_a_time = asyncio.Lock()
        self._outside: list[Check] = []
        self._looked_ns = 0

    def answers(self) -> dict[str, Special]:
        """Return the questions answered here, by name."""
        return {
            "doctor": self._doctor,
            "db_check": self._db_check,
            "db_backup": self._db_backup,
        }

    async def _doctor(self, args: dict[str, str]) -> Answered:
        """Look at everything; what is asked outside is asked once for all who ask at that time."""
        del args
        async with self._one_at_a_time:
            if self._machine.state.now_ns - self._looked_ns > SEEN_NS:
                self._outside = await self._look_outside()
                self._looked_ns = self._machine.state.now_ns
        checks = [self._config(), *machine_checks(self._places), *self._outside]
        checks += source_checks(self._health, self._machine.state.now_ns)
        return report([*checks, self._proof(), *self._belief(), *self._heard()])

    async def _look_outside(self) -> list[Check]:
        """Ask journal and venue, all at once; DOCTOR_S at most."""
        symbols = self._settings.risk.symbols
        remedy = "breakwater db check, and free disk"
        async with asyncio.TaskGroup() as group:
            journal = group.create_task(bounded("database", self._database(), remedy, DOCTOR_S))
            venue = group.create_task(venue_checks(self._venue, symbols, DOCTOR_S))
        return [journal.result(), *venue.result()]

    def _heard(self) -> list[Check]:
        """Tell how each venue is heard; one that is silent is missing from the senses, not calm."""
        now_ns = self._machine.state.now_ns
        return [
            Check(
                name=f"{health.venue} market data",
                ok=health.live and not health.silent,
                found=words(health, now_ns),
                remedy="the senses go on without it; check the network and senses.venues",
            )
            for health in self._feeds()
        ]

    def _config(self) -> Check:
        """Compare the files with what this run was started with."""
        running = config_hash(self._settings)
        try:
            load_settings(self._places.config)
        except BotError as error:
            line = str(error).splitlines()[0]
            return Check(name="configuration", ok=False, found=line, remedy="correct the file")
        return Check(name="configuration", ok=True, found=f"valid; this run began with {running}")

    async def _database(self) -> Check:
        rows = await self._journal.rows("runs", limit=1)
        return Check(name="database", ok=True, found=f"{self._journal.label}, {len(rows)} run read")

    def _proof(self) -> Check:
        """Tell what this run's proof of a stop came to: placed, seen and cancelled at the venue."""
        told = self._board.newest("stop_proof")
        if told is None:
            return Check(name="stop proof", ok=None, found="not proven in this run yet")
        return Check(
            name="stop proof",
            ok=told.severity is Severity.INFO,
            found=told.text,
            remedy="entries wait until a stop can be placed; see the log",
        )

    def _belief(self) -> list[Check]:
        state = self._machine.state
        legs = legs_of(state)
        bare = [leg for leg in legs if covered_qty(leg, working_stops(state, leg)) < leg.qty]
        stale = [m.symbol for m in state.markets.values() if not m.feed_live]
        read_s = age_s(state.now_ns, state.account_ns)
        return [
            Check(
                name="stops",
                ok=not bare,
                found=f"{len(legs) - len(bare)} of {len(legs)} positions stopped at the venue",
                remedy="breakwater positions; breakwater flatten if it lasts",
            ),
            Check(
                name="feeds",
                ok=not stale and state.user_stream_live,
                found=f"down: {', '.join(stale)}" if stale else "live",
                remedy="entries wait, stops stay; check the network",
            ),
            Check(
                name="account",
                ok=state.reconciled_ns > 0,
                found="not reconciled" if read_s is None else f"read {read_s:.1f} s ago",
                remedy="see the log",
            ),
            self._tiers(),
            Check(name="mode", ok=True, found=f"{state.mode.value}: {state.mode_reason}"),
            self._next(),
        ]

    def _tiers(self) -> Check:
        """Tell how old the margin tiers are that liquidation prices are reckoned with."""
        state = self._machine.state
        ages = {
            market.symbol: (state.now_ns - market.instrument_ns) / NS_PER_S
            for market in state.markets.values()
            if market.instrument_ns and market.instrument is not None and market.instrument.tiers
        }
        held = {leg.symbol for leg in legs_of(state)} | set(self._settings.risk.symbols)
        missing = sorted(held - set(ages))
        oldest = max(ages.values(), default=0.0)
        found = f"missing: {', '.join(missing)}" if missing else f"read {oldest:.0f} s ago at most"
        return Check(
            name="margin tiers",
            ok=not missing and oldest <= TIERS_AGE_MAX_S,
            found=found,
            remedy="liquidation prices may be off; check the network and the log",
        )

    def _next(self) -> Check:
        """Tell what happens first from here, and at which price."""
        rows = risk.next_of(self._machine.state, self._machine.policy)
        told = [f"{r['what']} at {r['price']} ({r['symbol']} {r['side']})" for r in rows[:2]]
        return Check(name="next", ok=True, found="; ".join(told) or "nothing: no position is held")

    async def _db_backup(self, args: dict[str, str]) -> Answered:
        del args
        return {"path": self._journal.label, "backup": await self._journal.backup()}

    async def _db_check(self, args: dict[str, str]) -> Answered:
        """Copy the journal through its own connection, and examine every page of the copy."""
        del args
        server = server_of(self._settings, self._places)
        if server is not None:
            return await asyncio.to_thread(postgres.check, server)
        copy = Path(await self._journal.backup())
        return {**care.check(copy), "checked": "a copy made now", "path": str(self._places.journal)}
