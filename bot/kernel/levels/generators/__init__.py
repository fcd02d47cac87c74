"""Generators of levels, one file each: NAME and levels(scene) -> Sequence[Level].

A new generator is a new file here; files whose name starts with an underscore are shared parts.
"""

import importlib
import pkgutil
from collections.abc import Sequence
from typing import Protocol

from bot.kernel.levels.scene import Scene
from bot.kernel.levels.state import Level


class Generator(Protocol):
    """What a generator module offers."""

    NAME: str

    def levels(self, scene: Scene) -> Sequence[Level]:
        """Return the levels known at the scene's instant, from closed bars alone."""
        ...


def _discover() -> tuple[Generator, ...]:
    names = sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_"))
    return tuple(importlib.import_module(f"{__name__}.{name}") for name in names)


GENERATORS: tuple[Generator, ...] = _discover()
