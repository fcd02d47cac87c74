"""`doctor` is done in time whatever the venue does, and asks it once for a crowd."""

import asyncio
from collections.abc import Sequence

import pytest

from bot.app.config.places import make_state, places_of
from bot.app.config.settings import load_settings
from bot.app.telling.bedside import Bedside
from bot.app.telling.checkup import venue_checks
from bot.app.telling.noticeboard import Noticeboard
from bot.domain.account import AccountState
from bot.domain.errors import VenueUnreachable
from bot.domain.instrument import Instrument
from bot.ports import KeyPermissions
from tests.fakes.kernel_world import BTC, CONTRACT, World

SOON_S = 0.05


class Halting:
    """A venue whose account never answers, whose clock is away, and that knows no rights."""

    name = "halting"

    def __init__(self) -> None:
        self.asked = 0

    async def clock_skew_ns(self) -> int:
        self.asked += 1
        raise VenueUnreachable("halting: no route")

    async def instruments(self, _symbols: Sequence[str]) -> tuple[Instrument, ...]:
        return (CONTRACT,)

    async def account(self) -> AccountState:
        await asyncio.Event().wait()
        raise AssertionError

    async def key_permissions(self) -> KeyPermissions:
        return KeyPermissions(can_trade=None, can_withdraw=None, ip_restricted=None)


class Shelf:
    label = "journal.db"

    async def rows(self, table: str, *, limit: int) -> list[dict[str, object]]:
        return [{"table": table}][:limit]


async def test_a_venue_that_halts_is_a_finding_in_the_usual_order() -> None:
    checks = await venue_checks(Halting(), [BTC], SOON_S)  # type: ignore[arg-type]
    assert [check.name for check in checks] == [
        "venue clock", "contracts", "account", "key permissions",
    ]  # fmt: skip
    clock, contracts, account, rights = checks
    assert clock.ok is False
    assert "no route" in clock.found
    assert contracts.ok
    assert account.ok is None
    assert account.found == "no answer within 0.05 s"
    assert rights.ok is None
    assert "nothing on paper" in rights.remedy


@pytest.mark.parametrize("crowd", [1, 7])
async def test_a_crowd_that_asks_for_the_doctor_asks_the_venue_once(
    config, monkeypatch: pytest.MonkeyPatch, crowd: int
) -> None:
    monkeypatch.setattr("bot.app.telling.bedside.DOCTOR_S", SOON_S)
    settings = load_settings(config)
    places = places_of(settings, config)
    make_state(places)
    venue, world = Halting(), World()
    bedside = Bedside(
        settings, places, world.kernel, venue, Shelf(), Noticeboard(), {}, lambda: ()  # type: ignore[arg-type]
    )  # fmt: skip
    ask = bedside.answers()["doctor"]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(ask({})) for _ in range(crowd)]
    assert venue.asked == 1
    for task in tasks:
        assert task.result()["unknown"] == ["account", "key permissions", "stop proof"]
    world.later(10.0)
    world.kernel.state.now_ns = world.now_ns
    await ask({})
    assert venue.asked == 2
