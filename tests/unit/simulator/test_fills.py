"""Fill models and the book of depth."""

from decimal import Decimal
from itertools import pairwise

import pytest

from bot.domain.orders import OrderSide
from bot.simulator.contracts import BTC, CONTRACTS, contract
from bot.simulator.dice import Dice, unit
from bot.simulator.fills import GAP_CAP_FRAC, BarModel, DepthModel
from bot.simulator.market import MarketState, to_tick

BUY, SELL = OrderSide.BUY, OrderSide.SELL


def market(**more: object) -> MarketState:
    fields: dict[str, object] = {
        "symbol": BTC.symbol, "tick": BTC.tick, "lot": BTC.lot, "funding_interval_s": 28_800,
        "last": 80_000.0, "mark": 80_000.0, "index": 80_000.0, "event_ns": 10**18, **more,
    }  # fmt: skip
    return MarketState(**fields)  # type: ignore[arg-type]


def cost_bps(fills: list[tuple[Decimal, Decimal]], side: OrderSide) -> float:
    qty = sum(q for _, q in fills)
    average = float(sum(p * q for p, q in fills) / qty)
    return side.sign * (average / 80_000.0 - 1.0) * 1e4


@pytest.mark.parametrize("side", [BUY, SELL])
def test_impact_grows_with_size_and_with_thin_depth(side: OrderSide) -> None:
    model = DepthModel(seed=2)
    small, large, fast = (
        cost_bps(model.fills(side, qty, 80_000.0, None, market(), thin), side)
        for qty, thin in ((Decimal("0.1"), False), (Decimal(50), False), (Decimal(50), True))
    )
    assert 0.0 < small < large < fast
    assert 5.0 < large < 20.0  # the design's measured 10 bp for 50 BTC
    assert fast > 5 * large


@pytest.mark.parametrize("side", [BUY, SELL])
def test_every_market_order_fills_whole_and_on_the_grid(side: OrderSide) -> None:
    fills = DepthModel(depth_usd_per_bp=10.0).fills(
        side, Decimal("500.123"), 80_000.0, None, market(), True
    )
    assert sum(q for _, q in fills) == Decimal("500.123")
    prices = [p for p, _ in fills]
    assert all(p % BTC.tick == 0 for p in prices)
    assert prices == sorted(prices, reverse=side is SELL)


def test_a_limit_is_never_passed() -> None:
    fills = DepthModel().fills(BUY, Decimal(50), 80_000.0, 80_020.0, market(), False)
    assert Decimal(0) < sum(q for _, q in fills) < 50
    assert max(p for p, _ in fills) <= Decimal(80020)
    assert DepthModel().fills(BUY, Decimal(1), 80_000.0, 79_999.0, market(), False) == []
    assert BarModel().fills(SELL, Decimal(1), 80_000.0, 80_001.0, market(), False) == []
    ((price, _),) = BarModel().fills(SELL, Decimal(1), 80_000.0, 79_990.0, market(), False)
    assert price == Decimal(79_990)


def test_bar_slippage_is_5_bp_calm_and_30_fast() -> None:
    for fast, expected in ((False, "79960"), (True, "79760")):
        ((price, _),) = BarModel().fills(SELL, Decimal(1), 80_000.0, None, market(), fast)
        assert price == Decimal(expected)
    ((price, _),) = BarModel().fills(BUY, Decimal(1), 80_000.0, None, market(), False)
    assert price == Decimal(80_040)


@pytest.mark.parametrize(("fast", "usual_bps"), [(False, 5.0), (True, 30.0)])
def test_a_large_order_eats_through_a_book_that_thins_when_fast(fast, usual_bps) -> None:
    def paid_bps(qty: int) -> float:
        ((price, _),) = BarModel().fills(BUY, Decimal(qty), 80_000.0, None, market(), fast)
        return (float(price) / 80_000.0 - 1.0) * 1e4

    depth = 20_000.0 if fast else 200_000.0
    assert paid_bps(1) == pytest.approx(usual_bps, abs=0.01)
    assert paid_bps(100) == pytest.approx(max(0.5 * 8_000_000.0 / depth, usual_bps), abs=0.02)
    assert paid_bps(200) > paid_bps(100) > usual_bps


def test_without_slippage_the_book_is_endless() -> None:
    model = BarModel(slip_calm_bps=0.0, slip_fast_bps=0.0)
    assert model.fills(SELL, Decimal(500), 80_000.0, None, market(), True)[0][0] == 80_000


def test_gap_draws_follow_a_capped_pareto_and_the_seed() -> None:
    def draws(seed: int, *, fast: bool) -> list[float]:
        model = BarModel(stop_fill="gap", slip_calm_bps=0.0, slip_fast_bps=0.0, seed=seed)
        here = market(stopping=True)
        return [
            1.0 - float(model.fills(SELL, Decimal(1), 80_000.0, None, here, fast)[0][0]) / 80_000.0
            for _ in range(4_000)
        ]

    fast = draws(1, fast=True)
    assert fast == draws(1, fast=True)
    assert fast != draws(2, fast=True)
    assert max(fast) <= GAP_CAP_FRAC + 1e-5
    assert sum(fast) / len(fast) == pytest.approx(0.003 / 0.65, rel=0.15)
    calm = draws(1, fast=False)
    assert 0.005 < sum(x > 1e-5 for x in calm) / len(calm) < 0.04


def test_low_takes_the_worst_of_the_bar_for_stops_in_fast_bars_only() -> None:
    model = BarModel(stop_fill="low", slip_calm_bps=0.0, slip_fast_bps=0.0)
    here = market(stopping=True, low=78_000.0, high=83_000.0)
    for side, fast, expected in (
        (SELL, True, 78_000), (SELL, False, 80_000), (BUY, True, 83_000), (BUY, False, 80_000),
    ):  # fmt: skip
        ((price, _),) = model.fills(side, Decimal(1), 80_000.0, None, here, fast)
        assert price == Decimal(expected)
    here.stopping = False
    ((price, _),) = model.fills(SELL, Decimal(1), 80_000.0, None, here, True)
    assert price == Decimal(80_000)


def test_prices_round_against_the_taker_and_stay_positive() -> None:
    assert to_tick(80_000.01, BTC.tick, BUY) == Decimal("80000.1")
    assert to_tick(80_000.09, BTC.tick, SELL) == Decimal("80000.0")
    assert to_tick(0.001, BTC.tick, SELL) == BTC.tick


def test_dice_are_even_and_seeded() -> None:
    dice = Dice(9)
    rolls = [dice.roll() for _ in range(10_000)]
    assert all(0.0 <= x < 1.0 for x in rolls)
    assert sum(rolls) / len(rolls) == pytest.approx(0.5, abs=0.02)
    again = Dice(9)
    assert [again.roll() for _ in range(10)] == rolls[:10]
    assert unit(5) == unit(5) != unit(6)
    assert abs(sum(dice.normal() for _ in range(3_000)) / 3_000) < 0.1


def test_tiers_are_binances_and_continuous() -> None:
    deductions = [t.deduction_usd for t in BTC.tiers]
    assert deductions == [
        0, 300, 1_500, 12_000, 132_000, 482_000, 2_982_000, 14_482_000, 26_482_000, 41_482_000,
        121_482_000, 421_482_000,
    ]  # fmt: skip
    assert [t.deduction_usd for t in contract("SOL/USDT:USDT").tiers][:4] == [0, 75, 1_475, 11_475]
    assert [t.deduction_usd for t in contract("ETH/USDT:USDT").tiers][4:6] == [132_000, 382_000]
    for c in CONTRACTS:
        for below, above in pairwise(c.tiers):
            assert below.cap_usd == above.floor_usd
            edge = below.cap_usd
            assert edge * below.maint_frac - below.deduction_usd == pytest.approx(
                edge * above.maint_frac - above.deduction_usd
            )
    with pytest.raises(KeyError):
        contract("XRP/USDT:USDT")
