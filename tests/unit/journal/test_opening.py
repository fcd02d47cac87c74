"""A journal that cannot be trusted is refused in one line that says what to do."""

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from bot.domain.errors import JournalBroken, StateLocked
from bot.journal import care, schema
from bot.journal.engine import connect_raw, wrap
from bot.journal.store import open_journal
from bot.journal.tables import Row
from tests.unit.journal.stories import NOW_NS, HandClock, approved

ROOT = Path(__file__).parents[3]
RUN = "run00001"


def refusal(path, kind=JournalBroken):
    with pytest.raises(kind) as caught:
        open_journal(path, HandClock())
    line = str(caught.value)
    assert "\n" not in line
    assert ": " in line
    return line


def set_revision(home, revision):
    with closing(sqlite3.connect(home / "journal.db")) as raw, raw:
        raw.execute("UPDATE alembic_version SET version_num = ?", (revision,))


def test_migrations_make_exactly_the_tables_of_the_code(home):
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    raw = connect_raw(home / "journal.db")
    with wrap(raw) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Row.metadata) == []
    raw.close()


def test_accounts_that_start_together_make_their_own_journals(tmp_path):
    """Alembic's context is one for a process; mixed up, it wrote to the others' and crashed."""
    homes = [tmp_path / str(number) for number in range(4)]
    for folder in homes:
        folder.mkdir(mode=0o700)

    def made(folder):
        store = open_journal(folder, HandClock())
        try:
            store.intent(RUN, 1, approved(), NOW_NS)
            return [order.client_order_id for order in store.live_orders()]
        finally:
            store.close()

    with ThreadPoolExecutor(len(homes)) as pool:
        assert list(pool.map(made, homes)) == [[approved().client_order_id]] * len(homes)


def test_the_list_of_revisions_is_the_list_of_migration_files():
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(schema.SCRIPTS))
    walked = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    assert tuple(reversed(walked)) == schema.REVISIONS
    assert schema.REVISIONS[-1] == schema.HEAD


def test_a_current_journal_is_opened_without_alembic_and_without_a_backup(home):
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from bot.journal.store import open_journal\n"
        "from tests.unit.journal.stories import HandClock\n"
        "open_journal(Path(sys.argv[1]), HandClock()).close()\n"
        "assert 'alembic' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code, home], cwd=ROOT, check=True, timeout=60)
    assert not (home / "backups").exists()


@pytest.fixture
def with_a_next_revision(tmp_path, monkeypatch):
    """The program of tomorrow: one more migration."""
    scripts = tmp_path / "migrations"
    shutil.copytree(schema.SCRIPTS, scripts)
    (scripts / "versions" / "0002_next.py").write_text(
        '"""Next."""\nimport sqlalchemy as sa\nfrom alembic import op\n'
        'revision = "0002"\ndown_revision = "0001"\n\n'
        "def upgrade():\n"
        '    op.add_column("runs", sa.Column("note", sa.Text(), nullable=True))\n'
    )
    monkeypatch.setattr(schema, "SCRIPTS", scripts)
    monkeypatch.setattr(schema, "REVISIONS", ("0001", "0002"))
    monkeypatch.setattr(schema, "HEAD", "0002")
    return scripts


def with_an_intent(home):
    store = open_journal(home, HandClock())
    store.intent(RUN, 1, approved(), NOW_NS)
    store.close()


def columns_of_runs(path):
    with closing(sqlite3.connect(path)) as raw:
        return [row[1] for row in raw.execute("PRAGMA table_info(runs)")]


def test_an_older_journal_is_migrated_after_a_backup(home, monkeypatch, request):
    with_an_intent(home)
    request.getfixturevalue("with_a_next_revision")
    store = open_journal(home, HandClock())
    assert len(store.live_orders()) == 1
    store.close()
    assert "note" in columns_of_runs(home / "journal.db")
    (backup,) = (home / "backups").iterdir()
    assert backup.name.startswith("before-0002-")
    assert "note" not in columns_of_runs(backup)
    assert backup.stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(backup)) as raw:
        assert raw.execute("SELECT count(*) FROM intents").fetchone() == (1,)


def test_a_migration_that_fails_leaves_the_journal_as_it_was(home, request):
    with_an_intent(home)
    scripts = request.getfixturevalue("with_a_next_revision")
    with (scripts / "versions" / "0002_next.py").open("a") as script:
        script.write('    op.execute("INSERT INTO nowhere VALUES (1)")\n')
    line = refusal(home)
    assert "migrating it to schema 0002" in line
    assert "note" not in columns_of_runs(home / "journal.db")
    with closing(sqlite3.connect(home / "journal.db")) as raw:
        assert raw.execute("SELECT version_num FROM alembic_version").fetchone() == ("0001",)
        assert raw.execute("SELECT count(*) FROM intents").fetchone() == (1,)


def test_a_journal_of_a_newer_program_is_refused_untouched(home):
    set_revision(home, "0999")
    before = (home / "journal.db").read_bytes()
    line = refusal(home)
    assert "schema 0999, newer than this program knows" in line
    assert str(home / "journal.db") in line
    assert (home / "journal.db").read_bytes() == before


def test_files_that_are_no_journal_are_refused(tmp_path):
    text = tmp_path / "text.db"
    text.write_text("not a database at all " * 100)
    assert "not a database" in refusal(text)
    foreign = tmp_path / "foreign.db"
    with closing(sqlite3.connect(foreign)) as raw:
        raw.execute("CREATE TABLE trades (id)")
    assert "is not a journal of this program" in refusal(foreign)
    empty = tmp_path / "empty.db"
    empty.touch()
    assert "is not a journal of this program" in refusal(empty)
    folder = tmp_path / "folder.db"
    folder.mkdir()
    assert "folder.db" in refusal(folder)


def test_a_log_without_its_database_is_refused(home):
    (home / "journal.db").rename(home / "elsewhere")
    (home / "journal.db-wal").write_bytes(b"x" * 5_000)
    assert "is missing but its log journal.db-wal is there" in refusal(home)


def test_a_start_cut_short_while_making_the_journal_begins_again(tmp_path, clock):
    folder = tmp_path / "state"
    folder.mkdir()
    (folder / ".journal.db.making").write_bytes(b"half a page")
    open_journal(folder, clock).close()
    assert care.check(folder)["ok"] is True


def test_a_second_connection_is_refused_while_the_first_lives(home, file_store, clock):
    line = refusal(home, StateLocked)
    assert "open in another process" in line
    with (
        closing(sqlite3.connect(home / "journal.db", timeout=0)) as raw,
        pytest.raises(sqlite3.OperationalError, match="locked"),
    ):
        raw.execute("SELECT count(*) FROM intents").fetchone()
    file_store.intent(RUN, 1, approved(), NOW_NS)


def test_a_file_in_place_of_the_state_directory_is_named(tmp_path):
    (tmp_path / "state").write_text("x")
    assert str(tmp_path / "state") in refusal(tmp_path / "state")
    assert str(tmp_path / "state") in refusal(tmp_path / "state" / "deeper")


AS_SOMEBODY = """
import os, sys
from pathlib import Path
from bot.domain.errors import JournalBroken
from bot.journal.lock import hold_state
from bot.journal.store import open_journal
from tests.unit.journal.stories import HandClock
home = Path(sys.argv[1])
if os.getuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
for call in (lambda: open_journal(home, HandClock()), lambda: hold_state(home)):
    try:
        call()
    except JournalBroken as error:
        print(error)
    else:
        print("opened")
"""


@pytest.fixture
def open_to_all():
    """A folder that another user can reach, as pytest's own cannot be."""
    folder = Path(tempfile.mkdtemp(prefix="journal-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize("there", [True, False])
def test_a_read_only_state_directory_is_refused(open_to_all, blank, there):
    """As root, modes bind nobody: then a child gives up its rights first."""
    home = open_to_all / "state"
    home.mkdir()
    if there:
        shutil.copy(blank, home / "journal.db")
    for path in (home, *home.iterdir()):
        path.chmod(0o555)
    done = subprocess.run(
        [sys.executable, "-c", AS_SOMEBODY, home],
        cwd=ROOT, check=False, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    home.chmod(0o755)
    lines = done.stdout.splitlines()
    assert len(lines) == 2, done.stderr[-500:]
    assert all("read-only" in line and str(home) in line for line in lines)


def test_damage_found_by_the_check_at_opening_is_told(home):
    with_an_intent(home)
    path = home / "journal.db"
    junk = bytearray(path.read_bytes())
    junk[4096:8192] = os.urandom(4096)
    path.write_bytes(junk)
    line = refusal(home)
    assert "restore the newest file of" in line
    assert "backups" in line
