"""An event loop in virtual time that shuffles what is ready by seed and can be killed."""

import asyncio
import heapq
import random
from collections import deque
from collections.abc import Callable
from contextvars import Context
from typing import Any, Final, NoReturn

from typing_extensions import override

from bot.domain.units import NS_PER_S
from bot.lab.simulation.timeline import NEVER_NS, START_NS, Timeline

CLOSE_S: Final = 1e-9
BURIAL_TURNS: Final = 20_000
TURNS_MAX: Final = 20_000
"""In one instant: what never waits would run for ever."""


class SimLoop(asyncio.BaseEventLoop):
    """Waiting costs nothing, threads are refused, and no two seeds run tasks in the same order.

    A kill stops it between two callbacks: nothing of the process runs on, as with SIGKILL.
    """

    _ready: deque[asyncio.Handle]
    _stopping: bool

    def __init__(self, timeline: Timeline, order: random.Random) -> None:
        super().__init__()
        self._timeline = timeline
        self._order = order
        self._dead = False
        self._ghost_ns = 0
        self._instant_ns = self._arrived = 0
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._asked = 0
        self.turns = 0
        self.steps = 0

    @override
    def time(self) -> float:
        """Return virtual seconds since the world began."""
        return (self._timeline.now_ns + self._ghost_ns - START_NS) / NS_PER_S

    def kill(self) -> None:
        """End the process here and now."""
        self._dead = True
        self.stop()

    def bury(self) -> None:
        """Unwind the tasks of a killed process, in a time of their own; the world stands still."""
        self._dead = False
        tasks = sorted(asyncio.all_tasks(self), key=lambda task: task.get_name())
        for task in tasks:
            task.cancel()
        end = self.turns + BURIAL_TURNS
        self.call_soon(self._bury_on, end)
        self.run_forever()
        self._timers.clear()
        self.close()

    def _bury_on(self, end: int) -> None:
        if asyncio.all_tasks(self) and self.turns < end:
            self._ghost_ns += NS_PER_S
            self.call_soon(self._bury_on, end)
        else:
            self.stop()

    @override
    def run_in_executor(  # type: ignore[override]
        self,
        *_args: Any,
    ) -> NoReturn:
        """Refuse: a thread is not deterministic."""
        raise RuntimeError("a thread under simulated time: use the inline twin of this part")

    def _process_events(self, event_list: object) -> None:
        """There are no descriptors."""

    def _write_to_self(self) -> None:
        """Nobody sleeps in a selector."""

    def _run_once(self) -> None:
        self.turns += 1
        now_ns = self._timeline.now_ns + self._ghost_ns
        if now_ns != self._instant_ns:
            self._instant_ns, self._arrived = now_ns, self.turns
        elif self.turns - self._arrived > TURNS_MAX:
            raise RuntimeError(f"time stands still at {now_ns}: something never waits")
        ready = self._ready
        if not ready and not self._stopping:
            self._wait()
        timers = self._timers
        if timers and timers[0][0] <= self.time() + CLOSE_S:
            self._take_due()
        count = len(ready)
        if count > 1:
            handles = list(ready)
            ready.clear()
            self._order.shuffle(handles)
            ready.extend(handles)
        for _ in range(count):
            handle = ready.popleft()
            if not handle.cancelled():
                self.steps += 1
                handle._run()  # noqa: SLF001 - this is the event loop
            if self._dead:
                return

    @override
    def call_at(  # type: ignore[override]
        self,
        when: float,
        callback: Callable[..., object],
        *args: Any,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Schedule a call; those of one instant are due in the order in which they were asked."""
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        self._asked += 1
        heapq.heappush(self._timers, (when, self._asked, handle))
        return handle

    def _wait(self) -> None:
        """Let time pass to the next timer or happening, whichever is first."""
        timeline, timers = self._timeline, self._timers
        while timers and timers[0][2].cancelled():
            heapq.heappop(timers)
        timer_ns = START_NS + round(timers[0][0] * NS_PER_S) if timers else NEVER_NS
        while timeline.next_ns <= timer_ns:
            if timeline.next_ns == NEVER_NS:
                raise RuntimeError(f"nothing will ever happen again ({timeline.now_ns})")
            timeline.step()
            if self._ready or self._stopping:
                return
            if timers:
                timer_ns = START_NS + round(timers[0][0] * NS_PER_S)
        timeline.now_ns = max(timeline.now_ns, timer_ns)

    def _take_due(self) -> None:
        timers, now_s = self._timers, self.time() + CLOSE_S
        while timers and (timers[0][0] <= now_s or timers[0][2].cancelled()):
            handle = heapq.heappop(timers)[2]
            if not handle.cancelled():
                self._ready.append(handle)
