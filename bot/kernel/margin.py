"""Maintenance margin, liquidation and bankruptcy price of linear contracts, in floats.

Maintenance of notional n in tier k is n * m_k - c_k (Binance "cum", Bybit "MM deduction",
Hyperliquid "maintenance_deduction": one recursion). A position is liquidated where its equity
meets its maintenance; the tier that counts is the one at that price, not at entry.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from bot.domain.instrument import MarginTier

BACKSTOP_SHARE = 2.0 / 3.0
"""Hyperliquid's backstop takes a position over where its equity is this share of maintenance."""
APART_FRAC = 0.003
"""Own and venue's liquidation price further apart than this share of the mark is a finding."""
JOINT_STEPS = 40
BOUNDARY_FRAC = 1e-9
"""Both tiers give one price where they meet; rounding must not put it outside of both."""


class Exposed(NamedTuple):
    """One leg under a shock: `beta` is how far its price moves for each unit of the shock."""

    sign: int
    qty: float
    entry: float
    mark: float
    beta: float
    tiers: Sequence[MarginTier]


class Pledge(NamedTuple):
    """Collateral that is not cash: its value before the haircut, and its own beta."""

    value_usd: float
    haircut_frac: float
    beta: float


def _tier_at(notional_usd: float, tiers: Sequence[MarginTier]) -> MarginTier:
    for tier in tiers:
        if notional_usd <= tier.cap_usd:
            return tier
    return tiers[-1]


def maintenance_usd(notional_usd: float, tiers: Sequence[MarginTier]) -> float:
    """Return maintenance margin in USD; beyond the last cap the last tier goes on."""
    tier = _tier_at(notional_usd, tiers)
    return notional_usd * tier.maint_frac - tier.deduction_usd


def liquidation_price(
    sign: int,
    qty: float,
    entry_price: float,
    margin_usd: float,
    tiers: Sequence[MarginTier],
    share: float = 1.0,
) -> float | None:
    """Return the mark at which equity meets `share` of maintenance; None when no price does.

    `sign` is +1 for a long, -1 for a short; `margin_usd` is the isolated margin, or for cross the
    wallet plus everything else's unrealised result minus everything else's maintenance.
    """
    if qty <= 0.0:
        return None
    last = tiers[-1] if tiers else None
    for tier in tiers:
        slope = qty * share * tier.maint_frac - sign * qty
        price = (margin_usd + share * tier.deduction_usd - sign * qty * entry_price) / slope
        notional = price * qty
        near = BOUNDARY_FRAC * notional
        if notional + near >= tier.floor_usd and (tier is last or notional - near <= tier.cap_usd):
            return price if price > 0.0 else None
    return None


def bankruptcy_price(sign: int, qty: float, entry_price: float, margin_usd: float) -> float | None:
    """Return the mark at which the margin is used up; None when no positive price does."""
    if qty <= 0.0:
        return None
    price = entry_price - sign * margin_usd / qty
    return price if price > 0.0 else None


def joint_shock_frac(
    wallet_usd: float, legs: Sequence[Exposed], way: int, pledges: Sequence[Pledge] = ()
) -> float | None:
    """Return the smallest move at which the shared equity meets the maintenance of all legs.

    Every price moves at once by `way` (-1 a fall, +1 a rise) times its beta times the move, and
    collateral with them; 0.0: it is met already; None: no move does it. Legs of both sides of one
    symbol (hedge mode) are two legs of one beta.
    """
    if not legs:
        return None
    if _surplus(wallet_usd, legs, pledges, way, 0.0)[0] <= 0.0:
        return 0.0
    if not pledges and len({way * leg.sign for leg in legs}) > 1:
        return _first_of_mixed(wallet_usd, legs, way)
    far = _farthest(wallet_usd, legs, pledges, way)
    if far is None:
        return None
    low, high = 0.0, far
    move = far
    for _ in range(JOINT_STEPS):
        value, slope = _surplus(wallet_usd, legs, pledges, way, move)
        if value > 0.0:
            low = move
        else:
            high = move
        step = move - value / slope if slope != 0.0 else 0.5 * (low + high)
        if abs(step - move) <= 1e-14 * max(move, 1.0):
            return step
        if high < step <= high + 1e-14 * max(high, 1.0):
            return high  # past it by rounding alone: halving would only creep towards it
        move = step if low <= step <= high else 0.5 * (low + high)
    return move


def _first_of_mixed(wallet_usd: float, legs: Sequence[Exposed], way: int) -> float | None:
    """Return the first move that liquidates legs of both sides; what is left may fall and rise.

    It is a line between the moves at which a leg changes its tier or a price reaches zero.
    """
    bends = {0.0}
    for leg in legs:
        at_mark = leg.qty * leg.mark
        for notional in (0.0, *(tier.cap_usd for tier in leg.tiers)):
            bend = (notional / at_mark - 1.0) * way / leg.beta if at_mark * leg.beta > 0.0 else -1.0
            if 0.0 < bend < math.inf:
                bends.add(bend)
    ordered = sorted(bends)
    before = _surplus(wallet_usd, legs, (), way, 0.0)[0]
    for low, high in pairwise(ordered):
        after = _surplus(wallet_usd, legs, (), way, high)[0]
        if after <= 0.0:
            return low + (high - low) * before / (before - after)
        before = after
    if way < 0:
        return None
    last = ordered[-1]
    beyond = _surplus(wallet_usd, legs, (), way, 2.0 * last + 1.0)[0]
    return None if beyond >= before else last + (last + 1.0) * before / (before - beyond)


def _farthest(
    wallet_usd: float, legs: Sequence[Exposed], pledges: Sequence[Pledge], way: int
) -> float | None:
    """Return a move at which maintenance is no longer met; None when even the last one spares."""
    if way < 0:
        least = min((leg.beta for leg in legs if leg.beta > 0.0), default=0.0)
        far = 1.0 / least if least > 0.0 else 0.0
        return far if far and _surplus(wallet_usd, legs, pledges, way, far)[0] <= 0.0 else None
    far = 0.5
    for _ in range(JOINT_STEPS):
        if _surplus(wallet_usd, legs, pledges, way, far)[0] <= 0.0:
            return far
        far *= 2.0
    return None


def _surplus(
    wallet_usd: float, legs: Sequence[Exposed], pledges: Sequence[Pledge], way: int, move: float
) -> tuple[float, float]:
    """Return (equity less maintenance after `move`, its slope there); no price falls below 0."""
    value, slope = wallet_usd, 0.0
    for sign, qty, entry, mark, beta, tiers in legs:
        # what `_moved` and `_tier_at` return, without the calls: every mark asks this of every leg
        price, rate = mark * (1.0 + way * beta * move), mark * way * beta
        if not price > 0.0:
            price = rate = 0.0
        notional_usd = qty * price
        tier = tiers[0]
        if notional_usd > tier.cap_usd:
            tier = _tier_at(notional_usd, tiers)
        maint_frac = tier.maint_frac
        value += sign * qty * (price - entry)
        value -= notional_usd * maint_frac - tier.deduction_usd
        slope += qty * rate * (sign - maint_frac)
    for pledge in pledges:
        kept, rate = _moved(pledge.value_usd, pledge.beta, way, move)
        value += kept * (1.0 - pledge.haircut_frac)
        slope += rate * (1.0 - pledge.haircut_frac)
    return value, slope


def _moved(price: float, beta: float, way: int, move: float) -> tuple[float, float]:
    """Return the price after a move, and how it changes with it."""
    after = price * (1.0 + way * beta * move)
    return (after, price * way * beta) if after > 0.0 else (0.0, 0.0)


def nearer(ours: float | None, theirs: float | None, mark: float) -> float | None:
    """Return whichever liquidation price is nearer the mark; zero or nothing told is none."""
    known = [price for price in (ours, theirs) if price is not None and price > 0.0]
    return min(known, key=lambda price: abs(price - mark), default=None)


def apart_frac(ours: float | None, theirs: float | None, mark: float) -> float | None:
    """Return how far two liquidation prices lie apart, of the mark; None unless both are told."""
    if ours is None or theirs is None or ours <= 0.0 or theirs <= 0.0 or mark <= 0.0:
        return None
    return abs(ours - theirs) / mark
