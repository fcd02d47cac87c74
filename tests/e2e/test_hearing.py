"""A whole daemon hears a venue that it does not trade, and says so when that venue is gone."""

import asyncio
import json
from typing import Any

import pytest

from tests.fakes.daemon import Daemon, Stand, until
from tests.venue.feeds.scene import BTC, bybit_forced, public_server, ticker

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-hearing")]


def bybit(daemon: Daemon) -> dict[str, Any]:
    return next(row for row in daemon.status()["venues"] if row["venue"] == "bybit")


def printed(daemon: Daemon) -> list[str]:
    rows = daemon.ask("liquidations")["liquidations"]
    return [total["venues"][0] for row in rows for total in row["by_venue_24h"]]


def interest(daemon: Daemon) -> dict[str, float]:
    (row,) = (row for row in daemon.ask("oi")["open_interest"] if row["symbol"] == BTC)
    return {each["venue"]: each["open_interest_coin"] for each in row["by_venue"]}


async def test_a_second_venue_is_heard_counted_and_missed() -> None:
    async with public_server("bybit") as server:
        env = {
            "BREAKWATER_SENSES__VENUES": '["bybit"]',
            "BREAKWATER_SENSES__LOOPBACK": json.dumps({"bybit": server.url}),
        }
        stand = Stand(**env)
        try:
            await asyncio.to_thread(stand.start_venue)
            daemon = await asyncio.to_thread(stand.start_daemon)
            await server.say(ticker(), bybit_forced())
            await told(lambda: bybit(daemon)["live"], "bybit is live")
            await told(lambda: printed(daemon) == ["bybit"], "its liquidation is counted")
            held = await told(lambda: interest(daemon), "interest of both")
            assert held["bybit"] == 68_744.7
            market = await asyncio.to_thread(daemon.ask, "market")
            assert {row["venue"] for row in market["venues"]} == {"binance", "bybit"}

            server.status = 503
            await server.drop()
            await told(lambda: not bybit(daemon)["live"], "bybit is down")
            await told(lambda: printed(daemon) == [], "its liquidations are missing")
            assert "bybit market data" in (await asyncio.to_thread(daemon.ask, "doctor"))["wrong"]
            rows = await told(lambda: gone(daemon), "a decision says so")
            assert "1001" in rows[-1]["why"]
            assert interest(daemon)["bybit"] == 68_744.7
        finally:
            await asyncio.to_thread(stand.close)


def gone(daemon: Daemon) -> list[dict[str, Any]]:
    rows = daemon.journal("decisions")
    return [row for row in rows if row["what"] == "bybit.market for all symbols is down"]


async def told(look: Any, what: str) -> Any:
    return await asyncio.to_thread(until, look, what)
