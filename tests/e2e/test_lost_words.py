"""Answers lost, late, doubled and wrong: one order per intent, one stop per position."""

import time
from decimal import Decimal
from typing import Any

import pytest

from tests.e2e.lives import (
    ENV,
    Lives,
    Measured,
    assert_nothing_doubled,
    assert_one_life,
    entries,
)
from tests.fakes.daemon import Daemon, Stand, until
from tests.fakes.venue_handle import VenueHandle

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-lost-words")]

ORDER = {"method": "POST", "path": "/fapi/v1/order"}
ALGO = {"method": "POST", "path": "/fapi/v1/algoOrder"}
UNSURE: dict[str, dict[str, Any]] = {
    "the answer is lost": {"kind": "lose_ack"},
    "503, execution unknown": {
        "kind": "reject",
        "http_status": 503,
        "code": 0,
        "message": "Unknown error, please check your request or try again later.",
        "executes": True,
    },
    "-1007, send status unknown": {
        "kind": "reject",
        "http_status": 408,
        "code": -1007,
        "message": "Timeout waiting for response from backend server.",
        "executes": True,
    },
    "it arrives three seconds late": {"kind": "late_accept", "delay_s": 3.0},
}


@pytest.fixture(autouse=True)
def _no_faults_left(life: Lives):
    yield
    life.venue.clear_faults()


@pytest.mark.parametrize("fault", UNSURE.values(), ids=list(UNSURE))
def test_an_entry_of_unknown_outcome_is_found_and_stopped(
    life: Lives, fault: dict[str, Any], measured: Measured
) -> None:
    daemon, venue = life.victim(), life.venue
    venue.fault(**fault, **ORDER, times=1)
    began_ns = time.time_ns()
    wire = life.next_wire()
    until(venue.position, "the entry is executed")
    (stop, *_) = until(lambda: venue.stops_asked(began_ns), "a stop at the venue")
    (asked, *_) = until(lambda: _orders(venue, began_ns, 1), "the entry is in the log")
    measured("unsure entry -> stop asked", (stop["ns"] - asked["ns"]) / 1e9)
    until(venue.covers, "covered")
    assert_one_life(daemon, venue, wire)
    assert_nothing_doubled(life, daemon, wire)
    assert len(venue.log(since_ns=began_ns, method="POST", path="/order")) == 1, "never sent blind"


@pytest.mark.parametrize("fault", [*UNSURE.values(), {"kind": "lose_request"}], ids=str)
def test_a_stop_of_unknown_outcome_ends_as_one_stop(life: Lives, fault: dict[str, Any]) -> None:
    daemon, venue = life.victim(), life.venue
    venue.fault(**fault, **ALGO, times=1)
    wire = life.enter()
    until(lambda: venue.covers() or not venue.position(), "covered all the same")
    assert venue.position(), "one lost word is no reason to give a good trade up"
    assert_one_life(daemon, venue, wire)
    assert_nothing_doubled(life, daemon, wire)


def test_an_entry_that_never_arrived_is_not_sent_again(life: Lives) -> None:
    daemon, venue = life.victim(), life.venue
    venue.fault("lose_request", **ORDER, times=1)
    began_ns = time.time_ns()
    wire = life.next_wire()
    sent = until(lambda: venue.log(since_ns=began_ns, method="POST", path="/order"), "it is sent")
    until(lambda: venue.log(since_ns=began_ns, method="GET", path="/order"), "it is asked for")
    assert daemon.status()["entries_pending"] == 1, "unknown counts as exposure"
    # the first may still appear and counts as open: its level has no room for a further signal
    refused = refusals(daemon)
    life.next_wire()
    until(lambda: refusals(daemon) > refused, "refused")
    again = venue.log(since_ns=began_ns, method="POST", path="/order")
    assert [row["params"]["newClientOrderId"] for row in again] == [
        row["params"]["newClientOrderId"] for row in sent
    ]
    assert not entries(venue, wire)


def test_a_stop_that_would_trigger_at_once_becomes_a_market_exit(
    life: Lives, measured: Measured
) -> None:
    daemon, venue = life.victim(), life.venue
    venue.fault("gap", **ALGO, times=1, move_frac=-0.03)
    began_ns = time.time_ns()
    life.next_wire()
    refused = until(
        lambda: [row for row in venue.log(since_ns=began_ns, **ALGO) if row["code"] == -2021],
        "-2021 on the stop",
    )[0]
    until(lambda: venue.position() == 0, "flattened")
    (_, exit_, *_) = until(lambda: _orders(venue, began_ns, 2), "entry and exit are in the log")
    assert exit_["params"]["type"] == "MARKET"
    assert exit_["params"]["reduceOnly"] == "true"
    measured("-2021 -> exit asked", (exit_["ns"] - refused["ns"]) / 1e9)
    until(lambda: not venue.open_algos(), "nothing is left behind")
    daemon.await_flat()


@pytest.mark.parametrize("code", [-1013, -4131, -9999])
def test_a_stop_that_is_always_refused_ends_in_a_flat_account(life: Lives, code: int) -> None:
    daemon, venue = life.victim(), life.venue
    venue.fault("reject", **ALGO, code=code, message="no")
    life.next_wire()
    until(lambda: entries(venue, life.wire), "an entry")
    until(lambda: venue.position() == 0, "a position that cannot be stopped is closed")
    assert all(int(row["code"] or 0) == code for row in venue.log(since_ns=_since(venue), **ALGO))
    daemon.await_flat()


def _orders(venue: VenueHandle, since_ns: int, least: int) -> list[dict[str, Any]]:
    """The orders asked for, once there are so many: a request is logged after it was answered."""
    rows = venue.log(since_ns=since_ns, method="POST", path="/order")
    return rows if len(rows) >= least else []


def refusals(daemon: Daemon) -> int:
    return sum(daemon.status()["counters"]["refusals"].values())


def _since(venue: Any) -> int:
    return venue.log(method="POST", path="/order")[-2]["ns"]


def test_a_stop_that_vanishes_without_a_word_is_replaced(life: Lives, measured: Measured) -> None:
    daemon, venue = life.victim(), life.venue
    wire = life.enter()
    until(venue.covers, "covered")
    assert_one_life(daemon, venue, wire)
    gone_ns = time.time_ns()
    venue.fault("cancel_conditional")
    assert not venue.stops()
    (stop, *_) = until(lambda: venue.stops_asked(gone_ns), "a new stop")
    measured("silent cancel -> stop asked", (stop["ns"] - gone_ns) / 1e9)
    until(venue.covers, "covered again")
    until(lambda: len(venue.stops()) == 1, "one stop")
    until(venue.targets, "the target is back as well")


def test_a_stop_stuck_while_triggering_is_not_trusted(measured: Measured) -> None:
    """On a stand of its own: a stuck order can never be cancelled."""
    with Stand(**ENV) as stand:
        life = Lives(stand)
        daemon, venue = life.victim(), life.venue
        wire = life.enter()
        until(venue.covers, "covered")
        assert_one_life(daemon, venue, wire)
        venue.fault("stick_triggering", symbol="BTCUSDT")
        crossed_ns = time.time_ns()
        venue.move(float(venue.stops()[0]["triggerPrice"]) - 30.0)
        until(lambda: venue.position() == 0, "closed by other means")
        (exit_, *_) = until(lambda: _orders(venue, crossed_ns, 1), "the exit is in the log")
        assert exit_["params"]["reduceOnly"] == "true"
        measured("stuck stop -> exit asked", (exit_["ns"] - crossed_ns) / 1e9)
        daemon.await_flat()


def test_a_dropped_user_stream_is_made_up_for(life: Lives, measured: Measured) -> None:
    daemon, venue = life.victim(), life.venue
    venue.fault("drop_sockets", stream="user")
    began_ns = venue.by_hand("BUY", "0.02")
    (stop, *_) = until(lambda: venue.stops_asked(began_ns), "a stop though nobody told")
    measured("by hand, user stream down -> stop asked", (stop["ns"] - began_ns) / 1e9)
    until(venue.covers, "covered")
    until(lambda: daemon.status()["user_stream_live"], "the stream is back")
    daemon.await_mode("ACTIVE")
    daemon.await_protected("0.02")
    until(lambda: len(venue.stops()) == 1, "one stop")


def test_an_expired_listen_key_is_renewed(life: Lives) -> None:
    daemon, venue = life.victim(), life.venue
    opened = len(venue.log(method="POST", path="/listenKey"))
    venue.control("POST", "listen_key/expire")
    venue.by_hand("BUY", "0.02")
    until(venue.covers, "covered by what REST shows")
    until(lambda: len(venue.log(method="POST", path="/listenKey")) > opened, "a new key")
    until(lambda: daemon.status()["user_stream_live"], "the stream is back")
    daemon.await_mode("ACTIVE")
    began_ns = venue.by_hand("SELL", "0.02", reduce_only=True)
    until(lambda: venue.log(since_ns=began_ns, method="DELETE", path="/algoOrder"), "told anew")


@pytest.mark.parametrize("kind", ["duplicate", "reorder"])
def test_doubled_and_disordered_frames_change_nothing(life: Lives, kind: str) -> None:
    daemon, venue = life.victim(), life.venue
    trades = daemon.status()["counters"]["trades"]
    venue.fault(kind, stream="user")
    wire = life.enter()
    until(venue.covers, "covered")
    assert_one_life(daemon, venue, wire)
    venue.move(float(venue.stops()[0]["triggerPrice"]) - 30.0)
    until(lambda: venue.position() == 0, "the stop fills")
    daemon.await_flat()
    until(lambda: daemon.status()["counters"]["trades"] == trades + 1, "the trade is counted once")
    fills = daemon.journal("fills")
    assert len({(row["symbol"], row["trade_id"]) for row in fills}) == len(fills)
    until(
        lambda: (
            abs(Decimal(str(daemon.status()["wallet_usd"])) - venue.wallet_usd()) < Decimal("0.02")
        ),
        "the wallet is the venue's",
    )
    assert_nothing_doubled(life, daemon, wire)


def test_a_venue_clock_that_jumps_is_followed(life: Lives) -> None:
    daemon, venue = life.victim(), life.venue
    venue.fault("skew_clock", offset_ms=-8_000)
    began_ns = venue.by_hand("BUY", "0.02")
    until(lambda: venue.stops_asked(began_ns), "a stop all the same")
    venue.clear_faults()
    until(venue.covers, "covered")
    daemon.await_mode("ACTIVE")
