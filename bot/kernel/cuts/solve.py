"""The smallest cut that reaches a target: of margin ratio, or of the way to liquidation.

Cutting lowers the tier too, so the ratio falls faster than the size. A pro-rata release of isolated
margin moves neither ratio nor liquidation price: only margin that goes back to the leg does.
"""

from collections.abc import Callable, Sequence

from bot.domain.instrument import MarginTier
from bot.kernel.margin import liquidation_price, maintenance_usd

STEPS = 60


def smallest(is_enough: Callable[[float], bool]) -> float:
    """Return the smallest share 0..1 for which `is_enough` holds; 1.0 when none below does."""
    if is_enough(0.0):
        return 0.0
    low, high = 0.0, 1.0
    for _ in range(STEPS):
        middle = 0.5 * (low + high)
        if is_enough(middle):
            high = middle
        else:
            low = middle
    return high


def cross_cut_frac(
    notional_usd: float,
    equity_usd: float,
    tiers: Sequence[MarginTier],
    *,
    target: float,
    cost_frac: float,
    others_usd: float = 0.0,
) -> float:
    """Return the share of a leg to close so that maintenance over equity is at most `target`.

    `others_usd`: maintenance of what shares the wallet. `cost_frac` of what is closed is paid from
    the equity.
    """

    def is_enough(share: float) -> bool:
        left = equity_usd - share * notional_usd * cost_frac
        needed = maintenance_usd((1.0 - share) * notional_usd, tiers) + others_usd
        return left > 0.0 and needed <= target * left

    return smallest(is_enough)


def isolated_cut_frac(
    notional_usd: float,
    margin_usd: float,
    upnl_usd: float,
    tiers: Sequence[MarginTier],
    *,
    target: float,
    given_back: float,
) -> float:
    """Return the share of an isolated leg to close so that its ratio is at most `target`.

    `given_back` is the share of the released margin that goes back to the leg. With 0.0 only a
    lower tier helps, and nothing but closing may reach the target: the isolated trap.
    """

    def is_enough(share: float) -> bool:
        margin = margin_usd * (1.0 - share * (1.0 - given_back))
        left = margin + upnl_usd * (1.0 - share)
        needed = maintenance_usd((1.0 - share) * notional_usd, tiers)
        return left > 0.0 and needed <= target * left

    return smallest(is_enough)


def qty_at_distance(
    sign: int,
    mark: float,
    equity_usd: float,
    tiers: Sequence[MarginTier],
    *,
    distance_frac: float,
    most: float,
) -> float:
    """Return the largest quantity up to `most` whose liquidation lies `distance_frac` away.

    `equity_usd` is what stands behind the leg at this mark, its own result included.
    """

    def is_enough(share: float) -> bool:
        price = liquidation_price(sign, most * (1.0 - share), mark, equity_usd, tiers)
        return price is None or sign * (mark - price) >= distance_frac * mark

    return most * (1.0 - smallest(is_enough))
