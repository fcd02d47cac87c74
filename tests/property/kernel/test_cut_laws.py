"""A cut reaches its target, is no larger than it must be, never flips and never opens exposure."""

from collections.abc import Mapping
from decimal import Decimal

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bot.kernel.cuts import slices, solve
from bot.kernel.cuts.choose import Part, greedy
from bot.kernel.margin import liquidation_price, maintenance_usd
from bot.kernel.snapshot import Bar
from tests.fakes.venue_tiers import VENUES
from tests.unit.kernel.rules.rule_kit import Kit

VENUE = st.sampled_from(sorted(VENUES))
SIGNS = st.sampled_from([1, -1])


@given(VENUE, st.floats(1e3, 2e8), st.floats(0.004, 0.5), st.floats(0.02, 0.9),
       st.floats(0.0, 0.003))  # fmt: skip
def test_a_cross_cut_reaches_its_ratio_and_no_smaller_one_does(
    venue: str, notional: float, share: float, target: float, cost: float
) -> None:
    tiers, equity = VENUES[venue], notional * share
    assume(equity > notional * cost * 1.5)
    cut = solve.cross_cut_frac(notional, equity, tiers, target=target, cost_frac=cost)
    assert 0.0 <= cut <= 1.0

    def ratio(x: float) -> float:
        return maintenance_usd((1 - x) * notional, tiers) / (equity - x * notional * cost)

    assert ratio(cut) <= target * (1 + 1e-9)
    if cut > 1e-6:
        assert ratio(cut * 0.999) > target


@given(VENUE, SIGNS, st.floats(1e3, 2e8), st.floats(0.03, 1.0), st.floats(0.005, 0.4))
def test_a_cut_for_distance_reaches_it_and_no_larger_rest_does(
    venue: str, sign: int, notional: float, share: float, distance: float
) -> None:
    tiers, most = VENUES[venue], notional / 1_000.0
    kept = solve.qty_at_distance(
        sign, 1_000.0, notional * share, tiers, distance_frac=distance, most=most
    )
    assert 0.0 <= kept <= most

    def far(qty: float) -> float:
        price = liquidation_price(sign, qty, 1_000.0, notional * share, tiers)
        return 1.0 if price is None else sign * (1_000.0 - price) / 1_000.0

    if kept > 0.0:
        assert far(kept) >= distance * (1 - 1e-9)
    if kept < most * 0.999:
        assert far(min(kept * 1.001 + 1e-12 * most, most)) < distance


PARTS = st.lists(
    st.tuples(st.sampled_from(["BTC", "ETH", "SOL"]), SIGNS, st.floats(1e2, 1e6),
              st.none() | st.floats(1e5, 1e10), st.floats(0.01, 0.1)),
    min_size=1, max_size=5, unique_by=lambda row: row[:2],
)  # fmt: skip


@given(PARTS, VENUE, st.floats(0.0, 1.2))
def test_the_greedy_choice_reaches_its_end_and_opens_nothing(
    rows: list, venue: str, share: float
) -> None:
    parts = [
        Part(f"{symbol}|{sign}", symbol, sign, usd / 100.0, 100.0, VENUES[venue], sigma, 0.0005,
             day, 0.2, 0.0)
        for symbol, sign, usd, day, sigma in rows
    ]  # fmt: skip
    whole = sum(maintenance_usd(p.qty * p.mark, p.tiers) for p in parts)

    def left(cut: Mapping[str, float]) -> float:
        return sum(maintenance_usd((p.qty - cut[p.key]) * p.mark, p.tiers) for p in parts)

    cut = greedy(parts, lambda found: left(found) <= share * whole)
    assert left(cut) <= share * whole * (1 + 1e-9) + 1e-9 or all(
        cut[p.key] == pytest.approx(p.qty) for p in parts
    )
    for symbol in {p.symbol for p in parts}:
        legs = [p for p in parts if p.symbol == symbol]
        before = sum(p.sign * p.qty for p in legs)
        after = sum(p.sign * (p.qty - cut[p.key]) for p in legs)
        assert all(-1e-9 * p.qty <= cut[p.key] <= p.qty * (1 + 1e-9) for p in legs)
        assert abs(after) <= abs(before) * (1 + 1e-9) + 1e-9
        assert after * before >= -1e-6 * max(p.qty for p in legs) ** 2


@settings(max_examples=60, deadline=None)
@given(
    long=st.booleans(), held=st.integers(2, 3_000), part=st.floats(0.01, 0.99),
    fills=st.lists(st.sampled_from([0.0, 0.0, 0.3, 1.0]), max_size=40),
    hands=st.lists(st.integers(-3, 3), max_size=40), volume=st.floats(0.5, 1e5),
    waits=st.lists(st.sampled_from([0.1, 5.0, 61.0]), min_size=1, max_size=40),
)  # fmt: skip
def test_slices_reach_the_target_and_never_close_more_than_that(
    long: bool, held: int, part: float, fills: list, hands: list, volume: float, waits: list
) -> None:
    """Whatever fills, whatever a human closes meanwhile: the rest is never cut below the target."""
    kit = Kit(own=False, long=long)
    lot = Decimal("0.001")
    kit.leg.qty = held * lot
    kit.market.bars = [Bar(0, 76_000.0, 76_000.0, 76_000.0, 76_000.0, volume)] * 12
    wanted = max(round(held * part), 1) * lot
    target = kit.leg.qty - wanted
    wish = slices.begin(kit.view, wanted, "a test", "d")
    for step in range(400):
        if wish is not None:
            draft = wish.draft
            assert draft.reduce_only
            assert draft.side is kit.leg.side.exit
            assert lot <= draft.qty <= kit.leg.qty - target
            market = draft.kind.value == "MARKET"
            share = 1.0 if market or step >= len(fills) else fills[step]
            kit.leg.qty -= (draft.qty * Decimal(str(share)) / lot).to_integral_value() * lot
        if step < len(hands):
            kit.leg.qty = max(kit.leg.qty + hands[step] * lot, lot)
        kit.wait(waits[step % len(waits)] / 3_600.0 if step < 40 else 61.0 / 3_600.0)
        wish = slices.pursue(kit.view)
        if kit.leg.plan is None:
            break
    assert kit.leg.plan is None
    assert wish is None
