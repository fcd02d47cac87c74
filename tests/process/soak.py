"""A daemon in real time behind a network that keeps breaking: `./run campaign soak --minutes 30`.

The proxy resets every connection at least a hundred times in half an hour, is slow or silent in
between, stops vanish, humans open and close. Looked at each second: whether what is held is
stopped, whether anything was done twice; each ten seconds: memory; always: the lag of the loop.
"""

import argparse
import json
import os
import random
import sys
import time
from array import array
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from pathlib import Path

from tests.e2e.lives import ENV
from tests.fakes.daemon import Daemon, Stand, until
from tests.fakes.market_folder import PRICE
from tests.process.disturbed import HEAP_FILE, LAG_FILE, PROXY_PORT
from tests.process.fuzz import rss_mb
from tests.process.proxy import Proxy
from tests.process.soundness import faults_of

DROPS_PER_MIN = 5.0
BARE_MAX_S = 20.0
"""Longest time that a position may be without a full stop once the network lets words through."""
MANY_MAX_S = 30.0
"""Longest time that more stops may rest than two; the simulation's monitor says the same."""
WARM_UP_FRAC = 0.25
RSS_EVERY_S = 10.0
SLOPE_MAX_MB_H = 1.0
LAG_MAX_S = 0.1


@dataclass
class Figures:
    """What a soak saw."""

    minutes: float = 0.0
    drops: int = 0
    connections: int = 0
    by_hand: int = 0
    stops_taken: int = 0
    moves: int = 0
    orders: int = 0
    unread: int = 0
    """Looks at the venue's own book that had no answer: a starved machine."""
    bare_s: dict[str, float] = field(default_factory=dict)
    """Longest time without a full stop while the network was good, and times in all (s)."""
    rss_mb: tuple[float, float] = (0.0, 0.0)
    rss_slope_mb_h: float | None = None
    rss_by_minute_mb: list[float] = field(default_factory=list)
    lag_s: dict[str, float] = field(default_factory=dict)
    load: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Of the machine at the end: others' work makes every loop late."""
    violations: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    """Aims that were not met: they are about the machine as well."""


class Soak:
    """One run: what is done to the daemon, and what is seen of it."""

    def __init__(
        self, stand: Stand, daemon: Daemon, proxy: Proxy, seed: int, drops_per_min: float
    ) -> None:
        self.figures = Figures()
        self._drops_per_min = drops_per_min
        self._stand = stand
        self._daemon = daemon
        self._proxy = proxy
        self._dice = random.Random(seed)
        self._bare_since = 0.0
        self._good_since = time.monotonic()
        self._rss: list[tuple[float, float]] = []
        self._rss_at = 0.0
        self._many_since = time.monotonic()

    def run(self, minutes: float) -> Figures:
        """Disturb and look until the time is over, then let all come to rest."""
        began = time.monotonic()
        end = began + minutes * 60.0
        next_drop = began + 5.0
        while time.monotonic() < end and self._daemon.alive:
            now = time.monotonic()
            if now >= next_drop:
                self._disturb()
                next_drop = now + self._dice.uniform(0.5, 1.5) * 60.0 / self._drops_per_min / 1.4
            try:
                self._act()
                self._look()
            except OSError:
                self.figures.unread += 1
            time.sleep(1.0)
        self.figures.minutes = round((time.monotonic() - began) / 60.0, 2)
        self._rest()
        self._sum_up()
        return self.figures

    # ------------------------------------------------------------------ doing

    def _disturb(self) -> None:
        fate = self._dice.random()
        self._proxy.clear()
        if fate < 0.15:
            self._proxy.latency_s = self._dice.uniform(0.05, 0.6)
        elif fate < 0.25:
            self._proxy.slice_bytes = self._dice.choice((1, 3, 100))
        elif fate < 0.30:
            self._proxy.black_hole = True
        elif fate < 0.35:
            self._proxy.refuses = True
        self._good_since = time.monotonic()
        self._proxy.drop()

    def _act(self) -> None:
        venue, fate = self._stand.venue, self._dice.random()
        held = venue.position()
        if fate < 0.04 and held < Decimal("0.05"):
            venue.by_hand("BUY", "0.01")
            self.figures.by_hand += 1
        elif fate < 0.06 and held > 0:
            venue.by_hand("SELL", str(held), reduce_only=True)
            self.figures.by_hand += 1
        elif fate < 0.08:
            venue.fault("cancel_conditional")
            self.figures.stops_taken += 1
        elif fate < 0.2:
            venue.move(PRICE * self._dice.uniform(0.997, 1.003))
            self.figures.moves += 1

    # ------------------------------------------------------------------ seeing

    @property
    def _network_is_good(self) -> bool:
        return not (self._proxy.black_hole or self._proxy.refuses)

    def _look(self) -> None:
        now, venue = time.monotonic(), self._stand.venue
        bare = venue.position() != 0 and not venue.covers()
        if not bare:
            self._bare_since = 0.0
        elif not self._bare_since:
            self._bare_since = now
        if bare and self._network_is_good:
            bare_s = now - max(self._bare_since, self._good_since)
            longest = max(self.figures.bare_s.get("longest", 0.0), bare_s)
            self.figures.bare_s["longest"] = round(longest, 1)
            if bare_s > BARE_MAX_S:
                self.figures.violations.append(f"bare for {bare_s:.0f} s in a good network")
                self._bare_since = now
        if now - self._rss_at >= RSS_EVERY_S:
            self._rss_at = now
            self._rss.append((now, rss_mb(self._daemon.pid)))
            self.figures.violations += faults_of(venue, at_rest=False)
            self._count_stops(now)

    def _count_stops(self, now: float) -> None:
        """A leg keeps no more than two stops for half a minute."""
        if not [fault for fault in faults_of(self._stand.venue) if "rest at once" in fault]:
            self._many_since = now
        elif now - self._many_since > MANY_MAX_S:
            self.figures.violations.append(f"too many stops for {now - self._many_since:.0f} s")
            self._many_since = now

    def _rest(self) -> None:
        figures, venue = self.figures, self._stand.venue
        self._proxy.clear()
        if not self._daemon.alive:
            code, text = self._daemon.ended(), self._daemon.text()[-2000:]
            figures.violations.append(f"the daemon ended with {code}: {text}")
            return
        try:
            self._daemon.await_ready()
            until(lambda: venue.position() == 0 or venue.covers(), "stopped at the end")
        except AssertionError as error:
            figures.violations.append(str(error))
        figures.violations += until(lambda: [faults_of(venue)], "the book is judged")[0]
        orders = until(lambda: [venue.all_orders() + venue.all_algos()], "the orders are read")[0]
        figures.orders = len(orders)
        self._daemon.terminate()

    def _sum_up(self) -> None:
        figures = self.figures
        figures.drops, figures.connections = self._proxy.drops, self._proxy.connections
        figures.load = os.getloadavg()
        lags = array("d", (self._stand.root / "lags").read_bytes())
        ranked = sorted(lags)
        for name, frac in (("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)):
            figures.lag_s[name] = round(ranked[int(frac * (len(ranked) - 1))], 4)
        figures.lag_s["max"] = round(ranked[-1], 4)
        warm = self._rss[int(len(self._rss) * WARM_UP_FRAC) :]
        every = max(round(60.0 / RSS_EVERY_S), 1)
        figures.rss_by_minute_mb = [round(mb, 1) for _, mb in self._rss[::every]]
        figures.rss_mb = (round(self._rss[0][1], 1), round(self._rss[-1][1], 1))
        if len(warm) >= 10:
            figures.rss_slope_mb_h = round(slope(warm) * 3_600.0, 2)
            if figures.rss_slope_mb_h > SLOPE_MAX_MB_H:
                figures.missed.append(f"memory grows by {figures.rss_slope_mb_h} MB/h")
        if figures.lag_s["p99.9"] > LAG_MAX_S:
            figures.missed.append(f"loop lag p99.9 was {figures.lag_s['p99.9']} s")


def slope(points: list[tuple[float, float]]) -> float:
    """Least squares slope of y over x."""
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    across = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / across if across else 0.0


def campaign(minutes: float, seed: int, heap: Path | None, drops_per_min: float) -> Figures:
    """Run a soak on a stand of its own; with `heap`, what grows in memory is written there."""
    env = {
        **ENV,
        "BREAKWATER_STRATEGIES__ENABLED": "[]",
        # bars of a second, as other tests have them, would fill all history at once
        "BREAKWATER_BREAKWATER__PAPER__BAR_S": "60",
    }
    with Stand(**env) as stand:
        stand.start_venue(roomy=True)
        with Proxy(stand.venue.port) as proxy:
            lags: Path = stand.root / "lags"
            hooks = {PROXY_PORT: str(proxy.port), LAG_FILE: str(lags)}
            if heap is not None:
                hooks[HEAP_FILE] = str(heap.resolve())
            daemon = stand.start_daemon(module="tests.process.disturbed", **hooks)
            return Soak(stand, daemon, proxy, seed, drops_per_min).run(minutes)


def main() -> int:
    """Print the figures; 1 when anything was wrong or an aim was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--heap", type=Path, help="a file for what grows; slows the daemon down")
    parser.add_argument("--drops-per-min", type=float, default=DROPS_PER_MIN)
    wish = parser.parse_args()
    figures = campaign(wish.minutes, wish.seed, wish.heap, wish.drops_per_min)
    print(json.dumps(asdict(figures), indent=2))
    return 1 if figures.violations or figures.missed else 0


if __name__ == "__main__":
    sys.exit(main())
