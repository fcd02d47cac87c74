"""One seed from the first start to the last hour."""

from typing import Final

from bot.domain.policy import (
    LevelPolicy,
    LimitPolicy,
    Policy,
    RulePolicy,
    SizingPolicy,
    StrategyPolicy,
)
from bot.domain.units import NS_PER_H, NS_PER_S
from bot.journal.store import Store, open_in_memory
from bot.lab.simulation.feed_port import SimFeed
from bot.lab.simulation.life import Life, SimClock, WatchedKernel
from bot.lab.simulation.memory_port import SimMemory
from bot.lab.simulation.timeline import START_NS
from bot.lab.simulation.trader import Trader
from bot.lab.simulation.venue_port import SimVenue
from bot.lab.simulation.world import World
from bot.runtime.parts import DaemonParts, Options

MARKET_RULES: Final = ("threat", "funding_cost", "daily_loss", "weekly_loss", "oi_froth")
"""Off: prices jump as never in a market, and a day of losses must not end the trading."""
BAR_S: Final = 60


def policy_of(world: World) -> Policy:
    """Return the policy the simulated owner chose."""
    return Policy(
        rules=RulePolicy(acts_on=dict.fromkeys(MARKET_RULES, "off")),
        sizing=SizingPolicy(),
        limits=LimitPolicy(symbols=world.symbols),
        levels=LevelPolicy(book=()),
        strategies=StrategyPolicy(enabled=("trader",)),
        scenarios=(),
        venue="embedded",
        bar_s=BAR_S,
    )


OPTIONS: Final = Options(
    scheduler=False, signals=False, history_s=2 * 86_400, snapshot_s=60.0, lag_s=1.0
)


class Run:
    """The lives of one seed in one world."""

    def __init__(self, seed: int, hours: float) -> None:
        self.world = World(seed)
        self.end_ns = START_NS + round(hours * NS_PER_H)
        self.store: Store = open_in_memory(SimClock(self.world))
        self.lives = 0
        self.life: Life | None = None

    def go(self) -> None:
        """Live until the hours are over."""
        self.world.begin()
        self.world.timeline.at(self.end_ns, self._over)
        while self.world.now_ns < self.end_ns:
            self._live()
            self.world.timeline.pass_until(
                min(self.world.now_ns + NS_PER_S, self.end_ns)
            )

    def _over(self) -> None:
        if self.life is not None:
            self.life.kill("the end")

    def _live(self) -> None:
        life = self.life = Life(self.world, self.lives)
        self.lives += 1
        clock = SimClock(self.world)
        kernel = WatchedKernel(policy_of(self.world), (Trader(self.world.seed),), life.run_id)
        life.live(
            DaemonParts(
                kernel=kernel,
                venue=SimVenue(life, "venue", clock),
                guard=SimVenue(life, "guard", clock),
                feeds=(SimFeed(life, "user"), SimFeed(life, "market")),
                memory=SimMemory(life, self.store),
                clock=clock,
                symbols=self.world.symbols,
                notify=lambda notice: None,
                ask=lambda name, args: {"name": name, **args},
                run_id=life.run_id,
                options=OPTIONS,
            )
        )
