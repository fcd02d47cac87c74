"""Closed forms of the liquidation price against bisection, over random positions."""

from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.domain.account import MarginMode
from bot.domain.orders import OrderKind, OrderSide, PositionSide
from bot.simulator.contracts import CONTRACTS
from bot.simulator.exchange import BarModel, Exchange, MarketTick, OrderRequest
from bot.simulator.margin import Brackets, joint_price, single_price

BRACKETS = [Brackets(c) for c in CONTRACTS]
positive = st.decimals("0.001", "9000", places=3)
prices = st.decimals("1", "120000", places=2)


def gap(
    brackets: Brackets, legs: list[tuple[int, Decimal, Decimal]], cushion: Decimal, price: Decimal
) -> Decimal:
    """Return equity minus maintenance margin at `price`."""
    equity = cushion + sum(s * q * (price - e) for s, q, e in legs)
    return equity - sum(brackets.maintenance_usd(q * price) for _, q, _ in legs)


def bisect(
    brackets: Brackets, legs: list[tuple[int, Decimal, Decimal]], cushion: Decimal,
    good: Decimal, bad: Decimal,
) -> Decimal:  # fmt: skip
    for _ in range(200):
        middle = (good + bad) / 2
        if gap(brackets, legs, cushion, middle) > 0:
            good = middle
        else:
            bad = middle
    return good


@given(st.sampled_from(BRACKETS), st.sampled_from([1, -1]), positive, prices, st.integers(1, 50))
def test_the_closed_form_is_the_root_of_equity_minus_maintenance(
    brackets: Brackets, sign: int, qty: Decimal, entry: Decimal, leverage: int
) -> None:
    cushion = qty * entry / leverage
    legs = [(sign, qty, entry)]
    assume(gap(brackets, legs, cushion, entry) > 0)
    price = single_price(brackets, sign, qty, entry, cushion)
    far = Decimal("1e-9") if sign > 0 else entry * 50
    if price is None:
        assert sign > 0
        assert gap(brackets, legs, cushion, far) >= 0
        return
    assert (entry - price) * sign > 0
    root = bisect(brackets, legs, cushion, entry, far)
    assert abs(price / root - 1) < Decimal("1e-15")


@given(st.sampled_from(BRACKETS), positive, prices, st.integers(1, 50))
def test_every_short_has_a_liquidation_price(
    brackets: Brackets, qty: Decimal, entry: Decimal, leverage: int
) -> None:
    assert single_price(brackets, -1, qty, entry, qty * entry / leverage) is not None


@given(
    st.sampled_from(BRACKETS),
    st.lists(st.tuples(st.sampled_from([1, -1]), positive, prices), min_size=1, max_size=2),
    st.decimals("1", "1000000", places=2),
    prices,
)
def test_the_joint_price_is_a_root_and_none_lies_nearer(
    brackets: Brackets, legs: list[tuple[int, Decimal, Decimal]], cushion: Decimal, mark: Decimal
) -> None:
    assume(gap(brackets, legs, cushion, mark) > 0)
    price = joint_price(brackets, legs, cushion, mark)
    if price is None:
        for place in (Decimal("1e-6"), mark * 100):
            assert gap(brackets, legs, cushion, place) >= -Decimal("1e-6")
        return
    scale = sum(q * price for _, q, _ in legs) + cushion
    assert abs(gap(brackets, legs, cushion, price)) < scale * Decimal("1e-15")
    for share in range(1, 20):
        between = mark + (price - mark) * share / 20
        assert gap(brackets, legs, cushion, between) >= -scale * Decimal("1e-15")


@given(st.sampled_from(BRACKETS), st.floats(0.0, 5e9))
def test_the_fast_maintenance_is_the_exact_one(brackets: Brackets, notional: float) -> None:
    exact = float(brackets.maintenance_usd(Decimal(repr(notional))))
    assert brackets.maintenance_near(notional) == pytest.approx(exact, rel=1e-9, abs=1e-6)


@given(
    st.sampled_from(list(MarginMode)),
    st.sampled_from(list(OrderSide)),
    st.integers(1, 2_000),
    st.integers(2, 20),
)
def test_the_stated_price_is_where_liquidation_begins(
    mode: MarginMode, side: OrderSide, lots: int, leverage: int
) -> None:
    symbol, account = "BTC/USDT:USDT", "me"
    exchange = Exchange(CONTRACTS, fill_model=BarModel())
    qty = lots * Decimal("0.010")
    exchange.open_account(account, qty * 80_000 / leverage * 2 + 1_000)
    exchange.set_leverage(account, symbol, leverage)
    if mode is MarginMode.ISOLATED:
        exchange.set_margin_mode(account, symbol, mode)

    def move(price: float) -> None:
        exchange.apply(MarketTick(symbol=symbol, event_ns=1, last=price, mark=price, index=price))

    move(80_000.0)
    exchange.submit(
        account,
        OrderRequest(symbol=symbol, side=side, kind=OrderKind.MARKET, qty=qty, client_order_id="a"),
    )
    held = PositionSide.LONG if side is OrderSide.BUY else PositionSide.SHORT
    price = exchange.liquidation_price(account, symbol, held)
    if price is None:
        move(0.5)
        assert exchange.liquidations == 0
        return
    move(float(price) * (1.0 + held.sign * 1e-7))
    assert exchange.liquidations == 0
    move(float(price) * (1.0 - held.sign * 1e-7))
    assert exchange.liquidations > 0
