"""Figures of the whole-process tests: collected from all workers, printed at the end."""

from collections.abc import Callable, Iterator
from statistics import median

import pytest

from tests.e2e.lives import ENV, Lives, Measured
from tests.fakes.daemon import Stand

FIGURE = "e2e_s:"
CAMPAIGN = ("test_kill_entry", "test_kill_stop", "test_restart", "test_outage", "test_lost_words")
"""Modules that kill, cut off and starve whole processes: minutes long, `./run test -m campaign`."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.stem in CAMPAIGN:
            item.add_marker(pytest.mark.campaign)


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
