"""The writer thread keeps order, surfaces failures to their caller and loses nothing."""

import asyncio
import inspect
import threading

import pytest

from bot.domain.errors import DataInvalid, JournalBroken
from bot.domain.market import MarkPrice
from bot.domain.messages import Record, TimerFired
from bot.journal.inline import InlineJournal
from bot.journal.store import open_in_memory, open_journal
from bot.journal.writer import JournalWriter
from tests.unit.journal.stories import BTC, NOW_NS, HandClock, approved, decision, fill

RUN = "run00001"
TICK = TimerFired("t", NOW_NS, NOW_NS)


@pytest.fixture
async def writer(opens):
    made = JournalWriter(opens())
    yield made
    await made.close()


@pytest.fixture
async def file_writer(home, clock):
    made = JournalWriter(open_journal(home, clock))
    yield made
    await made.close()


async def test_what_was_awaited_is_in_the_file(home, clock):
    writer = JournalWriter(open_journal(home, clock))
    await writer.intent(RUN, 1, approved(), NOW_NS)
    await writer.append(RUN, 1, fill(), [Record(decision("d1"))])
    await writer.save_snapshot(RUN, 1, NOW_NS, b"state")
    assert len(await writer.live_orders()) == 1
    assert await writer.load_snapshot() == b"state"
    assert [row["table"] for row in await writer.why("d1")] == ["decisions"]
    assert (await writer.backup()).startswith(str(home / "backups"))
    await writer.close()
    await writer.close()
    store = open_journal(home, clock)
    assert len(store.rows("fills", limit=5)) == 1
    store.close()


async def test_every_statement_runs_on_the_one_named_thread(file_writer):
    writer = file_writer
    names = set()
    writer._store._link.raw.set_trace_callback(lambda _: names.add(threading.current_thread().name))
    await writer.intent(RUN, 1, approved(), NOW_NS)
    await writer.append(RUN, 1, fill(), ())
    await writer.rows("fills", limit=1)
    assert names == {"journal-writer"}


async def test_order_is_kept_and_waiting_facts_share_commits(file_writer):
    writer = file_writer
    commits = []
    writer._store._link.raw.set_trace_callback(
        lambda sql: commits.append(sql) if sql == "COMMIT" else 0
    )
    gate = threading.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(writer._call(gate.wait))
        await asyncio.sleep(0)
        for i in range(300):
            facts = [Record(decision(f"d{i}"))]
            group.create_task(writer.append(RUN, i, TICK, facts))
        for _ in range(3):
            await asyncio.sleep(0)
        gate.set()
    told = [row["decision_id"] for row in await writer.rows("decisions", limit=1_000)]
    assert told == [f"d{i}" for i in reversed(range(300))]
    assert len(commits) < 20


async def test_a_spoilt_step_fails_alone(writer):
    gate = threading.Event()
    results = {}

    async def append(name, what):
        try:
            await writer.append(RUN, 1, TICK, [Record(decision(name, what=what))])
        except JournalBroken as error:
            results[name] = str(error)
        else:
            results[name] = "kept"

    async with asyncio.TaskGroup() as group:
        group.create_task(writer._call(gate.wait))
        await asyncio.sleep(0)
        for name, what in (("a", "fine"), ("b", object()), ("c", "fine")):
            group.create_task(append(name, what))
        for _ in range(3):
            await asyncio.sleep(0)
        gate.set()
    assert (results["a"], results["c"]) == ("kept", "kept")
    assert "writing facts" in results["b"]


async def test_failures_reach_their_caller_and_the_writer_lives_on(writer):
    await writer.intent(RUN, 1, approved(), NOW_NS)
    with pytest.raises(JournalBroken, match="was used by another order"):
        await writer.intent(RUN, 2, approved(qty="9"), NOW_NS)
    with pytest.raises(DataInvalid, match="no table"):
        await writer.rows("nonsense", limit=1)
    await writer.intent(RUN, 3, approved("bwrun00001-3-1"), NOW_NS)


async def test_a_full_queue_makes_callers_wait(home, clock):
    writer = JournalWriter(open_journal(home, clock), queue_max=2)
    gate = threading.Event()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(writer._call(gate.wait)) for _ in range(2)]
        tasks += [group.create_task(writer.append(RUN, i, fill(str(i)), ())) for i in range(5)]
        for _ in range(5):
            await asyncio.sleep(0)
        assert writer._room.locked()
        assert writer._jobs.qsize() <= 2
        gate.set()
    assert len(await writer.rows("fills", limit=9)) == 5
    await writer.close()


async def test_a_cancelled_caller_does_not_take_its_fact_along(writer):
    gate = threading.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(writer._call(gate.wait))
        await asyncio.sleep(0)
        doomed = group.create_task(writer.append(RUN, 1, fill(), ()))
        for _ in range(3):
            await asyncio.sleep(0)
        doomed.cancel()
        await asyncio.sleep(0)
        gate.set()
    assert len(await writer.rows("fills", limit=9)) == 1


async def test_a_disk_that_does_not_answer_is_a_broken_journal(writer):
    gate = threading.Event()
    with pytest.raises(JournalBroken, match="did not answer"):
        await writer._call(gate.wait, 0.01)
    gate.set()
    assert await writer.rows("fills", limit=1) == []


async def test_after_the_close_nothing_is_taken(home, clock):
    writer = JournalWriter(open_journal(home, clock))
    await writer.close()
    for call in (
        writer.intent(RUN, 1, approved(), NOW_NS),
        writer.append(RUN, 1, fill(), ()),
        writer.rows("fills", limit=1),
    ):
        with pytest.raises(JournalBroken, match="closed"):
            await call


async def test_market_events_do_not_reach_the_thread(writer):
    gate = threading.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(writer._call(gate.wait))
        await asyncio.sleep(0)
        await writer.append(RUN, 1, MarkPrice(BTC, NOW_NS, NOW_NS, 76_000.0), ())
        gate.set()


async def test_the_inline_twin_gives_the_same_answers(home):
    clock = HandClock()
    told = []
    for journal in (
        JournalWriter(open_journal(home, clock)),
        InlineJournal(open_in_memory(clock)),
    ):
        await journal.intent(RUN, 1, approved(), NOW_NS)
        await journal.append(RUN, 1, fill(), [Record(decision("d1", client_order_id="x"))])
        await journal.save_snapshot(RUN, 1, NOW_NS, b"state")
        told.append(
            (
                await journal.live_orders(),
                await journal.load_snapshot(),
                await journal.rows("fills", limit=5),
                await journal.why("d1"),
            )
        )
        await journal.close()
    assert told[0] == told[1]


def test_the_inline_twin_has_the_writer_s_interface():
    def public(kind):
        return {
            name: str(inspect.signature(member))
            for name, member in vars(kind).items()
            if inspect.iscoroutinefunction(member) and not name.startswith("_")
        }

    assert public(InlineJournal) == public(JournalWriter)
