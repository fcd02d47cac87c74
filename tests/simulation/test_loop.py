"""The virtual loop: time that costs nothing, order by seed, death between two steps."""

import asyncio
import random

import pytest

from bot.domain.units import NS_PER_S
from bot.lab.simulation.loop import SimLoop
from bot.lab.simulation.timeline import START_NS, Timeline


def run(main, seed: int = 1, timeline: Timeline | None = None):
    loop = SimLoop(timeline or Timeline(), random.Random(seed))
    asyncio.set_event_loop(loop)
    try:
        return loop.run_until_complete(main())
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def test_a_day_of_waiting_passes_at_once_and_to_the_nanosecond() -> None:
    timeline = Timeline()

    async def main() -> None:
        for _ in range(24):
            await asyncio.sleep(3_600.0)

    run(main, timeline=timeline)
    assert timeline.now_ns == START_NS + 24 * 3_600 * NS_PER_S


def test_happenings_come_between_the_timers_in_their_order() -> None:
    timeline, told = Timeline(), []
    timeline.after(1.5, lambda: told.append("world"))

    async def main() -> None:
        await asyncio.sleep(1.0)
        told.append("one")
        await asyncio.sleep(1.0)
        told.append("two")

    run(main, timeline=timeline)
    assert told == ["one", "world", "two"]


def order_of(seed: int) -> list[int]:
    told: list[int] = []

    async def say(number: int) -> None:
        told.append(number)

    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(8):
                group.create_task(say(number))

    run(main, seed)
    return told


def test_the_seed_decides_who_runs_first() -> None:
    orders = {tuple(order_of(seed)) for seed in range(20)}
    assert len(orders) > 10
    assert order_of(3) == order_of(3)


def test_a_thread_is_refused() -> None:
    async def main() -> None:
        await asyncio.to_thread(len, "x")

    with pytest.raises(RuntimeError, match="inline twin"):
        run(main)


def test_nothing_of_a_killed_process_runs_on() -> None:
    told: list[str] = []
    loop = SimLoop(Timeline(), random.Random(1))

    async def worker() -> None:
        try:
            await asyncio.sleep(1.0)
            told.append("worked")
        finally:
            told.append("unwound")

    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(worker())
            await asyncio.sleep(0.5)
            loop.kill()
            await asyncio.sleep(0.0)
            told.append("went on")

    asyncio.set_event_loop(loop)
    task = loop.create_task(main())
    loop.run_forever()
    assert told == []
    loop.bury()
    asyncio.set_event_loop(None)
    assert task.cancelled()
    assert told == ["unwound"]


def test_a_world_in_which_nothing_will_happen_says_so() -> None:
    async def main() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(RuntimeError, match="nothing will ever happen"):
        run(main)
