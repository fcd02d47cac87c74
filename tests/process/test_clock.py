"""The wall clock jumps under a running daemon: protection does not care, entries do.

Budget: 40 s of one core.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.fakes.daemon import Daemon, Stand, until
from tests.process.disturbed import CLOCK_FILE, OFFSET
from tests.process.soundness import prove_protected

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("process-clock")]

STEPS_S = (3.0, -3.0, 60.0, -60.0, 3_600.0, -86_400.0)


class Clocked(NamedTuple):
    """A daemon whose wall clock can be set."""

    stand: Stand
    daemon: Daemon
    file: Path

    def step_to(self, offset_s: float) -> None:
        with self.file.open("r+b") as file:
            file.write(OFFSET.pack(round(offset_s * 1e9)))


@pytest.fixture
def clocked() -> Iterator[Clocked]:
    with Stand() as stand:
        file = stand.root / "clock"
        file.write_bytes(OFFSET.pack(0))
        stand.start_venue()
        daemon = stand.start_daemon(module="tests.process.disturbed", **{CLOCK_FILE: str(file)})
        yield Clocked(stand, daemon, file)


def test_steps_of_the_clock_leave_nothing_bare(clocked: Clocked) -> None:
    """Forward and back, by seconds, an hour and a day: every request is signed anew in time."""
    prove_protected(clocked.stand, clocked.daemon, "0.01")
    for step_s in STEPS_S:
        clocked.step_to(step_s)
        prove_protected(clocked.stand, clocked.daemon, "0.01")
        clocked.step_to(0.0)
        prove_protected(clocked.stand, clocked.daemon, "0.01")
    assert clocked.daemon.alive
    assert "Traceback" not in clocked.daemon.text()


def test_a_held_position_stays_covered_by_the_same_stop(clocked: Clocked) -> None:
    venue = clocked.stand.venue
    venue.by_hand("BUY", "0.02")
    until(venue.covers, "covered")
    clocked.daemon.await_protected("0.02")
    (stop,) = venue.stops()
    for step_s in (30.0, -30.0, 7_200.0, 0.0):
        passes = clocked.daemon.ask("doctor")
        assert passes
        clocked.step_to(step_s)
        began_ns = time.time_ns()
        until(
            lambda since_ns=began_ns: len(venue.log(since_ns=since_ns, path="/positionRisk")) >= 2,
            "the account is read after the step",
        )
        assert venue.covers()
    assert venue.stops()[0]["clientAlgoId"] == stop["clientAlgoId"]
