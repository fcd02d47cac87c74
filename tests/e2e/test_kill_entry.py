"""kill -9 between intent, send, acknowledgement and fill: no order is lost or doubled."""

import time

import pytest

from tests.e2e.lives import (
    WHEN,
    Lives,
    Measured,
    assert_nothing_doubled,
    assert_one_life,
    prove_nothing_lost_or_doubled,
)
from tests.fakes.daemon import until

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-kill-entry")]

LATE_S = 8.0
POINTS = (
    "decided",
    "belief written",
    "intent written",
    "entry submitted",
    "entry on the wire",
    "entry answered",
    "entry accepted",
    "fill told",
    "fill folded",
    "fill journaled",
)


@pytest.mark.parametrize("when", WHEN)
@pytest.mark.parametrize("point", POINTS)
def test_a_kill_around_the_entry_loses_and_doubles_nothing(
    life: Lives, point: str, when: str, measured: Measured
) -> None:
    prove_nothing_lost_or_doubled(life, point, when, measured)


def test_an_entry_that_arrives_after_death_is_found_and_stopped(
    life: Lives, measured: Measured
) -> None:
    """The request is under way for seconds: the next life begins before the order exists."""
    victim, venue = life.victim(), life.venue
    venue.fault("late_accept", method="POST", path="/fapi/v1/order", times=1, delay_s=LATE_S)
    began_ns = time.time_ns()
    wire = life.next_wire()
    asked = until(
        lambda: venue.log(since_ns=began_ns, method="POST", path="/order"), "the entry is sent"
    )[0]
    victim.kill()
    assert venue.position() == 0, "not executed yet"
    daemon = life.start()
    until(venue.position, "the order arrives after all")
    (stop, *_) = until(lambda: venue.stops_asked(began_ns), "a stop at the venue")
    measured("late entry -> stop asked", (stop["ns"] - asked["ns"]) / 1e9 - LATE_S)
    assert_one_life(daemon, venue, wire)
    assert_nothing_doubled(life, daemon, wire)
