"""The quiet band: prices between which trades change nothing but the running bar, until when.

Trades move no order: rules, stops and latch go by the mark, levels and strategies by closed bars.
What a trade inside the band can do is make the bar larger, and that adds up: n trades may be told
as one. The band ends where the price of an order, a liquidation or the edge of a zone lies, at the
end of the bar and of the minute.
"""

import math
from collections.abc import Iterator
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from bot.domain.market import TradeBucket
from bot.domain.policy import Policy
from bot.domain.units import NS_PER_MIN, NS_PER_S
from bot.kernel.snapshot import BotState, Market
from bot.kernel.view import held

WINDOW: Final = 512
WINDOW_MAX: Final = 65_536
HOUR_S: Final = 3_600
Floats = npt.NDArray[np.float64]


class QuietBand(msgspec.Struct, frozen=True, gc=False):
    """Prices strictly inside (low, high), from `since_ns` on and before `until_ns`, are quiet."""

    low: float
    high: float
    since_ns: int
    until_ns: int

    def holds(self, trade: TradeBucket) -> bool:
        """Whether a trade, or a bucket of them, lies inside."""
        return (
            self.low < trade.low
            and trade.high < self.high
            and self.since_ns <= trade.event_ns < self.until_ns
            and trade.event_ns <= trade.received_ns
        )


class Tape(msgspec.Struct, frozen=True, kw_only=True):
    """Trades of one symbol as columns, oldest first: ns UTC, quote, base, taker bought."""

    symbol: str
    ns: npt.NDArray[np.int64]
    price: Floats
    qty: Floats
    is_buy: npt.NDArray[np.bool_]


def quiet_band(state: BotState, policy: Policy, symbol: str) -> QuietBand | None:
    """Return the band around the newest trade of a symbol; None before the first.

    It holds until the next step that returns effects, or any word about the account.
    """
    market = state.markets.get(symbol)
    if market is None or market.last_ns == 0:
        return None
    low, high, last = 0.0, math.inf, market.last
    for edge in _edges(state, policy, market):
        if low < edge <= last:
            low = edge
        if last <= edge < high:
            high = edge
    until_ns = _end(market.last_ns, NS_PER_MIN)
    if policy.bars_from == "trades":
        until_ns = min(until_ns, _end(market.last_ns, policy.bar_s * NS_PER_S))
    return QuietBand(low, high, market.last_ns, until_ns)


def fold(tape: Tape, start: int, band: QuietBand | None) -> tuple[TradeBucket, int]:
    """Return the trades from `start` that stay inside the band as one bucket, and where it ends.

    At least one trade is taken: the one that leaves the band is told by itself. A trade that is
    older than the one before it leaves the band as well: the kernel refuses it alone.
    """
    end = start + 1
    if band is not None and _inside(tape, start, start + 1, band) == start + 1:
        end = _run(tape, start, band)
    price, qty = tape.price[start:end], tape.qty[start:end]
    ns = int(tape.ns[end - 1])
    bucket = TradeBucket(
        symbol=tape.symbol,
        event_ns=ns,
        received_ns=ns,
        count=end - start,
        qty=float(qty.sum()),
        buy_qty=float(qty[tape.is_buy[start:end]].sum()),
        high=float(price.max()),
        low=float(price.min()),
        last=float(price[-1]),
    )
    return bucket, end


def _run(tape: Tape, start: int, band: QuietBand) -> int:
    """Return the end of the longest quiet run from `start`, looking further while it lasts."""
    at, window = start, WINDOW
    while at < tape.ns.size:
        stop = min(at + window, tape.ns.size)
        end = _inside(tape, at, stop, band)
        if end < stop:
            return end
        at, window = stop, min(2 * window, WINDOW_MAX)
    return at


def _inside(tape: Tape, start: int, stop: int, band: QuietBand) -> int:
    """Return the first trade from `start` that is not quiet; `stop` when all are."""
    price, ns = tape.price[start:stop], tape.ns[start:stop]
    before = tape.ns[start - 1 : stop - 1] if start > 0 else np.concatenate((ns[:1], ns[:-1]))
    quiet = (price > band.low) & (price < band.high) & (ns < band.until_ns) & (ns >= before)
    if start == 0 or int(ns[0]) < band.since_ns:
        quiet &= ns >= band.since_ns
    out = int(quiet.argmin())
    return stop if quiet[out] else start + out


def _end(ns: int, step_ns: int) -> int:
    return ns - ns % step_ns + step_ns


def _edges(state: BotState, policy: Policy, market: Market) -> Iterator[float]:
    """Yield the prices at which something of ours waits: zones, stops, targets, liquidation.

    Of a zone that the price is outside of, the near edge alone.
    """
    levels, last = policy.levels, market.last
    atr = market.atr_1h * (policy.bar_s / HOUR_S) ** 0.5
    band = max(levels.band_atr_frac * atr, levels.band_bps * 1e-4 * last)
    sensed = state.sensed.get(market.symbol)
    for zone in (*market.zones, *(sensed.book.zones if sensed is not None else ())):
        floor, top = zone.low - band, zone.high + band
        if last < floor:
            yield floor
        elif top < last:
            yield top
        else:
            yield from (floor, zone.low, zone.high, top)
    for order in state.orders.values():
        if order.symbol == market.symbol and order.status.is_live:
            yield from (float(p) for p in (order.trigger_price,) if p is not None)
    for view in held(state, policy, market.symbol):
        trade, liq_price = view.leg.trade, view.liq_price()
        if trade is not None:
            yield from (trade.stop_price, trade.target_price)
        if liq_price is not None:
            yield liq_price
