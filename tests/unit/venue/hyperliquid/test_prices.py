"""Prices fit the venue's grid and are rounded in the direction that does no harm."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.orders import OrderSide
from bot.venue.hyperliquid import prices

PRICE = st.decimals("0.0001", "2000000", allow_nan=False, allow_infinity=False, places=9)
DECIMALS = st.integers(0, 5)
SIDE = st.sampled_from(OrderSide)


def is_good(price: Decimal, size_decimals: int) -> bool:
    """The venue's rule, said apart from the code that follows it."""
    if price == price.to_integral_value():
        return True
    text = format(price.normalize(), "f")
    whole, _, part = text.partition(".")
    significant = (whole + part).lstrip("0")
    return len(significant) <= 5 and len(part) <= 6 - size_decimals


@given(PRICE, DECIMALS, SIDE)
def test_every_price_we_send_is_one_the_venue_takes(
    price: Decimal, decimals: int, side: OrderSide
) -> None:
    for sent in (
        prices.toward_market(price, decimals, side),
        prices.passive(price, decimals, side),
        prices.reach(price, decimals, side, prices.EXIT_REACH_FRAC),
    ):
        assert is_good(sent, decimals), sent


@given(PRICE, DECIMALS)
def test_a_stop_is_rounded_so_that_it_goes_off_sooner(price: Decimal, decimals: int) -> None:
    assert prices.toward_market(price, decimals, OrderSide.SELL) >= price
    assert prices.toward_market(price, decimals, OrderSide.BUY) <= price


@given(PRICE, DECIMALS)
def test_a_limit_is_never_worse_than_wished(price: Decimal, decimals: int) -> None:
    assert prices.passive(price, decimals, OrderSide.BUY) <= price
    assert prices.passive(price, decimals, OrderSide.SELL) >= price


@given(st.decimals("1", "500000", places=2), DECIMALS, SIDE)
def test_a_market_order_reaches_no_further_than_its_cap(
    price: Decimal, decimals: int, side: OrderSide
) -> None:
    step = prices.step_at(price * 2, decimals)
    for frac in (prices.ENTRY_REACH_FRAC, prices.EXIT_REACH_FRAC):
        worst = prices.reach(price, decimals, side, frac)
        assert abs(worst - price) <= price * frac + step


@given(st.decimals("0.01", "500000", places=4), DECIMALS, st.decimals("0.7", "1.3", places=3))
def test_a_tick_stays_good_while_the_price_moves(
    price: Decimal, decimals: int, move: Decimal
) -> None:
    tick = prices.tick_for(price, decimals)
    on_grid = (price * move / tick).to_integral_value() * tick
    assert is_good(on_grid, decimals)


@pytest.mark.parametrize(
    ("price", "decimals", "step"),
    [("80000", 5, "1"), ("2500", 4, "0.1"), ("120", 2, "0.01"), ("1.2345", 0, "0.0001"),
     ("123456", 5, "1"), ("0.001", 0, "0.000001")],
)  # fmt: skip
def test_steps_by_example(price: str, decimals: int, step: str) -> None:
    assert prices.step_at(Decimal(price), decimals) == Decimal(step)


def test_numbers_are_written_as_the_venue_hashes_them() -> None:
    assert prices.plain(Decimal("64400.0")) == "64400"
    assert prices.plain(Decimal("0.0500")) == "0.05"
    assert prices.plain(Decimal("1E+3")) == "1000"
    assert prices.plain(Decimal("0.0")) == "0"
