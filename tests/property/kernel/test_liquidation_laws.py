"""The closed form of the liquidation price against bisection, on the tiers of three venues."""

import math
from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from bot.domain.instrument import MarginTier
from bot.kernel.margin import (
    Exposed,
    bankruptcy_price,
    joint_shock_frac,
    liquidation_price,
    maintenance_usd,
)
from tests.fakes.venue_tiers import BINANCE, BYBIT, HYPERLIQUID, VENUES

Tiers = Sequence[MarginTier]
POSITIONS = 50_000
PER_VENUE = -(-POSITIONS // len(VENUES))


def surplus(
    sign: int, qty: float, entry: float, margin: float, tiers: Tiers, price: float
) -> float:
    return margin + sign * qty * (price - entry) - maintenance_usd(qty * price, tiers)


def bisected(sign: int, qty: float, entry: float, margin: float, tiers: Tiers) -> float | None:
    """Return the root between the entry and where nothing can be left."""
    good, bad = entry, 0.0 if sign > 0 else entry + 2.0 * margin / qty
    if surplus(sign, qty, entry, margin, tiers, bad) > 0.0:
        return None
    for _ in range(200):
        middle = 0.5 * (good + bad)
        if middle in (good, bad):
            break
        if surplus(sign, qty, entry, margin, tiers, middle) > 0.0:
            good = middle
        else:
            bad = middle
    return bad


@pytest.mark.parametrize("venue", sorted(VENUES))
def test_the_closed_form_equals_bisection(venue: str) -> None:
    """More than 50,000 positions over the three venues, from 500 USD to the largest tiers."""
    tiers, dice, judged = VENUES[venue], Random(20_260_201), 0
    while judged < PER_VENUE:
        sign = dice.choice((1, -1))
        entry = 10.0 ** dice.uniform(0.0, 5.2)
        notional = 10.0 ** dice.uniform(2.7, 8.3)
        margin = notional / dice.uniform(1.0, 40.0)
        qty = notional / entry
        if surplus(sign, qty, entry, margin, tiers, entry) <= 0.0:
            continue
        judged += 1
        found = liquidation_price(sign, qty, entry, margin, tiers)
        root = bisected(sign, qty, entry, margin, tiers)
        if root is None or root <= 1e-9 * entry:
            assert found is None or found <= 1e-8 * entry
            continue
        assert found == pytest.approx(root, rel=1e-9)
        assert sign * (entry - found) > 0.0
        bankrupt = bankruptcy_price(sign, qty, entry, margin)
        assert bankrupt is None or sign * (found - bankrupt) > 0.0
    assert judged == PER_VENUE


@pytest.mark.parametrize("tiers", [BINANCE, BYBIT, HYPERLIQUID])
def test_every_short_can_be_liquidated(tiers: Tiers) -> None:
    """The last tier goes on without end: a short that grows out of the table is not safe."""
    for leverage in range(1, 41):
        for notional in (1e3, 1e6, 4.1e7, 9e7, 1.5e8, 2e9):
            price = liquidation_price(-1, notional / 8e4, 8e4, notional / leverage, tiers)
            assert price is not None
            assert price > 0.0


LEGS = st.lists(
    st.tuples(
        st.sampled_from([1, -1]), st.floats(1e2, 5e6), st.floats(0.8, 1.25), st.floats(0.4, 2.0),
        st.sampled_from(sorted(VENUES)),
    ),
    min_size=1, max_size=4,
)  # fmt: skip


@given(LEGS, st.floats(0.02, 2.0), st.sampled_from([1, -1]))
def test_the_joint_shock_is_the_first_move_that_liquidates(
    legs: list, share: float, way: int
) -> None:
    exposed = [
        Exposed(sign, notional / 1_000.0, 1_000.0 * entry, 1_000.0, beta, VENUES[venue])
        for sign, notional, entry, beta, venue in legs
    ]
    wallet = share * sum(notional for _, notional, *_ in legs)

    def left(move: float) -> float:
        total = wallet
        for leg in exposed:
            price = max(leg.mark * (1.0 + way * leg.beta * move), 0.0)
            total += leg.sign * leg.qty * (price - leg.entry)
            total -= maintenance_usd(leg.qty * price, leg.tiers)
        return total

    assume(left(0.0) > 0.0)
    move = joint_shock_frac(wallet, exposed, way)
    scale = wallet + sum(leg.qty * leg.mark for leg in exposed)
    if move is None:
        assert left(0.999 / max(leg.beta for leg in exposed)) >= -1e-9 * scale
        return
    assert abs(left(move)) <= 1e-9 * scale * (1.0 + move)
    assert all(left(move * part / 20.0) >= -1e-9 * scale * (1.0 + move) for part in range(20))


@given(LEGS, st.floats(0.02, 2.0))
@example([(1, 22_189.33963964967, 1.0, 1.0, "binance")], 1.0)
def test_one_leg_alone_is_the_plain_liquidation_price(legs: list, share: float) -> None:
    sign, notional, entry, _, venue = legs[0]
    tiers, qty = VENUES[venue], notional / 1_000.0
    wallet = share * notional
    assume(surplus(sign, qty, 1_000.0 * entry, wallet, tiers, 1_000.0) > 0.0)
    alone = liquidation_price(sign, qty, 1_000.0 * entry, wallet, tiers)
    exposed = Exposed(sign, qty, 1_000.0 * entry, 1_000.0, 1.0, tiers)
    move = joint_shock_frac(wallet, [exposed], -sign)
    if alone is None:
        assert move is None or move >= 1.0 - 1e-9, "a price of nothing is no price"
        return
    assert move is not None
    assert 1_000.0 * (1.0 - sign * move) == pytest.approx(alone, rel=1e-9)


@given(
    st.sampled_from([1, -1]), st.floats(0.1, 50.0), st.floats(0.8, 1.2), st.integers(0, 7),
    st.sampled_from(sorted(VENUES)),
)  # fmt: skip
def test_where_two_tiers_meet_a_price_liquidates(
    sign: int, qty: float, entry: float, place: int, venue: str
) -> None:
    """Rounding once put the price outside of both tiers: "nothing liquidates it"."""
    tiers = VENUES[venue]
    tier = tiers[place % max(len(tiers) - 1, 1)]
    assume(math.isfinite(tier.cap_usd))
    price = tier.cap_usd / qty
    margin = maintenance_usd(tier.cap_usd, tiers) - sign * qty * (price - entry * price)
    assume(margin > 0.0)
    found = liquidation_price(sign, qty, entry * price, margin, tiers)
    assert found == pytest.approx(price, rel=1e-8)
