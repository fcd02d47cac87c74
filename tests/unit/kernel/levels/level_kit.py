"""Bars and books for the tests of levels."""

from collections.abc import Iterable
from itertools import pairwise

from bot.domain.policy import LevelSpec
from bot.kernel.levels import LevelBook, Scene, fold
from bot.kernel.levels.state import Frame, FrameBar, Level

HOUR_NS = 3_600 * 10**9
DAY_NS = 24 * HOUR_NS
BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
START_NS = 1_769_904_000 * 10**9  # 1 February 2026, 00:00 UTC, a Sunday


def frame_of(rows: Iterable[tuple[float, ...]], timeframe_s: int = 3_600) -> Frame:
    """Return a frame of (open, high, low, close[, volume]) rows."""
    frame = Frame(timeframe_s=timeframe_s, kept=10_000)
    for index, row in enumerate(rows):
        frame.open_ns.append(START_NS + index * frame.bar_ns)
        frame.open.append(row[0])
        frame.high.append(row[1])
        frame.low.append(row[2])
        frame.close.append(row[3])
        frame.volume.append(row[4] if len(row) > 4 else 10.0)
    return frame


def book_of(rows: Iterable[tuple[float, ...]], atr_1h: float = 400.0) -> LevelBook:
    """Return a book that saw hourly bars from `START_NS` on."""
    book = LevelBook()
    for index, row in enumerate(rows):
        volume = row[4] if len(row) > 4 else 10.0
        bar = FrameBar(START_NS + index * HOUR_NS, row[0], row[1], row[2], row[3], volume)
        fold(book, bar, 3_600, atr_1h)
    return book


def walk(closes: list[float], wick: float = 50.0) -> list[tuple[float, ...]]:
    """Return bars from each close to the next with wicks on both ends."""
    return [(a, max(a, b) + wick, min(a, b) - wick, b) for a, b in pairwise(closes)]


def scene(book: LevelBook, price: float, atr_1h: float = 400.0, **more: object) -> Scene:
    """Return a scene right after the newest bar of the book."""
    given: dict[str, object] = {"symbol": BTC, "now_ns": book.last_ns + HOUR_NS, **more}
    return Scene(book=book, price=price, atr_1h=atr_1h, **given)  # type: ignore[arg-type]


def spec(name: str, low: float, high: float | None = None, symbol: str = BTC) -> LevelSpec:
    return LevelSpec(symbol=symbol, name=name, low=low, high=high or low)


def level(price: float, kind: str = "round", strength: float = 0.5, **more: object) -> Level:
    fields = {"name": f"{kind} {price:g}", "weight": 0.5, "low": price, "high": price, **more}
    return Level(kind=kind, strength=strength, **fields)  # type: ignore[arg-type]
