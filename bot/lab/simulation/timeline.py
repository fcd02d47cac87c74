"""Virtual time, and what happens in it outside of the daemon."""

import heapq
from collections.abc import Callable
from typing import Final

from bot.domain.units import NS_PER_S

START_NS: Final = 1_767_571_200 * NS_PER_S
"""2026-01-05T00:00:00Z, a Monday."""
NEVER_NS: Final = 1 << 62

Happening = Callable[[], None]


class Timeline:
    """A queue of happenings; the time stands still but for them and for the daemon's timers."""

    def __init__(self, start_ns: int = START_NS) -> None:
        self.now_ns = start_ns
        self._queue: list[tuple[int, int, Happening]] = []
        self._count = 0

    @property
    def next_ns(self) -> int:
        """When the next happening is due; NEVER_NS without one."""
        return self._queue[0][0] if self._queue else NEVER_NS

    def at(self, at_ns: int, happening: Happening) -> None:
        """Let something happen at `at_ns`, or now if that has passed."""
        self._count += 1
        heapq.heappush(self._queue, (max(at_ns, self.now_ns), self._count, happening))

    def after(self, seconds: float, happening: Happening) -> None:
        """Let something happen in `seconds`."""
        self.at(self.now_ns + round(seconds * NS_PER_S), happening)

    def step(self) -> None:
        """Go to the next happening and let it happen."""
        at_ns, _, happening = heapq.heappop(self._queue)
        self.now_ns = max(self.now_ns, at_ns)
        happening()

    def pass_until(self, until_ns: int) -> None:
        """Let everything happen that is due up to `until_ns`, which it is then."""
        while self._queue and self._queue[0][0] <= until_ns:
            self.step()
        self.now_ns = max(self.now_ns, until_ns)
