"""Folds open interest in coins by venue, and compares only venues present at both ends."""

import math

import msgspec
import numpy as np

from bot.domain.market import OpenInterest
from bot.domain.units import NS_PER_DAY, NS_PER_H, NS_PER_MIN, NS_PER_S
from bot.kernel.observe import rings
from bot.kernel.observe.rings import Floats
from bot.kernel.sensed import OiSense, OiVenue, Ring, Senses

AHEAD_NS = NS_PER_MIN
FINE_NS = 5 * NS_PER_MIN
JUMP = 4.0
"""A change by more than this factor at once is believed when a second reading agrees."""
AGREE = 1.25
LEAST_SHARE = 0.5
FINE_HORIZON_S = 14_400
FINE_BACK = 2
GAPS_KEPT = 5
AGE_MIN_NS = 10 * NS_PER_MIN
AGE_MAX_NS = 3 * NS_PER_DAY


class OiChange(msgspec.Struct, frozen=True, kw_only=True):
    """Change of open interest in coins between two instants, of the venues known at both."""

    horizon_s: int
    log_change: float
    venues: tuple[str, ...]
    coverage: float
    """Share of today's known open interest that those venues hold."""


def on_open_interest(senses: Senses, event: OpenInterest) -> bool:
    """Keep a venue's open interest; False when it is nonsense, late, repeated or not yet proven."""
    sense = senses.open_interest
    qty = event.qty
    if not 0.0 < qty < math.inf or event.event_ns > event.received_ns + AHEAD_NS:
        sense.refused += 1
        return False
    venue = sense.venues.get(event.venue)
    if venue is None:
        venue = sense.venues[event.venue] = OiVenue(venue=event.venue)
    gap_ns = event.event_ns - venue.ns
    if gap_ns <= 0 or not _proven(venue, qty, gap_ns):
        sense.refused += 1
        return False
    if venue.ns:
        venue.gaps_ns = [*venue.gaps_ns, gap_ns][-GAPS_KEPT:]
        venue.age_limit_ns = _age_limit_ns(venue.gaps_ns)
    venue.qty, venue.ns = qty, event.event_ns
    _put_first(venue.fine, event.event_ns // FINE_NS, qty)
    _put_first(venue.hours, event.event_ns // NS_PER_H, qty)
    return True


def is_aggregate(venue: str) -> bool:
    """Whether a series stands for many venues: such a one is never summed with others."""
    return "+" in venue or venue.startswith("all-market")


def _age_limit_ns(gaps_ns: list[int]) -> int:
    """Return how old a venue's newest value may be: two of its usual gaps."""
    usual = sorted(gaps_ns)[len(gaps_ns) // 2]
    return min(max(2 * usual, AGE_MIN_NS), AGE_MAX_NS)


def present(sense: OiSense, now_ns: int) -> list[OiVenue]:
    """Return the venues whose value is fresh, by name; an aggregate only where no venue is."""
    known = sense.venues
    fresh = [v for n in sorted(known) if now_ns - (v := known[n]).ns <= v.age_limit_ns]
    single = [v for v in fresh if not is_aggregate(v.venue)]
    return single or fresh[:1]


def total_qty(venues: list[OiVenue]) -> float | None:
    """Return open interest in coins summed over venues; None without any."""
    return math.fsum(v.qty for v in venues) if venues else None


def known_qty(sense: OiSense, now_ns: int) -> float:
    """Return coins that single venues had open when last heard within a day."""
    return math.fsum(
        [
            v.qty
            for v in sense.venues.values()
            if now_ns - v.ns <= NS_PER_DAY and not is_aggregate(v.venue)
        ]
    )


def log_change(venues: list[OiVenue], known: float, now_ns: int, horizon_s: int) -> float | None:
    """Return the log change over a horizon of the venues known at both ends.

    None when those hold less than half of the coins `known` to be open: a rest is no market.
    """
    now = then = 0.0
    then_ns = now_ns - horizon_s * NS_PER_S
    is_fine = horizon_s < FINE_HORIZON_S
    slot = then_ns // (FINE_NS if is_fine else NS_PER_H)
    for venue in venues:
        # as a rule the value of that very slot is there, and no search is needed
        before = rings.get(venue.fine if is_fine else venue.hours, slot)
        if before is None:
            before = _at(venue, then_ns, horizon_s)
        if before is not None:
            now += venue.qty
            then += before
    if then <= 0.0 or now < LEAST_SHARE * known:
        return None
    return math.log(now / then)


def change(sense: OiSense, now_ns: int, horizon_s: int) -> OiChange | None:
    """Return the change over a horizon and of which venues; None as in `log_change`."""
    venues = present(sense, now_ns)
    moved = log_change(venues, known_qty(sense, now_ns), now_ns, horizon_s)
    if moved is None:
        return None
    then_ns = now_ns - horizon_s * NS_PER_S
    both = [v for v in venues if _at(v, then_ns, horizon_s) is not None]
    return OiChange(
        horizon_s=horizon_s,
        log_change=moved,
        venues=tuple(v.venue for v in both),
        coverage=math.fsum([v.qty for v in both]) / math.fsum([v.qty for v in venues]),
    )


def history(sense: OiSense, now_ns: int, last: int, hours: int) -> Floats:
    """Return coins at each of `hours` up to hour `last`, a row for each venue present."""
    rows = [rings.row(v.hours, last - hours + 1, last) for v in present(sense, now_ns)]
    return np.array(rows) if rows else np.empty((0, hours))


def past_changes(past: Floats, hours: int) -> Floats:
    """Return log changes over `hours` of the venues known at both ends, from `history`."""
    now, then = past[:, hours:], past[:, :-hours]
    both = ~(np.isnan(now) | np.isnan(then))
    now_sum = np.where(both, now, 0.0).sum(axis=0)
    then_sum = np.where(both, then, 0.0).sum(axis=0)
    known = then_sum > 0.0
    changes: Floats = np.log(now_sum[known] / then_sum[known])
    return changes


def _put_first(ring: Ring, slot: int, qty: float) -> None:
    """Keep the first value of a slot: it was known at every instant of the slot's later part."""
    if slot > ring.newest:
        rings.put(ring, slot, qty)


def _proven(venue: OiVenue, qty: float, gap_ns: int) -> bool:
    """Whether a value may follow the last one; a wild jump waits for a second reading."""
    wild = venue.qty > 0.0 and not 1.0 / JUMP < qty / venue.qty < JUMP
    if not wild or gap_ns > NS_PER_DAY:
        venue.suspect_qty = 0.0
        return True
    agreed = venue.suspect_qty > 0.0 and 1.0 / AGREE < qty / venue.suspect_qty < AGREE
    venue.suspect_qty = 0.0 if agreed else qty
    return agreed


def _at(venue: OiVenue, ns: int, horizon_s: int) -> float | None:
    """Return the value last known at `ns`, a horizon ago, within the venue's age limit."""
    if horizon_s < FINE_HORIZON_S:
        fine = rings.last_known(venue.fine, ns // FINE_NS, FINE_BACK)
        if fine is not None:
            return fine
    return rings.last_known(venue.hours, ns // NS_PER_H, max(venue.age_limit_ns // NS_PER_H, 1))
