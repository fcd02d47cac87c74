"""The only door for strategies: everything a strategy file may import."""

from bot.domain.orders import PositionSide
from bot.domain.strategy import Intent, Memory, Strategy
from bot.kernel.snapshot import Zone
from bot.kernel.view import StrategyView as View

__all__ = ["Intent", "Memory", "PositionSide", "Strategy", "View", "Zone"]
