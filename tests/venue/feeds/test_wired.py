"""Four venues over real sockets into one kernel: totals by venue, and what becomes of a loss."""

import json
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bot.domain.sense import RESET
from bot.venue.open import VenueConfig, open_room
from bot.venue.proof.fuzz_frames import SOUND, USER
from bot.venue.senses import SenseConfig, open_senses
from tests.venue.feeds.ears import NOW_NS, Ears, HeldClock, ears
from tests.venue.feeds.scene import BTC, PublicServer, public_server

HOUR_NS = 3_600 * 10**9
VENUES = ("binance", "bybit", "okx", "hyperliquid")
COINS = {"bybit": 68_744.761, "okx": 22_161.1301, "hyperliquid": 33_688.11}
FORCED = {
    "binance": (1.75 * 79_100.5, 0.0),
    "bybit": (0.003 * 79_000.5, 1.5 * 81_000.5),
    "okx": (0.13 * 79_000.5, 21.37 * 81_000.5),
    "hyperliquid": (3.5 * 79_000.0, 0.0),
}
"""What the authored frames say, (longs, shorts) in USD."""


class Street:
    """Servers by venue, and the kernel that hears them."""

    def __init__(self, servers: dict[str, PublicServer], heard: Ears) -> None:
        self.servers = servers
        self.heard = heard

    async def say(self, venue: str, *frames: object) -> None:
        await self.servers[venue].say(*frames)

    async def say_all(self, order: Sequence[str] = VENUES) -> None:
        """Every venue says its authored frames; each is heard before the next one speaks."""
        for venue in order:
            await self.say(venue, *SOUND[venue])
            await self.heard.until(lambda: venue in self.printed())  # noqa: B023 - awaited here
        self.heard.second()

    def printed(self) -> dict[str, tuple[float, float]]:
        """(longs, shorts) of a day in USD by venue, as `liquidations` tells them."""
        rows = self.heard.row("liquidations", BTC).get("by_venue_24h", [])
        return {row["venues"][0]: (row["long_usd"], row["short_usd"]) for row in rows}

    def told(self) -> dict[str, Any]:
        """Everything the market answers say of BTC, without ages of our own clock."""
        market = {k: v for k, v in self.heard.row("market", BTC).items() if k != "mark_age_s"}
        rest = [self.heard.row(name, BTC) for name in ("liquidations", "oi", "funding")]
        return {"market": market, "rest": rest}


def listed(server: PublicServer, *bases: str) -> None:
    """Let the venue list `bases` beside its usual ones."""
    for base in bases:
        server.answers["/v5/market/instruments-info"]["result"]["list"].append(
            {"symbol": f"{base}USDT", "status": "Trading", "settleCoin": "USDT",
             "fundingInterval": 480})  # fmt: skip
        server.answers["/api/v5/public/instruments"]["data"].append(
            {"instId": f"{base}-USDT-SWAP", "ctVal": "1", "ctMult": "1", "ctValCcy": base,
             "ctType": "linear", "settleCcy": "USDT", "state": "live"})  # fmt: skip


@asynccontextmanager
async def street(
    *venues: str,
    symbols: tuple[str, ...] = (BTC,),
    at_ns: int = NOW_NS,
    bases: tuple[str, ...] = (),
) -> AsyncIterator[Street]:
    """`venues` on loopback, opened as a daemon opens them, heard by one kernel."""
    clock = HeldClock(at_ns)
    async with AsyncExitStack() as stack:
        servers = {v: await stack.enter_async_context(public_server(v)) for v in venues}
        for server in servers.values():
            listed(server, *bases)
        sensed = tuple(v for v in venues if v != "binance")
        wish = SenseConfig(
            symbols=symbols,
            venues=sensed,
            watched=(USER,),
            loopback={v: servers[v].url for v in sensed},
        )
        senses = await open_senses(wish, clock)
        stack.push_async_callback(senses.close)
        feeds, health = list(senses.feeds), [senses.health]
        if "binance" in servers:
            url = servers["binance"].url
            config = VenueConfig(mode="paper", symbols=symbols, base_url=url)
            room = await open_room(config, clock)
            stack.push_async_callback(room.close)
            feeds += room.feeds
            health.append(lambda: (room.public.health(),))
        heard = await stack.enter_async_context(
            ears(feeds, lambda: tuple(row for each in health for row in each()), clock)
        )
        for server in servers.values():
            await heard.until(lambda: server.subscribed or server.said)  # noqa: B023 - awaited here
        yield Street(servers, heard)


def near(found: dict[str, tuple[float, float]]) -> dict[str, Any]:
    return {venue: pytest.approx(usd, abs=1.0) for venue, usd in found.items()}


async def test_every_venue_is_counted_by_its_name() -> None:
    async with street(*VENUES) as town:
        await town.say_all()
        assert town.printed() == near(FORCED)
        interest = {row["venue"]: row["open_interest_coin"]
                    for row in town.heard.row("oi", BTC)["by_venue"]}  # fmt: skip
        assert interest == pytest.approx(COINS)
        market = town.heard.row("market", BTC)
        assert market["open_interest_coin"] == pytest.approx(sum(COINS.values()))
        assert market["liq_long_24h_usd"] == pytest.approx(
            sum(f[0] for f in FORCED.values()), abs=1
        )
        paid = {row["venue"] for row in town.heard.row("funding", BTC)["by_venue"]}
        assert paid == set(VENUES)
        for venue in VENUES:
            row = town.heard.venue(venue)
            assert (row["live"], row["reconnects"], row["gaps"]) == (True, 0, 0)
            assert row["frames"] >= len(SOUND[venue])
            assert row["frame_age_s"] == 0.0
        assert "not offered" in town.heard.venue("hyperliquid")["liquidations"]


async def test_prices_come_from_the_traded_venue_alone() -> None:
    async with street(*VENUES) as town:
        await town.say("bybit", *SOUND["bybit"])
        await town.heard.until(lambda: "bybit" in town.printed())
        assert town.heard.row("market", BTC)["price"] is None
        await town.say("binance", *SOUND["binance"])
        await town.heard.until(lambda: town.heard.row("market", BTC)["price"])
        assert town.heard.row("market", BTC)["price"] == 80_001.2


async def test_the_order_of_venues_changes_nothing() -> None:
    told = []
    for order in (VENUES, VENUES[::-1], ("okx", "binance", "hyperliquid", "bybit")):
        async with street(*VENUES) as town:
            await town.say_all(order)
            told.append(town.told())
    assert told[0] == told[1] == told[2]


@pytest.mark.parametrize("venue", VENUES)
async def test_frames_told_again_after_a_reconnect_change_nothing(venue: str) -> None:
    async with street(*VENUES) as town:
        await town.say_all()
        before, server = town.told(), town.servers[venue]
        dialled, lines = server.dialled, len(server.sockets)
        for socket in list(server.sockets):
            await socket.close(code=1001)
        await town.heard.until(lambda: town.heard.decisions("down"))
        await town.heard.until(lambda: server.dialled >= dialled + lines)
        await town.heard.until(lambda: len(server.sockets) == lines)
        frames = town.heard.venue(venue)["frames"]
        await server.say(*SOUND[venue])
        await town.heard.until(
            lambda: town.heard.venue(venue)["frames"] >= frames + len(SOUND[venue])
        )
        await town.heard.until(lambda: town.heard.venue(venue)["live"])
        await town.heard.until(lambda: len(town.printed()) == len(VENUES) - (venue == VENUES[3]))
        town.heard.second()
        after = town.told()
        if venue == VENUES[3]:  # of this one only watched accounts print: it is not said to be back
            assert town.printed() == near({v: FORCED[v] for v in VENUES[:3]})
            return
        assert after == before
        assert town.heard.venue(venue)["reconnects"] >= 1


async def test_a_venue_that_drops_out_never_looks_like_a_flush() -> None:
    async with street("bybit", "okx") as town:
        for step in range(13):  # an hour in which both tell their interest every five minutes
            at_ms = town.heard.clock.at_ns // 10**6
            await say_interest(town, at_ms, bybit=20_000.0 + step, okx=3_000_000.0 + 100 * step)
            town.heard.clock.forward(300)
        whole = town.heard.row("oi", BTC)
        assert whole["venues"] == ["bybit", "okx"]
        await town.servers["bybit"].drop()
        town.servers["bybit"].status = 503  # and it does not come back
        await town.heard.until(lambda: not town.heard.venue("bybit")["live"])
        for step in range(13, 20):
            at_ms = town.heard.clock.at_ns // 10**6
            await say_interest(town, at_ms, okx=3_000_000.0 + 100 * step)
            town.heard.second()
            row = town.heard.row("oi", BTC)
            for change in row["changes"][:2]:  # 15 minutes and an hour
                assert 0.0 < change["change_frac"] < 0.001
            assert row["flush"] not in (RESET, "FLUSH_IN_PROGRESS")
            town.heard.clock.forward(300)
        assert row["venues"] == ["okx"]
        assert row["open_interest_coin"] == 30_019.0
        (told,) = town.heard.decisions("bybit.market for all symbols is down")[:1]
        assert "1001" in told
        await town.heard.until(lambda: "not dialled" in town.heard.venue("bybit")["last_error"])


async def say_interest(town: Street, at_ms: int, **coins: float) -> None:
    """Let venues tell open interest stamped now, until it was heard."""
    frames = {
        "bybit": lambda n: {"topic": "tickers.BTCUSDT", "type": "snapshot", "ts": at_ms, "data": {
            "symbol": "BTCUSDT", "markPrice": "80000", "indexPrice": "80000",
            "openInterest": f"{n}", "fundingRate": "0.0001", "fundingIntervalHour": "8",
            "nextFundingTime": str(at_ms + 3_600_000)}},
        "okx": lambda n: {"arg": {"channel": "open-interest", "instId": "BTC-USDT-SWAP"}, "data": [
            {"instId": "BTC-USDT-SWAP", "oi": f"{n}", "oiCcy": f"{n / 100}", "ts": str(at_ms)}]},
    }  # fmt: skip
    for venue, count in coins.items():
        want = count if venue == "bybit" else count / 100
        for _ in range(20):  # a line that fell silent while time jumped is dialled anew by itself
            await town.say(venue, frames[venue](count))
            try:
                await town.heard.until(lambda: known(town, venue) == want, within_s=1.0)  # noqa: B023
                break
            except TimeoutError:
                continue
        assert known(town, venue) == want


def known(town: Street, venue: str) -> float | None:
    rows = town.heard.row("oi", BTC).get("by_venue", [])
    return next((row["open_interest_coin"] for row in rows if row["venue"] == venue), None)


async def test_a_frozen_stream_is_missing_and_not_calm() -> None:
    async with street("bybit", "okx") as town:
        await town.say_all(("bybit", "okx"))
        assert town.printed() == near({v: FORCED[v] for v in ("bybit", "okx")})
        town.heard.clock.forward(31)  # the sockets are open, nobody says a word
        await town.heard.until(lambda: town.printed() == {})
        for venue in ("bybit", "okx"):
            assert "stale" in str(town.heard.decisions(f"{venue}.market for all symbols is down"))
            assert town.heard.venue(venue)["last_error"].startswith("stale")
        row = town.heard.row("liquidations", BTC)
        assert row["venues"] == []


# ------------------------------------------------------------------ recorded frames

SHARED = Path(os.environ.get("BREAKWATER_SHARED", Path(__file__).resolve().parents[4] / "shared"))
LIVE = SHARED / "fixtures" / "live_liquidations" / "frames.jsonl"


@pytest.mark.shared
@pytest.mark.skipif(not LIVE.exists(), reason="recorded frames are not beside the project")
@pytest.mark.parametrize(
    ("venue", "recorded", "base"),
    [
        ("binance", "binanceusdm", "ILV"),
        ("binance", "binanceusdm-testnet", "COTI"),
        ("bybit", "bybit", "ICP"),
        ("bybit", "bybit", "MARSCOIN"),
        ("okx", "okx", "CNPY"),
    ],
)
async def test_recorded_liquidations_arrive_whole(venue: str, recorded: str, base: str) -> None:
    rows = [json.loads(line) for line in LIVE.read_text().splitlines()]
    rows = [row for row in rows if row["venue"] == recorded and "truth" in row]
    (row,) = (row for row in rows if base in json.dumps(row["frame"]))
    symbol, at_ns = f"{base}/USDT:USDT", stamp_ns(row["frame"])
    async with street(venue, symbols=(symbol,), at_ns=at_ns, bases=(base,)) as town:
        await town.say(venue, row["frame"])
        await town.heard.until(lambda: town.heard.row("liquidations", symbol).get("by_venue_24h"))
        (total,) = town.heard.row("liquidations", symbol)["by_venue_24h"]
    side, other = ("long_usd", "short_usd") if row["truth"]["position"] == "long" else (
        "short_usd", "long_usd")  # fmt: skip
    size = row["truth"].get("qty", row["truth"].get("contracts"))
    assert total["venues"] == [venue]
    assert total[side] == pytest.approx(size * price(row["frame"]), abs=1.0)
    assert total[other] == 0.0


def stamp_ns(frame: dict[str, Any]) -> int:
    """Just after the frame was made."""
    found = [int(n) for n in flat(frame) if str(n).isdigit() and len(str(n)) == 13]
    return (max(found) + 200) * 10**6


def price(frame: dict[str, Any]) -> float:
    names = {k: v for k, v in pairs(frame) if k in ("ap", "p", "bkPx")}
    return float(names.get("ap") or names.get("bkPx") or names["p"])


def pairs(value: Any, key: str = "") -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return [pair for k, v in value.items() for pair in pairs(v, k)]
    if isinstance(value, list):
        return [pair for v in value for pair in pairs(v, key)]
    return [(key, value)]


def flat(value: Any) -> list[Any]:
    return [v for _, v in pairs(value)]
