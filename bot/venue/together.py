"""Several readings at once: all answers, or the first error as itself and not as a group."""

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

from bot.domain.errors import VenueError

T = TypeVar("T")


async def together(*readings: Coroutine[object, object, T]) -> list[T]:
    """Return all answers in order.

    Raises:
        VenueError: the first that failed; the other readings are cancelled.
    """
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(reading) for reading in readings]
    except BaseExceptionGroup as failures:
        raise _worst(failures) from None
    return [task.result() for task in tasks]


def _worst(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    """A bug of ours outranks a venue's error: it must not hide behind one."""
    leaves: list[BaseException] = []
    queue: list[BaseException] = [failures]
    while queue:
        item = queue.pop(0)
        if isinstance(item, BaseExceptionGroup):
            queue.extend(item.exceptions)
        else:
            leaves.append(item)
    return next((leaf for leaf in leaves if not isinstance(leaf, VenueError)), leaves[0])
