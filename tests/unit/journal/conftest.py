"""A journal made once, copied per test: migrating anew each time would be slow."""

import shutil

import pytest

from bot.journal.store import open_journal
from tests.fakes.postgres import ON_SERVER, Unfenced, opener_on
from tests.unit.journal.stories import HandClock


@pytest.fixture(scope="session")
def blank(tmp_path_factory):
    folder = tmp_path_factory.mktemp("blank")
    open_journal(folder, HandClock()).close()
    return folder / "journal.db"


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
def home(tmp_path, blank):
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    shutil.copy(blank, folder / "journal.db")
    return folder


@pytest.fixture
def file_store(home, clock):
    opened = open_journal(home, clock)
    yield opened
    opened.close()


@pytest.fixture(params=["sqlite", ON_SERVER])
def opens(request, clock):
    """Open one journal, again and again, in a file and on a server."""
    if request.param == "sqlite":
        home = request.getfixturevalue("home")
        return lambda: open_journal(home, clock)
    return opener_on(request.getfixturevalue("blank_database"), Unfenced(), clock)


@pytest.fixture
def store(opens):
    opened = opens()
    yield opened
    opened.close()
