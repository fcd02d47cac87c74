"""A run that lost its lease: real kernel, real exchange, its venue behind the fence."""

import asyncio
from decimal import Decimal

import pytest

from bot.app.accounts.fenced import FencedVenue
from bot.domain.errors import VenueUnreachable
from bot.domain.orders import OrderSide, PositionSide, Purpose
from bot.domain.risk import TradingMode
from bot.runtime.supervisor import run_daemon
from tests.fakes.kernel_world import BTC
from tests.fakes.ports import Small, an_order, virtually

UNHEALTHY = 3
WHY = "account main: run b on two drives it now"


class HandTenure:
    """A right that a test takes away."""

    def __init__(self) -> None:
        self.gone = asyncio.Event()

    def held(self) -> bool:
        return not self.gone.is_set()

    async def lost(self) -> str:
        await self.gone.wait()
        return WHY


async def fenced_while(world: Small, *, bare: bool) -> tuple[int, float]:
    """Hold a stopped position, lose the lease (and perhaps the stop); return exit code, seconds."""
    tenure = HandTenure()
    parts = world.parts(
        venue=FencedVenue(world.venue, tenure),
        guard=FencedVenue(world.guard, tenure),
        tenure=tenure,
    )
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(600), asyncio.TaskGroup() as group:
        daemon = group.create_task(run_daemon(parts))
        while world.kernel.state.mode is not TradingMode.ACTIVE or not parts.health.get("ready"):
            await asyncio.sleep(0.05)
        world.by_hand(BTC, OrderSide.BUY, "0.05")
        while not world.stops():
            await asyncio.sleep(0.05)
        await asyncio.sleep(5)
        tenure.gone.set()
        if bare:
            world.exchange.cancel_all("main", BTC, conditional=True)
            assert not world.stops()
        world.move(BTC, world.prices[BTC] * 0.93)  # the guard would cut now
        lost_s = loop.time()
    return daemon.result(), loop.time() - lost_s


@pytest.mark.parametrize("bare", [False, True])
def test_a_fenced_run_adds_a_missing_stop_and_nothing_else_then_ends(bare: bool) -> None:
    async def main() -> tuple[Small, int, float]:
        world = Small()
        return world, *await fenced_while(world, bare=bare)

    world, code, spent_s = virtually(main())
    assert code == UNHEALTHY
    assert spent_s < 10.0
    assert sum(stop.qty for stop in world.stops()) == world.position() == Decimal("0.05")
    last = [order for order in world.guard.of("submit") if "-c" in order.client_order_id]
    assert [order.purpose for order in last] == ([Purpose.STOP] if bare else [])
    assert all(order.reduce_only for order in last)
    sold = [o for o in world.guard.of("submit") if o.purpose in (Purpose.CUT, Purpose.FLATTEN)]
    assert sold == []


def test_behind_the_fence_only_a_reduce_only_stop_passes() -> None:
    async def main() -> list[str]:
        world, tenure = Small(), HandTenure()
        venue = FencedVenue(world.venue, tenure)
        await venue.submit(an_order("bwrun00001-1-1", Purpose.ENTRY))
        tenure.gone.set()
        refused = []
        for name, call in (
            ("entry", venue.submit(an_order("bwrun00001-1-2", Purpose.ENTRY))),
            ("cut", venue.submit(an_order("bwrun00001-1-3", Purpose.CUT))),
            ("cancel", venue.cancel(BTC, "x", conditional=True, protecting=True)),
            ("margin", venue.add_margin(BTC, PositionSide.LONG, Decimal(5))),
            ("leverage", venue.set_leverage(BTC, 3)),
        ):
            with pytest.raises(VenueUnreachable, match="another run may drive this account"):
                await call
            refused.append(name)
        assert (await venue.account()).positions[0].qty == Decimal("0.01")
        await venue.submit(an_order("bwrun00001-1-4", Purpose.STOP))
        assert [stop.client_order_id for stop in world.stops()] == ["bwrun00001-1-4"]
        return refused

    assert virtually(main()) == ["entry", "cut", "cancel", "margin", "leverage"]
