"""What somebody sees who types `./run` and nothing else: the market and settings as shipped."""

import time

import pytest

from tests.e2e.lives import Measured
from tests.fakes.daemon import Stand, until

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-front-door")]

OF_THE_STAND = (
    "BREAKWATER_BREAKWATER__PAPER__SCENARIO",
    "BREAKWATER_BREAKWATER__PAPER__BAR_S",
    "BREAKWATER_STRATEGIES__ENABLED",
    "BREAKWATER_LEVELS__BOOK",
)
"""What a stand changes for other tests."""
PATIENCE_S = 180.0
"""Three times the promise; the opening sweeps its level three times within two minutes."""


def test_out_of_the_box_a_trade_is_taken_and_stopped(measured: Measured) -> None:
    with Stand() as stand:
        for name in OF_THE_STAND:
            del stand.env[name]
        began = time.monotonic()
        daemon = stand.start_daemon(ready=False)
        # asked of the bot: questions to the venue would eat the weight its orders need
        until(daemon.positions, "a first trade", PATIENCE_S)
        measured("first start -> first trade", time.monotonic() - began)
        until(stand.venue.covers, "its stop rests at the venue")
        leg = daemon.await_protected()
        assert leg["opened_by"] == "level_bounce"
        told = daemon.text()
        assert "swept, reclaimed and held" in told, "it says why"
        assert "protective stop" in told
        assert set(daemon.status()["counters"]["refusals"]) <= {"ENTRY_PENDING"}
        assert daemon.terminate() == 0
