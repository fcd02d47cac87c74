"""The venue gone, silent or angry: entries stop, stops stay, protection goes on."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
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
from tests.fakes.daemon import Stand, until
from tests.fakes.venue_handle import VenueHandle

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-outage")]

FREEZE_S = 15.0
BAN_S = 10
IN_FLIGHT_NS = 500_000_000
"""What was on its way when the ban was told still arrives."""


@pytest.fixture(autouse=True)
def _no_faults_left(life: Lives) -> Iterator[None]:
    yield
    life.venue.clear_faults()


@contextmanager
def nobody_may_start_a_venue(stand: Stand) -> Iterator[None]:
    """Hold the lock of the venue's book: whoever would start it anew has to wait."""
    handle = os.open(stand.state / "venue" / "lock", os.O_RDWR)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def test_a_killed_venue_is_started_anew_and_everything_goes_on(measured: Measured) -> None:
    with Stand(**ENV) as stand:
        process = stand.start_venue()
        daemon = stand.start_daemon()
        venue = stand.venue
        venue.move(80_150.0)
        until(venue.covers, "a trade with its stop")
        until(venue.targets, "and its target")
        before = daemon.await_protected()
        stops, targets = venue.stops(), venue.targets()
        process.kill()
        with nobody_may_start_a_venue(stand):
            blind = daemon.await_mode("REDUCING")
            assert blind["positions"] == 1, "unread is not flat"
            until(lambda: not daemon.status()["user_stream_live"], "the stream is known dead")
            assert daemon.alive
        began = time.monotonic()
        until(lambda: stand.venue.pid != venue.pid and stand.venue.reachable(), "a new venue")
        daemon.await_ready()
        measured("venue may start -> ACTIVE", time.monotonic() - began)
        venue = stand.venue
        assert [row["clientAlgoId"] for row in venue.stops()] == [
            row["clientAlgoId"] for row in stops
        ]
        assert [row["clientAlgoId"] for row in venue.targets()] == [
            row["clientAlgoId"] for row in targets
        ]
        after = daemon.await_protected(before["qty"])
        assert after["opened_by"] == "trip_wire"
        began_ns = venue.by_hand("BUY", "0.01")
        until(lambda: venue.stops_asked(began_ns), "protection works")
        until(venue.covers, "covered")


def test_frozen_prices_stop_entries_and_not_protection(life: Lives, measured: Measured) -> None:
    """Marks, trades and book are silent for 15 s; the sockets stay open."""
    daemon, venue = life.victim(), life.venue
    venue.fault("freeze", stream="btcusdt@*", duration_s=FREEZE_S)
    frozen = time.monotonic()
    until(lambda: (daemon.status()["markets"][0]["mark_age_s"] or 0) > 5.0, "the mark is old")
    began_ns = venue.by_hand("BUY", "0.02")
    (stop, *_) = until(lambda: venue.stops_asked(began_ns), "a stop all the same")
    measured("by hand, prices frozen -> stop asked", (stop["ns"] - began_ns) / 1e9)
    until(venue.covers, "covered")
    assert time.monotonic() - frozen < FREEZE_S, "this was meant to happen during the silence"
    venue.by_hand("SELL", "0.02", reduce_only=True)
    until(lambda: not venue.open_algos(), "and removed")
    until(lambda: time.monotonic() - frozen > FREEZE_S, "the silence is over")
    daemon.await_ready()
    until(lambda: (daemon.status()["markets"][0]["mark_age_s"] or 9.0) < 3.0, "prices are fresh")
    assert_one_life(daemon, venue, life.enter())


def test_an_entry_on_an_old_mark_is_refused(life: Lives) -> None:
    """Trades go on and make the strategy wish; the mark that risk is reckoned by is silent."""
    daemon, venue = life.victim(), life.venue
    venue.fault("freeze", stream="btcusdt@markPrice*", duration_s=FREEZE_S)
    until(lambda: (daemon.status()["markets"][0]["mark_age_s"] or 0) > 5.5, "the mark is old")
    wire = life.next_wire()
    until(lambda: _stale(daemon.journal("decisions"), wire), "the entry is refused as stale")
    assert not entries(venue, wire)
    assert venue.position() == 0


def _stale(decisions: list[dict[str, Any]], wire: int) -> bool:
    """Whether the wish of `wire` was refused, and for the age of the price."""
    told = [row for row in decisions if row["kind"] in ("refusal", "signal")][:2]
    if len(told) < 2 or f"wire {wire} " not in told[1]["why"]:
        return False
    return "price older" in told[0]["why"] or "PRICE_STALE" in told[0]["why"]


def test_all_streams_frozen_rest_alone_protects(life: Lives, measured: Measured) -> None:
    daemon, venue = life.victim(), life.venue
    venue.fault("freeze", stream="*", duration_s=FREEZE_S)
    began_ns = venue.by_hand("BUY", "0.02")
    (stop, *_) = until(lambda: venue.stops_asked(began_ns), "coverage reads it by REST")
    measured("by hand, every stream frozen -> stop asked", (stop["ns"] - began_ns) / 1e9)
    until(venue.covers, "covered")
    daemon.await_protected("0.02")
    venue.clear_faults()
    daemon.await_ready()


def test_a_ban_is_met_with_silence(life: Lives) -> None:
    daemon, venue = life.victim(), life.venue
    wire = life.enter()
    until(venue.covers, "covered")
    assert_one_life(daemon, venue, wire)
    stops = [row["clientAlgoId"] for row in venue.stops()]
    first_ns, end_ns = ban(venue)
    until(lambda: daemon.status()["mode"] != "ACTIVE" or time.time_ns() > end_ns, "it is noticed")
    until(lambda: time.time_ns() > end_ns, "the ban ends")
    during = asked_between(venue, first_ns + IN_FLIGHT_NS, end_ns)
    assert not during, f"{len(during)} requests during the ban: {during[:5]}"
    daemon.await_ready()
    assert not [row for row in venue.log(since_ns=end_ns) if row["status"] == 418]
    assert [row["clientAlgoId"] for row in venue.stops()] == stops, "the stop never moved"
    assert_nothing_doubled(life, daemon, wire)


def test_what_a_human_does_during_a_ban_is_stopped_when_it_ends(
    life: Lives, measured: Measured
) -> None:
    daemon, venue = life.victim(), life.venue
    wire = life.enter()
    until(venue.covers, "covered")
    assert_one_life(daemon, venue, wire)
    held = venue.position()
    first_ns, end_ns = ban(venue)
    venue.by_hand("BUY", "0.01")  # told by the stream alone
    until(lambda: time.time_ns() > end_ns, "the ban ends")
    during = asked_between(venue, first_ns + IN_FLIGHT_NS, end_ns)
    assert not during, f"{len(during)} requests during the ban: {during[:5]}"
    (stop, *_) = until(lambda: venue.stops_asked(end_ns), "the added quantity is covered")
    measured("ban over -> stop asked", (stop["ns"] - end_ns) / 1e9)
    daemon.await_ready()
    assert venue.position() == held + Decimal("0.01"), "a ban is no reason to give a trade up"
    until(venue.covers, "covered")
    until(lambda: len(venue.stops()) == 1, "one stop of the whole position")
    assert_nothing_doubled(life, daemon, wire)


def ban(venue: VenueHandle) -> tuple[int, int]:
    """Ban the address from its next request on; return when it was told and when it ends (ns)."""
    asked_ns = time.time_ns()
    venue.fault("ban", times=1, retry_after_s=BAN_S)
    (first, *_) = until(
        lambda: [row for row in venue.log(since_ns=asked_ns) if row["status"] == 418], "418"
    )
    return first["ns"], first["ns"] + BAN_S * 10**9


def asked_between(venue: VenueHandle, from_ns: int, to_ns: int) -> list[str]:
    return [
        f"{row['method']} {row['path']} {(row['ns'] - from_ns) / 1e9:.2f} s"
        for row in venue.log(since_ns=from_ns)
        if row["ns"] < to_ns
    ]


def test_a_rate_limit_is_met_with_silence_and_protection_survives(life: Lives) -> None:
    daemon, venue = life.victim(), life.venue
    began_ns = time.time_ns()
    venue.fault(
        "reject", times=1, http_status=429, code=-1003, message="Too many requests.",
        retry_after_s=3.0,
    )  # fmt: skip
    first = until(
        lambda: [row for row in venue.log(since_ns=began_ns) if row["status"] == 429], "429"
    )[0]
    end_ns = first["ns"] + 3 * 10**9
    venue.by_hand("BUY", "0.02")
    until(lambda: venue.stops_asked(first["ns"]), "a stop")
    until(venue.covers, "covered")
    early = asked_between(venue, first["ns"] + IN_FLIGHT_NS, end_ns)
    private = [line for line in early if "openAlgo" not in line and "positionRisk" not in line]
    assert not private, f"the bot did not wait: {private}"
    daemon.await_ready()


def test_a_halted_contract_is_never_left_bare_for_long(life: Lives) -> None:
    """Nothing can be sent while it is halted; then a stop, or an exit: both are safe."""
    daemon, venue = life.victim(), life.venue
    wire = life.enter()
    until(venue.covers, "covered")
    assert_one_life(daemon, venue, wire)
    venue.fault("halt", symbol="BTCUSDT")
    venue.fault("cancel_conditional")
    until(lambda: not daemon.positions()[0]["protected"], "it is known to be bare")
    venue.clear_faults("halt")
    until(lambda: venue.covers() or venue.position() == 0, "covered or closed, once it trades")
    until(lambda: all(leg["protected"] for leg in daemon.positions()), "and known to be")
