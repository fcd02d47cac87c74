"""Halve what is held at a venue that refuses orders or whose mark left its index."""

from bot.domain.policy import Step
from bot.domain.risk import Demand, Gauge
from bot.domain.units import NS_PER_MIN, NS_PER_S
from bot.kernel.rules._ladder import blocked, stepped
from bot.kernel.view import LegView

NAME = "venue_health"
ACTS_ON = "all"
SHARED = False
LEAVE = 0.5


def demand(view: LegView) -> Demand | None:
    """Return half for a sick venue; one that cannot be heard only blocks new risk.

    An order into a venue that does not answer helps nobody: there the resting stops keep guard.
    """
    rules, symbol = view.policy.rules, view.leg.symbol
    before = view.before(NAME)
    share = refused_frac(view)
    if share is not None:
        limit = rules.venue_reject_frac
        steps = (Step(limit, LEAVE * limit, rules.venue_factor),)
        reason = "share of orders refused within a minute"
        found = stepped(view, NAME, steps, share, reason, rising=True)
        if found is not None:
            return found
    apart_s = apart_for_s(view)
    if apart_s >= rules.venue_gap_s:
        reason = "mark and index stand apart (s)"
        factor = min(rules.venue_factor, before)
        return Demand(NAME, symbol, factor, reason, apart_s, rules.venue_gap_s)
    if not view.state.user_stream_live:
        return blocked(view, NAME, "the account stream is down", 1.0, 0.0)
    return None


def gauge(view: LegView) -> Gauge:
    """Return the share of orders refused within a minute; too few orders say nothing."""
    return Gauge(refused_frac(view), view.policy.rules.venue_reject_frac, "share of orders refused")


def refused_frac(view: LegView) -> float | None:
    """Return the share of orders refused in the last minute; None: too few to judge."""
    cut_ns = view.state.now_ns - NS_PER_MIN
    recent = [bad for ns, bad in view.state.order_ends if ns > cut_ns]
    if len(recent) < view.policy.rules.venue_orders_min:
        return None
    return sum(recent) / len(recent)


def apart_for_s(view: LegView) -> float:
    """Return for how long mark and index have stood apart by more than one hundredth, seconds."""
    sensed = view.sensed
    if sensed is None or sensed.senses.dislocated_ns == 0:
        return 0.0
    return max(view.state.now_ns - sensed.senses.dislocated_ns, 0) / NS_PER_S
