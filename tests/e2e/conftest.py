"""Figures of the whole-process tests: collected from all workers, printed at the end."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from statistics import median

import pytest

from tests.e2e.lives import ENV, Lives, Measured
from tests.fakes.daemon import NotReady, Stand

FIGURE = "e2e_s:"
CAMPAIGN = (
    "test_okx",
    "test_kill_entry",
    "test_kill_stop",
    "test_restart",
    "test_outage",
    "test_lost_words",
)
"""Modules that kill, cut off and starve whole processes: minutes long, `./run test -m campaign`."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.stem in CAMPAIGN:
            item.add_marker(pytest.mark.campaign)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    """Show what the daemon decided and what the venue was asked, when a test fails."""
    report = yield
    given = getattr(item, "funcargs", {})
    stand = given["life"].stand if "life" in given else given.get("stand")
    if report.failed and isinstance(stand, Stand):
        report.sections.append(("decisions", "\n".join(_decisions(stand))))
        report.sections.append(("requests", "\n".join(_requests(stand))))
    return report


def _decisions(stand: Stand) -> list[str]:
    journal = stand.state / "journal.db"
    columns = ("kind", "what", "why", "measured")
    for daemon in reversed(stand.daemons):
        try:
            rows = daemon.journal("decisions", 60)
        except (AssertionError, NotReady):
            continue
        return [
            f"{row['event_ns'] / 1e9:.3f} {' | '.join(row[c] for c in columns)}" for row in rows
        ]
    query = "select event_ns, kind, what, why, measured from decisions order by id desc limit 60"
    try:
        with closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True)) as base:
            return [f"{row[0] / 1e9:.3f} {' | '.join(row[1:])}" for row in base.execute(query)]
    except sqlite3.Error as error:
        return [str(error)]


def _requests(stand: Stand) -> list[str]:
    try:
        rows = stand.venue.log()[-1500:]
    except (OSError, NotReady) as error:
        return [str(error)]
    quiet = ("/account", "/positionRisk", "/openOrders", "/openAlgoOrders")
    rows = [row for row in rows if row["status"] != 200 or not row["path"].endswith(quiet)]
    return [
        f"{row['ns'] / 1e9:.3f} {row['method']} {row['path']} {row['status']} {row['code']} "
        f"{row.get('params')}"
        for row in rows[-60:]
    ]


@pytest.fixture
def measured(record_property: Callable[[str, object], None]) -> Measured:
    """Keep a measured time in seconds under a name."""

    def keep(name: str, seconds: float) -> None:
        record_property(FIGURE + name, seconds)

    return keep


@pytest.fixture
def stand() -> Iterator[Stand]:
    with Stand() as made:
        yield made


@pytest.fixture(scope="module")
def lives() -> Iterator[Lives]:
    """One venue for a module of tests in which daemons die."""
    with Stand(**ENV) as made:
        yield Lives(made)


@pytest.fixture
def life(lives: Lives) -> Iterator[Lives]:
    """The same, flat again after each test."""
    yield lives
    lives.tidy()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    figures: dict[str, list[float]] = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", "") == "call":
                for name, value in report.user_properties:
                    if name.startswith(FIGURE):
                        figures.setdefault(name.removeprefix(FIGURE), []).append(float(value))
    if figures:
        terminalreporter.section("measured")
    for name, values in sorted(figures.items()):
        terminalreporter.write_line(
            f"{name}: median {median(values):.3f} s, max {max(values):.3f} s, {len(values)} times"
        )
