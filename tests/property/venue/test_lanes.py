"""Who may send next: order, budget, reserve and cancellation, on a clock of the test's own."""

import asyncio
from types import SimpleNamespace

import pytest
from asyncio_throttle import throttler
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.errors import InvariantBroken
from bot.venue.lanes import Lane, Lanes

LIMIT, PERIOD_S = 40, 1.0
SHARED = int(LIMIT * 0.7)
RESERVE = LIMIT - SHARED


class VirtualTime:
    """A clock that only sleeping moves; stands in for the throttler's own clock as well."""

    def __init__(self) -> None:
        self.ns = 10**18

    def now_ns(self) -> int:
        return self.ns

    def monotonic_ns(self) -> int:
        return self.ns

    def monotonic(self) -> float:
        return self.ns / 10**9

    async def sleep_s(self, seconds: float) -> None:
        self.ns += round(seconds * 10**9)
        await asyncio.sleep(0)


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> VirtualTime:
    made = VirtualTime()
    install(monkeypatch, made)
    return made


def install(monkeypatch: pytest.MonkeyPatch, made: VirtualTime) -> None:
    monkeypatch.setattr(throttler, "time", SimpleNamespace(monotonic=made.monotonic))
    monkeypatch.setattr(throttler, "asyncio", SimpleNamespace(sleep=made.sleep_s))


def lanes_of(time: VirtualTime) -> Lanes:
    return Lanes(time, limit=LIMIT, period_s=PERIOD_S, orders_limit=1000)


REQUESTS = st.lists(st.tuples(st.sampled_from(Lane), st.integers(1, 8)), min_size=1, max_size=40)


@settings(max_examples=40)
@given(requests=REQUESTS)
def test_the_budget_holds_in_every_window(requests: list[tuple[Lane, int]]) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        time = VirtualTime()
        install(monkeypatch, time)
        granted = asyncio.run(all_of(lanes_of(time), time, requests))
    assert len(granted) == len(requests)
    for at_ns, _, _ in granted:
        window = [g for g in granted if at_ns - PERIOD_S * 10**9 < g[0] <= at_ns]
        assert sum(weight for _, _, weight in window) <= LIMIT
        others = sum(weight for _, lane, weight in window if lane > Lane.WATCH)
        assert others <= SHARED


async def all_of(
    lanes: Lanes, time: VirtualTime, requests: list[tuple[Lane, int]]
) -> list[tuple[int, Lane, int]]:
    granted: list[tuple[int, Lane, int]] = []

    async def one(lane: Lane, weight: int) -> None:
        await lanes.enter(lane, weight)
        granted.append((time.ns, lane, weight))

    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        for lane, weight in requests:
            group.create_task(one(lane, weight))
    return granted


async def test_protection_never_queues_behind_curiosity(time: VirtualTime) -> None:
    lanes = lanes_of(time)
    served: list[str] = []

    async def one(name: str, lane: Lane, weight: int) -> None:
        await lanes.enter(lane, weight)
        served.append(name)

    async with asyncio.TaskGroup() as group:
        for number in range(50):
            group.create_task(one(f"query {number}", Lane.QUERY, 5))
        while lanes.waiting < 40:
            await asyncio.sleep(0)
        before, at_ns = len(served), time.ns
        await lanes.enter(Lane.PROTECT, 1)
        assert time.ns == at_ns
        assert len(served) == before
        for number in range(RESERVE - 1):
            await lanes.enter(Lane.PROTECT, 1)
            assert time.ns == at_ns, number
    assert len(served) == 50


async def test_the_queue_is_served_by_lane_and_then_by_age(time: VirtualTime) -> None:
    lanes = lanes_of(time)
    await lanes.enter(Lane.QUERY, SHARED)
    served: list[tuple[Lane, int]] = []

    async def one(lane: Lane, number: int) -> None:
        await lanes.enter(lane, 4)
        served.append((lane, number))

    wanted = [(lane, n) for n in range(6) for lane in (Lane.QUERY, Lane.ORDER)]
    async with asyncio.TaskGroup() as group:
        for lane, number in wanted:
            group.create_task(one(lane, number))
    assert served == sorted(wanted)


async def test_the_guard_s_readings_leave_room_for_its_orders(time: VirtualTime) -> None:
    lanes = lanes_of(time)
    await lanes.enter(Lane.QUERY, SHARED)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(lanes.enter(Lane.WATCH, 1)) for _ in range(RESERVE)]
        await asyncio.sleep(0)
        readings = sum(task.done() for task in tasks)
        at_ns = time.ns
        await lanes.enter(Lane.PROTECT, 1)
        assert time.ns == at_ns
    assert 0 < readings < RESERVE


async def test_the_venue_s_own_count_holds_everybody_but_protection(time: VirtualTime) -> None:
    period_ns = int(PERIOD_S * 10**9)
    time.ns -= time.ns % period_ns
    lanes = lanes_of(time)
    lanes.observe(SHARED)
    began = time.ns // period_ns
    await lanes.enter(Lane.PROTECT, 1)
    assert time.ns // period_ns == began
    await lanes.enter(Lane.QUERY, 1)
    assert time.ns // period_ns == began + 1


@settings(max_examples=30)
@given(cut=st.sets(st.integers(0, 19)), turns=st.integers(0, 30))
def test_a_waiter_that_leaves_takes_nobody_with_it(cut: set[int], turns: int) -> None:
    async def scene(time: VirtualTime) -> list[int]:
        lanes, served = lanes_of(time), []

        async def one(number: int) -> None:
            await lanes.enter(Lane.QUERY, 3)
            served.append(number)

        async with asyncio.timeout(30), asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(number)) for number in range(20)]
            for _ in range(turns):
                await asyncio.sleep(0)
            for number in sorted(cut):
                tasks[number].cancel()
        assert lanes.waiting == 0
        return served

    with pytest.MonkeyPatch.context() as monkeypatch:
        time = VirtualTime()
        install(monkeypatch, time)
        served = asyncio.run(scene(time))
    assert set(range(20)) - cut <= set(served)
    assert served == sorted(served)


async def test_orders_are_paced_too(time: VirtualTime) -> None:
    lanes = Lanes(time, limit=1000, orders_limit=10, orders_period_s=10.0)
    at_ns = time.ns
    for _ in range(7):
        await lanes.enter(Lane.ORDER, 1, places=True)
    assert time.ns == at_ns
    await lanes.enter(Lane.PROTECT, 1, places=True)
    assert time.ns == at_ns
    await lanes.enter(Lane.ORDER, 1, places=True)
    assert time.ns >= at_ns + 10 * 10**9


async def test_a_request_heavier_than_the_limit_is_our_mistake(time: VirtualTime) -> None:
    with pytest.raises(InvariantBroken):
        await lanes_of(time).enter(Lane.QUERY, LIMIT)
