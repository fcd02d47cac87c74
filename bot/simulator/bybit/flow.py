"""Public topics derived from the market path: trades, tickers, book, liquidations."""

from typing import Final

from bot.domain.instrument import Instrument
from bot.domain.market import Liquidation
from bot.domain.orders import PositionSide
from bot.simulator.binance.flow import QUIET_TRADE_USD
from bot.simulator.binance.forced_orders import SHARE, VOLUME_SHARE_MAX, Ground
from bot.simulator.binance.market_data import LEVELS
from bot.simulator.binance.numbers import price_text, qty_text
from bot.simulator.binance.world import World
from bot.simulator.bybit.market import book_row, ticker_row
from bot.simulator.bybit.words import LEG_WORD, Row
from bot.simulator.dice import unit
from bot.simulator.terms import MarketTick

DEPTHS: Final = (1, 50, 200)
CHANGING: Final = (
    "symbol", "lastPrice", "indexPrice", "markPrice", "openInterest", "openInterestValue",
    "fundingRate", "nextFundingTime", "bid1Price", "bid1Size", "ask1Price", "ask1Size",
)  # fmt: skip
"""What a delta of the ticker tells; the rest stays as the snapshot had it."""


class BybitFlow:
    """Publishes what the market does; `world.exchange` has already taken each tick in."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._ground: dict[str, tuple[Ground, Ground]] = {}
        world.on_liquidation = self._own

    def on_tick(self, tick: MarketTick, path_ns: int) -> None:
        """Tell the trades of a step of the path, and every forced order behind it."""
        salt = path_ns ^ self._world.seed
        data, now_ms = self._world.data[tick.symbol], self._world.now_ms()
        qty = tick.qty or QUIET_TRADE_USD / tick.last
        buys = tick.buy_qty if tick.qty else qty * unit(salt)
        data.note_tick(tick, qty, buys, now_ms)
        instrument = data.instrument
        for part, is_sell in ((buys, False), (qty - buys, True)):
            if part >= float(instrument.lot) / 2:
                self._trade(instrument, tick.last, part, now_ms, is_sell=is_sell)
        self._forced(tick, instrument, salt)

    def _trade(
        self, item: Instrument, price: float, qty: float, now_ms: int, *, is_sell: bool
    ) -> None:
        data = self._world.data[item.symbol]
        number, size, text = data.next_trade_id(), qty_text(qty, item), price_text(price, item)
        data.trades.append({"a": number, "p": text, "q": size, "T": now_ms, "m": is_sell})
        row: Row = {
            "i": str(number),
            "T": now_ms,
            "p": text,
            "v": size,
            "S": "Sell" if is_sell else "Buy",
            "s": item.venue_id,
            "BT": False,
            "L": "ZeroMinusTick",
            "seq": number,
        }
        self._tell(f"publicTrade.{item.venue_id}", "snapshot", [row])

    # ------------------------------------------------------------------ forced orders

    def _forced(self, tick: MarketTick, item: Instrument, salt: int) -> None:
        """Derive who else was forced out, as the other protocol does; here all are told."""
        longs, shorts = self._ground.setdefault(tick.symbol, (Ground(1), Ground(-1)))
        interest = self._world.exchange.market(tick.symbol).open_interest_qty
        for side, lost in (
            (PositionSide.LONG, longs.lost(tick.last)),
            (PositionSide.SHORT, shorts.lost(tick.last)),
        ):
            qty = min(interest * SHARE * lost * (0.5 + unit(salt)), tick.qty * VOLUME_SHARE_MAX)
            if qty >= float(item.qty_min):
                self._liquidated(item, side, qty, tick.last)

    def _own(self, event: Liquidation) -> None:
        item = self._world.by_symbol[event.symbol]
        self._liquidated(item, event.side, event.qty, event.price)

    def _liquidated(self, item: Instrument, side: PositionSide, qty: float, price: float) -> None:
        row: Row = {
            "T": self._world.now_ms(),
            "s": item.venue_id,
            "S": LEG_WORD[side],
            "v": qty_text(qty, item),
            "p": price_text(price, item),
        }
        self._tell(f"allLiquidation.{item.venue_id}", "snapshot", [row])

    # ------------------------------------------------------------------ by the clock

    def on_beat(self) -> None:
        """Tell changes of the books."""
        for symbol, item in self._world.by_symbol.items():
            market, book = self._world.exchange.market(symbol), self._world.data[symbol].book
            if market.last <= 0.0:
                continue
            changed = book.refresh(*self._world.exchange.depth(symbol, LEVELS), item)
            if changed is None:
                continue
            now_ms = self._world.now_ms()
            for depth in DEPTHS:
                topic = f"orderbook.{depth}.{item.venue_id}"
                if not self._world.hub.is_heard(topic):
                    continue
                whole = depth == 1
                rows = book_row(self._world, item, depth)
                if not whole:
                    rows |= {"b": changed["b"], "a": changed["a"]}
                self._tell(topic, "snapshot" if whole else "delta", rows, cts=now_ms)

    def on_second(self) -> None:
        """Tell tickers, and keep open interest for those who ask later."""
        self.marks(tuple(self._world.by_symbol))
        for symbol, data in self._world.data.items():
            market = self._world.exchange.market(symbol)
            data.note_interest(self._world.now_ms(), market.open_interest_qty, market.last)

    def marks(self, symbols: tuple[str, ...]) -> None:
        """Tell what changes of the tickers of `symbols`."""
        for symbol in symbols:
            item = self._world.by_symbol[symbol]
            topic = f"tickers.{item.venue_id}"
            if self._world.hub.is_heard(topic):
                row = ticker_row(self._world, item)
                self._tell(topic, "delta", {name: row[name] for name in CHANGING})

    def _tell(self, topic: str, kind: str, data: object, **more: object) -> None:
        if not self._world.hub.is_heard(topic):
            return
        frame = {"topic": topic, "type": kind, "ts": self._world.now_ms(), "data": data, **more}
        self._world.hub.publish(topic, topic.partition(".")[0], frame)


def greeting(world: World, topic: str) -> Row | None:
    """Return the snapshot with which a topic begins; None for one that begins with nothing."""
    kind, _, rest = topic.partition(".")
    depth, _, contract = rest.rpartition(".")
    item = next((i for i in world.by_symbol.values() if i.venue_id == contract), None)
    if item is None:
        return None
    now_ms = world.now_ms()
    head: Row = {"topic": topic, "type": "snapshot", "ts": now_ms}
    if kind == "tickers":
        return head | {"data": ticker_row(world, item)}
    if kind == "orderbook" and depth.isdigit() and int(depth) in DEPTHS:
        return head | {"data": book_row(world, item, int(depth)), "cts": now_ms}
    return None
