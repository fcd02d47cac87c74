"""Invariant 12: a state that is restored and given the same events becomes the same state."""

from typing import Final

from bot.domain.messages import Event
from bot.domain.units import NS_PER_S
from bot.kernel.step import Kernel
from bot.lab.simulation.life import Life
from bot.lab.simulation.monitors.verdicts import Verdicts
from bot.lab.simulation.world import World

EVERY_NS: Final = 300 * NS_PER_S
TAPE: Final = 30
"""Events of one piece: a fortieth of what happens between two."""


class ReplayMonitor:
    """Now and then keeps the state and the next events, then lives them again in a twin, twice."""

    def __init__(self, world: World, verdicts: Verdicts) -> None:
        self._world = world
        self._verdicts = verdicts
        self._life = -1
        self._due_ns = 0
        self._blob = b""
        self._tape: list[Event] = []

    def observe(self, life: Life, event: Event) -> None:
        """Take note of a step that was just made."""
        now_ns = self._world.now_ns
        if life.number != self._life:
            self._life, self._blob, self._due_ns = life.number, b"", now_ns
        if self._blob:
            self._tape.append(event)
            if len(self._tape) >= TAPE:
                self._compare(life)
                self._blob, self._due_ns = b"", now_ns + EVERY_NS
        elif now_ns >= self._due_ns and life.ready:
            self._blob, self._tape = life.kernel.freeze(), []

    def _compare(self, life: Life) -> None:
        kernel = life.kernel
        wanted = kernel.digest()
        twin = Kernel(kernel.given, kernel.strategies, life.run_id)
        for how in ("once", "twice"):
            twin.restore(self._blob)
            for event in self._tape:
                twin.step(event)
            if twin.digest() != wanted:
                text = f"a replay is another state: replayed {how}, {kernel.state.seq}"
                self._world.note(f"VIOLATION 12 {text}")
                self._verdicts.broken(12, self._world.lived_s, text)
                return
        self._world.mark("replayed")
