"""Sizing laws: a stop that fills costs no more than was planned, and worse never allows more."""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bot.domain.account import MarginMode
from bot.domain.market import FundingRate
from bot.domain.orders import OrderKind, OrderSide, OrderStatus, PositionSide, Purpose, TimeInForce
from bot.domain.policy import Policy, SizingPolicy
from bot.domain.risk import Refusal, RefusalReason
from bot.domain.strategy import Intent
from bot.domain.units import NS_PER_H
from bot.kernel.sizing import Sized, entry_limit_price, size_intent
from bot.kernel.snapshot import Leg, OrderBelief, Trade, leg_key
from bot.kernel.stops import placement
from bot.simulator.exchange import BarModel, DepthModel
from tests.fakes.judged import judge
from tests.fakes.kernel_world import BTC, World, policy
from tests.unit.simulator.exchange_kit import ME, Desk

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT
ETH, SOL = "ETH/USDT:USDT", "SOL/USDT:USDT"
SIDES = st.sampled_from([LONG, SHORT])
DISTANCES = st.floats(0.004, 0.06)
WALLETS = st.integers(2_000, 200_000)
LAX = msgspec.structs.replace(
    SizingPolicy(), cost_share_max_frac=1.0, reward_min_r=-1e9, stop_round_bps=0.0
)


def ready(a_policy: Policy, wallet: int, mark: float, threat: int = 1) -> World:
    world = World(a_policy, mark=mark)
    world.account(str(wallet))
    judge(world.kernel.state, BTC, threat)
    return world


def size(world: World, side: PositionSide, distance: float) -> Sized | Refusal:
    market = world.kernel.state.markets[BTC]
    wish = Intent(
        symbol=BTC, side=side, stop_price=market.mark * (1.0 - side.sign * distance),
        target_price=market.mark * (1.0 + side.sign * 0.2), reason="", signal_id="s",
    )  # fmt: skip
    return size_intent(world.kernel.state, world.kernel.policy, market, wish)


def coins(world: World, side: PositionSide, distance: float) -> float:
    got = size(world, side, distance)
    return float(got.qty) if isinstance(got, Sized) else 0.0


# ------------------------------------------------------------------ against the exchange


@pytest.mark.parametrize("isolated", [True, False])
@settings(max_examples=60, deadline=None)
@given(
    side=SIDES,
    distance=DISTANCES,
    wallet=WALLETS,
    mark=st.floats(20_000.0, 120_000.0),
    slip_bps=st.floats(0.0, 9.9),
    depth=st.one_of(st.none(), st.floats(50_000.0, 2e6)),
    rate=st.floats(-0.001, 0.001),
    interval_h=st.sampled_from([1, 4, 8]),
    held_h=st.integers(0, 24),
    threat=st.integers(1, 3),
)
def test_the_realised_loss_at_the_stop_is_never_above_the_budget(
    side: PositionSide, distance: float, wallet: int, mark: float, slip_bps: float,
    depth: float | None, rate: float, interval_h: int, held_h: int, threat: int, isolated: bool,
) -> None:  # fmt: skip
    """Fees, slippage within plan, and funding by the contract's own interval are all in it."""
    mark = round(mark, 1)
    world = ready(policy(), wallet, mark, threat)
    state = world.kernel.state
    mode = MarginMode.ISOLATED if isolated else MarginMode.CROSS
    state.margin_modes[BTC], state.leverages[BTC] = mode, 3
    ns = world.later(1.0)
    world.step(FundingRate(BTC, ns, ns, "binance", rate, interval_h * 3_600, settled=False))
    got = size(world, side, distance)
    assume(isinstance(got, Sized))
    assert isinstance(got, Sized)
    model = (
        BarModel(slip_calm_bps=slip_bps) if depth is None else DepthModel(depth_usd_per_bp=depth)
    )
    desk = Desk(wallet=str(wallet), isolated=isolated, leverage=3, model=model, price=mark)
    desk.exchange.set_funding_interval(BTC, interval_h * 3_600)
    desk.tick(mark, funding_frac=rate)
    market = state.markets[BTC]
    limit = entry_limit_price(world.kernel.policy, market, side.sign)
    before = desk.wallet
    desk.limit(side.entry, str(got.qty), str(limit), time_in_force=TimeInForce.IOC)
    (held,) = desk.exchange.account(ME).positions
    assume(held.qty > 0)
    liquidation = held.venue_liq_price
    if liquidation is not None:
        k = 3.0 if threat >= 3 else 2.0
        room = side.sign * (mark - float(liquidation))
        assert room >= k * side.sign * (mark - got.stop_price) * 0.999, "liquidation too near"
    trigger = market.instrument.stop_price_near(Decimal(repr(got.stop_price)), side)  # type: ignore[union-attr]
    desk.stop(side.exit, str(held.qty), str(trigger))
    desk.exchange.advance(desk.now + held_h * NS_PER_H)
    desk.now = desk.exchange.now_ns
    desk.walk(float(trigger) * (1.0 - side.sign * 0.002))
    assert desk.exchange.account(ME).positions == ()
    loss = float(before - desk.wallet)
    budget = wallet * 0.005 * (0.6 if threat == 3 else 1.0)
    assert loss <= got.risk_usd + 1e-6
    assert got.risk_usd <= budget + 1e-9


# ------------------------------------------------------------------ monotone


@settings(max_examples=60, deadline=None)
@given(side=SIDES, distance=DISTANCES, wider=st.floats(1.0, 3.0), wallet=WALLETS)
def test_a_wider_stop_never_gives_more(
    side: PositionSide, distance: float, wider: float, wallet: int
) -> None:
    world = ready(policy(sizing=LAX), wallet, 76_000.0)
    assert coins(world, side, distance * wider) <= coins(world, side, distance)


WORSE = {
    "stop_slip_bps": st.floats(10.0, 200.0),
    "entry_band_bps": st.floats(10.0, 100.0),
    "gap_chance_frac": st.floats(0.02, 1.0),
    "funding_assumed_frac": st.floats(0.0001, 0.01),
    "correlation_stress": st.floats(0.5, 1.0),
    "liq_stop_distances_min": st.floats(2.0, 20.0),
}


@settings(max_examples=80, deadline=None)
@given(side=SIDES, distance=DISTANCES, wallet=WALLETS, data=st.data())
def test_higher_costs_never_give_more(
    side: PositionSide, distance: float, wallet: int, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(sorted(WORSE)))
    worse = msgspec.structs.replace(LAX, **{name: data.draw(WORSE[name])})
    here = coins(ready(policy(sizing=LAX), wallet, 76_000.0), side, distance)
    assert coins(ready(policy(sizing=worse), wallet, 76_000.0), side, distance) <= here


@settings(max_examples=40, deadline=None)
@given(side=SIDES, distance=DISTANCES, wallet=WALLETS)
def test_a_higher_threat_never_gives_more(side: PositionSide, distance: float, wallet: int) -> None:
    by_threat = [
        coins(ready(policy(sizing=LAX), wallet, 76_000.0, threat), side, distance)
        for threat in range(1, 6)
    ]
    assert by_threat == sorted(by_threat, reverse=True)
    assert by_threat[3:] == [0.0, 0.0]


# ------------------------------------------------------------------ together with others


def open_trade(world: World, symbol: str, side: PositionSide, stop: float, risk: float) -> None:
    state, order_id = world.kernel.state, f"bwtest0001-{symbol}"
    state.orders[order_id] = OrderBelief(
        client_order_id=order_id, symbol=symbol, side=OrderSide.BUY, position_side=side,
        kind=OrderKind.LIMIT, purpose=Purpose.ENTRY, status=OrderStatus.UNKNOWN,
        qty=Decimal(1), sent_ns=world.now_ns,
    )  # fmt: skip
    state.legs[leg_key(symbol, side)] = Leg(
        symbol=symbol, side=side,
        trade=Trade(
            trade_id="t", strategy="other", signal_id="o", symbol=symbol, side=side,
            stop_price=stop, target_price=1.0, planned_qty=Decimal("0.01"), risk_usd=risk,
            reason="", opened_ns=world.now_ns, decision_id="d", entry_client_id=order_id,
        ),
    )  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(
    side=SIDES, distance=DISTANCES, wallet=WALLETS,
    others=st.lists(st.tuples(SIDES, st.floats(0.0, 0.02)), max_size=2),
    lost=st.floats(0.0, 0.02), threat=st.integers(1, 3),
)  # fmt: skip
def test_all_stops_together_stay_inside_day_and_heat(
    side: PositionSide, distance: float, wallet: int, others: list, lost: float, threat: int
) -> None:
    world = ready(policy(sizing=LAX), wallet, 76_000.0, threat)
    for symbol, (other, frac) in zip((ETH, SOL), others, strict=False):
        open_trade(world, symbol, other, 100.0, frac * wallet)
    world.kernel.state.anchors.own_day_usd = -lost * wallet
    got = size(world, side, distance)
    if isinstance(got, Refusal):
        assert got.reason is RefusalReason.BELOW_MINIMUM
        return
    lots = got.qty / Decimal("0.001")
    assert lots == lots.to_integral_value()
    assert float(got.qty) * 76_000.0 >= 100.0
    open_usd = sum(frac * wallet for _, frac in others)
    assert lost * wallet + open_usd + got.risk_usd <= 0.02 * wallet + 1e-6
    risks = [(other.sign, frac) for other, frac in others] + [(side.sign, got.risk_usd / wallet)]
    heat = sum(
        a[1] * b[1] * (1.0 if a[0] == b[0] else 0.0) for a in risks for b in risks
    )  # unknown correlations: one on a side, no credit across
    assert heat**0.5 <= (0.02, 0.015, 0.01)[threat - 1] + 1e-9


@given(
    stop=st.floats(1_000.0, 200_000.0), side=SIDES,
    edges=st.lists(st.floats(0.9, 1.1), min_size=0, max_size=6),
)  # fmt: skip
def test_a_placed_stop_only_moves_away_and_lies_on_nothing(
    stop: float, side: PositionSide, edges: list[float]
) -> None:
    """Zones farther apart than the step off a zone: names a human would give."""
    marks = sorted(edges)
    zones = [
        (stop * low, stop * high)
        for low, high in zip(marks[::2], marks[1::2], strict=False)
        if high - low > 0.002
    ]
    moved = placement.beyond(stop, side.sign, zones, 5e-4)
    assert side.sign * (stop - moved) >= 0.0
    assert placement.round_near(moved, 5e-4) is None
    assert placement.zone_of(moved, zones) is None
