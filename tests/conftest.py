"""What several folders of tests share: one PostgreSQL server a process, for those that ask.

The whole of ccxt is loaded here, before a test can load the house's lean one, which has Binance
alone: else it would depend on the order of files whether the other clients can be found.
"""

import ccxt.pro  # noqa: F401
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
