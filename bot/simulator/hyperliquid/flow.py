"""Public frames derived from the market path: trades, contract state, books, candles."""

from typing import Final

from bot.domain.instrument import Instrument
from bot.simulator.binance.bars import INTERVAL_MS
from bot.simulator.binance.numbers import price_text, qty_text
from bot.simulator.dice import unit
from bot.simulator.hyperliquid import market_rows
from bot.simulator.hyperliquid.actions import run_schedule
from bot.simulator.hyperliquid.desk import Desk
from bot.simulator.hyperliquid.rows import Row
from bot.simulator.hyperliquid.voice import name_of
from bot.simulator.terms import MarketTick

QUIET_TRADE_USD: Final = 500.0
"""Size of the trade shown when the path moved on without a volume of its own."""


class HyperliquidFlow:
    """Publishes what the market does; the exchange has already taken each tick in.

    There is no channel of other people's liquidations: the venue has none.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._tops: dict[str, object] = {}

    def on_tick(self, tick: MarketTick, path_ns: int) -> None:
        """Tell the trades of a step; `path_ns` is its place in the path's own time."""
        world, data = self._desk.world, self._desk.world.data[tick.symbol]
        now_ms = world.now_ms()
        qty = tick.qty or QUIET_TRADE_USD / tick.last
        buys = tick.buy_qty if tick.qty else qty * unit(path_ns ^ world.seed)
        data.note_tick(tick, qty, buys, now_ms)
        contract = data.instrument
        told = []
        for part, is_sell in ((buys, False), (qty - buys, True)):
            if part >= float(contract.lot) / 2:
                row = self._trade(contract, tick.last, part, now_ms, is_sell=is_sell)
                told.append(market_rows.trade_row(row, contract))
        if told:
            self._publish("trades", contract, "trades", told)

    def _trade(
        self, contract: Instrument, price: float, qty: float, now_ms: int, *, is_sell: bool
    ) -> Row:
        data = self._desk.world.data[contract.symbol]
        told: Row = {
            "a": data.next_trade_id(),
            "p": price_text(price, contract),
            "q": qty_text(qty, contract),
            "T": now_ms,
            "m": is_sell,
        }
        data.trades.append(told)
        return told

    def on_beat(self) -> None:
        """Tell changes of the books and the candles under way; end what was scheduled to end."""
        desk = self._desk
        run_schedule(desk, desk.world.now_ns())
        for contract in desk.contracts:
            if desk.world.exchange.market(contract.symbol).last <= 0.0:
                continue
            top = market_rows.top(desk, contract)
            if top["bbo"] == self._tops.get(contract.symbol):
                continue
            self._tops[contract.symbol] = top["bbo"]
            self._publish("bbo", contract, "bbo", top)
            if desk.world.hub.is_heard(name_of("l2Book", contract.venue_id)):
                self._publish("l2Book", contract, "l2Book", market_rows.book(desk, contract))
        self._candles()

    def on_second(self) -> None:
        """Tell marks, and book tops that did not move: the venue sends them with its blocks."""
        desk = self._desk
        self.marks(tuple(desk.world.by_symbol))
        for contract in desk.contracts:
            if desk.world.hub.is_heard(name_of("bbo", contract.venue_id)):
                self._publish("bbo", contract, "bbo", market_rows.top(desk, contract))
            market = desk.world.exchange.market(contract.symbol)
            desk.world.data[contract.symbol].note_interest(
                desk.now_ms(), market.open_interest_qty, market.last
            )
        if desk.world.hub.is_heard("allMids"):
            frame = {"channel": "allMids", "data": {"mids": market_rows.all_mids(desk)}}
            desk.world.hub.publish("allMids", "allMids", frame)

    def marks(self, symbols: tuple[str, ...]) -> None:
        """Tell mark, oracle, funding and open interest of `symbols` now."""
        desk = self._desk
        for symbol in symbols:
            contract = desk.world.by_symbol[symbol]
            if desk.world.hub.is_heard(name_of("activeAssetCtx", contract.venue_id)):
                state = market_rows.state_row(desk, contract)
                data = {"coin": contract.venue_id, "ctx": state}
                self._publish("activeAssetCtx", contract, "activeAssetCtx", data)

    def _candles(self) -> None:
        desk = self._desk
        now_ms = desk.now_ms()
        for stream in desk.world.hub.streams():
            kind, _, subject = stream.partition(":")
            coin, _, interval = subject.partition("@")
            interval_ms = INTERVAL_MS.get(interval)
            if kind != "candle" or interval_ms is None:
                continue
            contract = desk.contract(coin)
            line = desk.world.data[contract.symbol].last
            from_ms = now_ms // interval_ms * interval_ms
            for bar in line.read(interval_ms, from_ms, now_ms + 1):
                row = market_rows.candle_row(bar, contract, interval)
                desk.world.hub.publish(stream, "candle", {"channel": "candle", "data": row})

    def _publish(self, kind: str, contract: Instrument, channel: str, data: object) -> None:
        stream = name_of(kind, contract.venue_id)
        self._desk.world.hub.publish(stream, channel, {"channel": channel, "data": data})
