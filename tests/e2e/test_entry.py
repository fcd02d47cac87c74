"""A trade from the sweep of a level to the sweep of its orphans, over HTTP, in real processes."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from tests.e2e.lives import Measured
from tests.fakes.daemon import Daemon, Stand, until
from tests.fakes.market_folder import PRICE
from tests.fakes.venue_handle import VenueHandle

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-entry")]

LEVEL = PRICE - 500.0
"""The level "just below" of tests.fakes.market_folder."""
ENTRY, STOP, TARGET = "ENTRY", "STOP", "TARGET"


@pytest.fixture
def trading() -> Iterator[tuple[Stand, Daemon]]:
    with Stand(BREAKWATER_STRATEGIES__ENABLED='["level_bounce"]') as stand:
        stand.start_venue()
        yield stand, stand.start_daemon()


def enter_by_sweep(daemon: Daemon, venue: VenueHandle) -> dict[str, object]:
    """Sweep the level, come back and stay: level_bounce must enter. Return the entry request."""
    for last in (False, False, True):
        venue.move(LEVEL - 60.0)
        until(lambda: _is_told(daemon, "is SWEPT"), "the sweep is seen")
        venue.move(LEVEL + 60.0)
        try:
            until(lambda: _is_told(daemon, "is RECLAIMED"), "the return is seen", 20.0)
            break
        except AssertionError:
            # on a starved machine the price was below for so many bars that the level broke
            if last:
                raise
    return until(lambda: venue.log(method="POST", path="/order"), "level_bounce enters")[0]


def _is_told(daemon: Daemon, words: str) -> bool:
    rows = daemon.journal("decisions")
    return any(row["kind"] == "level" and words in row["what"] for row in rows)


def test_a_swept_level_is_bought_and_the_stop_works_at_once(
    trading: tuple[Stand, Daemon], measured: Measured
) -> None:
    stand, daemon = trading
    venue = stand.venue
    entry = enter_by_sweep(daemon, venue)
    assert entry["params"]["side"] == "BUY"
    assert entry["params"]["type"] == "LIMIT"
    assert entry["params"]["timeInForce"] == "IOC"
    stop = until(lambda: venue.stops_asked(entry["ns"]), "a stop at the venue")[0]
    measured("entry -> stop asked", (stop["ns"] - entry["ns"]) / 1e9)
    until(venue.covers, "the stop covers the position")
    held = venue.position()
    assert held == Decimal(entry["params"]["quantity"])
    (working,) = venue.stops()
    assert working["side"] == "SELL"
    assert working["reduceOnly"] in (True, "true")
    assert Decimal(working["quantity"]) == held
    assert Decimal(working["triggerPrice"]) < Decimal(LEVEL - 60.0), "beyond the sweep"
    (target,) = until(venue.targets, "a target rests")
    assert target["side"] == "SELL"
    assert target["reduceOnly"] in (True, "true")
    assert Decimal(target["quantity"]) == held
    assert Decimal(target["triggerPrice"]) > Decimal(PRICE)
    # the journal knows why
    (intent,) = [row for row in daemon.journal("intents") if row["purpose"] == ENTRY]
    assert intent["client_order_id"] == entry["params"]["newClientOrderId"]
    assert "swept, reclaimed and held" in intent["reason"]

    # the stop is hit: nothing of ours is left behind
    venue.move(float(working["triggerPrice"]) - 20.0)
    until(lambda: venue.position() == 0, "the stop closes the position")
    until(lambda: not venue.open_algos(), "the target is swept")
    assert not venue.open_orders()
    daemon.await_flat()
    until(lambda: daemon.status()["counters"]["trades"] == 1, "the trade is counted")
    assert venue.position() == 0, "no orphan opened anything anew"


def test_a_hit_target_leaves_no_stop_behind(stand: Stand, measured: Measured) -> None:
    stand.start_venue()
    daemon = stand.start_daemon(BREAKWATER_STRATEGIES__ENABLED='["trip_wire"]')
    venue = stand.venue
    venue.move(80_150.0)
    entry = until(lambda: venue.log(method="POST", path="/order"), "the trip wire enters")[0]
    stop = until(lambda: venue.stops_asked(entry["ns"]), "a stop at the venue")[0]
    measured("entry -> stop asked", (stop["ns"] - entry["ns"]) / 1e9)
    (target,) = until(venue.targets, "a target rests")
    venue.move(float(target["triggerPrice"]) + 20.0)
    until(lambda: venue.position() == 0, "the target closes the position")
    until(lambda: not venue.open_algos(), "the stop is swept")
    daemon.await_flat()
    wins = until(lambda: daemon.status()["counters"]["wins"], "a win is counted")
    assert wins == 1
    assert len(venue.log(method="POST", path="/order")) == 1, "one signal, one entry"
