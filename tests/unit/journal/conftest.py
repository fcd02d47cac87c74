"""A journal made once, copied per test: migrating anew each time would be slow."""

import shutil

import pytest

from bot.journal.store import open_journal
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
def store(home, clock):
    opened = open_journal(home, clock)
    yield opened
    opened.close()
