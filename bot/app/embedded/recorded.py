"""A folder of recorded data as a market to live through: its first part is the past."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bot.data.arrays import CandleArrays
from bot.data.folder import Folder, read_folder
from bot.domain.errors import ConfigInvalid
from bot.domain.market import Candle, FundingRate, OpenInterest
from bot.domain.units import NS_PER_DAY, NS_PER_S
from bot.simulator.contracts import CONTRACTS
from bot.simulator.scenario import Scenario

BEFORE_NS = NS_PER_DAY
"""How much of a folder is the past when the venue opens; at most a quarter of it."""
BEFORE_SHARE = 4


def recorded_scenario(path: Path) -> Scenario:
    """Return the recorded market of `path`; bars, funding and open interest are RECORDED.

    Raises:
        ConfigInvalid: none of the contracts that the embedded venue lists is recorded there.
        DataInvalid: the folder cannot be used.
    """
    folder = read_folder(path)
    known = [contract.symbol for contract in CONTRACTS]
    symbols = tuple(symbol for symbol in known if symbol in folder.symbols)
    if not symbols:
        raise ConfigInvalid(f"scenario {path}: none of {', '.join(known)} is recorded there")
    bars = sorted(
        (bar for symbol in symbols for bar in _candles(folder.finest(symbol))),
        key=lambda bar: (bar.event_ns - bar.timeframe_s * NS_PER_S, bar.symbol),
    )
    first_ns, last_ns = bars[0].event_ns, bars[-1].event_ns
    start_ns = first_ns + min(BEFORE_NS, (last_ns - first_ns) // BEFORE_SHARE)
    lived = [bar for bar in bars if bar.event_ns > start_ns]
    return Scenario(
        name=path.name,
        recorded=True,
        start_ns=start_ns,
        symbols=symbols,
        history=tuple(bar for bar in bars if bar.event_ns <= start_ns),
        path=lambda: iter(lived),
        funding=tuple(rate for symbol in symbols for rate in _funding(folder, symbol)),
        open_interest=tuple(held for symbol in symbols for held in _interest(folder, symbol)),
    )


def _candles(rows: CandleArrays) -> Iterator[Candle]:
    columns = (rows.close_ns, rows.open, rows.high, rows.low, rows.close, rows.volume)
    for closed_ns, *prices in zip(*(column.tolist() for column in columns), strict=True):
        yield Candle(rows.symbol, closed_ns, closed_ns, rows.timeframe_s, *prices)


def _funding(folder: Folder, symbol: str) -> Iterator[FundingRate]:
    """Yield each settlement, and its rate as the prediction from the settlement before."""
    series = folder.funding_rows(symbol)
    if not series:
        return
    rows = series[0]
    columns = (rows.time_ns, rows.rate_frac, rows.interval_s)
    for at_ns, rate, interval_s in zip(*(column.tolist() for column in columns), strict=True):
        for ns, settled in ((at_ns - interval_s * NS_PER_S, False), (at_ns, True)):
            yield FundingRate(symbol, ns, ns, rows.venue, rate, interval_s, settled)


def _interest(folder: Folder, symbol: str) -> Iterator[OpenInterest]:
    """Yield one venue's open interest in coins, by the last close that was known."""
    venues = sorted(venue for name, venue in folder.open_interest if name == symbol)
    if not venues:
        return
    rows = folder.open_interest[symbol, venues[0]]
    candles = folder.finest(symbol)
    places = np.searchsorted(candles.close_ns, rows.known_ns, side="right") - 1
    for ns, usd, at in zip(
        rows.known_ns.tolist(), rows.open_interest_usd.tolist(), places.tolist(), strict=True
    ):
        if at >= 0:
            yield OpenInterest(symbol, ns, ns, rows.venue, usd / float(candles.close[at]))
