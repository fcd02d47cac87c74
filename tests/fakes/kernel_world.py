"""Hand-made facts for kernel tests: a contract, marks, positions, a kernel that knows them."""

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from bot.domain.account import AccountState, MarginMode, PositionState
from bot.domain.instrument import Instrument, MarginTier
from bot.domain.market import Candle, MarkPrice
from bot.domain.messages import (
    AccountSnapshot,
    Effect,
    Event,
    InstrumentsLoaded,
    OrderAccepted,
    Record,
    Started,
    SubmitOrder,
)
from bot.domain.orders import ApprovedOrder, OrderState, PositionSide, Purpose
from bot.domain.policy import LevelPolicy, LevelSpec, Policy, RulePolicy
from bot.domain.strategy import Strategy
from bot.domain.units import NS_PER_S
from bot.kernel.step import Kernel

BTC = "BTC/USDT:USDT"
START_NS = 1_769_900_400 * NS_PER_S
TIERS = (
    MarginTier(0.0, 300_000.0, 0.004, 0.0, 150.0),
    MarginTier(300_000.0, 800_000.0, 0.005, 300.0, 100.0),
    MarginTier(800_000.0, 3_000_000.0, 0.0065, 1_500.0, 75.0),
    MarginTier(3_000_000.0, 12_000_000.0, 0.01, 12_000.0, 50.0),
)
CONTRACT = Instrument(
    symbol=BTC,
    venue_id="BTCUSDT",
    base="BTC",
    quote="USDT",
    tick=Decimal("0.1"),
    lot=Decimal("0.001"),
    qty_min=Decimal("0.001"),
    qty_max=Decimal(1000),
    market_qty_max=Decimal(120),
    notional_min_usd=Decimal(100),
    contract_size=Decimal(1),
    taker_fee_frac=0.0005,
    maker_fee_frac=0.0002,
    tiers=TIERS,
)
ZONES = (
    LevelSpec(symbol=BTC, name="76k", low=76_000.0, high=76_000.0),
    LevelSpec(symbol=BTC, name="77k", low=77_000.0, high=77_000.0),
    LevelSpec(symbol=BTC, name="75k", low=74_800.0, high=75_200.0),
)
PATIENT = RulePolicy(price_stale_s=1e9, account_stale_s=1e9, flows_stale_s=float("inf"))


def policy(**changes: object) -> Policy:
    given = {"rules": PATIENT, "levels": LevelPolicy(book=ZONES), "bars_from": "candles", **changes}
    return msgspec.structs.replace(Policy(), **given)


def position(
    side: PositionSide, qty: str, entry: str, *, ns: int, margin: str | None = None
) -> PositionState:
    return PositionState(
        symbol=BTC,
        side=side,
        qty=Decimal(qty),
        entry_price=Decimal(entry),
        margin_mode=MarginMode.ISOLATED if margin else MarginMode.CROSS,
        event_ns=ns,
        isolated_margin_usd=Decimal(margin) if margin else None,
    )


def snapshot(
    wallet: str, positions: Sequence[PositionState], orders: Sequence[OrderState], ns: int
) -> AccountSnapshot:
    account = AccountState(
        wallet_usd=Decimal(wallet),
        positions=tuple(positions),
        orders=tuple(orders),
        event_ns=ns,
        hedge_mode=False,
    )
    return AccountSnapshot(ns, ns, account)


class World:
    """A kernel with a clock that tests move by hand."""

    def __init__(
        self,
        a_policy: Policy | None = None,
        strategies: Sequence[Strategy] = (),
        mark: float = 76_000.0,
    ) -> None:
        self.kernel = Kernel(a_policy or policy(), strategies, "test0001")
        self.now_ns = START_NS
        self.effects: list[Effect] = []
        self.step(Started(run_id="test0001", event_ns=self.now_ns, received_ns=self.now_ns))
        self.step(InstrumentsLoaded(self.now_ns, self.now_ns, (CONTRACT,)))
        self.mark(mark)

    def step(self, event: Event) -> list[Effect]:
        out = self.kernel.step(event)
        self.effects += out
        return out

    def later(self, seconds: float) -> int:
        self.now_ns += int(seconds * NS_PER_S)
        return self.now_ns

    def mark(self, price: float, *, after_s: float = 1.0) -> list[Effect]:
        ns = self.later(after_s)
        return self.step(MarkPrice(BTC, ns, ns, price, price))

    def account(
        self,
        wallet: str = "10000",
        positions: Sequence[PositionState] = (),
        orders: Sequence[OrderState] = (),
    ) -> list[Effect]:
        return self.step(snapshot(wallet, positions, orders, self.later(1.0)))

    def candle(
        self, o: float, h: float, low: float, c: float, *, seconds: int = 300, history: bool = False
    ) -> list[Effect]:
        ns = self.later(seconds)
        self.step(MarkPrice(BTC, ns, ns, c, c))
        return self.step(Candle(BTC, ns, ns, seconds, o, h, low, c, 10.0, history))

    def warm(self, price: float = 76_000.0, span: float = 400.0, hours: int = 40) -> None:
        """Teach an hourly ATR of `span`."""
        for _ in range(hours):
            self.candle(
                price, price + span / 2, price - span / 2, price, seconds=3_600, history=True
            )

    def accept_all(self, effects: Sequence[Effect]) -> list[Effect]:
        """Answer every submitted order with an acceptance; return what follows."""
        out: list[Effect] = []
        for order in orders_of(effects):
            ns = self.later(0.1)
            out += self.step(
                OrderAccepted(ns, ns, order.client_order_id, "v" + order.client_order_id)
            )
        return out


def orders_of(effects: Sequence[Effect], purpose: Purpose | None = None) -> list[ApprovedOrder]:
    orders = [e.order for e in effects if isinstance(e, SubmitOrder)]
    return [o for o in orders if purpose is None or o.purpose is purpose]


def decisions_of(effects: Sequence[Effect], kind: str) -> list[str]:
    return [f"{e.decision.what} | {e.decision.why}" for e in effects
            if isinstance(e, Record) and e.decision.kind == kind]  # fmt: skip
