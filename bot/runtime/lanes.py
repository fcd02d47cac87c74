"""Keyed lanes: jobs of one key run in order, keys never wait for each other."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

Job = Callable[[], Awaitable[None]]

WAITING_MAX = 1_000


class Lanes:
    """One short-lived task per busy key; `parallel` bounds how many keys work at once."""

    def __init__(self, group: asyncio.TaskGroup, name: str, *, parallel: int | None = None) -> None:
        self._group = group
        self._name = name
        self._gate = asyncio.Semaphore(parallel) if parallel is not None else None
        self._queues: dict[str, deque[Job]] = {}
        self.pending = 0

    def push(self, key: str, job: Job) -> bool:
        """Queue `job` behind the others of `key`; False when that lane is full."""
        queue = self._queues.get(key)
        if queue is None:
            queue = self._queues[key] = deque()
            self._group.create_task(self._work(key, queue), name=f"{self._name}:{key}")
        elif len(queue) >= WAITING_MAX:
            return False
        queue.append(job)
        self.pending += 1
        return True

    async def _work(self, key: str, queue: deque[Job]) -> None:
        try:
            while queue:
                await self._one(queue.popleft())
        finally:
            self.pending -= len(queue)
            del self._queues[key]

    async def _one(self, job: Job) -> None:
        try:
            if self._gate is None:
                await job()
            else:
                async with self._gate:
                    await job()
        finally:
            self.pending -= 1
