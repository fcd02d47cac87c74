"""Cap the strategies' leverage while the market is full of borrowed positions that pay for it."""

from bot.domain.risk import Demand, Gauge
from bot.kernel.rules._ladder import blocked
from bot.kernel.track import equity_usd
from bot.kernel.view import LegView, held

NAME = "oi_froth"
ACTS_ON = "own"
SHARED = False


def demand(view: LegView) -> Demand | None:
    """Return what brings the strategies to the capped leverage; nothing is added meanwhile.

    Froth that is not known is said by the market's judgement, not here.
    """
    found, rules = view.assessment, view.policy.rules
    if found is None or found.froth is None:
        return None
    before = view.before(NAME)
    crowded = found.severities.get("fund_froth", 0.0) > 0.0
    limit = rules.oi_froth if before >= 1.0 else rules.oi_froth_leave
    if found.froth <= limit or not (crowded or before < 1.0):
        return None
    reason = "open interest and funding are frothy"
    gross = sum(each.notional_usd for each in held(view.state, view.policy) if each.own)
    most = rules.oi_froth_leverage * max(equity_usd(view.state), 0.0)
    if gross <= most and before >= 1.0:
        return blocked(view, NAME, reason, found.froth, rules.oi_froth)
    factor = before if before < 1.0 else most / gross
    return Demand(NAME, view.leg.symbol, factor, reason, found.froth, rules.oi_froth)


def gauge(view: LegView) -> Gauge:
    """Return how frothy open interest is, 0 to 1."""
    found = view.assessment
    return Gauge(
        found.froth if found is not None else None, view.policy.rules.oi_froth, "froth 0-1"
    )
