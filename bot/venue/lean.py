"""One exchange of ccxt without the other hundred: half a second and 55 MB less at start.

ccxt's package files import every exchange they know. Here the packages are set up empty, with the
same folders, and the few names that Binance's modules ask of them are filled in. Nothing of ccxt
is changed: the modules that run are its own. Where ccxt is already loaded it is used as it is, and
a layout this cannot follow falls back to the ordinary import.
"""

import importlib
import importlib.util
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, Final

_FAMILY: Final = ("binance", "binanceusdm")
_PACKAGES: Final = ("ccxt", "ccxt.async_support", "ccxt.pro")


def _binanceusdm() -> tuple[Any, type[Exception]]:
    if "ccxt" not in sys.modules:
        try:
            return _lean()
        except (ImportError, AttributeError):
            for name in [name for name in sys.modules if name.partition(".")[0] == "ccxt"]:
                del sys.modules[name]
    pro = importlib.import_module("ccxt.pro")
    errors = importlib.import_module("ccxt.base.errors")
    return pro.binanceusdm, errors.BaseError


def _lean() -> tuple[Any, type[Exception]]:
    found = importlib.util.find_spec("ccxt")
    if found is None or not found.submodule_search_locations:
        raise ImportError("ccxt is not installed")
    root = found.submodule_search_locations[0]
    ccxt, async_support, pro = (_empty(name, root) for name in _PACKAGES)
    ccxt.async_support, ccxt.pro = async_support, pro  # type: ignore[attr-defined]  # filled here
    errors = importlib.import_module("ccxt.base.errors")
    for name in dir(errors):
        if name[0].isupper():
            setattr(ccxt, name, getattr(errors, name))
    exchange = importlib.import_module("ccxt.base.exchange")
    for name in ("Exchange", "__version__"):
        setattr(ccxt, name, getattr(exchange, name))
    for package in (async_support, pro):
        for name in _FAMILY:
            # as in ccxt's own package file the class takes the place of its module
            module = importlib.import_module(f"{package.__name__}.{name}")
            setattr(package, name, getattr(module, name))
    return pro.binanceusdm, errors.BaseError


def _empty(name: str, root: str) -> ModuleType:
    """Register a package that loads nothing by itself."""
    package = ModuleType(name)
    package.__path__ = [root + name.removeprefix("ccxt").replace(".", "/")]
    package.__spec__ = ModuleSpec(name, None, is_package=True)
    sys.modules[name] = package
    return package


def pro_class(name: str) -> Any:  # noqa: ANN401  (ccxt ships no types)
    """Return the class of another exchange of ccxt with streams, loaded without all the others.

    Raises:
        ImportError: ccxt knows no such exchange.
    """
    for package in _PACKAGES[1:]:
        module = importlib.import_module(f"{package}.{name}")
        # where all of ccxt is loaded, the package holds the class in place of its module
        setattr(sys.modules[package], name, getattr(module, name))
    return getattr(sys.modules[_PACKAGES[-1]], name)


binanceusdm, BaseError = _binanceusdm()
Exchange: Any = importlib.import_module("ccxt.async_support.base.exchange").Exchange
"""What all of ccxt's classes have in common."""
