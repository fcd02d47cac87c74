"""Measures how late the event loop is, which is how late everything is."""

from bot.domain.risk import Severity
from bot.domain.units import NS_PER_S
from bot.ports import Clock
from bot.runtime.notices import Notices

PERIOD_S = 0.1
WARN_S = 1.0
BLOCKED_S = 5.0
"""A loop this late must not feed the watchdog."""
WINDOW = 600
"""Probes that `worst_s` remembers: a minute."""


class LagProbe:
    """Sleeps for a period (a tenth of a second) and measures the excess."""

    def __init__(self, clock: Clock, notices: Notices, period_s: float = PERIOD_S) -> None:
        self._clock = clock
        self._period_s = period_s
        self._notices = notices
        self._probes: list[float] = []
        self._at = 0
        self.last_s = 0.0

    @property
    def worst_s(self) -> float:
        """The worst lag of the last minute, in seconds."""
        return max(self._probes, default=0.0)

    @property
    def blocked(self) -> bool:
        """Whether the loop was just stuck for so long that nothing it says can be trusted."""
        return self.last_s > BLOCKED_S

    async def run(self) -> None:
        """Probe until cancelled."""
        while True:
            before_ns = self._clock.monotonic_ns()
            await self._clock.sleep_s(self._period_s)
            self._take((self._clock.monotonic_ns() - before_ns) / NS_PER_S - self._period_s)

    def _take(self, lag_s: float) -> None:
        self.last_s = max(lag_s, 0.0)
        if len(self._probes) < WINDOW:
            self._probes.append(self.last_s)
        else:
            self._probes[self._at] = self.last_s
            self._at = (self._at + 1) % WINDOW
        if self.last_s > WARN_S:
            text = f"the event loop was stuck for {self.last_s:.1f} s; see the log before it"
            self._notices.say(Severity.WARNING, "lag", text)
