"""A folder of market data in which nothing happens, for processes whose market is moved by hand."""

import atexit
import json
import math
import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

PRICE = 80_000.0
SYMBOLS = {"BTC/USDT:USDT": PRICE, "ETH/USDT:USDT": 2_500.0}
DAYS = 8
SWING = 0.01
"""Hourly bars of the past swing by this share, so that ranges and volatility are known."""


@lru_cache(maxsize=1)
def flat_folder() -> Path:
    """Eight days of hourly bars: one day that swings, which is the past, then a still market."""
    folder = Path(tempfile.mkdtemp(prefix="bw-market-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    rows: dict[str, list[object]] = {name: [] for name in _COLUMNS}
    for symbol, price in SYMBOLS.items():
        for hour in range(DAYS * 24):
            swing = SWING / 2 * price if hour < 24 else 0.0
            rows["time"].append(start + timedelta(hours=hour))
            rows["venue"].append("binance")
            rows["symbol"].append(symbol)
            rows["timeframe"].append("1h")
            rows["open"].append(price)
            rows["high"].append(price + swing)
            rows["low"].append(price - swing)
            rows["close"].append(price)
            rows["volume"].append(1_000.0)
    pq.write_table(pa.table(rows, schema=_schema()), folder / "candles.parquet")
    return folder


def wavy_folder(folder: Path, days: int = 3) -> Path:
    """Write quarter-hourly bars of bitcoin that swing about 76,000, and return the folder."""
    folder.mkdir(parents=True)
    start = datetime(2026, 2, 3, tzinfo=UTC)
    rows: dict[str, list[object]] = {name: [] for name in _COLUMNS}
    before = 76_000.0
    for number in range(days * 96):
        close = 76_000.0 + 1_100.0 * math.sin(number / 11.0) + 350.0 * math.sin(number / 2.7)
        for name, value in zip(
            _COLUMNS,
            (
                start + timedelta(minutes=15 * number), "binance", "BTC/USDT:USDT", "15m", before,
                max(before, close) + 60.0, min(before, close) - 60.0, close, 2_000.0,
            ),
            strict=True,
        ):  # fmt: skip
            rows[name].append(value)
        before = close
    pq.write_table(pa.table(rows, schema=_schema()), folder / "candles.parquet")
    return folder


_COLUMNS = ("time", "venue", "symbol", "timeframe", "open", "high", "low", "close", "volume")


def _schema() -> pa.Schema:
    numbers = [(name, pa.float64()) for name in _COLUMNS[4:]]
    words = [(name, pa.string()) for name in _COLUMNS[1:4]]
    return pa.schema([("time", pa.timestamp("ms", tz="UTC")), *words, *numbers])


def levels_for(price: float) -> str:
    """A level book around `price` as the environment takes it: one below, targets far away."""
    book = [
        {"symbol": "BTC/USDT:USDT", "name": name, "low": at, "high": at, "known_from": KNOWN}
        for name, at in (
            ("far below", price * 0.90),
            ("just below", price - 500.0),
            ("target above", price * 1.06),
        )
    ]
    return json.dumps(book)


KNOWN = "2020-01-01T00:00:00Z"
