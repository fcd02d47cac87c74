"""Limit what the strategies may lose in a week from Monday, UTC, open result and costs counted."""

from bot.domain.policy import Step
from bot.domain.risk import Demand, Gauge
from bot.domain.units import NS_PER_DAY
from bot.kernel.rules._ladder import anew, unknown
from bot.kernel.view import LegView, own_open_usd

NAME = "weekly_loss"
ACTS_ON = "own"
SHARED = True
MONDAY = 3
"""Days from 1 January 1970, a Thursday, back to a Monday."""


def demand(view: LegView) -> Demand | None:
    """Return half, then nothing, of the strategies' own exposure as their week goes wrong."""
    anchors, rules = view.state.anchors, view.policy.rules
    found = loss_frac(view)
    if found is None:
        return unknown(view, NAME, "equity at the start of the week is not known")
    steps = (
        Step(rules.weekly_loss_half_frac, rules.weekly_loss_half_frac, 0.5),
        Step(rules.weekly_loss_halt_frac, rules.weekly_loss_halt_frac, 0.0),
    )
    reason = "strategies' week loss above limit"
    same_week = view.since_ns(NAME) >= (anchors.week * 7 - MONDAY) * NS_PER_DAY
    if view.before(NAME) <= 0.0 and same_week:
        limit = rules.weekly_loss_halt_frac
        return Demand(NAME, view.leg.symbol, 0.0, reason, found, limit)
    return anew(view, NAME, steps, found, reason)


def gauge(view: LegView) -> Gauge:
    """Return what the strategies lost this week, of the week's first equity."""
    rules, loss = view.policy.rules, loss_frac(view)
    limits = (rules.weekly_loss_half_frac, rules.weekly_loss_halt_frac)
    limit = next((each for each in limits if loss is None or loss < each), None)
    return Gauge(loss, limit, "strategies' loss this week")


def loss_frac(view: LegView) -> float | None:
    """Return the strategies' loss of the week over its first equity; None: that is not known."""
    anchors = view.state.anchors
    if anchors.week_start_usd <= 0.0:
        return None
    open_usd = own_open_usd(view.state, view.policy) - anchors.own_open_week_usd
    return -(anchors.own_week_usd + open_usd) / anchors.week_start_usd
