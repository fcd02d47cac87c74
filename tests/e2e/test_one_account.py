"""Two daemons with state directories of their own, and one account."""

import pytest

from tests.fakes.daemon import Stand, until

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-one-account")]

UNHEALTHY = 3


def test_a_second_daemon_on_the_same_account_is_refused_or_watches() -> None:
    with Stand() as first, Stand() as second:
        first.start_venue()
        daemon = first.start_daemon()
        second.state.mkdir(mode=0o700)
        (second.state / "venue").symlink_to(first.state / "venue")
        pid = first.venue.pid
        refused = second.run("run")
        assert refused.returncode == UNHEALTHY, refused.stderr
        assert "drives the paper account" in refused.stderr.splitlines()[-1]
        assert "Traceback" not in refused.stderr
        assert first.venue.pid == pid
        assert first.venue.reachable(), "the other's venue goes on"
        watcher = second.start_daemon("--read-only", ready=False)
        began_ns = first.venue.by_hand("BUY", "0.02")
        stops = until(lambda: first.venue.stops_asked(began_ns), "the first protects")
        daemon.await_protected("0.02")
        until(watcher.positions, "the second sees it")
        assert len({row["params"]["clientAlgoId"][:10] for row in stops}) == 1, "one hand alone"
        assert watcher.terminate() == 0
        assert first.venue.reachable(), "who only watched lets the other's venue run on"
        daemon.kill()
        successor = second.start_daemon()
        successor.await_protected("0.02")
