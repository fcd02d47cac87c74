"""The whole daemon on a unified account at Bybit: a position by hand is stopped, through a kill."""

from decimal import Decimal

import pytest

from tests.e2e.lives import Measured
from tests.fakes.bybit_handle import BybitStand
from tests.fakes.daemon import until

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-bybit")]


def test_a_position_by_hand_is_stopped_and_stays_so_through_a_kill(measured: Measured) -> None:
    with BybitStand() as stand:
        stand.start_venue(roomy=True)
        daemon = stand.start_daemon()
        venue = stand.venue
        began_ns = venue.by_hand("SELL", "0.05")
        asked = until(lambda: venue.stops_asked(began_ns), "a stop at the venue")[0]
        measured("bybit: by hand -> stop asked", (asked["ns"] - began_ns) / 1e9)
        until(venue.covers, "the stop covers it")
        leg = daemon.await_protected("0.05")
        assert leg["opened_by"] == "by hand"
        daemon.kill()
        assert venue.covers(), "the stop lives at the venue, not in the daemon"
        # while nobody lives, a hand grows the position beyond its stop
        grown_ns = venue.by_hand("SELL", "0.02")
        again = stand.start_daemon(ready=False)
        until(venue.covers, "the whole position is covered anew")
        asked = venue.stops_asked(grown_ns)[0]
        measured("bybit: start -> stop asked", (asked["ns"] - grown_ns) / 1e9)
        again.await_protected("0.07")
        again.await_mode("ACTIVE")
        until(lambda: len(venue.stops()) == 1, "the old stop went after the new one came")
        assert venue.position() == Decimal("-0.07")
        (stop,) = venue.stops()
        assert stop["orderLinkId"].startswith("bw")
        venue.move(float(stop["triggerPrice"]) + 200.0)
        until(lambda: venue.position() == 0, "the stop filled")
        again.await_flat()
        acts = {row["path"] for row in venue.log(method="POST")}
        assert acts <= {"/v5/order/create", "/v5/order/cancel"}
        assert again.terminate() == 0


def test_a_venue_that_speaks_another_protocol_is_not_taken_over() -> None:
    with BybitStand() as stand:
        stand.start_venue(BREAKWATER_VENUES__EXCHANGE="binance")
        ended = stand.run("run")
        assert ended.returncode != 0
        assert "speaks binance, venues.exchange is bybit" in ended.stderr
        assert "Traceback" not in ended.stderr
