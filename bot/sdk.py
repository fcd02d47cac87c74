"""The only door for strategies: everything a strategy file may import."""

from typing import Annotated

from msgspec import Meta

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
    "Memory",
    "Meta",
    "Multiple",
    "Parameters",
    "PositionSide",
    "Share",
    "Strategy",
    "View",
    "Zone",
    "blocked",
    "edges",
    "state_since_ns",
    "stop_beyond",
    "trend",
    "unknown_needs",
    "wish",
    "worst_of",
    "zones_ahead",
]
