"""Faults of margin, loss and account reading that other bots were seen to have.

Each test fails where one is brought in. Faults of stops are named in `test_stop_faults`.
"""

import math
from decimal import Decimal

import msgspec
import pytest

from bot.domain.messages import (
    Fill,
    InstrumentsLoaded,
    Notify,
    SnapshotFailed,
    TimerFired,
    WalletUpdate,
)
from bot.domain.orders import OrderSide, PositionSide, Purpose
from bot.kernel.margin import liquidation_price
from bot.kernel.rules import liquidation_distance
from bot.kernel.snapshot import freeze
from bot.kernel.step import Kernel
from tests.fakes.kernel_world import BTC, CONTRACT, World, orders_of, policy, position
from tests.fakes.venue_tiers import BINANCE
from tests.unit.kernel.rules.rule_kit import Kit

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT


def test_fault_tier_by_margin() -> None:
    """The tier is that of the notional at the liquidation price: neither stake nor entry."""
    kit = Kit()
    kit.leg.qty, kit.leg.entry_price = Decimal(100), Decimal(80_000)
    kit.leg.isolated_margin_usd = Decimal(400_000)
    kit.mark(80_000.0)
    found = kit.view.own_liq_price()
    assert found == pytest.approx(76_646.46, abs=0.01)
    assert found != pytest.approx(76_378.89, abs=1.0), "the tier of the margin"
    assert found != pytest.approx(76_767.68, abs=1.0), "without the tier's deduction"
    assert liquidation_price(1, 10.5, 80_000.0, 84_000.0, BINANCE) == pytest.approx(72_333.09, 1e-7)


@pytest.mark.parametrize("told", [None, Decimal(0), Decimal(-1)])
def test_fault_zero_or_missing_liquidation_price_read_as_safe(told: Decimal | None) -> None:
    """No word of the venue is no safety: our own price counts; where there is none, it says so."""
    kit = Kit(own=False)
    kit.leg.venue_liq_price = told
    kit.leg.isolated_margin_usd = Decimal(200)
    distance = kit.view.liq_distance_frac()
    assert distance is not None
    assert 0.0 < distance < 0.04
    found = liquidation_distance.demand(kit.view)
    assert found is not None
    assert found.exposure_factor <= 0.25
    kit.leg.margin_mode = None
    kit.market.instrument = None
    unknown = liquidation_distance.demand(kit.view)
    assert unknown is not None
    assert unknown.blocks_entries
    assert math.isnan(unknown.measured)


@pytest.mark.parametrize("told", [Decimal(75_500), Decimal(60_000)])
def test_the_nearer_of_both_liquidation_prices_counts(told: Decimal) -> None:
    kit = Kit()
    kit.leg.venue_liq_price = told
    ours, price = kit.view.own_liq_price(), kit.view.liq_price()
    assert ours is not None
    assert price == max(ours, float(told))


def test_a_liquidation_price_that_differs_is_told_once_an_hour() -> None:
    world = World()
    world.account()
    found = position(LONG, "0.100", "76000", ns=world.now_ns + 10**9, margin="2000")
    world.accept_all(world.account("10000", [found]))
    leg = next(iter(world.kernel.state.legs.values()))
    ours = next(iter_views(world)).own_liq_price()
    told: list[Notify] = []
    for apart, minutes in ((0.0029, 12), (0.0031, 11), (0.0031, 2)):
        leg.venue_liq_price = Decimal(round(ours + apart * 76_000.0))
        for _ in range(minutes):
            out = world.candle(76_000, 76_010, 75_990, 76_000)
            told += [e for e in out if isinstance(e, Notify) and e.kind == "liquidation"]
            world.accept_all(out)
        assert len(told) == (0 if apart < 0.003 else 1 if minutes == 11 else 2)


def iter_views(world: World):
    from bot.kernel.view import held

    return iter(held(world.kernel.state, world.kernel.policy))


def test_fault_drawdown_rebased() -> None:
    """After a forced close the peak stays: the same budget cannot be lost again and again."""
    kit = Kit()
    kit.state.wallet_usd = Decimal(8_900)
    kit.leg.qty = Decimal(0)
    from bot.kernel import guard
    from bot.kernel.rules import drawdown

    for _ in range(5):
        kit.wait(30.0)
        guard.touch_equity(kit.desk)
        assert kit.state.anchors.high_water_usd == 10_000.0
        found = drawdown.demand(kit.view)
        assert found is not None
        assert found.measured == pytest.approx(0.11)
    kit.state.wallet_usd = Decimal(8_400)
    found = drawdown.demand(kit.view)
    assert found is not None
    assert found.exposure_factor == 0.0


def test_fault_drawdown_rebased_by_a_liquidation() -> None:
    world = World()
    world.account()
    found = position(LONG, "0.657", "76000", ns=world.now_ns + 10**9, margin="9980")
    world.accept_all(world.account("10000", [found]))
    ns = world.later(0.1)
    world.step(
        Fill(
            symbol=BTC, trade_id="t", client_order_id="autoclose-1", venue_order_id="v",
            side=OrderSide.SELL, position_side=None, qty=Decimal("0.657"), price=Decimal(62_000),
            fee_usd=Decimal(0), realized_pnl_usd=Decimal(-9_198), is_maker=False, event_ns=ns,
            received_ns=ns, is_liquidation=True,
        )
    )  # fmt: skip
    world.step(WalletUpdate(ns, ns, Decimal(802), Decimal(-9_198), "ORDER"))
    for _ in range(4):
        ns = world.later(30.0)
        world.step(TimerFired("second", ns, ns))
    assert world.kernel.state.anchors.high_water_usd == pytest.approx(10_000.0)
    assert world.kernel.state.latched


def test_fault_peak_in_memory() -> None:
    """A restart remembers peak, day and latch: what was lost before it stays lost."""
    world = World()
    world.account()
    world.mark(76_000.0, after_s=120.0)
    ns = world.later(1.0)
    world.step(WalletUpdate(ns, ns, Decimal(8_500), Decimal(-1_500), "ORDER"))
    world.mark(76_000.0, after_s=120.0)
    again = Kernel(policy(), (), "test0002")
    again.restore_account(freeze(world.kernel.state))
    assert again.state.anchors.high_water_usd == pytest.approx(10_000.0)
    assert again.state.anchors.day == world.kernel.state.anchors.day
    assert again.state.anchors.day_start_usd == world.kernel.state.anchors.day_start_usd
    world.kernel = again
    world.account("8500")
    world.mark(76_000.0, after_s=120.0)
    assert again.state.anchors.high_water_usd == pytest.approx(10_000.0)


@pytest.mark.parametrize("side", [LONG, SHORT])
def test_fault_query_failure_read_as_flat(side: PositionSide) -> None:
    """A failed reading changes nothing; one reading without the leg is not yet flat."""
    world = World()
    world.account()
    found = position(side, "0.100", "76000", ns=world.now_ns + 10**9)
    world.accept_all(world.account("10000", [found]))
    leg = next(iter(world.kernel.state.legs.values()))
    for _ in range(5):
        ns = world.later(5.0)
        out = world.step(SnapshotFailed(ns, ns, "timeout"))
        assert orders_of(out) == []
        assert leg.qty == Decimal("0.100")
    world.account("10000", [])
    assert leg.qty == Decimal("0.100"), "absent once"
    stops = [o for o in world.kernel.state.orders.values() if o.purpose is Purpose.STOP]
    assert any(stop.status.is_live for stop in stops)
    world.account("10000", [])
    assert leg.qty == Decimal(0), "absent twice"


def test_changed_margin_tiers_are_told_and_count_at_once() -> None:
    world = World()
    world.account()
    found = position(LONG, "0.100", "76000", ns=world.now_ns + 10**9, margin="2000")
    world.accept_all(world.account("10000", [found]))
    before = next(iter_views(world)).own_liq_price()
    ns = world.later(1.0)
    assert not [e for e in reload(world, CONTRACT.tiers, ns) if isinstance(e, Notify)]
    tighter = (msgspec.structs.replace(CONTRACT.tiers[0], maint_frac=0.01), *CONTRACT.tiers[1:])
    told = [e.kind for e in reload(world, tighter, world.later(1.0)) if isinstance(e, Notify)]
    assert told == ["tiers"]
    assert next(iter_views(world)).own_liq_price() > before
    assert world.kernel.state.markets[BTC].instrument_ns == world.now_ns


def reload(world: World, tiers: tuple, ns: int) -> list:
    contract = msgspec.structs.replace(CONTRACT, tiers=tiers)
    return world.step(InstrumentsLoaded(ns, ns, (contract,)))
