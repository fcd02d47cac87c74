"""Binance archive, bars: BTCUSDT-5m-2026-01.zip of klines and of markPriceKlines."""

import re
from collections.abc import Iterator

import numpy as np

from bot.data.folder import CANDLES, MARK_CANDLES
from bot.data.format import Candidate, Format, Given, Rows, contract_symbol
from bot.data.text import blocks
from bot.domain.errors import DataInvalid

COLUMNS = (
    "open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume", "count",
    "taker_buy_volume", "taker_buy_quote_volume", "ignore",
)  # fmt: skip
_NAME = re.compile(r"([A-Z0-9]+)-(\d{1,2}[smhd])-\d{4}-\d{2}(-\d{2})?")
_MARKS = ("markPriceKlines",)
_NO_PRICES = ("premiumIndexKlines", "indexPriceKlines")


def _claims(found: Candidate) -> bool:
    return len(found.cells) == len(COLUMNS) and _NAME.fullmatch(found.stem) is not None


def _read(found: Candidate, given: Given) -> Iterator[Rows]:
    name = _NAME.fullmatch(found.stem)
    if name is None and not (given.symbol and given.timeframe):
        raise DataInvalid(
            f"{found.path}: is not named as BTCUSDT-5m-2026-01: give --symbol and --timeframe"
        )
    folders = found.path.absolute().parts
    if any(part in folders for part in _NO_PRICES):
        raise DataInvalid(f"{found.path}: bars of an index are not read, only klines and marks")
    marks = given.kind == "mark_candles" or any(part in folders for part in _MARKS)
    symbol = contract_symbol(found.path, name[1] if name else "", given)
    frame = given.timeframe or (name[2] if name else "")
    for cells in blocks(found.path, COLUMNS):
        prices = {each: cells.numbers(each) for each in ("open", "high", "low", "close")}
        yield Rows(
            kind=MARK_CANDLES if marks else CANDLES,
            columns={
                "time": cells.instants("open_time"),
                "venue": given.venue or "binance",
                "symbol": symbol,
                "timeframe": frame,
                **prices,
                "volume": np.zeros(len(cells)) if marks else cells.numbers("volume"),
            },
            path=found.path,
            lines=cells.lines,
        )


FORMAT = Format("binance-klines", "Binance archive: klines, markPriceKlines", _claims, _read)
