"""The pieces of work of the public bench specification, played by the compiled lab."""

import resource
import statistics
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Literal

import numpy as np

from bot.domain.errors import DataInvalid
from bot.lab.fast.brackets import Bracket
from bot.lab.fast.compiler import compiled, numba
from bot.lab.fast.made import make_file
from bot.lab.fast.tape import LIQUIDATION, Crowd, Tape
from bot.ports import Clock

Work = Literal["w1", "w2", "w3"]
Numbers = dict[str, Any]
LEVELS = np.array([70_000.0, 72_500.0, 75_000.0, 76_000.0, 77_500.0, 80_000.0, 82_500.0, 85_000.0])
BRACKETS = "bot.lab.fast.brackets"
TAPE = "bot.lab.fast.tape"
MANY = "bot.lab.fast.many"
COLUMNS = {
    "bars": ("open", "high", "low", "close"),
    "year": ("ts", "open", "high", "low", "close"),
    "events": ("ts", "kind", "px", "qty", "side"),
}
FILES = {"bars": "bars", "year": "bars", "events": "events"}
ROUNDS = {"w1": 20, "w2": 10, "w3": 5}
THREADS = 2


def sets_of_w3() -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the 1,000 sets (band, stop, target) of the sweep, fractions; shape (1000, 3)."""
    axes = (
        np.linspace(0.001, 0.0055, 10), np.linspace(0.003, 0.012, 10), np.linspace(0.009, 0.036, 10)
    )  # fmt: skip
    return np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")], axis=1)


def columns_of(name: str, folder: Path) -> list[Any]:
    """Return the columns `name` of `COLUMNS` from their file in `folder`, made when missing.

    Raises:
        DataInvalid: the file cannot be read or written; the message names it.
    """
    path = folder / f"{FILES[name]}.npz"
    try:
        if not path.exists():
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as apart:
                apart.submit(make_file, FILES[name], path).result()
        with np.load(path) as columns:
            return [columns[key] for key in COLUMNS[name]]
    except (OSError, ValueError, KeyError) as error:
        raise DataInvalid(f"{path}: no bench data ({error}); delete it, or choose --data") from None


def run_work(work: Work, folder: Path, clock: Clock, cpu_s: Callable[[], float]) -> Numbers:
    """Play one piece of work warm and return its figures.

    `rate` counts items per CPU second; for w3 sets per wall second on two threads. `cpu_s` tells
    the processor seconds of this process.

    Raises:
        ConfigInvalid: the extra `lab` is missing.
        DataInvalid: the data cannot be read or made.
    """
    engine = numba()
    play, items, unit = {"w1": _bars, "w2": _events, "w3": _sets}[work](folder)
    if work == "w3":
        engine.set_num_threads(min(THREADS, engine.config.NUMBA_NUM_THREADS))
    began_ns = clock.monotonic_ns()
    play()
    first_s = (clock.monotonic_ns() - began_ns) / 1e9
    walls: list[float] = []
    cpus: list[float] = []
    figures: Numbers = {}
    for _ in range(ROUNDS[work]):
        began_ns, began_cpu_s = clock.monotonic_ns(), cpu_s()
        figures = play()
        cpus.append(cpu_s() - began_cpu_s)
        walls.append((clock.monotonic_ns() - began_ns) / 1e9)
    wall_s, spent_s = statistics.median(walls), statistics.median(cpus)
    return {
        "work": work,
        "engine": f"compiled, numba {engine.__version__}",
        "rate": items / (wall_s if work == "w3" else spent_s),
        "unit": unit,
        **figures,
        "items": items,
        "rounds": ROUNDS[work],
        "wall_s": wall_s,
        "cpu_s": spent_s,
        "first_call_s": first_s,
        "peak_rss_mb": peak_rss_mb(),
    }


def peak_rss_mb() -> float:
    """Return the most memory this process has held so far, in MB."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1_024 / 1e6, 1)


Play = tuple[Callable[[], Numbers], int, str]


def _bars(folder: Path) -> Play:
    columns = columns_of("bars", folder)
    engine = compiled(BRACKETS)

    def play() -> Numbers:
        trades, cash = engine.play_bars(*columns, LEVELS, Bracket())
        return {"trades": int(trades), "final_equity_usd": float(cash)}

    return play, len(columns[0]), "bars per CPU second"


def _events(folder: Path) -> Play:
    tape = Tape(*columns_of("events", folder))
    engine = compiled(TAPE, (BRACKETS,))
    room = int(np.count_nonzero(tape.kind == LIQUIDATION))
    ring_ms, ring_usd = np.zeros(room, np.int64), np.zeros(room)

    def play() -> Numbers:
        trades, cash = engine.play_tape(tape, LEVELS, Bracket(), Crowd(), ring_ms, ring_usd)
        return {"trades": int(trades), "final_equity_usd": float(cash)}

    return play, len(tape.ms), "events per CPU second"


def _sets(folder: Path) -> Play:
    prices = tuple(columns_of("bars", folder))
    sets = sets_of_w3()
    engine = compiled(MANY, (BRACKETS,))

    def play() -> Numbers:
        trades, cash = engine.play_many(prices, LEVELS, sets, Bracket())
        best = int(np.argmax(cash))
        return {
            "trades": int(trades.sum()),
            "final_equity_usd": float(cash[best]),
            "best_set": [float(value) for value in sets[best]],
            "equity_sum_usd": float(cash.sum()),
        }

    return play, len(sets), "sets per wall second on 2 threads"
