"""Worked examples of liquidation and bankruptcy prices on real tiers."""

import pytest

from bot.kernel.margin import bankruptcy_price, liquidation_price, maintenance_usd
from tests.fakes.kernel_world import TIERS


@pytest.mark.parametrize(
    ("sign", "qty", "margin_usd", "expected"),
    [
        pytest.param(1, 1.0, 8_000.0, 72_289.16, id="long 1 at 10x"),
        pytest.param(-1, 1.0, 8_000.0, 87_649.40, id="short 1 at 10x"),
        pytest.param(1, 100.0, 400_000.0, 76_646.46, id="long 100 at 20x uses a higher tier"),
        pytest.param(
            1, 10.5, 84_000.0, 72_333.09, id="tier at the liquidation price, not at entry"
        ),
    ],
)
def test_liquidation_price_of_worked_examples(
    sign: int, qty: float, margin_usd: float, expected: float
) -> None:
    price = liquidation_price(sign, qty, 80_000.0, margin_usd, TIERS)
    assert price == pytest.approx(expected, abs=0.01)


def test_a_fully_paid_long_has_no_liquidation_price() -> None:
    assert liquidation_price(1, 1.0, 80_000.0, 80_000.0, TIERS) is None


def test_a_short_beyond_the_last_tier_still_has_a_liquidation_price() -> None:
    price = liquidation_price(-1, 200.0, 80_000.0, 1_600_000.0, TIERS)
    assert price is not None
    equity = 1_600_000.0 - 200.0 * (price - 80_000.0)
    assert equity == pytest.approx(maintenance_usd(price * 200.0, TIERS), rel=1e-9)


def test_bankruptcy_price() -> None:
    assert bankruptcy_price(1, 1.0, 80_000.0, 8_000.0) == pytest.approx(72_000.0)
    assert bankruptcy_price(-1, 1.0, 80_000.0, 8_000.0) == pytest.approx(88_000.0)
    assert bankruptcy_price(1, 0.0, 80_000.0, 8_000.0) is None
