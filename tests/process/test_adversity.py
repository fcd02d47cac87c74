"""What befalls a machine while a position is held: wrong words, no descriptors, a stop, a crash.

Budget: 40 s of one core.
"""

import os
import resource
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import pytest

from tests.fakes.daemon import Daemon, Stand, until
from tests.process.disturbed import PROXY_PORT
from tests.process.garbage import WORDS, Garbage
from tests.process.proxy import Proxy
from tests.process.soundness import faults_of

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("process-adversity")]

HELD = "0.02"
ANSWERS = 4
"""So many requests get the same wrong words before the next ones come."""
STOPPED_S = 7.0
READY_S = 120.0
"""A line that failed again and again is dialled half a minute later."""


class Scene(NamedTuple):
    """A daemon that holds a stopped position, and what stands between it and its venue."""

    stand: Stand
    daemon: Daemon
    proxy: Proxy
    garbage: Garbage


@pytest.fixture(scope="module")
def whole() -> Iterator[Scene]:
    with Stand() as stand, Garbage() as garbage:
        stand.start_venue(roomy=True)
        with Proxy(stand.venue.port) as proxy:
            daemon = stand.start_daemon(
                module="tests.process.disturbed", **{PROXY_PORT: str(proxy.port)}
            )
            stand.venue.by_hand("BUY", HELD)
            daemon.await_protected(HELD)
            yield Scene(stand, daemon, proxy, garbage)


@pytest.fixture
def scene(whole: Scene) -> Iterator[Scene]:
    yield whole
    until(whole.stand.venue.covers, "covered")
    whole.daemon.await_protected(HELD)
    assert faults_of(whole.stand.venue) == []


def test_wrong_words_of_the_venue_change_no_belief(scene: Scene) -> None:
    """Pages, emptiness, halves and rubbish: what is held stays held, and its stop stays its own."""
    venue, daemon, garbage = scene.stand.venue, scene.daemon, scene.garbage
    (stop,) = venue.stops()
    for words in WORDS.values():
        garbage.answer = words
        scene.proxy.target_port = garbage.port
        scene.proxy.drop()
        answered = garbage.answered
        until(lambda n=answered: garbage.answered >= n + ANSWERS, "wrong words were heard")
        held = until(lambda: [daemon.positions()], "it answers")[0]
        assert [leg["qty"] for leg in held] == [HELD]
    scene.proxy.target_port = venue.port
    scene.proxy.drop()
    daemon.await_ready(READY_S)
    assert [row["clientAlgoId"] for row in venue.stops()] == [stop["clientAlgoId"]]
    assert "Traceback" not in daemon.text()


def test_a_stop_that_vanished_behind_wrong_words_comes_back(scene: Scene) -> None:
    venue, garbage = scene.stand.venue, scene.garbage
    garbage.answer = WORDS["an empty list"]
    scene.proxy.target_port = garbage.port
    scene.proxy.drop()
    venue.fault("cancel_conditional")
    venue.clear_faults()
    answered = garbage.answered
    until(lambda: garbage.answered >= answered + ANSWERS, "emptiness was heard")
    assert not venue.covers()
    scene.proxy.target_port = venue.port
    scene.proxy.drop()
    until(venue.covers, "covered when the venue speaks again")


@contextmanager
def no_descriptors(daemon: Daemon) -> Iterator[None]:
    """As if another program, or a leak, had taken every file descriptor."""
    kind = resource.RLIMIT_NOFILE
    before = resource.prlimit(daemon.pid, kind)
    resource.prlimit(daemon.pid, kind, (8, before[1]))
    try:
        yield
    finally:
        resource.prlimit(daemon.pid, kind, before)


def test_a_daemon_without_descriptors_lives_and_comes_back(scene: Scene) -> None:
    """No new connection can be made, and no file be opened; those that are open go on."""
    venue, daemon = scene.stand.venue, scene.daemon
    with no_descriptors(daemon):
        venue.fault("drop_sockets")
        until(
            lambda: "Too many open files" in daemon.text(), "it is told why nothing can be dialled"
        )
        venue.fault("cancel_conditional")
        venue.clear_faults()
        assert daemon.alive
    until(venue.covers, "covered again, by an old connection or a new one")
    daemon.await_ready(READY_S)
    assert "Traceback" not in daemon.text()


def test_a_process_that_stood_still_looks_before_it_believes(scene: Scene) -> None:
    """As a machine that slept: all deadlines are over, and the world went on without it."""
    venue, daemon = scene.stand.venue, scene.daemon
    os.kill(daemon.pid, signal.SIGSTOP)
    stopped = time.monotonic()
    venue.fault("cancel_conditional")
    venue.clear_faults()
    venue.by_hand("BUY", "0.01")
    until(lambda: time.monotonic() - stopped > STOPPED_S, "it stands still")
    os.kill(daemon.pid, signal.SIGCONT)
    until(venue.covers, "all of it is stopped")
    daemon.await_protected("0.03")
    venue.by_hand("SELL", "0.01", reduce_only=True)
    daemon.await_protected(HELD)
    until(lambda: not faults_of(venue), "nothing doubled, no stop too many")


def test_a_crash_inside_a_library_says_where_it_was() -> None:
    with Stand() as stand:
        stand.start_venue()
        daemon = stand.start_daemon()
        os.kill(daemon.pid, signal.SIGABRT)
        assert daemon.ended() == -signal.SIGABRT
        assert "Fatal Python error: Aborted" in daemon.text()
        assert "run_bot" in daemon.text()
