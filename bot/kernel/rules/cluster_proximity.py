"""Halve before price runs into a pool of forced orders that is larger than the book before it.

New trades are opened at half their size too, not forbidden: in a quiet month such a pool lies
within a daily range most of the time.

The map counts for nothing until its own score has earned it trust. Of the book no depth beyond
its top is known; a share of an hour's traded volume stands for it.
"""

import msgspec

from bot.domain.policy import Step
from bot.domain.risk import Demand, Gauge
from bot.kernel.assess.now import depth_guess_usd
from bot.kernel.clusters.outlook import forced_usd
from bot.kernel.rules._ladder import stepped
from bot.kernel.view import LegView

NAME = "cluster_proximity"
ACTS_ON = "own"
SHARED = False
LEAVE = 0.75


def demand(view: LegView) -> Demand | None:
    """Return half where forced flow within a daily range would exceed what the market takes."""
    k = _ratio(view)
    if k is None:
        return None
    rules = view.policy.rules
    steps = (Step(rules.cluster_k, LEAVE * rules.cluster_k, rules.cluster_factor),)
    reason = "forced orders within a daily range exceed the book (ratio)"
    found = stepped(view, NAME, steps, k, reason, rising=True)
    return msgspec.structs.replace(found, blocks_entries=False) if found is not None else None


def gauge(view: LegView) -> Gauge:
    """Return forced orders within a daily range over what the market takes; None: no map."""
    return Gauge(_ratio(view), view.policy.rules.cluster_k, "forced orders over the book")


def _ratio(view: LegView) -> float | None:
    sensed, atr_day = view.sensed, view.atr_day
    if sensed is None or atr_day is None or view.mark <= 0.0:
        return None
    weight = sensed.weights[0 if view.leg.side.sign > 0 else 1]
    if weight <= 0.0:
        return None
    depth = depth_guess_usd(view.market, view.policy)
    if depth <= 0.0:
        return None
    target = max(view.mark - view.leg.side.sign * atr_day, 0.5 * view.mark)
    return weight * forced_usd(sensed.clusters, view.mark, target) / depth
