"""The public stream of forced orders: our own accounts' liquidations, and other traders' derived.

DERIVED, by the seed alone: the path does not say who was liquidated. When the price makes a new
low at least 0.6 % under the last high, a share of the open interest proportional to the new
ground is forced out, never more than a third of the volume traded; above the last low likewise.
As the venue does, only the largest of each contract and second is told.
"""

from typing import Final

from bot.domain.instrument import Instrument
from bot.domain.market import Liquidation
from bot.domain.orders import PositionSide
from bot.simulator.binance.frames import Row
from bot.simulator.binance.numbers import price_text, qty_text
from bot.simulator.binance.world import World
from bot.simulator.dice import unit
from bot.simulator.terms import MarketTick

PAIN_FRAC: Final = 0.006
SHARE: Final = 0.4
"""Share of open interest forced out over new ground of 100 %: 4 % of it over 10 %."""
VOLUME_SHARE_MAX: Final = 1.0 / 3.0
RELIEF_SHARE: Final = 0.5
"""A move is over when this share of it was taken back."""


class Ground:
    """How far the price has gone against one side since that side last breathed."""

    def __init__(self, sign: int) -> None:
        self._sign = sign
        self._start = 0.0
        self._worst = 0.0

    def lost(self, price: float) -> float:
        """Take in a price; return the new ground lost by the side with this sign, as a fraction."""
        if self._start <= 0.0 or self._sign * (price - self._start) >= 0.0:
            self._start = self._worst = price
            return 0.0
        depth = abs(self._worst - self._start)
        if self._sign * (price - self._worst) >= 0.0:
            if abs(price - self._worst) > depth * RELIEF_SHARE and depth > 0.0:
                self._start = self._worst = price
            return 0.0
        edge = self._start * (1.0 - self._sign * PAIN_FRAC)
        before = min(self._worst, edge) if self._sign > 0 else max(self._worst, edge)
        self._worst = price
        return max(self._sign * (before - price), 0.0) / self._start


class ForcedOrders:
    """Keeps the largest forced order of each contract until the second ends."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._ground: dict[str, tuple[Ground, Ground]] = {}
        self._largest: dict[str, Row] = {}
        world.on_liquidation = self.note_own

    def note_tick(self, tick: MarketTick, instrument: Instrument, salt: int) -> None:
        """Derive who else was forced out by a step of the path; `salt` is its chance."""
        longs, shorts = self._ground.setdefault(tick.symbol, (Ground(1), Ground(-1)))
        interest = self._world.exchange.market(tick.symbol).open_interest_qty
        for side, lost in (("SELL", longs.lost(tick.last)), ("BUY", shorts.lost(tick.last))):
            share = 0.5 + unit(salt)
            qty = min(interest * SHARE * lost * share, tick.qty * VOLUME_SHARE_MAX)
            if qty >= float(instrument.qty_min):
                self._note(instrument, side, qty, tick.last, last_share=0.3)

    def note_own(self, event: Liquidation) -> None:
        """Take in a liquidation of one of our own accounts."""
        instrument = self._world.by_symbol[event.symbol]
        side = "SELL" if event.side is PositionSide.LONG else "BUY"
        self._note(instrument, side, event.qty, event.price, last_share=1.0)

    def _note(
        self, instrument: Instrument, side: str, qty: float, price: float, *, last_share: float
    ) -> None:
        size = qty_text(qty, instrument)
        kept = self._largest.get(instrument.symbol)
        if kept is not None and float(str(kept["z"])) >= float(size):
            return
        self._largest[instrument.symbol] = {
            "s": instrument.venue_id,
            "S": side,
            "o": "LIMIT",
            "f": "IOC",
            "q": size,
            "p": price_text(price, instrument),
            "ap": price_text(price, instrument),
            "X": "FILLED",
            "l": qty_text(qty * last_share, instrument),
            "z": size,
            "T": self._world.now_ms(),
        }

    def tell(self) -> None:
        """Publish what the second held."""
        for symbol, order in self._largest.items():
            frame: Row = {"e": "forceOrder", "E": self._world.now_ms(), "o": order}
            name = self._world.venue_id(symbol).lower()
            self._world.hub.publish(f"{name}@forceOrder", "forceOrder", frame)
            self._world.hub.publish("!forceOrder@arr", "forceOrder", frame)
        self._largest.clear()
