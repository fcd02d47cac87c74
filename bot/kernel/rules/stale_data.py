"""Block new risk while prices or the account are old; stops at the venue keep guard."""

from bot.domain.risk import Demand
from bot.kernel.view import LegView, price_age_s

NAME = "stale_data"


def demand(view: LegView) -> Demand | None:
    """Block entries on a symbol whose price is older than allowed; never act on old prices."""
    age_s = price_age_s(view.state, view.market)
    limit = view.policy.rules.price_stale_s
    if age_s <= limit and view.market.feed_live:
        return None
    return Demand(NAME, view.leg.symbol, 1.0, "price older than limit (s)", age_s, limit)
