"""Limit what the strategies may lose in a UTC day: price, fees, funding and open result."""

from bot.domain.policy import Step
from bot.domain.risk import Demand, Gauge
from bot.domain.units import NS_PER_DAY
from bot.kernel.assess.cascade import ACTIVE
from bot.kernel.rules._ladder import anew, unknown
from bot.kernel.view import LegView, own_open_usd

NAME = "daily_loss"
ACTS_ON = "own"
SHARED = True


def demand(view: LegView) -> Demand | None:
    """Return half, then nothing, of the strategies' own exposure as their day goes wrong.

    What was lost today stays lost until the next UTC day; a halt does not end at midnight while
    forced selling is going on. Transfers are in no figure here.
    """
    anchors, rules = view.state.anchors, view.policy.rules
    found = loss_frac(view)
    if found is None:
        return unknown(view, NAME, "equity at the start of the day is not known")
    steps = (
        Step(rules.daily_loss_half_frac, rules.daily_loss_half_frac, 0.5),
        Step(rules.daily_loss_halt_frac, rules.daily_loss_halt_frac, 0.0),
    )
    reason = "strategies' day loss above limit"
    same_day = view.since_ns(NAME) >= anchors.day * NS_PER_DAY
    if view.before(NAME) <= 0.0 and (same_day or _is_cascading(view)):
        limit = rules.daily_loss_halt_frac
        return Demand(NAME, view.leg.symbol, 0.0, reason, found, limit)
    return anew(view, NAME, steps, found, reason)


def gauge(view: LegView) -> Gauge:
    """Return what the strategies lost today, of the day's first equity."""
    rules, loss = view.policy.rules, loss_frac(view)
    limits = (rules.daily_loss_half_frac, rules.daily_loss_halt_frac)
    limit = next((each for each in limits if loss is None or loss < each), None)
    return Gauge(loss, limit, "strategies' loss today")


def loss_frac(view: LegView) -> float | None:
    """Return the strategies' loss of the day over its first equity; None: that is not known."""
    anchors = view.state.anchors
    if anchors.day_start_usd <= 0.0:
        return None
    open_usd = own_open_usd(view.state, view.policy) - anchors.own_open_day_usd
    return -(anchors.own_day_usd + open_usd) / anchors.day_start_usd


def _is_cascading(view: LegView) -> bool:
    found = view.assessment
    return found is None or found.cascade == ACTIVE
