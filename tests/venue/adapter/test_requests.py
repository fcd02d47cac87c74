"""Requests to the embedded venue through the real ccxt client."""

from collections.abc import AsyncIterator
from decimal import Decimal
from itertools import pairwise

import aiohttp
import pytest

from bot.app.clock import SystemClock
from bot.domain.account import MarginMode
from bot.domain.errors import (
    OutcomeUnknown,
    VenueDataInvalid,
    VenueRefused,
    VenueThrottled,
    VenueUnreachable,
)
from bot.domain.messages import OrderRefused
from bot.domain.orders import OrderKind, OrderSide, OrderStatus, PositionSide, TimeInForce
from bot.domain.units import NS_PER_H, NS_PER_S
from bot.runtime.outcomes import submit
from bot.runtime.parts import Options
from bot.simulator.faults import FaultKind
from bot.venue.caller import ACT_QUEUE_S, GRACE_S
from bot.venue.open import VenueRoom, open_room
from bot.venue.room import VenueConfig
from tests.fakes.embedded import BTC, ETH, READ_KEY, READ_SECRET, EmbeddedVenue, embedded_venue
from tests.venue.adapter.scene import MidMinute, config_of, entry, opened, stop


@pytest.fixture
async def venue() -> AsyncIterator[EmbeddedVenue]:
    async with embedded_venue() as running:
        yield running


@pytest.fixture
async def room(venue: EmbeddedVenue) -> AsyncIterator[VenueRoom]:
    async with opened(venue) as made:
        yield made


async def test_contracts_come_with_filters_fees_and_tiers(room: VenueRoom) -> None:
    btc, eth = await room.venue.instruments((BTC, ETH))
    assert (btc.symbol, btc.venue_id, eth.symbol) == (BTC, "BTCUSDT", ETH)
    assert (btc.tick, btc.lot, btc.notional_min_usd) == (Decimal("0.1"), Decimal("0.001"), 100)
    assert 0.0 < btc.maker_fee_frac < btc.taker_fee_frac < 0.01
    assert btc.tiers[0].floor_usd == 0.0
    assert len(btc.tiers) > 5


async def test_a_contract_the_venue_does_not_have_is_refused(room: VenueRoom) -> None:
    with pytest.raises(VenueRefused) as caught:
        await room.venue.instruments((BTC, "NOSUCH/USDT:USDT"))
    assert "NOSUCHUSDT" in str(caught.value)


async def test_entry_and_stop_are_seen_in_one_reading_of_the_account(room: VenueRoom) -> None:
    filled = await room.venue.submit(entry())
    assert (filled.status, filled.filled_qty) == (OrderStatus.FILLED, Decimal("0.05"))
    placed = await room.guard.submit(stop())
    assert placed.status is OrderStatus.WORKING
    for who in (room.venue, room.guard):
        account = await who.account()
        (leg,) = account.positions
        assert (leg.symbol, leg.side, leg.qty) == (BTC, PositionSide.LONG, Decimal("0.05"))
        assert leg.leverage is not None
        assert account.margin_modes[BTC] is MarginMode.CROSS
        (order,) = account.orders
        assert order.client_order_id == "bw00000001-2-0"
        assert order.kind is OrderKind.STOP_MARKET
        assert order.trigger_price == Decimal(70000)
        assert order.reduce_only


async def test_a_look_every_second_asks_for_busy_books_only(
    venue: EmbeddedVenue, room: VenueRoom
) -> None:
    await room.guard.account()
    await room.venue.submit(entry())
    seen = len(venue.log)
    resting = entry("bw00000001-7-0", symbol=ETH, kind=OrderKind.LIMIT, qty=Decimal(1),
                    price=Decimal("2000.00"))  # fmt: skip
    await room.venue.submit(resting)
    account = await room.guard.account()
    assert [order.client_order_id for order in account.orders] == ["bw00000001-7-0"]
    asked = [s.params.get("symbol", "") for s in list(venue.log)[seen:] if "open" in s.path]
    assert sorted(asked) == ["BTCUSDT", "BTCUSDT", "ETHUSDT", "ETHUSDT"]


async def test_orders_live_and_are_cancelled_in_their_own_book(room: VenueRoom) -> None:
    await room.venue.submit(entry())
    await room.venue.submit(stop())
    assert await room.venue.order(BTC, "bw00000001-2-0", conditional=False) is None
    found = await room.venue.order(BTC, "bw00000001-2-0", conditional=True)
    assert found is not None
    assert found.status is OrderStatus.WORKING
    with pytest.raises(VenueRefused) as caught:
        await room.venue.cancel(BTC, "bw00000001-2-0", conditional=False, protecting=False)
    assert caught.value.code == "-2011"
    await room.venue.cancel(BTC, "bw00000001-2-0", conditional=True, protecting=False)
    gone = await room.venue.order(BTC, "bw00000001-2-0", conditional=True)
    assert gone is not None
    assert gone.status is OrderStatus.CANCELLED
    with pytest.raises(VenueRefused) as caught:
        await room.venue.cancel(BTC, "bw00000001-2-0", conditional=True, protecting=True)
    assert caught.value.code == "-2011"


async def test_client_ids_go_out_as_they_are(venue: EmbeddedVenue, room: VenueRoom) -> None:
    await room.venue.submit(entry("bw01234567-9999-12"))
    await room.venue.submit(stop("bw01234567-c77"))
    (plain,) = venue.requests("/fapi/v1/order", "POST")
    (algo,) = venue.requests("/fapi/v1/algoOrder", "POST")
    assert plain.params["newClientOrderId"] == "bw01234567-9999-12"
    assert algo.params["clientAlgoId"] == "bw01234567-c77"
    assert algo.params["workingType"] == "MARK_PRICE"


async def test_sending_twice_answers_with_the_first(room: VenueRoom) -> None:
    first = await room.venue.submit(entry())
    again = await room.venue.submit(entry())
    assert again.venue_order_id == first.venue_order_id
    placed = await room.venue.submit(stop())
    assert (await room.guard.submit(stop())).venue_order_id == placed.venue_order_id
    (leg,) = (await room.venue.account()).positions
    assert leg.qty == Decimal("0.05")


async def test_a_fired_stop_is_told_with_what_it_filled(
    venue: EmbeddedVenue, room: VenueRoom
) -> None:
    await room.venue.submit(entry())
    await room.venue.submit(stop())
    venue.move(BTC, 69_000.0)
    fired = await room.venue.order(BTC, "bw00000001-2-0", conditional=True)
    assert fired is not None
    assert (fired.status, fired.filled_qty) == (OrderStatus.FILLED, Decimal("0.05"))
    assert fired.average_price is not None
    assert (await room.venue.account()).positions == ()


async def test_a_closing_stop_is_taken_without_quantity(
    venue: EmbeddedVenue, room: VenueRoom
) -> None:
    await room.venue.submit(entry())
    placed = await room.guard.submit(stop(close_position=True, qty=Decimal(0)))
    assert placed.close_position
    venue.move(BTC, 69_000.0)
    assert (await room.venue.account()).positions == ()


async def test_a_stop_beyond_the_price_is_refused_by_its_code(room: VenueRoom) -> None:
    await room.venue.submit(entry())
    with pytest.raises(VenueRefused) as caught:
        await room.guard.submit(stop(trigger_price=Decimal("90000.0")))
    assert caught.value.code == "-2021"


async def test_limit_orders_rest_and_post_only_ones_do_not_cross(room: VenueRoom) -> None:
    limit = entry(kind=OrderKind.LIMIT, price=Decimal("75000.0"), time_in_force=TimeInForce.GTX)
    resting = await room.venue.submit(limit)
    assert (resting.status, resting.price) == (OrderStatus.WORKING, Decimal(75000))
    await room.venue.cancel(BTC, limit.client_order_id, conditional=False, protecting=False)
    gone = await room.venue.order(BTC, limit.client_order_id, conditional=False)
    assert gone is not None
    assert gone.status is OrderStatus.CANCELLED


async def test_hedge_mode_is_seen_and_served() -> None:
    async with embedded_venue(hedge_mode=True) as venue, opened(venue) as room:
        assert (await room.venue.account()).hedge_mode
        await room.venue.submit(entry(hedged=True))
        placed = await room.guard.submit(stop(hedged=True))
        assert placed.position_side is PositionSide.LONG
        assert placed.reduce_only
        account = await room.guard.account()
        (leg,) = account.positions
        assert leg.hedged
        short = entry("bw00000001-5-0", side=OrderSide.SELL, position_side=PositionSide.SHORT,
                      hedged=True)  # fmt: skip
        await room.venue.submit(short)
        sides = {leg.side for leg in (await room.venue.account()).positions}
        assert sides == set(PositionSide)


async def test_leverage_and_isolated_margin_are_set(venue: EmbeddedVenue, room: VenueRoom) -> None:
    await room.venue.set_leverage(BTC, 7)
    venue.exchange.set_margin_mode(venue.account_id, BTC, MarginMode.ISOLATED)
    await room.venue.submit(entry())
    (before,) = (await room.venue.account()).positions
    assert (before.leverage, before.margin_mode) == (7, MarginMode.ISOLATED)
    assert before.isolated_margin_usd is not None
    await room.guard.add_margin(BTC, PositionSide.LONG, Decimal("25.5"))
    (after,) = (await room.venue.account()).positions
    assert after.isolated_margin_usd == before.isolated_margin_usd + Decimal("25.5")


async def test_history_is_closed_bars_in_order(room: VenueRoom) -> None:
    now_ns = SystemClock().now_ns()
    bars = await room.venue.candles(BTC, 3600, now_ns - 48 * NS_PER_H, 100)
    assert 46 <= len(bars) <= 48
    steps = {b.event_ns - a.event_ns for a, b in pairwise(bars)}
    assert steps == {NS_PER_H}
    assert bars[-1].event_ns <= now_ns
    assert all(bar.history and bar.timeframe_s == 3600 for bar in bars)
    short = await room.venue.candles(BTC, 3600, now_ns - 48 * NS_PER_H, 5)
    assert short == () or [b.event_ns for b in short] == [b.event_ns for b in bars[:5]]
    with pytest.raises(VenueRefused):
        await room.venue.candles(BTC, 61, now_ns, 5)


async def test_the_ledger_is_the_same_however_often_it_is_read(room: VenueRoom) -> None:
    since_ns = SystemClock().now_ns() - 60 * NS_PER_S
    await room.venue.submit(entry())
    first = await room.venue.income(since_ns)
    assert {row.kind for row in first} >= {"COMMISSION"}
    assert await room.guard.income(since_ns) == first
    assert len({(row.income_id, row.kind, row.symbol) for row in first}) == len(first)


async def test_open_interest_and_clock_are_read(room: VenueRoom) -> None:
    assert (await room.venue.open_interest(BTC)).qty > 0.0
    assert abs(await room.venue.clock_skew_ns()) < 5 * NS_PER_S


async def test_a_wrong_clock_is_measured_and_the_request_sent_again(
    venue: EmbeddedVenue, room: VenueRoom
) -> None:
    venue.faults.add(FaultKind.SKEW_CLOCK, offset_ms=20_000)
    filled = await room.venue.submit(entry())
    assert filled.status is OrderStatus.FILLED
    assert len(venue.requests("/fapi/v1/order", "POST")) == 2
    assert len(venue.requests("/fapi/v1/time")) == 1
    await room.guard.account()
    assert len(venue.requests("/fapi/v1/time")) == 1, (
        "the guard knows what the venue client learned"
    )


@pytest.mark.parametrize("offset_ms", [-900, 900])
async def test_a_reading_of_the_account_is_told_in_the_venue_s_time(
    venue: EmbeddedVenue, room: VenueRoom, offset_ms: int
) -> None:
    venue.faults.add(FaultKind.SKEW_CLOCK, offset_ms=offset_ms)
    before_ns = SystemClock().now_ns()
    account = await room.guard.account()
    after_ns = SystemClock().now_ns()
    slack_ns = (after_ns - before_ns) + 2 * 10**6  # a measurement is half a way right, in ms
    told_ns = account.event_ns - offset_ms * 10**6
    assert before_ns - slack_ns <= told_ns <= after_ns + slack_ns


@pytest.mark.parametrize("kind", [FaultKind.LOSE_ACK, FaultKind.LOSE_REQUEST])
@pytest.mark.parametrize("path", ["/fapi/v1/order", "/fapi/v1/algoOrder"])
async def test_a_lost_answer_is_unknown_until_asked(
    venue: EmbeddedVenue, room: VenueRoom, kind: FaultKind, path: str
) -> None:
    conditional = path.endswith("algoOrder")
    await room.venue.submit(entry("bw00000001-0-0"))
    venue.faults.add(kind, method="POST", path=path, times=1)
    order = stop() if conditional else entry()
    with pytest.raises(OutcomeUnknown):
        await room.venue.submit(order)
    state = await room.venue.order(BTC, order.client_order_id, conditional=conditional)
    assert (state is not None) is (kind is FaultKind.LOSE_ACK)
    assert len(venue.requests(path, "POST")) == (1 if conditional else 2), "never re-sent blind"


async def test_a_venue_that_is_slow_is_unknown_and_a_reading_unreachable(
    venue: EmbeddedVenue,
) -> None:
    async with opened(venue, request_timeout_s=0.3) as room:
        venue.faults.add(FaultKind.DELAY, path="/fapi/v1/order", delay_s=30.0)
        with pytest.raises(OutcomeUnknown):
            await room.venue.submit(entry())
        with pytest.raises(VenueUnreachable):
            await room.venue.order(BTC, "x", conditional=False)


@pytest.mark.parametrize(
    ("status", "code"), [(503, -1000), (400, -1007), (503, -1008), (408, -1007), (502, 0)]
)
async def test_a_venue_that_cannot_say_is_unknown(
    venue: EmbeddedVenue, room: VenueRoom, status: int, code: int
) -> None:
    venue.faults.add(FaultKind.REJECT, http_status=status, code=code, message="Unknown error")
    with pytest.raises(OutcomeUnknown):
        await room.venue.submit(entry())
    with pytest.raises(OutcomeUnknown):
        await room.guard.submit(stop())
    with pytest.raises(VenueUnreachable):
        await room.venue.account()


async def test_no_connection_means_nothing_was_done(venue: EmbeddedVenue) -> None:
    config = config_of(venue, base_url="http://127.0.0.1:9")
    room = await open_room(config, SystemClock())
    try:
        with pytest.raises(VenueUnreachable):
            await room.guard.submit(stop())
        with pytest.raises(VenueUnreachable):
            await room.venue.account()
    finally:
        await room.close()


@pytest.mark.parametrize(("status", "banned"), [(418, True), (429, False)])
async def test_no_request_leaves_while_the_venue_wants_silence(
    venue: EmbeddedVenue, room: VenueRoom, status: int, banned: bool
) -> None:
    venue.faults.add(
        FaultKind.REJECT, http_status=status, code=-1003, message="Way too many requests", times=1,
        retry_after_s=60.0,
    )  # fmt: skip
    with pytest.raises(VenueThrottled) as caught:
        await room.venue.account()
    assert caught.value.banned is banned
    seen = len(venue.log)
    for attempt in (
        room.venue.submit(entry()),
        room.guard.submit(stop()),
        room.guard.account(),
        room.venue.candles(BTC, 60, 0, 5),
        room.guard.cancel(BTC, "x", conditional=True, protecting=True),
    ):
        with pytest.raises(VenueThrottled) as silent:
            await attempt
        assert silent.value.retry_after_s > 1.0
    assert len(venue.log) == seen


async def test_too_many_orders_stop_orders_and_not_readings(
    venue: EmbeddedVenue, room: VenueRoom
) -> None:
    venue.faults.add(
        FaultKind.REJECT, path="/fapi/v1/order", code=-1015, message="Too many new orders", times=1
    )
    with pytest.raises(VenueThrottled) as caught:
        await room.venue.submit(entry())
    assert not caught.value.banned
    with pytest.raises(VenueThrottled):
        await room.guard.submit(stop())
    assert (await room.guard.account()).positions == ()


async def test_what_others_spend_at_our_address_counts() -> None:
    clock = MidMinute()
    async with (
        embedded_venue(clock=clock) as venue,
        opened(venue, clock, weight_limit_per_min=200, queue_timeout_s=0.2) as room,
    ):
        async with aiohttp.ClientSession(venue.url) as stranger:
            for _ in range(15):
                url = "/fapi/v1/klines?symbol=BTCUSDT&interval=1m&limit=1500"
                async with stranger.get(url) as answer:
                    assert answer.status == 200
        await room.venue.clock_skew_ns()
        with pytest.raises(VenueUnreachable, match="queue"):
            await room.venue.open_interest(BTC)
        assert await room.guard.order(BTC, "x", conditional=True) is None


async def test_an_order_that_never_left_is_refused_and_not_unknown() -> None:
    """Others ate the weight: the order waits, gives up in time, and nothing was sent."""
    clock = MidMinute()
    async with (
        embedded_venue(clock=clock) as venue,
        opened(venue, clock, weight_limit_per_min=200) as room,
    ):
        async with aiohttp.ClientSession(venue.url) as stranger:
            for _ in range(15):
                url = "/fapi/v1/klines?symbol=BTCUSDT&interval=1m&limit=1500"
                async with stranger.get(url) as answer:
                    assert answer.status == 200
        await room.venue.clock_skew_ns()
        seen = len(venue.log)
        (told,), _ = await submit(room.venue, entry(), clock, Options().write_deadline_s)
        assert isinstance(told, OrderRefused)
        assert "not sent" in told.reason
        assert len(venue.log) == seen


def test_the_wait_and_the_request_fit_into_the_deadline_of_an_order() -> None:
    room = VenueConfig(mode="paper", symbols=())
    longest_s = ACT_QUEUE_S + room.request_timeout_s + GRACE_S
    assert longest_s < Options().write_deadline_s


async def test_a_reading_key_reads_and_never_acts(venue: EmbeddedVenue) -> None:
    keys = {"api_key": READ_KEY, "api_secret": READ_SECRET}
    async with opened(venue, read_only=True, **keys) as room:
        assert (await room.venue.account()).wallet_usd == Decimal(10000)
        seen = len(venue.log)
        for attempt in (
            room.venue.submit(entry()),
            room.guard.submit(stop()),
            room.guard.cancel(BTC, "x", conditional=True, protecting=True),
            room.guard.add_margin(BTC, PositionSide.LONG, Decimal(1)),
            room.venue.set_leverage(BTC, 3),
        ):
            with pytest.raises(VenueRefused) as caught:
                await attempt
            assert caught.value.code == "READ_ONLY"
        assert len(venue.log) == seen


async def test_an_answer_of_the_wrong_shape_is_nonsense(
    venue: EmbeddedVenue, room: VenueRoom
) -> None:
    venue.faults.add(FaultKind.REJECT, path="/fapi/v3/account", http_status=200, code=0, message="")
    with pytest.raises(VenueDataInvalid):
        await room.venue.account()


async def test_without_a_key_only_public_things_are_read(venue: EmbeddedVenue) -> None:
    async with opened(venue, api_key="", api_secret="") as room:
        assert (await room.venue.open_interest(BTC)).qty > 0.0
        for attempt in (room.venue.account(), room.guard.submit(stop())):
            with pytest.raises(VenueRefused) as caught:
                await attempt
            assert caught.value.code == "NO_KEY"


async def test_a_fired_stop_whose_child_is_not_shown_is_asked_for_again(
    venue: EmbeddedVenue, room: VenueRoom
) -> None:
    await room.venue.submit(entry())
    await room.venue.submit(stop())
    venue.move(BTC, 69_000.0)
    venue.faults.add(FaultKind.REJECT, method="GET", path="/fapi/v1/order", code=-2013)
    with pytest.raises(VenueUnreachable):
        await room.venue.order(BTC, "bw00000001-2-0", conditional=True)


@pytest.mark.parametrize("symbol", ["BTC/USDC:USDC", "BTC/USD:BTC", "nonsense"])
async def test_contracts_of_other_margins_are_refused_before_sending(
    venue: EmbeddedVenue, room: VenueRoom, symbol: str
) -> None:
    seen = len(venue.log)
    for attempt in (
        room.venue.submit(entry(symbol=symbol)),
        room.guard.cancel(symbol, "x", conditional=True, protecting=True),
        room.venue.open_interest(symbol),
        room.venue.instruments((symbol,)),
    ):
        with pytest.raises(VenueRefused):
            await attempt
    assert len(venue.log) == seen


async def test_a_closed_room_sends_nothing(venue: EmbeddedVenue) -> None:
    async with opened(venue) as room:
        await room.venue.account()
    seen = len(venue.log)
    with pytest.raises((VenueUnreachable, VenueRefused)):
        await room.guard.submit(stop())
    assert len(venue.log) == seen
