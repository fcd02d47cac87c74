"""A wished trade becomes the smallest of all caps, rounded down, or a refusal with its numbers."""

from decimal import Decimal

import msgspec
import pytest

from bot.domain.account import MarginMode
from bot.domain.market import BookTop, FundingRate
from bot.domain.orders import OrderKind, OrderSide, OrderStatus, PositionSide, Purpose
from bot.domain.policy import Policy, SizingPolicy
from bot.domain.risk import Refusal, RefusalReason
from bot.domain.scenario import ScenarioSpec, Watch, ZoneEvent
from bot.domain.strategy import Intent
from bot.kernel.levels.state import Followed
from bot.kernel.sense import sensed_for
from bot.kernel.sizing import Sized, size_intent
from bot.kernel.snapshot import Leg, OrderBelief, Trade, leg_key
from tests.fakes.judged import judge
from tests.fakes.kernel_world import BTC, World, policy

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT
ETH = "ETH/USDT:USDT"


def intent(stop: float, target: float, side: PositionSide = LONG) -> Intent:
    return Intent(
        symbol=BTC, side=side, stop_price=stop, target_price=target, reason="test", signal_id="s"
    )


def ready(
    a_policy: Policy | None = None, wallet: str = "10000", mark: float = 76_000.0, threat: int = 1
) -> World:
    world = World(a_policy, mark=mark)
    world.account(wallet)
    judge(world.kernel.state, BTC, threat)
    return world


def sized(world: World, wish: Intent, strategy: str = "") -> Sized | Refusal:
    state = world.kernel.state
    return size_intent(state, world.kernel.policy, state.markets[BTC], wish, strategy)


def done(world: World, wish: Intent, strategy: str = "") -> Sized:
    got = sized(world, wish, strategy)
    assert isinstance(got, Sized), got
    return got


def refused(world: World, wish: Intent) -> Refusal:
    got = sized(world, wish)
    assert isinstance(got, Refusal), got
    return got


def with_sizing(**changes: object) -> Policy:
    return policy(sizing=msgspec.structs.replace(SizingPolicy(), **changes))


WISH = intent(74_650.0, 80_000.0)


def test_the_risk_budget_binds_and_is_rounded_down() -> None:
    got = done(ready(), WISH)
    assert got.binding == "risk"
    assert got.risk_usd <= 50.0
    assert got.risk_usd + 0.001 * got.unit_risk_usd > 50.0, "one lot more would be too much"
    assert set(got.assumed) == {"funding", "volume", "slippage"}


def test_every_cap_is_told_and_none_is_exceeded() -> None:
    got = done(ready(), WISH)
    assert set(got.caps) >= {
        "risk", "heat", "day", "level", "volatility", "leverage", "symbol notional",
        "venue maximum", "margin tier", "gap", "liquidation",
    }  # fmt: skip
    assert all(float(got.qty) <= cap for cap in got.caps.values())


@pytest.mark.parametrize(
    ("wish", "world", "reason"),
    [
        (intent(75_800.0, 80_000.0), {"mark": 78_199.0}, RefusalReason.REWARD_TOO_SMALL),
        (WISH, {"wallet": "20"}, RefusalReason.BELOW_MINIMUM),
        (intent(76_500.0, 80_000.0), {}, RefusalReason.STOP_WRONG_SIDE),
        (intent(76_000.0, 80_000.0), {}, RefusalReason.STOP_WRONG_SIDE),
        (intent(75_900.0, 80_000.0), {}, RefusalReason.COST_SHARE),
        (WISH, {"threat": 4}, RefusalReason.THREAT_TOO_HIGH),
        (WISH, {"threat": 5}, RefusalReason.THREAT_TOO_HIGH),
        (WISH, {"wallet": "-5"}, RefusalReason.BELOW_MINIMUM),
    ],
)
def test_refusals(wish: Intent, world: dict, reason: RefusalReason) -> None:
    got = refused(ready(**world), wish)
    assert got.reason is reason
    assert got.measured
    assert got.limit


def test_below_the_venue_minimum_is_never_rounded_up() -> None:
    got = refused(ready(wallet="300"), WISH)
    assert got.reason is RefusalReason.BELOW_MINIMUM
    assert got.measured.startswith("0.00")


def test_a_market_nobody_judged_is_not_traded() -> None:
    world = World()
    world.account()
    assert refused(world, WISH).reason is RefusalReason.NOT_WARM


def test_threat_three_takes_sixty_percent_of_the_risk() -> None:
    calm, tense = done(ready(), WISH), done(ready(threat=3), WISH)
    assert float(tense.qty) == pytest.approx(0.6 * float(calm.qty), abs=0.001)


def test_a_short_heeds_the_threat_of_rallies() -> None:
    world = ready()
    judge(world.kernel.state, BTC, 1, short=4)
    assert refused(world, intent(77_300.0, 72_000.0, SHORT)).reason is RefusalReason.THREAT_TOO_HIGH
    assert done(world, WISH).qty > 0


def test_the_symbol_cap_names_itself() -> None:
    limits = msgspec.structs.replace(policy().limits, notional_cap_usd={BTC: 500.0})
    got = done(ready(policy(limits=limits)), WISH)
    assert got.binding == "symbol notional"
    assert float(got.qty) * 76_000.0 <= 500.0


def test_funding_of_an_hourly_contract_lowers_the_size() -> None:
    sizes = []
    for interval_s in (28_800, 3_600):
        world = ready()
        ns = world.later(1.0)
        world.step(FundingRate(BTC, ns, ns, "binance", 0.0005, interval_s, settled=False))
        sizes.append(done(world, WISH).unit_risk_usd)
    assert sizes[1] - sizes[0] == pytest.approx(76_000 * 0.0005 * 21, rel=0.002)


def tell_book(world: World, bid: float, ask: float, qty: float = 5.0) -> None:
    ns = world.later(0.1)
    world.step(BookTop(BTC, ns, ns, bid, qty, ask, qty))


def test_a_known_book_replaces_what_was_assumed_and_a_wide_one_caps() -> None:
    world = ready()
    for _ in range(12):
        world.candle(76_000, 76_010, 75_990, 76_000)
    judge(world.kernel.state, BTC, 1)
    tell_book(world, 75_999.9, 76_000.0)
    got = done(world, WISH)
    assert "slippage" not in got.assumed
    tell_book(world, 75_500.0, 76_400.0)
    wide = refused(world, WISH)
    assert wide.reason is RefusalReason.BELOW_MINIMUM
    assert "book" in wide.measured


def test_a_thin_market_caps_by_volume() -> None:
    world = ready()
    for _ in range(12):
        world.candle(76_000, 76_010, 75_990, 76_000)
    for bar in world.kernel.state.markets[BTC].bars:
        bar.volume = 0.5
    judge(world.kernel.state, BTC, 1)
    got = done(world, WISH)
    assert got.binding == "volume"
    assert float(got.qty) <= 0.02 * 0.5


def test_the_stop_is_moved_beyond_its_zone_and_the_size_follows() -> None:
    world = ready()
    got = done(world, intent(74_900.0, 80_000.0))
    assert got.stop_price == 74_900.0, "a zone that is not known yet moves nothing"
    for zone in world.kernel.state.markets[BTC].zones:
        zone.state = "FAR"
    moved = done(world, intent(74_900.0, 80_000.0))
    assert moved.stop_price < 74_800.0
    assert moved.qty < got.qty


# ------------------------------------------------------------------ other open trades


def open_trade(
    world: World, symbol: str, stop: float, risk: float, side: PositionSide = LONG
) -> None:
    """An entry of a strategy whose end is unknown: it counts in full."""
    state, order_id = world.kernel.state, f"bwtest0001-{symbol}"
    state.orders[order_id] = OrderBelief(
        client_order_id=order_id, symbol=symbol, side=OrderSide.BUY, position_side=side,
        kind=OrderKind.LIMIT, purpose=Purpose.ENTRY, status=OrderStatus.UNKNOWN,
        qty=Decimal("0.01"), sent_ns=world.now_ns,
    )  # fmt: skip
    state.legs[leg_key(symbol, side)] = Leg(
        symbol=symbol, side=side,
        trade=Trade(
            trade_id="t", strategy="other", signal_id="o", symbol=symbol, side=side,
            stop_price=stop, target_price=80_000.0, planned_qty=Decimal("0.01"), risk_usd=risk,
            reason="", opened_ns=world.now_ns, decision_id="d", entry_client_id=order_id,
        ),
    )  # fmt: skip


def test_two_positions_behind_one_level_share_one_budget() -> None:
    world = ready()
    open_trade(world, BTC, 74_640.0, 30.0)
    got = done(world, WISH)
    assert got.binding == "level"
    assert got.risk_usd <= 20.0
    far = ready()
    open_trade(far, BTC, 70_000.0, 30.0)
    for zone in far.kernel.state.markets[BTC].zones:
        zone.state = "FAR"
    assert done(far, WISH).binding == "risk", "another level has a budget of its own"


def test_all_stops_together_stay_inside_the_day() -> None:
    world = ready(with_sizing(heat_max_frac=0.5))
    open_trade(world, ETH, 2_000.0, 100.0)
    world.kernel.state.anchors.own_day_usd = -70.0
    got = done(world, WISH)
    assert got.binding == "day"
    assert got.risk_usd <= 30.0


def test_a_day_that_earned_does_not_raise_the_limit() -> None:
    world = ready()
    day = done(world, WISH).caps["day"]
    world.kernel.state.anchors.own_day_usd = 500.0
    assert done(world, WISH).caps["day"] == day


def test_the_heat_of_other_symbols_counts_as_if_they_fell_together() -> None:
    world = ready()
    open_trade(world, ETH, 2_000.0, 170.0)
    got = done(world, WISH)
    assert got.binding == "heat"
    assert got.risk_usd == pytest.approx(30.0, abs=2.0)


def record(world: World, results: list[float]) -> None:
    for i, result in enumerate(results):
        world.kernel.state.closed_trades.append(
            Trade(
                trade_id=f"t{i}", strategy="mine", signal_id=f"s{i}", symbol=BTC, side=LONG,
                stop_price=1.0, target_price=2.0, planned_qty=Decimal(1), risk_usd=50.0,
                reason="", opened_ns=0, decision_id="d", entry_qty=Decimal(1),
                entry_value_usd=Decimal(1000), exit_qty=Decimal(1),
                exit_value_usd=Decimal(1000) + Decimal(repr(50.0 * result)),
                closed_ns=world.now_ns,
            )
        )  # fmt: skip


def test_a_record_without_an_edge_ends_a_strategy_and_a_short_one_says_nothing() -> None:
    world = ready()
    record(world, [1.0, -1.1] * 24)
    assert done(world, WISH, "mine").binding == "risk"
    record(world, [1.0, -1.1])
    got = sized(world, WISH, "mine")
    assert isinstance(got, Refusal)
    assert "edge" in got.measured
    assert done(world, WISH, "another").binding == "risk"


def test_a_gap_over_all_stops_spares_the_floor() -> None:
    world = ready()
    world.kernel.state.anchors.high_water_usd = 12_300.0
    got = done(world, WISH)
    assert got.binding == "gap"
    assert float(got.qty) * (got.unit_risk_usd + 0.1 * 74_650) <= 10_000 - 0.81 * 12_300


def test_liquidation_before_the_stop_is_refused() -> None:
    world = ready()
    state = world.kernel.state
    state.margin_modes[BTC], state.leverages[BTC] = MarginMode.ISOLATED, 40
    assert refused(world, WISH).reason is RefusalReason.LIQUIDATION_TOO_NEAR
    state.leverages[BTC] = 5
    assert done(world, WISH).qty > 0
    del state.leverages[BTC]
    assert refused(world, WISH).reason is RefusalReason.LIQUIDATION_TOO_NEAR, "unknown is not safe"


def test_from_threat_three_on_liquidation_lies_three_stop_distances_away() -> None:
    for threat, fits in ((1, True), (2, True), (3, False)):
        world = ready(threat=threat)
        state = world.kernel.state
        state.margin_modes[BTC], state.leverages[BTC] = MarginMode.ISOLATED, 17
        assert isinstance(sized(world, WISH), Sized) == fits


# ------------------------------------------------------------------ rules and scenarios


def share_of(world: World, share: float) -> Sized:
    state = world.kernel.state
    got = size_intent(state, world.kernel.policy, state.markets[BTC], WISH, "", share)
    assert isinstance(got, Sized), got
    return got


def test_the_rules_share_is_of_the_full_size_and_threat_is_not_counted_twice() -> None:
    full = float(done(ready(), WISH).qty)
    half = share_of(ready(), 0.5)
    assert half.binding == "rules"
    assert float(half.qty) == pytest.approx(0.5 * full, abs=0.001)
    tense = float(share_of(ready(threat=3), 0.6).qty)
    assert tense == pytest.approx(0.6 * full, abs=0.0011)


def running(spec: ScenarioSpec) -> World:
    world = ready(policy(scenarios=(spec,)))
    sensed_for(world.kernel.state, BTC).scenarios.followed.append(
        Followed(name=spec.name, status="RUNNING", running_ns=world.now_ns)
    )
    return world


def scenario(**changes: object) -> ScenarioSpec:
    watch = Watch(low=75_000.0, high=75_000.0, event=ZoneEvent.BROKEN_DOWN)
    spec = ScenarioSpec(name="break", symbol=BTC, says="75k is gone", stages=(watch,))
    return msgspec.structs.replace(spec, **changes)


def test_a_running_scenario_caps_the_size_raises_the_threat_and_forbids_a_side() -> None:
    full = float(done(ready(), WISH).qty)
    smaller = done(running(scenario(size_factor=0.5)), WISH)
    assert smaller.binding == "scenario"
    assert float(smaller.qty) == pytest.approx(0.5 * full, abs=0.001)
    tense = done(running(scenario(threat_add=2)), WISH)
    assert float(tense.qty) == pytest.approx(0.6 * full, abs=0.001)
    no = refused(running(scenario(allowed_sides=(SHORT,))), WISH)
    assert no.reason is RefusalReason.SCENARIO_FORBIDS
    assert "75k is gone" in no.limit
