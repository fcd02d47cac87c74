"""The venue contract: what must hold on every exchange, whatever its words. One function each.

A scenario that an exchange cannot have stands in LACKS with the reason; every other cell of the
table in docs/venues.md is run by test_contract.py.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest

from bot.domain.account import MarginMode
from bot.domain.errors import OutcomeUnknown, VenueRefused, VenueThrottled
from bot.domain.market import FeedStatus
from bot.domain.messages import Fill, OrderUpdate, PositionUpdate, WalletUpdate
from bot.domain.orders import (
    OrderKind,
    OrderSide,
    OrderStatus,
    PositionSide,
    Purpose,
    TimeInForce,
    TriggerBy,
)
from bot.domain.units import NS_PER_MS, NS_PER_S
from bot.simulator.faults import FaultKind
from tests.fakes.embedded import BTC
from tests.venue.adapter.scene import opened
from tests.venue.contract.stage import Stage, until

ENTRY, STOP = "bw00000001-1-0", "bw00000001-2-0"
QTY = Decimal("0.05")


@dataclass(frozen=True)
class Scenario:
    """One row of the table."""

    name: str
    says: str
    run: Callable[[Stage], Awaitable[None]]
    venue: dict[str, Any] = field(default_factory=dict)


SCENARIOS: list[Scenario] = []
LACKS: dict[tuple[str, str], str] = {
    ("hyperliquid", "hedge mode"): "none there: one position a contract",
    ("okx", "leverage and margin mode"): "no mode of a contract: it goes with each order",
}
"""(exchange, scenario) -> why it cannot be there."""


def scenario(says: str, **venue: Any) -> Callable[[Callable[[Stage], Awaitable[None]]], Any]:
    def add(run: Callable[[Stage], Awaitable[None]]) -> Callable[[Stage], Awaitable[None]]:
        SCENARIOS.append(Scenario(run.__name__.replace("_", " "), says, run, venue))
        return run

    return add


@scenario("a filled entry, its stop seen in the account by mark and reduce-only")
async def entry_with_stop(stage: Stage) -> None:
    await stage.enter()
    await stage.protect()
    account = await stage.account()
    (leg,), (stop,) = account.positions, account.orders
    assert (leg.symbol, leg.side, leg.qty, leg.hedged) == (BTC, PositionSide.LONG, QTY, False)
    assert leg.margin_mode is MarginMode.CROSS
    assert leg.venue_liq_price is None or leg.venue_liq_price > 0
    assert (stop.client_order_id, stop.kind, stop.status) == (
        STOP, OrderKind.STOP_MARKET, OrderStatus.WORKING,
    )  # fmt: skip
    assert (stop.trigger_price, stop.trigger_by, stop.reduce_only) == (70_000, TriggerBy.MARK, True)
    fill = await stage.heard.until(Fill, lambda event: event.client_order_id == ENTRY)
    assert (fill.side, fill.is_liquidation, fill.is_adl) == (OrderSide.BUY, False, False)
    assert fill.fee_usd > 0
    await stage.heard.until(OrderUpdate, lambda event: event.order.client_order_id == STOP)
    await stage.heard.until(PositionUpdate, lambda event: event.position.qty == QTY)
    told = await stage.heard.until(WalletUpdate, lambda event: event.cause == "ORDER")
    assert told.wallet_usd == account.wallet_usd < 10_000


@scenario("a limit order that fills in part works on, and its rest can be cancelled",
          tick_interval_s=30.0)  # fmt: skip
async def partial_fill(stage: Stage) -> None:
    asked = Decimal(2)
    await stage.enter(qty=asked, kind=OrderKind.LIMIT, price=Decimal(80_001))
    state = await stage.becomes(ENTRY, lambda order: order.filled_qty > 0)
    assert (state.status, state.qty) == (OrderStatus.WORKING, asked)
    assert state.filled_qty < asked
    await stage.room.venue.cancel(BTC, ENTRY, conditional=False, protecting=False)
    ended = await stage.becomes(ENTRY, lambda order: not order.status.is_live)
    assert ended.status is OrderStatus.CANCELLED
    account = await stage.account()
    assert account.orders == ()
    assert [leg.qty for leg in account.positions] == [ended.filled_qty]
    fills = [fill for fill in stage.heard.of(Fill) if fill.client_order_id == ENTRY]
    assert sum(fill.qty for fill in fills) == ended.filled_qty


@scenario("the mark reaches the trigger: flat, the stop tells what it filled")
async def stop_triggers(stage: Stage) -> None:
    await stage.enter()
    await stage.protect(trigger_price=Decimal(79_000))
    stage.venue.move(BTC, 78_900.0)
    fill = await stage.heard.until(Fill, lambda event: event.client_order_id == STOP)
    assert (fill.side, fill.qty) == (OrderSide.SELL, QTY)
    assert fill.realized_pnl_usd < 0
    state = await stage.becomes(STOP, lambda order: order.status is OrderStatus.FILLED)
    assert (state.filled_qty, state.kind) == (QTY, OrderKind.STOP_MARKET)
    account = await stage.account()
    assert (account.positions, account.orders) == ((), ())
    told = await stage.heard.until(
        OrderUpdate, lambda e: e.order.client_order_id == STOP and not e.order.status.is_live
    )
    assert told.order.filled_qty == QTY
    await stage.heard.until(PositionUpdate, lambda event: event.position.qty == 0)


@scenario("a stop that would fire at once is a certain no, by the house's word for it")
async def stop_rejected(stage: Stage) -> None:
    await stage.enter()
    with pytest.raises(VenueRefused) as no:
        await stage.protect(trigger_price=Decimal(81_000))
    assert no.value.code == "-2021"
    assert (await stage.account()).orders == ()
    assert await stage.room.guard.order(BTC, STOP, conditional=True) is None


@scenario("an order that may only reduce never turns a position, and is refused when flat")
async def reduce_only(stage: Stage) -> None:
    reducing = {
        "side": OrderSide.SELL, "reduce_only": True, "purpose": Purpose.CUT,
    }  # fmt: skip
    with pytest.raises(VenueRefused) as no:
        await stage.enter("bw00000001-7-0", **reducing)
    assert no.value.code == "-2022"
    await stage.enter()
    await stage.enter("bw00000001-8-0", qty=QTY * 3, **reducing)
    await stage.becomes("bw00000001-8-0", lambda order: not order.status.is_live)
    assert (await stage.account()).positions == ()


@scenario("long and short at once, each with its own stop; closing one leaves the other",
          hedge_mode=True)  # fmt: skip
async def hedge_mode(stage: Stage) -> None:
    await stage.enter(hedged=True)
    short = {"side": OrderSide.SELL, "position_side": PositionSide.SHORT, "hedged": True}
    await stage.enter("bw00000001-3-0", **short)
    await stage.protect(hedged=True)
    await stage.protect(
        "bw00000002-2-0", hedged=True, side=OrderSide.BUY, position_side=PositionSide.SHORT,
        trigger_price=Decimal(90_000), close_position=True, qty=Decimal(0),
    )  # fmt: skip
    account = await stage.account()
    assert account.hedge_mode
    assert {(leg.side, leg.qty, leg.hedged) for leg in account.positions} == {
        (side, QTY, True) for side in PositionSide
    }
    assert {(order.position_side, order.reduce_only) for order in account.orders} == {
        (side, True) for side in PositionSide
    }
    stage.venue.move(BTC, 69_000.0)
    await stage.heard.until(Fill, lambda event: event.client_order_id == STOP)
    (left,) = (await stage.account()).positions
    assert left.side is PositionSide.SHORT


@scenario("leverage and margin mode are read as set; margin can be added to a walled leg")
async def leverage_and_margin_mode(stage: Stage) -> None:
    for _ in range(2):  # that it is so already is no refusal
        await stage.room.venue.set_leverage(BTC, 7)
    for symbol in stage.venue.world.by_symbol:
        stage.venue.exchange.set_margin_mode("main", symbol, MarginMode.ISOLATED)
    async with opened(stage.venue, exchange=stage.exchange) as fresh:
        await stage.enter()
        account = await fresh.guard.account()
        assert account.leverages[BTC] == 7
        assert account.margin_modes[BTC] is MarginMode.ISOLATED
        (before,) = account.positions
        await fresh.guard.add_margin(BTC, PositionSide.LONG, Decimal(25))
        (after,) = (await fresh.guard.account()).positions
        assert before.isolated_margin_usd is not None
        assert after.isolated_margin_usd is not None
        assert after.isolated_margin_usd - before.isolated_margin_usd == 25


@scenario("plain and conditional orders are both seen, asked for and cancelled")
async def both_books(stage: Stage) -> None:
    limit = "bw00000001-4-0"
    await stage.enter()
    await stage.protect()
    await stage.enter(
        limit, kind=OrderKind.LIMIT, price=Decimal(79_000), time_in_force=TimeInForce.GTX
    )
    account = await stage.account()
    assert {(order.client_order_id, order.kind) for order in account.orders} == {
        (limit, OrderKind.LIMIT),
        (STOP, OrderKind.STOP_MARKET),
    }
    for name, conditional in ((limit, False), (STOP, True)):
        asked = await stage.room.guard.order(BTC, name, conditional=conditional)
        assert asked is not None
        assert asked.status is OrderStatus.WORKING
        await stage.room.guard.cancel(BTC, name, conditional=conditional, protecting=True)
        with pytest.raises(VenueRefused) as no:
            await stage.room.guard.cancel(BTC, name, conditional=conditional, protecting=True)
        assert no.value.code in ("-2011", "-2013")
    assert (await stage.account()).orders == ()
    assert await stage.room.guard.order(BTC, "bw00000001-5-0", conditional=False) is None


@scenario("an id that went out twice is one order, whoever sends it again")
async def duplicate_id(stage: Stage) -> None:
    first = await stage.enter()
    again = await stage.enter()
    async with opened(stage.venue, exchange=stage.exchange) as restarted:
        late = await restarted.venue.submit(stage.another())
    assert first.venue_order_id == again.venue_order_id == late.venue_order_id
    assert [leg.qty for leg in (await stage.account()).positions] == [QTY]


@scenario("an acknowledgement is lost: the outcome is unknown, asking tells it, nothing doubles")
async def lost_acknowledgement(stage: Stage) -> None:
    stage.venue.faults.add(FaultKind.LOSE_ACK, path=stage.fault_path("order"), times=1)
    with pytest.raises(OutcomeUnknown):
        await stage.enter()
    known = await stage.becomes(ENTRY, lambda order: order.status is OrderStatus.FILLED)
    assert known.filled_qty == QTY
    await stage.enter()
    assert [leg.qty for leg in (await stage.account()).positions] == [QTY]


@scenario("the private stream was away: it says so, and what was missed can be read back")
async def reconcile_after_silence(stage: Stage) -> None:
    since_ns = stage.room.venue_now_ns() - NS_PER_S
    heard = len(stage.heard.events)
    stage.venue.faults.add(FaultKind.FREEZE, stream="user")
    stage.venue.by_hand(BTC, OrderSide.BUY, "0.030", client_order_id="by-hand")
    stage.venue.faults.clear()
    stage.venue.world.hub.close_matching(1001)
    down = await stage.heard.until(
        FeedStatus, lambda event: event.stream == "user" and not event.live, since=heard
    )
    back = await stage.heard.until(
        FeedStatus, lambda event: event.stream == "user" and event.live,
        since=stage.heard.events.index(down),
    )  # fmt: skip
    assert back.event_ns >= down.event_ns
    assert [leg.qty for leg in (await stage.account()).positions] == [Decimal("0.03")]
    (missed,) = await stage.room.venue.fills(BTC, since_ns)
    assert (missed.side, missed.qty) == (OrderSide.BUY, Decimal("0.03"))
    assert not [fill for fill in stage.heard.of(Fill) if fill.trade_id == missed.trade_id]


@scenario("funding is told as such on the stream, and stands in the ledger")
async def funding(stage: Stage) -> None:
    await stage.enter()
    await stage.heard.until(WalletUpdate, lambda event: event.cause == "ORDER")
    stage.venue.exchange.set_funding_interval(BTC, 1)
    paid = await stage.heard.until(WalletUpdate, lambda event: event.cause == "FUNDING_FEE")
    stage.venue.exchange.set_funding_interval(BTC, 28_800)
    assert paid.change_usd is not None
    assert paid.change_usd < 0
    booked = await stage.room.venue.income(paid.event_ns - 10 * NS_PER_S)
    assert paid.change_usd in [row.amount for row in booked if row.kind == "FUNDING_FEE"]


@scenario("our own liquidation is seen as such on the stream and read back as such")
async def liquidation(stage: Stage) -> None:
    since_ns = stage.room.venue_now_ns() - NS_PER_S
    stage.venue.exchange.set_leverage("main", BTC, 40)
    await stage.enter(qty=Decimal(4))
    stage.venue.move(BTC, 77_000.0)
    told = await stage.heard.until(Fill, lambda event: event.is_liquidation)
    assert not told.is_adl
    await stage.heard.until(PositionUpdate, lambda event: event.position.qty == 0)
    assert (await stage.account()).positions == ()
    read = await stage.room.venue.fills(BTC, since_ns)
    assert any(fill.is_liquidation for fill in read)


@scenario("de-leveraging is told from liquidation, on the stream and read back")
async def adl(stage: Stage) -> None:
    since_ns = stage.room.venue_now_ns() - NS_PER_S
    await stage.enter()
    stage.venue.exchange.adl("main", BTC, PositionSide.LONG, Decimal("0.02"), Decimal(80_000))
    stage.venue.world.settle()
    told = await stage.heard.until(Fill, lambda event: event.is_adl)
    assert (told.qty, told.is_liquidation) == (Decimal("0.02"), False)
    read = await stage.room.venue.fills(BTC, since_ns)
    assert [fill.qty for fill in read if fill.is_adl] == [Decimal("0.02")]


@scenario("a banned address falls silent: nothing more is sent until the ban is over")
async def rate_limit_ban(stage: Stage) -> None:
    await stage.account()
    stage.venue.faults.add(
        FaultKind.BAN, path=stage.fault_path("account"), times=1, retry_after_s=120.0
    )
    with pytest.raises(VenueThrottled) as ban:
        await stage.account()
    assert ban.value.retry_after_s >= 1.0
    seen = len(stage.venue.log)
    with pytest.raises(VenueThrottled, match="not sent"):
        await stage.enter()
    assert len(stage.venue.log) == seen


@scenario("the venue's clock is apart: measured, then signed with, at the first refusal")
async def clock_skew(stage: Stage) -> None:
    await stage.account()
    stage.venue.faults.add(FaultKind.SKEW_CLOCK, offset_ms=30_000)
    await stage.enter()
    skew_ns = await stage.room.venue.clock_skew_ns()
    assert abs(skew_ns - 30_000 * NS_PER_MS) < 2 * NS_PER_S
    assert [leg.qty for leg in (await stage.account()).positions] == [QTY]


__all__ = ["LACKS", "SCENARIOS", "Scenario", "until"]
