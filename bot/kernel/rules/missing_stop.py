"""Close what could not be given a working stop in time."""

from bot.domain.risk import Demand
from bot.domain.units import NS_PER_S
from bot.kernel.view import LegView

NAME = "missing_stop"


def demand(view: LegView) -> Demand | None:
    """Demand flat once a leg has been without a working stop for longer than allowed."""
    since = view.leg.uncovered_since_ns
    if since == 0:
        return None
    age_s = (view.state.now_ns - since) / NS_PER_S
    limit = view.policy.rules.stop_missing_s
    if age_s <= limit:
        return None
    return Demand(NAME, view.leg.symbol, 0.0, "no working stop for too long (s)", age_s, limit)
