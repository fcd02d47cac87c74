"""The market clock: walks a path of ticks into the exchange in wall time and tells the public."""

from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from bot.domain.errors import ConfigInvalid
from bot.domain.units import NS_PER_S
from bot.ports import Clock
from bot.simulator.binance.timers import Timers
from bot.simulator.binance.world import World
from bot.simulator.flow import Flow
from bot.simulator.terms import MarketTick

Path = Callable[[int], Iterator[MarketTick]]
"""Ticks of a path after an instant of its own time (ns, 0: from the start), in order."""

BATCH_MAX: Final = 500


class PathPosition(msgspec.Struct, kw_only=True):
    """Where on the path the market stands, in the path's own ns; what hands moved it by."""

    path_ns: int = 0
    scale: dict[str, float] = {}


class Keeper:
    """Moves the market; every tick carries the wall clock's time, whatever the path's was."""

    def __init__(
        self,
        world: World,
        flow: Flow,
        path: Path,
        clock: Clock,
        *,
        speed: float = 1.0,
        beat_s: float = 0.25,
        position: PathPosition | None = None,
    ) -> None:
        if not 0.0 < speed <= 100_000.0:
            raise ConfigInvalid(f"speed {speed}: use a number above 0 and up to 100000")
        self._world = world
        self._flow = flow
        self._clock = clock
        self._speed = speed
        self._beat_s = beat_s
        self._timers = Timers(world, flow)
        self.position = position if position is not None else PathPosition()
        self._ticks = path(self.position.path_ns)
        self._ahead = next(self._ticks, None)
        first_ns = self._ahead.event_ns if self._ahead is not None else 0
        self._origin_ns = self.position.path_ns or first_ns
        self._started_ns = clock.monotonic_ns()

    @property
    def is_at_end(self) -> bool:
        """Whether the path has no further tick; the market then stands still."""
        return self._ahead is None

    def start(self) -> None:
        """Give every contract its first price, so that the venue can be asked at once."""
        waiting = set(self._world.by_symbol)
        for symbol in tuple(waiting):
            if self._world.exchange.market(symbol).last > 0.0:
                waiting.discard(symbol)
        while waiting and self._ahead is not None:
            waiting.discard(self._ahead.symbol)
            self._step(self._ahead)
        if waiting:
            raise ConfigInvalid(
                f"the market path has no price for {', '.join(sorted(waiting))}: leave these "
                "contracts out, or give a path that holds them"
            )
        self._world.settle()
        self._flow.on_beat()

    def _step(self, tick: MarketTick) -> None:
        self._put(self._scaled(tick), tick.event_ns)
        self.position.path_ns = tick.event_ns
        self._ahead = next(self._ticks, None)

    def _scaled(self, tick: MarketTick) -> MarketTick:
        factor = self.position.scale.get(tick.symbol, 1.0)
        return msgspec.structs.replace(
            tick,
            event_ns=self._clock.now_ns(),
            last=tick.last * factor,
            mark=tick.mark * factor,
            index=tick.index * factor,
            low=None if tick.low is None else tick.low * factor,
            high=None if tick.high is None else tick.high * factor,
        )

    def _put(self, tick: MarketTick, path_ns: int) -> None:
        log = self._world.exchange.log
        log.path_ns, log.factors = path_ns, self.position.scale
        self._world.exchange.apply(tick)
        self._flow.on_tick(tick, path_ns)

    def feed(self, tick: MarketTick) -> None:
        """Take a tick that comes from outside of the path, such as a live price."""
        self._put(msgspec.structs.replace(tick, event_ns=self._clock.now_ns()), tick.event_ns)
        self._world.settle()

    def move(self, symbol: str, price: float) -> None:
        """Let the price of `symbol` jump; the path goes on from there, in proportion."""
        if not 0.0 < price < 1e12:
            raise ConfigInvalid(f"{symbol}: a price of {price} cannot be; use a positive number")
        market = self._world.exchange.market(symbol)
        factor = price / market.last
        scale = self.position.scale
        scale[symbol] = scale.get(symbol, 1.0) * factor
        self._put(
            MarketTick(
                symbol=symbol,
                event_ns=self._clock.now_ns(),
                last=price,
                mark=price,
                index=price,
                gap=True,
            ),
            self.position.path_ns,
        )
        self._world.settle()
        self._flow.marks((symbol,))
        self._flow.on_beat()
        self._world.on_change()

    def beat(self) -> bool:
        """Apply what is due by now; True when more is due than one beat takes."""
        elapsed_ns = self._clock.monotonic_ns() - self._started_ns
        due_ns = self._origin_ns + int(elapsed_ns * self._speed)
        self._world.advance()
        for _ in range(BATCH_MAX):
            if self._ahead is None or self._ahead.event_ns > due_ns:
                break
            self._step(self._ahead)
            self._world.settle()
        self._world.settle()
        self._flow.on_beat()
        self._timers.run(self._clock.now_ns())
        return self._ahead is not None and self._ahead.event_ns <= due_ns

    async def run(self) -> None:
        """Beat until cancelled."""
        while True:
            behind = self.beat()
            await self._clock.sleep_s(0.0 if behind else self._beat_s)


def flat_path(prices: dict[str, float], interval_s: float) -> Path:
    """Return an endless path on which nothing moves, a tick for each symbol every interval."""

    def ticks(after_ns: int) -> Iterator[MarketTick]:
        step_ns = max(int(interval_s * NS_PER_S), 1)
        at_ns = after_ns + step_ns
        while True:
            for symbol, price in prices.items():
                yield MarketTick(
                    symbol=symbol,
                    event_ns=at_ns,
                    last=price,
                    mark=price,
                    index=price,
                    funding_frac=0.0001,
                    open_interest_qty=1e9 / price,
                )
            at_ns += step_ns

    return ticks
