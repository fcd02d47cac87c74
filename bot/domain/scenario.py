"""A market scenario as declared: what starts it, what ends it, and what holds while it runs."""

import math
from enum import StrEnum

import msgspec

from bot.domain.orders import PositionSide
from bot.domain.units import NS_PER_DAY, NS_PER_H


class ZoneEvent(StrEnum):
    """What price did to a zone; breaks and holds take several closes of the timeframe."""

    BROKEN_UP = "broken_up"
    BROKEN_DOWN = "broken_down"
    SWEPT_BELOW_AND_HELD = "swept_below_and_held"
    SWEPT_ABOVE_AND_HELD = "swept_above_and_held"

    @property
    def from_side(self) -> int:
        """The zone's side before it: +1 price above (support), -1 price below (resistance)."""
        return 1 if self in (ZoneEvent.BROKEN_DOWN, ZoneEvent.SWEPT_BELOW_AND_HELD) else -1


class Watch(msgspec.Struct, frozen=True, kw_only=True):
    """One zone, what must happen to it, and on which bars that is judged."""

    low: float
    high: float
    event: ZoneEvent
    timeframe_s: int = 3_600

    def __post_init__(self) -> None:
        """Refuse edges that are no prices.

        Raises:
            ValueError: low or high is not finite, not above zero, or out of order.
        """
        if not (math.isfinite(self.high) and 0.0 < self.low <= self.high):
            raise ValueError(f"a watched zone needs 0 < low <= high, was {self.low}-{self.high}")
        if self.timeframe_s <= 0:
            raise ValueError(f"timeframe_s must be above zero, was {self.timeframe_s}")


class ScenarioSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Declared by a human; it does not exist before `known_from_ns`.

    `stages` happen one after the other; with the last one the scenario runs, until its last
    target is reached, `invalid` happens, or `life_ns` is over.
    """

    name: str
    symbol: str
    says: str
    stages: tuple[Watch, ...]
    invalid: Watch | None = None
    targets: tuple[float, ...] = ()
    allowed_sides: tuple[PositionSide, ...] = (PositionSide.LONG, PositionSide.SHORT)
    sides_for_ns: int = 0
    """How long the sides are limited once it runs; 0: as long as it runs."""
    size_factor: float = 1.0
    threat_add: int = 0
    tighten_stops: bool = False
    life_ns: int = 14 * NS_PER_DAY
    known_from_ns: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be followed.

        Raises:
            ValueError: no stage, targets out of order, or a size factor outside 0 to 1.
        """
        if not self.stages:
            raise ValueError(f"scenario {self.name}: needs at least one stage")
        if not 0.0 <= self.size_factor <= 1.0:
            raise ValueError(f"scenario {self.name}: size_factor must be 0 to 1")
        if not all(math.isfinite(price) and price > 0.0 for price in self.targets):
            raise ValueError(f"scenario {self.name}: targets must be prices above zero")
        ordered = sorted(self.targets, reverse=self.way < 0)
        if list(self.targets) != ordered:
            raise ValueError(f"scenario {self.name}: targets must be named nearest first")

    @property
    def way(self) -> int:
        """Where its targets lie: +1 up, -1 down, by the event that starts it."""
        up = (ZoneEvent.BROKEN_UP, ZoneEvent.SWEPT_BELOW_AND_HELD)
        return 1 if self.stages[-1].event in up else -1


BTC = "BTC/USDT:USDT"
FIRST_HEARD_NS = 1_769_958_000 * 1_000_000_000
"""1 February 2026, 15:00 UTC."""
SHELF_HEARD_NS = 1_770_015_600 * 1_000_000_000
"""2 February 2026, 07:00 UTC: when the last edges of the 75,000 shelf were named."""

REPORTED = (
    ScenarioSpec(
        name="reclaim-80k",
        symbol=BTC,
        says="80,000 reclaimed and held: the bear case is off",
        stages=(Watch(low=80_000.0, high=80_000.0, event=ZoneEvent.BROKEN_UP),),
        invalid=Watch(low=80_000.0, high=80_000.0, event=ZoneEvent.BROKEN_DOWN),
        targets=(83_000.0, 85_000.0),
        allowed_sides=(PositionSide.LONG,),
        known_from_ns=FIRST_HEARD_NS,
    ),
    ScenarioSpec(
        name="loss-of-76k-and-75k",
        symbol=BTC,
        says="76,000 lost, then the 75,000 shelf: forced selling",
        stages=(
            Watch(low=76_000.0, high=76_000.0, event=ZoneEvent.BROKEN_DOWN),
            Watch(low=74_800.0, high=75_200.0, event=ZoneEvent.BROKEN_DOWN),
        ),
        invalid=Watch(low=76_000.0, high=76_000.0, event=ZoneEvent.BROKEN_UP),
        targets=(72_500.0, 72_000.0, 70_000.0, 67_200.0),
        allowed_sides=(PositionSide.SHORT,),
        size_factor=0.5,
        threat_add=1,
        tighten_stops=True,
        known_from_ns=SHELF_HEARD_NS,
    ),
    ScenarioSpec(
        name="sweep-of-75k",
        symbol=BTC,
        says="74,800-75,200 swept and held: a failed breakdown, shorts may be squeezed",
        stages=(Watch(low=74_800.0, high=75_200.0, event=ZoneEvent.SWEPT_BELOW_AND_HELD),),
        invalid=Watch(low=74_800.0, high=75_200.0, event=ZoneEvent.BROKEN_DOWN),
        targets=(77_000.0, 80_000.0),
        allowed_sides=(PositionSide.LONG,),
        sides_for_ns=4 * NS_PER_H,
        known_from_ns=SHELF_HEARD_NS,
    ),
)
"""What the reports of 1 and 2 February 2026 said would decide the market."""
