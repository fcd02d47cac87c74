"""What the senses said during a replay: a point each judgement, a strip of the map each hour."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import msgspec

from bot.domain.market import LiquidationSum
from bot.domain.messages import Event
from bot.domain.sense import Assessment
from bot.domain.units import NS_PER_H, NS_PER_MIN
from bot.kernel.clusters.grid import STEP, price_of
from bot.kernel.levels import worn_strength
from bot.kernel.snapshot import BotState, Sensed

STRENGTH_MIN: Final = 0.3
"""Weaker zones are not worth a line of their own."""
STRONG: Final = 0.6
CELLS_PER_BIN: Final = 10
BIN_FRAC: Final = CELLS_PER_BIN * STEP
ForcedRow = tuple[int, float, float]
"""Liquidation totals as told: (known at, long USD, short USD)."""


class SensePoint(msgspec.Struct, frozen=True, kw_only=True):
    """One judgement of one symbol with the zones around the price; USD, coins, fractions."""

    ns: int
    price: float
    assessment: Assessment
    zones: tuple["ZoneMark", ...]
    """Zones worth a line, lowest first; one tuple serves many points."""

    def below(self, price: float) -> "ZoneMark | None":
        """Return the nearest zone that lies whole below a price."""
        return max((z for z in self.zones if z.high <= price), key=lambda z: z.high, default=None)

    def above(self, price: float) -> "ZoneMark | None":
        """Return the nearest zone that lies whole above a price."""
        return min((z for z in self.zones if z.low >= price), key=lambda z: z.low, default=None)


class ZoneMark(msgspec.Struct, frozen=True):
    """A zone as it stood; prices in quote."""

    low: float
    high: float
    name: str
    state: str
    strong: bool


class SenseRow(msgspec.Struct, frozen=True, kw_only=True):
    """What was known of one symbol at one full minute."""

    ns: int
    symbol: str
    price: float
    point: SensePoint


@dataclass(kw_only=True)
class SenseTape:
    """Points and price path by symbol, in order of time; empty unless the replay was asked."""

    points: dict[str, list[SensePoint]] = field(default_factory=dict)
    prices: dict[str, tuple[list[int], list[float]]] = field(default_factory=dict)
    strips: dict[str, list[tuple[int, dict[int, float]]]] = field(default_factory=dict)
    """By hour: price bin -> coins forced there, longs below and shorts above the price."""
    _forced: dict[str, dict[int, list[ForcedRow]]] = field(default_factory=dict)
    _vendors: dict[str, str] = field(default_factory=dict)

    def on_price(self, symbol: str, ns: int, price: float) -> None:
        """Keep one traded price."""
        times, prices = self.prices.setdefault(symbol, ([], []))
        times.append(ns)
        prices.append(price)

    def on_news(self, event: Event) -> None:
        """Keep liquidation totals of the first vendor heard for a symbol and window."""
        if isinstance(event, LiquidationSum):
            key = f"{event.symbol}/{event.window_s}"
            if self._vendors.setdefault(key, event.venue) == event.venue:
                rows = self._forced.setdefault(event.symbol, {}).setdefault(event.window_s, [])
                rows.append((event.event_ns, event.long_usd, event.short_usd))

    def forced(self, symbol: str) -> list[ForcedRow]:
        """Return the liquidation totals of the finest windows told, oldest first."""
        windows = self._forced.get(symbol, {})
        return windows[min(windows)] if windows else []

    def look(self, state: BotState) -> None:
        """Take what was judged since the last look."""
        for symbol, sensed in state.sensed.items():
            found = sensed.assessment
            points = self.points.setdefault(symbol, [])
            if found is None or (points and points[-1].assessment is found):
                continue
            zones = _zones(sensed)
            if points and points[-1].zones == zones:
                zones = points[-1].zones
            price = self._price(symbol)
            points.append(SensePoint(ns=found.ns, price=price, assessment=found, zones=zones))
            strips = self.strips.setdefault(symbol, [])
            hour_ns = found.ns - found.ns % NS_PER_H
            if not strips or strips[-1][0] < hour_ns:
                strips.append((hour_ns, _strip(sensed)))

    def rows(self, start_ns: int, end_ns: int) -> Iterator[SenseRow]:
        """Yield what was known at each full minute, symbol by symbol; nothing from later."""
        first_ns = -(-start_ns // NS_PER_MIN) * NS_PER_MIN
        for symbol in sorted(self.points):
            points = self.points[symbol]
            known = [point.ns for point in points]
            times, prices = self.prices.get(symbol, ([], []))
            for ns in range(first_ns, end_ns + 1, NS_PER_MIN):
                at, seen = bisect_right(known, ns) - 1, bisect_right(times, ns) - 1
                if at >= 0 and seen >= 0:
                    yield SenseRow(ns=ns, symbol=symbol, price=prices[seen], point=points[at])

    def _price(self, symbol: str) -> float:
        prices = self.prices.get(symbol, ([], []))[1]
        return prices[-1] if prices else 0.0


def _zones(sensed: Sensed) -> tuple[ZoneMark, ...]:
    kept = [z for z in sensed.book.zones if z.manual or worn_strength(z) >= STRENGTH_MIN]
    kept.sort(key=lambda zone: (zone.low, zone.high, zone.name))
    return tuple(
        ZoneMark(z.low, z.high, z.name, z.state, z.manual or worn_strength(z) >= STRONG)
        for z in kept
    )


def _strip(sensed: Sensed) -> dict[int, float]:
    clusters = sensed.clusters
    bins: dict[int, float] = {}
    for side in (clusters.longs, clusters.shorts):
        for index, mass in side.items():
            at = index // CELLS_PER_BIN
            bins[at] = bins.get(at, 0.0) + mass * clusters.scale
    return bins


def bin_price(index: int) -> float:
    """Return the middle price of a bin of the strip."""
    return price_of(index * CELLS_PER_BIN + CELLS_PER_BIN // 2)
