"""Who may send next: one queue with lanes in front of an address's weight limit.

The protecting lane owns a reserve that nobody else can use, so escape never queues behind
curiosity. A single waiter polls however long the queue is, the queue is ordered by lane and then
by age, and a request takes its whole weight at the instant it leaves.
"""

import asyncio
import heapq
import itertools
from enum import IntEnum
from typing import Final

from asyncio_throttle.throttler import Throttler

from bot.domain.errors import InvariantBroken
from bot.domain.units import NS_PER_S
from bot.ports import Clock

SHARED_PART: Final = 0.7
"""What everything but protection may use of the venue's limit."""
WATCH_FLOOR: Final = 0.25
"""What part of the reserve the guard's own readings must leave to protecting orders."""

ROOM_LOOK_S: Final = 0.01


class Lane(IntEnum):
    """Order of service; the first two may draw on the reserve."""

    PROTECT = 0
    WATCH = 1
    ORDER = 2
    QUERY = 3


class Meter(Throttler):
    """A sliding window that can say how much room it has."""

    def room(self) -> int:
        """Return how many slots are free now."""
        self.flush()  # type: ignore[no-untyped-call]  # the library is half typed
        return self.rate_limit - len(self._task_logs)

    async def take(self, slots: int) -> None:
        """Take `slots`, waiting for each; while there is room it never suspends."""
        for _ in range(slots):
            await self.acquire()  # type: ignore[no-untyped-call]  # the library is half typed


class _Ticket:
    """One waiter in the queue."""

    __slots__ = ("gone", "granted", "lane", "seq", "wake", "weight")

    def __init__(self, lane: Lane, seq: int, weight: int) -> None:
        self.lane, self.seq, self.weight = lane, seq, weight
        self.wake = asyncio.Event()
        self.granted = False
        self.gone = False

    def __lt__(self, other: "_Ticket") -> bool:
        return (self.lane, self.seq) < (other.lane, other.seq)


class Lanes:
    """The gate all requests of one address pass; `limit` is weight per `period_s`."""

    def __init__(
        self,
        clock: Clock,
        *,
        limit: int = 2400,
        period_s: float = 60.0,
        orders_limit: int = 300,
        orders_period_s: float = 10.0,
    ) -> None:
        self._clock = clock
        shared = int(limit * SHARED_PART)
        self._shared = Meter(shared, period_s)
        self._reserve = Meter(limit - shared, period_s)
        self._watch_floor = int((limit - shared) * WATCH_FLOOR)
        self._orders = Meter(int(orders_limit * SHARED_PART), orders_period_s)
        self._queue: list[_Ticket] = []
        self._seq = itertools.count()
        self._leader: _Ticket | None = None
        self._period_ns = int(period_s * NS_PER_S)
        self._period = -1
        self._used = 0

    @property
    def waiting(self) -> int:
        """How many requests wait."""
        return sum(not ticket.gone for ticket in self._queue)

    def observe(self, used_weight: int) -> None:
        """Take the venue's own count for this period: others may share our address."""
        self._roll()
        self._used = max(self._used, used_weight)

    async def enter(self, lane: Lane, weight: int, *, places: bool = False) -> None:
        """Return when a request of `weight` may leave; `places` also counts as an order.

        Raises:
            InvariantBroken: the weight could never be granted.
        """
        if weight > self._shared.rate_limit:
            raise InvariantBroken(f"a request of weight {weight} exceeds the whole limit")
        if not await self._jump(lane, weight):
            await self._wait(_Ticket(lane, next(self._seq), weight))
        self._roll()
        self._used += weight
        if places and (lane is not Lane.PROTECT or self._orders.room() > 0):
            await self._orders.take(1)

    async def _jump(self, lane: Lane, weight: int) -> bool:
        """Let protection through at once while its reserve, or the shared window, has room."""
        if lane > Lane.WATCH:
            return False
        kept = self._watch_floor if lane is Lane.WATCH else 0
        if self._reserve.room() >= weight + kept:
            meter = self._reserve
        elif lane is Lane.PROTECT and self._shared.room() >= weight:
            meter = self._shared
        else:
            return False
        await meter.take(weight)
        return True

    async def _wait(self, ticket: _Ticket) -> None:
        heapq.heappush(self._queue, ticket)
        try:
            while not ticket.granted:
                if self._leader is None:
                    await self._lead(ticket)
                else:
                    await ticket.wake.wait()
                    ticket.wake.clear()
        finally:
            ticket.gone = True
            head = self._head()
            if self._leader is None and head is not None:
                head.wake.set()

    async def _lead(self, ticket: _Ticket) -> None:
        """Poll for everybody until `ticket` itself is served."""
        self._leader = ticket
        try:
            while not ticket.granted:
                head = self._head()
                if head is None:
                    return
                if self._shared.room() < head.weight:
                    await self._clock.sleep_s(ROOM_LOOK_S)
                elif not self._venue_has_room(head):
                    await self._clock.sleep_s(0.05)
                else:
                    heapq.heappop(self._queue)
                    await self._shared.take(head.weight)
                    head.granted = True
                    head.wake.set()
                    await asyncio.sleep(0)  # who was served goes before whoever is served next
        finally:
            self._leader = None

    def _head(self) -> _Ticket | None:
        while self._queue and self._queue[0].gone:
            heapq.heappop(self._queue)
        return self._queue[0] if self._queue else None

    def _roll(self) -> None:
        period = self._clock.now_ns() // self._period_ns
        if period != self._period:
            self._period, self._used = period, 0

    def _venue_has_room(self, head: _Ticket) -> bool:
        self._roll()
        return head.lane <= Lane.WATCH or self._used + head.weight <= self._shared.rate_limit
