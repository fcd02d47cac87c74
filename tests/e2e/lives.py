"""Daemons that die by kill -9 beside a venue that lives on, and what must hold afterwards."""

import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.fakes.daemon import Daemon, Stand, until
from tests.fakes.kill_points import FILE
from tests.fakes.market_folder import PRICE
from tests.fakes.venue_handle import VenueHandle

WHEN = ("before", "after")
Measured = Callable[[str, float], None]
SIGNALS_MAX = 4
SIGNAL_S = 15.0
DEADLINE_S = 50.0
"""Ten times the aim of 5 s from restart to protection."""
ENV = {
    "BREAKWATER_STRATEGIES__ENABLED": '["trip_wire"]',
    "BREAKWATER_RISK__RULES__DAILY_LOSS_HALF_FRAC": "0.9",
    "BREAKWATER_RISK__RULES__DAILY_LOSS_HALT_FRAC": "0.9",
    **{
        f"BREAKWATER_RISK__RULES__{rule}__ACTS_ON": "off"
        for rule in (
            "THREAT", "WEEKLY_LOSS", "DRAWDOWN", "VENUE_HEALTH", "CLUSTER_PROXIMITY",
            "LEVEL_BROKEN", "FUNDING_COST", "OI_FROTH", "EVENT_WINDOW", "ADL_RANK",
        )
    },
    "BREAKWATER_RISK__RULES__LADDER__DWELL_S": "0",
    "BREAKWATER_RISK__SIZING__THREAT_RISK_FACTORS": "[1.0, 1.0, 1.0, 1.0, 1.0]",
    "BREAKWATER_RISK__SIZING__THREAT_HEAT_FACTORS": "[1.0, 1.0, 1.0, 1.0, 1.0]",
    "BREAKWATER_RISK__SIZING__THREAT_LEVERAGE": "[5.0, 5.0, 5.0, 5.0, 5.0]",
}  # fmt: skip
"""One market lives through many faults: rules that block after a bad hour would end the trading."""
STOP_MOVED_MAX = 100.0
"""A stop is moved away from the market, off a zone or a round number, by less than this."""


class Lives:
    """One venue, and daemons that die and come back beside it."""

    def __init__(self, stand: Stand, *, fresh_starts: bool = True) -> None:
        self.stand = stand
        self.fresh_starts = fresh_starts
        """Whether a start that is measured is one of a new interpreter, as users have it."""
        self.kill_file = stand.root / "kill-at"
        self.wire = int(PRICE)
        self.daemon: Daemon | None = None
        stand.start_venue(roomy=True)

    @property
    def venue(self) -> VenueHandle:
        return self.stand.venue

    @property
    def journal(self) -> Path:
        return self.stand.state / "journal.db"

    def start(self, *, ready: bool = True, fresh: bool = False) -> Daemon:
        self.daemon = self.stand.start_daemon(
            module="tests.fakes.kill_points",
            ready=ready,
            fresh=fresh,
            **{FILE: str(self.kill_file)},
        )
        return self.daemon

    def victim(self) -> Daemon:
        """A daemon that may enter: the last survivor, or a new one on a journal of its own."""
        if self.daemon is not None and self.daemon.alive:
            pending = self.daemon.status()["entries_pending"]
            if not pending and not self.venue.position() and not self._cut(self.daemon):
                self.daemon.await_ready()
                return self.daemon
            self.daemon.kill()
        self.forget()
        return self.start()

    @staticmethod
    def _cut(daemon: Daemon) -> bool:
        """Whether the rules cut the trades of this life and give the size back over hours."""
        rows = [row for row in daemon.journal("decisions") if row["kind"] == "ladder"]
        newest = next((row["what"] for row in rows if row["what"].startswith("LONG")), "")
        return bool(newest) and "-> NORMAL" not in newest

    def forget(self) -> None:
        """Take the journal away, as on a machine of its own; the venue's book stays.

        The price goes under every wire first: a life without memory would cross the last one anew.
        What the dead one had sent may have arrived after all: the new life begins flat.
        """
        self.venue.move(float(PRICE))
        until(self._cleared, "the account is flat, and nothing rests")
        for path in self.stand.state.iterdir():
            if path.name.startswith("journal.db"):
                path.unlink()

    def _cleared(self) -> bool:
        """Close and cancel what a dead daemon left, as a human would."""
        held = self.venue.position()
        if held > 0:
            self.venue.by_hand("SELL", str(held), reduce_only=True)
        elif self.venue.open_algos():
            self.venue.fault("cancel_conditional")
            self.venue.clear_faults()
        else:
            return True
        return False

    def next_wire(self) -> int:
        """Move the price above a wire that nobody has crossed yet; return the wire."""
        self.wire += 100
        self.venue.move(self.wire + 50.0)
        return self.wire

    def enter(self) -> int:
        """Cross the next wire and wait for the trade; return the wire."""
        wire = self.next_wire()
        try:
            until(self.venue.position, "an entry")
        except AssertionError as error:
            assert self.daemon is not None
            told = [row["what"] + ": " + row["why"] for row in self.daemon.journal("decisions")[:6]]
            raise AssertionError(f"{error}; {told}; {self.daemon.status()}") from None
        return wire

    def arm(self, point: str, when: str) -> None:
        self.kill_file.write_text(f"{point}:{when}")

    def tidy(self) -> None:
        """Close what is held as a human would, and disarm."""
        self.kill_file.unlink(missing_ok=True)
        held = self.venue.position()
        if held > 0:
            self.venue.by_hand("SELL", str(held), reduce_only=True)
        if self.daemon is not None and self.daemon.alive:
            self._settle(self.daemon)
            until(lambda: not self.venue.open_algos(), "nothing is left behind")
            self.daemon.await_flat()

    def _settle(self, daemon: Daemon) -> None:
        try:
            until(lambda: not self._unsettled(daemon), "no stop or exit is still under way")
        except AssertionError as error:
            raise AssertionError(f"{error}: {self._unsettled(daemon)}") from None

    @staticmethod
    def _unsettled(daemon: Daemon) -> list[dict[str, Any]]:
        """Orders of the daemon that may still arrive; a lost entry is waited for far longer."""
        orders = daemon.ask("orders")["orders"]
        return [o for o in orders if o["purpose"] not in ("ENTRY", "FOREIGN")]


# ---------------------------------------------------------------------- what must hold


def entries(venue: VenueHandle, wire: int) -> list[dict[str, Any]]:
    """Entry orders of ours at the venue for `wire`: limits 10 bp above the price they saw."""
    return [
        row
        for row in venue.all_orders()
        if row["clientOrderId"].startswith("bw")
        and row["type"] == "LIMIT"
        and abs(float(row["price"]) - (wire + 50.0) * 1.001) < 45.0
    ]


def executed(venue: VenueHandle, wire: int) -> bool:
    """Whether an entry for `wire` was filled: one that the price left behind ends by itself."""
    return any(float(row["executedQty"]) > 0.0 for row in entries(venue, wire))


def entries_intended(journal: Path, since_ns: int) -> list[str]:
    """Client ids of entries that a dead daemon wrote down since an instant."""
    query = "select client_order_id from intents where purpose = 'ENTRY' and written_ns > ?"
    with closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True)) as base:
        return [row[0] for row in base.execute(query, (since_ns,))]


def assert_nothing_doubled(life: Lives, daemon: Daemon, wire: int) -> None:
    """Compare the venue's orders with the journal's intents, id by id."""
    venue = life.venue
    sent = entries(venue, wire)
    assert len(sent) <= 1, f"one signal, {len(sent)} entries at the venue"
    names = Counter(row["clientOrderId"] for row in venue.all_orders() if not row.get("algoId"))
    names += Counter(row["clientAlgoId"] for row in venue.all_algos())
    doubled = [name for name, times in names.items() if times > 1 and name.startswith("bw")]
    # a conditional order that fired has a child of the same name in the plain book
    fired = {row["clientAlgoId"] for row in venue.all_algos() if row["actualOrderId"]}
    assert set(doubled) <= fired, "two orders of one id"
    intents = Counter(row["client_order_id"] for row in daemon.journal("intents"))
    assert not [name for name, times in intents.items() if times > 1], "two intents of one id"
    for row in sent:
        assert intents[row["clientOrderId"]] == 1, "an entry without an intent"


def assert_one_life(daemon: Daemon, venue: VenueHandle, wire: int) -> None:
    """The position is the venue's, with the plan of the trade, one stop and one target."""
    held = venue.position()
    leg = daemon.await_protected(f"{held.normalize():f}")
    assert leg["opened_by"] == "trip_wire", "the plan of the trade survived"
    stop, target = wire * 0.99, wire * 1.03
    until(
        lambda: _are(venue.stops(), held, stop - STOP_MOVED_MAX, stop),
        "the stop of the plan, alone",
    )
    until(lambda: _are(venue.targets(), held, target, target), "the target of the plan, alone")


def _are(resting: list[dict[str, Any]], qty: Decimal, lowest: float, highest: float) -> bool:
    if [Decimal(order["quantity"]) for order in resting] != [qty]:
        return False
    return lowest - 1.0 < float(resting[0]["triggerPrice"]) < highest + 1.0


def restart_and_measure(life: Lives, measured: Measured) -> Daemon:
    """Start anew; measure from the start until a stop covers what is held, if it was bare."""
    venue = life.venue
    bare = venue.position() != 0 and not venue.covers()
    began_ns = time.time_ns()
    daemon = life.start(ready=False, fresh=bare and life.fresh_starts)
    if bare:
        until(venue.covers, "the position is protected", DEADLINE_S)
        (stop, *_) = until(lambda: venue.stops_asked(began_ns), "the request is in the log")
        measured("restart -> stop asked", (stop["ns"] - began_ns) / 1e9)
    daemon.await_ready()
    return daemon


def die(life: Lives, point: str, when: str) -> tuple[int, int]:
    """Have a victim enter and die at `point`; return the wire it crossed and when it did (ns)."""
    victim = life.victim()
    life.arm(point, when)
    began_ns = time.time_ns()
    wire = life.next_wire()
    assert victim.ended() == -9, victim.text()[-2000:]
    life.kill_file.unlink()
    return wire, began_ns


def prove_free_to_trade(life: Lives, daemon: Daemon, wire: int) -> None:
    """Nothing was written, nothing was sent: that signal or a next one is traded.

    The first bar of a new life may close before its first price comes, which refuses its signal; a
    price that moved on may leave an entry unfilled. Neither is asked for again.
    """
    venue, wires = life.venue, [wire]

    def traded() -> int | None:
        return next((each for each in wires if executed(venue, each)), None)

    for _ in range(SIGNALS_MAX - 1):
        wires.append(life.next_wire())
        with suppress(AssertionError):
            until(traded, "a signal is traded in the new life", SIGNAL_S)
            break
    found = until(traded, f"one of {wires} is traded in the new life")
    until(venue.covers, "and stopped")
    assert_one_life(daemon, venue, found)
    for each in wires:
        assert_nothing_doubled(life, daemon, each)


def prove_nothing_lost_or_doubled(life: Lives, point: str, when: str, measured: Measured) -> None:
    """Kill at `point` during an entry, restart, and compare venue, journal and belief."""
    wire, began_ns = die(life, point, when)
    intended = entries_intended(life.journal, began_ns)
    daemon = restart_and_measure(life, measured)
    venue = life.venue
    if executed(venue, wire):
        assert_one_life(daemon, venue, wire)
    elif not intended:
        prove_free_to_trade(life, daemon, wire)
    else:
        # written, not sent: it counts as exposure until the venue is certain, and is never resent
        assert venue.position() == 0, "written and never sent, and yet something is held"
        pending = daemon.status()["entries_pending"]
        assert pending == 1, f"{intended} may exist, {pending} entries are believed to"
    assert_nothing_doubled(life, daemon, wire)
