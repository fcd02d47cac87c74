"""Halve before price runs into a pool of forced orders that is larger than the book before it.

The map counts for nothing until its own score has earned it trust. Of the book no depth beyond
its top is known; a share of an hour's traded volume stands for it.
"""

from bot.domain.policy import Step
from bot.domain.risk import Demand
from bot.kernel.clusters.outlook import forced_usd
from bot.kernel.rules._ladder import stepped
from bot.kernel.view import LegView

NAME = "cluster_proximity"
ACTS_ON = "own"
SHARED = False
LEAVE = 0.75
HOUR_S = 3_600


def demand(view: LegView) -> Demand | None:
    """Return half where forced flow within a daily range would exceed what the market takes."""
    sensed, atr_day = view.sensed, view.atr_day
    if sensed is None or atr_day is None or view.mark <= 0.0:
        return None
    is_long = view.leg.side.sign > 0
    weight = sensed.weights[0 if is_long else 1]
    depth = _hour_usd(view) * view.policy.rules.cluster_volume_share
    if weight <= 0.0 or depth <= 0.0:
        return None
    target = max(view.mark - view.leg.side.sign * atr_day, 0.5 * view.mark)
    k = weight * forced_usd(sensed.clusters, view.mark, target) / depth
    rules = view.policy.rules
    steps = (Step(rules.cluster_k, LEAVE * rules.cluster_k, rules.cluster_factor),)
    reason = "forced orders within a daily range exceed the book (ratio)"
    return stepped(view, NAME, steps, k, reason, rising=True)


def _hour_usd(view: LegView) -> float:
    """Return the volume of the newest bars, scaled to an hour, in USD."""
    count = max(HOUR_S // view.policy.bar_s, 1)
    bars = view.market.bars[-count:]
    if not bars:
        return 0.0
    return sum(bar.volume * bar.close for bar in bars) * count / len(bars)
