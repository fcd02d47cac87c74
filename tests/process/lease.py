"""kill -9 of whoever drives, with a standby beside it: `./run campaign lease --kills 50`.

Two daemons that stand for two machines, one venue, one PostgreSQL server. In turn the driver guards
what a human opened, or trades, and dies at a random instant; in half of either kind the stops it
left vanish with it. The standby must drive and protect in time, and nothing may be done twice.
"""

import argparse
import json
import os
import random
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

from tests.e2e.lives import ENV, entries
from tests.fakes.daemon import Daemon, NotReady, Stand, until
from tests.fakes.market_folder import PRICE
from tests.fakes.postgres import Postgres
from tests.process.evidence import keep
from tests.process.soundness import faults_of

TAKEOVER_MAX_S = 15.0
LOOK_S = 0.05
DELAY_MAX_S = 4.0
ROUND_MAX_S = 60.0
VIOLATIONS_MAX = 5


@dataclass
class Figures:
    """What a campaign saw."""

    kills: int = 0
    takeover_s: list[float] = field(default_factory=list)
    """From the kill until the follower answers as driver."""
    covered_s: list[float] = field(default_factory=list)
    """From the kill until what was left bare is stopped again."""
    entries: int = 0
    intents_without_order: int = 0
    """Written by a driver that died before it sent them: never sent by its follower."""
    violations: list[str] = field(default_factory=list)
    load: tuple[float, float, float] = (0.0, 0.0, 0.0)
    elapsed_s: float = 0.0
    summary: dict[str, float] = field(default_factory=dict)


class Relay:
    """Two stands that take turns at driving one account."""

    def __init__(self, stands: tuple[Stand, Stand], url: str, lease_s: float, seed: int) -> None:
        self.stands = stands
        self.figures = Figures()
        self._url = url
        self._lease_s = lease_s
        self._dice = random.Random(seed)
        self._wire = int(PRICE)
        self._turn = 0
        first, second = stands
        second.state.mkdir(mode=0o700)
        first.start_venue(roomy=True)
        (second.state / "venue").symlink_to(first.state / "venue")
        self.leader = self._start(0, standby=False)
        self.leader.await_ready()
        self.standby = self._start(1, standby=True)

    def _start(self, index: int, *, standby: bool) -> Daemon:
        env = {
            "BREAKWATER_STATE__URL": self._url,
            "BREAKWATER_STATE__HOST": f"machine-{index}",
            "BREAKWATER_STATE__LEASE_S": str(self._lease_s),
            **ENV,
        }
        options = ("--standby",) if standby else ()
        daemon: Daemon = self.stands[index].start_daemon(*options, ready=False, **env)
        if standby:
            until(lambda: "standing by: run" in daemon.text(), "it stands by")
        return daemon

    def round(self) -> None:
        """Let the driver trade and die; judge what its follower makes of it."""
        venue, figures = self.stands[0].venue, self.figures
        if figures.kills % 2:
            venue.by_hand("BUY", "0.02")
            self.leader.await_protected()
        else:
            self._wire += 100
            venue.move(self._wire + 50.0)
        time.sleep(self._dice.uniform(0.0, DELAY_MAX_S))
        if figures.kills % 4 < 2:
            venue.fault("cancel_conditional")
        self.leader.kill()
        killed = time.monotonic()
        figures.kills += 1
        time.sleep(LOOK_S)
        venue.clear_faults()
        bare = self._follow(killed)
        self._judge(bare)
        self._turn = 1 - self._turn
        self.leader, dead = self.standby, 1 - self._turn
        self._tidy()
        self.standby = self._start(dead, standby=True)

    def _follow(self, killed: float) -> bool:
        """Wait until the follower drives and what is held is stopped; return if it was bare."""
        venue, figures = self.stands[0].venue, self.figures
        bare, drives, covered = False, 0.0, 0.0
        while time.monotonic() - killed < ROUND_MAX_S and not (drives and covered):
            spent_s = time.monotonic() - killed
            if venue.position() and not venue.covers():
                bare, covered = True, 0.0
            elif not covered:
                covered = spent_s
            if not drives and self._answers():
                drives = spent_s
            time.sleep(LOOK_S)
        told = f"round {figures.kills} at load {os.getloadavg()[0]:.0f}"
        if not drives or drives > TAKEOVER_MAX_S:
            figures.violations.append(f"{told}: the follower drives after {drives:.1f} s")
        if bare and (not covered or covered > TAKEOVER_MAX_S):
            figures.violations.append(f"{told}: covered again after {covered:.1f} s")
        figures.takeover_s.append(round(drives, 2))
        if bare:
            figures.covered_s.append(round(covered, 2))
        return bare

    def _answers(self) -> bool:
        try:
            return bool(self.standby.status()["reconciled"])
        except NotReady:
            return False

    def _judge(self, bare: bool) -> None:
        """Compare the venue's orders with the intents of all drivers, which are in one journal."""
        venue, figures = self.stands[0].venue, self.figures
        told = f"round {figures.kills}{' (bare)' if bare else ''}"
        sent = entries(venue, self._wire)
        figures.entries += len(sent)
        if len(sent) > 1:
            figures.violations.append(f"{told}: one signal, {len(sent)} entries")
        written: list[dict[str, Any]] = self.standby.journal("intents", 1_000)
        names = {row["client_order_id"] for row in written if row["purpose"] == "ENTRY"}
        at_venue = {row["clientOrderId"] for row in venue.all_orders()}
        figures.intents_without_order = len(names - at_venue)
        figures.violations += [
            f"{told}: entry {row['clientOrderId']} without an intent"
            for row in sent
            if row["clientOrderId"] not in names
        ]
        figures.violations += [f"{told}: {fault}" for fault in faults_of(venue)]

    def _tidy(self) -> None:
        """Begin the next round flat: the price goes under the wire first, or it is traded yet."""
        self.leader.await_mode("ACTIVE")
        self.stands[0].venue.move(self._wire - 40.0)
        self.leader.await_ready()
        until(self._closed, "flat, and nothing is left behind")
        self.leader.await_flat()

    def _closed(self) -> bool:
        """Close what is held as a human would; an entry may still be under way."""
        venue = self.stands[0].venue
        held = venue.position()
        if held > 0:
            with suppress(OSError):
                venue.by_hand("SELL", str(held), reduce_only=True)
            return False
        return not venue.open_algos()


def campaign(kills: int, seed: int, lease_s: float) -> Figures:
    """Kill `kills` drivers; a takeover that was late is told, and the rounds go on."""
    began = time.monotonic()
    with Postgres() as server, Stand() as first, Stand() as second:
        relay = Relay((first, second), server.url(server.database()), lease_s, seed)
        figures = relay.figures
        try:
            while figures.kills < kills and len(figures.violations) < VIOLATIONS_MAX:
                relay.round()
        except AssertionError as error:
            told = f"round {figures.kills}: {error}"[:2_000]
            figures.violations.append(f"{told}; see {keep(first, told)} and {keep(second, told)}")
    for name, values in (("takeover", figures.takeover_s), ("covered", figures.covered_s)):
        if values:
            figures.summary[f"{name}_median_s"] = round(median(values), 2)
            figures.summary[f"{name}_max_s"] = max(values)
    figures.load = os.getloadavg()
    figures.elapsed_s = round(time.monotonic() - began, 1)
    return figures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lease-s", type=float, default=6.0)
    asked = parser.parse_args()
    figures = campaign(asked.kills, asked.seed, asked.lease_s)
    print(json.dumps(asdict(figures), indent=2))
    return 1 if figures.violations else 0


if __name__ == "__main__":
    sys.exit(main())
