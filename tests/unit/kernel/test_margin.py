"""Worked examples of liquidation and bankruptcy prices on the tiers of three venues."""

import pytest

from bot.domain.instrument import MarginTier
from bot.kernel.margin import (
    BACKSTOP_SHARE,
    Exposed,
    Pledge,
    bankruptcy_price,
    joint_shock_frac,
    liquidation_price,
    maintenance_usd,
    nearer,
)
from tests.fakes.kernel_world import TIERS
from tests.fakes.venue_tiers import BINANCE, BYBIT, HYPERLIQUID

EXAMPLES = [
    (BINANCE, 1, 1.0, 8_000.0, 72_289.16, 72_000.0),
    (BINANCE, -1, 1.0, 8_000.0, 87_649.40, 88_000.0),
    (BINANCE, 1, 100.0, 400_000.0, 76_646.46, 76_000.0),
    (BINANCE, 1, 10.5, 84_000.0, 72_333.09, 72_000.0),
    (BYBIT, 1, 1.0, 8_000.0, 72_361.81, 72_000.0),
    (BYBIT, -1, 1.0, 8_000.0, 87_562.19, 88_000.0),
    (BYBIT, 1, 100.0, 400_000.0, 76_560.61, 76_000.0),
    (BYBIT, 1, 1.0, 9_000.0, 71_356.78, 71_000.0),
    (HYPERLIQUID, 1, 1.0, 8_000.0, 72_911.39, 72_000.0),
    (HYPERLIQUID, -1, 1.0, 8_000.0, 86_913.58, 88_000.0),
    (HYPERLIQUID, 1, 2_500.0, 20e6, 73_076.92, 72_000.0),
]
FREE = (MarginTier(0.0, float("inf"), 0.004, 0.0, 150.0),)


@pytest.mark.parametrize(("tiers", "sign", "qty", "margin_usd", "liq", "bankrupt"), EXAMPLES)
def test_worked_examples_entered_at_80000(
    tiers: tuple[MarginTier, ...],
    sign: int,
    qty: float,
    margin_usd: float,
    liq: float,
    bankrupt: float,
) -> None:
    price = liquidation_price(sign, qty, 80_000.0, margin_usd, tiers)
    assert price == pytest.approx(liq, abs=0.006)
    assert bankruptcy_price(sign, qty, 80_000.0, margin_usd) == pytest.approx(bankrupt, abs=0.006)


@pytest.mark.parametrize(
    ("venue", "wanted"),
    [
        (BINANCE, [0, 300, 1_500, 12_000, 132_000, 482_000, 2.982e6, 14.482e6, 26.482e6, 41.482e6,
                   121.482e6, 421.482e6]),
        (BYBIT, [0, 1_200, 3_020, 4_300, 5_820, 8_460, 15_460, 20_500, 46_000, 66_000, 80_000,
                 160_000, 300_000, 452_000, 502_000, 777_000, 837_000, 967_000, 1_107_000,
                 1_482_000]),
        (HYPERLIQUID, [0, 1.875e6]),
    ],
)  # fmt: skip
def test_deductions_follow_one_recursion(
    venue: tuple[MarginTier, ...], wanted: list[float]
) -> None:
    assert [tier.deduction_usd for tier in venue] == pytest.approx(wanted)


@pytest.mark.parametrize(("sign", "wanted"), [(1, 72_605.04), (-1, 87_272.73)])
def test_the_backstop_of_hyperliquid(sign: int, wanted: float) -> None:
    price = liquidation_price(sign, 1.0, 80_000.0, 8_000.0, HYPERLIQUID, BACKSTOP_SHARE)
    assert price == pytest.approx(wanted, abs=0.006)


@pytest.mark.parametrize(
    ("leverage", "long", "short"),
    [(2, 49.80, 49.40), (3, 33.07, 32.80), (5, 19.68, 19.52), (10, 9.64, 9.56), (20, 4.62, 4.58),
     (25, 3.61, 3.59), (50, 1.61, 1.59), (100, 0.60, 0.60)],
)  # fmt: skip
def test_distance_by_leverage(leverage: int, long: float, short: float) -> None:
    for sign, wanted in ((1, long), (-1, short)):
        price = liquidation_price(sign, 1.0, 100.0, 100.0 / leverage, FREE)
        assert price is not None
        assert sign * (100.0 - price) == pytest.approx(wanted, abs=0.006)


def test_a_fully_paid_long_has_no_liquidation_price() -> None:
    assert liquidation_price(1, 1.0, 80_000.0, 80_000.0, TIERS) is None
    assert bankruptcy_price(1, 1.0, 80_000.0, 80_000.0) is None
    assert bankruptcy_price(1, 0.0, 80_000.0, 8_000.0) is None


def test_a_short_beyond_the_last_tier_still_has_a_liquidation_price() -> None:
    price = liquidation_price(-1, 1_500.0, 80_000.0, 6_000_000.0, BYBIT)
    assert price is not None
    assert price * 1_500.0 > BYBIT[-1].cap_usd
    equity = 6_000_000.0 - 1_500.0 * (price - 80_000.0)
    assert equity == pytest.approx(maintenance_usd(price * 1_500.0, BYBIT), rel=1e-9)


# ------------------------------------------------------------------ one wallet behind several

BTC = Exposed(1, 2.0, 80_000.0, 78_199.0, 1.0, BINANCE)
ETH = Exposed(1, 30.0, 2_500.0, 2_390.0, 1.0, BINANCE)
WALLET = 50_000.0


def test_the_cross_account_of_the_study() -> None:
    equity = WALLET + 2.0 * (78_199.0 - 80_000.0) + 30.0 * (2_390.0 - 2_500.0)
    needed = maintenance_usd(2.0 * 78_199.0, BINANCE) + maintenance_usd(30.0 * 2_390.0, BINANCE)
    assert equity == pytest.approx(43_098)
    assert needed == pytest.approx(912.39, abs=0.01)
    assert needed / equity == pytest.approx(0.0212, abs=5e-5)
    behind_btc = WALLET - 30.0 * 110.0 - maintenance_usd(30.0 * 2_390.0, BINANCE)
    alone = liquidation_price(1, 2.0, 80_000.0, behind_btc, BINANCE)
    assert alone == pytest.approx(57_021.49, abs=0.01)
    behind_eth = WALLET - 2.0 * 1_801.0 - maintenance_usd(2.0 * 78_199.0, BINANCE)
    alone = liquidation_price(1, 30.0, 2_500.0, behind_eth, BINANCE)
    assert alone == pytest.approx(978.17, abs=0.01)


@pytest.mark.parametrize(("beta", "wanted"), [(1.0, 63_678), (1.3, 64_930)])
def test_all_prices_falling_together_liquidate_sooner(beta: float, wanted: float) -> None:
    move = joint_shock_frac(WALLET, [BTC, ETH._replace(beta=beta)], -1)
    assert move is not None
    assert 78_199.0 * (1.0 - move) == pytest.approx(wanted, abs=0.6)


def test_a_hedge_of_equal_legs_is_liquidated_by_growth_of_maintenance_alone() -> None:
    """Binance's hedge-mode formula with both sides: the denominator is qty * (m + m)."""
    long = Exposed(1, 1.0, 80_000.0, 78_000.0, 1.0, FREE)
    short = Exposed(-1, 1.0, 77_000.0, 78_000.0, 1.0, FREE)
    assert joint_shock_frac(5_000.0, [long, short], -1) is None
    move = joint_shock_frac(5_000.0, [long, short], 1)
    assert move is not None
    assert 78_000.0 * (1.0 + move) == pytest.approx((5_000.0 - 3_000.0) / (2 * 0.004))


def test_unequal_hedge_legs_follow_the_published_formula() -> None:
    long = Exposed(1, 3.0, 80_000.0, 78_000.0, 1.0, FREE)
    short = Exposed(-1, 1.0, 77_000.0, 78_000.0, 1.0, FREE)
    move = joint_shock_frac(40_000.0, [long, short], -1)
    assert move is not None
    wanted = (40_000.0 - 3.0 * 80_000.0 + 77_000.0) / (3.0 * 0.004 + 0.004 - 3.0 + 1.0)
    assert 78_000.0 * (1.0 - move) == pytest.approx(wanted)


def test_collateral_is_cut_by_its_haircut_and_falls_with_the_market() -> None:
    plain = joint_shock_frac(20_000.0, [BTC], -1)
    stable = joint_shock_frac(10_000.0, [BTC], -1, [Pledge(10_000.0, 0.0, 0.0)])
    cut = joint_shock_frac(10_000.0, [BTC], -1, [Pledge(10_000.0, 0.05, 0.0)])
    falling = joint_shock_frac(10_000.0, [BTC], -1, [Pledge(10_000.0, 0.05, 1.0)])
    assert plain is not None
    assert cut is not None
    assert falling is not None
    assert stable == pytest.approx(plain)
    assert plain > cut > falling
    left = 10_000.0 + 9_500.0 * (1.0 - falling) + 2.0 * (78_199.0 * (1.0 - falling) - 80_000.0)
    needed = maintenance_usd(2.0 * 78_199.0 * (1.0 - falling), BINANCE)
    assert left == pytest.approx(needed, rel=1e-9)


def test_what_is_liquidatable_already_is_no_distance_away() -> None:
    assert joint_shock_frac(3_000.0, [BTC], -1) == 0.0
    assert joint_shock_frac(1.0, [], -1) is None


def test_the_nearer_price_counts_and_nothing_told_is_no_price() -> None:
    assert nearer(72_000.0, 73_000.0, 78_000.0) == 73_000.0
    assert nearer(72_000.0, 0.0, 78_000.0) == 72_000.0
    assert nearer(None, None, 78_000.0) is None
