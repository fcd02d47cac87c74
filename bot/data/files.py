"""The files of a data folder, one reader each: from parquet rows to typed series."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from bot.data.arrays import (
    CandleArrays,
    Floats,
    FundingArrays,
    Ints,
    LiquidationArrays,
    OpenInterestArrays,
    SentimentArrays,
)
from bot.data.series import Series, part, timeframe_s
from bot.data.sheet import Sheet, open_sheet, when
from bot.domain.units import NS_PER_S

JUMP_MAX: Final = 10.0
"""A price that moves more than tenfold between or within bars is taken for a mistake."""
INTEREST_JUMP_MAX: Final = 100.0
"""Open interest that moves hundredfold between rows was told in coins, or in thousands."""
FUNDING_MAX_FRAC: Final = 1.0
PRICES: Final = ("open", "high", "low", "close")
CANDLE_COLUMNS: Final = ("time", "venue", "symbol", "timeframe", *PRICES, "volume")


@dataclass(frozen=True, slots=True)
class Told:
    """One series of a file for a report: what it is, its rows and what was mended on reading."""

    symbol: str
    venue: str
    step_s: int
    """The length of its bars or windows; 0 where rows come when they come."""
    times_ns: Ints
    series: Series


def read_candles(
    source: Path | Sheet, tell: Callable[[Told], None], *, marks: bool = False
) -> dict[tuple[str, int, str], CandleArrays]:
    """Read `candles.parquet`, or `mark_candles.parquet`, whose bars have no volume.

    Raises:
        DataInvalid: a bar that cannot be believed; the line names file, column and row.
    """
    sheet = open_sheet(source, CANDLE_COLUMNS)
    times_ns = sheet.times("time")
    prices = {name: sheet.numbers(name) for name in PRICES}
    volume = sheet.numbers("volume", may_be_missing=marks)
    _refuse_absurd(sheet, prices)
    sheet.refuse(volume < 0.0, "volume", "is negative", volume)
    facts: dict[str, Floats | Ints] = {**prices, "volume": volume}
    found = {}
    for series in part(sheet, ("symbol", "venue", "timeframe"), times_ns, facts):
        symbol, venue, word = series.key
        frame_s = timeframe_s(word, sheet, "timeframe")
        rows = series.rows
        _refuse_overlap(sheet, series, times_ns, frame_s)
        _refuse_jumps(sheet, series, prices)
        columns = {name: _frozen(values[rows]) for name, values in prices.items()}
        found[symbol, frame_s, venue] = CandleArrays(
            symbol=symbol,
            venue=venue,
            timeframe_s=frame_s,
            open_ns=_frozen_ints(times_ns[rows]),
            volume=_frozen(np.zeros(rows.size) if marks else volume[rows]),
            **columns,
        )
        tell(Told(symbol, venue, frame_s, times_ns[rows], series))
    return found


def read_funding(
    source: Path | Sheet, tell: Callable[[Told], None]
) -> dict[tuple[str, str], FundingArrays]:
    """Read `funding.parquet`: settled rates by (symbol, venue).

    Raises:
        DataInvalid: a rate beyond 100 % or an interval outside 1..24 h; the line names the row.
    """
    sheet = open_sheet(source, ("time", "venue", "symbol", "rate", "interval_hours"))
    times_ns, rate = sheet.times("time"), sheet.numbers("rate")
    hours = sheet.numbers("interval_hours")
    sheet.refuse(np.abs(rate) > FUNDING_MAX_FRAC, "rate", "is beyond 100 %", rate)
    odd = (hours < 1.0) | (hours > 24.0) | (hours != np.floor(hours))
    sheet.refuse(odd, "interval_hours", "is not a whole number in 1..24", hours)
    interval_s = np.where(odd, 1.0, hours).astype(np.int64) * 3_600
    found = {}
    for series in part(sheet, ("symbol", "venue"), times_ns, {"rate": rate}):
        symbol, venue = series.key
        rows = series.rows
        found[symbol, venue] = FundingArrays(
            symbol=symbol,
            venue=venue,
            time_ns=_frozen_ints(times_ns[rows]),
            rate_frac=_frozen(rate[rows]),
            interval_s=_frozen_ints(interval_s[rows]),
        )
        step_s = int(interval_s[rows].min())
        tell(Told(symbol, venue, step_s, times_ns[rows], series))
    return found


def read_open_interest(
    source: Path | Sheet, tell: Callable[[Told], None]
) -> dict[tuple[str, str], OpenInterestArrays]:
    """Read `open_interest.parquet`: USD by (symbol, venue); the window is the rows' usual spacing.

    Raises:
        DataInvalid: a negative or unreadable value; the line names the row.
    """
    sheet = open_sheet(source, ("time", "venue", "symbol", "open_interest_usd"))
    times_ns, usd = sheet.times("time"), sheet.numbers("open_interest_usd")
    sheet.refuse(usd < 0.0, "open_interest_usd", "is negative", usd)
    found = {}
    for series in part(sheet, ("symbol", "venue"), times_ns, {"open_interest_usd": usd}):
        symbol, venue = series.key
        rows = series.rows
        _refuse_other_unit(sheet, series, usd)
        window_s = _spacing_s(times_ns[rows])
        found[symbol, venue] = OpenInterestArrays(
            symbol=symbol,
            venue=venue,
            window_s=window_s,
            time_ns=_frozen_ints(times_ns[rows]),
            open_interest_usd=_frozen(usd[rows]),
        )
        tell(Told(symbol, venue, window_s, times_ns[rows], series))
    return found


def read_liquidations(
    source: Path | Sheet, tell: Callable[[Told], None]
) -> dict[tuple[str, int, str], LiquidationArrays]:
    """Read `liquidations.parquet`: USD per window by (symbol, window in s, venue).

    Raises:
        DataInvalid: a negative or unreadable value, an unknown window; the line names the row.
    """
    sheet = open_sheet(source, ("time", "venue", "symbol", "window", "long_usd", "short_usd"))
    times_ns = sheet.times("time")
    sides = {name: sheet.numbers(name) for name in ("long_usd", "short_usd")}
    for name, values in sides.items():
        sheet.refuse(values < 0.0, name, "is negative", values)
    facts: dict[str, Floats | Ints] = {**sides}
    found = {}
    for series in part(sheet, ("symbol", "venue", "window"), times_ns, facts):
        symbol, venue, word = series.key
        window_s = timeframe_s(word, sheet, "window")
        rows = series.rows
        _refuse_overlap(sheet, series, times_ns, window_s)
        found[symbol, window_s, venue] = LiquidationArrays(
            symbol=symbol,
            venue=venue,
            window_s=window_s,
            time_ns=_frozen_ints(times_ns[rows]),
            long_usd=_frozen(sides["long_usd"][rows]),
            short_usd=_frozen(sides["short_usd"][rows]),
        )
        tell(Told(symbol, venue, window_s, times_ns[rows], series))
    return found


def read_sentiment(source: Path | Sheet, tell: Callable[[Told], None]) -> SentimentArrays:
    """Read `sentiment.parquet`: daily readings, NaN where a source had none.

    Raises:
        DataInvalid: a day told twice, or a reading out of bounds; the line names the row.
    """
    names = ("fear_greed", "btc_etf_net_flow_usd", "spx_return")
    sheet = open_sheet(source, ("date", *names))
    days_ns = sheet.times("date")
    readings = {name: sheet.numbers(name, may_be_missing=True) for name in names}
    fear = readings["fear_greed"]
    sheet.refuse((fear < 0.0) | (fear > 100.0), "fear_greed", "is outside 0..100", fear)
    facts: dict[str, Floats | Ints] = {**readings}
    (series,) = part(sheet, (), days_ns, facts)
    rows = series.rows
    tell(Told("", "", 86_400, days_ns[rows], series))
    columns = {name: _frozen(values[rows]) for name, values in readings.items()}
    return SentimentArrays(day_ns=_frozen_ints(days_ns[rows]), **columns)


def _refuse_absurd(sheet: Sheet, prices: dict[str, Floats]) -> None:
    for name, values in prices.items():
        sheet.refuse(values <= 0.0, name, "must be above zero", values)
    high, low = prices["high"], prices["low"]
    sheet.refuse(high < low, "high", "is below low", high, fault="bad bar")
    for name in ("open", "close"):
        sheet.refuse(prices[name] > high, "high", f"is below {name}", high, fault="bad bar")
        sheet.refuse(prices[name] < low, "low", f"is above {name}", low, fault="bad bar")
    wide = high > JUMP_MAX * low
    sheet.refuse(wide, "high", "is more than ten times low", high, fault="unit jump")


def _refuse_jumps(sheet: Sheet, series: Series, prices: dict[str, Floats]) -> None:
    before, after = prices["close"][series.rows[:-1]], prices["open"][series.rows[1:]]
    jump = np.zeros(len(sheet), dtype=np.bool_)
    jump[series.rows[1:]] = (after > JUMP_MAX * before) | (before > JUMP_MAX * after)
    what = f"is more than tenfold off the bar before ({' '.join(series.key)})"
    sheet.refuse(jump, "open", what, prices["open"], fault="unit jump")


def _refuse_other_unit(sheet: Sheet, series: Series, usd: Floats) -> None:
    before, after = usd[series.rows[:-1]], usd[series.rows[1:]]
    jump = np.zeros(len(sheet), dtype=np.bool_)
    far = (after > INTEREST_JUMP_MAX * before) | (before > INTEREST_JUMP_MAX * after)
    jump[series.rows[1:]] = far & (before > 0.0) & (after > 0.0)
    what = f"is more than a hundredfold off the row before ({' '.join(series.key)})"
    sheet.refuse(jump, "open_interest_usd", what, usd, fault="unit jump")


def _refuse_overlap(sheet: Sheet, series: Series, times_ns: Ints, step_s: int) -> None:
    early = np.zeros(len(sheet), dtype=np.bool_)
    early[series.rows[1:]] = np.diff(times_ns[series.rows]) < step_s * NS_PER_S
    if early.any():
        at = when(int(times_ns[np.flatnonzero(early)[0]]))
        what = f"{' '.join(series.key)} at {at} begins before the one before it ends"
        sheet.refuse(early, "time", what, fault="overlap")


def _spacing_s(times_ns: Ints) -> int:
    """Return the commonest distance of rows; of a single row nothing is known but a day is safe."""
    if times_ns.size < 2:
        return 86_400
    distances, counts = np.unique(np.diff(times_ns), return_counts=True)
    return max(1, int(distances[np.argmax(counts)]) // NS_PER_S)


def _frozen(values: Floats) -> Floats:
    values.flags.writeable = False
    return values


def _frozen_ints(values: Ints) -> Ints:
    values.flags.writeable = False
    return values
