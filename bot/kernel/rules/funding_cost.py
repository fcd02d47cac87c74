"""Halve when funding eats the trade, and open nothing just before a dear settlement."""

from bot.domain.policy import Step
from bot.domain.risk import Demand, Gauge
from bot.domain.units import NS_PER_S
from bot.kernel.observe.flows import funding_8h_frac, settlement_left_ns
from bot.kernel.rules._ladder import blocked, stepped, unknown
from bot.kernel.view import LegView

NAME = "funding_cost"
ACTS_ON = "own"
SHARED = False
PERIODS_A_YEAR = 3 * 365
LEAVE = 0.75


def demand(view: LegView) -> Demand | None:
    """Return half while the leg pays too much; block new risk in the window before a payment."""
    market, rules = view.market, view.policy.rules
    rate_8h = funding_8h_frac(market)
    if rate_8h is None:
        if rules.flows_stale_s == float("inf"):
            return None
        return unknown(view, NAME, "the funding rate is not known")
    paid_8h = view.leg.side.sign * rate_8h
    apr = paid_8h * PERIODS_A_YEAR
    share, limit, reason = apr, rules.funding_apr_max, "funding paid a year above limit"
    cost = _cost_of_risk(view, paid_8h)
    if cost is not None and cost / rules.funding_cost_r_frac > apr / rules.funding_apr_max:
        share, limit = cost, rules.funding_cost_r_frac
        reason = "funding to the horizon above its share of the trade's risk"
    steps = (Step(limit, LEAVE * limit, rules.funding_factor),)
    return stepped(view, NAME, steps, share, reason, rising=True) or _window(view)


def gauge(view: LegView) -> Gauge:
    """Return what the leg's side pays a year; negative is received."""
    rate_8h = funding_8h_frac(view.market)
    apr = view.leg.side.sign * rate_8h * PERIODS_A_YEAR if rate_8h is not None else None
    return Gauge(apr, view.policy.rules.funding_apr_max, "funding paid a year")


def _cost_of_risk(view: LegView, paid_8h: float) -> float | None:
    """Return funding to the horizon over what the trade may lose; None without a trade."""
    trade = view.leg.trade
    if trade is None or trade.risk_usd <= 0.0 or view.qty <= 0.0:
        return None
    return paid_8h * view.policy.sizing.horizon_h / 8.0 * view.notional_usd / trade.risk_usd


def _window(view: LegView) -> Demand | None:
    """Return a block when the next settlement is near and takes much from this side."""
    market, rules = view.market, view.policy.rules
    left_ns = settlement_left_ns(market, view.state.now_ns)
    if market.funding_frac is None or left_ns is None:
        return None
    due, left_s = view.leg.side.sign * market.funding_frac, left_ns / NS_PER_S
    if due < rules.settlement_rate_min_frac or left_s > rules.settlement_window_s:
        return None
    reason = f"a funding payment of {due:.4%} is due (s)"
    return blocked(view, NAME, reason, left_s, rules.settlement_window_s)
