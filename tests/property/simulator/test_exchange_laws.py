"""Laws of the exchange that hold for every sequence of orders and prices."""

from collections import defaultdict
from contextlib import suppress
from decimal import Decimal
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain.account import MarginMode
from bot.domain.messages import Fill
from bot.domain.orders import (
    OrderKind,
    OrderSide,
    PositionSide,
    TimeInForce,
    TriggerBy,
)
from bot.simulator.contracts import CONTRACTS
from bot.simulator.exchange import (
    BarModel,
    DepthModel,
    Exchange,
    ExchangeRefused,
    MarketTick,
    OrderRequest,
)

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
NS = 1_769_904_000_000_000_000
ME = "me"
SYMBOLS = {BTC: (80_000.0, "0.001"), ETH: (2_500.0, "0.01")}


def story(seed: int, length: int) -> list[tuple]:
    """Return `length` steps: mostly prices and orders, so that much happens in few steps."""
    dice = Random(seed)
    sides = dice.choices(list(OrderSide), k=2)
    return [_step(dice, [*sides, *sides, *OrderSide]) for _ in range(length)]


def _step(dice: Random, sides: list[OrderSide]) -> tuple:
    symbol = dice.choice(sorted(SYMBOLS))
    what = dice.choices(
        ["move", "order", "cancel", "margin", "pass", "money"], [45, 42, 3, 3, 3, 4]
    )[0]
    if what == "move":
        wild = 0.25 if dice.random() < 0.12 else 0.02
        change = max(-0.6, dice.gauss(0.0, wild))
        gap, fast = dice.random() < 0.3, dice.random() < 0.3
        return what, symbol, change, dice.gauss(0.0, 0.001), gap, fast
    if what == "order":
        side, kind = dice.choice(sides), dice.choice(list(OrderKind))
        lots = int(10 ** dice.uniform(1.0, 3.2))
        life = dice.choice(list(TimeInForce))
        return what, symbol, side, kind, lots, dice.gauss(0.0, 0.01), life, dice.random() < 0.4
    if what == "cancel":
        return what, symbol, dice.random() < 0.5
    if what == "margin":
        return what, symbol, dice.randint(-500, 900)
    return (what, dice.randint(1, 10)) if what == "pass" else (what, dice.randint(-9_000, 3_000))


steps = st.builds(story, st.integers(0, 2**48), st.integers(30, 90))
worlds = st.tuples(
    st.sampled_from([MarginMode.CROSS, MarginMode.ISOLATED]),
    st.sampled_from([2, 5, 10, 20]),
    st.booleans(),
    st.sampled_from(["depth", "touch", "gap", "low"]),
    st.integers(0, 2**31),
)
quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Play:
    """Drives an exchange through drawn steps; refusals are part of the game."""

    def __init__(self, world: tuple) -> None:
        self.world = world
        mode, leverage, hedge, _, _ = world
        self.exchange = Exchange(CONTRACTS, fill_model=self.model())
        self.exchange.open_account(ME, Decimal(10_000), hedge_mode=hedge)
        self.hedge = hedge
        self.now = NS
        self.count = 0
        self.prices = {symbol: price for symbol, (price, _) in SYMBOLS.items()}
        for symbol in SYMBOLS:
            if mode is MarginMode.ISOLATED:
                self.exchange.set_margin_mode(ME, symbol, mode)
            self.exchange.set_leverage(ME, symbol, leverage)
            self.move(symbol, 0.0, 0.0, False, False)
        self.fills: list[Fill] = []

    def model(self):
        policy, seed = self.world[3], self.world[4]
        if policy == "depth":
            return DepthModel(seed=seed, depth_usd_per_bp=2_000.0)
        return BarModel(stop_fill=policy, seed=seed)

    def reborn(self) -> "Play":
        """Return a second play that goes on from this one's bytes."""
        other = Play(self.world)
        other.exchange = Exchange(CONTRACTS, fill_model=other.model())
        other.exchange.restore(self.exchange.to_bytes())
        other.now, other.count, other.prices = self.now, self.count, dict(self.prices)
        return other

    def step(self, step: tuple) -> None:
        with suppress(ExchangeRefused):
            getattr(self, step[0])(*step[1:])
        self.fills += [e for _, e in self.exchange.drain() if isinstance(e, Fill)]

    def move(self, symbol: str, change: float, basis: float, gap: bool, fast: bool) -> None:
        self.now += 60_000_000_000
        last = round(self.prices[symbol] * (1.0 + change), 1)
        self.prices[symbol] = last
        self.exchange.apply(
            MarketTick(
                symbol=symbol, event_ns=self.now, last=last, mark=last * (1.0 + basis),
                index=last, gap=gap, fast=fast, qty=0.5, funding_frac=basis / 5, low=last * 0.99,
                high=last * 1.01,
            )
        )  # fmt: skip

    def order(self, symbol, side, kind, lots, offset, life, reduce) -> None:
        self.count += 1
        tick = self.exchange.instrument(symbol).tick
        level = Decimal(repr(round(self.prices[symbol] * (1.0 + offset), 1))).quantize(tick)
        leg = PositionSide.LONG if lots % 2 else PositionSide.SHORT
        self.exchange.submit(
            ME,
            OrderRequest(
                symbol=symbol, side=side, kind=kind, qty=lots * Decimal(SYMBOLS[symbol][1]),
                client_order_id=f"bw-{self.count}",
                price=level if kind is OrderKind.LIMIT else None,
                trigger_price=level if kind.is_conditional else None,
                trigger_by=list(TriggerBy)[lots % 3], time_in_force=life,
                reduce_only=reduce and not self.hedge,
                position_side=leg if self.hedge else None,
            ),
        )  # fmt: skip

    def cancel(self, symbol: str, conditional: bool) -> None:
        self.exchange.cancel_all(ME, symbol, conditional=conditional)

    def margin(self, symbol: str, amount: int) -> None:
        for position in self.exchange.account(ME).positions:
            if position.symbol == symbol:
                self.exchange.add_margin(ME, symbol, position.side, Decimal(amount))

    def money(self, amount: int) -> None:
        self.exchange.deposit(ME, Decimal(amount))

    def pass_(self, hours: int) -> None:
        self.now += hours * 3_600_000_000_000
        self.exchange.advance(self.now)

    def __getattr__(self, name: str):
        if name == "pass":
            return self.pass_
        raise AttributeError(name)


@given(worlds, steps)
@quick
def test_money_is_conserved_and_never_owed(world: tuple, script: list) -> None:
    play = Play(world)
    for step in script:
        play.step(step)
        account = play.exchange.account(ME)
        rows = play.exchange.income(ME, 0)
        assert account.wallet_usd == sum((r.amount for r in rows), Decimal(0))
        by_kind = defaultdict(Decimal)
        for row in rows:
            by_kind[row.kind] += row.amount
        assert by_kind["REALIZED_PNL"] == sum((f.realized_pnl_usd for f in play.fills), Decimal(0))
        paid = sum((f.fee_usd for f in play.fills if not f.is_liquidation), Decimal(0))
        assert by_kind["COMMISSION"] == -paid
        isolated = [p.isolated_margin_usd for p in account.positions]
        assert all(x is None or x >= 0 for x in isolated)
        shared = [p for p in account.positions if p.margin_mode is MarginMode.CROSS]
        # the wallet may only be short while profit of open cross positions stands behind it
        assert play.exchange.cross_wallet_usd(ME) >= 0 or (
            shared and play.exchange.equity_usd(ME) > 0
        )


@given(worlds, steps)
@quick
def test_positions_are_the_sum_of_their_fills(world: tuple, script: list) -> None:
    play = Play(world)
    for step in script:
        play.step(step)
        held: dict[tuple, Decimal] = defaultdict(Decimal)
        for fill in play.fills:
            held[fill.symbol, fill.position_side] += fill.side.sign * fill.qty
        told: dict[tuple, Decimal] = defaultdict(Decimal)
        for p in play.exchange.account(ME).positions:
            told[p.symbol, p.side if world[2] else None] += p.side.sign * p.qty
        assert {k: v for k, v in held.items() if v} == dict(told)
        ids = [f.trade_id for f in play.fills]
        assert len(ids) == len(set(ids))


@given(worlds, steps)
@quick
def test_a_reducing_fill_never_grows_or_flips_a_position(world: tuple, script: list) -> None:
    play = Play(world)
    held: dict[tuple, Decimal] = defaultdict(Decimal)
    reducing: dict[str, bool] = {}
    for step in script:
        seen = len(play.fills)
        play.step(step)
        for symbol in SYMBOLS:
            for order in play.exchange.all_orders(ME, symbol, conditional=False):
                reducing[order.venue_order_id] = order.reduce_only
        for fill in play.fills[seen:]:
            key = (fill.symbol, fill.position_side)
            before = held[key]
            held[key] += fill.side.sign * fill.qty
            if reducing[fill.venue_order_id]:
                assert abs(held[key]) < abs(before)
                assert held[key] * before >= 0


@given(worlds, steps)
@quick
def test_nothing_unsafe_is_left_standing(world: tuple, script: list) -> None:
    play = Play(world)
    for step in script:
        play.step(step)
        assert play.exchange.margin_ratio(ME) < 1.0


@given(
    st.sampled_from([MarginMode.CROSS, MarginMode.ISOLATED]),
    st.sampled_from([3, 10, 20]),
    st.lists(
        st.tuples(st.sampled_from(sorted(SYMBOLS)), st.sampled_from(list(OrderSide)),
                  st.integers(5, 1_500)),
        min_size=1, max_size=3,
    ),
    st.lists(
        st.tuples(st.sampled_from(sorted(SYMBOLS)), st.floats(-0.05, 0.05), st.booleans()),
        min_size=1, max_size=12,
    ),
)  # fmt: skip
@quick
def test_liquidation_comes_when_and_only_when_maintenance_is_not_covered(
    mode: MarginMode, leverage: int, orders: list, moves: list
) -> None:
    play = Play((mode, leverage, False, "touch", 1))
    for symbol, side, lots in orders:
        play.step(("order", symbol, side, OrderKind.MARKET, lots, 0.0, TimeInForce.GTC, False))
    for symbol, change, jump in moves:
        before = play.exchange.account(ME)
        seen = play.exchange.liquidations
        play.now -= 60_000_000_000  # the clock stands still: no funding
        play.step(("move", symbol, change, 0.0, jump, False))
        due = is_due(before, mode, play.prices)
        assert (play.exchange.liquidations > seen) == due


def is_due(account, mode: MarginMode, marks: dict[str, float]) -> bool:
    """Judge an account without orders by definition: equity at mark against the tier table."""
    pots: dict[str, list[float]] = {}
    for p in account.positions:
        notional = float(p.qty) * marks[p.symbol]
        contract = next(c for c in CONTRACTS if c.symbol == p.symbol)
        tier = next(t for t in contract.tiers if notional <= t.cap_usd)
        need = notional * tier.maint_frac - tier.deduction_usd
        profit = p.side.sign * float(p.qty) * (marks[p.symbol] - float(p.entry_price))
        if mode is MarginMode.ISOLATED:
            pots[p.symbol] = [float(p.isolated_margin_usd) + profit, need]
        else:
            pot = pots.setdefault("cross", [float(account.wallet_usd), 0.0])
            pot[0] += profit
            pot[1] += need
    return any(equity <= need for equity, need in pots.values())


@given(worlds, steps, st.integers(0, 59))
@quick
def test_a_restored_exchange_goes_on_identically(world: tuple, script: list, cut: int) -> None:
    play = Play(world)
    for step in script[:cut]:
        play.step(step)
    twin = play.reborn()
    assert twin.exchange.to_bytes() == play.exchange.to_bytes()
    for step in script[cut:]:
        play.step(step)
        twin.step(step)
        assert twin.exchange.to_bytes() == play.exchange.to_bytes()


@given(worlds, steps)
@quick
def test_the_same_story_twice_is_the_same(world: tuple, script: list) -> None:
    one, two = Play(world), Play(world)
    for step in script:
        one.step(step)
        two.step(step)
    assert one.exchange.to_bytes() == two.exchange.to_bytes()
    assert one.fills == two.fills
