"""What must hold at the venue whatever happened to the daemon."""

from collections import Counter
from decimal import Decimal

from tests.fakes.daemon import Daemon, Stand, until
from tests.fakes.venue_handle import VenueHandle

STOPS_MAX = 2


def faults_of(venue: VenueHandle, *, at_rest: bool = True) -> list[str]:
    """Return what is wrong with our orders at the venue: doubled ids, too many or opening stops.

    Not `at_rest`: a stop that is placed before the old one goes may be a third one for a moment.
    """
    found = []
    plain = [row["clientOrderId"] for row in venue.all_orders() if not row.get("algoId")]
    algos = venue.all_algos()
    conditional = [row["clientAlgoId"] for row in algos]
    fired = {row["clientAlgoId"] for row in algos if row["actualOrderId"]}
    for names in (plain, conditional):
        found += [
            f"{name}: {times} orders of one id"
            for name, times in Counter(names).items()
            if times > 1 and name.startswith("bw") and name not in fired
        ]
    resting = [row for row in venue.stops() if row["clientAlgoId"].startswith("bw")]
    if at_rest and len(resting) > STOPS_MAX:
        found.append(f"{len(resting)} stops rest at once")
    found += [
        f"{row['clientAlgoId']} is not reduce-only"
        for row in resting
        if not any(row[flag] in (True, "true") for flag in ("reduceOnly", "closePosition"))
    ]
    return found


def prove_protected(stand: Stand, daemon: Daemon, qty: str, patience_s: float = 30.0) -> None:
    """Open by hand, see a stop of all of it, close by hand, see nothing left behind."""
    venue = stand.venue
    assert venue.position() == 0
    venue.by_hand("BUY", qty)
    until(venue.covers, "what a human opened is stopped", patience_s)
    assert venue.position() == Decimal(qty)
    assert daemon.alive
    assert faults_of(venue) == []
    venue.by_hand("SELL", qty, reduce_only=True)
    until(lambda: not venue.open_algos(), "nothing is left behind", patience_s)
    assert venue.position() == 0
