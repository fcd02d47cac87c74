"""SIGTERM and the next start: stops stay, plan, latch and anchors survive, the exit is clean."""

import time
from collections.abc import Iterator
from decimal import Decimal

import pytest

from tests.e2e.lives import ENV, Measured
from tests.fakes.daemon import Daemon, Stand, until
from tests.fakes.kill_points import FILE
from tests.fakes.market_folder import PRICE
from tests.fakes.postgres import ON_SERVER_AT_LENGTH

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-restart")]

EXIT_S = 15.0


@pytest.fixture(params=["sqlite", ON_SERVER_AT_LENGTH])
def stand(request: pytest.FixtureRequest) -> Iterator[Stand]:
    """The same lives with the state in a file and on a server."""
    more = {}
    if request.param == "postgres":
        server = request.getfixturevalue("postgres")
        more["BREAKWATER_STATE__URL"] = server.url(server.database())
    with Stand(**more) as made:
        yield made


FLOOR_FRAC = Decimal("0.19")


def test_sigterm_leaves_the_stops_and_the_next_start_takes_over(
    stand: Stand, measured: Measured
) -> None:
    """The venue was started by the daemon itself here, and ends with it; its book is kept."""
    daemon = stand.start_daemon(**ENV)
    stand.venue.move(PRICE + 150.0)
    until(lambda: stand.venue.covers() and stand.venue.targets(), "a trade with stop and target")
    before = daemon.await_protected()
    peak, day_result = (daemon.status()[key] for key in ("high_water_usd", "day_result_usd"))
    began = time.monotonic()
    assert daemon.terminate() == 0
    measured("SIGTERM -> exit", time.monotonic() - began)
    assert time.monotonic() - began < EXIT_S
    assert "Traceback" not in daemon.text()
    assert not (stand.state / "control.sock").exists()

    again = stand.start_daemon(**ENV)
    after = again.await_protected(before["qty"])
    same = ("qty", "opened_by", "entry_price", "stop_price", "target_price", "side", "user_qty")
    assert {key: after[key] for key in same} == {key: before[key] for key in same}
    assert len(stand.venue.stops()) == 1, "the stop that stayed is the stop that is known"
    assert len(stand.venue.targets()) == 1
    assert again.status()["high_water_usd"] == peak
    assert again.status()["day_result_usd"] == pytest.approx(day_result, abs=5.0)
    entries = [row for row in again.journal("intents") if row["purpose"] == "ENTRY"]
    assert len(entries) == 1, "the signal was not traded again"
    assert again.terminate() == 0


def test_a_latched_account_stays_latched(stand: Stand) -> None:
    stand.start_venue()
    daemon = stand.start_daemon(**ENV)
    venue = stand.venue
    venue.by_hand("BUY", "0.15")
    until(venue.covers, "covered")
    daemon.await_protected("0.15")
    (stop,) = venue.stops()
    venue.move(float(stop["triggerPrice"]) - 50.0)
    until(lambda: venue.position() == 0, "the floor stop closes all")
    halted = daemon.await_mode("HALTED")
    assert halted["latched"]
    peak = Decimal(str(halted["high_water_usd"]))
    lost = 1 - venue.wallet_usd() / peak
    assert FLOOR_FRAC - Decimal("0.01") < lost < Decimal("0.20"), "the budget held"
    assert daemon.terminate() == 0

    # the daemon ended the venue in order: start it again on its book
    stand.start_venue()
    again = stand.start_daemon(ready=False, **ENV)
    again.await_mode("HALTED")
    until(lambda: again.status()["high_water_usd"], "the account is read")
    status = again.status()
    assert status["latched"]
    assert status["latch_reason"] == halted["latch_reason"]
    assert Decimal(str(status["high_water_usd"])) == peak
    stand.venue.move(PRICE + 150.0)  # the trip wire wishes
    until(lambda: again.status()["counters"]["refusals"].get("LATCHED"), "the wish is refused")
    assert stand.venue.position() == 0
    # resume is no way round it; rearm asks for a code that says what it means
    assert "rearm" in again.request("resume")["text"]
    refused = again.request("rearm")
    assert not refused["ok"]
    code = refused["text"].rsplit(" ", 1)[1]
    assert again.request("rearm", code=code)["ok"]
    anew = again.await_mode("ACTIVE")
    assert Decimal(str(anew["high_water_usd"])) < peak
    assert again.terminate() == 0


def test_sigterm_during_an_entry_leaves_no_position_bare(stand: Stand) -> None:
    stand.start_venue()
    daemon = stand.start_daemon(**ENV)
    venue = stand.venue
    venue.fault("delay", method="POST", path="/fapi/v1/order", times=1, delay_s=1.5)
    venue.move(PRICE + 150.0)
    until(lambda: venue.log(method="POST", path="/order"), "an entry is under way")
    assert daemon.terminate() == 0
    stand.start_venue()
    again = stand.start_daemon(**ENV)
    venue = stand.venue
    if venue.position():
        until(venue.covers, "covered")
        assert again.await_protected()["opened_by"] == "trip_wire"
    entries = [row for row in again.journal("intents") if row["purpose"] == "ENTRY"]
    assert len(entries) == 1


@pytest.mark.parametrize("point", ["exit folded:before", "exit folded:after", "dead"])
def test_a_floor_stop_that_nobody_lived_to_see_latches_the_next_life(
    stand: Stand, point: str
) -> None:
    """Killed around the fill of the floor stop, or long before it: the budget is used up."""
    stand.start_venue(roomy=True)
    kill_file = stand.root / "kill-at"
    daemon = stand.start_daemon(module="tests.fakes.kill_points", **{FILE: str(kill_file)}, **ENV)
    venue = stand.venue
    venue.by_hand("BUY", "0.15")
    until(venue.covers, "covered")
    daemon.await_protected("0.15")
    if point == "dead":
        until(lambda: _stop_is_written(daemon), "the stop is written")
        daemon.kill()
    kill_file.write_text(point)
    venue.move(float(venue.stops()[0]["triggerPrice"]) - 50.0)
    assert daemon.ended() == -9
    until(lambda: venue.position() == 0, "the floor stop closes all")
    kill_file.unlink()
    again = stand.start_daemon(ready=False, **ENV)
    until(lambda: again.status()["markets"][0]["last"], "prices are known")
    venue.move(PRICE + 150.0)
    until(lambda: again.status()["latched"] or venue.position(), "the latch")
    assert venue.position() == 0, "traded on with the budget used up"


def _stop_is_written(daemon: Daemon) -> bool:
    return any(row["purpose"] == "STOP" for row in daemon.journal("intents"))


@pytest.mark.parametrize("command", ["pause", "flatten"])
def test_a_command_that_was_answered_outlives_kill_9(stand: Stand, command: str) -> None:
    stand.start_venue()
    daemon = stand.start_daemon(**ENV)
    assert daemon.request(command)["ok"]
    daemon.kill()
    again = stand.start_daemon(ready=False, **ENV)
    until(lambda: again.status()["markets"][0]["last"], "prices are known")
    assert again.status()["wanted_mode"] == "REDUCING"
    stand.venue.move(PRICE + 150.0)
    until(lambda: again.status()["counters"]["refusals"], "the wish is refused")
    assert stand.venue.position() == 0
    assert again.request("resume")["ok"]
    again.await_mode("ACTIVE")
