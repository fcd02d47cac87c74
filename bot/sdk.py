"""The only door for strategies: everything a strategy file may import."""

from typing import Annotated, Generic, TypeVar

from msgspec import Meta
from typing_extensions import override

from bot.domain.orders import PositionSide
from bot.domain.sense import RESET, Assessment, Facts
from bot.domain.strategy import Exits, Intent, Memory, Parameters, Strategy
from bot.kernel.assess.cascade import AFTERMATH, SUBSIDING
from bot.kernel.levels.zone_machine import BREAK_HELD, SWEEP_HELD, TOUCH_HELD
from bot.kernel.strategy.setups import (
    blocked,
    edges,
    state_since_ns,
    stop_beyond,
    trend,
    wish,
    worst_of,
    zones_ahead,
)
from bot.kernel.strategy.view import NEEDS, unknown_needs
from bot.kernel.strategy.view import SeenBar as Bar
from bot.kernel.strategy.view import SeenGap as Gap
from bot.kernel.strategy.view import SeenZone as Zone
from bot.kernel.strategy.view import StrategyView as View

Atr = Annotated[float, Meta(ge=0.0, le=20.0)]
"""A number of hourly ranges."""
Bars = Annotated[int, Meta(ge=1, le=1_000)]
Hours = Annotated[float, Meta(gt=0.0, le=720.0)]
Share = Annotated[float, Meta(ge=0.0, le=1.0)]
Deviations = Annotated[float, Meta(ge=0.0, le=20.0)]
Multiple = Annotated[float, Meta(ge=0.0, le=50.0)]
"""A multiple of the risk."""
WARMUP_BARS_MAX = 144
"""The most closed bars a strategy may wait for: not many more are kept."""

Numbers = TypeVar("Numbers", bound=Parameters)


class Leaving(Parameters, frozen=True):
    """The numbers by which a trade is left besides stop and targets; 0 switches trailing off."""

    break_even_r: Multiple = 1.0
    trail_atr: Atr = 0.0
    trail_from_r: Multiple = 1.0
    life_h: Hours = 24.0

    @property
    def exits(self) -> Exits:
        """The rules they make; `wish` adds the partial targets."""
        return Exits(
            break_even_r=self.break_even_r,
            trail_atr=self.trail_atr,
            trail_from_r=self.trail_from_r,
            life_s=self.life_h * 3_600.0,
        )


class Setup(Generic[Numbers]):
    """How a strategy that takes numbers begins: `numbers` is its class of them.

    It has no memory of its own unless it says otherwise: zones, hours and senses carry theirs.
    """

    numbers: type[Numbers]

    def __init__(self, params: Numbers | None = None) -> None:
        self.params: Numbers = params if params is not None else self.numbers()

    def start(self) -> Memory:
        """Return the first memory: nothing."""
        return {}


__all__ = [
    "AFTERMATH",
    "BREAK_HELD",
    "NEEDS",
    "RESET",
    "SUBSIDING",
    "SWEEP_HELD",
    "TOUCH_HELD",
    "WARMUP_BARS_MAX",
    "Annotated",
    "Assessment",
    "Atr",
    "Bar",
    "Bars",
    "Deviations",
    "Exits",
    "Facts",
    "Gap",
    "Hours",
    "Intent",
    "Leaving",
    "Memory",
    "Meta",
    "Multiple",
    "Parameters",
    "PositionSide",
    "Setup",
    "Share",
    "Strategy",
    "View",
    "Zone",
    "blocked",
    "edges",
    "override",
    "state_since_ns",
    "stop_beyond",
    "trend",
    "unknown_needs",
    "wish",
    "worst_of",
    "zones_ahead",
]
