"""De-leveraging rules, one file each: NAME and demand(view) -> Demand | None.

A new rule is a new file here; files whose name starts with an underscore are shared parts.
"""

import importlib
import pkgutil
from typing import Protocol

from bot.domain.risk import Demand
from bot.kernel.view import LegView


class Rule(Protocol):
    """What a rule module offers."""

    NAME: str

    def demand(self, view: LegView) -> Demand | None:
        """Return what this rule wants of one held leg, or None."""
        ...


def _discover() -> tuple[Rule, ...]:
    names = sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_"))
    return tuple(importlib.import_module(f"{__name__}.{name}") for name in names)


RULES: tuple[Rule, ...] = _discover()
