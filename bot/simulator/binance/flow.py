"""Public frames derived from the market path: trades, marks, book, candles, forced orders.

Recorded (or authored) are the prices, volumes, funding and open interest of the path. Derived
from them, by the seed alone, are the split into single trades and the depth of the book.
"""

from typing import Final

from bot.domain.instrument import Instrument
from bot.domain.units import NS_PER_MS
from bot.simulator.binance.candle_streams import CandleStreams
from bot.simulator.binance.forced_orders import ForcedOrders
from bot.simulator.binance.frames import Row
from bot.simulator.binance.market_data import LEVELS, BookMirror
from bot.simulator.binance.numbers import price_text, qty_text
from bot.simulator.binance.ticker import day_frame
from bot.simulator.binance.world import World
from bot.simulator.dice import unit
from bot.simulator.terms import MarketTick

QUIET_TRADE_USD: Final = 500.0
"""Size of the trade shown when the path moved on without a volume of its own."""
MARK_SUFFIXES: Final = ("@markPrice@1s", "@markPrice")


class PublicFlow:
    """Publishes what the market does; `world.exchange` has already taken each tick in."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._forced = ForcedOrders(world)
        self._candles = CandleStreams(world)

    def on_tick(self, tick: MarketTick, path_ns: int) -> None:
        """Tell the trades of a step of the path, and the forced orders behind it.

        `path_ns` is the step's place in the path's own time: with the seed, all there is of chance.
        """
        salt = path_ns ^ self._world.seed
        world, data = self._world, self._world.data[tick.symbol]
        now_ms = world.now_ms()
        qty = tick.qty or QUIET_TRADE_USD / tick.last
        buys = tick.buy_qty if tick.qty else qty * unit(salt)
        data.note_tick(tick, qty, buys, now_ms)
        instrument = data.instrument
        for part, is_sell in ((buys, False), (qty - buys, True)):
            if part >= float(instrument.lot) / 2:
                self._trade(instrument, tick.last, part, now_ms, is_sell=is_sell)
        self._forced.note_tick(tick, instrument, salt)

    def _trade(
        self, instrument: Instrument, price: float, qty: float, now_ms: int, *, is_sell: bool
    ) -> None:
        world, data = self._world, self._world.data[instrument.symbol]
        number = data.next_trade_id()
        size = qty_text(qty, instrument)
        told: Row = {
            "e": "aggTrade",
            "E": now_ms,
            "a": number,
            "s": instrument.venue_id,
            "p": price_text(price, instrument),
            "q": size,
            "nq": size,
            "f": number,
            "l": number,
            "T": now_ms,
            "m": is_sell,
        }
        data.trades.append(told)
        name = instrument.venue_id.lower()
        world.hub.publish(f"{name}@aggTrade", "aggTrade", told)
        if world.hub.is_heard(f"{name}@trade"):
            single: Row = {
                **{k: told[k] for k in ("E", "T", "s", "p", "q", "m")},
                "e": "trade",
                "t": number,
                "X": "MARKET",
            }
            world.hub.publish(f"{name}@trade", "trade", single)

    # ------------------------------------------------------------------ by the clock

    def on_beat(self) -> None:
        """Tell changes of the book and the candles under way."""
        for symbol in self._world.by_symbol:
            refresh_book(self._world, symbol)
        self._candles.tell()

    def on_second(self) -> None:
        """Tell marks, forced orders and day tickers."""
        self.marks(tuple(self._world.by_symbol))
        now_ms = self._world.now_ms()
        self._forced.tell()
        for symbol, instrument in self._world.by_symbol.items():
            stream = f"{instrument.venue_id.lower()}@ticker"
            if self._world.hub.is_heard(stream):
                self._world.hub.publish(stream, "24hrTicker", day_frame(self._world, instrument))
            market = self._world.exchange.market(symbol)
            self._world.data[symbol].note_interest(now_ms, market.open_interest_qty, market.last)

    def marks(self, symbols: tuple[str, ...]) -> None:
        """Tell mark, index and funding of `symbols`, and of all in one frame."""
        frames = [self._mark(symbol) for symbol in symbols]
        for symbol, frame in zip(symbols, frames, strict=True):
            name = self._world.venue_id(symbol).lower()
            for suffix in MARK_SUFFIXES:
                self._world.hub.publish(name + suffix, "markPriceUpdate", frame)
        for stream in ("!markPrice@arr@1s", "!markPrice@arr"):
            self._world.hub.publish(stream, "markPriceUpdate", frames)

    def _mark(self, symbol: str) -> Row:
        market = self._world.exchange.market(symbol)
        return {
            "e": "markPriceUpdate",
            "E": self._world.now_ms(),
            "s": self._world.venue_id(symbol),
            "p": f"{market.mark:.8f}",
            "ap": f"{market.mark:.8f}",
            "P": f"{market.index:.8f}",
            "i": f"{market.index:.8f}",
            "r": f"{market.funding_frac:.8f}",
            "T": market.next_funding_ns // NS_PER_MS,
        }


def refresh_book(world: World, symbol: str) -> None:
    """Bring the published book up to the present and tell the difference."""
    market = world.exchange.market(symbol)
    if market.last <= 0.0:
        return
    instrument, book = world.by_symbol[symbol], world.data[symbol].book
    bids, asks = world.exchange.depth(symbol, LEVELS)
    changed = book.refresh(bids, asks, instrument)
    if changed is None:
        return
    now_ms = world.now_ms()
    name = instrument.venue_id.lower()
    frame: Row = {"e": "depthUpdate", "E": now_ms, "T": now_ms, "s": instrument.venue_id}
    frame |= changed
    for speed in ("", "@100ms", "@250ms", "@500ms", "@0ms"):
        world.hub.publish(f"{name}@depth{speed}", "depthUpdate", frame)
    if world.hub.is_heard(f"{name}@bookTicker") or world.hub.is_heard("!bookTicker"):
        top = _top_frame(book, instrument, now_ms)
        world.hub.publish(f"{name}@bookTicker", "bookTicker", top)
        world.hub.publish("!bookTicker", "bookTicker", top)


def _top_frame(book: BookMirror, instrument: Instrument, now_ms: int) -> Row:
    bid, ask = next(iter(book.bids)), next(iter(book.asks))
    return {
        "e": "bookTicker",
        "u": book.update_id,
        "s": instrument.venue_id,
        "b": bid,
        "B": book.bids[bid],
        "a": ask,
        "A": book.asks[ask],
        "T": now_ms,
        "E": now_ms,
    }


def top_row(world: World, symbol: str) -> Row:
    """Return one contract of GET /fapi/v1/ticker/bookTicker."""
    book = world.data[symbol].book
    bid, ask = next(iter(book.bids)), next(iter(book.asks))
    return {
        "symbol": world.venue_id(symbol),
        "bidPrice": bid,
        "bidQty": book.bids[bid],
        "askPrice": ask,
        "askQty": book.asks[ask],
        "time": world.now_ms(),
    }
