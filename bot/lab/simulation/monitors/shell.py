"""Invariants 21, 30, 34 and the process itself: bans kept, coverage alive, ends in order."""

from typing import Final

from bot.domain.units import NS_PER_S
from bot.lab.simulation.life import Life
from bot.lab.simulation.monitors.verdicts import Verdicts
from bot.lab.simulation.wire import Call
from bot.lab.simulation.world import World

GUARD_MAX_S: Final = 5.0
"""A reading may take its deadline of three seconds; the next one begins within another two."""
STOP_MAX_S: Final = 15.0


class ShellMonitor:
    """Looks at the shell from outside, as systemd and the venue do."""

    def __init__(self, world: World, verdicts: Verdicts) -> None:
        self._world = world
        self._verdicts = verdicts
        self._looked: dict[str, int] = {}
        self._banned: dict[str, int] = {}

    def sends(self, life: Life, call: Call) -> None:
        """Take note of a request."""
        now_ns = self._world.now_ns
        ban = self._world.board.on("ban")
        heard = self._world.board.on("outage") is None
        if ban is not None and heard:
            key = f"{life.run_id}|{ban.serial}"
            asked = self._banned[key] = self._banned.get(key, 0) + 1
            if now_ns - life.ban_heard_ns > NS_PER_S and life.ban_serial == ban.serial:
                self._broken(21, f"a request during a ban: {call.method} {asked}")
            if life.ban_serial != ban.serial:
                life.ban_serial, life.ban_heard_ns = ban.serial, now_ns

    def looks(self, life: Life) -> None:
        """Take note that coverage looks; the gap to its last look is its period."""
        now_ns = self._world.now_ns
        before_ns = self._looked.get(life.run_id, 0)
        self._looked[life.run_id] = now_ns
        if not before_ns and self._world.reached_since(life.born_ns):
            self._verdicts.sample("restart", (now_ns - life.born_ns) / NS_PER_S)
        excused = now_ns - self._world.excused_ns < 10 * NS_PER_S
        if not before_ns or not life.ready or excused:
            return
        gap_s = (now_ns - before_ns) / NS_PER_S
        self._verdicts.sample("guard_period", gap_s)
        if gap_s > GUARD_MAX_S:
            self._broken(30, f"coverage did not look: for {gap_s:.1f} s")

    def ended(self, life: Life, *, asked_ns: int) -> None:
        """Judge how a life ended that was not killed."""
        if life.code is None:
            if asked_ns:
                self._broken(34, f"told to end and did not: {life.run_id}")
            return
        seconds = (self._world.now_ns - asked_ns) / NS_PER_S if asked_ns else 0.0
        if asked_ns and seconds > STOP_MAX_S:
            self._broken(34, f"took too long to end: {seconds:.1f} s")
        if not asked_ns:
            self._world.mark("ended_itself")
            if life.ready:
                self._broken(34, f"it ended by itself: {life.run_id} with code {life.code}")

    def _broken(self, invariant: int, text: str) -> None:
        self._world.note(f"VIOLATION {invariant} {text}")
        self._verdicts.broken(invariant, self._world.lived_s, text)
