"""What coverage tells, to whom, when, and which orders of the kernel it waits for."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

import msgspec
import pytest

from bot.domain.account import AccountState
from bot.domain.errors import OutcomeUnknown, VenueRefused, VenueUnreachable
from bot.domain.market import MarkPrice
from bot.domain.messages import AccountSnapshot, CoverageReported, Event, InstrumentsLoaded
from bot.domain.orders import OrderKind, OrderSide, OrderStatus, PositionSide, Purpose, TriggerBy
from bot.domain.policy import LevelPolicy, Policy
from bot.domain.risk import Enforce, Severity
from bot.domain.units import NS_PER_S
from bot.kernel.snapshot import OrderBelief
from bot.runtime.coverage import FRESH_NS, POLITE_NS, RETELL_NS, Coverage
from tests.fakes.kernel_world import BTC, CONTRACT
from tests.fakes.ports import ETH, ETH_CONTRACT, Small, virtually

LONG = PositionSide.LONG
STOP_MARKET = OrderKind.STOP_MARKET


class Bench:
    """Coverage, what it tells, and a kernel that only knows what the test tells it."""

    def __init__(self, small: Small) -> None:
        self.world = small
        self.events: list[Event] = []
        self.said: list[tuple[object, ...]] = []
        self.passes: list[str] = []
        self.coverage: Coverage

    def reports(self) -> list[CoverageReported]:
        return [event for event in self.events if isinstance(event, CoverageReported)]

    def mark(self, price: float = 76_000.0, ago_ns: int = 0) -> None:
        ns = self.world.clock.now_ns() - ago_ns
        self.world.kernel.step(MarkPrice(BTC, ns, ns, price, price))

    def sent(self) -> list[object]:
        return self.world.guard.of("submit")


def beside(
    script: Callable[[Bench], Awaitable[None]], *, small: Small | None = None,
    knows: bool = True, **options: object,
) -> Bench:  # fmt: skip
    async def main() -> Bench:
        bench = Bench(small or Small())
        parts = bench.world.parts()
        parts.options = replace(parts.options, **options)
        if knows:
            bench.world.kernel.step(InstrumentsLoaded(1, 1, (CONTRACT, ETH_CONTRACT)))
        async with asyncio.TaskGroup() as group:
            bench.coverage = Coverage(
                parts, group, emit=bench.events.append,
                say=lambda *words: bench.said.append(words), passed=bench.passes.append,
            )  # fmt: skip
            task = group.create_task(bench.coverage.run())
            await script(bench)
            task.cancel()
        return bench

    return virtually(main())


def test_a_rescue_is_told_whole_to_people_and_to_the_kernel() -> None:
    async def script(it: Bench) -> None:
        it.mark()
        it.world.by_hand(BTC, OrderSide.BUY, "0.05")
        await asyncio.sleep(2.5)

    it = beside(script)
    (order,) = it.sent()
    text = f"placed a rescue stop at {order.trigger_price}: no working stop for 0.05"
    assert it.said == [(Severity.CRITICAL, "coverage", text, BTC)]
    assert order.reason == "coverage: no working stop for 0.05"
    placed = next(event for event in it.reports() if event.action == "stop")
    assert (placed.symbol, placed.side, placed.covered) == (BTC, LONG, False)
    assert placed.client_order_id == order.client_order_id
    assert placed.event_ns == placed.received_ns > it.world.start_s
    for report in it.reports():
        assert report.event_ns == report.received_ns
        assert (report.symbol, report.side) == (BTC, LONG)
    assert it.reports()[-1].covered
    assert set(it.passes) == {""}
    assert it.coverage.passes == len(it.passes) == 3
    assert it.coverage.settled


@pytest.mark.parametrize(
    ("failure", "action", "words"),
    [
        (VenueRefused("no", code="-1013"), "stop refused", "; refused: -1013 no"),
        (OutcomeUnknown("timeout"), "stop unknown", "; no answer, looking again"),
    ],
)
def test_what_did_not_go_well_is_told_as_such(failure: Exception, action: str, words: str) -> None:
    async def script(it: Bench) -> None:
        it.mark()
        it.world.guard.fail("submit", failure)
        it.world.by_hand(BTC, OrderSide.BUY, "0.05")
        await asyncio.sleep(1.5)
        assert not it.coverage.settled

    it = beside(script)
    first = it.said[0]
    assert first[:2] == (Severity.CRITICAL, "coverage")
    assert str(first[2]).endswith(words), first
    report = next(event for event in it.reports() if event.action)
    assert (report.action, report.covered, report.side) == (action, False, LONG)


def test_a_rescue_stop_is_measured_from_the_mark_and_else_from_the_entry() -> None:
    def placed(mark: float | None) -> float:
        async def script(it: Bench) -> None:
            if mark is not None:
                it.mark(mark)
            it.world.by_hand(BTC, OrderSide.BUY, "0.05")
            await asyncio.sleep(2.5)

        small = Small()
        it = beside(script, small=small)
        (order,) = it.sent()
        return float(order.trigger_price)

    distance = Small().parts().options.rescue_distance_frac
    assert placed(76_000.0) == pytest.approx(76_000.0 * (1.0 - distance), rel=1e-3)
    assert placed(70_000.0) == pytest.approx(70_000.0 * (1.0 - distance), rel=1e-3)
    assert placed(None) == pytest.approx(76_000.0 * (1.0 - distance), rel=1e-3)


def test_a_contract_that_cannot_be_read_is_told_and_asked_for_again() -> None:
    async def script(it: Bench) -> None:
        it.world.guard.fail("instruments", VenueUnreachable("dns"))
        it.world.by_hand(BTC, OrderSide.BUY, "0.05")
        await asyncio.sleep(4.5)

    it = beside(script, knows=False)
    words = "the contract of a held position cannot be read: dns"
    assert it.said[0] == (Severity.CRITICAL, "coverage", words, BTC)
    assert len(it.world.stops()) == 1
    assert it.world.guard.of("instruments") == [(BTC,), (BTC,)], "read once, it is remembered"
    (loaded,) = [event for event in it.events if isinstance(event, InstrumentsLoaded)]
    assert loaded.event_ns == loaded.received_ns > 0
    assert [each.symbol for each in loaded.instruments] == [BTC]


def test_what_it_may_not_do_is_told_once_with_its_reason() -> None:
    guard = msgspec.structs.replace(Policy().guard, enforce=Enforce.ALERT)
    small = Small(policy=Policy(guard=guard, levels=LevelPolicy(book=())))

    async def script(it: Bench) -> None:
        it.mark()
        it.world.by_hand(BTC, OrderSide.BUY, "0.05")
        await asyncio.sleep(4.5)

    it = beside(script, small=small)
    assert it.said == [
        (Severity.CRITICAL, "coverage", "not allowed to rescue: no working stop for 0.05", BTC)
    ]
    assert [(event.action, event.covered) for event in it.reports()][-1] == ("would rescue", False)
    assert not it.coverage.settled


def test_a_leg_that_is_gone_is_forgotten_and_what_stays_is_told_again() -> None:
    async def script(it: Bench) -> None:
        it.mark()
        it.world.by_hand(BTC, OrderSide.BUY, "0.05")
        it.world.hand_stop(BTC, OrderSide.SELL, "0.05", "70000")
        await asyncio.sleep(2 * RETELL_NS / NS_PER_S + 1.5)
        assert len(it.reports()) == 3, "at once, and every ten seconds"
        it.world.by_hand(BTC, OrderSide.SELL, "0.05")
        await asyncio.sleep(2.0)
        assert it.coverage.settled
        it.world.by_hand(BTC, OrderSide.BUY, "0.05")
        await asyncio.sleep(2.0)

    it = beside(script)
    assert len(it.reports()) > 3, "a new leg is told at once"


def test_a_reading_that_failed_says_why_and_ends_no_pass() -> None:
    async def script(it: Bench) -> None:
        it.world.guard.fail("account", VenueUnreachable("dns"), times=2)
        await asyncio.sleep(3.5)

    it = beside(script)
    assert it.passes == ["dns", "dns", "", ""]
    assert it.coverage.passes == 4
    assert sum(isinstance(event, AccountSnapshot) for event in it.events) == 2


def test_it_looks_every_second_however_long_a_look_takes() -> None:
    async def script(it: Bench) -> None:
        it.world.guard.fail("account", delay_s=0.4, times=3)
        it.world.guard.fail("account", delay_s=3.0, times=1)
        await asyncio.sleep(8.0)

    it = beside(script)
    began = [call.at_s for call in it.world.guard.calls if call.method == "account"]
    gaps = [round(after - before, 2) for before, after in pairwise(began)]
    assert gaps[:4] == [1.0, 1.0, 1.0, 3.1], "a tenth of a period of rest after a slow one"


# ------------------------------------------------------------------ whom it waits for


def a_stop_of_the_kernel(it: Bench, **changes: object) -> None:
    belief = OrderBelief(
        client_order_id="bwx", symbol=BTC, side=OrderSide.SELL, position_side=LONG,
        kind=STOP_MARKET, purpose=Purpose.STOP, status=OrderStatus.PENDING,
        qty=Decimal("0.05"), sent_ns=it.world.clock.now_ns() + NS_PER_S,
    )  # fmt: skip
    for name, value in changes.items():
        setattr(belief, name, value)
    it.world.kernel.state.orders["bwx"] = belief


@pytest.mark.parametrize(
    ("changes", "waits"),
    [
        ({}, True), ({"status": OrderStatus.UNKNOWN}, True), ({"purpose": Purpose.CUT}, True),
        ({"purpose": Purpose.FLATTEN}, True), ({"purpose": Purpose.TARGET}, False),
        ({"purpose": Purpose.ENTRY}, False), ({"status": OrderStatus.LOST}, False),
        ({"status": OrderStatus.WORKING}, False), ({"symbol": ETH}, False),
        ({"position_side": PositionSide.SHORT}, False),
    ],
)  # fmt: skip
def test_it_waits_for_a_protecting_order_of_this_leg_that_is_on_its_way(
    changes: dict[str, object], waits: bool
) -> None:
    async def script(it: Bench) -> None:
        it.mark()
        it.world.by_hand(BTC, OrderSide.BUY, "0.05")
        a_stop_of_the_kernel(it, **changes)
        await asyncio.sleep(2.5)
        assert bool(it.sent()) is not waits
        await asyncio.sleep(POLITE_NS / NS_PER_S)

    assert len(beside(script).world.stops()) == 1


@pytest.mark.parametrize(("age_s", "closed"), [(0.0, True), (FRESH_NS / NS_PER_S + 60.0, False)])
def test_only_a_fresh_mark_says_that_a_stop_was_passed(age_s: float, closed: bool) -> None:
    """A stop that rests while the mark has passed it is stuck, unless the mark is an old one."""

    def by_mark(account: AccountState) -> AccountState:
        rows = (msgspec.structs.replace(row, trigger_by=TriggerBy.MARK) for row in account.orders)
        return msgspec.structs.replace(account, orders=tuple(rows))

    async def script(it: Bench) -> None:
        it.world.guard.edit_account = by_mark
        it.world.by_hand(BTC, OrderSide.BUY, "0.05")
        it.world.hand_stop(BTC, OrderSide.SELL, "0.05", "70000")
        for _ in range(60):
            it.mark(69_000.0, ago_ns=round(age_s * NS_PER_S))
            await asyncio.sleep(0.1)

    it = beside(script)
    assert bool([order for order in it.sent() if order.kind is OrderKind.MARKET]) is closed


def test_a_flat_position_is_no_leg() -> None:
    def flat(account: AccountState) -> AccountState:
        rows = tuple(msgspec.structs.replace(row, qty=Decimal(0)) for row in account.positions)
        return msgspec.structs.replace(account, positions=rows)

    async def script(it: Bench) -> None:
        it.mark()
        it.world.guard.edit_account = flat
        it.world.by_hand(BTC, OrderSide.BUY, "0.05")
        await asyncio.sleep(3.0)

    it = beside(script)
    assert (it.sent(), it.reports()) == ([], [])
