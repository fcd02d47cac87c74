"""Cut when liquidation is near, measured in daily ranges; a backstop behind the floor stop."""

from bot.domain.risk import Demand
from bot.kernel.rules._ladder import factor_in_force
from bot.kernel.view import LegView

NAME = "liquidation_distance"


def demand(view: LegView) -> Demand | None:
    """Return the ladder's factor for the distance to liquidation; None while unknown or fine."""
    distance = view.liq_distance_frac()
    atr_day = view.atr_day
    if distance is None or atr_day is None or atr_day <= 0.0:
        return None
    value = distance * view.mark / atr_day
    steps = view.policy.rules.liq_distance_atr
    before = view.leg.rungs.get(NAME, 1.0)
    factor = factor_in_force(steps, value, before, rising=False)
    if factor >= 1.0:
        return None
    limit = next(step.enter for step in steps if step.factor == factor)
    return Demand(
        NAME, view.leg.symbol, factor, "liquidation nearer than limit (daily ranges)", value, limit
    )
