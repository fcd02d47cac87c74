"""What several folders of tests share: one PostgreSQL server a process, for those that ask."""

import pytest

from tests.fakes.postgres import Postgres, Unfenced, opener_on
from tests.unit.journal.stories import HandClock


@pytest.fixture(scope="session")
def postgres():
    with Postgres() as server:
        yield server


@pytest.fixture(scope="session")
def blank_template(postgres):
    """Return the name of a database with the tables of account `main`, to be copied."""
    name = postgres.database()
    opener_on(postgres.server(name), Unfenced(), HandClock())().close()
    return name


@pytest.fixture
def blank_database(postgres, blank_template):
    return postgres.server(postgres.database(blank_template))
