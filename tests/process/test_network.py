"""A bad network between daemon and venue: slow, sliced, reset, silent.

Budget: 60 s of one core.
"""

import time
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.fakes.daemon import Daemon, Stand, until
from tests.process.disturbed import PROXY_PORT
from tests.process.proxy import Proxy
from tests.process.soundness import faults_of, prove_protected

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("process-network")]

RESETS = 25
HOLE_S = 8.0


class Scene(NamedTuple):
    """A daemon whose every byte goes through a proxy."""

    stand: Stand
    daemon: Daemon
    proxy: Proxy


@pytest.fixture(scope="module")
def whole() -> Iterator[Scene]:
    with Stand() as stand:
        stand.start_venue(roomy=True)  # the readings of the test come from the same address
        with Proxy(stand.venue.port) as proxy:
            daemon = stand.start_daemon(
                module="tests.process.disturbed", **{PROXY_PORT: str(proxy.port)}
            )
            yield Scene(stand, daemon, proxy)


@pytest.fixture
def scene(whole: Scene) -> Iterator[Scene]:
    yield whole
    whole.proxy.clear()
    whole.daemon.await_ready()


def test_the_daemon_speaks_through_the_proxy_alone(scene: Scene) -> None:
    assert scene.proxy.connections >= 2
    prove_protected(scene.stand, scene.daemon, "0.02")


def test_slow_and_sliced(scene: Scene) -> None:
    scene.proxy.latency_s, scene.proxy.slice_bytes = 0.25, 7
    prove_protected(scene.stand, scene.daemon, "0.02")


def test_resets_again_and_again(scene: Scene) -> None:
    venue = scene.stand.venue
    venue.by_hand("BUY", "0.02")
    before = scene.proxy.drops
    while scene.proxy.drops < before + RESETS:
        scene.proxy.drop()
        time.sleep(0.2)
    until(venue.covers, "covered in the end")
    until(lambda: not faults_of(venue), "nothing doubled, no stop too many")
    venue.by_hand("SELL", "0.02", reduce_only=True)
    until(lambda: not venue.open_algos(), "nothing is left behind")


def test_a_black_hole_is_told_and_survived(scene: Scene, record_property) -> None:
    """Connections stay open and nothing passes: no error ever comes from the system."""
    venue, daemon = scene.stand.venue, scene.daemon
    until(lambda: daemon.status()["mode"] == "ACTIVE", "ready")
    scene.proxy.black_hole = True
    began = time.monotonic()
    daemon.await_mode("REDUCING")
    venue.by_hand("BUY", "0.02")
    until(lambda: time.monotonic() - began > HOLE_S, "the hole lasts")
    assert daemon.alive
    scene.proxy.clear()
    ended = time.monotonic()
    until(venue.covers, "what came during the hole is stopped")
    record_property("e2e_s:black hole over -> covered", time.monotonic() - ended)
    until(lambda: not faults_of(venue), "nothing doubled")
    venue.by_hand("SELL", "0.02", reduce_only=True)
    until(lambda: not venue.open_algos(), "nothing is left behind")


def test_a_venue_that_refuses_connections(scene: Scene) -> None:
    daemon = scene.daemon
    scene.proxy.refuses = True
    scene.proxy.drop()
    daemon.await_mode("REDUCING")
    assert daemon.positions() == []
    scene.proxy.clear()
    daemon.await_ready()
    prove_protected(scene.stand, daemon, "0.02")
