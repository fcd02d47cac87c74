"""How large a position may be for its liquidation to lie well behind its stop."""

from collections.abc import Sequence

from bot.domain.instrument import MarginTier
from bot.kernel.margin import liquidation_price

STEPS = 60


def leverage_max(sign: int, stop_distance_frac: float, k: float, maint_frac: float) -> float:
    """Return the leverage at which liquidation lies `k` stop distances away.

    Long 1 / (1 - (1 - k d)(1 - m)), short 1 / ((1 + k d)(1 + m) - 1), for one tier.
    """
    reach = 1.0 - sign * k * stop_distance_frac
    return 1.0 / (sign * (1.0 - reach * (1.0 - sign * maint_frac)))


def qty_max(
    sign: int,
    entry: float,
    room: float,
    tiers: Sequence[MarginTier],
    *,
    margin_usd: float,
    leverage: int | None,
    most: float,
) -> float:
    """Return the largest quantity up to `most` whose liquidation lies `room` (quote) away.

    `leverage` set: isolated, margin is notional over it. None: cross, `margin_usd` stands behind
    the whole position. 0.0: not even the smallest one has that room.
    """

    def is_safe(qty: float) -> bool:
        margin = qty * entry / leverage if leverage else margin_usd
        price = liquidation_price(sign, qty, entry, margin, tiers)
        return price is None or sign * (entry - price) >= room

    if most <= 0.0 or (leverage is None and margin_usd <= 0.0):
        return 0.0
    if is_safe(most):
        return most
    low, high = 0.0, most
    for _ in range(STEPS):
        middle = 0.5 * (low + high)
        if is_safe(middle):
            low = middle
        else:
            high = middle
    return low
