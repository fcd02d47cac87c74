"""`python -m tests.process.flooded_venue venue ...`: the venue, telling $FLOOD_PER_S more frames.

Seven of ten are trades at prices a few ticks about the last one, the rest tops of the book; numbers
go on from the venue's own, so that nothing looks lost. They go to whoever asked for them.
"""

import asyncio
import os
from typing import Any

from bot.app.cli import main
from bot.simulator.binance.flow import PublicFlow
from bot.simulator.dice import Dice
from tests.fakes.roomy_venue import _spend_nothing

RATE = "FLOOD_PER_S"
TICK_S = 0.01
TRADES_OF_10 = 7
_on_beat = PublicFlow.on_beat


class Flood:
    """Frames by the clock, until the loop ends."""

    def __init__(self, flow: PublicFlow, per_s: float) -> None:
        self._world: Any = flow._world
        self._per_s = per_s
        self._dice = Dice(5)
        self._loop = asyncio.get_running_loop()
        self._told = 0
        self._began = self._loop.time()
        self._loop.call_soon(self._tick)

    def _tick(self) -> None:
        due = int((self._loop.time() - self._began) * self._per_s) - self._told
        # what a stall left behind is not made good in one burst
        for number in range(min(due, int(self._per_s * TICK_S * 10))):
            self._tell(number)
        self._told += due
        self._loop.call_later(TICK_S, self._tick)

    def _tell(self, number: int) -> None:
        world = self._world
        symbols = tuple(world.by_symbol)
        symbol = symbols[int(self._dice.roll() * len(symbols))]
        last, name = world.exchange.market(symbol).last, world.by_symbol[symbol].venue_id
        now_ms, price = world.now_ms(), last + round(self._dice.roll() * 8.0 - 4.0) * 0.1
        if last <= 0.0:
            return
        if number % 10 < TRADES_OF_10:
            told = world.data[symbol].next_trade_id()
            world.hub.publish(f"{name.lower()}@aggTrade", "aggTrade", {
                "e": "aggTrade", "E": now_ms, "a": told, "s": name, "p": f"{price:.1f}",
                "q": "0.004", "nq": "0.004", "f": told, "l": told, "T": now_ms,
                "m": self._dice.roll() < 0.5,
            })  # fmt: skip
        else:
            world.hub.publish(f"{name.lower()}@bookTicker", "bookTicker", {
                "e": "bookTicker", "u": world.data[symbol].book.update_id, "s": name,
                "b": f"{last - 0.1:.1f}", "B": "3.2", "a": f"{last + 0.1:.1f}", "A": "2.7",
                "T": now_ms, "E": now_ms,
            })  # fmt: skip


def _begin(flow: PublicFlow) -> None:
    PublicFlow.on_beat = _on_beat  # type: ignore[method-assign]
    flow.flood = Flood(flow, float(os.environ[RATE]))  # type: ignore[attr-defined]
    _on_beat(flow)


if __name__ == "__main__":
    from bot.simulator.binance.weights import Meter

    Meter.spend = _spend_nothing  # type: ignore[method-assign]
    PublicFlow.on_beat = _begin  # type: ignore[method-assign]
    main()
