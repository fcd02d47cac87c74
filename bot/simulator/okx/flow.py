"""Public channels derived from the market path: trades, marks, funding, interest, book tops."""

from typing import Final

from bot.domain.instrument import Instrument
from bot.domain.market import Liquidation
from bot.domain.orders import PositionSide
from bot.simulator.binance.flow import QUIET_TRADE_USD
from bot.simulator.binance.forced_orders import SHARE, VOLUME_SHARE_MAX, Ground
from bot.simulator.binance.numbers import price_text
from bot.simulator.binance.world import World
from bot.simulator.dice import unit
from bot.simulator.okx.rest_market import funding_row, interest_row, mark_row, top_row
from bot.simulator.okx.words import Row
from bot.simulator.terms import MarketTick

LIQUIDATIONS: Final = "liquidation-orders"


class OkxFlow:
    """Publishes what the market does; `world.exchange` has already taken each tick in."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._ground: dict[str, tuple[Ground, Ground]] = {}
        self._tops: dict[str, object] = {}
        world.on_liquidation = self._own

    def on_tick(self, tick: MarketTick, path_ns: int) -> None:
        """Tell the trades of a step of the path, and forced orders behind it."""
        salt = path_ns ^ self._world.seed
        data, now_ms = self._world.data[tick.symbol], self._world.now_ms()
        qty = tick.qty or QUIET_TRADE_USD / tick.last
        buys = tick.buy_qty if tick.qty else qty * unit(salt)
        data.note_tick(tick, qty, buys, now_ms)
        item = data.instrument
        for part, is_sell in ((buys, False), (qty - buys, True)):
            if part >= float(item.lot) / 2:
                self._trade(item, tick.last, part, now_ms, is_sell=is_sell)
        longs, shorts = self._ground.setdefault(tick.symbol, (Ground(1), Ground(-1)))
        interest = self._world.exchange.market(tick.symbol).open_interest_qty
        for side, lost in (
            (PositionSide.LONG, longs.lost(tick.last)),
            (PositionSide.SHORT, shorts.lost(tick.last)),
        ):
            forced = min(interest * SHARE * lost * (0.5 + unit(salt)), tick.qty * VOLUME_SHARE_MAX)
            if forced >= float(item.qty_min):
                self._forced(item, side, forced, tick.last)

    def _trade(
        self, item: Instrument, price: float, qty: float, now_ms: int, *, is_sell: bool
    ) -> None:
        data = self._world.data[item.symbol]
        number = data.next_trade_id()
        data.trades.append({"a": number, "p": price_text(price, item), "q": qty, "T": now_ms})
        row: Row = {
            "instId": item.venue_id,
            "tradeId": str(number),
            "px": price_text(price, item),
            "sz": _contracts(qty, item),
            "side": "sell" if is_sell else "buy",
            "ts": str(now_ms),
            "count": "1",
        }
        self._tell("trades", item.venue_id, [row])

    def _own(self, event: Liquidation) -> None:
        self._forced(self._world.by_symbol[event.symbol], event.side, event.qty, event.price)

    def _forced(self, item: Instrument, side: PositionSide, qty: float, price: float) -> None:
        detail: Row = {
            "side": "sell" if side is PositionSide.LONG else "buy",
            "posSide": side.value.lower(),
            "bkPx": price_text(price, item),
            "sz": _contracts(qty, item),
            "bkLoss": "0",
            "ccy": "",
            "ts": str(self._world.now_ms()),
        }
        row: Row = {"instType": "SWAP", "instId": item.venue_id, "details": [detail]}
        arg = {"channel": LIQUIDATIONS, "instType": "SWAP"}
        self._world.hub.publish(LIQUIDATIONS, LIQUIDATIONS, {"arg": arg, "data": [row]})

    # ------------------------------------------------------------------ by the clock

    def on_beat(self) -> None:
        """Tell book tops that changed."""
        for symbol, item in self._world.by_symbol.items():
            if self._world.exchange.market(symbol).last <= 0.0:
                continue
            top = top_row(self._world, item)
            seen = (top["bids"], top["asks"])
            if seen != self._tops.get(symbol):
                self._tops[symbol] = seen
                self._tell("bbo-tbt", item.venue_id, [top])

    def on_second(self) -> None:
        """Tell marks, and keep open interest for those who ask later."""
        self.marks(tuple(self._world.by_symbol))
        for symbol, data in self._world.data.items():
            market = self._world.exchange.market(symbol)
            data.note_interest(self._world.now_ms(), market.open_interest_qty, market.last)

    def marks(self, symbols: tuple[str, ...]) -> None:
        """Tell mark, index, funding and open interest of `symbols` now."""
        for symbol in symbols:
            item = self._world.by_symbol[symbol]
            for channel, subject in channels_of(item):
                for row in greeting(self._world, channel, subject):
                    self._tell(channel, subject, [row])

    def _tell(self, channel: str, subject: str, data: list[Row]) -> None:
        name = topic(channel, subject)
        if self._world.hub.is_heard(name):
            frame = {"arg": {"channel": channel, "instId": subject}, "data": data}
            self._world.hub.publish(name, channel, frame)


def topic(channel: str, subject: str) -> str:
    """Return the name of one subscription."""
    return f"{channel}:{subject}"


def channels_of(item: Instrument) -> tuple[tuple[str, str], ...]:
    """Return what is told of a contract once a second."""
    return (
        ("mark-price", item.venue_id),
        ("index-tickers", item.venue_id.removesuffix("-SWAP")),
        ("funding-rate", item.venue_id),
        ("open-interest", item.venue_id),
    )


def greeting(world: World, channel: str, subject: str) -> list[Row]:
    """Return the rows with which a channel begins."""
    by_name = {item.venue_id: item for item in world.by_symbol.values()}
    item = by_name.get(subject) or by_name.get(f"{subject}-SWAP")
    if item is None:
        return []
    match channel:
        case "mark-price":
            return [mark_row(world, item)]
        case "index-tickers":
            index = world.exchange.market(item.symbol).index
            return [{"instId": subject, "idxPx": f"{index:.8f}", "ts": str(world.now_ms())}]
        case "funding-rate":
            return [funding_row(world, item)]
        case "open-interest":
            return [interest_row(world, item)]
        case "bbo-tbt":
            return [top_row(world, item)]
        case _:
            return []


def _contracts(qty: float, item: Instrument) -> str:
    return f"{max(qty / float(item.contract_size), 0.01):.2f}"
