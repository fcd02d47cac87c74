"""One daemon per state directory, and a journal at rest that can be checked, copied, set aside."""

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from bot.domain.errors import JournalBroken, StateLocked
from bot.journal import care
from bot.journal.lock import hold_state
from bot.journal.store import open_journal
from tests.unit.journal.stories import NOW_NS, HandClock, approved, fill

ROOT = Path(__file__).parents[3]
RUN = "run00001"
HOLD = """
import sys
from pathlib import Path
from bot.journal.lock import hold_state
hold_state(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path / "state"],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_second_daemon_is_refused_by_name_of_the_first(tmp_path, holder):
    with pytest.raises(StateLocked, match=rf"held by another breakwater \(pid {holder.pid}\)"):
        hold_state(tmp_path / "state")


def test_a_killed_holder_leaves_the_directory_free(tmp_path, holder):
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with hold_state(tmp_path / "state") as lock:
        assert lock.directory == tmp_path / "state"
        assert (tmp_path / "state" / "lock").read_text() == f"{os.getpid()}\n"


def test_a_released_directory_is_free_and_releasing_twice_is_harmless(tmp_path):
    first = hold_state(tmp_path)
    with pytest.raises(StateLocked, match=f"pid {os.getpid()}"):
        hold_state(tmp_path)
    first.release()
    first.release()
    hold_state(tmp_path).release()


def test_a_holder_that_has_not_yet_written_its_pid_still_holds(tmp_path):
    with hold_state(tmp_path):
        (tmp_path / "lock").write_text("junk")
        with pytest.raises(StateLocked, match="pid unknown"):
            hold_state(tmp_path)


def test_a_file_in_place_of_the_directory_is_named(tmp_path):
    (tmp_path / "state").write_text("x")
    with pytest.raises(JournalBroken, match=r"state: File exists"):
        hold_state(tmp_path / "state")


def test_care_waits_for_no_daemon(tmp_path, holder, clock, blank):
    home = tmp_path / "state"
    (home / "journal.db").write_bytes(blank.read_bytes())
    for call in (
        lambda: care.check(home),
        lambda: care.backup(home, clock),
        lambda: care.upgrade(home, clock),
        lambda: care.quarantine(home, clock),
    ):
        with pytest.raises(StateLocked, match=f"pid {holder.pid}"):
            call()


def test_the_check_counts_and_changes_nothing(home, clock):
    store = open_journal(home, clock)
    store.intent(RUN, 1, approved(), NOW_NS)
    store.append(RUN, 1, fill(), ())
    store.close()
    before = (home / "journal.db").read_bytes()
    report = care.check(home)
    assert (report["ok"], report["problems"]) == (True, [])
    assert report["schema"] == report["schema_known"] == "0001"
    assert report["rows"]["intents"] == report["rows"]["fills"] == report["rows"]["orders"] == 1
    assert report["size_bytes"] == len(before)
    assert report["newest_backup"] is None
    assert (home / "journal.db").read_bytes() == before


def test_the_check_reads_what_a_killed_daemon_left_in_its_log(home, clock):
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from bot.journal.store import open_journal\n"
        "from tests.unit.journal.stories import HandClock, approved\n"
        "store = open_journal(Path(sys.argv[1]), HandClock())\n"
        "store.intent('r', 1, approved(), 1)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, home], cwd=ROOT, check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    report = care.check(home)
    assert report["ok"] is True
    assert report["log_bytes"] > 0
    assert report["rows"]["intents"] == 1
    again = care.check(home)
    assert {**again, "free_bytes": 0} == {**report, "free_bytes": 0}
    store = open_journal(home, clock)
    assert len(store.live_orders()) == 1
    store.close()


def test_the_check_reports_damage_and_a_newer_schema_instead_of_raising(home):
    with closing(sqlite3.connect(home / "journal.db")) as raw, raw:
        raw.execute("UPDATE alembic_version SET version_num = '0999'")
    report = care.check(home)
    assert report["ok"] is False
    assert "newer than this program knows" in report["problems"][0]
    path = home / "journal.db"
    path.write_bytes(path.read_bytes()[:20_000])
    report = care.check(home)
    assert report["ok"] is False
    assert all("\n" not in line for line in report["problems"])


def test_backups_are_whole_private_and_few(home):
    clock = HandClock()
    store = open_journal(home, clock)
    store.intent(RUN, 1, approved(), NOW_NS)
    store.close()
    for _ in range(5):
        clock.at_ns += 10**9
        report = care.backup(home, clock, keep=3)
    assert len(report["kept"]) == 3
    assert report["kept"][0] == report["backup"]
    newest = Path(report["backup"])
    assert newest.stat().st_mode & 0o777 == 0o600
    assert newest.parent.stat().st_mode & 0o777 == 0o700
    assert sorted(each.name for each in newest.parent.iterdir()) == sorted(
        Path(each).name for each in report["kept"]
    )
    restored = home / "restored.db"
    restored.write_bytes(newest.read_bytes())
    again = open_journal(restored, clock)
    assert len(again.live_orders()) == 1
    again.close()
    assert care.check(home)["newest_backup"] == report["backup"]


def test_a_running_store_makes_its_own_backup(file_store, home):
    store = file_store
    store.intent(RUN, 1, approved(), NOW_NS)
    made = store.backup()
    store.intent(RUN, 2, approved("bwrun00001-2-1"), NOW_NS)
    with closing(sqlite3.connect(made)) as raw:
        assert raw.execute("SELECT count(*) FROM intents").fetchone() == (1,)
    assert made.parent == home / "backups"


def test_an_upgrade_with_nothing_to_do_says_so(home, clock):
    report = care.upgrade(home, clock)
    assert (report["from"], report["to"], report["backup"]) == ("0001", "0001", None)


def test_a_quarantined_journal_is_kept_and_the_next_start_begins_anew(home, clock):
    path = home / "journal.db"
    path.write_bytes(path.read_bytes()[:5_000])
    (home / "journal.db-wal").write_bytes(b"w" * 100)
    report = care.quarantine(home, clock)
    moved = Path(report["moved_to"])
    assert moved.stat().st_size == 5_000
    assert moved.with_name(moved.name + "-wal").stat().st_size == 100
    store = open_journal(home, clock)
    assert store.load_snapshot() is None
    store.close()


def test_care_of_nothing_is_refused(tmp_path, clock):
    for call in (care.check, lambda path: care.backup(path, clock)):
        with pytest.raises(JournalBroken, match="there is no journal here"):
            call(tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()


def test_a_backup_takes_the_journals_place_and_nothing_is_lost(home, clock):
    store = open_journal(home, clock)
    store.intent(RUN, 1, approved(), NOW_NS)
    made = store.backup()
    store.intent(RUN, 2, approved("bwrun00001-2-1"), NOW_NS)
    store.close()
    report = care.restore(home, made, clock)
    assert care.check(home)["rows"]["intents"] == 1
    with closing(sqlite3.connect(report["moved_to"])) as raw:
        assert raw.execute("SELECT count(*) FROM intents").fetchone() == (2,)
    assert (home / "journal.db").stat().st_mode & 0o777 == 0o600
    again = open_journal(home, clock)
    assert len(again.live_orders()) == 1
    again.close()


@pytest.mark.parametrize("flaw", ["absent", "cut", "newer", "junk"])
def test_a_backup_that_is_not_sound_changes_nothing(home, clock, flaw):
    made = Path(care.backup(home, clock)["backup"])
    before = (home / "journal.db").read_bytes()
    if flaw == "absent":
        made.unlink()
    elif flaw == "cut":
        made.write_bytes(made.read_bytes()[:20_000])
    elif flaw == "newer":
        with closing(sqlite3.connect(made)) as raw, raw:
            raw.execute("UPDATE alembic_version SET version_num = '0999'")
    else:
        made.write_bytes(b"no database at all")
    with pytest.raises(JournalBroken) as caught:
        care.restore(home, made, clock)
    assert "\n" not in str(caught.value)
    assert (home / "journal.db").read_bytes() == before
    assert sorted(p.name for p in home.iterdir() if "restoring" in p.name) == []


def test_a_running_daemon_keeps_its_journal(tmp_path, holder, clock):
    with pytest.raises(StateLocked):
        care.restore(tmp_path / "state", Path(__file__), clock)
