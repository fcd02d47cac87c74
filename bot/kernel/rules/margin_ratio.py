"""Cut when maintenance margin eats the leg's equity (domain 9.1, first row)."""

from bot.domain.risk import Demand
from bot.kernel.rules._ladder import factor_in_force
from bot.kernel.view import LegView

NAME = "margin_ratio"


def demand(view: LegView) -> Demand | None:
    """Return the ladder's factor for the measured margin ratio; None while unknown or fine."""
    ratio = view.margin_ratio()
    if ratio is None:
        return None
    steps = view.policy.rules.margin_ratio
    before = view.leg.rungs.get(NAME, 1.0)
    factor = factor_in_force(steps, ratio, before, rising=True)
    if factor >= 1.0:
        return None
    limit = next(step.enter for step in steps if step.factor == factor)
    return Demand(NAME, view.leg.symbol, factor, "margin ratio above limit", ratio, limit)
