"""The room loads one exchange of ccxt; who wants more of ccxt still gets the whole of it."""

import subprocess
import sys

import pytest

COUNT = "len([name for name in sys.modules if name.startswith('ccxt')])"


def run(program: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", f"import sys\n{program}"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_one_exchange_is_loaded_and_not_a_hundred() -> None:
    (count,) = run(f"import bot.venue.open\nprint({COUNT})")
    assert int(count) < 60


@pytest.mark.parametrize("first", ["import ccxt.pro", "import bot.venue.open"])
def test_it_is_ccxt_s_own_class_whoever_comes_first(first: str) -> None:
    program = f"""{first}
from bot.venue.wire import Wire
import ccxt.pro, ccxt.async_support, ccxt
print(issubclass(Wire, ccxt.pro.binanceusdm), issubclass(Wire, ccxt.async_support.binance))
print(ccxt.OrderNotFound.__name__, ccxt.__version__)"""
    assert run(program)[:3] == ["True", "True", "OrderNotFound"]


def test_a_layout_it_cannot_follow_is_loaded_as_usual() -> None:
    program = f"""import importlib.util
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *more: None if name == "ccxt" else find(name, *more)
from bot.venue.wire import Wire
print({COUNT}, Wire.__mro__[2].__name__)"""
    count, parent = run(program)
    assert int(count) > 100
    assert parent == "binanceusdm"
