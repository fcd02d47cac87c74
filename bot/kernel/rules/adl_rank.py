"""Take profit from a hedge that the venue would close for us; add nothing at the queue's head.

A leg that is auto-deleveraged leaves its counterpart bare. A profitable leg that hedges nothing
only loses its profit's future: it is not cut, but nothing is added to it.
"""

from bot.domain.policy import Step
from bot.domain.risk import Demand, Gauge
from bot.kernel.rules._ladder import blocked, stepped, unknown
from bot.kernel.view import LegView, held

NAME = "adl_rank"
ACTS_ON = "all"
SHARED = False


def demand(view: LegView) -> Demand | None:
    """Return half of a profitable hedge leg whose lights are on; a block for any other."""
    if view.qty <= 0.0:
        return None
    rank, rules = view.leg.adl_rank, view.policy.rules
    if rank is None:
        return unknown(view, NAME, "its rank is not known") if view.before(NAME) < 1.0 else None
    lights = rank + 1
    reason = "first in the queue for auto-deleveraging (lights)"
    if view.before(NAME) < 1.0 or (view.upnl_usd > 0.0 and _is_hedge(view)):
        steps = (Step(float(rules.adl_lights), rules.adl_lights - 1.0, rules.adl_factor),)
        return stepped(view, NAME, steps, float(lights), reason, rising=True)
    if lights < rules.adl_lights:
        return None
    return blocked(view, NAME, reason, float(lights), float(rules.adl_lights))


def gauge(view: LegView) -> Gauge:
    """Return how many of five lights are on."""
    rank = view.leg.adl_rank
    lights = float(rank + 1) if rank is not None else None
    return Gauge(lights, float(view.policy.rules.adl_lights), "lights of five in the ADL queue")


def _is_hedge(view: LegView) -> bool:
    """Whether a leg of the other direction is held at this venue."""
    return any(each.leg.side is not view.leg.side for each in held(view.state, view.policy))
