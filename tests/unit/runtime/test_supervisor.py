"""The whole daemon in virtual time: real kernel, real exchange, scripted doors between them."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from decimal import Decimal

import msgspec
import pytest

from bot.domain.errors import VenueRefused, VenueUnreachable
from bot.domain.messages import Command, SubmitOrder
from bot.domain.orders import OrderKind, OrderSide, Purpose
from bot.domain.risk import Severity, TradingMode
from bot.runtime.parts import DaemonParts
from bot.runtime.supervisor import run_daemon
from tests.fakes.kernel_world import BTC
from tests.fakes.ports import ETH, ListMemory, Small, an_order, virtually


def lives(
    script: Callable[[Small, DaemonParts], Awaitable[None]],
    small: Small | None = None,
    **changes: object,
) -> tuple[Small, int]:
    """Run a daemon, run `script` beside it, stop the daemon; return the world and exit code."""

    async def main() -> tuple[Small, int]:
        world = small or Small()
        parts = world.parts(**changes)
        async with asyncio.timeout(3_600), asyncio.TaskGroup() as group:
            daemon = group.create_task(run_daemon(parts))
            await script(world, parts)
            parts.stop.set()
        return world, daemon.result()

    return virtually(main())


async def until(what: Callable[[], object], within_s: float = 60.0) -> float:
    """Wait until `what()` is true; return how long that took in virtual seconds."""
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    while not what():
        assert loop.time() - began_s < within_s, "it never happened"
        await asyncio.sleep(0.01)
    return loop.time() - began_s


async def ready(world: Small, parts: DaemonParts) -> None:
    await until(lambda: parts.health.get("ready"))
    await until(lambda: world.kernel.state.mode is TradingMode.ACTIVE)


def kinds(world: Small) -> list[str]:
    return [notice.kind for notice in world.notices]


def test_it_starts_proves_a_stop_and_becomes_active() -> None:
    async def script(world: Small, parts: DaemonParts) -> None:
        await ready(world, parts)
        assert world.kernel.state.markets[BTC].atr_1h_count > 14
        assert not parts.health["entries_held"]
        await until(lambda: world.kernel.state.markets[ETH].open_interest_qty, within_s=5)
        assert world.venue.of("key_permissions")
        assert world.venue.of("clock_skew_ns")

    world, code = lives(script)
    assert code == 0
    canaries = [o for o in world.guard.of("submit") if o.client_order_id == "bwrun00001-p1"]
    assert [o.kind for o in canaries] == [OrderKind.STOP_MARKET]
    assert all(o.reduce_only for o in canaries)
    assert not world.stops()
    assert world.memory.snapshot is not None


def test_a_position_opened_by_hand_gets_a_stop_within_two_seconds() -> None:
    async def script(world: Small, parts: DaemonParts) -> None:
        await ready(world, parts)
        world.feed.deaf = True
        world.by_hand(BTC, OrderSide.BUY, "0.05")
        took_s = await until(
            lambda: sum(s.remaining_qty for s in world.stops()) >= world.position()
        )
        assert took_s <= 2.0

    world, _ = lives(script)
    assert world.position() == Decimal("0.05")
    assert [s.qty for s in world.stops()] == [Decimal("0.05")]


def test_an_ordered_stop_leaves_the_stops_and_the_next_life_finds_them() -> None:
    async def script(world: Small, parts: DaemonParts) -> None:
        await ready(world, parts)
        world.by_hand(BTC, OrderSide.BUY, "0.05")
        await until(world.stops)
        await asyncio.sleep(2)

    first, code = lives(script)
    stops = [s.client_order_id for s in first.stops()]
    assert code == 0
    assert len(stops) == 1

    async def again(world: Small, parts: DaemonParts) -> None:
        await ready(world, parts)
        await asyncio.sleep(5)

    second = Small()
    second.exchange.restore(first.exchange.to_bytes())
    second.memory.snapshot = first.memory.snapshot
    world, _ = lives(again, second)
    assert [s.client_order_id for s in world.stops()] == stops
    assert world.position() == Decimal("0.05")


def test_stopping_is_quick_even_with_a_hanging_venue() -> None:
    async def script(world: Small, parts: DaemonParts) -> None:
        await ready(world, parts)
        for door in (world.venue, world.guard):
            for method in ("account", "submit", "cancel", "order"):
                door.fail(method, delay_s=1e6, times=1_000)
        world.by_hand(BTC, OrderSide.BUY, "0.05")
        await asyncio.sleep(1)
        parts.stop.set()
        began_s = asyncio.get_running_loop().time()
        await until(lambda: world.memory.of("snapshot") and not parts.health["ready"])
        world.stopped_s = began_s

    async def main() -> float:
        world = Small()
        parts = world.parts()
        async with asyncio.TaskGroup() as group:
            daemon = group.create_task(run_daemon(parts))
            await script(world, parts)
            await daemon
            return asyncio.get_running_loop().time() - world.stopped_s

    assert virtually(main()) <= 15.0


def test_without_a_proven_stop_entries_stay_closed_until_one_is() -> None:
    async def script(world: Small, parts: DaemonParts) -> None:
        world.guard.fail("submit", VenueRefused("moved", code="-4120"), times=1)
        await until(lambda: parts.health.get("ready"))
        await asyncio.sleep(1)
        assert "-4120" in str(parts.health["entries_held"])
        await until(lambda: parts.health["entries_held"] == "", within_s=90)

    world, _ = lives(script)
    critical = [n for n in world.notices if n.severity is Severity.CRITICAL]
    assert [n.kind for n in critical] == ["stop_proof"]


def test_a_venue_that_takes_no_new_stops_overnight_stops_entries_and_alarms() -> None:
    """The stop that rests from yesterday proves nothing about today."""

    def proofs(world: Small) -> list[str]:
        return [o.client_order_id for o in world.guard.of("submit") if "-p" in o.client_order_id]

    async def script(world: Small, parts: DaemonParts) -> None:
        parts.options = replace(parts.options, prove_daily_s=30.0)
        await ready(world, parts)
        world.by_hand(BTC, OrderSide.BUY, "0.05")
        await until(world.stops)
        for number in (2, 3):
            await until(lambda number=number: len(proofs(world)) == number, within_s=40)
            await asyncio.sleep(5)
            assert parts.health["entries_held"] == ""
            assert len(world.stops()) == 1, "the proof is gone, the position's own stop is not"
        world.guard.fail("submit", VenueRefused("moved", code="-4120"), times=2)
        await until(lambda: "-4120" in str(parts.health["entries_held"]), within_s=40)
        await asyncio.sleep(2)
        assert not world.kernel.state.stops_proven
        assert len(world.stops()) == 1
        await until(lambda: parts.health["entries_held"] == "", within_s=200)
        assert world.kernel.state.stops_proven

    world, code = lives(script)
    assert code == 0
    critical = [n.kind for n in world.notices if n.severity is Severity.CRITICAL]
    assert critical == ["stop_proof"]


def test_a_venue_that_is_away_at_the_start_is_waited_for() -> None:
    async def script(world: Small, parts: DaemonParts) -> None:
        await ready(world, parts)

    world = Small()
    world.venue.fail("instruments", VenueUnreachable("no route"), times=3)
    world.venue.fail("account", VenueUnreachable("no route"), times=3)
    world, code = lives(script, world)
    assert code == 0


def test_a_venue_that_stays_away_ends_the_start_with_code_3() -> None:
    async def main() -> int:
        world = Small()
        world.venue.fail("instruments", VenueUnreachable("no route"), times=10_000)
        return await run_daemon(world.parts())

    assert virtually(main()) == 3


def test_no_candles_do_not_keep_it_from_starting() -> None:
    async def script(world: Small, parts: DaemonParts) -> None:
        await ready(world, parts)

    world = Small()
    world.venue.fail("candles", delay_s=1e6, times=100)
    _, code = lives(script, world)
    assert code == 0


def test_a_feed_that_breaks_is_told_and_started_again() -> None:
    async def script(world: Small, parts: DaemonParts) -> None:
        await ready(world, parts)
        world.feed.error = ValueError("bad frame")
        await until(lambda: world.feed.runs == 2)

    world, code = lives(script)
    assert code == 0
    events = [e for e, _ in world.memory.of("append") if type(e).__name__ == "FeedStatus"]
    told = [e for e in events if e.stream not in ("proof", "key")]
    assert [(e.live, "bad frame" in e.reason) for e in told] == [(False, True)]


@pytest.mark.parametrize("victim", ["step", "account"])
def test_the_death_of_pump_or_coverage_ends_the_process(victim: str) -> None:
    async def main() -> int:
        world = Small()
        parts = world.parts()

        def die(*_args: object) -> None:
            raise RuntimeError("planted")

        async with asyncio.TaskGroup() as group:
            daemon = group.create_task(run_daemon(parts))
            await ready(world, parts)
            if victim == "step":
                world.kernel.step = die
            else:
                world.guard.account = die
            return await daemon

    assert virtually(main()) == 3


def test_the_watch_goes_on_when_journal_notices_and_timers_are_broken() -> None:
    async def script(world: Small, parts: DaemonParts) -> None:
        await ready(world, parts)
        world.memory.broken = "disk full"
        world.feed.deaf = True
        world.by_hand(BTC, OrderSide.SELL, "0.05")
        took_s = await until(world.stops)
        assert took_s <= 2.0
        await asyncio.sleep(5)
        assert parts.health["journal"] == "disk full"
        world.memory.broken = ""
        await until(lambda: parts.health["journal"] == "ok")
        await until(lambda: any("Submit" in type(e).__name__ for _, es in
                                world.memory.of("append") for e in es))  # fmt: skip

    def refuse(_notice: object) -> None:
        raise RuntimeError("telegram is down")

    _world, code = lives(script, notify=refuse)
    assert code == 0


def test_a_foreign_contract_is_loaded_and_protected() -> None:
    async def script(world: Small, parts: DaemonParts) -> None:
        await ready(world, parts)
        world.by_hand(ETH, OrderSide.BUY, "1")
        await until(lambda: world.stops(ETH))

    world, _ = lives(script, symbols=(BTC,))
    assert world.stops(ETH)


def test_a_state_of_another_version_pauses_instead_of_forgetting_silently() -> None:
    async def script(world: Small, parts: DaemonParts) -> None:
        await until(lambda: parts.health.get("ready"))
        await asyncio.sleep(3)
        assert world.kernel.state.mode is TradingMode.REDUCING

    small = Small()
    small.memory.snapshot = msgspec.msgpack.encode({"version": 99})
    world, _ = lives(script, small)
    assert "restore" in kinds(world)
    commands = [e for e, _ in world.memory.of("append") if isinstance(e, Command)]
    assert [c.name for c in commands] == ["pause"]


def test_an_order_of_a_lost_life_counts_until_it_is_proven() -> None:
    async def script(world: Small, parts: DaemonParts) -> None:
        await ready(world, parts)
        await until(lambda: "bwold-1-1" in world.venue.of("order"))

    async def first(world: Small, parts: DaemonParts) -> None:
        await ready(world, parts)

    small, _ = lives(first)
    order = msgspec.structs.replace(
        small.exchange.submit("main", _limit("bwold-1-1")), venue_order_id="", event_ns=0
    )
    second = Small()
    second.memory = ListMemory(second.clock)
    second.memory.orders = (order,)
    world, _ = lives(script, second)
    assert "bwold-1-1" in world.kernel.state.orders


def _limit(client_order_id: str):
    from bot.simulator.terms import OrderRequest

    return OrderRequest(
        symbol=BTC, side=OrderSide.BUY, kind=OrderKind.LIMIT, qty=Decimal("0.01"),
        price=Decimal(70_000), client_order_id=client_order_id,
    )  # fmt: skip


def test_a_contract_found_at_the_start_is_loaded_before_reconciling() -> None:
    async def script(world: Small, parts: DaemonParts) -> None:
        await ready(world, parts)

    small = Small()
    small.by_hand(ETH, OrderSide.BUY, "1")
    world, _ = lives(script, small, symbols=(BTC,))
    assert world.venue.of("instruments")[:2] == [(BTC,), (ETH,)]


def test_an_order_under_way_is_finished_before_the_end() -> None:
    async def script(world: Small, parts: DaemonParts) -> None:
        await ready(world, parts)
        world.guard.fail("submit", delay_s=4.0)
        world.by_hand(BTC, OrderSide.BUY, "0.05")
        await until(lambda: [o for o in world.guard.of("submit") if "-p" not in o.client_order_id])

    world, code = lives(script)
    assert code == 0
    stops = {stop.client_order_id for stop in world.stops()}
    accepted = [e.client_order_id for e, _ in world.memory.of("append") if _is_acceptance(e)]
    assert stops.intersection(accepted)


def _is_acceptance(event: object) -> bool:
    return type(event).__name__ == "OrderAccepted"


def test_no_entry_leaves_once_the_end_was_asked_for() -> None:
    async def main() -> Small:
        world = Small()
        parts = world.parts()
        async with asyncio.TaskGroup() as group:
            group.create_task(run_daemon(parts))
            await ready(world, parts)
            world.guard.fail("submit", delay_s=4.0)
            world.by_hand(BTC, OrderSide.BUY, "0.05")
            await until(lambda: len(world.guard.of("submit")) == 2)
            parts.stop.set()
            await asyncio.sleep(0.5)
            real, late = world.kernel.step, [SubmitOrder(an_order("late", Purpose.ENTRY))]
            world.kernel.step = lambda event: [*real(event), *[late.pop() for _ in late[:1]]]
        return world

    world = virtually(main())
    assert not [o for o in world.venue.of("submit") if o.client_order_id == "late"]
    refused = [e for e, _ in world.memory.of("append") if getattr(e, "code", "") == "held"]
    assert refused


def test_no_entry_is_allowed_before_a_stop_was_proven() -> None:
    async def script(world: Small, parts: DaemonParts) -> None:
        await ready(world, parts)

    world, code = lives(script)
    assert code == 0
    events = [e for e, _ in world.memory.of("append") if type(e).__name__ == "FeedStatus"]
    assert [e.live for e in events if e.stream == "proof"] == [False, True]
