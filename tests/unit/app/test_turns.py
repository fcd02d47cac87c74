"""Accounts start a few at a time, the first alone; who waits for a venue holds nobody up."""

import asyncio

from bot.app.accounts.turns import PATIENCE_NS, TOGETHER, Turns
from bot.domain.units import NS_PER_S
from tests.fakes.ports import virtually


class Passing:
    """Moves when somebody sleeps."""

    at_ns = 0

    def now_ns(self) -> int:
        return self.at_ns

    def monotonic_ns(self) -> int:
        return self.at_ns

    async def sleep_s(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self.at_ns = int(asyncio.get_running_loop().time() * NS_PER_S)


def started(turns: Turns, names: list[str], for_s: float, stop: asyncio.Event) -> list[str]:
    async def main() -> list[str]:
        found: list[str] = []

        async def one(name: str) -> None:
            await turns.take(name, stop)
            found.append(name)

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(name)) for name in names]
            await asyncio.sleep(for_s)
            for task in tasks:
                task.cancel()
        return found

    return virtually(main())


def test_nobody_starts_before_the_first_and_then_a_few() -> None:
    clock, stop, names = Passing(), asyncio.Event(), [f"a{n}" for n in range(9)]
    assert started(Turns(clock, "main"), names, 5.0, stop) == []
    turns = Turns(clock, "main")
    turns.done("main")
    assert len(started(turns, names, 5.0, stop)) == TOGETHER
    assert len(started(turns, names, 1.0, stop)) == 0
    turns.done("a0")
    assert len(started(turns, names, 1.0, stop)) == 1


def test_one_that_waits_for_its_venue_is_not_waited_for() -> None:
    clock = Passing()
    names = [f"a{n}" for n in range(2 * TOGETHER)]
    found = started(Turns(clock, "main"), names, PATIENCE_NS / NS_PER_S + 1.0, asyncio.Event())
    assert len(found) == TOGETHER


def test_an_end_lets_all_go_that_wait() -> None:
    stop = asyncio.Event()
    stop.set()
    assert len(started(Turns(Passing(), "main"), ["a", "b"], 1.0, stop)) == 2
