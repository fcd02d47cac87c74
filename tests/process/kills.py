"""kill -9 of a store and an executor, again and again: `./run campaign kills --kills 5000`.

Each life is a process of its own, forked from a nursery that has loaded everything. Three ways to
die, in turn: at each boundary of our own calls, at each system call on the journal's files (where
a C compiler is at hand), and at a random instant.
"""

import argparse
import json
import os
import random
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bot.journal import care
from bot.journal.store import open_journal
from tests.process.disk import Disk, built, preloaded
from tests.process.victim import ROWS, LifeClock, Plan, differences, executed, live

ROOT = Path(__file__).resolve().parents[2]
MEMORY = Path("/dev/shm")
ORDERS = 4
LIVES_PER_HOME = 400
"""A journal is judged whole and left after so many lives: reading it all takes its time."""
PATIENCE_S = 30.0
RANDOM_MS_MAX = 60.0


@dataclass
class Figures:
    """What a campaign saw."""

    kills: int = 0
    lives: int = 0
    orders: int = 0
    acknowledged: int = 0
    homes: int = 0
    by_way: dict[str, int] = field(default_factory=dict)
    boundaries: dict[str, int] = field(default_factory=dict)
    """Deaths by boundary of our own calls."""
    system_calls: int = 0
    """The furthest system call of one life on the journal's files at which it was killed."""
    recovered: int = 0
    violations: list[str] = field(default_factory=list)
    elapsed_s: float = 0.0


class Nursery:
    """Forks lives, ends some of them, and compares what they leave behind."""

    def __init__(self, seed: int, folder: Path, *, careless: bool = False) -> None:
        self._careless = careless
        self.figures = Figures()
        self._seed = seed
        self._dice = random.Random(seed)
        self._folder = folder
        self._ways = Counter[str]()
        self._deaths = Counter[str]()
        self._life = 0
        self._disk = Disk() if Disk.is_here() else None
        self._acked: list[tuple[str, str]] = []
        self._fresh: tuple[tuple[str, str], ...] = ()
        self._home = self._new_home()

    def run(self, kills: int) -> Figures:
        """Let lives end until `kills` of them were killed."""
        began = time.monotonic()
        ways = ["call", "random"] if self._disk is None else ["call", "system call", "random"]
        at = dict.fromkeys(ways, 0)
        while self.figures.kills < kills and not self.figures.violations:
            way = ways[self._life % len(ways)]
            at[way] += 1
            if self._one(way, at[way]):
                self.figures.kills += 1
                self._ways[way] += 1
                if way == "system call":
                    self.figures.system_calls = max(self.figures.system_calls, at[way])
            elif way != "random":
                at[way] = 0  # it lived to its end: every boundary was met, begin anew
            if self._life % LIVES_PER_HOME == 0:
                self._judge_home()
                self._home = self._new_home()
        self._judge_home()
        self.figures.by_way = dict(sorted(self._ways.items()))
        self.figures.boundaries = dict(sorted(self._deaths.items()))
        self.figures.elapsed_s = round(time.monotonic() - began, 1)
        return self.figures

    def _new_home(self) -> Path:
        self.figures.homes += 1
        home = self._folder / f"home-{self.figures.homes}"
        home.mkdir(mode=0o700)
        return home

    def _one(self, way: str, number: int) -> bool:
        """Live one life; return whether it was killed."""
        self._life += 1
        self.figures.lives += 1
        if number == 1 and way != "random" and self._dice.random() < 0.5:
            self._judge_home()  # boundaries of a first start are met as well
            self._home = self._new_home()
        plan = Plan(
            home=self._home,
            life=self._life,
            seed=self._seed,
            die_at=number if way == "call" else 0,
            orders=ORDERS if way != "random" else 1_000,
            acked=self._fresh,
            careless=self._careless,
        )
        out, into = os.pipe2(os.O_CLOEXEC)
        child = os.fork()
        if child == 0:
            self._child(plan, number if way == "system call" else 0, into)
        os.close(into)
        random_s = self._dice.uniform(0.0, RANDOM_MS_MAX) / 1_000 if way == "random" else None
        told = self._listen(child, out, random_s)
        _, status = os.waitpid(child, 0)
        self._read(told)
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
            return True
        if status != 0:
            self.figures.violations.append(f"life {self._life} failed: {told[-1500:]}")
        return False

    def _child(self, plan: Plan, system_call: int, into: int) -> None:
        code = 1
        try:
            if self._disk is not None:
                self._disk.watch("/journal.db")
                self._disk.kill_at(system_call)
            live(plan, lambda line: _say(into, line))
            code = 0
        except BaseException as error:  # noqa: BLE001 - whatever it is, the parent must hear of it
            _say(into, f"failed {error!r}")
        finally:
            os._exit(code)

    def _listen(self, child: int, out: int, random_s: float | None) -> str:
        """Read what a life says until it ends; kill it at its random instant."""
        told, end = b"", time.monotonic() + PATIENCE_S
        kill_at = None if random_s is None else time.monotonic() + random_s
        with os.fdopen(out, "rb", buffering=0) as pipe:
            while True:
                now = time.monotonic()
                until = end if kill_at is None else min(kill_at, end)
                ready, _, _ = select.select([pipe], [], [], max(until - now, 0.0))
                if ready:
                    part = pipe.read(65_536)
                    if not part:
                        return told.decode()
                    told += part
                elif kill_at is not None:
                    os.kill(child, signal.SIGKILL)
                    kill_at = None
                elif time.monotonic() >= end:
                    os.kill(child, signal.SIGKILL)
                    self.figures.violations.append(f"life {self._life} hung: {told[-300:]!r}")
                    return told.decode()

    def _read(self, told: str) -> None:
        acked = []
        for line in told.splitlines():
            word, _, rest = line.partition(" ")
            if word == "ack":
                client_id, status = rest.split()
                acked.append((client_id, status))
            elif word == "wrong":
                self.figures.violations.append(f"life {self._life}: {rest}")
            elif word == "died":
                self._deaths[rest] += 1
            elif word == "recovered":
                self.figures.recovered += 1
                self._fresh = ()
        self._fresh += tuple(acked[-50:])
        self._acked += acked
        self.figures.acknowledged += len(acked)

    def _judge_home(self) -> None:
        """Compare the whole journal with the whole book, and look at every page."""
        clock = LifeClock(self._life + 1)
        if not executed(self._home) and not (self._home / "journal.db").exists():
            return
        wrong = self.figures.violations
        self._life += 1
        self._finish()
        book = executed(self._home)
        with closing(open_journal(self._home, clock)) as store:
            orders = store.rows("orders", limit=ROWS)
            intents = store.rows("intents", limit=ROWS)
        wrong += differences(orders, book, whole=True)
        wrong += _doubled("client id at the venue", [row["id"] for row in book])
        wrong += _doubled("signal at the venue", [row["signal"] for row in book])
        wrong += _doubled("intent", [str(row["client_order_id"]) for row in intents])
        known = {str(row["client_order_id"]) for row in intents}
        wrong += [f"{name} was acknowledged and is gone" for name, _ in self._acked
                  if name not in known]  # fmt: skip
        report = care.check(self._home)
        if not report["ok"]:
            wrong.append(f"the journal is damaged: {report['problems']}")
        self.figures.orders += len(book)
        self._acked, self._fresh = [], ()
        if not wrong:
            shutil.rmtree(self._home)

    def _finish(self) -> None:
        """One undisturbed life settles what the last killed one left open."""
        out, into = os.pipe2(os.O_CLOEXEC)
        plan = Plan(self._home, self._life, self._seed, 0, 0, self._fresh, self._careless)
        child = os.fork()
        if child == 0:
            self._child(plan, 0, into)
        os.close(into)
        told = self._listen(child, out, None)
        _, status = os.waitpid(child, 0)
        self._read(told)
        if status != 0:
            self.figures.violations.append(f"the last life failed: {told[-1500:]}")


def _say(into: int, line: str) -> None:
    os.write(into, f"{line}\n".encode())


def _doubled(what: str, names: list[Any]) -> list[str]:
    return [f"{what} {name}: {times} times" for name, times in Counter(names).items() if times > 1]


def campaign(kills: int, seed: int, *more: str) -> dict[str, Any]:
    """Run a campaign in a process of its own, with the preload where one can be built."""
    library = built()
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.process.kills",
            "--kills",
            str(kills),
            "--seed",
            str(seed),
            *more,
        ],
        cwd=ROOT,
        env=preloaded(library) if library else dict(os.environ),
        capture_output=True,
        text=True,
        check=False,
    )
    if not done.stdout:
        raise AssertionError(f"the campaign ended with {done.returncode}: {done.stderr[-2000:]}")
    return json.loads(done.stdout)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--careless", action="store_true", help="send without intents: must fail")
    wish = parser.parse_args()
    library = built()
    if library is not None and not Disk.is_here():
        os.execve(sys.executable, [sys.executable, "-m", "tests.process.kills", *sys.argv[1:]],
                  preloaded(library))  # fmt: skip
    base = MEMORY if os.access(MEMORY, os.W_OK) else None
    folder = Path(tempfile.mkdtemp(prefix="bw-kills-", dir=base))
    figures = Nursery(wish.seed, folder, careless=wish.careless).run(wish.kills)
    print(json.dumps(asdict(figures), indent=2))
    if figures.violations:
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
