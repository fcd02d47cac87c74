"""CoinGlass CSV: liquidation totals of windows, or open interest as open, high, low, close.

The name of the service's columns tells which; bars without more are open interest when the
file's name or --kind says so. `time` is where a window began.
"""

import re
from collections.abc import Iterator

from bot.data.folder import LIQUIDATIONS, OPEN_INTEREST
from bot.data.format import (
    Candidate,
    Column,
    Format,
    Given,
    Rows,
    contract_symbol,
    frame_word,
    spacing_s,
)
from bot.data.text import Cells, blocks
from bot.domain.errors import DataInvalid

LONGS = ("long_usd", "aggregated_long_liquidation_usd", "long_liquidation_usd")
SHORTS = ("short_usd", "aggregated_short_liquidation_usd", "short_liquidation_usd")
TIMES = ("time", "timestamp", "t")
_INTEREST = re.compile(r"open.?interest|(^|[-_. ])oi([-_. ]|$)", re.IGNORECASE)
NAMED = ("coinglass",)


def _claims(found: Candidate) -> bool:
    names = set(found.cells)
    if not names & set(TIMES):
        return False
    if names & set(LONGS) and names & set(SHORTS):
        return True
    named = any(word in found.path.name.lower() for word in NAMED)
    return named and "close" in names and _INTEREST.search(found.stem) is not None


def _read(found: Candidate, given: Given) -> Iterator[Rows]:
    time = _column(found, TIMES)
    sums = bool(set(LONGS) & set(found.cells)) and given.kind != "open_interest"
    for cells in blocks(found.path, found.cells):
        at = cells.instants(time)
        shared: dict[str, Column] = {
            "time": at,
            "venue": given.venue or "coinglass",
            "symbol": _symbols(found, given, cells),
        }
        if sums:
            window = _windows(found, given, cells, spacing_s(at))
            longs, shorts = _column(found, LONGS), _column(found, SHORTS)
            told: dict[str, Column] = {"window": window, "long_usd": cells.numbers(longs)}
            told["short_usd"] = cells.numbers(shorts)
            yield Rows(LIQUIDATIONS, {**shared, **told}, found.path, cells.lines)
        else:
            usd = cells.numbers(_column(found, ("close", "open_interest_usd")))
            told = {**shared, "open_interest_usd": usd}
            yield Rows(OPEN_INTEREST, told, found.path, cells.lines)


def _column(found: Candidate, names: tuple[str, ...]) -> str:
    for name in names:
        if name in found.cells:
            return name
    raise DataInvalid(f"{found.path}: column {names[0]!r} is missing")


def _symbols(found: Candidate, given: Given, cells: Cells) -> list[str] | str:
    if given.symbol:
        return given.symbol
    if "symbol" in found.cells:
        return [
            name if "/" in name else contract_symbol(found.path, name, given)
            for name in cells.words("symbol")
        ]
    raise DataInvalid(f"{found.path}: of what? say it with --symbol BTC/USDT:USDT")


def _windows(found: Candidate, given: Given, cells: Cells, seen_s: int) -> list[str] | str:
    if given.timeframe:
        return given.timeframe
    if "window_s" in found.cells:
        return [frame_word(int(each)) for each in cells.numbers("window_s").tolist()]
    if seen_s <= 0:
        raise DataInvalid(f"{found.path}: how long are its windows? say it with --timeframe 1h")
    return frame_word(seen_s)


FORMAT = Format("coinglass", "CoinGlass CSV: liquidation totals, open interest", _claims, _read)
