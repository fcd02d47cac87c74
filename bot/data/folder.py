"""A folder of recorded market data, read whole and believed only after every row was checked."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bot.data import files, stitch, tape
from bot.data.arrays import (
    BarArrays,
    CandleArrays,
    FundingArrays,
    LiquidationArrays,
    OpenInterestArrays,
    SentimentArrays,
)
from bot.data.sheet import Sheet
from bot.domain.errors import DataInvalid

CANDLES = "candles.parquet"
MARK_CANDLES = "mark_candles.parquet"
FUNDING = "funding.parquet"
OPEN_INTEREST = "open_interest.parquet"
LIQUIDATIONS = "liquidations.parquet"
SENTIMENT = "sentiment.parquet"
TRADES = "trades.parquet"
LIQUIDATION_EVENTS = "liquidation_events.parquet"
FILES = (
    CANDLES, MARK_CANDLES, FUNDING, OPEN_INTEREST, LIQUIDATIONS, SENTIMENT,
    TRADES, LIQUIDATION_EVENTS,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Folder:
    """What a data folder holds, by series; times mark the start of a bar or window.

    Candles and marks are keyed (symbol, timeframe_s, venue), liquidations (symbol, window_s,
    venue), funding and open interest (symbol, venue).
    """

    path: Path
    candles: dict[tuple[str, int, str], CandleArrays]
    mark_candles: dict[tuple[str, int, str], CandleArrays] = field(default_factory=dict)
    funding: dict[tuple[str, str], FundingArrays] = field(default_factory=dict)
    open_interest: dict[tuple[str, str], OpenInterestArrays] = field(default_factory=dict)
    liquidations: dict[tuple[str, int, str], LiquidationArrays] = field(default_factory=dict)
    sentiment: SentimentArrays | None = None

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols that have candles, by name."""
        return tuple(sorted({symbol for symbol, _, _ in self.candles}))

    def finest(self, symbol: str) -> CandleArrays:
        """Return the finest series that covers at least 90 % of the longest (tie: Binance).

        Raises:
            DataInvalid: the folder has no candles of `symbol`.
        """
        return stitch.finest(self._of(symbol))

    def bars(self, symbol: str) -> BarArrays:
        """Return the finest bar there is at each instant: coarser ones outside the finer span.

        Raises:
            DataInvalid: the folder has no candles of `symbol`.
        """
        return stitch.stitch(self._of(symbol))

    def marks(self, symbol: str) -> CandleArrays | None:
        """Return the finest mark price bars of `symbol` (tie: Binance); None when it has none."""
        found = [each for key, each in self.mark_candles.items() if key[0] == symbol]
        return stitch.finest(found) if found else None

    def funding_rows(self, symbol: str) -> tuple[FundingArrays, ...]:
        """Return settled funding of `symbol` at each venue, Binance first, then by name."""
        found = [each for key, each in self.funding.items() if key[0] == symbol]
        preferred = stitch.PREFERRED_VENUE
        return tuple(sorted(found, key=lambda each: (each.venue != preferred, each.venue)))

    def _of(self, symbol: str) -> list[CandleArrays]:
        found = [each for key, each in self.candles.items() if key[0] == symbol]
        if not found:
            raise DataInvalid(
                f"{self.path / CANDLES}: no candles of {symbol}: it has {', '.join(self.symbols)}"
            )
        return found


def read_folder(path: Path) -> Folder:
    """Read every known file of a data folder; all but candles are optional.

    Raises:
        DataInvalid: one line that names file, column and row of the first thing not believable.
    """
    present = files_present(path)
    return Folder(
        path=path,
        candles=files.read_candles(path / CANDLES, _silent),
        mark_candles=(
            files.read_candles(path / MARK_CANDLES, _silent, marks=True)
            if MARK_CANDLES in present
            else {}
        ),
        funding=files.read_funding(path / FUNDING, _silent) if FUNDING in present else {},
        open_interest=(
            files.read_open_interest(path / OPEN_INTEREST, _silent)
            if OPEN_INTEREST in present
            else {}
        ),
        liquidations=(
            files.read_liquidations(path / LIQUIDATIONS, _silent) if LIQUIDATIONS in present else {}
        ),
        sentiment=files.read_sentiment(path / SENTIMENT, _silent) if SENTIMENT in present else None,
    )


def files_present(path: Path) -> tuple[str, ...]:
    """Return which known files the folder has.

    Raises:
        DataInvalid: no such folder, or it has no candles.
    """
    present = files_known(path)
    if CANDLES not in present:
        has = ", ".join(sorted(each.name for each in path.iterdir())[:8]) or "nothing"
        raise DataInvalid(f"{path}: {CANDLES} is missing (the folder has {has})")
    return present


def files_known(path: Path) -> tuple[str, ...]:
    """Return which files of a data folder are there, candles or not.

    Raises:
        DataInvalid: no such folder.
    """
    if not path.is_dir():
        what = "is a file, a folder is needed" if path.exists() else "no such folder"
        raise DataInvalid(f"{path}: {what}")
    return tuple(name for name in FILES if (path / name).exists())


Tell = Callable[[files.Told], None]
READERS: dict[str, Callable[[Path | Sheet, Tell], object]] = {
    CANDLES: files.read_candles,
    MARK_CANDLES: lambda source, tell: files.read_candles(source, tell, marks=True),
    FUNDING: files.read_funding,
    OPEN_INTEREST: files.read_open_interest,
    LIQUIDATIONS: files.read_liquidations,
    SENTIMENT: files.read_sentiment,
    TRADES: tape.read_trades,
    LIQUIDATION_EVENTS: tape.read_liquidation_events,
}


def _silent(told: files.Told) -> None:
    del told
