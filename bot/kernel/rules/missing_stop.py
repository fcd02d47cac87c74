"""Close what could not be given a working stop in time.

While the venue still owes an answer about a stop, the wait is longer: a slow venue is no reason to
close a position that is probably covered (reliability rows 6 and 7). Time in which nothing could
be sent (a ban, a dead line) does not count: closing could not have left either, and the stop goes
first when the line is back.
"""

from bot.domain.orders import OrderStatus, Purpose
from bot.domain.risk import Demand, Gauge
from bot.domain.units import NS_PER_S
from bot.kernel.view import LegView

NAME = "missing_stop"
ACTS_ON = "all"
SHARED = False
IN_DOUBT_S = 10.0


def demand(view: LegView) -> Demand | None:
    """Demand flat once a leg has been without a working stop for longer than allowed."""
    since = view.leg.uncovered_since_ns
    if since == 0:
        return None
    age_s = (view.state.now_ns - max(since, view.leg.cut_off_ns)) / NS_PER_S
    limit = view.policy.rules.stop_missing_s
    if _in_doubt(view):
        limit = max(limit, IN_DOUBT_S)
    if age_s <= limit:
        return None
    return Demand(NAME, view.leg.symbol, 0.0, "no working stop for too long (s)", age_s, limit)


def gauge(view: LegView) -> Gauge:
    """Return for how long the leg has had no working stop."""
    since = view.leg.uncovered_since_ns
    bare_s = (view.state.now_ns - since) / NS_PER_S if since else 0.0
    return Gauge(bare_s, view.policy.rules.stop_missing_s, "seconds without a stop")


def _in_doubt(view: LegView) -> bool:
    """Whether a stop of this leg was sent and its fate is open."""
    return any(
        belief.purpose is Purpose.STOP
        and belief.status in (OrderStatus.PENDING, OrderStatus.UNKNOWN)
        and belief.symbol == view.leg.symbol
        and belief.position_side is view.leg.side
        for belief in view.state.orders.values()
    )
