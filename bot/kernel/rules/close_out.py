"""Close everything when equity falls under the region's share of initial margin.

ESMA decision (EU) 2018/796: a retail account is closed out at half of its initial margin.
"""

from bot.domain.risk import Demand, Gauge
from bot.kernel.rules._ladder import unknown
from bot.kernel.rules._money import believed_equity_usd
from bot.kernel.view import LegView, held

NAME = "close_out"
ACTS_ON = "all"
SHARED = True


def demand(view: LegView) -> Demand | None:
    """Return flat once equity over initial margin is below the limit; no limit, no rule."""
    limit = view.policy.rules.close_out_frac
    if limit <= 0.0:
        return None
    margin = _margin_usd(view)
    if margin <= 0.0:
        return None
    equity = believed_equity_usd(view.state)
    if equity is None:
        return unknown(view, NAME, "equity is not known just now")
    share = equity / margin
    if share >= limit:
        return None
    reason = "equity under the region's share of initial margin"
    return Demand(NAME, view.leg.symbol, 0.0, reason, share, limit)


def gauge(view: LegView) -> Gauge:
    """Return equity over initial margin by the region's leverage; no limit, no measure."""
    limit, margin, equity = view.policy.rules.close_out_frac, _margin_usd(view), None
    if limit > 0.0 and margin > 0.0:
        equity = believed_equity_usd(view.state)
    share = equity / margin if equity is not None else None
    return Gauge(share, limit or None, "equity over initial margin, acts below", rising=False)


def _margin_usd(view: LegView) -> float:
    return sum(
        each.qty * each.entry / view.policy.limits.leverage_max
        for each in held(view.state, view.policy)
    )
