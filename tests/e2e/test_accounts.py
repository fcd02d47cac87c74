"""Two accounts in one daemon, each on a venue of its own.

Budget: 30 s of one core.
"""

import json
import os
import signal
from decimal import Decimal
from typing import Any

import pytest

from tests.fakes.bybit_handle import BybitHandle
from tests.fakes.daemon import Daemon, Stand, until
from tests.fakes.market_folder import PRICE
from tests.fakes.venue_handle import VenueHandle

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-accounts")]

BESIDE = json.dumps({"hedge": {"risk": {"profile": "L25"}}})


def hedge_of(stand: Stand) -> VenueHandle:
    return VenueHandle(stand.state / "accounts" / "hedge" / "venue", ca=stand.root / "ca.pem")


def rows_of(daemon: Daemon) -> dict[str, dict[str, Any]]:
    return {row["account"]: row for row in daemon.ask("accounts")["accounts"]}


def both_seen(daemon: Daemon) -> bool:
    rows = rows_of(daemon)
    return set(rows) == {"main", "hedge"} and all(row["seen"] for row in rows.values())


def test_a_venue_that_dies_harms_its_own_account_alone() -> None:
    with Stand(BREAKWATER_ACCOUNTS__BESIDE=BESIDE) as stand:
        stand.start_venue(roomy=True)
        daemon = stand.start_daemon()
        until(lambda: both_seen(daemon), "both accounts are seen")
        other = hedge_of(stand)
        stand.venue.by_hand("BUY", "0.02")
        other.by_hand("SELL", "0.03")
        until(stand.venue.covers, "the first account is stopped")
        until(other.covers, "the second account is stopped")
        joint = until(
            lambda: (found := daemon.ask("accounts"))["net_usd"] and found, "both are counted"
        )
        assert joint["gross_usd"] == pytest.approx(0.05 * PRICE, rel=0.01)
        os.kill(other.pid, signal.SIGSTOP)
        try:
            dark = until(
                lambda: (found := daemon.ask("accounts"))["unseen"] == ["hedge"] and found,
                "what cannot be seen is said",
            )
            assert dark["equity_usd"] is None, "no old number stands in"
            hedge = next(row for row in dark["accounts"] if row["account"] == "hedge")
            assert hedge["equity_usd"] is None
            assert dark["at_least_usd"] > 0.0
            began_ns = stand.venue.by_hand("BUY", "0.02")
            until(lambda: stand.venue.stops_asked(began_ns), "the first goes on protecting")
            until(stand.venue.covers, "all of it")
            assert daemon.status()["mode"] == "ACTIVE"
        finally:
            os.kill(other.pid, signal.SIGCONT)
        until(lambda: both_seen(daemon), "it is seen again")
        until(other.covers, "its stop stood all the while")
        assert daemon.terminate() == 0


def test_a_joint_budget_closes_and_latches_all_until_each_is_rearmed() -> None:
    with Stand(
        BREAKWATER_ACCOUNTS__BESIDE=BESIDE, BREAKWATER_ACCOUNTS__LOSS_BUDGET_FRAC="0.04"
    ) as stand:
        stand.start_venue(roomy=True)
        daemon = stand.start_daemon()
        until(lambda: both_seen(daemon), "both accounts are seen")
        other = hedge_of(stand)
        for venue in (stand.venue, other):
            venue.by_hand("BUY", "0.1")
            until(venue.covers, "stopped")
        for venue in (stand.venue, other):
            venue.move(PRICE * 0.94)
        until(lambda: stand.venue.position() == 0 == other.position(), "all is closed", 90.0)
        until(lambda: all(row["latched"] for row in rows_of(daemon).values()), "all are latched")
        rows = rows_of(daemon)
        assert all(row["drawdown_frac"] < 0.19 for row in rows.values()), "no floor was reached"
        assert daemon.ask("accounts")["spent"] is True
        daemon.kill()
        again = stand.start_daemon(ready=False)
        until(
            lambda: len(rows := rows_of(again)) == 2 and all(r["latched"] for r in rows.values()),
            "it outlives a death",
        )
        assert again.terminate() == 0


def test_what_a_silent_venue_held_is_hedged_at_the_other_until_it_is_seen_again() -> None:
    beside = json.dumps({"hedge": {"venues": {"exchange": "bybit"}}})
    with Stand(BREAKWATER_ACCOUNTS__BESIDE=beside, BREAKWATER_ACCOUNTS__HEDGE_AFTER_S="2") as stand:
        stand.start_venue(roomy=True)
        daemon = stand.start_daemon()
        until(lambda: both_seen(daemon), "both accounts are seen")
        silent = BybitHandle(stand.state / "accounts" / "hedge" / "venue")
        silent.by_hand("BUY", "0.03")
        until(lambda: rows_of(daemon)["hedge"]["positions"] == 1, "it is known what is held")
        until(silent.covers, "it is stopped")
        os.kill(silent.pid, signal.SIGSTOP)
        try:
            until(lambda: stand.venue.position() < 0, "the opposite is held at the other venue")
            until(stand.venue.covers, "with a stop of its own")
            assert stand.venue.position() == Decimal("-0.03")
            (hedge,) = until(lambda: daemon.ask("accounts")["hedges"], "it is told")
            assert (hedge["of"], hedge["by"]) == ("hedge", "main")
        finally:
            os.kill(silent.pid, signal.SIGCONT)
        until(lambda: both_seen(daemon), "it is seen again")
        until(lambda: stand.venue.position() == 0, "then the hedge is closed")
        until(lambda: not daemon.ask("accounts")["hedges"], "and forgotten")
        assert silent.position() == Decimal("0.03"), "what was hedged is untouched"
        assert silent.covers()
        entries = [row for row in daemon.journal("intents") if row["purpose"] == "ENTRY"]
        assert len(entries) == 1
        assert daemon.terminate() == 0
