"""Signals but no trades: strategies wish, and nothing comes of it for hours."""

from collections.abc import Callable, Sequence

import msgspec

from bot.domain.risk import Severity
from bot.domain.units import NS_PER_H
from bot.ports import Clock, House

LOOK_S = 60.0


class Wishes(msgspec.Struct, frozen=True, kw_only=True):
    """What strategies wished and got, as the kernel remembers it; instants in ns."""

    now_ns: int
    signals_ns: Sequence[int]
    traded_ns: int
    """When something was last opened; 0: never."""
    paused: bool
    """Whether new risk is off by the operator's word: then nothing can come of a wish."""
    refusals: str
    """What they were refused for, most often first."""


def words(wishes: Wishes, hours: float) -> str:
    """Return what to tell when nothing came of signals for `hours`; "" otherwise."""
    unheard = sorted(ns for ns in wishes.signals_ns if ns > wishes.traded_ns)
    if wishes.paused or not unheard or wishes.now_ns - unheard[0] < hours * NS_PER_H:
        return ""
    waited_h = (wishes.now_ns - unheard[0]) / NS_PER_H
    return (
        f"{len(unheard)} signals and no trade for {waited_h:.1f} h. "
        f"Refused for: {wishes.refusals or 'nothing that is known'}. Next: /why and /doctor."
    )


class Drought:
    """Looks once a minute and tells once per `hours`. A Door."""

    name = "drought"

    def __init__(self, look: Callable[[], Wishes], hours: float, clock: Clock) -> None:
        self._look = look
        self._hours = hours
        self._clock = clock
        self._told_ns = 0

    async def run(self, house: House) -> None:
        """Look until cancelled."""
        while True:
            wishes = self._look()
            text = words(wishes, self._hours)
            due = wishes.now_ns - self._told_ns >= self._hours * NS_PER_H or not self._told_ns
            if text and due:
                self._told_ns = wishes.now_ns
                house.say(Severity.WARNING, "no_trades", text)
            await self._clock.sleep_s(LOOK_S)
