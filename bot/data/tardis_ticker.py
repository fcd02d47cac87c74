"""Tardis derivative_ticker: thousands of looks a day folded into marks, interest and funding.

Mark prices become bars of a minute, open interest its last value of five minutes (in USD by the
mark), funding the rate that stood when it was settled. Only venues that count open interest in
coins give it.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np

from bot.data.arrays import Floats, Ints
from bot.data.folder import FUNDING, MARK_CANDLES, OPEN_INTEREST
from bot.data.format import Candidate, Column, Given, Rows, contract_symbol
from bot.data.text import blocks
from bot.domain.units import NS_PER_MIN, NS_PER_S

COLUMNS: Final = (
    "exchange", "symbol", "timestamp", "local_timestamp", "funding_timestamp", "funding_rate",
    "predicted_funding_rate", "open_interest", "last_price", "index_price", "mark_price",
)  # fmt: skip
_VENUES: Final = {"binance-futures": "binance", "okex-swap": "okx"}
_COUNT_COINS: Final = ("binance", "bybit", "hyperliquid")
INTEREST_NS: Final = 5 * NS_PER_MIN
LATE_NS: Final = 5 * NS_PER_MIN
"""A rate seen longer before its settlement may have changed until then."""


def venue_name(exchange: str) -> str:
    """Return our name of an exchange."""
    return _VENUES.get(exchange, exchange.split("-", 1)[0])


def ticker_rows(found: Candidate, given: Given) -> Iterator[Rows]:
    """Yield marks, open interest and funding of one file of one contract.

    Raises:
        DataInvalid: a cell is none; the line names file and line.
    """
    seen: list[tuple[Ints, Floats, Floats, Floats, Floats, Ints]] = []
    shared = {"venue": "", "symbol": ""}
    for cells in blocks(found.path, COLUMNS):
        names, exchanges = cells.words("symbol"), cells.words("exchange")
        shared["venue"] = given.venue or venue_name(exchanges[0])
        shared["symbol"] = contract_symbol(found.path, names[0], given)
        cells.refuse(np.array([each != names[0] for each in names]), "symbol", "is another one")
        optional = [
            cells.numbers(name, may_be_missing=True)
            for name in ("mark_price", "open_interest", "funding_timestamp", "funding_rate")
        ]
        mark, interest, due, rate = optional
        seen.append((cells.instants("timestamp"), mark, interest, due, rate, cells.lines))
    if not seen:
        return
    at_ns, mark, interest, due, rate, lines = (
        np.concatenate(part) for part in zip(*seen, strict=True)
    )
    yield from _marks(found, shared, at_ns, mark, lines)
    if shared["venue"] in _COUNT_COINS:
        yield from _interest(found, shared, at_ns, interest * mark, lines)
    yield from _funding(found, shared, at_ns, (due, rate), lines)


def _marks(
    found: Candidate, shared: dict[str, str], at_ns: Ints, mark: Floats, lines: Ints
) -> Iterator[Rows]:
    known = np.isfinite(mark)
    if not known.any():
        return
    minute, price = at_ns[known] // NS_PER_MIN, mark[known]
    first = np.flatnonzero(np.diff(minute, prepend=minute[0] - 1))
    last = np.append(first[1:], minute.size) - 1
    columns: dict[str, Column] = {
        **shared, "time": minute[first] * NS_PER_MIN, "timeframe": "1m", "open": price[first],
        "high": np.maximum.reduceat(price, first), "low": np.minimum.reduceat(price, first),
        "close": price[last], "volume": np.zeros(first.size),
    }  # fmt: skip
    yield Rows(MARK_CANDLES, columns, found.path, lines[known][first])


def _interest(
    found: Candidate, shared: dict[str, str], at_ns: Ints, usd: Floats, lines: Ints
) -> Iterator[Rows]:
    known = np.isfinite(usd)
    if not known.any():
        return
    window = at_ns[known] // INTEREST_NS
    last = np.flatnonzero(np.diff(window, append=window[-1] + 1))
    columns: dict[str, Column] = {
        **shared,
        "time": window[last] * INTEREST_NS,
        "open_interest_usd": usd[known][last],
    }
    yield Rows(OPEN_INTEREST, columns, found.path, lines[known][last])


def _funding(
    found: Candidate, shared: dict[str, str], at_ns: Ints, told: tuple[Floats, Floats], lines: Ints
) -> Iterator[Rows]:
    """Yield what was settled: the last rate told shortly before each instant that was named."""
    due, rate = told
    known = np.isfinite(due) & np.isfinite(rate)
    if not known.any():
        return
    due_ns = due[known].astype(np.int64) * 1_000
    named = np.unique(due_ns)
    if named.size < 2:
        return
    step_ns = int(np.diff(named).min())
    last = np.array([int(np.flatnonzero(due_ns == each)[-1]) for each in named])
    close = (named - at_ns[known][last] <= LATE_NS) & (at_ns[known][last] <= named)
    columns: dict[str, Column] = {
        **shared, "time": named[close], "rate": rate[known][last[close]],
        "interval_hours": np.full(int(close.sum()), step_ns / NS_PER_S / 3_600),
    }  # fmt: skip
    if close.any():
        yield Rows(FUNDING, columns, found.path, lines[known][last[close]])
