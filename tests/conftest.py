"""What several folders of tests share: one PostgreSQL server a process, for those that ask.

The whole of ccxt is loaded here, before a test can load the house's lean one, which has Binance
alone: else it would depend on the order of files whether the other clients can be found.
"""

import os

import ccxt.pro  # noqa: F401
import pytest
from hypothesis import settings

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


# how long an example takes says something of the machine, nothing of the code; the gate plays the
# same examples everywhere, and whoever looks for new finds sets BREAKWATER_EXPLORE=1
settings.register_profile("gate", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None, derandomize=False)
settings.load_profile("explore" if os.environ.get("BREAKWATER_EXPLORE") else "gate")

WHOLE_PROCESSES = {"e2e", "process"}
"""Folders of tests that start programs: a busy machine may starve one of them past its patience."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if WHOLE_PROCESSES & set(item.path.parts):
            item.add_marker(pytest.mark.flaky(reruns=1))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell whole what went wrong in a test that passed at its second try."""
    first_tries = terminalreporter.stats.get("rerun", [])
    if first_tries:
        terminalreporter.section("failed at the first try: each of these is a find, not noise")
    for report in first_tries:
        terminalreporter.write_line(f"{report.nodeid} ({report.when})")
        terminalreporter.write_line(report.longreprtext)
        for name, text in report.sections:
            terminalreporter.write_line(f"---- {name}")
            terminalreporter.write_line(text[-3000:])
