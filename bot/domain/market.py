"""Market events: float64 prices, both clocks (`event_ns` the venue's, `received_ns` ours)."""

import msgspec

from bot.domain.orders import PositionSide


class TradeBucket(msgspec.Struct, frozen=True, tag=True, gc=False):
    """One trade, or several folded: base quantities, prices in quote."""

    symbol: str
    event_ns: int
    received_ns: int
    count: int
    qty: float
    buy_qty: float
    high: float
    low: float
    last: float


class MarkPrice(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Mark and index price; margin and stops go by the mark."""

    symbol: str
    event_ns: int
    received_ns: int
    mark: float
    index: float | None = None


class BookTop(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Best bid and ask."""

    symbol: str
    event_ns: int
    received_ns: int
    bid: float
    bid_qty: float
    ask: float
    ask_qty: float


class Candle(msgspec.Struct, frozen=True, tag=True, gc=False):
    """A closed bar: known at `event_ns`, the instant it closed, never before."""

    symbol: str
    event_ns: int
    received_ns: int
    timeframe_s: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    history: bool = False
    """True for bars loaded before the start: they teach volatility and trade nothing."""


class FundingRate(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Predicted (`settled` False) or settled funding for one interval; positive: longs pay."""

    symbol: str
    event_ns: int
    received_ns: int
    venue: str
    rate_frac: float
    interval_s: int
    settled: bool
    next_ns: int | None = None


class OpenInterest(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Open interest of one venue in coins."""

    symbol: str
    event_ns: int
    received_ns: int
    venue: str
    qty: float


class Liquidation(msgspec.Struct, frozen=True, tag=True, gc=False):
    """One public forced order: `side` is the side of the position that was liquidated."""

    symbol: str
    event_ns: int
    received_ns: int
    venue: str
    side: PositionSide
    qty: float
    price: float


class LiquidationSum(msgspec.Struct, frozen=True, tag=True, gc=False):
    """A vendor's liquidation total for one closed window, in USD."""

    symbol: str
    event_ns: int
    received_ns: int
    venue: str
    window_s: int
    long_usd: float
    short_usd: float


class Reading(msgspec.Struct, frozen=True, tag=True, gc=False):
    """A number from a source that no venue adapter gives, with provenance."""

    source: str
    name: str
    event_ns: int
    """When it became known: a day's reading when the day had closed."""
    received_ns: int
    value: float
    origin: str = ""
    """Host or file it was read from."""
    half_life_ns: int = 0
    """After which it says half as much; 0: not told."""


class EventWindow(msgspec.Struct, frozen=True):
    """An announced event: between two instants Threat does not fall below `floor` (1-5)."""

    title: str
    start_ns: int
    end_ns: int
    floor: int
    symbol: str = ""
    """Empty: every symbol."""


class EventCalendar(msgspec.Struct, frozen=True, tag=True):
    """Every window one source knows of; replaces what it told before."""

    source: str
    event_ns: int
    received_ns: int
    windows: tuple[EventWindow, ...]
    origin: str = ""


class WatchedPosition(msgspec.Struct, frozen=True):
    """A position of somebody else, as it was at `known_ns`; qty in base units."""

    label: str
    """Address or name; one position a label and side."""
    side: PositionSide
    liq_price: float
    qty: float
    known_ns: int
    entry_price: float | None = None


class WatchList(msgspec.Struct, frozen=True, tag=True):
    """Every position one source knows of in one symbol; replaces what it told before."""

    source: str
    symbol: str
    event_ns: int
    received_ns: int
    positions: tuple[WatchedPosition, ...]
    origin: str = ""


class FeedStatus(msgspec.Struct, frozen=True, tag=True, gc=False):
    """A stream came up or went down; `symbol` empty means all its symbols."""

    stream: str
    symbol: str
    event_ns: int
    received_ns: int
    live: bool
    reason: str
