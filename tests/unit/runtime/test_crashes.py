"""Lives that end anywhere: killed between any two steps, restarted on the same venue and journal.

Everything is real but time, the wire, and the strategy, which enters whenever it is flat.
"""

import asyncio
import random
from decimal import Decimal

import pytest

from bot.domain.errors import OutcomeUnknown, VenueUnreachable
from bot.domain.orders import OrderSide, PositionSide, Purpose
from bot.domain.policy import LevelPolicy, Policy, RulePolicy
from bot.domain.strategy import Intent, Memory
from bot.journal.inline import InlineJournal
from bot.journal.store import open_in_memory
from bot.runtime.supervisor import run_daemon
from tests.fakes.kernel_world import BTC
from tests.fakes.ports import ETH, Small, virtually

MARKET_RULES = ("threat", "funding_cost", "daily_loss", "weekly_loss", "drawdown")
"""Off here: prices jump as never in a market, and the saga is about crashes, not about losses."""
RULES = RulePolicy(flows_stale_s=float("inf"), acts_on=dict.fromkeys(MARKET_RULES, "off"))
POLICY = Policy(levels=LevelPolicy(book=()), bar_s=10, rules=RULES)
PROTECTED_WITHIN_S = 5.0
LIVES = 12


class Eager:
    """Wishes a long after every bar; the kernel takes one when it is flat."""

    name = "eager"
    needs = ()
    warmup_bars = 1

    def start(self) -> Memory:
        return {}

    def evaluate(self, view, memory: Memory) -> tuple[Memory, tuple[Intent, ...]]:
        if view.symbol != BTC:
            return memory, ()
        wish = Intent(
            symbol=BTC, side=PositionSide.LONG, stop_price=view.close * 0.99,
            target_price=view.close * 1.03, reason="eager", signal_id=f"eager|{view.now_ns}",
        )  # fmt: skip
        return memory, (wish,)


class Saga:
    """Many lives on one exchange and one journal, with a watch that sleeps while nobody lives."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.first = Small(policy=POLICY, strategies=(Eager(),), run_id="life0000")
        self.exchange = self.first.exchange
        self.store = open_in_memory(self.first.clock)
        self.prices = self.first.prices
        self.entries: dict[str, Decimal] = {}
        self.bare_since_s: float | None = None
        self.worst_bare_s = 0.0
        self.largest = Decimal(0)
        self.sent: list[str] = []

    def life(self, number: int) -> Small:
        small = Small(
            policy=POLICY, strategies=(Eager(),), run_id=f"life{number:04d}",
            exchange=self.exchange,
        )  # fmt: skip
        small.prices = self.prices
        small.feed.trades = True
        small.memory = InlineJournal(self.store)
        for door in (small.venue, small.guard):
            door.latency_s = 0.08
        return small

    def plague(self, small: Small) -> None:
        """Lose requests and acknowledgements now and then."""
        for door in (small.venue, small.guard):
            for method in ("submit", "cancel", "account", "order"):
                roll = self.dice.random()
                if roll < 0.25:
                    door.fail(method, OutcomeUnknown("lost ack"), after=True, delay_s=1.0)
                elif roll < 0.5:
                    door.fail(method, OutcomeUnknown("lost request"), delay_s=1.0)
                elif roll < 0.6:
                    door.fail(method, VenueUnreachable("dns"), times=2)

    async def watch(self, small: Small) -> None:
        """Move the market and measure, a tenth of a second at a time, while a life lasts."""
        loop = asyncio.get_running_loop()
        self.bare_since_s = None
        while True:
            step = self.dice.gauss(0.0, 0.0005) - (0.012 if self.dice.random() < 0.004 else 0.0)
            self.prices[BTC] = max(self.prices[BTC] * (1.0 + step), 30_000.0)
            held = small.position()
            self.largest = max(self.largest, abs(held))
            covered = sum((s.remaining_qty for s in small.stops()), Decimal(0))
            if abs(held) > covered:
                if self.bare_since_s is None:
                    self.bare_since_s = loop.time()
                self.worst_bare_s = max(self.worst_bare_s, loop.time() - self.bare_since_s)
            else:
                self.bare_since_s = None
            await asyncio.sleep(0.1)

    async def live(self, small: Small, seconds: float) -> None:
        """Live for so long, then be killed: nothing is told, nothing is tidied."""
        async with asyncio.TaskGroup() as group:
            daemon = group.create_task(run_daemon(small.parts()))
            watching = group.create_task(self.watch(small))
            await asyncio.sleep(seconds)
            assert not daemon.done()
            daemon.cancel()
            watching.cancel()
        for door in (small.venue, small.guard):
            for order in door.of("submit"):
                if order.purpose is Purpose.ENTRY:
                    self.sent.append(order.client_order_id)
                    self.entries[order.client_order_id] = order.qty

    async def run(self) -> Small:
        for number in range(LIVES):
            small = self.life(number)
            self.plague(small)
            if self.dice.random() < 0.2:
                small.by_hand(ETH, OrderSide.SELL, "0.5")
            await self.live(small, self.dice.uniform(0.2, 25.0))
            await asyncio.sleep(self.dice.uniform(0.0, 3.0))
            small.tick()
        last = self.life(LIVES)
        last.kernel.strategies = ()
        await self.live(last, 90.0)
        return last


@pytest.mark.parametrize("seed", range(12))
def test_nothing_is_lost_doubled_or_left_bare(seed: int) -> None:
    saga = Saga(seed)
    last = virtually(saga.run())
    assert len(set(saga.sent)) == len(saga.sent), "an id was sent twice"
    assert saga.entries, "the saga never traded: it proves nothing"
    assert saga.largest <= max(saga.entries.values()), "entries were stacked"
    assert saga.worst_bare_s <= PROTECTED_WITHIN_S
    for symbol in (BTC, ETH):
        held = last.position(symbol)
        believed = sum(
            (leg.qty * leg.side.sign for leg in last.kernel.state.legs.values()
             if leg.symbol == symbol), Decimal(0),
        )  # fmt: skip
        assert believed == held
        open_orders = [
            *last.exchange.open_orders("main", symbol, conditional=True),
            *last.exchange.open_orders("main", symbol, conditional=False),
        ]
        if held == 0:
            assert open_orders == [], "an orphan order is left"
    unknown = [
        o for o in last.kernel.state.orders.values() if o.status.value in ("PENDING", "UNKNOWN")
    ]
    assert unknown == []
