"""The market clock: speed, derivation by seed, funding, forced orders and margin calls."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path

import aiohttp
import pytest

from bot.app.clock import SystemClock
from bot.domain.errors import ConfigInvalid
from bot.domain.market import Liquidation
from bot.domain.orders import OrderKind, OrderSide, PositionSide
from bot.domain.units import NS_PER_S
from bot.simulator.binance.flow import PublicFlow
from bot.simulator.binance.forced_orders import ForcedOrders, Ground
from bot.simulator.binance.signing import ApiKey
from bot.simulator.binance.weights import Quota
from bot.simulator.binance.world import World
from bot.simulator.contracts import contract
from bot.simulator.exchange import DepthModel
from bot.simulator.keeper import Keeper, flat_path
from bot.simulator.process import VenueAccount, VenueProcessConfig, running_venue
from bot.simulator.recorded_exchange import RecordedExchange
from bot.simulator.terms import MarketTick, OrderRequest
from tests.fakes.embedded import BTC, ETH, EmbeddedVenue, embedded_venue
from tests.venue.embedded.client import client, soon, until

START_NS = 1_790_000_000 * NS_PER_S


class HandClock(SystemClock):
    """A clock that stands until it is told to go on."""

    def __init__(self) -> None:
        self.at_ns = START_NS

    def now_ns(self) -> int:
        return self.at_ns

    def monotonic_ns(self) -> int:
        return self.at_ns


def falling(after_ns: int) -> Iterator[MarketTick]:
    """A path of 2 % down in a minute of its own time, a tick a second, with volume."""
    for second in range(61):
        at_ns = second * NS_PER_S
        if at_ns >= after_ns:
            price = 80_000.0 * (1 - 0.02 * second / 60)
            yield MarketTick(
                symbol=BTC, event_ns=at_ns, last=price, mark=price, index=price,
                qty=50.0, buy_qty=20.0, funding_frac=0.001, open_interest_qty=100_000.0,
            )  # fmt: skip


class Market:
    """A venue without a wire and without a task, moved by hand; hears every public frame."""

    def __init__(self, path=falling, *, seed: int = 1, speed: float = 1.0) -> None:
        self.clock = HandClock()
        btc = contract(BTC)
        exchange = RecordedExchange([btc], fill_model=DepthModel(seed=seed))
        self.world = World(exchange, [btc], self.clock, keys=[], seed=seed, quota=Quota())
        self.heard: list[tuple[str, dict]] = []
        self.world.hub.publish = lambda stream, _event, frame: self.heard.append((stream, frame))
        self.flow = PublicFlow(self.world)
        self.keeper = Keeper(self.world, self.flow, path, self.clock, speed=speed)
        self.keeper.start()

    def wait(self, seconds: float, *, beats: int = 1) -> None:
        for _ in range(beats):
            self.clock.at_ns += int(seconds * NS_PER_S / beats)
            while self.keeper.beat():
                pass

    def told(self, stream: str) -> list[dict]:
        return [frame for name, frame in self.heard if name == stream]


def story(market: Market) -> Sequence[tuple[str, str, bool]]:
    return [(t["p"], t["q"], t["m"]) for t in market.told("btcusdt@aggTrade")]


def test_the_same_seed_tells_the_same_trades_however_the_beats_fall() -> None:
    one, two = Market(seed=5), Market(seed=5)
    one.wait(30, beats=120)
    two.wait(30, beats=6)
    assert story(one) == story(two)
    assert len(story(one)) == 62


def test_speed_compresses_the_path_and_leaves_the_stamps() -> None:
    slow, fast = Market(speed=1.0), Market(speed=60.0)
    slow.wait(1, beats=4)
    fast.wait(1, beats=4)
    assert slow.world.exchange.market(BTC).last == pytest.approx(80_000 * (1 - 0.02 / 60))
    assert fast.world.exchange.market(BTC).last == pytest.approx(78_400)
    assert fast.keeper.is_at_end
    stamps = [t["T"] for t in fast.told("btcusdt@aggTrade")]
    assert stamps == sorted(stamps)
    assert START_NS // 10**6 <= stamps[0] <= stamps[-1] <= START_NS // 10**6 + 1_000


def test_marks_come_every_second_though_nothing_moves() -> None:
    market = Market(flat_path({BTC: 80_000.0}, 10.0))
    market.wait(5, beats=50)
    marks = market.told("btcusdt@markPrice@1s")
    assert 5 <= len(marks) <= 6
    assert {mark["p"] for mark in marks} == {"80000.00000000"}
    assert all(isinstance(frame, list) for frame in market.told("!markPrice@arr@1s"))


def test_a_move_by_hand_carries_on_in_proportion() -> None:
    market = Market()
    market.wait(10)
    before = market.world.exchange.market(BTC).last
    market.keeper.move(BTC, before * 0.5)
    market.wait(20)
    assert market.world.exchange.market(BTC).last == pytest.approx(80_000 * (1 - 0.02 / 2) * 0.5)


@pytest.mark.parametrize("price", [0.0, -1.0, float("nan"), float("inf"), 1e300])
def test_an_absurd_price_moves_nothing(price: float) -> None:
    market = Market()
    with pytest.raises(ConfigInvalid, match="positive number"):
        market.keeper.move(BTC, price)
    assert market.world.exchange.market(BTC).last == 80_000


def test_a_live_price_from_outside_moves_the_market_and_fills_stops() -> None:
    market = Market(flat_path({BTC: 80_000.0}, 3_600.0))
    exchange = market.world.exchange
    exchange.open_account("a", Decimal(10_000))
    for kind, side, trigger in (("MARKET", "BUY", None), ("STOP_MARKET", "SELL", 79_000)):
        exchange.submit(
            "a",
            OrderRequest(
                symbol=BTC, side=OrderSide(side), kind=OrderKind(kind), qty=Decimal("0.01"),
                client_order_id=kind, reduce_only=side == "SELL",
                trigger_price=Decimal(trigger) if trigger else None,
            ),
        )  # fmt: skip
    live = MarketTick(symbol=BTC, event_ns=7, last=78_990.0, mark=78_995.0, index=79_000.0, qty=3.0)
    market.keeper.feed(live)
    assert exchange.market(BTC).last == 78_990
    assert exchange.market(BTC).event_ns == START_NS
    assert exchange.account("a").positions == ()
    assert market.told("btcusdt@aggTrade")[-1]["p"] == "78990.0"


def test_a_path_without_a_contract_is_one_clear_line() -> None:
    with pytest.raises(ConfigInvalid, match="no price for BTC/USDT:USDT"):
        Market(lambda _after: iter(()))


@pytest.mark.parametrize("speed", [0.0, -1.0, 1e9, float("nan")])
def test_an_absurd_speed_is_refused(speed: float) -> None:
    with pytest.raises(ConfigInvalid, match="speed"):
        Market(speed=speed)


# ------------------------------------------------------------------ forced orders


def test_a_fall_forces_longs_out_and_stays_within_the_volume() -> None:
    market = Market()
    market.wait(61, beats=61)
    forced = [frame["o"] for frame in market.told("!forceOrder@arr")]
    assert forced
    assert {order["S"] for order in forced} == {"SELL"}
    assert all(float(order["z"]) <= 50.0 / 3 + 0.001 for order in forced)
    assert all(float(order["l"]) < float(order["z"]) for order in forced)
    seconds = [frame["E"] // 1_000 for frame in market.told("btcusdt@forceOrder")]
    assert len(seconds) == len(set(seconds))


def test_ground_is_lost_only_at_new_extremes() -> None:
    longs = Ground(1)
    lost = [longs.lost(p) for p in (100.0, 99.5, 99.0, 99.2, 99.0, 98.0, 98.5, 98.0)]
    assert [round(x, 6) for x in lost] == [0, 0, 0.004, 0, 0, 0.01, 0, 0]
    assert longs.lost(99.5) == 0.0
    assert longs.lost(99.0) == 0.0


def test_only_the_largest_of_a_second_is_told() -> None:
    market = Market()
    forced = ForcedOrders(market.world)
    for qty in (1.0, 3.0, 2.0):
        forced.note_own(
            Liquidation(BTC, START_NS, START_NS, "embedded", PositionSide.SHORT, qty, 80_000.0)
        )
    forced.tell()
    told = market.told("!forceOrder@arr")
    assert [(f["o"]["S"], f["o"]["z"], f["o"]["l"]) for f in told] == [("BUY", "3.000", "3.000")]


# ------------------------------------------------------------------ the whole venue


async def test_funding_is_paid_at_the_compressed_interval_and_listed() -> None:
    async with embedded_venue(speed=28_800.0, tick_interval_s=0.1) as venue, client(venue) as ex:
        venue.by_hand(BTC, OrderSide.BUY, "0.05")

        def paid() -> list[Decimal]:
            rows = venue.exchange.income(venue.account_id, 0)
            return [row.amount for row in rows if row.kind == "FUNDING_FEE"]

        await until(lambda: len(paid()) >= 2)
        assert paid()[0] == Decimal("-0.4")
        rows = await ex.fetch_funding_history(BTC)
        assert rows[0]["amount"] == -0.4
        await until(lambda: bool(venue.world.data[BTC].funding))
        rates = await ex.fetch_funding_rate_history(BTC)
        assert rates[-1]["fundingRate"] == 0.0001
        assert (await ex.fetch_funding_rate(BTC))["nextFundingRate"] is None


async def test_a_liquidation_is_called_forced_told_and_listed() -> None:
    async with (
        embedded_venue(wallet_usd="1000") as venue,
        client(venue) as ex,
        aiohttp.ClientSession() as session,
    ):
        await ex.set_leverage(20, BTC)
        await ex.create_order(BTC, "market", "buy", 0.2)
        key = (await ex.fapiPrivatePostListenKey())["listenKey"]
        async with (
            session.ws_connect(f"{venue.ws_url}/private/ws?listenKey={key}") as user,
            session.ws_connect(f"{venue.ws_url}/market/ws/!forceOrder@arr") as public,
        ):
            await until(lambda: venue.world.hub.is_heard("!forceOrder@arr"))
            venue.move(BTC, 75_400.0)
            call = json.loads((await soon(user.receive())).data)
            while call["e"] != "MARGIN_CALL":
                call = json.loads((await soon(user.receive())).data)
            assert call["p"][0]["s"] == "BTCUSDT"
            venue.move(BTC, 75_000.0)
            told = json.loads((await soon(user.receive())).data)
            while told["e"] != "ORDER_TRADE_UPDATE" or told["o"]["x"] != "CALCULATED":
                told = json.loads((await soon(user.receive())).data)
            assert told["o"]["c"].startswith("autoclose-")
            assert told["o"]["o"] == "LIQUIDATION"
            forced = json.loads((await soon(public.receive())).data)
            assert (forced["o"]["s"], forced["o"]["S"]) == ("BTCUSDT", "SELL")
        mine = await ex.fetch_my_liquidations(BTC)
        assert mine[0]["info"]["clientOrderId"].startswith("autoclose-")


async def test_every_contract_asked_for_has_its_price() -> None:
    async with embedded_venue(symbols=(ETH,), prices={ETH: 3_000.0}) as venue:
        assert venue.exchange.market(ETH).mark == 3_000


async def test_a_closed_venue_owes_no_funding_for_the_time_it_was_closed(tmp_path: Path) -> None:
    file = tmp_path / "venue.bin"
    clock = HandClock()
    async with embedded_venue(state_file=file, clock=clock) as venue:
        venue.by_hand(BTC, OrderSide.BUY, "0.05")
        wallet = venue.exchange.account(venue.account_id).wallet_usd
    clock.at_ns += 10 * 86_400 * NS_PER_S
    async with embedded_venue(state_file=file, clock=clock) as venue:
        venue.world.advance()
        assert venue.exchange.account(venue.account_id).wallet_usd == wallet
        assert venue.exchange.market(BTC).next_funding_ns > clock.at_ns


async def test_each_key_has_the_account_it_was_made_for() -> None:
    accounts = {"one": "1000", "two": "2000"}
    config = VenueProcessConfig(
        instruments=[contract(BTC)],
        path=flat_path({BTC: 80_000.0}, 0.05),
        accounts=[
            VenueAccount(account_id=name, wallet_usd=Decimal(usd)) for name, usd in accounts.items()
        ],
        keys=[ApiKey(key=f"k-{name}", secret="s", account_id=name) for name in accounts],
    )
    async with running_venue(config, SystemClock()) as running:
        venue = EmbeddedVenue(running, "k-one", "s", "one", None)
        async with client(venue) as one, client(venue, apiKey="k-two", secret="s") as two:
            heard = asyncio.ensure_future(two.watch_orders())
            await until(lambda: any(c.account_id == "two" for c in running.world.hub.clients))
            await one.create_order(BTC, "market", "buy", 0.01, None, {"clientOrderId": "mine"})
            assert (await one.fetch_balance())["USDT"]["total"] < 1_000
            assert (await two.fetch_balance())["USDT"]["total"] == 2_000
            assert await two.fetch_positions([BTC]) == []
            await two.create_order(BTC, "market", "sell", 0.01, None, {"clientOrderId": "yours"})
            assert {o["clientOrderId"] for o in await soon(heard)} == {"yours"}


def test_a_key_without_an_account_is_one_clear_line() -> None:
    config = VenueProcessConfig(
        instruments=[contract(BTC)],
        path=flat_path({BTC: 80_000.0}, 0.05),
        accounts=[],
        keys=[ApiKey(key="k", secret="s", account_id="ghost")],
    )

    async def run() -> None:
        async with running_venue(config, SystemClock()):
            pass

    with pytest.raises(ConfigInvalid, match="ghost"):
        asyncio.run(run())
