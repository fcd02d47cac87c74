"""Folds marks, trades and book tops into prices, bars and the hourly range."""

from bot.domain.market import BookTop, Candle, MarkPrice, TradeBucket
from bot.domain.units import NS_PER_H, NS_PER_S
from bot.kernel.indicators import true_range, wilder
from bot.kernel.snapshot import Bar, Market

BARS_KEPT = 300
ATR_LENGTH = 14
AHEAD_MAX_NS = 60 * NS_PER_S
"""A datum from further in the future than this would freeze its symbol; it is refused."""


def on_mark(market: Market, event: MarkPrice) -> None:
    """Take a mark price unless an older one arrives late."""
    if event.event_ns < market.mark_ns or event.event_ns > event.received_ns + AHEAD_MAX_NS:
        return
    market.mark = event.mark
    market.mark_ns = event.event_ns
    market.mark_received_ns = event.received_ns
    if event.index is not None:
        market.index = event.index


def on_book(market: Market, event: BookTop) -> None:
    """Take the best bid and ask."""
    market.bid = event.bid
    market.ask = event.ask
    market.bid_qty = event.bid_qty
    market.ask_qty = event.ask_qty
    market.book_received_ns = event.received_ns


def on_trade(market: Market, event: TradeBucket, bar_ns: int) -> Bar | None:
    """Take trades; return the bar that this trade shows to be over, if any."""
    if event.event_ns < market.last_ns or event.event_ns > event.received_ns + AHEAD_MAX_NS:
        return None
    market.last = event.last
    market.last_ns = event.event_ns
    if bar_ns == 0:
        return None
    done = None
    bar = market.bar
    start_ns = event.event_ns - event.event_ns % bar_ns
    if bar is not None and bar.open_ns != start_ns:
        done, bar = bar, None
    if bar is None:
        market.bar = Bar(start_ns, event.last, event.high, event.low, event.last, event.qty)
        return done
    bar.high = max(bar.high, event.high)
    bar.low = min(bar.low, event.low)
    bar.close = event.last
    bar.volume += event.qty
    return done


def ripe_bar(market: Market, bar_ns: int, now_ns: int) -> Bar | None:
    """Take and return the open bar when its time has passed without a further trade."""
    bar = market.bar
    if bar is None or bar.open_ns + bar_ns > now_ns:
        return None
    market.bar = None
    return bar


def bar_of(candle: Candle) -> Bar:
    """Return a told candle as a bar."""
    open_ns = candle.event_ns - candle.timeframe_s * NS_PER_S
    return Bar(open_ns, candle.open, candle.high, candle.low, candle.close, candle.volume)


def keep(market: Market, bar: Bar) -> None:
    """Add a closed bar to the short history."""
    market.bars.append(bar)
    if len(market.bars) > BARS_KEPT:
        del market.bars[: -BARS_KEPT // 2]


def fold_hour(market: Market, bar: Bar) -> None:
    """Add a closed bar to the current hour; a finished hour enters the hourly ATR (Wilder 14)."""
    start_ns = bar.open_ns - bar.open_ns % NS_PER_H
    hour = market.hour
    if hour is not None and hour.open_ns == start_ns:
        hour.high = max(hour.high, bar.high)
        hour.low = min(hour.low, bar.low)
        hour.close = bar.close
        return
    if hour is not None:
        if start_ns < hour.open_ns:
            return
        span = true_range(hour.high, hour.low, market.hour_close)
        market.atr_1h_count += 1
        market.atr_1h = wilder(market.atr_1h, span, market.atr_1h_count, ATR_LENGTH)
        market.hour_close = hour.close
    market.hour = Bar(start_ns, bar.open, bar.high, bar.low, bar.close)
