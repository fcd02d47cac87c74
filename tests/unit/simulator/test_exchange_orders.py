"""Plain orders: filters, margin, matching, reduce-only."""

from decimal import Decimal

import pytest

from bot.domain.messages import Fill, OrderUpdate, PositionUpdate, WalletUpdate
from bot.domain.orders import OrderKind, OrderSide, OrderStatus, PositionSide, TimeInForce
from bot.simulator.exchange import BarModel, DepthModel, ExchangeRefused
from tests.unit.simulator.exchange_kit import BTC, ME, Desk

BUY, SELL = OrderSide.BUY, OrderSide.SELL


def test_a_market_order_fills_pays_and_tells_in_order() -> None:
    desk = Desk()
    desk.events()
    state = desk.buy("0.5")
    assert state.status is OrderStatus.FILLED
    assert state.average_price == Decimal(80000)
    told = desk.events()
    kinds = [type(e) for e in told]
    assert kinds == [OrderUpdate, Fill, OrderUpdate, PositionUpdate, WalletUpdate]
    fill = told[1]
    assert isinstance(fill, Fill)
    assert fill.fee_usd == Decimal("20.00000000")
    assert desk.wallet == Decimal(9980)
    assert all(e.received_ns == e.event_ns for e in told)


@pytest.mark.parametrize(
    ("qty", "more", "code"),
    [
        ("0.0005", {}, -1111),
        ("0", {}, -4003),
        ("-1", {}, -4003),
        ("0.001", {}, -4164),
        ("121", {}, -4005),
        ("0.1", {"kind": OrderKind.LIMIT, "price": Decimal("79000.05")}, -4014),
        ("0.1", {"kind": OrderKind.LIMIT}, -1102),
        ("0.1", {"kind": OrderKind.LIMIT, "price": Decimal(84100)}, -4016),
        ("1001", {"kind": OrderKind.LIMIT, "price": Decimal(79000)}, -4005),
        ("0.1", {"kind": OrderKind.STOP_MARKET}, -1102),
        ("0.1", {"client_order_id": ""}, -4015),
        ("0.1", {"client_order_id": "x" * 37}, -4015),
        ("0.1", {"position_side": PositionSide.LONG}, -4061),
        ("0.1", {"close_position": True}, -4136),
        ("0.1", {"reduce_only": True}, -2022),
        ("2", {}, -2019),
        ("40", {}, -2019),
    ],
)
def test_bad_orders_are_refused_with_binances_code(
    qty: str, more: dict[str, object], code: int
) -> None:
    desk = Desk()
    before = desk.exchange.to_bytes()
    assert desk.refusal(BUY, qty, **more) == code
    assert desk.exchange.to_bytes() == before


def test_a_sell_limit_far_below_the_mark_is_refused() -> None:
    desk = Desk()
    assert desk.refusal(SELL, "0.1", kind=OrderKind.LIMIT, price=Decimal(75900)) == -4024


def test_a_market_order_is_refused_when_last_ran_from_mark_but_escape_is_not() -> None:
    desk = Desk()
    desk.buy("0.1")
    desk.tick(80_000.0, mark=86_000.0)
    assert desk.refusal(BUY, "0.1") == -4131
    assert desk.sell("0.1", reduce_only=True).status is OrderStatus.FILLED


def test_the_minimum_notional_does_not_bind_reduce_only() -> None:
    desk = Desk()
    desk.buy("0.1")
    assert desk.sell("0.001", reduce_only=True).status is OrderStatus.FILLED


def test_a_client_id_is_used_once_for_ever() -> None:
    desk = Desk()
    desk.buy("0.1", client_order_id="bw-same")
    assert desk.refusal(BUY, "0.1", client_order_id="bw-same") == -4116


def test_the_position_may_not_outgrow_its_leverage() -> None:
    desk = Desk(wallet="100000000", leverage=100)
    assert desk.refusal(BUY, "11") == -2027


def test_unknown_symbols_and_accounts_are_refused() -> None:
    desk = Desk()
    assert desk.refusal(BUY, "1", symbol="XRP/USDT:USDT") == -1121
    with pytest.raises(ExchangeRefused) as refused:
        desk.exchange.account("nobody")
    assert refused.value.code == -2015


def test_a_resting_limit_fills_at_its_own_price_as_maker() -> None:
    desk = Desk()
    order = desk.limit(BUY, "0.1", "79000")
    assert order.status is OrderStatus.WORKING
    desk.walk(79_000.1)
    assert desk.state(order).status is OrderStatus.WORKING
    desk.events()
    desk.walk(78_500.0)
    (fill,) = desk.fills()
    assert (fill.price, fill.is_maker) == (Decimal(79000), True)
    assert fill.fee_usd == Decimal("1.58000000")


def test_a_touch_fills_only_what_was_traded() -> None:
    desk = Desk()
    order = desk.limit(BUY, "0.1", "79000")
    desk.tick(79_000.0, qty=0.0305)
    assert desk.state(order).filled_qty == Decimal("0.030")
    assert desk.state(order).status is OrderStatus.WORKING


def test_ioc_fok_and_post_only() -> None:
    desk = Desk(wallet="10000000", model=DepthModel(depth_usd_per_bp=100_000.0, seed=3))
    near = "80010"
    ioc = desk.limit(BUY, "20", near, time_in_force=TimeInForce.IOC)
    assert ioc.status is OrderStatus.EXPIRED
    assert Decimal(0) < ioc.filled_qty < Decimal(20)
    assert desk.qty() == ioc.filled_qty
    fok = desk.limit(BUY, "20", near, time_in_force=TimeInForce.FOK)
    assert (fok.status, fok.filled_qty) == (OrderStatus.EXPIRED, Decimal(0))
    assert desk.refusal(
        BUY, "1", kind=OrderKind.LIMIT, price=Decimal(80100), time_in_force=TimeInForce.GTX
    ) == -5022  # fmt: skip
    gtx = desk.limit(BUY, "1", "79900", time_in_force=TimeInForce.GTX)
    assert gtx.status is OrderStatus.WORKING


def test_a_limit_into_thin_depth_fills_partly_and_rests() -> None:
    desk = Desk(wallet="10000000", model=DepthModel(depth_usd_per_bp=100_000.0))
    order = desk.limit(BUY, "20", "80010")
    assert order.status is OrderStatus.WORKING
    assert Decimal(0) < order.filled_qty < Decimal(20)
    desk.walk(79_000.0)
    assert desk.state(order).status is OrderStatus.FILLED
    assert desk.qty() == Decimal(20)


def test_open_orders_bind_margin() -> None:
    desk = Desk()
    desk.limit(BUY, "1", "79000")
    assert desk.refusal(BUY, "0.5") == -2019
    desk.exchange.cancel_all(ME, BTC, conditional=False)
    assert desk.buy("0.5").status is OrderStatus.FILLED


def test_reduce_only_is_clamped_and_never_flips() -> None:
    desk = Desk()
    desk.buy("0.3")
    assert desk.refusal(BUY, "0.1", reduce_only=True) == -2022
    state = desk.sell("1", reduce_only=True)
    assert (state.status, state.filled_qty) == (OrderStatus.FILLED, Decimal("0.3"))
    assert desk.exchange.account(ME).positions == ()


def test_a_resting_reduce_only_order_ends_with_its_position() -> None:
    desk = Desk()
    desk.buy("0.3")
    resting = desk.limit(SELL, "0.3", "82000", reduce_only=True)
    desk.sell("0.3")
    assert desk.state(resting).status is OrderStatus.EXPIRED
    assert desk.exchange.open_orders(ME, None, conditional=False) == []


def test_two_resting_reduce_only_orders_together_do_not_flip() -> None:
    desk = Desk()
    desk.buy("0.3")
    desk.limit(SELL, "0.3", "81000", reduce_only=True)
    desk.limit(SELL, "0.2", "81500", reduce_only=True)
    desk.walk(82_000.0)
    assert desk.exchange.account(ME).positions == ()


def test_a_plain_order_flips_in_one_way_mode() -> None:
    desk = Desk()
    desk.buy("0.3")
    desk.sell("0.5")
    assert desk.qty() == 0
    assert desk.qty(PositionSide.SHORT) == Decimal("0.2")


def test_hedge_mode_keeps_both_legs() -> None:
    desk = Desk(hedge=True)
    long_side = {"position_side": PositionSide.LONG}
    short_side = {"position_side": PositionSide.SHORT}
    desk.buy("0.3", **long_side)
    desk.sell("0.2", **short_side)
    assert (desk.qty(), desk.qty(PositionSide.SHORT)) == (Decimal("0.3"), Decimal("0.2"))
    assert desk.refusal(SELL, "0.3", reduce_only=True, **long_side) == -1106
    assert desk.refusal(SELL, "0.1") == -4061
    assert desk.refusal(SELL, "0.4", **long_side) == -2022
    desk.sell("0.3", **long_side)
    assert (desk.qty(), desk.qty(PositionSide.SHORT)) == (Decimal(0), Decimal("0.2"))
    (short,) = desk.exchange.account(ME).positions
    assert short.hedged


def test_cancel_knows_only_open_orders_of_the_right_book() -> None:
    desk = Desk()
    order = desk.limit(BUY, "0.1", "79000")
    client = order.client_order_id
    with pytest.raises(ExchangeRefused) as refused:
        desk.exchange.cancel(ME, BTC, client_order_id=client, conditional=True)
    assert refused.value.code == -2011
    done = desk.exchange.cancel(ME, BTC, client_order_id=client, conditional=False)
    assert done.status is OrderStatus.CANCELLED
    with pytest.raises(ExchangeRefused):
        desk.exchange.cancel(ME, BTC, client_order_id=client, conditional=False)
    assert desk.exchange.order(ME, BTC, client_order_id="bw-none", conditional=False) is None
    assert [o.status for o in desk.exchange.all_orders(ME, BTC, conditional=False)] == [
        OrderStatus.CANCELLED
    ]


def test_the_book_shown_is_the_book_met() -> None:
    desk = Desk(wallet="10000000", model=DepthModel(seed=5))
    bids, asks = desk.exchange.depth(BTC, 20)
    assert len(bids) == len(asks) == 20
    assert bids == sorted(bids, reverse=True)
    assert asks == sorted(asks)
    assert bids[0][0] < 80_000.0 < asks[0][0]
    desk.events()
    desk.buy("5")
    met = [(float(f.price), float(f.qty)) for f in desk.fills()]
    assert met[0] == asks[0]
    assert [price for price, _ in met] == [price for price, _ in asks[: len(met)]]


def test_at_most_200_orders_rest() -> None:
    desk = Desk(wallet="1000000")
    for _ in range(200):
        desk.limit(BUY, "0.002", "79000")
    assert desk.refusal(BUY, "0.1") == -2025


def test_an_order_meets_the_depth_once_not_again_with_each_request() -> None:
    desk = Desk(wallet="10000000", model=DepthModel(depth_usd_per_bp=100_000.0))
    ioc = desk.limit(BUY, "20", "80010", time_in_force=TimeInForce.IOC)
    resting = desk.limit(BUY, "20", "80010")
    assert resting.filled_qty == ioc.filled_qty
    desk.buy("0.1")
    assert desk.state(resting).filled_qty == resting.filled_qty


def test_the_fee_must_be_affordable_too() -> None:
    assert Desk(wallet="8083").refusal(BUY, "1") == -2019
    assert Desk(wallet="8085").buy("1").status is OrderStatus.FILLED


@pytest.mark.parametrize(
    ("life", "limit", "filled"),
    [
        (TimeInForce.IOC, "80050", "0.1"),
        (TimeInForce.IOC, "80030", "0"),
        (TimeInForce.FOK, "80030", "0"),
        (TimeInForce.GTC, "80030", "0.1"),
    ],
)
def test_an_immediate_order_is_not_given_its_limit_as_a_present(
    life: TimeInForce, limit: str, filled: str
) -> None:
    """The market slips 5 bp, to 80,040: what may pay less gets nothing, unless it may rest."""
    desk = Desk(model=BarModel(slip_calm_bps=5.0))
    order = desk.limit(BUY, "0.1", limit, time_in_force=life)
    assert order.filled_qty == Decimal(filled)
    assert order.status.is_live is False
