"""The worked numbers of sizing: cost per coin, liquidation, heat, slippage, gaps, Kelly."""

import math

import numpy as np
import pytest

from bot.domain.instrument import MarginTier
from bot.kernel.sizing import gaps, heat, shared_level
from bot.kernel.sizing.kelly import binary_kelly_frac, kelly_frac
from bot.kernel.sizing.liquidation import leverage_max, qty_max
from bot.kernel.sizing.plan import affordable_qty
from bot.kernel.sizing.slippage import entry_slip_frac, impact_frac, stop_slip_frac, walk_frac
from bot.kernel.sizing.unit_risk import cost_share, funding_frac, unit_risk_usd
from bot.kernel.stops import placement

FEE, SLIP_IN, SLIP_STOP = 0.0005, 0.0002, 0.0010
BUDGET_USD = 50.0


def unit(entry: float, stop: float, slip_stop: float = SLIP_STOP) -> float:
    return unit_risk_usd(1, entry, stop, (FEE + SLIP_IN, FEE + slip_stop), 0.0)


def lots(unit_usd: float) -> float:
    return math.floor(BUDGET_USD / unit_usd * 1000) / 1000


# ------------------------------------------------------------------ 8.1


@pytest.mark.parametrize(
    ("entry", "stop", "slip_stop", "risk", "qty"),
    [
        (76_000.0, 74_900.0, SLIP_STOP, 1_265.5, 0.039),
        (76_000.0, 74_650.0, SLIP_STOP, 1_515.0, 0.032),
        (76_000.0, 74_650.0, 0.005, 1_813.8, 0.027),
    ],
)
def test_cost_per_coin_and_quantity(
    entry: float, stop: float, slip_stop: float, risk: float, qty: float
) -> None:
    found = unit(entry, stop, slip_stop)
    assert found == pytest.approx(risk, abs=0.2)
    assert lots(found) == pytest.approx(qty)


def test_the_loss_at_the_stop_and_the_error_of_leaving_costs_out() -> None:
    found = unit(76_000.0, 74_900.0)
    assert 0.039 * found == pytest.approx(49.36, abs=0.01)
    assert pytest.approx(2_964) == 0.039 * 76_000
    assert found / 1_100 == pytest.approx(1.15, abs=0.001)
    assert unit(76_000.0, 74_650.0, 0.005) / 1_350 == pytest.approx(1.34, abs=0.005)


@pytest.mark.parametrize(
    ("entry", "stop", "target", "multiple"),
    [
        (76_000.0, 74_650.0, 80_000.0, 2.64),
        (76_000.0, 74_650.0, 83_000.0, 4.62),
        (78_199.0, 75_800.0, 80_000.0, 0.70),
        (80_100.0, 79_300.0, 83_000.0, 2.97),
    ],
)
def test_multiples_of_risk(entry: float, stop: float, target: float, multiple: float) -> None:
    assert (target - entry) / unit(entry, stop) == pytest.approx(multiple, abs=0.005)


def test_fault_commission_on_risk_money() -> None:
    """Fault: (risk - 2 * risk * fee) / distance. A stop of 0.3 % would lose a third too much."""
    price, stop, budget = 78_000.0, 78_000.0 * 0.997, 100.0
    faulty = (budget - 2 * budget * FEE) / (price - stop)
    assert faulty * unit_risk_usd(1, price, stop, (FEE, FEE), 0.0) == pytest.approx(133, abs=0.6)
    slipped = unit_risk_usd(1, price, stop, (FEE, FEE + 0.0003), 0.0)
    assert faulty * slipped == pytest.approx(143, abs=0.6)
    assert budget / slipped == pytest.approx(0.298, abs=0.001)
    assert budget / (price - stop) == pytest.approx(0.427, abs=0.001)


def test_fault_funding_fixed_at_eight_hours() -> None:
    """Fault: every contract settles each eight hours."""
    assert funding_frac(1, 0.0001, 28_800, 24.0) == pytest.approx(0.0003)
    assert funding_frac(1, 0.0001, 3_600, 24.0) == pytest.approx(0.0024)
    assert funding_frac(-1, 0.0001, 14_400, 24.0) == pytest.approx(-0.0006)
    bare = unit(76_000.0, 74_900.0)
    costs = (FEE + SLIP_IN, FEE + SLIP_STOP)
    assert unit_risk_usd(1, 76_000.0, 74_900.0, costs, 0.0024) == pytest.approx(bare + 182.4)
    assert unit_risk_usd(1, 76_000.0, 74_900.0, costs, -0.01) == pytest.approx(bare)


def test_a_tight_stop_is_not_capped_at_the_capital() -> None:
    """Fault: the quantity is cut to what the wallet could buy outright."""
    qty = affordable_qty(100.0, lambda _qty: 78_000 * 0.003)
    assert qty * 78_000 == pytest.approx(33_333, abs=1)


def test_cost_share() -> None:
    assert cost_share(1, 76_000, 74_900, 1_265.5) == pytest.approx(1 - 1_100 / 1_265.5)


# ------------------------------------------------------------------ 8.3


@pytest.mark.parametrize(
    ("d", "k", "wanted"),
    [(0.018, 2, 25.1), (0.018, 3, 17.3), (0.03, 2, 15.7), (0.03, 3, 10.7), (0.06, 2, 8.1),
     (0.06, 3, 5.5)],
)  # fmt: skip
def test_leverage_by_liquidation_distance(d: float, k: float, wanted: float) -> None:
    tiers = (MarginTier(0.0, 1e12, 0.004, 0.0, 125.0),)
    assert leverage_max(1, d, k, 0.004) == pytest.approx(wanted, abs=0.05)
    found = qty_max(1, 76_000, k * d * 76_000, tiers, margin_usd=10_000, leverage=None, most=1_000)
    assert found * 76_000 / 10_000 == pytest.approx(leverage_max(1, d, k, 0.004), rel=1e-6)
    short = qty_max(-1, 76_000, k * d * 76_000, tiers, margin_usd=10_000, leverage=None, most=1_000)
    assert short * 76_000 / 10_000 == pytest.approx(leverage_max(-1, d, k, 0.004), rel=1e-6)


def test_an_isolated_setting_that_liquidates_before_the_stop_allows_nothing() -> None:
    tiers = (MarginTier(0.0, 1e12, 0.004, 0.0, 125.0),)
    assert qty_max(1, 76_000, 3_000, tiers, margin_usd=0, leverage=50, most=1.0) < 1e-12
    assert qty_max(1, 76_000, 3_000, tiers, margin_usd=0, leverage=10, most=1.0) == 1.0


# ------------------------------------------------------------------ 8.5


def three(stress: float) -> float:
    rho = {(1, 0): 0.75, (2, 0): 0.78, (2, 1): 0.82}
    found = heat.matrix([1, 1, 1], lambda i, j: rho[(i, j)], stress)
    return heat.heat([0.005, 0.005, 0.005], found)


def test_heat_of_three_longs() -> None:
    assert three(0.0) == pytest.approx(0.01387, abs=5e-6)
    assert three(0.5) == pytest.approx(0.01445, abs=5e-6)
    assert three(1.0) == pytest.approx(0.015)


def test_a_hedge_counts_for_no_more_than_its_cap() -> None:
    risks = [0.005, -0.005]
    plain = np.array([[1.0, 0.82], [0.82, 1.0]])
    assert heat.heat(risks, plain) == pytest.approx(0.0030, abs=5e-6)
    stressed = heat.matrix([1, -1], lambda _i, _j: 0.82, 0.5)
    assert heat.heat(risks, stressed) == pytest.approx(0.0055, abs=5e-5)
    unknown = heat.matrix([1, -1], lambda _i, _j: None, 0.5)
    assert heat.heat(risks, unknown) == pytest.approx(0.005 * math.sqrt(2))


def test_unknown_correlation_of_one_side_is_one() -> None:
    found = heat.matrix([1, 1], lambda _i, _j: None, 0.0)
    assert heat.heat([0.004, 0.006], found) == pytest.approx(0.01)


def test_correlations_that_do_not_fit_together_are_repaired_upward() -> None:
    rho = {(1, 0): 0.9, (2, 0): 0.9, (2, 1): -0.9}
    found = heat.matrix([1, 1, 1], lambda i, j: rho[(i, j)], 0.0)
    assert np.linalg.eigvalsh(found)[0] >= -1e-12
    raw = np.array([[1, 0.9, 0.9], [0.9, 1, -0.9], [0.9, -0.9, 1]])
    r = np.array([-0.01, 0.01, 0.01])
    assert heat.heat(list(r), found) ** 2 >= float(r @ raw @ r)


def test_correlation_of_short_or_still_series_is_not_known() -> None:
    rising = [100.0 + i + (i % 3) for i in range(60)]
    assert heat.correlation(rising, rising) == pytest.approx(1.0)
    assert heat.correlation(rising[:20], rising[:20]) is None
    assert heat.correlation(rising, [100.0] * 60) is None


def test_room_fills_the_heat_exactly() -> None:
    found = heat.matrix([1, 1], lambda _i, _j: 0.8, 0.5)
    room = heat.room_frac([0.01], 1, found, 0.015)
    assert heat.heat([0.01, room], found) == pytest.approx(0.015)
    assert heat.room_frac([0.016], 1, found, 0.015) == 0.0


# ------------------------------------------------------------------ 8.6


def book(thin: float) -> list[tuple[float, float]]:
    """20 million USD within one per cent of each side, times `thin`."""
    return [(bps * 1e-4, 200_000.0 * thin) for bps in range(1, 101)]


@pytest.mark.parametrize(
    ("coins", "thin", "bps"),
    [(1, 1.0, 1.0), (10, 1.0, 2.5), (50, 1.0, 10.3), (1, 0.1, 2.5), (10, 0.1, 20.0),
     (1, 0.02, 10.3)],
)  # fmt: skip
def test_a_walk_through_the_book(coins: float, thin: float, bps: float) -> None:
    paid, left = walk_frac(coins * 78_000.0, book(thin))
    assert paid * 1e4 == pytest.approx(bps, abs=0.06)
    assert left == 0.0


def test_what_the_book_does_not_hold_is_left_over() -> None:
    _paid, left = walk_frac(50 * 78_000.0, book(0.1))
    assert left / 78_000.0 == pytest.approx(24.4, abs=0.1)
    assert walk_frac(0.0, book(1.0)) == (0.0, 0.0)


def test_the_square_root_law() -> None:
    assert impact_frac(1e6, 1e10, 0.02) == pytest.approx(0.0002)
    assert impact_frac(4e6, 1e10, 0.02) == pytest.approx(0.0004)
    assert impact_frac(1.0, 0.0, 0.02) == math.inf


def test_an_entry_within_the_best_price_pays_its_distance_alone() -> None:
    top = (0.0001, 50_000.0)
    assert entry_slip_frac(40_000, top, 1e9, 0.02) == pytest.approx(0.0001)
    assert entry_slip_frac(100_000, top, 1e9, 0.02) > 0.0001


def test_a_stop_sells_together_with_what_is_liquidated_on_its_way() -> None:
    alone = stop_slip_frac(3_000, 0.0, 0.0, 1e10, 0.022)
    crowded = stop_slip_frac(3_000, 50e6, 0.0, 1e10, 0.022)
    assert crowded > 50 * alone


# ------------------------------------------------------------------ 8.7

TAIL = gaps.Tail(u=0.006, share=0.02, b=0.003, xi=0.3)


@pytest.mark.parametrize(
    ("p", "var", "shortfall"),
    [(0.01, 0.0083, 0.0136), (0.001, 0.0206, 0.0311), (0.0001, 0.0450, 0.0660)],
)
def test_value_at_risk_and_shortfall(p: float, var: float, shortfall: float) -> None:
    assert gaps.var_frac(TAIL, p) == pytest.approx(var, abs=6e-5)
    assert gaps.shortfall_frac(TAIL, p) == pytest.approx(shortfall, abs=6e-5)


def test_mean_overshoot_past_a_stop() -> None:
    assert gaps.overshoot_frac(TAIL, 0.01) == pytest.approx(0.006)
    assert gaps.overshoot_frac(TAIL, 0.001) == gaps.overshoot_frac(TAIL, 0.006)


def test_few_excesses_are_not_believed() -> None:
    thin = TAIL._replace(xi=0.1)
    assert gaps.careful(thin, 49).xi == 0.35
    assert gaps.careful(thin, 50).xi == 0.25


# ------------------------------------------------------------------ record, levels, placement


def test_kelly_is_shrunken_and_zero_without_an_edge() -> None:
    assert kelly_frac([1.0, -1.0] * 30, 0.25) == 0.0
    good = [1.5, -1.0, 1.5, -1.0, 1.5] * 20
    mean, var = 0.5, sum((r - 0.5) ** 2 for r in good) / 99
    error = math.sqrt(var / 100)
    assert kelly_frac(good, 0.25) == pytest.approx(0.25 * (mean - error) / var)
    assert kelly_frac([2.0], 0.25) == 0.0
    assert binary_kelly_frac(0.6, 1.0) == pytest.approx(0.2)
    assert binary_kelly_frac(0.4, 1.0) == 0.0


def test_zones_near_each_other_are_one_level() -> None:
    spans = shared_level.clusters([(74_800, 75_200), (75_500, 75_500), (77_000, 77_000)], 400)
    assert spans == [(74_800, 75_500), (77_000, 77_000)]
    assert shared_level.behind(spans, 1, 76_000, 74_600, 400) == (74_800, 75_500)
    assert shared_level.behind(spans, 1, 76_000, 75_950, 400) is None
    assert shared_level.behind(spans, -1, 76_000, 77_100, 400) == (77_000, 77_000)
    assert shared_level.behind(spans, 1, 76_000, 70_000, 400) is None
    assert shared_level.is_shared(None, None, (74_600, 74_900), 400)
    assert not shared_level.is_shared(None, None, (74_600, 75_900), 400)


@pytest.mark.parametrize(
    ("stop", "sign", "wanted"),
    [
        (75_000.0, 1, 74_762.6),
        (74_700.0, 1, 74_700.0),
        (75_000.0, -1, 75_237.6),
        (73_000.0, 1, 72_963.1),
        (78_010.0, -1, 78_039.4),
    ],
)
def test_a_stop_lies_beyond_its_zone_and_on_no_round_number(
    stop: float, sign: int, wanted: float
) -> None:
    moved = placement.beyond(stop, sign, [(74_800.0, 75_200.0)], 5e-4)
    assert moved == pytest.approx(wanted, abs=0.1)
    assert placement.zone_of(moved, [(74_800.0, 75_200.0)]) is None
    assert placement.round_near(moved, 5e-4) is None
    assert sign * (stop - moved) >= 0
