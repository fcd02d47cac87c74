"""The exchange as a Venue without a wire."""

from collections.abc import Sequence
from decimal import Decimal

import pytest

from bot.domain.errors import VenueDataInvalid, VenueRefused
from bot.domain.market import Candle
from bot.domain.messages import Fill
from bot.domain.orders import (
    ApprovedOrder,
    OrderKind,
    OrderSide,
    OrderStatus,
    PositionSide,
    Purpose,
    TimeInForce,
    TriggerBy,
)
from bot.simulator.inprocess import InProcessVenue, to_request
from tests.unit.simulator.exchange_kit import BTC, ME, NS, Desk


class StillClock:
    def now_ns(self) -> int:
        return NS

    def monotonic_ns(self) -> int:
        return NS

    async def sleep_s(self, seconds: float) -> None:
        raise AssertionError("nothing in here waits")


def approved(**more: object) -> ApprovedOrder:
    fields: dict[str, object] = {
        "client_order_id": "bw1-1-0",
        "symbol": BTC,
        "side": OrderSide.BUY,
        "position_side": PositionSide.LONG,
        "kind": OrderKind.MARKET,
        "purpose": Purpose.ENTRY,
        "qty": Decimal("0.1"),
        "price": None,
        "trigger_price": None,
        "trigger_by": TriggerBy.MARK,
        "time_in_force": TimeInForce.GTC,
        "reduce_only": False,
        "close_position": False,
        "hedged": False,
        "reason": "test",
        **more,
    }
    return ApprovedOrder(**fields)  # type: ignore[arg-type]


STOP = {
    "client_order_id": "bw1-2-0",
    "side": OrderSide.SELL,
    "kind": OrderKind.STOP_MARKET,
    "purpose": Purpose.STOP,
    "trigger_price": Decimal(75_000),
    "reduce_only": True,
}


def bars(symbol: str, timeframe_s: int, since_ns: int, limit: int) -> Sequence[Candle]:
    return [
        Candle(symbol, since_ns + i, NS, timeframe_s, 1.0, 1.0, 1.0, 1.0, 1.0, True)
        for i in range(limit)
    ]


def venue_of(desk: Desk) -> InProcessVenue:
    return InProcessVenue(desk.exchange, ME, StillClock(), history=bars)


async def test_entry_stop_and_exit_over_the_port() -> None:
    desk = Desk()
    venue = venue_of(desk)
    venue.events_now()
    assert (await venue.submit(approved())).status is OrderStatus.FILLED
    stop = await venue.submit(approved(**STOP))
    assert stop.status is OrderStatus.WORKING
    account = await venue.account()
    assert account.positions[0].qty == Decimal("0.1")
    assert account.orders == (stop,)
    assert await venue.order(BTC, "bw1-2-0", conditional=True) == stop
    assert await venue.order(BTC, "bw1-2-0", conditional=False) is None
    await venue.cancel(BTC, "bw1-2-0", conditional=True, protecting=True)
    assert (await venue.account()).orders == ()
    assert any(isinstance(e, Fill) for e in venue.events_now())
    assert venue.events_now() == []


async def test_refusals_carry_the_venues_number() -> None:
    venue = venue_of(Desk())
    for order, code in (
        (approved(qty=Decimal(90)), "-2019"),
        (approved(qty=Decimal("0.0001")), "-1111"),
        (approved(**{**STOP, "trigger_price": Decimal(81_000)}), "-2021"),
        (approved(**{**STOP, "kind": OrderKind.MARKET, "purpose": Purpose.CUT}), "-2022"),
    ):
        with pytest.raises(VenueRefused) as refused:
            await venue.submit(order)
        assert refused.value.code == code
    with pytest.raises(VenueRefused) as refused:
        await venue.cancel(BTC, "bw-none", conditional=True, protecting=False)
    assert refused.value.code == "-2011"
    with pytest.raises(VenueRefused):
        await venue.instruments(["XRP/USDT:USDT"])


async def test_settings_margin_and_income() -> None:
    venue = venue_of(Desk())
    await venue.set_leverage(BTC, 7)
    await venue.submit(approved())
    await venue.add_margin(BTC, PositionSide.LONG, Decimal(100))
    (position,) = (await venue.account()).positions
    assert position.leverage == 7
    assert position.isolated_margin_usd == Decimal("1242.85714286")
    rows = await venue.income(0)
    assert [r.kind for r in rows] == ["TRANSFER", "COMMISSION"]
    assert await venue.income(rows[-1].event_ns + 1) == ()


async def test_what_is_not_known_is_not_made_up() -> None:
    desk = Desk()
    venue = venue_of(desk)
    with pytest.raises(VenueDataInvalid, match="open interest"):
        await venue.open_interest(BTC)
    desk.tick(80_000.0, open_interest_qty=91_000.0)
    assert (await venue.open_interest(BTC)).qty == 91_000.0
    assert await venue.clock_skew_ns() == 0
    assert (await venue.key_permissions()).can_withdraw is False
    assert len(await venue.candles(BTC, 60, NS, 3)) == 3
    (contract,) = await venue.instruments([BTC])
    assert contract.tick == Decimal("0.1")
    await venue.close()


def test_hedge_mode_and_close_position_drop_what_must_not_be_sent() -> None:
    plain = to_request(approved(**STOP))
    assert (plain.reduce_only, plain.position_side) == (True, None)
    hedged = to_request(approved(**STOP, hedged=True))
    assert (hedged.reduce_only, hedged.position_side) == (False, PositionSide.LONG)
    closing = to_request(approved(**{**STOP, "close_position": True}))
    assert (closing.qty, closing.reduce_only) == (Decimal(0), False)
    limit = to_request(
        approved(kind=OrderKind.LIMIT, price=Decimal(1), time_in_force=TimeInForce.IOC)
    )
    assert (limit.price, limit.time_in_force) == (Decimal(1), TimeInForce.IOC)
    assert to_request(approved(price=Decimal(1))).price is None


def test_events_of_others_are_not_ours() -> None:
    desk = Desk()
    desk.exchange.open_account("other", Decimal(1_000))
    venue = venue_of(desk)
    venue.events_now()
    desk.exchange.deposit("other", Decimal(5))
    assert venue.events_now() == []
