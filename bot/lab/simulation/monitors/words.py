"""Invariants 8, 27 and 32: a flatten is carried out, a lost budget closes, and calm is ACTIVE."""

from typing import Final

from bot.domain.messages import Command as Word
from bot.domain.messages import Effect, Event
from bot.domain.risk import TradingMode
from bot.domain.units import NS_PER_S
from bot.lab.simulation.life import Life
from bot.lab.simulation.monitors.verdicts import Verdicts
from bot.lab.simulation.world import ACCOUNT, World

FLAT_MAX_S: Final = 60.0
FLOOR_MAX_S: Final = 20.0
FLOOR_SLACK_FRAC: Final = 0.02
CALM_MAX_S: Final = 240.0
ALL_TOLD_NS: Final = 130 * NS_PER_S
"""After this nothing that was missed before is still waited for."""
PUZZLED_MAX_S: Final = 10.0
LOOK_NS: Final = NS_PER_S


class WordMonitor:
    """Clocks that run while the venue can be reached, the daemon lives and nothing is wrong."""

    def __init__(self, world: World, verdicts: Verdicts) -> None:
        self._world = world
        self._verdicts = verdicts
        self._looked_ns = 0
        self._flatten_ns = 0
        self._busy_ns = world.now_ns
        self._spent: dict[str, int] = {}

    def happened(self, event: Event) -> None:
        """Nothing: the exchange is looked at."""

    def observe(self, event: Event, _effects: list[Effect]) -> None:
        """Take note of the operator's words."""
        if isinstance(event, Word) and event.name == "flatten" and not self._world.board.busy:
            self._flatten_ns = self._world.now_ns

    def looked(self, now_ns: int) -> None:
        """Judge once a second."""
        if now_ns - self._looked_ns < LOOK_NS:
            return
        since_ns, self._looked_ns = now_ns - self._looked_ns, now_ns
        life = self._world.hearer
        if not isinstance(life, Life) or not life.ready or not self._world.reachable(""):
            self._spent.clear()
            return
        legs = self._world.exchange.legs(ACCOUNT)
        if not legs or self._world.board.busy:
            self._flatten_ns = 0
        held = [leg for leg in legs if leg.event_ns < self._flatten_ns]
        self._clock("told to be flat and is not", 8, bool(held), since_ns, FLAT_MAX_S)
        lost = bool(legs) and self._is_lost(life)
        self._clock("the budget is lost and something is held", 8, lost, since_ns, FLOOR_MAX_S)
        state = life.kernel.state
        wanted = state.wanted_mode is TradingMode.ACTIVE and not state.latched
        idle = wanted and state.mode is not TradingMode.ACTIVE and not self._world.board.busy
        self._clock("not active though all is well", 27, idle, since_ns, CALM_MAX_S)
        if self._world.board.busy:
            self._busy_ns = now_ns
        told = now_ns - max(self._busy_ns, life.born_ns) > ALL_TOLD_NS
        puzzled = told and state.unexplained_ns > 0
        self._clock("a wallet that was told is not explained", 32, puzzled, since_ns, PUZZLED_MAX_S)

    def _is_lost(self, life: Life) -> bool:
        exchange = self._world.exchange
        equity = float(exchange.wallet_usd(ACCOUNT))
        for leg in exchange.legs(ACCOUNT):
            gain = exchange.market(leg.symbol).mark - float(leg.entry_price)
            equity += leg.side.sign * float(leg.qty) * gain
        peak = life.kernel.state.anchors.high_water_usd
        return equity < (1.0 - life.kernel.policy.guard.floor_frac - FLOOR_SLACK_FRAC) * peak

    def _clock(
        self,
        name: str,
        invariant: int,
        wrong: bool,  # noqa: FBT001 - a clock that runs while this is true
        since_ns: int,
        most_s: float,
    ) -> None:
        if not wrong:
            self._spent.pop(name, None)
            return
        spent = self._spent[name] = self._spent.get(name, 0) + since_ns
        if spent > most_s * NS_PER_S:
            text = f"{name}: for {spent / NS_PER_S:.0f} s"
            self._world.note(f"VIOLATION {invariant} {text}")
            self._verdicts.broken(invariant, self._world.lived_s, text)
