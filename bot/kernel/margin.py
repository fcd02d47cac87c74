"""Maintenance margin, liquidation and bankruptcy price of linear contracts, in floats.

Maintenance of notional n in tier k is n * m_k - c_k (Binance "cum", Bybit "MM deduction",
Hyperliquid "maintenance_deduction": one recursion). A position is liquidated where its equity
meets its maintenance; the tier that counts is the one at that price, not at entry.
"""

from collections.abc import Sequence

from bot.domain.instrument import MarginTier


def maintenance_usd(notional_usd: float, tiers: Sequence[MarginTier]) -> float:
    """Return maintenance margin in USD; beyond the last cap the last tier goes on."""
    for tier in tiers:
        if notional_usd <= tier.cap_usd:
            return notional_usd * tier.maint_frac - tier.deduction_usd
    last = tiers[-1]
    return notional_usd * last.maint_frac - last.deduction_usd


def liquidation_price(
    sign: int,
    qty: float,
    entry_price: float,
    margin_usd: float,
    tiers: Sequence[MarginTier],
) -> float | None:
    """Return the mark at which equity meets maintenance; None when no price does.

    `sign` is +1 for a long, -1 for a short; `margin_usd` is the isolated margin, or for cross the
    wallet plus everything else's unrealised result minus everything else's maintenance.
    """
    if qty <= 0.0:
        return None
    for index, tier in enumerate(tiers):
        slope = qty * tier.maint_frac - sign * qty
        price = (margin_usd + tier.deduction_usd - sign * qty * entry_price) / slope
        is_last = index == len(tiers) - 1
        notional = price * qty
        if notional >= tier.floor_usd and (is_last or notional <= tier.cap_usd):
            return price if price > 0.0 else None
    return None


def bankruptcy_price(sign: int, qty: float, entry_price: float, margin_usd: float) -> float | None:
    """Return the mark at which the margin is used up; None when no positive price does."""
    if qty <= 0.0:
        return None
    price = entry_price - sign * margin_usd / qty
    return price if price > 0.0 else None
