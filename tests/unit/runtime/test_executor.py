"""Who leaves first, who waits for whom, and that every effect has one told outcome.

The kernel here is a script: the subjects are pump and executor.
"""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest

from bot.domain.errors import (
    BotError,
    InvariantBroken,
    JournalBroken,
    OutcomeUnknown,
    StateLocked,
    VenueDataInvalid,
    VenueRefused,
    VenueThrottled,
    VenueUnreachable,
)
from bot.domain.messages import (
    AccountSnapshot,
    AdjustMargin,
    CancelFailed,
    CancelOrder,
    Effect,
    Event,
    FetchAccount,
    FetchOrder,
    MarginAdjusted,
    OrderAccepted,
    OrderNotFound,
    OrderOutcomeUnknown,
    OrderRefused,
    OrderUpdate,
    SnapshotFailed,
    SubmitOrder,
    TimerFired,
)
from bot.domain.orders import (
    ApprovedOrder,
    OrderState,
    OrderStatus,
    PositionSide,
    Purpose,
)
from bot.domain.policy import Policy
from bot.kernel.snapshot import BotState
from bot.runtime import lanes
from bot.runtime.executor import Executor
from bot.runtime.inbox import Inbox
from bot.runtime.pump import Pump
from bot.runtime.scribe import Scribe
from tests.fakes.kernel_world import BTC
from tests.fakes.ports import (
    ETH,
    RUN,
    FaultyVenue,
    ListMemory,
    LoopClock,
    Small,
    an_order,
    virtually,
)


class Script:
    """A kernel that answers a timer's name with prepared effects and remembers every event."""

    def __init__(self, plan: dict[str, list[Effect]]) -> None:
        self.plan = plan
        self.policy = Policy()
        self.state = BotState(run_id=RUN)
        self.events: list[Event] = []

    def step(self, event: Event) -> list[Effect]:
        self.state.seq += 1
        self.events.append(event)
        return self.plan.get(event.name, []) if isinstance(event, TimerFired) else []

    def freeze(self) -> bytes:
        return b"state"


class Taker:
    """An inner venue that takes everything."""

    name = "taker"

    def __init__(self) -> None:
        self.orders: dict[str, OrderState] = {}

    async def submit(self, order: ApprovedOrder) -> OrderState:
        state = OrderState(
            client_order_id=order.client_order_id, venue_order_id=f"v-{order.client_order_id}",
            symbol=order.symbol, side=order.side, kind=order.kind, status=OrderStatus.WORKING,
            qty=order.qty, filled_qty=Decimal(0), reduce_only=order.reduce_only,
            close_position=False, event_ns=5,
        )  # fmt: skip
        self.orders[order.client_order_id] = state
        return state

    async def cancel(self, symbol: str, client_order_id: str, **_how: Any) -> None:
        self.orders.pop(client_order_id, None)

    async def order(self, symbol: str, client_order_id: str, **_how: Any) -> OrderState | None:
        return self.orders.get(client_order_id)

    async def add_margin(self, *_what: Any) -> None:
        return None

    async def account(self) -> None:
        raise VenueUnreachable("the taker keeps no account")


def entry(name: str, symbol: str = BTC) -> SubmitOrder:
    return SubmitOrder(an_order(name, Purpose.ENTRY, symbol))


def stop(name: str, symbol: str = BTC) -> SubmitOrder:
    return SubmitOrder(an_order(name, Purpose.STOP, symbol))


def cut(name: str, symbol: str = BTC) -> SubmitOrder:
    return SubmitOrder(an_order(name, Purpose.CUT, symbol))


class Bench:
    """Pump, executor and scribe around a script."""

    def __init__(self, plan: dict[str, list[Effect]]) -> None:
        self.clock = LoopClock()
        self.kernel = Script(plan)
        self.memory = ListMemory(self.clock)
        self.taker = Taker()
        self.venue = FaultyVenue(self.taker, "venue")
        self.guard = FaultyVenue(self.taker, "guard")
        self.inbox = Inbox()
        self.executor: Executor

    def fire(self, name: str = "go") -> None:
        now_ns = self.clock.now_ns()
        self.inbox.put(TimerFired(name, now_ns, now_ns))

    def outcomes(self, name: str) -> list[Event]:
        return [
            e for e in self.kernel.events
            if getattr(e, "client_order_id", "") == name
            or (isinstance(e, OrderUpdate) and e.order.client_order_id == name)
        ]  # fmt: skip

    def sent_s(self, name: str) -> float:
        calls = [*self.venue.calls, *self.guard.calls]
        return next(
            c.at_s for c in calls if c.method == "submit" and c.what.client_order_id == name
        )

    def wrote_s(self, kind: str, what: object) -> float:
        ns = next(ns for k, w, ns in self.memory.told if (k, w) == (kind, what))
        return (ns - 1) / 1e9


def bench(
    effects: list[Effect],
    script: Callable[[Bench], Awaitable[None]],
    *,
    prepare: Callable[[Bench], None] = lambda _b: None,
    plan: dict[str, list[Effect]] | None = None,
) -> Bench:
    async def main() -> Bench:
        it = Bench({"go": effects, **(plan or {})})
        prepare(it)
        parts = Small().parts(
            kernel=it.kernel, venue=it.venue, guard=it.guard, memory=it.memory, clock=it.clock
        )
        async with asyncio.TaskGroup() as group:
            it.executor = Executor(parts, group, emit=it.inbox.put, notice=lambda _n: None)
            scribe = Scribe(parts, lambda *_told: None, lambda _answer: None)
            pump = Pump(parts, it.inbox, it.executor.dispatch, scribe.note)
            tasks = [group.create_task(pump.run()), group.create_task(scribe.run())]
            it.fire()
            await script(it)
            for task in tasks:
                task.cancel()
        return it

    return virtually(main())


async def calm(_it: Bench) -> None:
    await asyncio.sleep(30)


# ------------------------------------------------------------------ order of leaving


def test_protection_leaves_before_anything_is_written() -> None:
    def slow(it: Bench) -> None:
        it.memory.delay_s = 0.8

    it = bench([entry("e"), stop("s")], calm, prepare=slow)
    first_write_s = min(ns for _, _, ns in it.memory.told) / 1e9
    assert it.sent_s("s") < 0.1 < first_write_s
    assert it.sent_s("e") >= it.wrote_s("intent", "e")


@pytest.mark.parametrize("failure", [JournalBroken, StateLocked])
def test_protection_leaves_though_the_journal_is_broken_and_entries_do_not(
    failure: type[BotError],
) -> None:
    def broken(it: Bench) -> None:
        it.memory.broken, it.memory.failure = "disk full, or in other hands", failure

    it = bench([entry("e"), stop("s"), cut("c")], calm, prepare=broken)
    assert [o.client_order_id for o in it.guard.of("submit")] == ["s", "c"]
    assert it.venue.of("submit") == []
    (refusal,) = it.outcomes("e")
    assert isinstance(refusal, OrderRefused)
    assert refusal.code == "INTENT_NOT_JOURNALED"


def test_an_entry_waits_for_belief_and_intent_to_be_durable() -> None:
    it = bench([entry("e")], calm)
    kinds = [kind for kind, _what, _ns in it.memory.told]
    assert kinds.index("snapshot") < kinds.index("intent")
    assert it.sent_s("e") >= it.wrote_s("intent", "e")


def test_an_intent_that_takes_too_long_is_no_intent() -> None:
    def slow(it: Bench) -> None:
        it.memory.delay_s = 60.0

    it = bench([entry("e")], lambda _it: asyncio.sleep(90), prepare=slow)
    assert it.venue.of("submit") == []
    assert [e.code for e in it.outcomes("e")] == ["INTENT_NOT_JOURNALED"]


def test_protecting_effects_of_one_symbol_keep_their_order_and_symbols_do_not_wait() -> None:
    def slow(it: Bench) -> None:
        it.guard.fail("submit", delay_s=5.0, symbol=BTC)

    effects = [stop("s1"), stop("s2"), stop("eth", ETH)]
    it = bench(effects, calm, prepare=slow)
    btc = [o.client_order_id for o in it.guard.of("submit") if o.symbol == BTC]
    assert btc == ["s1", "s2"]
    assert it.sent_s("eth") < 0.1
    assert it.sent_s("s2") >= 5.0


def test_a_cut_waits_for_no_stop_and_a_stop_for_no_cut() -> None:
    """An answer may take ten seconds; a cut must leave within two of its cause."""

    def slow(it: Bench) -> None:
        it.guard.fail("submit", delay_s=9.0, times=100)

    it = bench([stop("s1"), cut("c1"), cut("c2"), stop("s2")], calm, prepare=slow)
    assert it.sent_s("s1") < 0.1
    assert it.sent_s("c1") < 0.1
    assert it.sent_s("c2") >= 9.0
    assert it.sent_s("s2") >= 9.0


def test_protection_does_not_wait_for_entries_or_questions() -> None:
    def slow(it: Bench) -> None:
        it.venue.fail("submit", delay_s=9.0, times=100)
        it.venue.fail("account", delay_s=9.0, times=100)
        it.venue.fail("order", delay_s=9.0, times=100)

    entries: list[Effect] = [entry(f"e{n}") for n in range(20)]
    questions: list[Effect] = [FetchOrder(f"S{n}", "x", False) for n in range(20)]
    it = bench([*questions, FetchAccount("x"), *entries, stop("s")], calm, prepare=slow)
    assert it.sent_s("s") < 0.1


# ------------------------------------------------------------------ outcomes


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (VenueRefused("no", code="-2019"), OrderRefused, "-2019"),
        (VenueUnreachable("dns"), OrderRefused, "unreachable"),
        (VenueThrottled("slow", retry_after_s=3.0), OrderRefused, "throttled"),
        (OutcomeUnknown("timeout"), OrderOutcomeUnknown, None),
        (VenueDataInvalid("nonsense"), OrderOutcomeUnknown, None),
        (KeyError("orderId"), OrderOutcomeUnknown, None),
    ],
)
def test_each_failure_of_an_entry_is_told_for_what_it_is(
    error: Exception, kind: type, code: str | None
) -> None:
    it = bench([entry("e")], calm, prepare=lambda b: b.venue.fail("submit", error))
    (told,) = it.outcomes("e")
    assert type(told) is kind
    assert getattr(told, "code", None) == code
    assert len(it.venue.of("submit")) == 1


def test_a_hanging_submit_is_unknown_after_the_deadline() -> None:
    it = bench([entry("e")], calm, prepare=lambda b: b.venue.fail("submit", delay_s=1e6))
    assert [type(e) for e in it.outcomes("e")] == [OrderOutcomeUnknown]


def test_an_acceptance_is_told_and_then_the_order() -> None:
    it = bench([stop("s")], calm)
    accepted, update = it.outcomes("s")
    assert isinstance(accepted, OrderAccepted)
    assert accepted.venue_order_id == "v-s"
    assert isinstance(update, OrderUpdate)


@pytest.mark.parametrize(
    "error", [VenueUnreachable("dns"), VenueThrottled("slow", retry_after_s=1.0)]
)
def test_a_protecting_order_that_did_not_leave_is_sent_again(error: Exception) -> None:
    it = bench([stop("s")], calm, prepare=lambda b: b.guard.fail("submit", error, times=2))
    assert [o.client_order_id for o in it.guard.of("submit")] == ["s"] * 3
    assert [type(e) for e in it.outcomes("s")] == [OrderAccepted, OrderUpdate]


def test_a_ban_is_told_at_once_and_nothing_is_sent_during_it() -> None:
    ban = VenueThrottled("418", retry_after_s=120.0, banned=True)
    it = bench([stop("s")], calm, prepare=lambda b: b.guard.fail("submit", ban, times=100))
    assert len(it.guard.of("submit")) == 1
    assert [e.code for e in it.outcomes("s")] == ["throttled"]


def test_retries_of_protection_end_at_their_deadline() -> None:
    dead = VenueUnreachable("dns")
    it = bench(
        [stop("s"), cut("c")], calm, prepare=lambda b: b.guard.fail("submit", dead, times=99)
    )
    assert [e.code for e in it.outcomes("s")] == ["unreachable"]
    assert it.sent_s("c") <= 6.0


def test_an_unknown_protecting_order_is_never_sent_again_blindly() -> None:
    unknown = OutcomeUnknown("timeout")
    it = bench([stop("s")], calm, prepare=lambda b: b.guard.fail("submit", unknown, after=True))
    assert len(it.guard.of("submit")) == 1
    assert [type(e) for e in it.outcomes("s")] == [OrderOutcomeUnknown]


# ------------------------------------------------------------------ cancels, questions, margin


def wish(name: str, *, protecting: bool) -> CancelOrder:
    return CancelOrder(
        symbol=BTC, client_order_id=name, venue_order_id="", conditional=True,
        protecting=protecting, reason="test",
    )  # fmt: skip


@pytest.mark.parametrize("protecting", [True, False])
def test_a_cancel_goes_by_its_own_door_and_is_looked_up(protecting: bool) -> None:
    it = bench([wish("old", protecting=protecting)], calm)
    used, unused = (it.guard, it.venue) if protecting else (it.venue, it.guard)
    assert used.of("cancel") == ["old"]
    assert unused.of("cancel") == []
    assert [type(e) for e in it.outcomes("old")] == [OrderNotFound]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (VenueRefused("gone", code="-2011"), "-2011"),
        (OutcomeUnknown("timeout"), "unknown"),
        (VenueUnreachable("dns"), "unreachable"),
        (VenueThrottled("slow", retry_after_s=1.0), "throttled"),
    ],
)
def test_a_failed_cancel_says_why(error: Exception, code: str) -> None:
    it = bench(
        [wish("old", protecting=False)], calm, prepare=lambda b: b.venue.fail("cancel", error)
    )
    (told,) = it.outcomes("old")
    assert isinstance(told, CancelFailed)
    assert told.code == code


def test_a_question_without_answer_changes_nothing() -> None:
    dns = VenueUnreachable("dns")
    it = bench([FetchOrder(BTC, "x", False)], calm, prepare=lambda b: b.venue.fail("order", dns))
    assert it.venue.of("order") == ["x"]
    assert it.outcomes("x") == []


def test_one_reading_answers_all_that_asked_before_it_began() -> None:
    def failing(it: Bench) -> None:
        it.venue.fail("account", VenueUnreachable("dns"), delay_s=1.0, times=100)

    async def script(it: Bench) -> None:
        await asyncio.sleep(0.5)
        for _ in range(5):
            it.fire()
        await calm(it)

    it = bench([FetchAccount("a"), FetchAccount("b")], script, prepare=failing)
    assert len(it.venue.of("account")) == 2
    told = [e for e in it.kernel.events if isinstance(e, SnapshotFailed | AccountSnapshot)]
    assert [type(e) for e in told] == [SnapshotFailed, SnapshotFailed]


@pytest.mark.parametrize("error", [None, VenueRefused("no margin", code="-4051")])
def test_margin_is_told_done_or_not(error: Exception | None) -> None:
    effect = AdjustMargin(BTC, PositionSide.LONG, Decimal(5), "ours")

    def prepare(it: Bench) -> None:
        if error is not None:
            it.guard.fail("add_margin", error)

    it = bench([effect], calm, prepare=prepare)
    (told,) = [e for e in it.kernel.events if isinstance(e, MarginAdjusted)]
    assert told.done is (error is None)
    assert it.guard.of("add_margin") == [Decimal(5)]


# ------------------------------------------------------------------ doors


def test_entries_that_are_held_are_refused_and_protection_is_not() -> None:
    async def script(it: Bench) -> None:
        it.executor.close_entries()
        it.executor.hold_entries("")
        it.fire("later")
        await calm(it)

    it = bench([], script, plan={"later": [entry("e"), stop("s")]})
    assert [(e.code, e.reason) for e in it.outcomes("e")] == [("held", "stopping")]
    assert [o.client_order_id for o in it.guard.of("submit")] == ["s"]
    assert it.memory.of("intent") == []


def test_an_entry_whose_time_has_passed_is_not_sent() -> None:
    def slow(it: Bench) -> None:
        it.venue.fail("submit", delay_s=8.0, times=1)

    it = bench([entry("e1"), entry("e2")], calm, prepare=slow)
    assert [o.client_order_id for o in it.venue.of("submit")] == ["e1"]
    assert [e.code for e in it.outcomes("e2")] == ["too_late"]


def test_a_flood_of_entries_is_refused_not_queued_for_ever(monkeypatch) -> None:
    monkeypatch.setattr(lanes, "WAITING_MAX", 3)
    it = bench([entry(f"e{n}") for n in range(10)], calm)
    codes = [e.code for n in range(10) for e in it.outcomes(f"e{n}") if isinstance(e, OrderRefused)]
    assert codes == ["busy"] * 7
    assert len(it.venue.of("submit")) == 3


def test_a_full_protecting_lane_ends_the_run(monkeypatch) -> None:
    monkeypatch.setattr(lanes, "WAITING_MAX", 1)
    with pytest.raises(ExceptionGroup) as caught:
        bench([stop("s1"), stop("s2"), stop("s3")], calm)
    assert caught.value.subgroup(InvariantBroken) is not None


def test_an_event_without_a_receipt_is_stamped() -> None:
    async def script(it: Bench) -> None:
        it.inbox.put(TimerFired("x", 7, 0))
        await calm(it)

    it = bench([], script)
    stamped = next(e for e in it.kernel.events if e.event_ns == 7)
    assert stamped.received_ns > 0
