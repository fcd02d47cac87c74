"""The real kernel against the real exchange over a faulty wire, driven by hypothesis.

The run is the same each time; `BREAKWATER_MACHINE=long` draws afresh, longer, for hand runs.
"""

import os
from decimal import Decimal

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from bot.domain.account import MarginMode
from bot.domain.orders import OrderSide, OrderState, OrderStatus, PositionSide, Purpose
from bot.domain.policy import LimitPolicy, Policy
from bot.domain.risk import TradingMode
from bot.domain.units import NS_PER_S, ZERO
from bot.kernel import allowance
from bot.kernel.command import rearm_code
from bot.kernel.snapshot import leg_key
from bot.kernel.sweep import ABSENT_NS
from bot.kernel.view import held
from tests.fakes.market_world import (
    BTC,
    ETH,
    FIRST_PRICE,
    ORDER_FAULTS,
    ORDER_OF_NEWS,
    REFUSALS,
    SYMBOLS,
    EveryBar,
    MarketWorld,
)  # fmt: skip

LONG_RUN = os.environ.get("BREAKWATER_MACHINE") == "long"
SETTLE_S = 14
"""Reducing orders are given up as lost after 5 s, a leg is gone after two readings."""
STOPS_MAX = 4
ORDERS_MAX = 80
"""In one settling; isolated legs re-price their stop with each margin that is given back."""
FUNDING_FRAC = 5e-4
"""Parts of one funding settlement are told one by one; equity may look this much larger between."""
POLICY = Policy(limits=LimitPolicy(symbols=SYMBOLS), bars_from="candles")
SYMBOL = st.sampled_from(SYMBOLS)
SIDE = st.sampled_from(list(OrderSide))
MODE = st.sampled_from(list(MarginMode))
TIMES = st.sampled_from([0.2, 1.0, 3.0])


class KernelInTheWorld(RuleBasedStateMachine):
    """Rules are what a market, a wire, a venue and a human do; the checks come when all settles."""

    world: MarketWorld
    gapped = False
    """Whether a budget may be missed: the price jumped, or protection was held up on purpose."""
    misled = False
    """Whether the kernel could not know the truth of its equity for a while."""

    @initialize(hedge=st.booleans(), btc=MODE, eth=MODE, leverage=st.sampled_from([3, 10, 20]),
                trades=st.booleans())  # fmt: skip
    def open_account(
        self, hedge: bool, btc: MarginMode, eth: MarginMode, leverage: int, trades: bool
    ) -> None:
        self.world = MarketWorld(
            POLICY, hedge=hedge, modes=(btc, eth), leverage=leverage,
            strategies=[EveryBar()] if trades else [],
        )  # fmt: skip

    # -------------------------------------------------------------- the market

    @rule(symbol=SYMBOL, per_mille=st.integers(-25, 25))
    def walk(self, symbol: str, per_mille: int) -> None:
        self.world.move(symbol, self.world.price[symbol] * (1.0 + per_mille / 1_000), gap=False)

    @rule(symbol=SYMBOL, percent=st.integers(-30, 30))
    def gap(self, symbol: str, percent: int) -> None:
        self.gapped = True
        low, high = 0.2 * FIRST_PRICE[symbol], 5.0 * FIRST_PRICE[symbol]
        price = self.world.price[symbol] * (1.0 + percent / 100)
        self.world.move(symbol, min(max(price, low), high), gap=True)

    @rule(symbol=SYMBOL, span=st.sampled_from([0.0, 0.001, 0.01]))
    def close_bar(self, symbol: str, span: float) -> None:
        self.world.bar(symbol, span)

    @rule(seconds=TIMES)
    def wait(self, seconds: float) -> None:
        self.world.pass_time(seconds)

    @rule(hours=st.sampled_from([0.1, 1.0, 9.0]))
    def sleep(self, hours: float) -> None:
        self.world.sleep(hours * 3_600)

    # -------------------------------------------------------------- the human

    @rule(symbol=SYMBOL, side=SIDE, percent=st.integers(5, 400))
    def open_by_hand(self, symbol: str, side: OrderSide, percent: int) -> None:
        leg = PositionSide.LONG if side is OrderSide.BUY else PositionSide.SHORT
        usd = max(self.world.true_equity(), 0.0) * percent / 100
        qty = Decimal(round(usd / self.world.price[symbol], 3)).quantize(Decimal("0.001"))
        if qty > ZERO:
            self.world.hand(symbol, side, qty, leg)

    @rule(symbol=SYMBOL, part=st.sampled_from([1, 2, 4, -2]))
    def close_by_hand(self, symbol: str, part: int) -> None:
        """Close a part; -2 flips (in one-way mode) to the other side."""
        for p in self.world.venue.account_now().positions:
            if p.symbol != symbol:
                continue
            qty = p.qty * 2 if part < 0 else (p.qty / part).quantize(Decimal("0.001"))
            if part < 0 and self.world.hedge:
                qty = p.qty
            self.world.hand(symbol, p.side.exit, max(qty, Decimal("0.001")), p.side)
            return

    @rule(symbol=SYMBOL, part=st.sampled_from([1, 2, -2]))
    def close_unseen(self, symbol: str, part: int) -> None:
        """Close by hand while the account stream is silent: only readings can tell."""
        self.stream("user", live=False)
        self.close_by_hand(symbol, part)

    @rule(percent=st.sampled_from([-50, -20, 20, 100]))
    def transfer(self, percent: int) -> None:
        self.world.pay(Decimal(round(max(self.world.true_equity(), 0.0) * percent / 100)))

    @rule(name=st.sampled_from(["pause", "resume", "flatten", "rearm"]))
    def command(self, name: str) -> None:
        state = self.world.kernel.state
        args = {"code": rearm_code(self.world.kernel.desk)} if name == "rearm" else {}
        was_latched = state.latched
        self.world.command(name, **args)
        if was_latched and not state.latched:
            self.world.peak_usd = state.anchors.high_water_usd

    @rule(fraction=st.sampled_from(["0.1", "0.5", "1"]), symbol=st.sampled_from(["", BTC, ETH]))
    def reduce(self, fraction: str, symbol: str) -> None:
        self.world.command("reduce", fraction=fraction, symbol=symbol)

    # -------------------------------------------------------------- the wire and the venue

    @rule(fault=st.sampled_from(ORDER_FAULTS), code=st.sampled_from(REFUSALS),
          count=st.integers(1, 3))  # fmt: skip
    def spoil_orders(self, fault: str, code: str, count: int) -> None:
        self.gapped = True
        self.world.order_faults.extend([(fault, code)] * count)

    @rule(fault=st.sampled_from(["lost request", "lost ack"]), count=st.integers(1, 3))
    def spoil_cancels(self, fault: str, count: int) -> None:
        self.world.cancel_faults.extend([fault] * count)

    @rule(fault=st.sampled_from(["failed", "stale"]), count=st.integers(1, 3))
    def spoil_readings(self, fault: str, count: int) -> None:
        self.world.reading_faults.extend([fault] * count)

    @rule(count=st.integers(1, 3))
    def spoil_questions(self, count: int) -> None:
        self.world.question_faults.extend(["silent"] * count)

    @rule(news=st.sampled_from(sorted(ORDER_OF_NEWS)), copies=st.sampled_from([1, 1, 2]))
    def shuffle_news(self, news: str, copies: int) -> None:
        if news in ("wallet", "position"):
            self.misled = True  # fills of two legs in one instant cannot be told apart then
        self.world.news, self.world.copies = news, copies

    @rule(delay_ms=st.sampled_from([0, 0, 700, 4_000]))
    def delay_news(self, delay_ms: int) -> None:
        if delay_ms:
            self.misled = self.gapped = True
        self.world.delay_ms = delay_ms

    @rule(stream=st.sampled_from(["user", "market"]), live=st.booleans())
    def stream(self, stream: str, live: bool) -> None:
        self.misled = self.gapped = True
        self.world.feed(stream, live=live)

    @rule(pick=st.integers(0, 5))
    def our_order_is_cancelled(self, pick: int) -> None:
        ours = our_orders(self.world)
        if ours:
            self.gapped = True
            self.world.cancel_behind_our_back(ours[pick % len(ours)])

    @rule(pick=st.integers(0, 3))
    def deleverage(self, pick: int) -> None:
        """Let the venue take a part of a position away (ADL)."""
        positions = self.world.venue.account_now().positions
        if positions:
            self.gapped = True
            self.world.deleverage(positions[pick % len(positions)])

    @rule(symbol=SYMBOL)
    def stops_hang(self, symbol: str) -> None:
        """Let what triggers from now on hang without an order of its own."""
        self.gapped = True
        self.world.exchange.stick_triggering(symbol, True)

    # -------------------------------------------------------------- the process

    @rule()
    def save(self) -> None:
        self.world.save()

    @rule(crash=st.booleans())
    def restart(self, crash: bool) -> None:
        self.misled = self.gapped = True
        self.world.restart(crash=crash)

    @rule()
    def freeze_and_thaw(self) -> None:
        self.world.thaw()

    # -------------------------------------------------------------- when all has settled

    @rule()
    def settle(self) -> None:
        world = self.world
        world.order_faults.clear()
        world.cancel_faults.clear()
        world.reading_faults.clear()
        world.question_faults.clear()
        world.news, world.copies, world.delay_ms = "plain", 1, 0
        for symbol in SYMBOLS:
            world.exchange.stick_triggering(symbol, False)
        if world.deaf:
            world.feed("user", live=True)
        world.feed("market", live=True)
        world.pass_time(SETTLE_S)
        self.check_orders_are_few(SETTLE_S)
        before = len(world.sent)
        world.pass_time(5)
        assert len(world.sent) == before, [o for _, o in world.sent[before:]]
        self.check_belief()
        self.check_stops()
        self.check_latch()
        self.check_money()

    @precondition(lambda self: not self.world.kernel.state.latched)
    @rule()
    def settle_after_bars(self) -> None:
        self.settle()
        for _ in range(2):
            self.world.sleep(61)
            for symbol in SYMBOLS:
                self.world.bar(symbol, 0.0)
            self.world.pass_time(SETTLE_S)
        self.settle()
        self.check_exposure()

    def check_orders_are_few(self, seconds: float) -> None:
        world = self.world
        recent = [o for ns, o in world.sent if world.now_ns - ns <= seconds * 10**9]
        assert len(recent) <= ORDERS_MAX, [
            (o.symbol, o.purpose, o.qty, o.trigger_price) for o in recent
        ]

    def check_belief(self) -> None:
        world, state = self.world, self.world.kernel.state
        account = world.venue.account_now()
        there = {leg_key(p.symbol, p.side): (p.qty, p.entry_price) for p in account.positions}
        here = {k: (x.qty, x.entry_price) for k, x in state.legs.items() if x.qty > ZERO}
        assert here == there
        assert state.wallet_usd == account.wallet_usd
        live = {k for k, o in state.orders.items() if o.ours and o.status.is_live}
        unsure = {k for k, o in state.orders.items() if o.purpose is Purpose.ENTRY}
        assert live - unsure == {o.client_order_id for o in our_orders(world)} - unsure

    def check_stops(self) -> None:
        world = self.world
        ours = our_orders(world)
        for p in world.venue.account_now().positions:
            stops = [
                o for o in ours
                if o.kind.value == "STOP_MARKET"
                and o.status is OrderStatus.WORKING and o.symbol == p.symbol
                and o.side is p.side.exit and o.position_side in (None, p.side)
            ]  # fmt: skip
            assert len(stops) <= STOPS_MAX, stops
            assert sum(o.qty for o in stops) >= p.qty, (p, stops)
            for stop in stops:
                assert stop.reduce_only or world.hedge
                assert stop.trigger_price is not None
                distance = p.side.sign * (world.price[p.symbol] - float(stop.trigger_price))
                assert distance > 0.0
        if self.orphans():
            # a stop of a leg that readings merely lack is kept for a while
            world.pass_time(ABSENT_NS // NS_PER_S + 5)
        assert not self.orphans()

    def orphans(self) -> list[OrderState]:
        held = {p.symbol for p in self.world.venue.account_now().positions}
        ours = our_orders(self.world)
        return [o for o in ours if o.kind.is_conditional and o.symbol not in held]

    def check_latch(self) -> None:
        world, state = self.world, self.world.kernel.state
        assert not world.wrong, world.wrong
        if state.latched:
            assert state.mode is TradingMode.HALTED
            assert not world.venue.account_now().positions
        elif not world.venue.account_now().positions and state.anchors.high_water_usd > 0.0:
            lost = 1.0 - world.true_equity() / state.anchors.high_water_usd
            assert lost < POLICY.guard.floor_frac + 0.002 or state.unexplained_ns

    def check_money(self) -> None:
        world, state = self.world, self.world.kernel.state
        equity = world.true_equity()
        peak = state.anchors.high_water_usd
        if not self.misled:
            assert peak <= world.peak_usd * (1.0 + FUNDING_FRAC) + 0.01, (peak, world.peak_usd)
        if not self.gapped and world.peak_usd > 0.0:
            lost = 1.0 - equity / world.peak_usd
            assert lost <= POLICY.guard.loss_budget_frac + 0.005, lost

    def check_exposure(self) -> None:
        state = self.world.kernel.state
        views = held(state, POLICY)
        at_risk = sum(v.qty * v.mark * v.sigma for v in views)
        band = sum((allowance.dead_band_qty(v) + 0.001) * v.mark * v.sigma for v in views)
        allowed = POLICY.guard.sigma_target * max(self.world.true_equity(), 0.0)
        assert at_risk <= allowed * 1.01 + band, (at_risk, allowed, band)

    def teardown(self) -> None:
        if hasattr(self, "world"):
            assert self.world.told.hexdigest() == self.world.replayed()


def our_orders(world: MarketWorld) -> list[OrderState]:
    """Return the orders of ours that are live at the exchange."""
    return [o for o in world.venue.account_now().orders if o.client_order_id.startswith("bw")]


TestKernelInTheWorld = KernelInTheWorld.TestCase
TestKernelInTheWorld.settings = settings(
    max_examples=3_000 if LONG_RUN else 250,
    stateful_step_count=60 if LONG_RUN else 30,
    derandomize=not LONG_RUN,
    deadline=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
