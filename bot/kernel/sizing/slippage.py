"""What an order costs beyond the best price: a walk through the book, or the square-root law.

The square-root law of impact (Toth et al. 2011; Donier and Bonart 2015 on a decade of bitcoin)
says that a quantity Q moves price by about sigma_day * sqrt(Q / V_day).
"""

import math
from collections.abc import Sequence

IMPACT_FACTOR = 1.0
"""Y of the square-root law; measured values lie around one."""


def walk_frac(notional_usd: float, levels: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Return (mean distance paid, USD left over) of an order that eats a book.

    `levels` are (distance from the mid as a share, resting USD) from the best on. The distance is
    the mean over what was filled; 0.0 when nothing was.
    """
    paid = filled = 0.0
    for distance, resting_usd in levels:
        taken = min(notional_usd - filled, resting_usd)
        if taken <= 0.0:
            break
        paid += taken * distance
        filled += taken
    return (paid / filled if filled > 0.0 else 0.0), max(notional_usd - filled, 0.0)


def impact_frac(flow_usd: float, day_usd: float, sigma_day: float) -> float:
    """Return the price move of a market flow by the square-root law; infinity without a market."""
    if flow_usd <= 0.0:
        return 0.0
    if day_usd <= 0.0:
        return math.inf
    return IMPACT_FACTOR * sigma_day * math.sqrt(flow_usd / day_usd)


def entry_slip_frac(
    notional_usd: float, top: tuple[float, float], day_usd: float, sigma_day: float
) -> float:
    """Return the mean distance an entry pays from the mark, from the top of the book on.

    `top` is (distance of the best price from the mark as a share, USD resting there). What the best
    price does not hold is paid by the square-root law.
    """
    distance, resting_usd = top
    beyond = max(notional_usd - resting_usd, 0.0)
    share = beyond / notional_usd if notional_usd > 0.0 else 0.0
    moved = impact_frac(beyond, day_usd, sigma_day) if share > 0.0 else 0.0
    return max(distance, 0.0) + share * moved


def stop_slip_frac(
    notional_usd: float,
    forced_usd: float,
    half_spread: float,
    day_usd: float,
    sigma_day: float,
) -> float:
    """Return how far under its trigger a stop fills: half the spread and the impact of the flow.

    A stop sells together with what is liquidated on the way to it (`forced_usd`); nothing is
    assumed to rest at the best price by then.
    """
    return half_spread + impact_frac(notional_usd + forced_usd, day_usd, sigma_day)
