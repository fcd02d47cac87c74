"""A daemon that hangs is ended and comes back; one that is merely blind is left to wait.

Budget: 60 s of one core. The watchdog is 4 s here and 20 s in deploy/breakwater.service.
"""

import os
import signal
import time
from collections.abc import Iterator

import pytest

from tests.fakes.daemon import Stand, until
from tests.process.disturbed import HANG_FILE, PROXY_PORT
from tests.process.manager import Manager
from tests.process.proxy import Proxy
from tests.process.soundness import faults_of

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("process-watchdog")]

WATCHDOG_S = 4.0
BLIND_S = 9.0


@pytest.fixture
def stand() -> Iterator[Stand]:
    with Stand() as made:
        made.start_venue()
        yield made


def tended(manager: Manager, look, what: str):
    """Wait for something while the manager does its work."""

    def both():
        manager.look()
        return look()

    return until(both, what)


def test_a_stopped_daemon_is_ended_and_its_successor_protects(
    stand: Stand, record_property
) -> None:
    with Manager(stand, WATCHDOG_S) as manager:
        tended(manager, lambda: manager.ready and manager.fed >= 3, "ready and fed")
        venue, first = stand.venue, manager.daemon
        venue.by_hand("BUY", "0.02")
        tended(manager, venue.covers, "covered")
        os.kill(first.pid, signal.SIGSTOP)
        began_ns = time.time_ns()
        venue.fault("cancel_conditional")
        tended(manager, lambda: not venue.covers(), "bare, and nobody looks")
        tended(manager, lambda: manager.kills == 1, "the silence is noticed")
        stop, *_ = tended(manager, lambda: venue.stops_asked(began_ns), "the next life protects")
        record_property("e2e_s:SIGSTOP -> stop asked anew", (stop["ns"] - began_ns) / 1e9)
        tended(manager, lambda: manager.ready and venue.covers(), "covered again")
        assert manager.daemon.pid != first.pid
        assert manager.kills == 1
        assert first.popen.returncode == -signal.SIGKILL
        assert faults_of(venue) == []


def test_a_loop_that_lives_while_coverage_hangs_is_not_fed(stand: Stand) -> None:
    """The control socket answers, ticks go on, and still nobody proves that stops are there."""
    hang = stand.root / "hang"
    with Manager(stand, WATCHDOG_S, **{HANG_FILE: str(hang)}) as manager:
        tended(manager, lambda: manager.ready and manager.fed >= 2, "ready and fed")
        hang.touch()
        manager.tend(1.5)
        fed, daemon = manager.fed, manager.daemon
        assert daemon.status(), "its loop is alive"
        tended(manager, lambda: manager.kills == 1, "it is ended all the same")
        assert manager.fed == fed
        hang.unlink()
        tended(manager, lambda: manager.ready and manager.fed > fed + 2, "a new life is fed")
        assert manager.daemon.pid != daemon.pid


def test_a_blind_daemon_is_not_ended_a_restart_would_not_make_it_see(stand: Stand) -> None:
    with (
        Proxy(stand.venue.port) as proxy,
        Manager(stand, 2 * WATCHDOG_S, **{PROXY_PORT: str(proxy.port)}) as manager,
    ):
        tended(manager, lambda: manager.ready and manager.fed >= 2, "ready and fed")
        daemon, fed = manager.daemon, manager.fed
        proxy.black_hole = True
        manager.tend(BLIND_S + WATCHDOG_S)
        assert manager.kills == 0
        assert manager.daemon is daemon
        assert manager.fed > fed
        assert any(status.startswith("blind for") for status in manager.statuses)
        proxy.clear()
        tended(manager, lambda: "ACTIVE" in manager.statuses[-1], "it sees again")
