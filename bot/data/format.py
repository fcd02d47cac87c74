"""What a format of foreign files is: how it is known, and the rows that are read from it."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from bot.data.arrays import Floats, Ints
from bot.data.series import UNIT_S
from bot.domain.errors import DataInvalid

Column = Ints | Floats | list[str] | str
"""A text that is the same in every row stands once."""
QUOTES: Final = ("USDT", "USDC", "BUSD", "FDUSD", "TUSD")
KNOWN_VENUES: Final = (
    "binance", "bybit", "okx", "hyperliquid", "gate", "bitget", "kraken", "kucoin", "deribit",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one file of a data folder, with the lines they came from; instants in ns."""

    kind: str
    columns: dict[str, Column]
    path: Path
    lines: Ints
    counted_in: str = "line"

    def __len__(self) -> int:
        return int(self.lines.size)


@dataclass(frozen=True, slots=True)
class Given:
    """What the person said about the files; empty: the file's name and content say it."""

    symbol: str = ""
    venue: str = ""
    kind: str = ""
    timeframe: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file whose format is looked for; `cells` is its first line, empty when it is no text."""

    path: Path
    cells: tuple[str, ...] = ()
    stem: str = field(default="")


@dataclass(frozen=True, slots=True)
class Format:
    """One kind of foreign file. `claims` must not open it."""

    name: str
    about: str
    claims: Callable[[Candidate], bool]
    read: Callable[[Candidate, Given], Iterator[Rows]]
    may_be_empty: bool = False
    """Whether a file may hold nothing that a data folder takes."""


def contract_symbol(path: Path, name: str, given: Given) -> str:
    """Return our symbol of a contract such as BTCUSDT, BTC-USDT or BTC_USDT_USDT.

    Raises:
        DataInvalid: not a linear contract that is known.
    """
    if given.symbol:
        return given.symbol
    parts = re.split(r"[-_/:]", name.upper())
    if len(parts) >= 2 and parts[1] in QUOTES:
        return f"{parts[0]}/{parts[1]}:{parts[1]}"
    for quote in QUOTES:
        if len(parts) == 1 and parts[0].endswith(quote) and len(parts[0]) > len(quote):
            return f"{parts[0].removesuffix(quote)}/{quote}:{quote}"
    raise DataInvalid(
        f"{path}: {name[:40]!r} is no linear contract that is known:"
        f" say which it is with --symbol BTC/USDT:USDT"
    )


def venue_of(path: Path, given: Given) -> str:
    """Return the venue that was given or that a folder of the path is named for.

    Raises:
        DataInvalid: neither.
    """
    if given.venue:
        return given.venue
    for part in reversed(path.absolute().parts):
        if part.lower() in KNOWN_VENUES:
            return part.lower()
    raise DataInvalid(f"{path}: whose data are these? say it with --venue binance")


def frame_word(seconds: int) -> str:
    """Return the shortest name of a length of time, such as 5m."""
    for unit in ("w", "d", "h", "m"):
        if seconds % UNIT_S[unit] == 0 and unit != "w":
            return f"{seconds // UNIT_S[unit]}{unit}"
    return f"{seconds}s"


def spacing_s(times_ns: Ints) -> int:
    """Return the commonest distance of rows in seconds; 0 where there is none."""
    steps = np.diff(np.unique(times_ns))
    if steps.size == 0:
        return 0
    found, counts = np.unique(steps, return_counts=True)
    return int(found[np.argmax(counts)]) // 10**9


def on_the_hour(times_ns: Ints) -> Ints:
    """Return instants a few seconds beside a full hour as that hour; settlements fall on them."""
    hour = 3_600 * 10**9
    nearest = (times_ns + hour // 2) // hour * hour
    return np.where(np.abs(nearest - times_ns) <= 60 * 10**9, nearest, times_ns)
