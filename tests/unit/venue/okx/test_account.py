"""OKX accounts that would be half read are refused in a line; a mode ends with its position."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from bot.app.clock import SystemClock
from bot.domain.account import MarginMode
from bot.domain.errors import VenueDataInvalid
from bot.venue.endpoint import Endpoint
from bot.venue.lanes import Lane
from bot.venue.okx.account import OkxReader, Sizes
from bot.venue.profiles import okx
from tests.fakes.embedded import BTC, ETH

AT = "1790964546856"
CROSS, ISOLATED = MarginMode.CROSS, MarginMode.ISOLATED


def leg_row(**changes: Any) -> dict[str, Any]:
    row = {
        "instType": "SWAP", "instId": "BTC-USDT-SWAP", "posSide": "net", "pos": "5",
        "avgPx": "80000", "mgnMode": "cross", "ccy": "USDT", "lever": "7", "margin": "",
        "liqPx": "", "adl": "1", "uTime": AT,
    }  # fmt: skip
    return {**row, **changes}


class Venue:
    """A caller and its answers: a futures account in one-way mode with one long."""

    lane = Lane.QUERY

    def __init__(self) -> None:
        self.caller = self
        self.details: list[dict[str, Any]] = [{"ccy": "USDT", "cashBal": "9000"}]
        self.held = [leg_row()]
        self.levers = {"cross": "3", "isolated": "11"}

    async def settle_clock(self, *, lane: Lane) -> None:
        del lane

    def venue_now_ns(self) -> int:
        return 7

    async def rows(
        self, endpoint: Endpoint, params: Mapping[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        asked = params or {}
        if endpoint == okx.INSTRUMENTS:
            names = ("BTC-USDT-SWAP", "ETH-USDT-SWAP")
            return [
                {"instId": name, "ctType": "linear", "ctVal": "0.01", "ctValCcy": name[:3]}
                for name in names
            ]
        if endpoint == okx.CONFIG:
            return [{"acctLv": "2", "posMode": "net_mode"}]
        if endpoint == okx.LEVERAGE:
            return [{"instId": asked["instId"], "lever": self.levers[asked["mgnMode"]]}]
        if endpoint == okx.BALANCE:
            return [{"details": self.details}]
        assert (endpoint, asked) == (okx.POSITIONS, {}), "positions of every kind are asked for"
        return self.held

    async def pages(
        self, endpoint: Endpoint, params: Mapping[str, Any], key: str
    ) -> list[dict[str, Any]]:
        del endpoint, params, key
        return []

    def reader(self) -> OkxReader:
        return OkxReader(self, SystemClock(), (BTC, ETH), Sizes())


def test_a_position_lends_its_mode_to_orders_and_takes_it_along() -> None:
    venue = Venue()
    venue.held = [leg_row(mgnMode="isolated", lever="9", margin="50")]

    async def main() -> None:
        reader = venue.reader()
        held = await reader.read()
        assert (held.margin_modes[BTC], held.leverages[BTC]) == (ISOLATED, 9)
        assert held.margin_modes[ETH] is CROSS
        venue.held = []
        await reader.read()
        flat = await reader.read()
        assert flat.margin_modes == {BTC: CROSS, ETH: CROSS}
        assert flat.leverages == {BTC: 3, ETH: 3}, "that of the mode orders now go out with"

    asyncio.run(main())


@pytest.mark.parametrize(
    ("held", "words"),
    [
        ([leg_row(), leg_row(mgnMode="isolated")], "cross and with isolated margin at once"),
        ([leg_row(instId="BTC-USDT-261225", instType="FUTURES")], "BTC-USDT-261225 shares"),
        ([leg_row(instId="ETH-USDT", instType="MARGIN")], "ETH-USDT shares"),
    ],
)
def test_what_an_order_or_the_margin_would_miss_is_refused(held, words: str) -> None:
    venue = Venue()
    venue.held = held
    with pytest.raises(VenueDataInvalid, match=words):
        asyncio.run(venue.reader().read())


def test_what_has_margin_of_its_own_is_not_refused() -> None:
    venue = Venue()
    venue.held = [leg_row(), leg_row(instId="BTC-USD-SWAP", ccy="BTC"),
                  leg_row(instId="BTC-USDT-261225", pos="0"), leg_row(instId="ETH-USDC-SWAP",
                  ccy="USDC")]  # fmt: skip
    account = asyncio.run(venue.reader().read())
    assert [leg.symbol for leg in account.positions] == [BTC]


@pytest.mark.parametrize("details", [[], [{"ccy": "BTC", "cashBal": "1"}]])
def test_money_that_is_not_told_is_not_zero(details) -> None:
    venue = Venue()
    venue.details = details
    with pytest.raises(VenueDataInvalid, match="no USDT is told"):
        asyncio.run(venue.reader().read())
