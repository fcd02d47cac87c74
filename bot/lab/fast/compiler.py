"""Compiles a second copy of a module of plain functions; the first copy stays interpreted."""

import importlib
import importlib.util
from collections.abc import Callable, Sequence
from functools import lru_cache
from types import FunctionType, ModuleType
from typing import Any

from bot.domain.errors import ConfigInvalid

MISSING = (
    "lab: numba is not installed; install the extra `lab` (pip install 'breakwater[lab]') or "
    "requirements-dev.lock"
)


def numba() -> ModuleType:
    """Return the numba package.

    Raises:
        ConfigInvalid: the extra `lab` is not installed.
    """
    try:
        return importlib.import_module("numba")
    except ImportError:
        raise ConfigInvalid(MISSING) from None


def compiled(name: str, borrowed: Sequence[str] = ()) -> ModuleType:
    """Return a copy of module `name` whose public and private functions are compiled lazily.

    Functions that it imports from the modules named in `borrowed` (a formula of the kernel) are
    compiled from their own source as well; each of them may borrow from those named before it.
    `PARALLEL`, a tuple of names in the module, says which
    functions run on several threads; there `prange`, else `range`, divides the work.

    Raises:
        ConfigInvalid: the extra `lab` is not installed.
    """
    return _compiled(name, tuple(borrowed))


@lru_cache(maxsize=32)
def _compiled(name: str, borrowed: tuple[str, ...]) -> ModuleType:
    engine = numba()
    copy = _second_copy(name)
    donors = [compiled(donor, borrowed[:place]) for place, donor in enumerate(borrowed)]
    parallel: Sequence[str] = getattr(copy, "PARALLEL", ())
    if hasattr(copy, "prange"):
        copy.__dict__["prange"] = engine.prange
    for key, value in list(vars(copy).items()):
        if isinstance(value, FunctionType):
            copy.__dict__[key] = _twin(engine, copy, donors, value, parallel=key in parallel)
    return copy


def _twin(
    engine: ModuleType,
    copy: ModuleType,
    donors: Sequence[ModuleType],
    function: FunctionType,
    *,
    parallel: bool,
) -> Callable[..., Any]:
    """Return the compiled twin of a function, from the donor that owns it or made here."""
    if function.__module__ == copy.__name__:
        twin: Callable[..., Any] = engine.njit(function, parallel=parallel, nogil=True)
        return twin
    for donor in donors:
        if donor.__name__ == _copy_name(function.__module__):
            found: Callable[..., Any] = getattr(donor, function.__name__)
            return found
    return function


def _copy_name(name: str) -> str:
    return f"{name}__compiled"


def _second_copy(name: str) -> ModuleType:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None or spec.loader is None:
        raise ConfigInvalid(f"lab: module {name} is not there to be compiled")
    twin = importlib.util.spec_from_file_location(_copy_name(name), spec.origin)
    if twin is None or twin.loader is None:
        raise ConfigInvalid(f"lab: module {name} cannot be loaded a second time")
    module = importlib.util.module_from_spec(twin)
    twin.loader.exec_module(module)
    return module
