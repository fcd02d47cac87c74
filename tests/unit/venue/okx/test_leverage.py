"""The leverage of a contract: one for both legs, or one a leg where they are walled in."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from bot.app.clock import SystemClock
from bot.domain.account import MarginMode
from bot.venue.acting import Ties
from bot.venue.endpoint import Endpoint
from bot.venue.lanes import Lane
from bot.venue.okx.account import Sizes
from bot.venue.okx.client import OkxVenue
from bot.venue.profiles import okx
from tests.fakes.embedded import BTC


class Caller:
    """Answers as the venue does, and keeps what it was told to set."""

    def __init__(self, position_mode: str) -> None:
        self.position_mode = position_mode
        self.sent: list[dict[str, Any]] = []

    async def table(
        self, endpoint: Endpoint, params: Mapping[str, Any], *, lane: Lane
    ) -> dict[str, Any]:
        del lane
        if endpoint == okx.SET_LEVERAGE:
            self.sent.append(dict(params))
            return {"code": "0", "data": [{}]}
        if endpoint == okx.CONFIG:
            return {"code": "0", "data": [{"acctLv": "2", "posMode": self.position_mode}]}
        assert endpoint == okx.LEVERAGE
        return {"code": "0", "data": [{"instId": params["instId"], "lever": "3"}]}


async def closed() -> None:
    return


@pytest.mark.parametrize(
    ("position_mode", "mode", "legs"),
    [
        ("net_mode", MarginMode.CROSS, [None]),
        ("net_mode", MarginMode.ISOLATED, [None]),
        ("long_short_mode", MarginMode.CROSS, [None]),
        ("long_short_mode", MarginMode.ISOLATED, ["long", "short"]),
    ],
)
def test_walled_legs_of_hedge_mode_are_set_one_by_one(position_mode, mode, legs) -> None:
    caller, unsettled = Caller(position_mode), []
    ties = Ties(
        guards=False, read_only=False, on_placed=print, on_instruments=print, on_close=closed,
        on_settings=lambda: unsettled.append(1),
    )  # fmt: skip
    venue = OkxVenue(caller, SystemClock(), (BTC,), Sizes(), ties)
    venue.reader.modes[BTC] = mode
    asyncio.run(venue.set_leverage(BTC, 7))
    assert [sent.get("posSide") for sent in caller.sent] == legs
    assert {(sent["lever"], sent["mgnMode"]) for sent in caller.sent} == {("7", mode.value.lower())}
    assert unsettled == [1]
