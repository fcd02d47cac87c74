"""What fails on the way to the venue is told for what it is, and changes nothing else."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import msgspec
import pytest

from bot.domain.errors import (
    OutcomeUnknown,
    VenueDataInvalid,
    VenueRefused,
    VenueUnreachable,
)
from bot.domain.market import OpenInterest
from bot.domain.messages import FetchFills, FillsFailed, InstrumentsLoaded
from bot.domain.orders import OrderSide
from bot.domain.units import ZERO
from bot.ports import KeyPermissions
from bot.runtime import outcomes, start
from bot.runtime.coverage import Coverage
from bot.runtime.notices import Notices
from bot.runtime.parts import DaemonParts
from tests.fakes.kernel_world import BTC
from tests.fakes.ports import ETH, Small, virtually

Script = Callable[[Small, DaemonParts], Awaitable[None]]


def run(script: Script, **options: object) -> Small:
    async def main() -> Small:
        world = Small()
        parts = world.parts()
        parts.options = replace(parts.options, **options)
        await script(world, parts)
        return world

    return virtually(main())


# ------------------------------------------------------------------ fills


@pytest.mark.parametrize(
    "error",
    [VenueUnreachable("away"), VenueRefused("no", code="-1"), OutcomeUnknown("?"),
     VenueDataInvalid("junk"), KeyError("a defect")],
)  # fmt: skip
def test_fills_that_cannot_be_read_are_told_to_be_asked_again(error: Exception) -> None:
    async def script(world: Small, parts: DaemonParts) -> None:
        world.venue.fail("fills", error)
        told = await outcomes.read_fills(parts.venue, FetchFills(BTC, 77), world.clock, 3.0)
        (failed,) = told
        assert isinstance(failed, FillsFailed)
        assert (failed.symbol, failed.since_ns) == (BTC, 77)
        assert failed.reason
        assert "\n" not in failed.reason

    run(script)


def test_fills_that_never_come_end_at_the_deadline() -> None:
    async def script(world: Small, parts: DaemonParts) -> None:
        world.venue.fail("fills", delay_s=60.0)
        (failed,) = await outcomes.read_fills(parts.venue, FetchFills(BTC, 1), world.clock, 3.0)
        assert isinstance(failed, FillsFailed)
        assert "deadline" in failed.reason

    run(script)


# ------------------------------------------------------------------ coverage


def looking(
    world: Small, parts: DaemonParts, group: asyncio.TaskGroup, said: list[str]
) -> Coverage:
    return Coverage(
        parts,
        group,
        emit=world.kernel.step,
        say=lambda _severity, _kind, text, _symbol: said.append(text),
        passed=lambda _: None,
    )


def test_a_contract_that_cannot_be_read_is_told_and_asked_for_again() -> None:
    said: list[str] = []

    async def script(world: Small, parts: DaemonParts) -> None:
        world.by_hand(ETH, OrderSide.BUY, "1")
        world.guard.fail("instruments", VenueUnreachable("away"), times=2)
        async with asyncio.TaskGroup() as group:
            coverage = looking(world, parts, group, said)
            for _ in range(8):
                await coverage.look()
                await asyncio.sleep(1.0)
        assert any("contract of a held position cannot be read" in text for text in said)
        assert world.stops(ETH), "it came through in the end"
        assert len(world.guard.of("instruments")) == 3

    run(script)


def test_a_contract_that_was_read_once_is_not_read_again_though_the_kernel_does_not_take_it() -> (
    None
):
    said: list[str] = []

    async def script(world: Small, parts: DaemonParts) -> None:
        world.by_hand(ETH, OrderSide.BUY, "1")
        async with asyncio.TaskGroup() as group:
            coverage = Coverage(
                parts, group, emit=lambda _: None,
                say=lambda _severity, _kind, text, _symbol: said.append(text),
                passed=lambda _: None,
            )  # fmt: skip
            for _ in range(2):
                await coverage._instrument(ETH)
        assert len(world.guard.of("instruments")) == 1

    run(script)


def test_a_position_of_nothing_needs_no_stop() -> None:
    async def script(world: Small, parts: DaemonParts) -> None:
        world.by_hand(BTC, OrderSide.BUY, "0.05")
        account = await parts.guard.account()
        (position,) = account.positions
        empty = (msgspec.structs.replace(position, qty=ZERO),)
        world.guard.edit_account = lambda read: msgspec.structs.replace(read, positions=empty)
        async with asyncio.TaskGroup() as group:
            coverage = looking(world, parts, group, [])
            for _ in range(4):
                await coverage.look()
                await asyncio.sleep(1.0)
        assert world.stops() == []

    run(script)


# ------------------------------------------------------------------ start


def may(**changes: bool) -> KeyPermissions:
    given = {"can_trade": True, "can_withdraw": False, "ip_restricted": True, **changes}
    return KeyPermissions(**given)


@pytest.mark.parametrize(
    ("prove", "told", "read_only"),
    [
        (False, may(can_trade=False), False),
        (True, may(can_trade=False), True),
        (True, may(), False),
        (True, VenueUnreachable("away"), False),
    ],
)
def test_a_key_that_may_only_read_makes_a_watchman(
    prove: bool, told: KeyPermissions | Exception, read_only: bool
) -> None:
    async def script(world: Small, parts: DaemonParts) -> None:
        async def permissions() -> KeyPermissions:
            if isinstance(told, Exception):
                raise told
            return told

        world.inner.key_permissions = permissions
        notices = Notices(parts.notify, parts.clock)
        await start.settle_reach(parts, notices)
        assert parts.options.read_only is read_only

    run(script, prove_key=prove)


def test_a_venue_that_knows_no_such_contract_is_not_asked_again() -> None:
    async def script(world: Small, parts: DaemonParts) -> None:
        world.venue.fail("instruments", VenueRefused("no such symbol", code="-1121"), times=9)
        with pytest.raises(VenueRefused, match="no such symbol"):
            await start.load_instruments(parts, world.kernel.step, (BTC,))
        assert len(world.venue.of("instruments")) == 1

    run(script)


def test_a_venue_that_is_away_for_a_moment_is_asked_again() -> None:
    async def script(world: Small, parts: DaemonParts) -> None:
        told: list[object] = []
        world.venue.fail("instruments", VenueUnreachable("away"), times=2)
        await start.load_instruments(parts, told.append, (BTC,))
        assert [type(event) for event in told] == [InstrumentsLoaded]
        assert len(world.venue.of("instruments")) == 3

    run(script)


class PastOfOne:
    """What a venue remembers, told once."""

    def __init__(self, world: Small) -> None:
        self.world = world

    async def once(self, emit: Callable[[object], None]) -> None:
        ns = self.world.clock.now_ns() - 1
        emit(OpenInterest(BTC, ns, ns, "venue", 1_000.0))


def test_what_a_venue_remembers_is_told_between_the_candles() -> None:
    async def script(world: Small, parts: DaemonParts) -> None:
        told: list[object] = []
        parts.past = PastOfOne(world)
        candles = await start.load_history(parts, told.append)
        assert candles > 100
        assert len(told) == candles + 1
        assert [event.event_ns for event in told] == sorted(event.event_ns for event in told)
        assert isinstance(told[-1], OpenInterest)

    run(script, history_s=86_400)
