"""A refusal makes the contract be read anew: at once, but not again and again."""

import asyncio

import pytest

from bot.domain.errors import VenueUnreachable
from bot.domain.messages import Event, InstrumentsLoaded, OrderAccepted, OrderRefused
from bot.domain.orders import NOT_SENT
from bot.domain.risk import RefusalReason
from bot.runtime.contracts import AGAIN_NS, Contracts
from bot.runtime.notices import Notices
from tests.fakes.kernel_world import BTC
from tests.fakes.ports import ETH, Small, virtually

OFF_GRID = "-4014"


def refused(code: str) -> tuple[Event, ...]:
    return (OrderRefused(1, 1, "bw1-1-1", code, "no"),)


class Told:
    """Contracts over a venue, and what they told."""

    def __init__(self) -> None:
        self.world = Small()
        self.parts = self.world.parts()
        self.events: list[Event] = []
        self.said: list[str] = []

        async def tell(notice: object) -> None:
            self.said.append(str(notice))

        self.notices = Notices(tell, self.parts.clock)
        self.contracts = Contracts(self.parts, self.events.append, self.notices)

    @property
    def asked(self) -> list[tuple[str, ...]]:
        venue = self.world.venue
        return [tuple(symbols) for symbols in venue.of("instruments")]


def run(*steps: tuple[float, str, tuple[Event, ...]], fails: bool = False) -> Told:
    """Tell of answers at their seconds, and wait until all is read."""

    async def main() -> Told:
        told = Told()
        if fails:
            told.world.venue.fail("instruments", VenueUnreachable("gone"))
        tasks = [
            asyncio.create_task(told.contracts.run()),
            asyncio.create_task(told.notices.run()),
        ]
        for pause_s, symbol, events in steps:
            await asyncio.sleep(pause_s)
            told.contracts.answered(symbol, events)
        await asyncio.sleep(1.0)
        for task in tasks:
            task.cancel()
        return told

    return virtually(main())


def test_a_price_off_the_grid_has_its_contract_read_and_told() -> None:
    told = run((0.0, BTC, refused(OFF_GRID)))
    assert told.asked == [(BTC,)]
    (loaded,) = told.events
    assert isinstance(loaded, InstrumentsLoaded)
    assert [one.symbol for one in loaded.instruments] == [BTC]


@pytest.mark.parametrize(
    "events",
    [
        (),
        (OrderAccepted(1, 1, "bw1-1-1", "v1"),),
        refused("-2021"),
        *(refused(code) for code in NOT_SENT),
        refused(RefusalReason.NOT_ON_GRID.value),
        refused("too_late"),
    ],
)
def test_other_answers_say_nothing_of_the_contract(events: tuple[Event, ...]) -> None:
    assert run((0.0, BTC, events)).asked == []


def test_a_contract_is_not_read_with_every_refusal() -> None:
    again_s = AGAIN_NS / 1e9
    told = run(
        (0.0, BTC, refused(OFF_GRID)),
        (1.0, BTC, refused(OFF_GRID)),
        (1.0, ETH, refused(OFF_GRID)),
        (again_s, BTC, refused(OFF_GRID)),
    )
    assert told.asked == [(BTC,), (ETH,), (BTC,)]


def test_a_reading_that_fails_is_said() -> None:
    told = run((0.0, BTC, refused(OFF_GRID)), fails=True)
    assert told.events == []
    assert len(told.said) == 1
    assert "the contract could not be read after a refusal: gone" in told.said[0]
