"""Puts a mutant into the modules that are loaded from now on in this process."""

import importlib.abc
import importlib.machinery
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType

from typing_extensions import override

from bot.domain.errors import InvariantBroken
from bot.lab.simulation.mutants.mutant import Mutant


class _Loader(SourceFileLoader):
    """Loads the changed text; compiled files are neither read nor written."""

    def __init__(self, fullname: str, path: str, mutant: Mutant) -> None:
        super().__init__(fullname, path)
        self._mutant = mutant

    @override
    def get_data(self, path: str) -> bytes:
        return mutated(super().get_data(path).decode(), self._mutant).encode()

    @override
    def path_stats(self, path: str) -> dict[str, float]:
        raise OSError("a mutant is never cached")


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant

    @override
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self._mutant.module:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.origin is not None:
            spec.loader = _Loader(fullname, spec.origin, self._mutant)
        return spec


def mutated(source: str, mutant: Mutant) -> str:
    """Return the source with the mutant in it.

    Raises:
        InvariantBroken: its text does not stand there exactly once.
    """
    found = source.count(mutant.old)
    if found != 1:
        raise InvariantBroken(f"mutant {mutant.name}: its text stands {found} times, must be once")
    return source.replace(mutant.old, mutant.new)


def infect(mutant: Mutant) -> None:
    """Let `mutant` be loaded in place of its module.

    Raises:
        InvariantBroken: the module was loaded before.
    """
    if mutant.module in sys.modules:
        raise InvariantBroken(f"mutant {mutant.name}: {mutant.module} is loaded already")
    sys.meta_path.insert(0, _Finder(mutant))
