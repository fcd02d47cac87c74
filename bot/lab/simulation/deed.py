"""The registry of deeds: faults that happen in an instant, each a function of its own name."""

from collections.abc import Callable
from typing import Final, Protocol

from bot.lab.simulation.faults import Fault
from bot.lab.simulation.life import Life
from bot.lab.simulation.world import ACCOUNT, World
from bot.simulator.accounts import Leg


class Host(Protocol):
    """The run as deeds see it."""

    world: World
    life: Life | None
    commands: int
    down_s: float
    asked_ns: int

    def rearm_code(self) -> str:
        """Return what the operator must repeat to open a latch."""
        ...

    def give_up(self, life: Life) -> None:
        """Kill what does not end in order."""
        ...


Deed = Callable[[Host, Fault], None]
DEEDS: Final[dict[str, Deed]] = {}


def deed(function: Deed) -> Deed:
    """Make a function the deed of its name."""
    DEEDS[function.__name__] = function
    return function


def leg_of(world: World, fault: Fault) -> Leg | None:
    """Return the held leg a fault is about: of its symbol, else any."""
    legs = world.exchange.legs(ACCOUNT)
    of_symbol = [leg for leg in legs if leg.symbol == fault.symbol]
    found = of_symbol or legs
    return found[0] if found else None
