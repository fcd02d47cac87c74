"""Rows of funding and open interest of any venue, put in order and given their intervals."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from bot.domain.errors import VenueDataInvalid
from bot.domain.market import FundingRate, OpenInterest
from bot.domain.units import NS_PER_H, NS_PER_S, finite
from bot.venue.feeds.contracts import Contract
from bot.venue.streams import believe

Paid = tuple[int, float]
"""(instant of settlement in ns, rate as a fraction)."""


def settled(
    venue: str, contract: Contract, paid: Iterable[Paid], since_ns: int, received_ns: int
) -> tuple[FundingRate, ...]:
    """Return settlements after `since_ns`, oldest first, each with its own interval.

    The interval of a settlement is the step from the one before it; where that is no interval
    (a row is missing) that of the row before counts, and then the listed one.
    """
    rows = sorted({_on_the_hour(at_ns): rate for at_ns, rate in paid}.items())
    steps = _steps_s([at_ns for at_ns, _ in rows], contract.interval_s)
    return tuple(
        FundingRate(
            symbol=contract.symbol,
            event_ns=at_ns,
            received_ns=received_ns,
            venue=venue,
            rate_frac=believe.rate(rate, f"{contract.venue_id} settled funding"),
            interval_s=step_s,
            settled=True,
            next_ns=at_ns + step_s * NS_PER_S,
        )
        for (at_ns, rate), step_s in zip(rows, steps, strict=True)
        if at_ns > since_ns and step_s
    )


def _on_the_hour(at_ns: int) -> int:
    """Settlements fall on full hours; venues tell them some milliseconds late."""
    return (at_ns + NS_PER_H // 2) // NS_PER_H * NS_PER_H


def _steps_s(instants_ns: Sequence[int], listed_s: int | None) -> list[int]:
    """Return the interval before each instant, 0 where it cannot be known."""
    gaps = [(later - earlier) // NS_PER_S for earlier, later in pairwise(instants_ns)]
    known = [gap for gap in gaps if gap in believe.INTERVALS_S]
    step = known[0] if known else listed_s or 0
    steps = [step] if instants_ns else []
    for gap in gaps:
        step = gap if gap in believe.INTERVALS_S else step
        steps.append(step)
    return steps


def interest(
    venue: str, contract: Contract, at_ns: int, units: object, received_ns: int
) -> OpenInterest:
    """Return open interest in our coins; `units` is what the venue counts in."""
    value = finite(units, f"{contract.venue_id} open interest")
    if value < 0.0:
        raise VenueDataInvalid(f"{contract.venue_id} open interest is negative")
    qty = value * contract.qty_factor
    return OpenInterest(contract.symbol, at_ns, received_ns, venue, qty)
