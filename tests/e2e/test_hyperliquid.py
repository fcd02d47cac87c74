"""The whole daemon on an account at Hyperliquid: a position by hand is stopped, through a kill."""

from decimal import Decimal

import pytest

from tests.e2e.lives import Measured
from tests.fakes.daemon import until
from tests.fakes.hyperliquid_handle import HyperliquidStand

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-hyperliquid")]


def test_a_position_by_hand_is_stopped_and_stays_so_through_a_kill(measured: Measured) -> None:
    with HyperliquidStand() as stand:
        stand.start_venue(roomy=True)
        daemon = stand.start_daemon()
        venue = stand.venue
        began_ns = venue.by_hand("BUY", "0.05")
        asked = until(lambda: venue.stops_asked(began_ns), "a stop at the venue")[0]
        measured("hyperliquid: by hand -> stop asked", (asked["ns"] - began_ns) / 1e9)
        until(venue.covers, "the stop covers it")
        leg = daemon.await_protected("0.05")
        assert leg["opened_by"] == "by hand"
        daemon.kill()
        (before,) = venue.stops()
        assert venue.covers(), "the stop lives at the venue, not in the daemon"
        # while nobody lives a hand takes the stop away by growing the position beyond it
        grown_ns = venue.by_hand("BUY", "0.02")
        again = stand.start_daemon(ready=False)
        until(venue.covers, "the whole position is covered anew")
        asked = venue.stops_asked(grown_ns)[0]
        measured("hyperliquid: start -> stop asked", (asked["ns"] - grown_ns) / 1e9)
        again.await_protected("0.07")
        again.await_mode("ACTIVE")
        until(lambda: len(venue.stops()) == 1, "the old stop went after the new one came")
        assert venue.stops()[0]["oid"] != before["oid"]
        assert venue.position() == Decimal("0.07")
        ours = {row["cloid"][:5] for row in venue.stops()}
        assert ours == {"0xb3e"}
        trigger = float(venue.stops()[0]["triggerPx"])
        venue.move(trigger - 200.0)
        until(lambda: venue.position() == 0, "the stop filled")
        again.await_flat()
        acts = {row["path"] for row in venue.log(path="") if row["path"].startswith("/exchange")}
        assert acts <= {"/exchange/stop", "/exchange/order", "/exchange/cancelByCloid"}
        assert again.terminate() == 0
