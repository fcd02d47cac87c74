"""Violations and samples: what the monitors of one run found."""

from collections.abc import Callable

import msgspec


class Violation(msgspec.Struct, frozen=True):
    """One broken promise: the number of the invariant, when, and what was seen."""

    invariant: int
    at_s: float
    text: str


class Verdicts:
    """Collects; the same promise broken in the same way within ten minutes counts once."""

    def __init__(self) -> None:
        self.violations: list[Violation] = []
        self.samples: dict[str, list[float]] = {}
        self.on_first: Callable[[], None] | None = None
        """Called at the first violation: a hunt needs no second one."""
        self._told: dict[tuple[int, str], float] = {}

    def broken(self, invariant: int, at_s: float, text: str) -> None:
        """Write a violation down."""
        key = (invariant, text.split(":", 1)[0])
        if at_s - self._told.get(key, -1e9) < 600.0:
            return
        self._told[key] = at_s
        self.violations.append(Violation(invariant, round(at_s, 3), text))
        if self.on_first is not None:
            self.on_first()
            self.on_first = None

    def sample(self, name: str, seconds: float) -> None:
        """Keep a measured duration."""
        self.samples.setdefault(name, []).append(seconds)
