"""One seed from the first start to the last hour."""

import asyncio
import gc
from collections.abc import Sequence
from functools import partial
from typing import Final

from bot.domain.messages import Effect, Event, Notify
from bot.domain.policy import (
    GuardPolicy,
    LevelPolicy,
    LimitPolicy,
    Policy,
    RulePolicy,
    SizingPolicy,
    StrategyPolicy,
)
from bot.domain.units import NS_PER_H, NS_PER_S
from bot.journal.store import Store, link_in_memory
from bot.kernel.command import rearm_code
from bot.kernel.rules import NAMES
from bot.lab.simulation.deeds import DEEDS, close_window, open_window
from bot.lab.simulation.faults import Fault, instant_ns
from bot.lab.simulation.feed_port import SimFeed
from bot.lab.simulation.life import Life, SimClock, WatchedKernel
from bot.lab.simulation.memory_port import SimDisk, SimMemory
from bot.lab.simulation.monitors.again import AgainMonitor
from bot.lab.simulation.monitors.belief import SAYS_NOTHING, BeliefMonitor
from bot.lab.simulation.monitors.cover import CoverMonitor
from bot.lab.simulation.monitors.ends import EndMonitor
from bot.lab.simulation.monitors.heard import HeardMonitor
from bot.lab.simulation.monitors.outside import OutsideMonitor
from bot.lab.simulation.monitors.replay import ReplayMonitor
from bot.lab.simulation.monitors.sends import SendMonitor
from bot.lab.simulation.monitors.shell import ShellMonitor
from bot.lab.simulation.monitors.starts import StartMonitor
from bot.lab.simulation.monitors.truth import TruthMonitor
from bot.lab.simulation.monitors.verdicts import Verdicts
from bot.lab.simulation.monitors.words import WordMonitor
from bot.lab.simulation.timeline import START_NS
from bot.lab.simulation.trader import Trader
from bot.lab.simulation.venue_port import SimVenue
from bot.lab.simulation.wire import Call
from bot.lab.simulation.world import World
from bot.runtime.parts import DaemonParts, Options
from bot.venue.breaker import Breaker

MARKET_RULES: Final = ("threat", "funding_cost", "daily_loss", "weekly_loss", "oi_froth")
"""Off: prices jump as never in a market, and a day of losses must not end the trading."""
BAR_S: Final = 60
OPTIONS: Final = Options(
    scheduler=False, signals=False, history_s=2 * 86_400, snapshot_s=60.0, lag_s=1.0
)


OPENED: Final = frozenset(
    ("user_down", "user_silent", "market_down", "market_silent", "stuck_triggering")
)
"""Kinds of windows that strike by being there; the others are counted at each thing they hit."""
SETTINGS: Final = ("eager", "capped", "unruled")
"""Kinds that say what the owner chose; they hold from the first start to the end."""


def policy_of(world: World, faults: Sequence[Fault]) -> Policy:
    """Return the policy the simulated owner chose.

    "capped": no symbol may come to more than `size` USD, and what was cut is bought back soon.
    "unruled": no rule acts at all, so that the gate stands alone.
    """
    chosen = {fault.kind for fault in faults}
    off = NAMES if "unruled" in chosen else MARKET_RULES
    cap_usd = next((fault.size for fault in faults if fault.kind == "capped"), 0.0)
    guard, limits = GuardPolicy(), LimitPolicy(symbols=world.symbols)
    if cap_usd:
        guard = GuardPolicy(relever_wait_ns=60 * NS_PER_S)
        limits = LimitPolicy(symbols=world.symbols, notional_cap_default_usd=cap_usd)
    return Policy(
        guard=guard,
        rules=RulePolicy(acts_on=dict.fromkeys(off, "off"), daily_loss_halt_frac=1.0),
        sizing=SizingPolicy(
            entry_slip_bps=1.0,
            stop_slip_bps=3.0,
            threat_risk_factors=(1.0,) * 5,
            threat_heat_factors=(1.0,) * 5,
            threat_leverage=(3.0,) * 5,
        ),
        limits=limits,
        levels=LevelPolicy(book=()),
        strategies=StrategyPolicy(enabled=("trader",)),
        scenarios=(),
        venue="embedded",
        bar_s=BAR_S,
    )


class Run:
    """The lives of one seed in one world, under a list of faults."""

    def __init__(
        self, seed: int, hours: float, faults: Sequence[Fault], *, to_first: bool = False
    ) -> None:
        self.world = World(seed)
        self.hours = hours
        self.faults = tuple(faults)
        self._eager = any(fault.kind == "eager" for fault in faults)
        self.end_ns = START_NS + round(hours * NS_PER_H)
        link = link_in_memory()
        self.disk = SimDisk(link)
        self.store = Store(link, SimClock(self.world))
        self.verdicts = Verdicts()
        if to_first:
            self.verdicts.on_first = self._end_now
        self.sends = SendMonitor(self.world, self.verdicts)
        self.cover = CoverMonitor(self.world, self.verdicts)
        self.again = AgainMonitor(self.world, self.verdicts, self.cover)
        self.shell = ShellMonitor(self.world, self.verdicts)
        self.belief = BeliefMonitor(self.world, self.verdicts, self.sends)
        self.replay = ReplayMonitor(self.world, self.verdicts)
        self.outside = OutsideMonitor(self.world, self.verdicts)
        self.words = WordMonitor(self.world, self.verdicts)
        self.heard = HeardMonitor(self.world, self.verdicts)
        self.world.watchers += [
            self.cover,
            self.sends,
            StartMonitor(self.world, self.verdicts),
            EndMonitor(self.world, self.verdicts, self.store),
            self.outside,
            self.words,
            TruthMonitor(self.world, self.verdicts, self.store),
        ]
        self.world.cancels = self.sends.cancels
        self.world.refusals = self.again.refused
        self.life: Life | None = None
        self.lives = self.kills = self.commands = 0
        self.down_s = 1.0
        self.asked_ns = 0

    def go(self) -> None:
        """Live until the hours are over."""
        world = self.world
        world.begin()
        for fault in self.faults:
            world.timeline.at(instant_ns(fault.at_s), partial(self._befall, fault))
        world.timeline.at(self.end_ns, self._over)
        while world.now_ns < self.end_ns:
            self._live()
            gc.collect()
            away_ns = round(self.down_s * NS_PER_S)
            world.timeline.pass_until(min(world.now_ns + away_ns, self.end_ns))
        self.store.close()

    # ------------------------------------------------------------------ faults

    def _befall(self, fault: Fault) -> None:
        if fault.kind in SETTINGS:
            return
        if fault.kind == "rearm":
            self._rearm(fault)
            return
        if fault.for_s > 0.0:
            open_window(self, fault)
            if fault.kind in OPENED:
                self.world.board.count(fault.kind)
            end_ns = instant_ns(fault.at_s + fault.for_s)
            self.world.timeline.at(end_ns, partial(close_window, self, fault))
            if fault.kind in ("outage", "ban"):
                return
        found = DEEDS.get(fault.kind)
        if found is not None:
            self.world.board.count(fault.kind)
            found(self, fault)

    def _rearm(self, fault: Fault) -> None:
        """Let the operator open a latch, and resume after a pause."""
        if self.life is None or self.life.dead or not self.life.ready:
            return
        latched = self.life.kernel.state.latched
        word = Fault(kind="command", at_s=fault.at_s, how="rearm" if latched else "resume")
        DEEDS["command"](self, word)

    def rearm_code(self) -> str:
        """Return the code the operator reads in the answer to a first attempt."""
        return rearm_code(self.life.kernel.desk) if self.life is not None else ""

    def give_up(self, life: Life) -> None:
        """Kill what does not end in order."""
        life.kill("it did not end in order")

    def _end_now(self) -> None:
        self.end_ns = self.world.now_ns
        self._over()

    def _over(self) -> None:
        if self.life is not None:
            self.life.kill("the end")

    # ------------------------------------------------------------------ lives

    def _live(self) -> None:
        world = self.world
        life = self.life = Life(world, self.lives)
        self.lives += 1
        self.asked_ns = 0
        clock = SimClock(world)
        kernel = WatchedKernel(
            policy_of(world, self.faults), (Trader(world.seed, eager=self._eager),), life.run_id
        )
        kernel.life, kernel.observe = life, self._stepped
        life.on_send, life.on_look = self._sent, self.shell.looks
        breaker = Breaker(clock)
        life.live(
            DaemonParts(
                kernel=kernel,
                venue=SimVenue(life, "venue", clock, breaker),
                guard=SimVenue(life, "guard", clock, breaker),
                feeds=tuple(SimFeed(life, name) for name in ("user", "market", "operator")),
                memory=SimMemory(life, self.store, self.disk),
                clock=clock,
                symbols=world.symbols,
                notify=self._tell,
                ask=lambda name, args: {"name": name, **args},
                run_id=life.run_id,
                options=OPTIONS,
            )
        )
        if life.code is None and world.now_ns < self.end_ns:
            self.kills += 1
        self.shell.ended(life, asked_ns=self.asked_ns)

    def _stepped(self, life: Life, event: Event, effects: list[Effect]) -> None:
        self.belief.observe(life, event, effects)
        self.replay.observe(life, event)
        self.outside.observe(life)
        if not isinstance(event, SAYS_NOTHING):
            self.words.observe(event, effects)
            self.heard.observe(life, event)

    def _sent(self, life: Life, _door: str, call: Call) -> None:
        self.shell.sends(life, call)
        self.sends.sends(life, call)
        self.again.sends(life, call)

    async def _tell(self, _notice: Notify) -> None:
        """Be a messenger: sometimes it hangs, sometimes it says no."""
        board = self.world.board
        if board.hit("telegram_hangs") is not None:
            await asyncio.sleep(30.0)
        if board.hit("telegram_refuses") is not None:
            raise OSError("retry after 1386 s")
