"""kill -9 of the whole daemon beside a venue that lives on: `./run campaign daemon --kills 1000`.

Every place of tests/fakes/kill_points in turn, before and after, in the life that trades, in the
one that recovers and at the end of a position; in between at a random instant around an entry.
After each death a new life: nothing lost, nothing doubled, the position stopped, the journal's and
the kernel's word the venue's within the deadlines of tests/e2e. A violation leaves a folder with
the journal, the logs and the venue's book, and the campaign goes on with a new venue.
"""

import argparse
import json
import os
import random
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from statistics import median

from tests.e2e.lives import (
    ENV,
    WHEN,
    Lives,
    assert_nothing_doubled,
    assert_one_life,
    die,
    entries_intended,
    executed,
    prove_free_to_trade,
    prove_nothing_lost_or_doubled,
    restart_and_measure,
)
from tests.e2e.test_kill_entry import POINTS as ENTRY
from tests.e2e.test_kill_stop import EXIT, RECOVERY, assert_over, entered
from tests.e2e.test_kill_stop import POINTS as STOP
from tests.fakes.daemon import NotReady, Stand
from tests.fakes.market_folder import PRICE
from tests.process.evidence import keep

KILLS_PER_STAND = 100
VIOLATIONS_MAX = 10
RANDOM_S = 0.6
Trial = Callable[[Lives, "Figures"], None]


@dataclass
class Figures:
    """What a campaign saw."""

    kills: int = 0
    stands: int = 0
    by_place: dict[str, int] = field(default_factory=dict)
    restart_to_stop_s: dict[str, float] = field(default_factory=dict)
    """From the fork of the new life until a stop was asked for, where the position was bare."""
    violations: list[str] = field(default_factory=list)
    evidence: list[str] = field(default_factory=list)
    """A folder for each violation."""
    elapsed_s: float = 0.0
    load: tuple[float, float, float] = (0.0, 0.0, 0.0)
    measured_s: list[float] = field(default_factory=list, repr=False)

    def measured(self, _name: str, seconds: float) -> None:
        """Keep a measured time."""
        self.measured_s.append(seconds)

    def died(self, place: str) -> None:
        """Count a death."""
        self.kills += 1
        self.by_place[place] = self.by_place.get(place, 0) + 1


def around(point: str, when: str) -> Trial:
    """Die at a place of an entry or its stop."""

    def trial(life: Lives, figures: Figures) -> None:
        prove_nothing_lost_or_doubled(life, point, when, figures.measured)
        figures.died(point)

    return trial


def recovering(point: str, when: str) -> Trial:
    """Die before the stop is sent, and again while the next life recovers."""

    def trial(life: Lives, figures: Figures) -> None:
        wire, _ = die(life, "stop sent", "before")
        figures.died("stop sent")
        life.arm(point, when)
        again = life.start(ready=False)
        assert again.ended() == -9, again.text()[-2000:]
        figures.died(point)
        life.kill_file.unlink()
        daemon = restart_and_measure(life, figures.measured)
        assert_one_life(daemon, life.venue, wire)
        assert_nothing_doubled(life, daemon, wire)

    return trial


def leaving(point: str, when: str) -> Trial:
    """Die while the stop fills or the orphan is swept."""

    def trial(life: Lives, figures: Figures) -> None:
        wire, trigger = entered(life)
        victim = life.daemon
        assert victim is not None
        life.arm(point, when)
        life.venue.move(min(trigger - 30.0, PRICE))
        assert victim.ended() == -9, victim.text()[-2000:]
        figures.died(point)
        life.kill_file.unlink()
        assert_over(life, life.start(), wire)

    return trial


def at_random(wait_s: float) -> Trial:
    """Die some time after the price has crossed a wire."""

    def trial(life: Lives, figures: Figures) -> None:
        victim = life.victim()
        began_ns = time.time_ns()
        wire = life.next_wire()
        time.sleep(wait_s)
        victim.kill()
        figures.died("random")
        intended = entries_intended(life.journal, began_ns)
        daemon = restart_and_measure(life, figures.measured)
        if executed(life.venue, wire):
            assert_one_life(daemon, life.venue, wire)
        elif not intended and not daemon.status()["entries_pending"]:
            prove_free_to_trade(life, daemon, wire)
        elif intended:
            assert life.venue.position() == 0, "written and never sent, and yet something is held"
        assert_nothing_doubled(life, daemon, wire)

    return trial


def trials(seed: int) -> list[tuple[str, Trial]]:
    """Return one round: every exact place, and a random instant after each."""
    dice = random.Random(seed)
    exact = [(f"{p}:{w}", around(p, w)) for p in (*ENTRY, *STOP) for w in WHEN]
    exact += [(f"{p}:{w}", recovering(p, w)) for p in RECOVERY for w in WHEN]
    exact += [(f"{p}:{w}", leaving(p, w)) for p in EXIT for w in WHEN]
    dice.shuffle(exact)
    found: list[tuple[str, Trial]] = []
    for one in exact:
        wait_s = dice.uniform(0.0, RANDOM_S)
        found += [one, (f"random after {wait_s:.3f} s", at_random(wait_s))]
    return found


def _told(error: AssertionError, life: Lives) -> str:
    """Which claim failed and where, and what the last life decided."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    text = f"{place.name}:{place.lineno} {place.line}: {str(error)[:2_000]}"
    if life.daemon is None or not life.daemon.alive:
        return text
    try:
        rows = life.daemon.journal("decisions", 30)
    except (AssertionError, NotReady) as silence:
        return f"{text}; {silence}"
    return f"{text}; {[' | '.join((row['kind'], row['what'], row['why'])) for row in rows]}"


class Campaign:
    """Lets daemons die until enough did, time is up, or too much was wrong."""

    def __init__(self, kills: int, seed: int, minutes: float) -> None:
        self.figures = Figures()
        self._kills = kills
        self._began = time.monotonic()
        self._end = self._began + minutes * 60.0
        self._seed = seed
        self._waiting: list[tuple[str, Trial]] = []

    def run(self) -> Figures:
        """Go from stand to stand, each with a venue and a market of its own."""
        figures = self.figures
        while self._goes_on():
            figures.stands += 1
            with Stand(**ENV) as stand:
                self._live(Lives(stand, fresh_starts=False), figures.kills + KILLS_PER_STAND)
        if figures.measured_s:
            figures.restart_to_stop_s = {
                "median": round(median(figures.measured_s), 3),
                "max": round(max(figures.measured_s), 3),
                "count": len(figures.measured_s),
            }
        figures.by_place = dict(sorted(figures.by_place.items()))
        figures.elapsed_s = round(time.monotonic() - self._began, 1)
        figures.load = os.getloadavg()
        return figures

    def _goes_on(self) -> bool:
        figures = self.figures
        return (
            figures.kills < self._kills
            and len(figures.violations) < VIOLATIONS_MAX
            and time.monotonic() < self._end
        )

    def _live(self, life: Lives, kills: int) -> None:
        """Go through trials beside one venue until `kills` are done or something is wrong."""
        figures = self.figures
        while self._goes_on() and figures.kills < kills:
            if not self._waiting:
                self._waiting = trials(self._seed)
                self._seed += 1
            name, trial = self._waiting.pop(0)
            try:
                trial(life, figures)
                life.tidy()
            except AssertionError as error:
                told = f"{name}: {_told(error, life)}"
                figures.violations.append(told)
                figures.evidence.append(str(keep(life.stand, told)))
                return


def main() -> int:
    """Print the figures; 1 when anything was lost, doubled or bare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=600.0, help="no new trial after so long")
    wish = parser.parse_args()
    told = asdict(Campaign(wish.kills, wish.seed, wish.minutes).run())
    del told["measured_s"]
    print(json.dumps(told, indent=2))
    return 1 if told["violations"] else 0


if __name__ == "__main__":
    sys.exit(main())
