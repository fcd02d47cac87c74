"""A torn log gives a clean prefix; a torn or scrambled file gives one line; never anything else."""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bot.domain.errors import JournalBroken
from bot.journal import care
from bot.journal.store import open_journal
from tests.unit.journal.stories import HandClock

ROOT = Path(__file__).parents[3]
SEED = 20260131
CUTS = 1_000
INTENTS = 30
WRITE_AND_DIE = """
import os, sys
from pathlib import Path
from bot.journal.store import open_journal
from tests.unit.journal.stories import NOW_NS, HandClock, approved
store = open_journal(Path(sys.argv[1]), HandClock())
for i in range(int(sys.argv[2])):
    store.intent("run00001", i, approved(f"bwrun00001-{i}-1"), NOW_NS + i)
os.kill(os.getpid(), 9)
"""


@pytest.fixture(scope="module")
def torn(tmp_path_factory):
    """The database and the log that a writer left when it was killed."""
    home = tmp_path_factory.mktemp("torn")
    done = subprocess.run(
        [sys.executable, "-c", WRITE_AND_DIE, home, str(INTENTS)],
        cwd=ROOT, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL
    return (home / "journal.db").read_bytes(), (home / "journal.db-wal").read_bytes()


def put(home, database, log=None):
    for name in ("journal.db-wal", "journal.db-shm", "journal.db"):
        (home / name).unlink(missing_ok=True)
    (home / "journal.db").write_bytes(database)
    if log is not None:
        (home / "journal.db-wal").write_bytes(log)


def told(home):
    """Open and read everything: the sequence numbers of intents, or the one line of refusal."""
    try:
        store = open_journal(home, HandClock())
    except JournalBroken as error:
        return None, str(error)
    try:
        store.load_snapshot()
        store.live_orders()
        store.why("bwrun00001-3-1")
        return [row["seq"] for row in store.rows("intents", limit=10_000)][::-1], ""
    except JournalBroken as error:
        return None, str(error)
    finally:
        store.close()


def prefix(home):
    """Open and return the sequence numbers of intents, which their orders must match."""
    store = open_journal(home, HandClock())
    read = store._link.raw.execute
    found = [row[0] for row in read("SELECT seq FROM intents ORDER BY id")]
    orders = [row[0] for row in read("SELECT seq FROM orders WHERE status = 'PENDING' ORDER BY id")]
    store.close()
    assert found == orders == list(range(len(found)))
    return len(found)


def test_a_log_cut_anywhere_gives_a_prefix_of_what_was_committed(fast, torn):
    database, log = torn
    dice = random.Random(SEED)
    lengths = []
    for cut in sorted({0, len(log), *(dice.randrange(len(log)) for _ in range(CUTS))}):
        put(fast, database, log[:cut])
        lengths.append(prefix(fast))
    assert lengths == sorted(lengths)
    assert set(lengths) == set(range(INTENTS + 1))


def test_a_scrambled_log_gives_a_prefix_of_what_was_committed(fast, torn):
    database, log = torn
    dice = random.Random(SEED)
    for _ in range(150):
        junk = bytearray(log)
        place = dice.randrange(len(log))
        junk[place] ^= dice.randrange(1, 256)
        put(fast, database, bytes(junk))
        assert 0 <= prefix(fast) <= INTENTS


@pytest.fixture
def settled(fast, torn):
    """A journal of several pages whose log was folded in."""
    put(fast, *torn)
    open_journal(fast, HandClock()).close()
    assert not (fast / "journal.db-wal").exists()
    return (fast / "journal.db").read_bytes()


def test_a_database_cut_anywhere_is_refused_in_one_line(fast, settled):
    dice = random.Random(SEED)
    cuts = {0, 1, 99, 100, 4_096, len(settled) - 1}
    cuts |= {dice.randrange(len(settled)) for _ in range(CUTS)}
    for cut in sorted(cuts):
        put(fast, settled[:cut])
        found, line = told(fast)
        assert found is None, f"cut at {cut} of {len(settled)}"
        assert "\n" not in line
        assert "restore the newest file of" in line, line
        assert str(fast / "journal.db") in line


def test_a_scrambled_database_gives_one_line_or_the_rows_it_holds(fast, settled):
    """SQLite keeps no checksum of its pages: a changed digit in a row may pass, no more."""
    dice = random.Random(SEED)
    written = [place for place, byte in enumerate(settled) if byte]
    refused = 0
    for _ in range(80):
        junk = bytearray(settled)
        start = dice.choice(written)
        size = dice.choice([1, 1, 16, 700])
        junk[start : start + size] = dice.randbytes(len(junk[start : start + size]))
        put(fast, bytes(junk))
        found, line = told(fast)
        assert (found is None) == bool(line)
        assert "\n" not in line
        refused += bool(line)
    assert refused > 20


@pytest.mark.parametrize("cut", [0, 1, 20_000])
def test_the_check_of_a_damaged_journal_is_a_report(fast, settled, cut):
    put(fast, settled[:cut])
    report = care.check(fast)
    assert report["ok"] is False
    assert all("\n" not in line for line in report["problems"])


COMMIT_UNTIL_KILLED = """
import sys
from pathlib import Path
from bot.journal.store import open_journal
from tests.unit.journal.stories import NOW_NS, HandClock, approved
store = open_journal(Path(sys.argv[1]), HandClock())
first = int(sys.argv[2])
for i in range(first, first + 100_000):
    store.intent("run00001", i, approved(f"bwrun00001-{i}-1"), NOW_NS + i)
    print(i, flush=True)
"""


def test_what_was_acknowledged_survives_kill_9(tmp_path):
    """No power is cut here; what the log holds after a cut is told by the torn logs above."""
    dice = random.Random(SEED)
    home = tmp_path / "state"
    last = -1
    for _ in range(2):
        child = subprocess.Popen(
            [sys.executable, "-c", COMMIT_UNTIL_KILLED, home, str(last + 1)],
            cwd=ROOT, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        for _ in range(dice.randrange(1, 60)):
            child.stdout.readline()
        os.kill(child.pid, signal.SIGKILL)
        heard = child.stdout.read().split("\n")
        child.stdout.close()
        child.wait()
        store = open_journal(home, HandClock())
        found = [row["seq"] for row in store.rows("intents", limit=100_000)][::-1]
        store.close()
        assert found == list(range(len(found)))
        assert found[-1] > last
        whole = [int(word) for word in heard if word]
        # The kill may fall between the commit and the word of it: one more is no harm.
        assert found[-1] - (whole[-1] if whole else found[-1]) in (0, 1)
        last = found[-1]
