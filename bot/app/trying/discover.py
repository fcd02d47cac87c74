"""Finds strategies: one file in the configured folder, one class, by sorted file name."""

import importlib.util
import inspect
import stat
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import ModuleType

import msgspec

from bot.domain.errors import ConfigInvalid
from bot.domain.strategy import Parameters, Strategy
from bot.sdk import NEEDS, WARMUP_BARS_MAX, unknown_needs


class NumberUnknown(ConfigInvalid):
    """A strategy has no number of that name, whatever its value."""


def strategy_files(folder: Path) -> dict[str, Path]:
    """Return name -> file of every strategy in `folder`, sorted by name.

    Raises:
        ConfigInvalid: there is no such folder, a file in it leads elsewhere, or others may write.
    """
    if not folder.is_dir():
        raise ConfigInvalid(f"strategies.folder: {folder}: no such folder")
    files = [path for path in sorted(folder.glob("*.py")) if not path.name.startswith("_")]
    for path in files:
        _refuse_strange(path, folder)
    return {path.stem: path for path in files}


def _refuse_strange(path: Path, folder: Path) -> None:
    """Run no code that lies elsewhere, or that another user of this machine may have written."""
    if not path.resolve().is_relative_to(folder.resolve()):
        raise ConfigInvalid(
            f"{path}: leads out of the strategies folder: put the file itself there"
        )
    for each in (path, folder):
        if each.stat().st_mode & stat.S_IWOTH:
            raise ConfigInvalid(f"{each}: everybody may write it: chmod o-w {each}")


def find_strategies(
    folder: Path, enabled: Iterable[str], params: dict[str, dict[str, float]] | None = None
) -> tuple[Strategy, ...]:
    """Return one new instance of every enabled strategy.

    Raises:
        ConfigInvalid: an enabled name has no file, a file holds no strategy, or a
            number is unknown or out of its bounds.
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
    numbers = _numbers(module, name, params)
    try:
        strategy: Strategy = classes[0]() if numbers is None else classes[0](numbers)
    except Exception as error:  # noqa: BLE001 - any code of the user may run here
        line = f"{type(error).__name__}: {error}".splitlines()[0][:160]
        raise ConfigInvalid(f"{path}: {classes[0].__name__} cannot be made: {line}") from None
    wrong = _flaw(strategy, name)
    if wrong:
        raise ConfigInvalid(f"{path}: {wrong}")
    return strategy


def _numbers(module: ModuleType, name: str, params: dict[str, float]) -> Parameters | None:
    """Return the strategy's numbers, each within its bounds; None: it has none."""
    kind = getattr(module, "Params", None)
    if kind is None:
        if params:
            raise ConfigInvalid(f"strategies.params.{name}: {name} takes no numbers")
        return None
    if not (inspect.isclass(kind) and issubclass(kind, Parameters)):
        raise ConfigInvalid(f"{module.__file__}: Params must be a frozen bot.sdk.Parameters")
    unknown = [key for key in params if key not in kind.__struct_fields__]
    if unknown:
        known = ", ".join(kind.__struct_fields__)
        raise NumberUnknown(
            f"strategies.params.{name}.{unknown[0]}: no such number; known: {known}"
        )
    given = {key: int(value) if value.is_integer() else value for key, value in params.items()}
    try:
        return msgspec.convert(given, kind)
    except msgspec.ValidationError as error:
        raise ConfigInvalid(f"strategies.params.{name}: {error}") from None


def _flaw(strategy: Strategy, name: str) -> str:
    """Return what a class lacks of a strategy; "" when nothing."""
    if strategy.name != name:
        return f"the strategy calls itself {strategy.name!r}, must be {name!r}"
    needs = getattr(strategy, "needs", None)
    if not isinstance(needs, tuple):
        return f"needs must be a tuple of: {', '.join(NEEDS)}"
    unknown = unknown_needs(needs)
    if unknown:
        return f"needs {unknown[0]!r:.40}, known: {', '.join(NEEDS)}"
    warmup = getattr(strategy, "warmup_bars", None)
    if not isinstance(warmup, int) or not 1 <= warmup <= WARMUP_BARS_MAX:
        return f"warmup_bars was {warmup!r:.20}, must be a whole number of 1 to {WARMUP_BARS_MAX}"
    return ""


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
