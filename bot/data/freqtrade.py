"""What the files of freqtrade have in common: their names, and bars that carry funding."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.data.arrays import Ints
from bot.data.folder import CANDLES, FUNDING, MARK_CANDLES
from bot.data.format import Candidate, Given, Rows, contract_symbol, on_the_hour, venue_of
from bot.data.series import UNIT_S
from bot.domain.errors import DataInvalid

_NAME = re.compile(r"([A-Z0-9]+(?:_[A-Z0-9]+){1,2})-(\d+)([mhd])(?:-(futures|mark|funding_rate))?")
KINDS = {"futures": CANDLES, "mark": MARK_CANDLES, "funding_rate": FUNDING}
WISHES = {"candles": "futures", "mark_candles": "mark", "funding": "funding_rate"}


@dataclass(frozen=True, slots=True)
class Named:
    """What the name of a file says."""

    path: Path
    symbol: str
    venue: str
    kind: str
    timeframe: str
    step_s: int


def named(found: Candidate, given: Given) -> Named:
    """Return what a file holds by its name, or as it was given.

    Raises:
        DataInvalid: the name says nothing, or the venue is not told.
    """
    name = _NAME.fullmatch(found.stem)
    if name is None:
        raise DataInvalid(f"{found.path}: is not named as BTC_USDT_USDT-5m-futures by freqtrade")
    suffix = WISHES.get(given.kind) or name[4] or "futures"
    symbol = contract_symbol(found.path, name[1], given)
    return Named(
        found.path, symbol, venue_of(found.path, given), KINDS[suffix],
        given.timeframe or f"{name[2]}{name[3]}", int(name[2]) * UNIT_S[name[3]],
    )  # fmt: skip


def rows_of(what: Named, columns: dict[str, Any], numbers: Ints) -> Rows:
    """Return bars as they are; of funding the rate stands where a bar has its open."""
    told: dict[str, Any] = {"time": columns["date"], "venue": what.venue, "symbol": what.symbol}
    if what.kind == FUNDING:
        told["time"] = on_the_hour(columns["date"])
        told["rate"] = columns["open"]
        told["interval_hours"] = columns["open"] * 0.0 + what.step_s / 3_600
    else:
        told["timeframe"] = what.timeframe
        told |= {name: columns[name] for name in ("open", "high", "low", "close")}
        is_mark = what.kind == MARK_CANDLES
        told["volume"] = columns["close"] * 0.0 if is_mark else columns["volume"]
    return Rows(what.kind, told, what.path, numbers, counted_in="row")
