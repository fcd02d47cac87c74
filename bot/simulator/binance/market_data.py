"""What the venue remembers of one contract: candles, settled funding, open interest, book."""

from bisect import bisect_right
from collections import deque
from collections.abc import Sequence
from typing import Final

import msgspec

from bot.domain.instrument import Instrument
from bot.domain.market import Candle, FundingRate, OpenInterest
from bot.domain.units import NS_PER_MS
from bot.simulator.binance.bars import Bar, BarLine, bars_from_candles
from bot.simulator.binance.frames import Row
from bot.simulator.binance.numbers import price_text, qty_text
from bot.simulator.terms import MarketTick

LEVELS: Final = 50
TRADES_MAX: Final = 1_000
FUNDING_MAX: Final = 1_000
INTEREST_MAX: Final = 10_000
INTEREST_STEP_MS: Final = 300_000

Levels = dict[str, str]
"""Quantity text by price text of one side, best level first."""


class FundingMark(msgspec.Struct, array_like=True):
    """One settled funding."""

    time_ms: int
    rate_frac: float
    mark: float


class InterestMark(msgspec.Struct, array_like=True):
    """Open interest in coins at one instant, with the price it had."""

    time_ms: int
    qty: float
    price: float


class History(msgspec.Struct, frozen=True, kw_only=True):
    """The market before the venue's start, in the path's own time.

    `start_ns` is the instant of the path that becomes the venue's start.
    """

    start_ns: int = 0
    candles: tuple[Candle, ...] = ()
    funding: tuple[FundingRate, ...] = ()
    open_interest: tuple[OpenInterest, ...] = ()


class BookMirror:
    """The book as last published; the answer of REST depth and the stream of changes agree."""

    def __init__(self, start_id: int) -> None:
        self.update_id = start_id
        self.bids: Levels = {}
        self.asks: Levels = {}

    def refresh(
        self,
        bids: Sequence[tuple[float, float]],
        asks: Sequence[tuple[float, float]],
        instrument: Instrument,
    ) -> Row | None:
        """Take over the present book; return what changed as U, u, pu, b, a, or None."""
        new_bids = levels(bids, instrument)
        new_asks = levels(asks, instrument)
        changed_bids = _changes(self.bids, new_bids)
        changed_asks = _changes(self.asks, new_asks)
        if not changed_bids and not changed_asks:
            return None
        before = self.update_id
        self.update_id += len(changed_bids) + len(changed_asks)
        self.bids, self.asks = new_bids, new_asks
        return {
            "U": before + 1,
            "u": self.update_id,
            "pu": before,
            "b": changed_bids,
            "a": changed_asks,
        }


def levels(rungs: Sequence[tuple[float, float]], instrument: Instrument) -> Levels:
    """Return the book's texts; rungs that fall on one tick are added up."""
    sizes: dict[str, float] = {}
    for price, qty in rungs:
        text = price_text(price, instrument)
        sizes[text] = sizes.get(text, 0.0) + qty
    return {text: qty_text(qty, instrument) for text, qty in sizes.items()}


def _changes(old: Levels, new: Levels) -> list[list[str]]:
    gone = [[price, "0"] for price in old if price not in new]
    return gone + [[price, qty] for price, qty in new.items() if old.get(price) != qty]


def _close_at(at_ms: int, bars: list[Bar]) -> float:
    """Return the close of the bar under way at `at_ms`, 0 before the first."""
    at = bisect_right(bars, at_ms, key=lambda bar: bar.open_ms)
    return bars[at - 1].close if at else 0.0


class ContractData:
    """Everything public about one contract beyond its present prices."""

    def __init__(self, instrument: Instrument, now_ms: int) -> None:
        self.instrument = instrument
        self.last = BarLine()
        self.mark = BarLine()
        self.index = BarLine()
        self.funding: deque[FundingMark] = deque(maxlen=FUNDING_MAX)
        self.interest: deque[InterestMark] = deque(maxlen=INTEREST_MAX)
        self.trades: deque[Row] = deque(maxlen=TRADES_MAX)
        self.book = BookMirror(now_ms)
        self.trade_id = now_ms
        self.next_funding_ns = 0
        self.funding_frac = 0.0

    def load_history(self, history: History, start_ns: int) -> None:
        """Move the past into the venue's time so that it ends at `start_ns` (UTC ns)."""
        shift_ns = (start_ns - history.start_ns) // 60_000_000_000 * 60_000_000_000
        symbol = self.instrument.symbol
        past = bars_from_candles([c for c in history.candles if c.symbol == symbol], shift_ns)
        past = [bar for bar in past if bar.open_ms < start_ns // NS_PER_MS]
        self.last = BarLine(past)
        quiet = [msgspec.structs.replace(b, volume=0.0, buy_volume=0.0) for b in past]
        self.mark = BarLine(quiet)
        self.index = BarLine(quiet)
        known = [x for x in history.funding if x.symbol == symbol and x.settled]
        for paid in known:
            if paid.event_ns <= history.start_ns:
                at_ms = (paid.event_ns + shift_ns) // NS_PER_MS
                self.funding.append(FundingMark(at_ms, paid.rate_frac, _close_at(at_ms, past)))
        for held in history.open_interest:
            if held.symbol == symbol and held.event_ns <= history.start_ns:
                at_ms = (held.event_ns + shift_ns) // NS_PER_MS
                self.interest.append(InterestMark(at_ms, held.qty, _close_at(at_ms, past)))

    def note_tick(self, tick: MarketTick, qty: float, buy_qty: float, now_ms: int) -> None:
        """Take a step of the market into the candles under way."""
        self.last.add(now_ms, tick.last, qty, buy_qty)
        self.mark.add(now_ms, tick.mark, 0.0, 0.0)
        self.index.add(now_ms, tick.index, 0.0, 0.0)

    def next_trade_id(self) -> int:
        """Return a rising trade number."""
        self.trade_id += 1
        return self.trade_id

    def note_interest(self, now_ms: int, qty: float, price: float) -> None:
        """Keep open interest every five minutes."""
        stamp_ms = now_ms // INTEREST_STEP_MS * INTEREST_STEP_MS
        if not self.interest or self.interest[-1].time_ms < stamp_ms:
            self.interest.append(InterestMark(stamp_ms, qty, price))

    def note_funding(self, next_funding_ns: int, funding_frac: float, mark: float) -> None:
        """Keep the rate that was just settled, seen from the next instant moving on."""
        if self.next_funding_ns and next_funding_ns > self.next_funding_ns:
            at_ms = self.next_funding_ns // NS_PER_MS
            self.funding.append(FundingMark(at_ms, self.funding_frac, mark))
        self.next_funding_ns = next_funding_ns
        self.funding_frac = funding_frac
