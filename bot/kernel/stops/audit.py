"""What speaks against the place of a stop: wrong side, a zone, a round number, a pool."""

import msgspec

from bot.kernel.clusters.outlook import Cluster, clusters
from bot.kernel.snapshot import Sensed
from bot.kernel.stops.placement import NUDGE_FRAC, round_near, zone_of
from bot.kernel.view import LegView

POOL_HALF_FRAC = 0.005
"""Nearer to the peak of a pool than this is inside it: the blur the map itself works with."""


class Flaw(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that speaks against a stop; prices in quote, USD where the map says so."""

    kind: str
    words: str
    low: float
    high: float
    usd: float | None = None


def audit(view: LegView, stop: float) -> tuple[Flaw, ...]:
    """Return what speaks against a stop of this leg at `stop`, gravest first.

    The cluster map is heard only where its score gave it a weight.
    """
    sign = view.leg.side.sign
    found = []
    if sign * (view.mark - stop) <= 0.0:
        found.append(
            Flaw(kind="wrong_side", words=f"not on the loss side of the mark {view.mark:.8g}",
                 low=stop, high=view.mark)
        )  # fmt: skip
    known = [zone for zone in view.market.zones if zone.state != "NEW"]
    zone = zone_of(stop, [(zone.low, zone.high) for zone in known])
    if zone is not None:
        name = next(each.name for each in known if (each.low, each.high) == zone)
        found.append(
            Flaw(kind="in_zone", words=f"inside the zone {name}, not beyond it",
                 low=zone[0], high=zone[1])
        )  # fmt: skip
    number = round_near(stop, NUDGE_FRAC)
    if number is not None:
        found.append(
            Flaw(kind="on_round_number", words=f"on the round number {number:,.8g}",
                 low=number, high=number)
        )  # fmt: skip
    pool = pool_at(view, stop)
    if pool is not None:
        found.append(_in_pool(pool))
    return tuple(found)


def pool_at(view: LegView, stop: float) -> Cluster | None:
    """Return the pool of liquidations of the leg's own side that a stop lies in; None: in none."""
    sensed = view.state.sensed.get(view.market.symbol)
    if sensed is None or not has_say(sensed, view.leg.side.sign):
        return None
    is_long = view.leg.side.sign > 0
    inside = [
        cluster
        for cluster in clusters(sensed.clusters, view.mark, view.market.atr_1h)
        if cluster.is_long == is_long and abs(stop / cluster.price - 1.0) <= POOL_HALF_FRAC
    ]
    return max(inside, key=lambda cluster: cluster.usd, default=None)


def has_say(sensed: Sensed, sign: int) -> bool:
    """Whether the cluster map has earned a say on the side of a leg (score of 0.1 or more)."""
    return sensed.weights[0 if sign > 0 else 1] > 0.0


def _in_pool(pool: Cluster) -> Flaw:
    side, way = ("longs", "sell") if pool.is_long else ("shorts", "buy")
    low, high = pool.price * (1.0 - POOL_HALF_FRAC), pool.price * (1.0 + POOL_HALF_FRAC)
    return Flaw(
        kind="in_pool",
        words=f"inside a pool of about {pool.usd / 1e6:,.1f} million USD of {side} estimated to be "
        f"liquidated near {pool.price:.8g}: it would {way} together with them",
        low=low,
        high=high,
        usd=pool.usd,
    )
