"""Keeps the operator's doors open: one that breaks is opened again, and nothing else ends."""

from collections.abc import Awaitable, Callable

from loguru import logger

from bot.domain.errors import BotError
from bot.domain.messages import Answer
from bot.domain.risk import Severity
from bot.domain.units import NS_PER_S
from bot.ports import Clock, Door, House

PAUSE_S = 1.0
PAUSE_MAX_S = 60.0
HEALTHY_NS = 60 * NS_PER_S

Order = Callable[[str, dict[str, str], str, str], Awaitable[Answer]]
Say = Callable[[Severity, str, str, str], None]


class Reception:
    """The house as a door sees it; implements bot.ports.House."""

    def __init__(self, order: Order, say: Say) -> None:
        self._order = order
        self._say = say

    async def order(
        self, name: str, args: dict[str, str], *, operator: str, key: str = ""
    ) -> Answer:
        """Put a command into the inbox; see House."""
        return await self._order(name, args, operator, key)

    def say(self, severity: Severity, kind: str, text: str, symbol: str = "") -> None:
        """Tell people; see House."""
        self._say(severity, kind, text, symbol)


async def keep_door(door: Door, house: House, clock: Clock) -> None:
    """Run `door` until cancelled; each end is logged, the first of a row is told to people."""
    pause_s, told = PAUSE_S, False
    while True:
        began_ns = clock.monotonic_ns()
        reason = await _run_once(door, house)
        if clock.monotonic_ns() - began_ns > HEALTHY_NS:
            pause_s, told = PAUSE_S, False
        if not told:
            text = f"{door.name} ended ({reason}); it is opened again, nothing else is touched."
            house.say(Severity.WARNING, "door", text)
            told = True
        await clock.sleep_s(pause_s)
        pause_s = min(pause_s * 2, PAUSE_MAX_S)


async def _run_once(door: Door, house: House) -> str:
    try:
        await door.run(house)
    except BotError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - logged and told; a door must not end the guard
        logger.opt(exception=error).error("door {}", door.name)
        return repr(error)[:200]
    return "ended by itself"
