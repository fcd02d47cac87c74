"""Invariant 15: every life starts the same way, the first and the one after a kill."""

from typing import Final

from bot.domain.messages import Event
from bot.domain.orders import PositionSide
from bot.domain.units import NS_PER_S, ZERO
from bot.kernel.snapshot import leg_key
from bot.lab.simulation.life import Life
from bot.lab.simulation.monitors.verdicts import Verdicts
from bot.lab.simulation.world import ACCOUNT, World

STEPS: Final = ("load_snapshot", "live_orders", "instruments", "account")
"""What a start does in this order, whatever happened before it."""
STILL_NS: Final = 3 * NS_PER_S
LIES: Final = frozenset(("empty_account", "stale_account"))


class StartMonitor:
    """Judges each life in the instant it says that it is ready."""

    def __init__(self, world: World, verdicts: Verdicts) -> None:
        self._world = world
        self._verdicts = verdicts
        self._judged = -1
        self._lied_ns = 0

    def happened(self, event: Event) -> None:
        """Nothing: the daemon is looked at."""

    def looked(self, now_ns: int) -> None:
        """Judge a life once."""
        if self._world.board.is_any(LIES):
            self._lied_ns = now_ns
        life = self._world.hearer
        if not isinstance(life, Life) or life.number == self._judged or not life.ready:
            return
        self._judged = life.number
        self._world.mark("start_judged")
        done = [name for name in life.did if name in STEPS]
        if tuple(dict.fromkeys(done)) != STEPS:
            self._broken(f"a start went another way: {life.run_id} {', '.join(done)}")
        if now_ns - max(self._world.disturbed_ns, self._lied_ns) > STILL_NS:
            self._compare(life)

    def _compare(self, life: Life) -> None:
        """A start that is complete believes what the venue holds."""
        legs = self._world.exchange.legs(ACCOUNT)
        true = {leg_key(leg.symbol, leg.side): leg.qty for leg in legs}
        for symbol in self._world.symbols:
            for side in PositionSide:
                key = leg_key(symbol, side)
                leg = life.kernel.state.legs.get(key)
                believed = leg.qty if leg is not None else ZERO
                if believed != true.get(key, ZERO):
                    self._broken(f"ready without the account: {key} {believed}")

    def _broken(self, text: str) -> None:
        self._world.note(f"VIOLATION 15 {text}")
        self._verdicts.broken(15, self._world.lived_s, text)
