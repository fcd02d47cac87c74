"""What a power cut leaves: a log cut everywhere, and the files a disk may hold afterwards.

`./run campaign power` cuts a log of 1,000 commits at every frame boundary, one byte before, one
after, and at 3,000 seeded offsets. `--logs 10` spreads the commits over ten logs: 10 times faster.
"""

import argparse
import json
import os
import random
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from bot.domain.errors import BotError
from bot.journal.store import open_journal
from tests.process.disk import Touch, preloaded, touches
from tests.unit.journal.stories import HandClock

ROOT = Path(__file__).resolve().parents[2]
SECTOR = 512
ACK = "a"
WRITER = """
import os, shutil, sys
from pathlib import Path
from bot.journal.store import open_journal
from tests.process.disk import HEAD, Disk
from tests.unit.journal.stories import NOW_NS, HandClock, approved

home, intents, lose, seed = Path(sys.argv[1]), *map(int, sys.argv[2:5])
store = open_journal(home, HandClock())
store.save_snapshot("run00001", 0, NOW_NS, b"first")
before = home / "before"
before.mkdir()
for name in ("journal.db", "journal.db-wal"):
    shutil.copy(home / name, before / name)
trace = os.open(home / "disk.trace", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
disk = Disk()
disk.watch("/journal.db")
disk.trace(trace)
disk.lose(lose, seed)
for i in range(intents):
    store.intent("run00001", i, approved(f"bwrun00001-{i}-1"), NOW_NS + i)
    os.write(trace, HEAD.pack(b"a", 0, i, 0))
    if i % 100 == 99:
        store.save_snapshot("run00001", i, NOW_NS + i, os.urandom(500_000))
os.kill(os.getpid(), 9)
"""


LOG_OF_MANY = """
import os, sys
from pathlib import Path
from bot.journal.store import open_journal
from tests.unit.journal.stories import NOW_NS, HandClock, approved
home = Path(sys.argv[1])
first, commits = int(sys.argv[2]), int(sys.argv[3])
store = open_journal(home, HandClock())
store._link.raw.execute("PRAGMA wal_autocheckpoint = 0")  # all of them stay in one log
for i in range(first, first + commits):
    store.intent("run00001", i, approved(f"bwrun00001-{i}-1"), NOW_NS + i)
    print((home / "journal.db-wal").stat().st_size, flush=True)
os.kill(os.getpid(), 9)
"""
COUNT = "SELECT count(*), coalesce(max(seq) + 1, 0) FROM intents"
CONNECTIONS = 200


class Traced(NamedTuple):
    """The files before the writer began, and every touch of them since."""

    before: dict[str, bytes]
    touches: list[Touch]


class Outcome(NamedTuple):
    """What a start after the cut found: intents in order, or the one line of refusal."""

    intents: list[int] | None
    refusal: str


class Log(NamedTuple):
    """A database of `first` intents, the log beside it, and how long it was at each commit."""

    database: bytes
    log: bytes
    first: int
    acked: list[int]

    def intents_at(self, cut: int) -> int:
        """How many intents had been acknowledged when the log was so long."""
        return self.first + bisect_right(self.acked, cut)

    def cuts(self, offsets: int, seed: int) -> list[int]:
        """Every frame boundary and its neighbours, and seeded offsets, longest first."""
        dice = random.Random(seed)
        found = {place + by for place in frame_boundaries(self.log) for by in (-1, 0, 1)}
        found |= {dice.randrange(len(self.log)) for _ in range(offsets)}
        return sorted((cut for cut in found if 0 <= cut <= len(self.log)), reverse=True)


def log_of(home: Path, first: int, commits: int) -> Log:
    """Let a writer make so many commits in one log and be killed; `first`: those already there."""
    done = subprocess.run(
        [sys.executable, "-c", LOG_OF_MANY, home, str(first), str(commits)],
        cwd=ROOT, check=False, timeout=120, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL
    sizes = [int(line) for line in done.stdout.split()]
    assert len(sizes) == commits
    assert sizes == sorted(set(sizes)), "each commit made the log longer"
    database, log = (home / name for name in ("journal.db", "journal.db-wal"))
    return Log(database.read_bytes(), log.read_bytes(), first, sizes)


def wrong_cuts(folder: Path, log: Log, cuts: Sequence[int]) -> list[str]:
    """Cut the log at each place, longest first, and count what SQLite finds; return what is wrong.

    Connections are left open until their process ends, so that none folds the log in.
    """
    place, kept = folder / "journal.db", folder / "journal.db-wal"
    place.write_bytes(log.database)
    kept.write_bytes(log.log)
    wrong: list[str] = []
    for start in range(0, len(cuts), CONNECTIONS):
        out, into = os.pipe()
        child = os.fork()
        if child == 0:
            code = 1
            try:
                told = _found(place, kept, log, cuts[start : start + CONNECTIONS])
                os.write(into, json.dumps(told[:20]).encode())
                code = 0
            finally:
                os._exit(code)
        os.close(into)
        with os.fdopen(out, "rb") as pipe:
            told = pipe.read()
        _, status = os.waitpid(child, 0)
        wrong += json.loads(told) if status == 0 else [f"reading cuts from {start} on failed"]
    return wrong


def _found(place: Path, kept: Path, log: Log, cuts: Sequence[int]) -> list[str]:
    wrong, left_open = [], []
    for cut in cuts:
        os.truncate(kept, cut)
        raw = sqlite3.connect(f"{place.as_uri()}?vfs=unix-none", uri=True)
        left_open.append(raw)
        raw.execute("PRAGMA locking_mode = EXCLUSIVE")
        counted, newest = raw.execute(COUNT).fetchone()
        if not counted == newest == log.intents_at(cut):
            wrong.append(f"cut at {cut}: {counted} intents, the last is {newest - 1}, "
                         f"{log.intents_at(cut)} were acknowledged")  # fmt: skip
    return wrong


def written(home: Path, library: Path, *, intents: int, lose: int, seed: int) -> Traced:
    """Let a writer work under the preload until it is killed; return what reached its disk."""
    done = subprocess.run(
        [sys.executable, "-c", WRITER, home, str(intents), str(lose), str(seed)],
        cwd=ROOT, env=preloaded(library), check=False, timeout=120, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == -9, done.stderr[-2000:]
    before = {path.name: path.read_bytes() for path in (home / "before").iterdir()}
    return Traced(before, list(touches((home / "disk.trace").read_bytes())))


def left_by_cut(traced: Traced, at: int, dice: random.Random) -> tuple[dict[str, bytes], int]:
    """Return the files after a power cut before touch `at`, and how many intents were told done.

    What was synced is there. Each later write is there, or is not, or is torn at a sector.
    """
    names: dict[int, str] = {}
    sure = {name: bytearray(data) for name, data in traced.before.items()}
    loose: dict[str, list[Touch]] = {name: [] for name in sure}
    acked = 0
    for touch in traced.touches[:at]:
        if touch.op == "p":
            names[touch.path] = Path(touch.data.decode()).name
        elif touch.op == ACK:
            acked = touch.offset + 1
        elif touch.op == "s":
            name = names[touch.path]
            for each in loose[name]:
                _apply(sure[name], each, len(each.data))
            loose[name] = []
        elif touch.op in ("w", "t"):
            loose[names[touch.path]].append(touch)
    for name, waiting in loose.items():
        for each in waiting:
            fate = dice.random()
            if fate < 0.45:
                _apply(sure[name], each, len(each.data))
            elif fate < 0.6 and each.op == "w":
                _apply(sure[name], each, dice.randrange(0, len(each.data) + 1, SECTOR))
    return {name: bytes(data) for name, data in sure.items()}, acked


def _apply(file: bytearray, touch: Touch, size: int) -> None:
    if touch.op == "t":
        if len(file) > touch.offset:
            del file[touch.offset :]
        else:
            file.extend(bytes(touch.offset - len(file)))
        return
    end = touch.offset + size
    if len(file) < end:
        file.extend(bytes(end - len(file)))
    file[touch.offset : end] = touch.data[:size]


def started(home: Path, files: dict[str, bytes]) -> Outcome:
    """Start on the files as the bot does."""
    for name in ("journal.db-wal", "journal.db-shm", "journal.db"):
        (home / name).unlink(missing_ok=True)
    for name, data in files.items():
        (home / name).write_bytes(data)
    try:
        store = open_journal(home, HandClock())
    except BotError as error:
        return Outcome(None, str(error))
    try:
        rows = store.rows("intents", limit=100_000)
        orders = store.rows("orders", limit=100_000)
        store.load_snapshot()
    except BotError as error:
        return Outcome(None, str(error))
    finally:
        store.close()
    found = [int(str(row["seq"])) for row in reversed(rows)]
    assert found == [int(str(row["seq"])) for row in reversed(orders)]
    return Outcome(found, "")


def frame_boundaries(log: bytes) -> Sequence[int]:
    """Return the offsets between frames of a write-ahead log, its header's end included."""
    (page,) = struct.unpack_from(">I", log, 8)
    return range(32, len(log) + 1, page + 24)


def is_prefix(found: list[int]) -> bool:
    return found == list(range(len(found)))


@contextmanager
def in_memory() -> Iterator[Path]:
    """A folder in memory, where there is one: here it is about order, not about a real disk."""
    shared = Path("/dev/shm")
    root = shared if os.access(shared, os.W_OK) else None
    folder = Path(tempfile.mkdtemp(prefix="bw-power-", dir=root))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--commits", type=int, default=1_000)
    parser.add_argument("--offsets", type=int, default=3_000)
    parser.add_argument("--logs", type=int, default=1, help="so many logs, one after another")
    parser.add_argument("--seed", type=int, default=1)
    wish = parser.parse_args()
    began = time.monotonic()
    each, frames, cut_count, wrong = wish.commits // wish.logs, 0, 0, []
    with in_memory() as folder:
        for number in range(wish.logs):
            log = log_of(folder / "written", number * each, each)
            cuts = log.cuts(wish.offsets // wish.logs, wish.seed + number)
            frames += len(frame_boundaries(log.log)) - 1
            cut_count += len(cuts)
            wrong += wrong_cuts(folder, log, cuts)
    told = {
        "commits": each * wish.logs,
        "logs": wish.logs,
        "frames": frames,
        "cuts": cut_count,
        "violations": wrong,
        "elapsed_s": round(time.monotonic() - began, 1),
    }
    print(json.dumps(told, indent=2))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
