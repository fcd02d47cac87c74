"""How many accounts one process carries: `./run campaign many --accounts 50`.

Each account has an embedded venue of its own that sends `--rate` frames a second beside the market
it serves; a position is then opened by hand at every one of them, in turn. Told: seconds until all
are seen, the processor and memory of the daemon alone, how late its loop is, how often coverage
looked at each account, and the time from a hand's fill to the stop at the venue.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.fakes.daemon import Daemon, Process, Stand, until
from tests.fakes.venue_handle import VenueHandle
from tests.process.flooded_venue import RATE
from tests.process.fuzz import rss_mb
from tests.process.manned import cpu_s

START_S = 900.0
COVER_S = 60.0
LOOK_S = 5.0
STARTED_TOGETHER = 4
"""Venues of this trial; more at once would only wait for each other."""
MOST_ROWS = 4_000
COVERAGE_MAX_S = 3.0
"""The coverage period that a user is promised as measured: beyond it the trial says missed."""


@dataclass
class Figures:
    """What was seen; megabytes are 10^6 bytes, milliseconds as named."""

    accounts: int = 0
    asked_rate: float = 0.0
    all_seen_s: float = 0.0
    seconds: float = 0.0
    frames_per_s: float = 0.0
    """That the venues were asked to send, all together; the market's own come on top."""
    daemon_cpu_share: float = 0.0
    """Of one core, everybody holding a position."""
    idle_cpu_share: float = 0.0
    """The same while all are flat."""
    rss_mb: float = 0.0
    threads: int = 0
    lag_max_ms: float = 0.0
    coverage_ms: dict[str, float] = field(default_factory=dict)
    fill_to_stop_ms: dict[str, float] = field(default_factory=dict)
    unseen_looks: int = 0
    looks: int = 0
    load: tuple[float, float, float] = (0.0, 0.0, 0.0)
    violations: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)


def ranked(values: list[float]) -> dict[str, float]:
    """Return p50, p90, p99, max and the count of `values`, of seconds, in milliseconds."""
    ordered = sorted(values)
    if not ordered:
        return {"n": 0}
    last = len(ordered) - 1
    shares = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}
    told = {name: round(ordered[round(share * last)] * 1e3, 1) for name, share in shares.items()}
    return {**told, "n": len(ordered)}


def places_of(stand: Stand, names: list[str]) -> dict[str, Path]:
    """Return account -> the folder of its venue; the first account is `main`."""
    return {"main": stand.state / "venue"} | {
        name: stand.state / "accounts" / name / "venue" for name in names
    }


def start_venues(stand: Stand, places: dict[str, Path], rate: float) -> dict[str, VenueHandle]:
    """Start all venues, a few at a time, and return their handles by account."""
    found, waiting = {}, list(places.items())
    while waiting:
        some, waiting = waiting[:STARTED_TOGETHER], waiting[STARTED_TOGETHER:]
        started = [
            stand._start(
                Process, "venue", "tests.process.flooded_venue", "venue", "--state", str(folder),
                **{RATE: str(rate)},
            )
            for _, folder in some
        ]  # fmt: skip
        for (name, folder), process in zip(some, started, strict=True):
            until(lambda f=folder, p=process: _listens(f, p), f"the venue of {name} listens")
            found[name] = VenueHandle(folder)
    return found


def _listens(folder: Path, process: Process) -> bool:
    if not process.alive:
        raise AssertionError(f"a venue ended: {process.text()[-2000:]}")
    return bool(
        json.loads((folder / "address.json").read_text())["pid"] == process.pid
        and VenueHandle(folder).reachable()
    )


def watched(daemon: Daemon, figures: Figures, seconds: float) -> float:
    """Look now and then for `seconds`; return the share of a core that the daemon took."""
    began, before = time.monotonic(), cpu_s(daemon)
    while time.monotonic() - began < seconds:
        time.sleep(LOOK_S)
        figures.looks += 1
        figures.unseen_looks += bool(daemon.ask("accounts")["unseen"])
        lag_s = float(str(daemon.ask("health")["lag_s"] or 0.0))
        figures.lag_max_ms = round(max(figures.lag_max_ms, lag_s * 1e3), 1)
    return (cpu_s(daemon) - before) / (time.monotonic() - began)


def coverage_gaps(venues: dict[str, VenueHandle], since_ns: int) -> Iterator[float]:
    """Yield the seconds between two looks of coverage at an account, venue by venue."""
    for venue in venues.values():
        rows = venue.log(since_ns=since_ns, method="GET", path="/openAlgoOrders")
        times = [int(row["ns"]) for row in rows[-MOST_ROWS:]]
        for earlier, later in pairwise(times):
            yield (later - earlier) / 1e9


def opened_by_hand(venues: dict[str, VenueHandle], figures: Figures) -> Iterator[float]:
    """Open a position at each venue in turn; yield the seconds until its stop was asked for."""
    for name, venue in venues.items():
        began_ns = venue.by_hand("BUY", "0.02")
        try:
            rows = until(lambda v=venue, ns=began_ns: v.stops_asked(ns), "a stop", COVER_S)
        except AssertionError:
            figures.violations.append(f"{name}: no stop within {COVER_S:g} s of a fill")
            continue
        yield (int(rows[0]["ns"]) - began_ns) / 1e9


@contextmanager
def fleet(accounts: int, rate: float) -> Iterator[tuple[Stand, dict[str, VenueHandle]]]:
    """A stand of so many accounts, with their venues running."""
    names = [f"a{number:02d}" for number in range(1, accounts)]
    beside: dict[str, Any] = {name: {"risk": {"profile": "L20"}} for name in names}
    with Stand(BREAKWATER_ACCOUNTS__BESIDE=json.dumps(beside)) as stand:
        yield stand, start_venues(stand, places_of(stand, names), rate)


def campaign(accounts: int, rate: float, seconds: float) -> Figures:
    """Run once and return the figures."""
    figures = Figures(accounts=accounts, asked_rate=rate, frames_per_s=accounts * rate)
    with fleet(accounts, rate) as (stand, venues):
        began = time.monotonic()
        daemon = stand.start_daemon(ready=False, fresh=True)
        until(
            lambda: len((d := daemon.ask("accounts"))["accounts"]) == accounts and not d["unseen"],
            "every account is seen",
            START_S,
        )
        figures.all_seen_s = round(time.monotonic() - began, 1)
        print(f"all seen after {figures.all_seen_s} s", file=sys.stderr)
        time.sleep(LOOK_S)
        figures.idle_cpu_share = round(watched(daemon, figures, seconds / 2), 3)
        figures.fill_to_stop_ms = ranked(list(opened_by_hand(venues, figures)))
        since_ns = time.time_ns()
        figures.daemon_cpu_share = round(watched(daemon, figures, seconds), 3)
        figures.seconds = seconds
        figures.coverage_ms = ranked(list(coverage_gaps(venues, since_ns)))
        figures.rss_mb = round(rss_mb(daemon.pid), 1)
        figures.threads = len(list(Path(f"/proc/{daemon.pid}/task").iterdir()))
        bare = [row for row in daemon.ask("accounts")["accounts"] if row.get("unprotected")]
        figures.violations += [f"{row['account']} is bare" for row in bare]
        figures.load = os.getloadavg()
        try:
            if (code := daemon.terminate()) != 0:
                figures.violations.append(f"the daemon ended with {code}")
        except subprocess.TimeoutExpired as error:
            figures.missed.append(f"an ordered end took more than {error.timeout:g} s")
    if figures.coverage_ms.get("p99", 0.0) > COVERAGE_MAX_S * 1e3:
        figures.missed.append(f"coverage looked every {figures.coverage_ms['p99']} ms (p99)")
    return figures


def main() -> int:
    """Print the figures; 1 when something broke or an aim was missed."""
    told = argparse.ArgumentParser(prog="./run campaign many", description=__doc__)
    told.add_argument("--accounts", type=int, default=50)
    told.add_argument("--rate", type=float, default=10.0, help="frames a second and venue")
    told.add_argument("--seconds", type=float, default=60.0)
    given = told.parse_args()
    figures = campaign(given.accounts, given.rate, given.seconds)
    print(json.dumps(asdict(figures), indent=1))
    return 1 if figures.violations or figures.missed else 0


if __name__ == "__main__":
    sys.exit(main())
