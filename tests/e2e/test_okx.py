"""The whole daemon on an account at OKX: a position by hand is stopped, through a kill."""

from decimal import Decimal

import pytest

from tests.e2e.lives import Measured
from tests.fakes.daemon import until
from tests.fakes.okx_handle import OkxStand

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-okx")]


def test_a_position_by_hand_is_stopped_and_stays_so_through_a_kill(measured: Measured) -> None:
    with OkxStand() as stand:
        stand.start_venue(roomy=True)
        daemon = stand.start_daemon()
        venue = stand.venue
        began_ns = venue.by_hand("SELL", "0.05")
        asked = until(lambda: venue.stops_asked(began_ns), "a stop at the venue")[0]
        measured("okx: by hand -> stop asked", (asked["ns"] - began_ns) / 1e9)
        until(venue.covers, "the stop covers it")
        daemon.await_protected("0.05")
        daemon.kill()
        assert venue.covers(), "the stop lives at the venue, not in the daemon"
        grown_ns = venue.by_hand("SELL", "0.02")
        again = stand.start_daemon(ready=False)
        until(venue.covers, "the whole position is covered anew")
        asked = venue.stops_asked(grown_ns)[0]
        measured("okx: start -> stop asked", (asked["ns"] - grown_ns) / 1e9)
        again.await_protected("0.07")
        until(lambda: len(venue.stops()) == 1, "the old stop went after the new one came")
        assert venue.position() == Decimal("-0.07")
        venue.move(float(venue.stops()[0]["slTriggerPx"]) + 200.0)
        until(lambda: venue.position() == 0, "the stop filled")
        again.await_flat()
        assert again.terminate() == 0
