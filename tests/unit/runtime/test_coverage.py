"""The independent proof against a real exchange; the kernel only knows, it sends nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal

import msgspec
import pytest

from bot.domain.account import AccountState
from bot.domain.errors import OutcomeUnknown, VenueRefused, VenueThrottled, VenueUnreachable
from bot.domain.market import MarkPrice
from bot.domain.messages import (
    AccountSnapshot,
    CoverageReported,
    Event,
    InstrumentsLoaded,
    SnapshotFailed,
)
from bot.domain.orders import OrderKind, OrderSide, OrderStatus, PositionSide, Purpose
from bot.domain.policy import LevelPolicy, Policy
from bot.domain.risk import Enforce
from bot.domain.units import NS_PER_S
from bot.kernel.snapshot import OrderBelief
from bot.runtime.coverage import Coverage
from tests.fakes.kernel_world import BTC, CONTRACT
from tests.fakes.ports import ETH, ETH_CONTRACT, Small, virtually

Script = Callable[[Small], Awaitable[None]]


class Seen:
    """What coverage told."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.said: list[str] = []
        self.passes: list[str] = []

    def reports(self) -> list[CoverageReported]:
        return [e for e in self.events if isinstance(e, CoverageReported)]


def covered(
    script: Script, *, small: Small | None = None, knows: bool = True, **options: object
) -> tuple[Small, Seen]:
    """Run coverage beside `script`; the kernel knows contracts and marks but sends nothing."""

    async def main() -> tuple[Small, Seen]:
        world, seen = small or Small(), Seen()
        parts = world.parts()
        parts.options = msgspec_replace(parts.options, **options)
        if knows:
            world.kernel.step(InstrumentsLoaded(1, 1, (CONTRACT, ETH_CONTRACT)))
        async with asyncio.TaskGroup() as group:
            coverage = Coverage(
                parts,
                group,
                emit=seen.events.append,
                say=lambda _severity, _kind, text, _symbol: seen.said.append(text),
                passed=seen.passes.append,
            )
            tasks = [group.create_task(coverage.run())]
            if knows:
                tasks.append(group.create_task(marks(world)))
            await script(world)
            for task in tasks:
                task.cancel()
        return world, seen

    return virtually(main())


def msgspec_replace(options, **changes):
    from dataclasses import replace

    return replace(options, **changes)


async def marks(world: Small) -> None:
    while True:
        world.tick()
        for symbol, price in world.prices.items():
            now_ns = world.clock.now_ns()
            world.kernel.step(MarkPrice(symbol, now_ns, now_ns, price, price))
        await asyncio.sleep(0.1)


def holding(qty: str = "0.05", side: OrderSide = OrderSide.BUY, seconds: float = 3.0) -> Script:
    async def script(world: Small) -> None:
        world.by_hand(BTC, side, qty)
        await asyncio.sleep(seconds)

    return script


@pytest.mark.parametrize("side", list(OrderSide))
def test_a_bare_position_gets_a_stop_on_the_right_side(side: OrderSide) -> None:
    world, seen = covered(holding(side=side))
    (stop,) = world.stops()
    assert stop.qty == Decimal("0.05")
    assert stop.reduce_only
    assert stop.side is not side
    assert (float(stop.trigger_price) < 76_000) is (side is OrderSide.BUY)
    assert stop.client_order_id == "bwrun00001-c1"
    assert abs(world.position()) == Decimal("0.05")
    assert [(r.covered, r.action) for r in seen.reports()] == [
        (False, ""), (False, "stop"), (True, ""),
    ]  # fmt: skip
    assert all(isinstance(e, AccountSnapshot | CoverageReported) for e in seen.events
               if "Order" not in type(e).__name__)  # fmt: skip


def test_it_needs_no_kernel_knowledge_at_all() -> None:
    world, seen = covered(holding(seconds=4.0), knows=False)
    (stop,) = world.stops()
    assert stop.trigger_price == Decimal("68400.0") or 68_000 < stop.trigger_price < 69_000
    assert any(isinstance(e, InstrumentsLoaded) for e in seen.events)


def test_a_full_stop_by_anyone_is_coverage() -> None:
    async def script(world: Small) -> None:
        world.by_hand(BTC, OrderSide.BUY, "0.05")
        world.hand_stop(BTC, OrderSide.SELL, "0.05", "70000")
        await asyncio.sleep(20)

    world, seen = covered(script)
    assert world.guard.of("submit") == []
    assert {r.covered for r in seen.reports()} == {True}
    assert len(seen.reports()) >= 2


def test_a_partial_stop_is_not() -> None:
    async def script(world: Small) -> None:
        world.by_hand(BTC, OrderSide.BUY, "0.05")
        world.hand_stop(BTC, OrderSide.SELL, "0.03", "70000")
        await asyncio.sleep(3)

    world, _ = covered(script)
    assert sum(stop.qty for stop in world.stops()) >= Decimal("0.05")


def test_a_stop_that_vanishes_without_a_word_is_replaced() -> None:
    async def script(world: Small) -> None:
        await holding()(world)
        (stop,) = world.stops()
        world.exchange.cancel("main", BTC, client_order_id=stop.client_order_id, conditional=True)
        await asyncio.sleep(3)

    world, _ = covered(script)
    assert [stop.client_order_id for stop in world.stops()] == ["bwrun00001-c2"]


def test_a_stop_that_would_trigger_at_once_closes_the_position() -> None:
    async def script(world: Small) -> None:
        world.guard.fail("submit", VenueRefused("would trigger", code="-2021"))
        await holding(seconds=5.0)(world)

    world, _ = covered(script)
    kinds = [o.kind for o in world.guard.of("submit")]
    assert kinds == [OrderKind.STOP_MARKET, OrderKind.MARKET]
    assert all(o.reduce_only for o in world.guard.of("submit"))
    assert world.position() == 0


@pytest.mark.parametrize("code", ["-1013", "-4120", "-9999"])
def test_two_refused_stops_close_the_position(code: str) -> None:
    async def script(world: Small) -> None:
        refusal = VenueRefused("no", code=code)
        world.guard.fail("submit", refusal, kind=OrderKind.STOP_MARKET, times=100)
        await holding(seconds=6.0)(world)

    world, seen = covered(script)
    kinds = [o.kind for o in world.guard.of("submit")]
    assert kinds == [OrderKind.STOP_MARKET, OrderKind.STOP_MARKET, OrderKind.MARKET]
    assert world.position() == 0
    assert any("2 attempts" in text for text in seen.said)


def test_a_position_opened_after_a_close_is_stopped_and_not_closed_for_the_last_one() -> None:
    async def script(world: Small) -> None:
        world.guard.fail(
            "submit", VenueRefused("no", code="-1013"), kind=OrderKind.STOP_MARKET, times=2
        )
        world.by_hand(BTC, OrderSide.BUY, "0.05")
        while world.position() > 0:
            await asyncio.sleep(0.05)
        await holding("0.02")(world)

    world, _ = covered(script)
    kinds = [o.kind for o in world.guard.of("submit")]
    stop = OrderKind.STOP_MARKET
    assert kinds == [stop, stop, OrderKind.MARKET, stop]
    assert world.position() == Decimal("0.02")


def test_a_stop_that_could_not_leave_is_no_failed_attempt() -> None:
    async def script(world: Small) -> None:
        silent = VenueThrottled("address banned", retry_after_s=1.0, banned=True)
        world.guard.fail("submit", silent, kind=OrderKind.STOP_MARKET, times=4)
        await holding(seconds=8.0)(world)

    world, _ = covered(script)
    assert len(world.stops()) == 1
    assert world.position() == Decimal("0.05")


def test_a_lost_acknowledgement_is_looked_up_not_repeated_blindly() -> None:
    async def script(world: Small) -> None:
        world.guard.fail("submit", OutcomeUnknown("timeout"), after=True)
        await holding(seconds=5.0)(world)

    world, _ = covered(script)
    assert len(world.guard.of("submit")) == 1
    assert len(world.stops()) == 1


def test_a_lost_request_is_placed_again_under_a_new_id() -> None:
    async def script(world: Small) -> None:
        world.guard.fail("submit", OutcomeUnknown("timeout"))
        await holding(seconds=5.0)(world)

    world, _ = covered(script)
    assert [o.client_order_id[-2:] for o in world.guard.of("submit")] == ["c1", "c2"]
    assert len(world.stops()) == 1


def test_ten_seconds_without_a_stop_close_the_position() -> None:
    async def script(world: Small) -> None:
        world.guard.fail("submit", OutcomeUnknown("timeout"), kind=OrderKind.STOP_MARKET, times=100)
        await holding(seconds=14.0)(world)

    world, _ = covered(script)
    assert world.position() == 0


def test_a_stop_stuck_triggering_closes_the_position() -> None:
    async def script(world: Small) -> None:
        await holding()(world)
        world.exchange.stick_triggering(BTC, True)
        world.move(BTC, 60_000.0)
        await asyncio.sleep(2)
        assert world.position() != 0
        await asyncio.sleep(4)

    world, seen = covered(script)
    assert world.position() == 0
    assert any("fired or was passed" in text for text in seen.said)


def test_a_failed_reading_is_unknown_not_flat() -> None:
    async def script(world: Small) -> None:
        await holding()(world)
        world.guard.fail("account", VenueUnreachable("dns"), times=5)
        await asyncio.sleep(10)

    world, seen = covered(script)
    assert len([e for e in seen.events if isinstance(e, SnapshotFailed)]) == 5
    assert [bool(p) for p in seen.passes].count(True) == 5
    assert len(world.guard.of("submit")) == 1
    assert world.position() != 0


def test_a_reading_that_hangs_ends_at_its_deadline() -> None:
    async def script(world: Small) -> None:
        world.guard.fail("account", delay_s=1e6, times=1)
        await holding(seconds=8.0)(world)

    world, _ = covered(script)
    assert len(world.stops()) == 1


def test_one_symbol_that_hangs_does_not_keep_another_bare() -> None:
    async def script(world: Small) -> None:
        world.guard.fail("submit", delay_s=1e6, symbol=BTC, times=100)
        world.by_hand(BTC, OrderSide.BUY, "0.05")
        world.by_hand(ETH, OrderSide.BUY, "1")
        await asyncio.sleep(3)

    world, _ = covered(script)
    assert len(world.stops(ETH)) == 1


def test_orders_that_reserve_the_quantity_make_room_for_the_close() -> None:
    async def script(world: Small) -> None:
        world.by_hand(BTC, OrderSide.BUY, "0.05")
        world.hand_stop(BTC, OrderSide.SELL, "0.05", "90000", "TAKE_PROFIT_MARKET")
        world.guard.fail("submit", VenueRefused("no", code="-2021"), kind=OrderKind.STOP_MARKET)
        world.guard.fail("submit", VenueRefused("no", code="-4118"), kind=OrderKind.MARKET)
        await asyncio.sleep(6)

    world, _ = covered(script)
    assert world.guard.of("cancel") == ["hand-0001-2"]
    assert world.position() == 0


def test_a_position_larger_than_one_order_may_be_is_closed_in_parts() -> None:
    small = Small()
    contract = msgspec.structs.replace(CONTRACT, market_qty_max=Decimal("0.02"))

    async def script(world: Small) -> None:
        world.kernel.step(InstrumentsLoaded(1, 1, (contract,)))
        world.guard.fail("submit", VenueRefused("no", code="-2021"), kind=OrderKind.STOP_MARKET)
        await holding(seconds=8.0)(world)

    world, _ = covered(script, small=small)
    sizes = [o.qty for o in world.guard.of("submit") if o.kind is OrderKind.MARKET]
    assert sizes == [Decimal("0.02"), Decimal("0.02"), Decimal("0.01")]
    assert world.position() == 0


@pytest.mark.parametrize(
    ("enforce", "stops", "held"),
    [(Enforce.ALERT, 0, "0.05"), (Enforce.STOP_ONLY, 1, "0.05"), (Enforce.FULL, 1, "0.05")],
)
def test_it_goes_no_further_than_allowed(enforce: Enforce, stops: int, held: str) -> None:
    guard = msgspec.structs.replace(Policy().guard, enforce=enforce)
    small = Small(policy=Policy(guard=guard, levels=LevelPolicy(book=())))
    world, seen = covered(holding(seconds=6.0), small=small)
    assert len(world.stops()) == stops
    assert world.position() == Decimal(held)
    assert bool([t for t in seen.said if "not allowed" in t]) is (enforce is Enforce.ALERT)


def test_stop_only_never_closes() -> None:
    guard = msgspec.structs.replace(Policy().guard, enforce=Enforce.STOP_ONLY)
    small = Small(policy=Policy(guard=guard, levels=LevelPolicy(book=())))

    async def script(world: Small) -> None:
        world.guard.fail(
            "submit", VenueRefused("no", code="-2021"), kind=OrderKind.STOP_MARKET, times=99
        )
        await holding(seconds=15.0)(world)

    world, seen = covered(script, small=small)
    assert world.position() == Decimal("0.05")
    assert len([t for t in seen.said if "not allowed to flatten" in t]) == 1


def test_a_read_only_key_is_never_used_to_write() -> None:
    world, _ = covered(holding(seconds=15.0), read_only=True)
    assert world.guard.of("submit") == []


def test_it_waits_politely_for_the_kernels_own_stop() -> None:
    async def script(world: Small) -> None:
        world.by_hand(BTC, OrderSide.BUY, "0.05")
        now_ns = world.clock.now_ns()
        world.kernel.state.orders["bwx"] = OrderBelief(
            client_order_id="bwx", symbol=BTC, side=OrderSide.SELL,
            position_side=PositionSide.LONG, kind=OrderKind.STOP_MARKET, purpose=Purpose.STOP,
            status=OrderStatus.PENDING, qty=Decimal("0.05"), sent_ns=now_ns + NS_PER_S,
        )  # fmt: skip
        await asyncio.sleep(2.5)
        assert world.guard.of("submit") == []
        await asyncio.sleep(2)

    world, _ = covered(script)
    assert len(world.stops()) == 1


def test_a_kernel_that_sends_stops_in_vain_for_ever_is_not_waited_for() -> None:
    async def script(world: Small) -> None:
        world.by_hand(BTC, OrderSide.BUY, "0.05")
        for number in range(12):
            name = f"bwx{number}"
            world.kernel.state.orders[name] = OrderBelief(
                client_order_id=name, symbol=BTC, side=OrderSide.SELL,
                position_side=PositionSide.LONG, kind=OrderKind.STOP_MARKET, purpose=Purpose.STOP,
                status=OrderStatus.PENDING, qty=Decimal("0.05"), sent_ns=world.clock.now_ns(),
            )  # fmt: skip
            await asyncio.sleep(0.5)

    world, _ = covered(script)
    assert len(world.stops()) == 1, "rescued, not closed"
    assert world.position() == Decimal("0.05")


def test_a_position_that_looks_bare_for_one_reading_is_left_alone() -> None:
    async def script(world: Small) -> None:
        world.by_hand(BTC, OrderSide.BUY, "0.05")
        world.hand_stop(BTC, OrderSide.SELL, "0.05", "70000")
        await asyncio.sleep(3)

        def hide(account: AccountState) -> AccountState:
            world.guard.edit_account = None
            return msgspec.structs.replace(account, orders=())

        world.guard.edit_account = hide
        await asyncio.sleep(5)

    world, _ = covered(script)
    assert world.guard.of("submit") == []


def test_a_slow_rescue_is_not_doubled() -> None:
    async def script(world: Small) -> None:
        world.guard.fail("submit", delay_s=6.0)
        await holding(seconds=12.0)(world)

    world, _ = covered(script)
    assert len(world.guard.of("submit")) == 1
    assert len(world.stops()) == 1


def test_in_hedge_mode_each_leg_is_proven_by_itself() -> None:
    async def script(world: Small) -> None:
        world.exchange.set_hedge_mode("main", True)
        world.by_hand(BTC, OrderSide.BUY, "0.05", leg=PositionSide.LONG)
        world.by_hand(BTC, OrderSide.SELL, "0.03", leg=PositionSide.SHORT)
        world.hand_stop(BTC, OrderSide.SELL, "0.05", "70000", leg=PositionSide.LONG)
        await asyncio.sleep(3)

    world, _ = covered(script)
    (order,) = world.guard.of("submit")
    assert (order.position_side, order.qty, order.side) == (
        PositionSide.SHORT, Decimal("0.03"), OrderSide.BUY,
    )  # fmt: skip
    assert {s.position_side for s in world.stops()} == set(PositionSide)


def test_in_hedge_mode_targets_make_room_too() -> None:
    async def script(world: Small) -> None:
        world.exchange.set_hedge_mode("main", True)
        world.by_hand(BTC, OrderSide.BUY, "0.05", leg=PositionSide.LONG)
        world.hand_stop(
            BTC, OrderSide.SELL, "0.05", "90000", "TAKE_PROFIT_MARKET", leg=PositionSide.LONG
        )
        world.guard.fail("submit", VenueRefused("no", code="-2021"), kind=OrderKind.STOP_MARKET)
        world.guard.fail("submit", VenueRefused("no", code="-2022"), kind=OrderKind.MARKET)
        await asyncio.sleep(6)

    world, _ = covered(script)
    assert world.guard.of("cancel") == ["hand-0001-2"]
    assert world.position() == 0
