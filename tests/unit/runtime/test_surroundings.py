"""Scribe, notices, timers, polls, systemd, lag: what stands around the kernel and may fail."""

import asyncio
import socket
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from apscheduler.events import EVENT_JOB_MISSED, JobExecutionEvent
from loguru import logger

from bot.domain.account import IncomeRow
from bot.domain.errors import VenueRefused, VenueUnreachable
from bot.domain.market import MarkPrice
from bot.domain.messages import (
    Answer,
    Command,
    CoverageReported,
    FetchAccount,
    IncomeBooked,
    InstrumentsLoaded,
    Notify,
    OrderRefused,
    Record,
    TimerFired,
)
from bot.domain.orders import PositionSide
from bot.domain.risk import Decision, Severity
from bot.domain.units import NS_PER_DAY, NS_PER_S
from bot.ports import KeyPermissions
from bot.runtime import canary, lag, notices, scribe, start, timers
from bot.runtime.beat import Beat
from bot.runtime.inbox import Inbox
from bot.runtime.lag import LagProbe
from bot.runtime.notices import Notices
from bot.runtime.polls import Polls, complaints
from bot.runtime.scribe import DEADLINE_S, Scribe
from bot.runtime.systemd import ServiceManager
from bot.runtime.timers import Job, by_clock, by_scheduler
from tests.fakes.kernel_world import BTC, CONTRACT, START_NS
from tests.fakes.ports import ETH, ETH_CONTRACT, LoopClock, Small, virtually

FACT = OrderRefused(1, 1, "x", "c", "r")


def notice(severity: Severity, text: str = "t") -> Notify:
    return Notify(event_ns=1, severity=severity, kind="k", text=text)


async def beside(work, seconds: float, script=None) -> None:
    """Run `work` for so many (virtual) seconds."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(work)
        if script is not None:
            await script()
        await asyncio.sleep(seconds)
        task.cancel()


# ------------------------------------------------------------------ scribe


def test_what_is_worth_writing() -> None:
    mark, timer = MarkPrice("A", 1, 1, 5.0), TimerFired("second", 1, 1)
    decision = Record(
        Decision(decision_id="d", event_ns=1, kind="k", symbol="A", what="w", why="y")
    )
    assert scribe.worth_writing(FACT, [])
    assert not scribe.worth_writing(mark, [])
    assert not scribe.worth_writing(timer, [FetchAccount("x")])
    assert scribe.worth_writing(timer, [decision])
    bare = CoverageReported(1, 1, "A", PositionSide.LONG, False, "")
    assert scribe.worth_writing(bare, [])
    assert not scribe.worth_writing(msgspec.structs.replace(bare, covered=True), [])


def test_steps_are_written_in_order_and_belief_follows() -> None:
    async def main() -> Small:
        small = Small()
        it = Scribe(small.parts(), lambda *_told: None, lambda _answer: None)
        facts = [msgspec.structs.replace(FACT, code=str(n)) for n in range(20)]

        async def script() -> None:
            for n, fact in enumerate(facts):
                it.note(fact, [], n)

        await beside(it.run(), 0.2, script)
        assert [event for event, _ in small.memory.of("append")] == facts
        return small

    small = virtually(main())
    assert small.memory.of("snapshot") == []

    async def longer() -> Small:
        small = Small()
        it = Scribe(small.parts(), lambda *_told: None, lambda _answer: None)
        it.note(FACT, [], 1)
        await beside(it.run(), 11.0)
        return small

    small = virtually(longer())
    assert len(small.memory.of("snapshot")) == 3
    first_ns = next(ns for kind, _, ns in small.memory.told if kind == "snapshot")
    assert first_ns <= 0.3 * NS_PER_S


class StoppedClock(LoopClock):
    """A clock under which the process may stand still for a while."""

    stood_s = 0.0

    def monotonic_ns(self) -> int:
        return super().monotonic_ns() + round(self.stood_s * NS_PER_S)


@pytest.mark.parametrize(
    ("stood_s", "told"), [(40.0, []), (0.0, ["journal_broken", "journal_whole"])]
)
@pytest.mark.parametrize("what", ["append", "snapshot"])
def test_a_process_that_stood_still_does_not_blame_its_journal(
    stood_s: float, told: list[str], what: str
) -> None:
    """A machine that slept finds every deadline over; the journal is asked once more."""

    async def main() -> tuple[Small, list[str]]:
        small, said, clock = Small(), [], StoppedClock()
        small.clock = clock
        small.memory.delay_s = DEADLINE_S + 1.0
        it = Scribe(
            small.parts(), lambda _severity, kind, _text: said.append(kind), lambda _answer: None
        )

        async def script() -> None:
            await asyncio.sleep(DEADLINE_S / 2)
            clock.stood_s = stood_s
            small.memory.delay_s = 0.0

        async with asyncio.TaskGroup() as group:
            group.create_task(script())
            if what == "append":
                it.note(FACT, [], 1)
                await beside(it.run(), 4 * DEADLINE_S)
            else:
                assert not await it.save_state(), "it was not kept"
        await beside(it.run(), 15.0)
        it.note(FACT, [], 2)
        await beside(it.run(), 5.0)
        return small, said

    small, said = virtually(main())
    assert said == told
    assert small.memory.of(what), "it is kept in the end"


def test_a_broken_journal_is_told_once_and_what_waited_is_written_later() -> None:
    async def main() -> tuple[Small, list[str]]:
        small, said = Small(), []
        small.memory.broken = "disk full"
        it = Scribe(
            small.parts(), lambda _severity, kind, _text: said.append(kind), lambda _answer: None
        )
        it.note(FACT, [], 1)

        async def script() -> None:
            await asyncio.sleep(20)
            assert it.broken == "disk full"
            small.memory.broken = ""

        await beside(it.run(), 5.0, script)
        assert it.broken == ""
        return small, said

    small, said = virtually(main())
    assert said == ["journal_broken", "journal_whole"]
    assert [event for event, _ in small.memory.of("append")] == [FACT]


def test_too_much_waiting_gives_up_the_oldest_and_counts_it(monkeypatch) -> None:
    monkeypatch.setattr(scribe, "WAITING_MAX", 3)
    it = Scribe(Small().parts(), lambda *_told: None, lambda _answer: None)
    for n in range(5):
        it.note(FACT, [], n)
    assert it.lost == 2


# ------------------------------------------------------------------ notices


def test_notices_are_told_in_order_and_a_hanging_channel_holds_nobody() -> None:
    async def main() -> list[str]:
        told: list[str] = []

        async def tell(one: Notify) -> None:
            if one.text == "hang":
                await asyncio.sleep(1e6)
            if one.text == "burst":
                raise RuntimeError("network")
            told.append(one.text)

        it = Notices(tell, LoopClock())
        for text in ("a", "hang", "burst", "b"):
            it.put(notice(Severity.INFO, text))
        await beside(it.run(), 30.0)
        return told

    assert virtually(main()) == ["a", "b"]


def test_a_full_outbox_keeps_what_is_critical(monkeypatch) -> None:
    monkeypatch.setattr(notices, "WAITING_MAX", 3)

    async def main() -> list[Severity]:
        told: list[Severity] = []
        it = Notices(lambda one: told.append(one.severity), LoopClock())
        it.put(notice(Severity.CRITICAL))
        for _ in range(10):
            it.put(notice(Severity.INFO))
        it.put(notice(Severity.CRITICAL))
        assert it.lost == 9
        await beside(it.run(), 1.0)
        return told

    assert virtually(main()) == [Severity.CRITICAL, Severity.INFO, Severity.CRITICAL]


def test_every_notice_is_logged() -> None:
    lines: list[str] = []
    sink = logger.add(lines.append, format="{level} {message}")
    try:
        Notices(lambda _n: None, LoopClock()).put(notice(Severity.WARNING, "braces {x} stay"))
    finally:
        logger.remove(sink)
    assert lines == ["WARNING k: braces {x} stay\n"]


# ------------------------------------------------------------------ timers


def job(name: str, every_s: float, runs: list[float], error: Exception | None = None) -> Job:
    async def call() -> None:
        runs.append(asyncio.get_running_loop().time())
        if error is not None:
            raise error

    return Job(name, every_s, call)


def test_jobs_by_the_clock_come_at_their_times_and_survive_their_failures() -> None:
    async def main() -> list[float]:
        runs: list[float] = []
        await beside(by_clock((job("x", 5.0, runs, ValueError("bad")),), LoopClock()), 16.0)
        return runs

    assert virtually(main()) == pytest.approx([5.0, 10.0, 15.0])


def test_a_daily_job_comes_at_midnight_utc() -> None:
    async def main() -> list[float]:
        runs: list[float] = []
        daily = msgspec_replace(job("day", 1.0, runs), at_midnight=True)
        await beside(by_clock((daily,), LoopClock()), 2 * 86_400.0)
        return runs

    first, second = virtually(main())
    assert 0 <= (START_NS + round(first * NS_PER_S)) % NS_PER_DAY < NS_PER_S / 10
    assert second - first == pytest.approx(86_400.0, abs=0.1)


def msgspec_replace(one: Job, **changes: object) -> Job:
    from dataclasses import replace

    return replace(one, **changes)


async def test_the_scheduler_runs_jobs_and_failures_are_logged() -> None:
    good: list[float] = []
    bad: list[float] = []
    lines: list[str] = []
    sink = logger.add(lines.append, format="{message}")
    jobs = (job("good", 0.05, good), job("bad", 0.05, bad, ValueError("planted")))
    running = asyncio.Event()

    async def enough() -> None:
        while len(good) < 2 or len(bad) < 2:
            await asyncio.sleep(0.01)
        running.set()

    try:
        async with asyncio.timeout(20), asyncio.TaskGroup() as group:
            task = group.create_task(by_scheduler(jobs))
            await enough()
            task.cancel()
        timers._log_trouble(JobExecutionEvent(EVENT_JOB_MISSED, "good", "default", None))
    finally:
        logger.remove(sink)
    assert running.is_set()
    assert any("job bad failed" in line for line in lines)
    assert lines[-1] == "job good was missed\n"


# ------------------------------------------------------------------ polls


class PollBench:
    def __init__(self) -> None:
        self.small = Small()
        self.events: list[object] = []
        self.said: list[Notify] = []
        told = Notices(lambda _n: None, self.small.clock)
        told.put = self.said.append
        self.parts = self.small.parts()
        self.polls = Polls(self.parts, self.events.append, told)


def test_a_poll_that_fails_is_told_once_until_it_answers_again() -> None:
    async def main() -> PollBench:
        it = PollBench()
        dead = VenueUnreachable("dns")
        it.small.venue.fail("instruments", dead, times=3)
        for _ in range(4):
            await it.polls.instruments()
        it.small.venue.fail("instruments", dead)
        await it.polls.instruments()
        return it

    it = virtually(main())
    assert [n.kind for n in it.said] == ["poll", "poll"]
    assert [type(e) for e in it.events] == [InstrumentsLoaded]


def test_income_rows_are_booked_once() -> None:
    def row(n: int, ns: int) -> IncomeRow:
        return IncomeRow(
            income_id=str(n), kind="FUNDING_FEE", asset="USDT", amount=Decimal(1), event_ns=ns
        )

    async def main() -> list[list[str]]:
        it = PollBench()
        pages = [(row(1, 10), row(2, 20)), (row(2, 20), row(3, 20)), (row(3, 20),), ()]
        asked: list[int] = []

        async def income(since_ns: int) -> tuple[IncomeRow, ...]:
            asked.append(since_ns)
            return pages[len(asked) - 1]

        it.small.inner.income = income
        it.polls._income_ns = 5
        for _ in pages:
            await it.polls.income()
        assert asked == [5, 20, 20, 20]
        return [[r.income_id for r in e.rows] for e in it.events if isinstance(e, IncomeBooked)]

    assert virtually(main()) == [["1", "2"], ["3"]]


def test_open_interest_of_one_symbol_does_not_hang_on_another() -> None:
    async def main() -> PollBench:
        it = PollBench()
        it.small.venue.fail("open_interest", VenueRefused("no", code="-1121"), symbol=BTC)
        await it.polls.open_interest()
        return it

    it = virtually(main())
    assert [e.symbol for e in it.events] == [ETH]


@pytest.mark.parametrize(
    ("may", "read_only", "severities"),
    [
        (KeyPermissions(can_trade=True, can_withdraw=False, ip_restricted=True), False, []),
        (KeyPermissions(can_trade=None, can_withdraw=None, ip_restricted=None), False, []),
        (
            KeyPermissions(can_trade=False, can_withdraw=True, ip_restricted=False), False,
            [Severity.CRITICAL, Severity.CRITICAL, Severity.WARNING],
        ),
        (KeyPermissions(can_trade=False, can_withdraw=False, ip_restricted=True), True, []),
        (
            KeyPermissions(can_trade=True, can_withdraw=False, ip_restricted=True,
                           can_transfer=True), False, [Severity.CRITICAL],
        ),
    ],
)  # fmt: skip
def test_a_key_that_may_too_much_or_too_little_is_told(
    may: KeyPermissions, read_only: bool, severities: list[Severity]
) -> None:
    assert [severity for severity, _ in complaints(may, read_only=read_only)] == severities


def test_a_skewed_clock_is_told() -> None:
    async def main() -> PollBench:
        it = PollBench()

        async def skew() -> int:
            return -2 * NS_PER_S

        await it.polls.skew()
        assert it.said == []
        it.small.inner.clock_skew_ns = skew
        await it.polls.skew()
        return it

    (told,) = virtually(main()).said
    assert "-2.00 s" in told.text


# ------------------------------------------------------------------ systemd, lag, beat


@pytest.fixture
def manager(tmp_path: Path):
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(path))
        listener.settimeout(5)
        yield str(path), listener


def test_systemd_hears_what_is_said(manager) -> None:
    path, listener = manager
    it = ServiceManager(path)
    it.ready("up")
    it.status("up")
    it.status("fine")
    it.alive()
    it.stopping()
    heard = [listener.recv(500).decode() for _ in range(4)]
    assert heard == ["READY=1\nSTATUS=up", "STATUS=fine", "WATCHDOG=1", "STOPPING=1"]


def test_an_abstract_socket_is_understood_and_nobody_listening_is_fine() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind("\0breakwater-test-notify")
        listener.settimeout(5)
        ServiceManager("@breakwater-test-notify").alive()
        assert listener.recv(100) == b"WATCHDOG=1"
    ServiceManager("@breakwater-test-notify").alive()
    ServiceManager(None).alive()


def test_the_watchdog_is_fed_by_passes_alone_and_not_by_a_stuck_loop(manager) -> None:
    path, listener = manager

    async def main() -> None:
        parts = Small().parts()
        probe = LagProbe(parts.clock, Notices(lambda _n: None, parts.clock))
        beat = Beat(parts, ServiceManager(path), probe, Inbox())
        beat.passed("")
        assert listener.recv(500) == b"WATCHDOG=1"
        assert listener.recv(500).startswith(b"STATUS=REDUCING")
        await asyncio.sleep(7)
        beat.passed("dns")
        assert listener.recv(500) == b"WATCHDOG=1"
        assert listener.recv(500).startswith(b"STATUS=blind for 0 s")
        await asyncio.sleep(7)
        beat.passed("dns")
        assert listener.recv(500) == b"WATCHDOG=1"
        assert listener.recv(500).startswith(b"STATUS=blind for 7 s")
        probe.last_s = 6.0
        beat.passed("")
        assert listener.recv(500).startswith(b"STATUS=REDUCING")

    virtually(main())


class JumpingClock(LoopClock):
    """Sleeps that take `late_s` longer than asked."""

    late_s = 0.0

    async def sleep_s(self, seconds: float) -> None:
        await asyncio.sleep(seconds + self.late_s)


def test_lag_is_measured_and_told() -> None:
    async def main() -> tuple[LagProbe, list[str]]:
        clock, told = JumpingClock(), []
        it = Notices(lambda _n: None, clock)
        it.put = lambda one: told.append(one.text)
        probe = LagProbe(clock, it)

        async def script() -> None:
            await asyncio.sleep(1)
            assert probe.worst_s < 0.001
            clock.late_s = 6.0

        await beside(probe.run(), 6.5, script)
        assert probe.blocked
        return probe, told

    probe, told = virtually(main())
    assert probe.worst_s == pytest.approx(6.0, abs=0.01)
    assert told == ["the event loop was stuck for 6.0 s; see the log before it"]


def test_the_window_of_lag_forgets(monkeypatch) -> None:
    monkeypatch.setattr(lag, "WINDOW", 3)
    clock = LoopClock()
    probe = LagProbe(clock, Notices(lambda _n: None, clock))
    for lag_s in (0.5, 0.1, 0.1, 0.1):
        probe._take(lag_s)
    assert probe.worst_s == 0.1


# ------------------------------------------------------------------ history, canary


def test_history_is_a_month_of_hours_and_then_recent_bars_without_a_gap() -> None:
    async def main() -> tuple[Small, list[object]]:
        small, steps = Small(), []
        parts = small.parts()
        parts.options = type(parts.options)(scheduler=False, signals=False)
        await start.load_history(parts, steps.append)
        return small, steps

    _, steps = virtually(main())
    btc = [c for c in steps if c.symbol == BTC]
    hours = [c for c in btc if c.timeframe_s == 3_600]
    bars = [c for c in btc if c.timeframe_s == 300]
    assert len(hours) >= 30 * 24 - 10
    assert len(bars) >= 100
    assert [c.event_ns for c in btc] == sorted(c.event_ns for c in btc)
    assert bars[0].event_ns - hours[-1].event_ns == 300 * NS_PER_S
    assert all(c.history for c in btc)


def test_a_timeframe_the_venue_does_not_have_costs_only_itself() -> None:
    async def main() -> list[object]:
        small, steps = Small(), []
        inner = small.inner.candles

        async def candles(symbol: str, timeframe_s: int, since_ns: int, limit: int):
            if timeframe_s == 300 or symbol == BTC:
                raise VenueRefused("no such bars", code="-1120")
            return await inner(symbol, timeframe_s, since_ns, limit)

        small.inner.candles = candles
        await start.load_history(small.parts(), steps.append)
        return steps

    steps = virtually(main())
    assert {(c.symbol, c.timeframe_s) for c in steps} == {(ETH, 3_600)}


def proven(small: Small) -> canary.Proof:
    async def main() -> canary.Proof:
        parts = small.parts()
        now_ns = small.clock.now_ns()
        small.kernel.step(InstrumentsLoaded(now_ns, now_ns, (CONTRACT, ETH_CONTRACT)))
        small.kernel.step(MarkPrice(BTC, now_ns, now_ns, 76_000.0, 76_000.0))
        return await canary.prove_stop(parts, await small.guard.account(), 1)

    return virtually(main())


def test_the_proof_places_sees_and_cancels() -> None:
    small = Small()
    assert proven(small) == canary.Proof()
    (order,) = small.guard.of("submit")
    assert order.reduce_only
    assert float(order.qty) * 38_000 >= 100
    assert small.guard.of("cancel") == [order.client_order_id]
    assert small.stops() == []


def test_a_stop_that_is_accepted_but_never_shown_is_no_proof() -> None:
    small = Small()
    small.guard.edit_account = lambda account: msgspec.structs.replace(account, orders=())
    assert "not shown" in proven(small).failed
    assert small.stops() == []


@pytest.mark.parametrize(
    ("code", "failed"), [("-4120", True), ("-1102", True), ("-2022", False), ("-4509", False)]
)
def test_a_refusal_while_flat_is_judged_by_its_code(code: str, failed: bool) -> None:
    small = Small()
    small.guard.fail("submit", VenueRefused("no", code=code))
    proof = proven(small)
    assert bool(proof.failed) is failed
    assert bool(proof.skipped) is not failed


def test_a_stop_of_ours_at_the_venue_is_proof_enough() -> None:
    from bot.domain.orders import OrderKind, OrderSide
    from bot.simulator.terms import OrderRequest

    small = Small()
    small.by_hand(BTC, OrderSide.BUY, "0.05")
    small.exchange.submit(
        "main",
        OrderRequest(
            symbol=BTC, side=OrderSide.SELL, kind=OrderKind.STOP_MARKET, qty=Decimal("0.05"),
            trigger_price=Decimal(70_000), client_order_id="bwold-1-1", reduce_only=True,
        ),
    )  # fmt: skip
    assert proven(small) == canary.Proof()
    assert small.guard.of("submit") == []


async def test_a_command_is_answered_only_after_what_it_changed_is_kept() -> None:
    small = Small()
    answered: list[int] = []
    it = Scribe(
        small.parts(),
        lambda *_told: None,
        lambda _answer: answered.append(len(small.memory.of("snapshot"))),
    )
    ns = small.clock.now_ns()
    command = Command(
        command_id="1", name="pause", args={}, operator="test", event_ns=ns, received_ns=ns
    )
    it.note(command, [Answer("1", accepted=True, text="paused")], 1)
    assert answered == []
    async with asyncio.TaskGroup() as group:
        work = group.create_task(it.run())
        while not answered:
            await asyncio.sleep(0)
        work.cancel()
    assert answered == [1]
