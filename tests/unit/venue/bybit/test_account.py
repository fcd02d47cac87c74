"""Accounts whose margin the house could not compute are refused in a line, never half read."""

from collections.abc import Mapping
from typing import Any

import pytest

from bot.app.clock import SystemClock
from bot.domain.account import MarginMode
from bot.domain.errors import VenueDataInvalid, VenueRefused
from bot.venue.bybit.account import BybitReader
from bot.venue.endpoint import Endpoint
from bot.venue.lanes import Lane
from bot.venue.profiles import bybit
from tests.fakes.embedded import BTC, ETH
from tests.unit.venue.bybit.rows import leg_row, stop_row, wallet_row


class Venue:
    """A caller and its answers: an account in one-way mode, unless told otherwise."""

    lane = Lane.QUERY

    def __init__(self) -> None:
        self.caller = self
        self.mode = "REGULAR_MARGIN"
        self.no_options = False
        self.wallet = wallet_row()
        self.legs: dict[str, list[dict[str, Any]]] = {
            "BTCUSDT": [leg_row(leverage="10")],
            "ETHUSDT": [leg_row(symbol="ETHUSDT", side="", size="0", leverage="5")],
            "USDC": [],
            "inverse": [],
            "option": [],
        }
        self.orders = [stop_row()]

    async def settle_clock(self, *, lane: Lane) -> None:
        del lane

    def venue_now_ns(self) -> int:
        return 7

    async def result(self, endpoint: Endpoint, params: Mapping[str, Any]) -> dict[str, Any]:
        assert (endpoint, params) == (bybit.ACCOUNT_INFO, {})
        return {"marginMode": self.mode}

    async def rows(self, endpoint: Endpoint, params: Mapping[str, Any]) -> list[dict[str, Any]]:
        if endpoint == bybit.WALLET:
            return [self.wallet]
        if endpoint == bybit.OPEN_ORDERS:
            return self.orders  # a venue that ignores the kind tells each order twice
        if params["category"] == "option" and self.no_options:
            raise VenueRefused("permission denied", code="10005")
        if params["category"] in ("inverse", "option"):
            return self.legs[params["category"]]
        if params.get("settleCoin") == "USDC":
            return self.legs["USDC"]
        if "symbol" in params:
            return self.legs[params["symbol"]]
        return [row for rows in self.legs.values() for row in rows if row["size"] != "0"]

    def reader(self) -> BybitReader:
        return BybitReader(self, SystemClock(), (BTC, ETH))


async def test_everything_is_read_and_told_once() -> None:
    account = await Venue().reader().read()
    (leg,), (order,) = account.positions, account.orders
    assert (leg.symbol, leg.leverage, order.client_order_id) == (BTC, 10, "bw00000001-2-0")
    assert account.leverages == {BTC: 10, ETH: 5}
    assert account.margin_modes == {BTC: MarginMode.CROSS, ETH: MarginMode.CROSS}
    assert (account.hedge_mode, account.event_ns) == (False, 7)


async def test_margin_that_is_shared_with_what_is_not_seen_is_refused() -> None:
    option = ("option", "BTC-26DEC26-90000-C-USDT")
    for place, name in (("USDC", "BTCPERP"), ("inverse", "BTCUSD"), option):
        venue = Venue()
        venue.legs[place] = [leg_row(symbol=name, size="3")]
        with pytest.raises(VenueDataInvalid, match=f"{name} shares this account's margin"):
            await venue.reader().read()


async def test_portfolio_margin_and_no_unified_wallet_are_refused() -> None:
    venue = Venue()
    venue.mode = "PORTFOLIO_MARGIN"
    with pytest.raises(VenueDataInvalid, match="switch the unified account"):
        await venue.reader().read()


async def test_a_key_without_the_right_to_options_reads_the_rest() -> None:
    venue = Venue()
    venue.no_options = True
    assert len((await venue.reader().read()).positions) == 1


async def test_a_wallet_without_our_coin_is_not_an_empty_one() -> None:
    venue = Venue()
    venue.wallet = {"coin": []}
    with pytest.raises(VenueDataInvalid, match="no USDT is told"):
        await venue.reader().read()


async def test_position_modes_that_differ_between_contracts_are_refused() -> None:
    venue = Venue()
    venue.legs["ETHUSDT"] = [
        leg_row(symbol="ETHUSDT", side="", size="0", positionIdx=number) for number in (1, 2)
    ]
    with pytest.raises(VenueDataInvalid, match="position mode differs"):
        await venue.reader().read()
    venue.legs["BTCUSDT"] = [leg_row(positionIdx=1), leg_row(positionIdx=2, side="", size="0")]
    assert (await venue.reader().read()).hedge_mode
