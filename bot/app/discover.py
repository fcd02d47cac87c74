"""Finds strategies: one file in the configured folder, one class, by sorted file name."""

import importlib.util
import inspect
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import ModuleType

from bot.domain.errors import ConfigInvalid
from bot.domain.strategy import Strategy


def strategy_files(folder: Path) -> dict[str, Path]:
    """Return name -> file of every strategy in `folder`, sorted by name.

    Raises:
        ConfigInvalid: there is no such folder.
    """
    if not folder.is_dir():
        raise ConfigInvalid(f"strategies.folder: {folder}: no such folder")
    files = sorted(folder.glob("*.py"))
    return {path.stem: path for path in files if not path.name.startswith("_")}


def find_strategies(
    folder: Path, enabled: Iterable[str], params: dict[str, dict[str, float]] | None = None
) -> tuple[Strategy, ...]:
    """Return one new instance of every enabled strategy.

    Raises:
        ConfigInvalid: an enabled name has no file, a file cannot be loaded, or holds no strategy.
    """
    names = sorted(set(enabled))
    if not names:
        return ()
    files = strategy_files(folder)
    unknown = [name for name in names if name not in files]
    if unknown:
        known = ", ".join(files) or "none"
        raise ConfigInvalid(
            f"strategies.enabled: {unknown[0]!r} is not in {folder}; known: {known}"
        )
    return tuple(_made(files[name], name, (params or {}).get(name, {})) for name in names)


def _made(path: Path, name: str, params: dict[str, float]) -> Strategy:
    module = _loaded(path, name)
    classes = _candidates(module)
    if len(classes) != 1:
        raise ConfigInvalid(f"{path}: needs exactly one strategy class, found {len(classes)}")
    try:
        strategy: Strategy = classes[0](**params)
    except (TypeError, ValueError) as error:
        raise ConfigInvalid(f"strategies.params.{name}: {error}") from None
    if strategy.name != name:
        raise ConfigInvalid(
            f"{path}: the strategy calls itself {strategy.name!r}, must be {name!r}"
        )
    return strategy


def _loaded(path: Path, name: str) -> ModuleType:
    full = f"strategies.{name}"
    spec = importlib.util.spec_from_file_location(full, path)
    if spec is None or spec.loader is None:
        raise ConfigInvalid(f"{path}: cannot be loaded as Python")
    module = importlib.util.module_from_spec(spec)
    sys.modules[full] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # noqa: BLE001 - any code of the user may run here
        del sys.modules[full]
        line = f"{type(error).__name__}: {error}".splitlines()[0][:160]
        raise ConfigInvalid(f"{path}: cannot be loaded: {line}") from None
    return module


def _candidates(module: ModuleType) -> Sequence[type]:
    """Return the classes a module defines that can evaluate and start."""
    return [
        member
        for _, member in sorted(inspect.getmembers(module, inspect.isclass))
        if member.__module__ == module.__name__
        and callable(getattr(member, "evaluate", None))
        and callable(getattr(member, "start", None))
    ]
