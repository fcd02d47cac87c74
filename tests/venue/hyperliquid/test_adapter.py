"""One account driven through the port, over real ccxt, against the embedded Hyperliquid."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from bot.app.clock import SystemClock
from bot.domain.account import MarginMode
from bot.domain.errors import (
    ConfigInvalid,
    OutcomeUnknown,
    VenueRefused,
    VenueThrottled,
    VenueUnreachable,
)
from bot.domain.market import BookTop, FeedStatus, FundingRate, MarkPrice, OpenInterest, TradeBucket
from bot.domain.messages import Fill, OrderUpdate, PositionUpdate, WalletUpdate
from bot.domain.orders import (
    OrderKind,
    OrderSide,
    OrderStatus,
    PositionSide,
    TimeInForce,
    TriggerBy,
)
from bot.simulator.faults import FaultKind
from bot.simulator.terms import OrderRequest
from bot.venue.open import VenueConfig, VenueRoom, open_room
from tests.fakes.embedded import AGENT, BTC, ETH, WALLET, EmbeddedVenue, embedded_venue
from tests.venue.adapter.scene import entry, listening, stop


@pytest.fixture
async def venue() -> AsyncIterator[EmbeddedVenue]:
    async with embedded_venue(protocol="hyperliquid") as running:
        yield running


@asynccontextmanager
async def opened(venue: EmbeddedVenue, **changes: object) -> AsyncIterator[VenueRoom]:
    fields: dict[str, object] = {
        "mode": "paper",
        "exchange": "hyperliquid",
        "symbols": (BTC, ETH),
        "api_key": venue.api_key,
        "api_secret": venue.secret,
        "base_url": venue.url,
    }
    room = await open_room(VenueConfig(**{**fields, **changes}), SystemClock())
    try:
        yield room
    finally:
        await room.close()


def live(event: FeedStatus) -> bool:
    return event.stream == "user" and event.live


async def test_entry_stop_and_cancel(venue: EmbeddedVenue) -> None:
    async with opened(venue) as room:
        bought = await room.venue.submit(entry())
        assert (bought.status, bought.filled_qty) == (OrderStatus.FILLED, Decimal("0.05"))
        resting = await room.guard.submit(stop())
        assert resting.status is OrderStatus.WORKING
        account = await room.guard.account()
        (held,), (shown,) = account.positions, account.orders
        assert (held.side, held.qty, held.leverage) == (PositionSide.LONG, Decimal("0.05"), 20)
        assert held.margin_mode is MarginMode.CROSS
        assert (shown.client_order_id, shown.kind) == ("bw00000001-2-0", OrderKind.STOP_MARKET)
        assert (shown.trigger_price, shown.trigger_by) == (Decimal(70_000), TriggerBy.MARK)
        assert shown.reduce_only
        assert account.wallet_usd == venue.exchange.wallet_usd(venue.account_id).quantize(
            Decimal("0.000001")
        )
        await room.guard.cancel(BTC, "bw00000001-2-0", conditional=True, protecting=True)
        assert (await room.guard.account()).orders == ()
        ended = await room.venue.order(BTC, "bw00000001-2-0", conditional=True)
        assert ended is not None
        assert ended.status is OrderStatus.CANCELLED
        with pytest.raises(VenueRefused) as refused:
            await room.venue.cancel(BTC, "bw00000001-2-0", conditional=True, protecting=False)
        assert refused.value.code == "-2011"
        assert await room.venue.order(BTC, "bw00000001-9-9", conditional=False) is None


async def test_no_builder_no_referrer_no_approval_ever_leaves(venue: EmbeddedVenue) -> None:
    async with opened(venue) as room:
        await room.venue.instruments((BTC, ETH))
        await room.venue.submit(entry())
        await room.venue.submit(stop())
        await room.venue.key_permissions()
    acts = [seen for seen in venue.log if seen.path.startswith("/exchange")]
    assert {seen.path for seen in acts} == {"/exchange/order", "/exchange/stop"}
    assert all("builder" not in seen.params for seen in acts)


async def test_a_market_order_is_a_limit_that_takes_at_once_within_a_cap(
    venue: EmbeddedVenue,
) -> None:
    async with opened(venue) as room:
        await room.venue.submit(entry())
        await room.venue.submit(
            entry("bw00000001-3-0", side=OrderSide.SELL, reduce_only=True, qty=Decimal("0.02"))
        )
    first, second = (seen.params["orders"] for seen in venue.requests("/exchange/order"))
    assert '"tif":"Ioc"' in first
    assert '"p":"80800"' in first, "an entry reaches one per cent"
    assert '"p":"73600"' in second, "an exit reaches eight"


async def test_every_state_is_told_and_names_our_order(venue: EmbeddedVenue) -> None:
    async with opened(venue) as room, listening(room.user) as heard:
        await heard.until(FeedStatus, live)
        await room.venue.submit(entry())
        await room.guard.submit(stop())
        venue.move(BTC, 69_000.0)
        await heard.until(
            OrderUpdate,
            lambda e: (
                e.order.kind is OrderKind.STOP_MARKET and e.order.status is OrderStatus.FILLED
            ),
        )
        await heard.until(PositionUpdate, lambda e: e.position.qty == 0)
        told = [e.order.status for e in heard.of(OrderUpdate) if e.order.kind.is_conditional]
        assert told == [OrderStatus.WORKING, OrderStatus.TRIGGERING, OrderStatus.FILLED]
        fills = heard.of(Fill)
        assert [fill.client_order_id for fill in fills] == ["bw00000001-1-0", "bw00000001-2-0"]
        assert [fill.side for fill in fills] == [OrderSide.BUY, OrderSide.SELL]
        read = await room.venue.fills(BTC, 0)
        assert [(f.trade_id, f.client_order_id) for f in read] == [
            (f.trade_id, f.client_order_id) for f in fills
        ]
        wallet = (await room.venue.account()).wallet_usd
        assert heard.of(WalletUpdate)[-1].wallet_usd == wallet


async def test_a_position_of_another_hand_is_seen(venue: EmbeddedVenue) -> None:
    async with opened(venue) as room, listening(room.user) as heard:
        await heard.until(FeedStatus, live)
        venue.by_hand(BTC, OrderSide.SELL, "0.03")
        fill = await heard.until(Fill, lambda _: True)
        assert fill.client_order_id.startswith("oid-")
        told = await heard.until(PositionUpdate, lambda e: e.position.qty > 0)
        assert (told.position.side, told.position.qty) == (PositionSide.SHORT, Decimal("0.03"))
        assert (await room.venue.account()).positions[0].qty == Decimal("0.03")


async def test_an_order_of_another_hand_is_shown_and_can_be_cancelled(venue: EmbeddedVenue) -> None:
    async with opened(venue) as room:
        contract = venue.world.instrument("BTC").symbol
        venue.by_hand(BTC, OrderSide.BUY, "0.05")
        venue.exchange.submit(
            venue.account_id,
            OrderRequest(
                symbol=contract, side=OrderSide.BUY, kind=OrderKind.LIMIT, qty=Decimal("0.01"),
                price=Decimal(70_000), client_order_id="hand-1", time_in_force=TimeInForce.GTC,
            ),
        )  # fmt: skip
        venue.world.settle()
        (shown,) = (await room.venue.account()).orders
        assert shown.client_order_id == f"oid-{shown.venue_order_id}"
        await room.venue.cancel(BTC, shown.client_order_id, conditional=False, protecting=False)
        assert (await room.venue.account()).orders == ()


async def test_own_liquidation_and_deleveraging_are_seen_as_such() -> None:
    async with (
        embedded_venue(protocol="hyperliquid", wallet_usd="1000") as venue,
        opened(venue) as room,
        listening(room.user) as heard,
    ):
        await heard.until(FeedStatus, live)
        await room.venue.submit(entry(qty=Decimal("0.05")))
        venue.exchange.adl(
            venue.account_id, BTC, PositionSide.LONG, Decimal("0.01"), Decimal(80_000)
        )
        venue.world.settle()
        cut = await heard.until(Fill, lambda fill: fill.is_adl)
        assert (cut.qty, cut.is_liquidation) == (Decimal("0.01"), False)
        venue.move(BTC, 55_000.0)
        forced = await heard.until(Fill, lambda fill: fill.is_liquidation)
        assert forced.side is OrderSide.SELL
        read = await room.venue.fills(BTC, 0)
        assert any(fill.is_liquidation for fill in read)
        assert any(fill.is_adl for fill in read)


async def test_a_stop_that_vanished_is_missed_at_the_next_look(venue: EmbeddedVenue) -> None:
    async with opened(venue) as room:
        await room.venue.submit(entry())
        await room.venue.submit(stop())
        for _ in range(2):
            assert len((await room.guard.account()).orders) == 1
        whole = len(venue.requests("/info/frontendOpenOrders"))
        assert len((await room.guard.account()).orders) == 1
        assert len(venue.requests("/info/frontendOpenOrders")) == whole, "known orders weigh less"
        venue.world.vanish_conditionals(BTC)
        assert (await room.guard.account()).orders == ()


async def test_a_lost_answer_is_unknown_and_found_by_its_id(venue: EmbeddedVenue) -> None:
    async with opened(venue) as room:
        venue.faults.add(FaultKind.LOSE_ACK, path="/exchange/order", times=1)
        with pytest.raises(OutcomeUnknown):
            await room.venue.submit(entry())
        found = await room.venue.order(BTC, "bw00000001-1-0", conditional=False)
        assert found is not None
        assert found.status is OrderStatus.FILLED
        again = await room.venue.submit(entry())
        assert again.venue_order_id == found.venue_order_id, "sent twice, done once"
        assert (await room.venue.account()).positions[0].qty == Decimal("0.05")
        venue.faults.add(FaultKind.LOSE_REQUEST, path="/info/*", times=1)
        with pytest.raises(VenueUnreachable):
            await room.venue.order(BTC, "bw00000001-1-0", conditional=False)


@pytest.mark.parametrize(
    ("order", "code"),
    [
        (entry(hedged=True), "HEDGE_UNSUPPORTED"),
        (entry("a-name-that-does-not-fit"), "CLIENT_ID"),
        (entry(symbol="XRP/USDT:USDT"), "-1121"),
        (entry(symbol="BTC/USDC:USDC"), "-1121"),
        (stop(trigger_by=TriggerBy.LAST), "TRIGGER_UNSUPPORTED"),
        (entry(kind=OrderKind.LIMIT, price=Decimal(70_000), time_in_force=TimeInForce.FOK),
         "LIFE_UNSUPPORTED"),
        (entry(kind=OrderKind.LIMIT), "NO_PRICE"),
        (stop(trigger_price=None), "NO_TRIGGER"),
        (entry(qty=Decimal("0.0001")), "-4164"),
        (entry(qty=Decimal(20)), "-2019"),
        (entry(reduce_only=True, side=OrderSide.SELL), "-2022"),
        (stop(), "-2022"),
        (stop(reduce_only=False, side=OrderSide.BUY, trigger_price=Decimal(70_000)), "-2021"),
    ],
)  # fmt: skip
async def test_what_is_refused(venue: EmbeddedVenue, order: object, code: str) -> None:
    async with opened(venue) as room:
        with pytest.raises(VenueRefused) as refused:
            await room.venue.submit(order)
        assert refused.value.code == code
        account = await room.venue.account()
        assert (account.positions, account.orders) == ((), ())


async def test_a_stop_that_takes_all_names_the_position(venue: EmbeddedVenue) -> None:
    async with opened(venue) as room:
        await room.venue.submit(entry())
        sent = await room.venue.submit(stop(close_position=True, qty=Decimal(0)))
        assert sent.status is OrderStatus.WORKING
        (shown,) = (await room.venue.account()).orders
        assert (shown.close_position, shown.qty) == (True, Decimal(0))
        venue.move(BTC, 69_000.0)
        assert (await room.venue.account()).positions == ()


async def test_an_agents_or_a_strange_address_is_no_empty_account(venue: EmbeddedVenue) -> None:
    agent = "0x19e7e376e7c213b7e7e7e46cc70a5dd086daff2a"
    async with opened(venue, api_key=agent) as room:
        with pytest.raises(VenueRefused, match="the account's own address"):
            await room.venue.account()
    async with opened(venue, api_key="0x" + "cd" * 20) as room:
        with pytest.raises(VenueRefused, match="role 'missing'"):
            await room.venue.account()


async def test_what_the_key_may_do(venue: EmbeddedVenue) -> None:
    async with opened(venue) as room:
        rights = await room.venue.key_permissions()
        assert (rights.can_trade, rights.can_withdraw, rights.can_transfer) == (True, False, False)
    async with opened(venue, api_secret="0x" + "22" * 32) as room:
        assert (await room.venue.key_permissions()).can_trade is False
        with pytest.raises(VenueRefused) as refused:
            await room.venue.submit(entry())
        assert refused.value.code == "AGENT_UNKNOWN"
        assert "2222" not in str(refused.value)


async def test_a_key_that_is_none_is_refused_at_once(venue: EmbeddedVenue) -> None:
    for key, secret in (("key", AGENT), (WALLET, "secret"), (WALLET, "")):
        with pytest.raises(ConfigInvalid) as refused:
            async with opened(venue, api_key=key, api_secret=secret):
                pass
        assert AGENT not in str(refused.value)


async def test_main_and_guard_share_one_run_of_nonces(venue: EmbeddedVenue) -> None:
    async with opened(venue) as room:
        orders = [
            entry(f"bw00000001-{n}-0", kind=OrderKind.LIMIT, price=Decimal(70_000 + n))
            for n in range(1, 13)
        ]
        doors = [room.venue, room.guard]
        states = await asyncio.gather(
            *(doors[n % 2].submit(order) for n, order in enumerate(orders))
        )
        assert {state.status for state in states} == {OrderStatus.WORKING}
        assert len((await room.venue.account()).orders) == 12


async def test_a_clock_apart_is_measured_and_the_action_sent_again(venue: EmbeddedVenue) -> None:
    async with opened(venue) as room:
        venue.faults.add(FaultKind.SKEW_CLOCK, offset_ms=3 * 86_400_000)
        bought = await room.venue.submit(entry())
        assert bought.status is OrderStatus.FILLED
        assert await room.venue.clock_skew_ns() > 2 * 86_400 * 10**9


async def test_too_many_requests_mean_silence(venue: EmbeddedVenue) -> None:
    async with opened(venue) as room:
        venue.faults.add(FaultKind.BAN, path="/info/*", retry_after_s=30.0, times=1)
        with pytest.raises(VenueThrottled):
            await room.venue.account()
        asked = len(venue.log)
        with pytest.raises(VenueThrottled):
            await room.guard.account()
        assert len(venue.log) == asked


async def test_leverage_keeps_the_margin_mode(venue: EmbeddedVenue) -> None:
    async with opened(venue) as room:
        venue.exchange.set_margin_mode(venue.account_id, BTC, MarginMode.ISOLATED)
        await room.venue.set_leverage(BTC, 5)
        account = await room.venue.account()
        assert account.margin_modes[BTC] is MarginMode.ISOLATED
        assert account.margin_modes[ETH] is MarginMode.CROSS
        assert account.leverages[BTC] == 5
        await room.venue.submit(entry())
        (held,) = (await room.venue.account()).positions
        before = held.isolated_margin_usd
        await room.venue.add_margin(BTC, PositionSide.LONG, Decimal("100.5"))
        (held,) = (await room.venue.account()).positions
        assert held.isolated_margin_usd is not None
        assert before is not None
        assert held.isolated_margin_usd - before == Decimal("100.5")


async def test_the_market_is_heard(venue: EmbeddedVenue) -> None:
    async with opened(venue) as room, listening(room.public) as heard:
        await heard.until(TradeBucket, lambda e: e.symbol == BTC)
        top = await heard.until(BookTop, lambda e: e.symbol == BTC)
        assert top.bid < 80_000.0 < top.ask or top.bid <= 80_000.0 <= top.ask
        mark = await heard.until(MarkPrice, lambda e: e.symbol == ETH)
        assert mark.mark == 2_500.0
        funding = await heard.until(FundingRate, lambda e: e.symbol == BTC)
        assert (funding.interval_s, funding.settled) == (3_600, False)
        interest = await heard.until(OpenInterest, lambda e: e.symbol == BTC)
        assert interest.qty == pytest.approx(12_500.0)
        health = room.public.health()
        assert health.live
        assert health.liquidations.startswith("not offered")


async def test_funding_is_told_with_its_cause(venue: EmbeddedVenue) -> None:
    async with opened(venue) as room, listening(room.user) as heard:
        await heard.until(FeedStatus, live)
        await room.venue.submit(entry())
        await heard.until(PositionUpdate, lambda e: e.position.qty > 0)
        venue.exchange.advance(venue.exchange.market(BTC).next_funding_ns)
        venue.world.settle()
        told = await heard.until(WalletUpdate, lambda e: e.cause == "FUNDING_FEE")
        assert told.change_usd == Decimal("-0.05")
        paid = [row for row in await room.venue.income(0) if row.kind == "FUNDING_FEE"]
        assert [row.amount for row in paid] == [Decimal("-0.05")]


async def test_a_line_that_breaks_comes_back_and_asks_for_a_reading(venue: EmbeddedVenue) -> None:
    async with opened(venue) as room, listening(room.user) as heard:
        await heard.until(FeedStatus, live)
        venue.world.hub.close_matching(0, "orderUpdates:*")
        await heard.until(FeedStatus, lambda e: e.stream == "user" and not e.live)
        broken = len(heard.events)
        await heard.until(FeedStatus, live, since=broken)
        assert room.user.connections == 2
        await room.venue.submit(entry())
        await heard.until(Fill, lambda fill: fill.client_order_id == "bw00000001-1-0")
