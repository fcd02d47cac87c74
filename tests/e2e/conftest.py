"""Figures of the whole-process tests: collected from all workers, printed at the end."""

from collections.abc import Callable, Iterator
from statistics import median

import pytest

from tests.fakes.daemon import Stand

FIGURE = "e2e_s:"
Measured = Callable[[str, float], None]


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
