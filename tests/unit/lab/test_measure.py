"""Equity, cover and tallies, from events alone."""

from decimal import Decimal

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.account import MarginMode, PositionState
from bot.domain.messages import Fill, WalletUpdate
from bot.domain.orders import OrderKind, OrderSide, OrderState, OrderStatus, PositionSide
from bot.domain.units import NS_PER_MS, NS_PER_S
from bot.lab.measure import CoverMeter, EquityMeter, Tally, is_covered

BTC = "BTC/USDT:USDT"
D = Decimal
LONG = PositionState(
    symbol=BTC, side=PositionSide.LONG, qty=D(2), entry_price=D(100),
    margin_mode=MarginMode.ISOLATED, event_ns=0,
)  # fmt: skip
STOP = OrderState(
    client_order_id="bw-1", venue_order_id="1", symbol=BTC, side=OrderSide.SELL,
    kind=OrderKind.STOP_MARKET, status=OrderStatus.WORKING, qty=D(2), filled_qty=D(0),
    reduce_only=True, close_position=False, event_ns=0, trigger_price=D(90),
)  # fmt: skip
but = msgspec.structs.replace


def fill(side: OrderSide, qty: str, pnl: str = "0", fee: str = "0", **more: object) -> Fill:
    values: dict = {
        "symbol": BTC, "trade_id": "t", "client_order_id": "c", "venue_order_id": "v",
        "side": side, "position_side": None, "qty": D(qty), "price": D(100), "fee_usd": D(fee),
        "realized_pnl_usd": D(pnl), "is_maker": False, "event_ns": 0, "received_ns": 0,
    }  # fmt: skip
    return Fill(**(values | more))


def test_drawdown_is_from_the_running_peak_and_positive() -> None:
    meter = EquityMeter(D(1000))
    meter.on_position(LONG)
    for mark in (150.0, 50.0, 400.0, 300.0):
        meter.marks[BTC] = mark
        meter.measure(0)
    assert meter.equity_usd() == 1400.0
    assert meter.peak_usd == 1600.0
    assert meter.max_drawdown_frac == 1.0 - 900.0 / 1100.0


@given(st.lists(st.floats(1.0, 1e6), min_size=1, max_size=40))
def test_drawdown_equals_its_definition(marks: list[float]) -> None:
    meter = EquityMeter(D(10_000_000))
    meter.on_position(LONG)
    curve = [10_000_000.0]
    for mark in marks:
        meter.marks[BTC] = mark
        curve.append(meter.measure(0))
    worst = max(1.0 - v / max(curve[: i + 1]) for i, v in enumerate(curve))
    assert abs(meter.max_drawdown_frac - worst) < 1e-12


def test_a_flat_leg_no_longer_moves_equity() -> None:
    meter = EquityMeter(D(1000))
    meter.on_position(LONG)
    assert meter.holding
    meter.on_position(but(LONG, qty=D(0)))
    meter.marks[BTC] = 1.0
    assert not meter.holding
    assert meter.equity_usd() == 1000.0


def test_only_a_full_working_stop_of_the_right_side_covers() -> None:
    assert is_covered(LONG, [STOP])
    assert is_covered(LONG, [but(STOP, qty=D(1)), but(STOP, qty=D(1))])
    assert is_covered(LONG, [but(STOP, qty=D(0), close_position=True)])
    for wrong in (
        but(STOP, qty=D(1)),
        but(STOP, side=OrderSide.BUY),
        but(STOP, symbol="ETH/USDT:USDT"),
        but(STOP, status=OrderStatus.PENDING),
        but(STOP, status=OrderStatus.CANCELLED),
        but(STOP, reduce_only=False),
        but(STOP, kind=OrderKind.TAKE_PROFIT_MARKET),
        but(STOP, position_side=PositionSide.SHORT),
        but(STOP, filled_qty=D(1)),
    ):
        assert not is_covered(LONG, [wrong]), wrong


def test_time_without_a_stop_counts_beyond_the_latency() -> None:
    meter = CoverMeter(80 * NS_PER_MS)
    meter.look(0, [LONG], [])
    meter.look(80 * NS_PER_MS, [LONG], [STOP])
    assert meter.longest_s == 0.0
    meter.look(NS_PER_S, [LONG], [])
    meter.look(2 * NS_PER_S, [LONG], [])
    meter.look(4 * NS_PER_S, [LONG], [STOP])
    assert meter.longest_s == 3.0 - 0.08
    meter.look(5 * NS_PER_S, [LONG], [])
    meter.close(15 * NS_PER_S)
    assert meter.longest_s == 10.0 - 0.08


def test_closing_ends_the_time_without_a_stop() -> None:
    meter = CoverMeter(0)
    meter.look(0, [LONG], [])
    meter.look(NS_PER_S, [], [])
    meter.close(100 * NS_PER_S)
    assert meter.longest_s == 1.0


def test_a_round_trip_is_won_after_fees_and_funding() -> None:
    tally = Tally()
    tally.on_fill(fill(OrderSide.BUY, "2", fee="1"))
    tally.on_wallet(WalletUpdate(0, 0, D(0), D("-3"), "FUNDING_FEE"))
    tally.on_fill(fill(OrderSide.SELL, "1", pnl="4", fee="0.5"))
    assert (tally.trades, tally.wins) == (0, 0)
    tally.on_fill(fill(OrderSide.SELL, "1", pnl="0.4"))
    assert (tally.trades, tally.wins) == (1, 0)
    tally.on_fill(fill(OrderSide.SELL, "1"))
    tally.on_fill(fill(OrderSide.BUY, "1", pnl="0.1"))
    assert (tally.trades, tally.wins) == (2, 1)
    assert tally.fees_usd == D("1.5")
    assert tally.funding_usd == D("-3")


def test_a_forced_order_counts_once_however_many_fills_it_takes() -> None:
    tally = Tally()
    tally.on_fill(fill(OrderSide.BUY, "3"))
    first = tally.on_fill(fill(OrderSide.SELL, "1", is_liquidation=True, venue_order_id="a"))
    again = tally.on_fill(fill(OrderSide.SELL, "1", is_liquidation=True, venue_order_id="a"))
    other = tally.on_fill(fill(OrderSide.SELL, "1", is_liquidation=True, venue_order_id="b"))
    assert (first, again, other) == (True, False, True)
    assert len(tally.liquidated) == 2


def test_turning_round_ends_one_trip_and_begins_another() -> None:
    tally = Tally()
    tally.on_fill(fill(OrderSide.BUY, "1"))
    tally.on_fill(fill(OrderSide.SELL, "3", pnl="5"))
    assert (tally.trades, tally.wins) == (1, 1)
