"""The market path: a seeded walk of each symbol, a tick a second, moved further by jumps."""

import math
import random
from typing import Final

from bot.lab.simulation.chance import stream
from bot.simulator.terms import MarketTick

PRICES: Final = {"BTC/USDT:USDT": 76_000.0, "ETH/USDT:USDT": 2_500.0}
SIGMA_S: Final = 1.2e-4
"""Of the log price per root second: about 70 % a year."""
PULL_S: Final = 1.0 / 1_800.0
"""How fast the walk forgets where it was: prices stay in a range that contracts know."""
INTEREST_QTY: Final = 1_000.0


class Path:
    """Where one symbol stands; `move` makes it jump."""

    def __init__(self, seed: int, symbol: str) -> None:
        self.symbol = symbol
        self._base = PRICES[symbol]
        self._dice: random.Random = stream(seed, f"path:{symbol}")
        self._log = 0.0
        self.price = self._base
        self.told_price = 0.0
        self.told_ns = 0
        self.fast = False

    def move(self, move_frac: float) -> None:
        """Let the price jump by a fraction of itself."""
        self._log += math.log1p(max(move_frac, -0.9))
        self._log = max(-2.0, min(2.0, self._log))
        self.price = self._base * math.exp(self._log)

    def walk(self) -> None:
        """Go on for one second."""
        self._log += self._dice.gauss(-self._log * PULL_S, SIGMA_S)
        self.price = self._base * math.exp(self._log)

    def tick(self, now_ns: int, *, gap: bool) -> MarketTick:
        """Return the price as a tick of the exchange."""
        price = round(self.price, 2)
        return MarketTick(
            symbol=self.symbol,
            event_ns=now_ns,
            last=price,
            mark=price,
            index=price,
            gap=gap,
            fast=self.fast,
            open_interest_qty=INTEREST_QTY,
        )
