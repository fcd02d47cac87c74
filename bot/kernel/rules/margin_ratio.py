"""Cut when maintenance margin eats the leg's equity (domain 9.1, first row)."""

from bot.domain.risk import Demand, Gauge
from bot.kernel.rules._ladder import next_enter, stepped, unknown
from bot.kernel.view import LegView

NAME = "margin_ratio"
ACTS_ON = "all"
SHARED = False


def demand(view: LegView) -> Demand | None:
    """Return the ladder's factor for the measured margin ratio; an unknown one blocks new risk."""
    if view.qty <= 0.0:
        return None
    ratio = view.margin_ratio()
    if ratio is None:
        return unknown(view, NAME, "the margin ratio is not known")
    steps = view.policy.rules.margin_ratio
    return stepped(view, NAME, steps, ratio, "margin ratio above limit", rising=True)


def gauge(view: LegView) -> Gauge:
    """Return maintenance over equity."""
    ratio = view.margin_ratio()
    limit = next_enter(view.policy.rules.margin_ratio, ratio, rising=True)
    return Gauge(ratio, limit, "share of equity held as margin")
