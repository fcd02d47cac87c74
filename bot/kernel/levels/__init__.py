"""Where price matters: levels from generators, merged to zones, each with its own life.

Told a closed bar: `fold` it, `follow` it, and `refresh` when it closed an hour or more.
"""

from bot.kernel.levels.book import anchor, follow, levels_of, refresh, worn_strength
from bot.kernel.levels.history import fold
from bot.kernel.levels.scene import Scene
from bot.kernel.levels.state import Level, LevelBook, LevelZone
from bot.kernel.levels.zone_machine import advance, tolerances

__all__ = [
    "Level",
    "LevelBook",
    "LevelZone",
    "Scene",
    "advance",
    "anchor",
    "fold",
    "follow",
    "levels_of",
    "refresh",
    "tolerances",
    "worn_strength",
]
