"""The second hand: ticks for the kernel, the watchdog of systemd, and what health is told of."""

from collections.abc import Callable

from bot.domain.messages import Event, TimerFired
from bot.domain.units import NS_PER_S
from bot.runtime.executor import Executor
from bot.runtime.inbox import Inbox
from bot.runtime.lag import LagProbe
from bot.runtime.parts import DaemonParts
from bot.runtime.scribe import Scribe
from bot.runtime.systemd import ServiceManager


class Beat:
    """A plain task of its own: no scheduler stands between safety and time."""

    def __init__(
        self, parts: DaemonParts, manager: ServiceManager, lag: LagProbe, inbox: Inbox
    ) -> None:
        self._parts = parts
        self._clock = parts.clock
        self._manager = manager
        self._lag = lag
        self._inbox = inbox
        self._blind = ""
        self._blind_since_ns = 0
        self.passes = 0

    async def seconds(
        self, emit: Callable[[Event], None], executor: Executor, scribe: Scribe
    ) -> None:
        """Tick until cancelled."""
        while True:
            now_ns = self._clock.now_ns()
            emit(TimerFired("second", now_ns, now_ns))
            self._tell(executor, scribe)
            await self._clock.sleep_s(self._parts.options.second_s)

    def _tell(self, executor: Executor, scribe: Scribe) -> None:
        self._parts.health.update(
            lag_s=self._lag.worst_s,
            inbox=len(self._inbox),
            inbox_folded=self._inbox.folded,
            inbox_dropped=self._inbox.dropped,
            journal=scribe.broken or "ok",
            journal_lost=scribe.lost,
            entries_held=executor.entries_held,
            coverage_passes=self.passes,
            blind=self._blind,
        )

    def passed(self, blind: str) -> None:
        """Take note of a coverage pass: it ran, so this process is alive.

        A pass that could not read the venue is a declared blindness, not a hang: a restart would
        not cure it. A loop that was stuck for seconds says nothing.
        """
        self.passes += 1
        now_ns = self._clock.monotonic_ns()
        if blind and not self._blind:
            self._blind_since_ns = now_ns
        self._blind = blind
        if not self._lag.blocked:
            self._manager.alive()
        if blind:
            for_s = (now_ns - self._blind_since_ns) // NS_PER_S
            self._manager.status(f"blind for {for_s} s, stops are at the venue: {blind}")
        else:
            state = self._parts.kernel.state
            self._manager.status(f"{state.mode.value}: {state.mode_reason}")

    def ready(self, text: str) -> None:
        """Say that the start is complete."""
        self._parts.health["ready"] = True
        self._manager.ready(text)

    def stopping(self) -> None:
        """Say that the end was asked for."""
        self._parts.health["ready"] = False
        self._manager.stopping()
