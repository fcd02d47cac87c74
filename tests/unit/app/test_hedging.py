"""A venue falls silent: one other account holds the opposite until it is seen again."""

import asyncio
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.app.accounts.hedging import RETRY_NS, SEEN_NS, SETTLE_NS, Hedge, Hedges
from bot.app.config.account_tables import AccountsTable
from bot.domain.house import Holding, House
from bot.domain.messages import Answer
from bot.domain.orders import PositionSide
from bot.domain.units import NS_PER_S

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT
BTC = "BTC/USDT:USDT"
AFTER_S = 30.0


class Instant:
    at_ns = 1_000 * NS_PER_S

    def now_ns(self) -> int:
        return self.at_ns

    def monotonic_ns(self) -> int:
        return self.at_ns


class Account(msgspec.Struct):
    """An account as the others see it, and what its door was told to do."""

    name: str
    venue: str
    qty: Decimal
    """Signed, in bitcoin."""
    dark: bool = False
    active: bool = True
    unsettled: bool = False
    refuses: str = ""
    orders: list = []
    said: list = []

    @property
    def house(self) -> House:
        side = LONG if self.qty > 0 else SHORT
        held = Holding(asset="BTC", symbol=BTC, side=side, qty=abs(self.qty), mark=76_000.0)
        known = not self.dark and not self.unsettled
        return House(
            account=self.name, venue=self.venue, equity_usd=10_000.0 if known else None,
            holdings=(held,) if self.qty else (),
        )  # fmt: skip

    async def order(self, name, args, *, operator, key=""):
        self.orders.append((name, args))
        if name == "hedge" and not self.refuses:
            sign = 1 if args["side"] == "LONG" else -1
            self.qty += sign * Decimal(args["qty"])
        if name == "reduce":
            self.qty = Decimal(0)
        return Answer(key, accepted=not self.refuses, text=self.refuses or "done")

    def say(self, severity, kind, text, symbol=""):
        self.said.append(text)


class Stage:
    def __init__(self, *accounts: Account, after_s: float = AFTER_S) -> None:
        self.clock = Instant()
        self.accounts = {each.name: each for each in accounts}
        self.table = AccountsTable(hedge_after_s=after_s)
        self.hedges = Hedges(self.table, self.clock)

    def pass_s(self, seconds: float) -> None:
        asyncio.run(self._pass(round(seconds)))

    async def _pass(self, seconds: int) -> None:
        for _ in range(seconds):
            self.clock.at_ns += NS_PER_S
            for each in self.accounts.values():
                houses = [other.house for other in self.accounts.values()]
                await self.hedges.look(each, each, self.accounts, houses)


def account(name: str, venue: str, qty: str = "0", **more: object) -> Account:
    return Account(name, venue, Decimal(qty), orders=[], said=[], **more)


def test_what_a_silent_venue_holds_is_offset_elsewhere_and_let_go_when_it_is_back() -> None:
    dark, near, far = account("a", "bybit", "0.5"), account("b", "bybit"), account("c", "binance")
    stage = Stage(dark, near, far)
    stage.pass_s(5)
    dark.dark = True
    stage.pass_s(AFTER_S - 2)
    assert not far.orders
    stage.pass_s(5)
    ((name, args),) = far.orders
    assert (name, args["side"], float(args["qty"])) == ("hedge", "SHORT", 0.5)
    assert float(args["stop_frac"]) == 0.03
    assert not near.orders, "its venue is the silent one"
    stage.pass_s(300)
    assert len(far.orders) == 1
    dark.dark = False
    stage.pass_s(SEEN_NS / NS_PER_S - 2)
    assert len(far.orders) == 1
    stage.pass_s(4)
    assert far.orders[1] == ("reduce", {"fraction": "1", "symbol": BTC})
    stage.pass_s(SETTLE_NS / NS_PER_S)
    assert stage.hedges.held == []
    assert not dark.orders


@pytest.mark.parametrize(
    ("why", "change"),
    [
        ("the switch is off", {}),
        ("it is unsettled, not silent", {"unsettled": True}),
        ("nothing was held", {"qty": Decimal(0)}),
    ],
)
def test_nothing_is_hedged_when(why: str, change: dict) -> None:
    dark, far = account("a", "bybit", "0.5"), account("c", "binance")
    stage = Stage(dark, far, after_s=0.0 if not change else AFTER_S)
    for name, value in change.items():
        setattr(dark, name, value)
    stage.pass_s(5)
    dark.dark = "unsettled" not in change
    stage.pass_s(120)
    assert not far.orders, why


def test_what_was_never_seen_is_not_guessed() -> None:
    stage = Stage(account("a", "bybit", "0.5", dark=True), account("c", "binance"))
    stage.pass_s(120)
    assert not stage.accounts["c"].orders


def test_a_refusal_is_told_and_asked_again_later() -> None:
    dark, far = account("a", "bybit", "-0.5"), account("c", "binance", refuses="threat 5")
    stage = Stage(dark, far)
    stage.pass_s(2)
    dark.dark = True
    stage.pass_s(AFTER_S + 2)
    assert len(far.orders) == 1
    assert far.orders[0][1]["side"] == "LONG"
    assert "threat 5" in far.said[0]
    stage.pass_s(RETRY_NS / NS_PER_S - 10)
    assert len(far.orders) == 1
    stage.pass_s(12)
    assert len(far.orders) == 2
    assert stage.hedges.held == []


def test_a_hedge_that_was_stopped_out_is_forgotten_and_one_kept_outlives_a_restart() -> None:
    dark, far = account("a", "bybit", "0.5"), account("c", "binance")
    stage = Stage(dark, far)
    stage.pass_s(2)
    dark.dark = True
    stage.pass_s(AFTER_S + 2)
    kept = msgspec.json.decode(msgspec.json.encode(stage.hedges.held), type=list[Hedge])
    stage.hedges = Hedges(stage.table, stage.clock, kept)
    dark.dark = False
    stage.pass_s(SEEN_NS / NS_PER_S + 2)
    assert far.orders[-1][0] == "reduce"
    dark.dark = True
    far.orders.clear()
    stage.pass_s(AFTER_S + SETTLE_NS / NS_PER_S + 2)
    assert [name for name, _ in far.orders] == ["hedge"]
    far.qty = Decimal(0)  # its own stop
    far.refuses = "cooling down"
    stage.pass_s(5)
    assert stage.hedges.held == []


@settings(max_examples=40, deadline=None)
@given(st.decimals("-2", "2", places=3), st.decimals("-2", "2", places=3))
def test_all_together_never_hold_more_net_than_before(dark_qty: Decimal, other: Decimal) -> None:
    """What others hold already counts, and the side of the whole is never turned."""
    dark, far = account("a", "bybit", str(dark_qty)), account("c", "binance")
    third = account("d", "okx", str(other), active=False)
    stage = Stage(dark, far, third)
    stage.pass_s(2)
    before = sum((each.qty for each in stage.accounts.values()), Decimal(0))
    dark.dark = True
    stage.pass_s(AFTER_S + 2)
    after = sum((each.qty for each in stage.accounts.values()), Decimal(0))
    assert abs(after) <= abs(before) + Decimal("1e-9")
    assert after * before >= Decimal("-1e-9")
    assert abs(far.qty) <= abs(dark_qty) + Decimal("1e-9")
