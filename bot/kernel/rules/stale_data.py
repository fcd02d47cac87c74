"""Block new risk while prices, funding or open interest are old; stops at the venue keep guard."""

from bot.domain.risk import Demand, Gauge
from bot.domain.units import NS_PER_S
from bot.kernel.rules._ladder import blocked
from bot.kernel.view import LegView, price_age_s

NAME = "stale_data"
ACTS_ON = "all"
SHARED = False


def demand(view: LegView) -> Demand | None:
    """Block new risk on a symbol whose data are older than allowed; never act on old prices."""
    rules, market = view.policy.rules, view.market
    age_s = price_age_s(view.state, market)
    if age_s > rules.price_stale_s or not market.feed_live:
        reason = "price older than limit (s)"
        return blocked(view, NAME, reason, age_s, rules.price_stale_s)
    flows = (("funding", market.funding_ns), ("open interest", market.open_interest_ns))
    for what, ns in flows:
        age_s = (view.state.now_ns - ns) / NS_PER_S if ns else float("inf")
        if age_s > rules.flows_stale_s:
            reason = f"{what} older than limit (s)"
            return blocked(view, NAME, reason, age_s, rules.flows_stale_s)
    return None


def gauge(view: LegView) -> Gauge:
    """Return the age of the newest price."""
    age_s = price_age_s(view.state, view.market)
    return Gauge(age_s, view.policy.rules.price_stale_s, "seconds since the last price")
