"""Bars made of trades, in time order; a bar without a trade is not made up."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from bot.data.files import Told
from bot.data.folder import CANDLES
from bot.data.format import Rows, frame_word
from bot.data.sheet import Sheet
from bot.data.tape import TradeArrays, read_trades
from bot.domain.errors import DataInvalid
from bot.domain.units import NS_PER_S


def bars_of(path: Path, table: pa.Table, bars_s: int) -> Iterator[Rows]:
    """Yield the bars of each series of trades; aggregates only where there are no single ones.

    Raises:
        DataInvalid: the trades cannot be believed.
    """
    found = read_trades(Sheet(path, table), _silent)
    for (symbol, venue, grain), trades in found.items():
        if grain == "trade" or (symbol, venue, "trade") not in found:
            yield _bars(path, trades, bars_s)


def _bars(path: Path, trades: TradeArrays, bars_s: int) -> Rows:
    if trades.time_ns.size == 0:
        raise DataInvalid(f"{path}: holds no trades")
    step_ns = bars_s * NS_PER_S
    number = trades.time_ns // step_ns
    first = np.flatnonzero(np.diff(number, prepend=number[0] - 1))
    last = np.append(first[1:], number.size) - 1
    return Rows(
        kind=CANDLES,
        columns={
            "time": number[first] * step_ns,
            "venue": trades.venue,
            "symbol": trades.symbol,
            "timeframe": frame_word(bars_s),
            "open": trades.price[first],
            "high": np.maximum.reduceat(trades.price, first),
            "low": np.minimum.reduceat(trades.price, first),
            "close": trades.price[last],
            "volume": np.add.reduceat(trades.qty, first),
        },
        path=path,
        lines=first.astype(np.int64) + 1,
        counted_in="trade",
    )


def _silent(told: Told) -> None:
    del told
