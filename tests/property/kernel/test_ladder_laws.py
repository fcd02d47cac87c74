"""The ladder: worse never allows more, and nothing near a threshold makes it act twice a minute."""

import math
from decimal import Decimal
from itertools import pairwise

import msgspec
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from bot.domain.messages import Fill, PositionUpdate, Record
from bot.domain.orders import PositionSide, Purpose
from bot.domain.policy import RulePolicy
from bot.domain.units import NS_PER_S
from bot.kernel import ladder
from bot.kernel.view import held
from tests.fakes.kernel_world import BTC, PATIENT, World, orders_of, policy, position
from tests.unit.kernel.rules.rule_kit import Kit

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT

# ------------------------------------------------------------------ monotone

BETTER_TO_WORSE = {
    "margin": [3_000.0, 800.0, 500.0, 330.0, 320.0, 312.0, 306.0],
    "threat": [1, 2, 3, 4, 5],
    "own_day": [0.0, -50.0, -101.0, -199.0, -201.0],
    "own_week": [0.0, -200.0, -301.0, -499.0, -501.0],
    "peak": [10_000.0, 10_500.0, 11_200.0, 11_900.0, 13_000.0],
    "atr_1h": [20.0, 100.0, 200.0, 400.0, 800.0],
    "froth": [0.1, 0.79, 0.81, 0.95],
    "price_age_s": [0.0, 4.0, 6.0, 120.0],
    "refused": [0, 1, 3, 10],
    "adl": [0, 2, 3, 4],
    "funding": [-0.001, 0.0001, 0.0006, 0.002],
    "bare_s": [0.0, 1.0, 3.0],
}
"""What a rule measures, in the order in which it gets worse."""
STRICT = RulePolicy()
RUNGS = st.fixed_dictionaries(
    {name: st.integers(0, len(values) - 1) for name, values in BETTER_TO_WORSE.items()}
)


def judged(kit: Kit, rungs: dict[str, int]) -> ladder.Verdict:
    """Set the facts and ask the ladder."""
    at = {name: values[rungs[name]] for name, values in BETTER_TO_WORSE.items()}
    state, now_ns = kit.state, kit.state.now_ns
    kit.leg.isolated_margin_usd = Decimal(repr(at["margin"]))
    kit.market.atr_1h = at["atr_1h"]
    kit.market.funding_frac = at["funding"]
    kit.market.funding_ns = kit.market.open_interest_ns = now_ns
    kit.market.mark_received_ns = now_ns - round(at["price_age_s"] * NS_PER_S)
    state.anchors.own_day_usd, state.anchors.own_week_usd = at["own_day"], at["own_week"]
    state.anchors.high_water_usd = at["peak"]
    state.order_ends = [(now_ns, n < at["refused"]) for n in range(12)]
    kit.leg.adl_rank = at["adl"]
    kit.leg.uncovered_since_ns = now_ns - round(at["bare_s"] * NS_PER_S) if at["bare_s"] else 0
    kit.judged(threat=at["threat"], froth=at["froth"], severities={"fund_froth": 1.0})
    return ladder.judge(kit.desk, kit.view)


def kit_of(*, own: bool) -> Kit:
    return Kit(policy(rules=STRICT), own=own)


@settings(max_examples=300, deadline=None)
@given(rungs=RUNGS, data=st.data(), own=st.booleans())
def test_worse_inputs_never_allow_more(rungs: dict, data: st.DataObject, own: bool) -> None:
    names = data.draw(st.lists(st.sampled_from(sorted(BETTER_TO_WORSE)), min_size=1, max_size=4))
    worse = dict(rungs)
    for name in names:
        worse[name] = data.draw(st.integers(rungs[name], len(BETTER_TO_WORSE[name]) - 1))
    here, there = judged(kit_of(own=own), rungs), judged(kit_of(own=own), worse)
    assert there.factor <= here.factor
    assert there.blocked >= here.blocked


@settings(max_examples=100, deadline=None)
@given(
    tape=st.lists(st.tuples(st.integers(1, 5), st.integers(0, 4), st.floats(0.02, 9.0)),
                  min_size=1, max_size=25),
    own=st.booleans(),
)  # fmt: skip
@example(tape=[(1, 3, 1.0), (3, 0, 1.0), (1, 0, 2.0), (1, 0, 4.0)], own=True)
def test_a_worse_history_never_allows_more_at_any_moment(tape: list, own: bool) -> None:
    """Two accounts live through the same hours; Threat in one is never lower than in the other.

    Without the longer cool-down of repetition: that one is meant for who swings, not for who is
    worse off.
    """
    steady = msgspec.structs.replace(STRICT.ladder, cool_down_max_h=STRICT.ladder.cool_down_h)
    rules = msgspec.structs.replace(STRICT, ladder=steady)
    kits = [Kit(policy(rules=rules), own=own) for _ in range(2)]
    calm = dict.fromkeys(BETTER_TO_WORSE, 0)
    for threat, more, hours in tape:
        verdicts = []
        for kit, level in zip(kits, (threat, min(threat + more, 5)), strict=True):
            kit.wait(hours)
            verdicts.append(judged(kit, {**calm, "threat": level - 1}))
        assert verdicts[1].factor <= verdicts[0].factor + 1e-12


@settings(max_examples=200, deadline=None)
@given(rungs=RUNGS, own=st.booleans())
def test_no_rule_ever_raises_and_the_least_share_counts(rungs: dict, own: bool) -> None:
    verdict = judged(kit_of(own=own), rungs)
    assert 0.0 <= verdict.factor <= 1.0
    assert verdict.factor == min([1.0, *(d.exposure_factor for d in verdict.demands)])


# ------------------------------------------------------------------ a sine around a threshold

ENTERS = [step.enter for step in RulePolicy().margin_ratio]


def near_liquidation(side: PositionSide) -> World:
    """0.5 BTC at 25x in an account whose budget alone would not cut it."""
    rules = msgspec.structs.replace(PATIENT, stop_missing_s=1e9)
    world = World(policy(rules=rules))
    world.warm(span=40.0)
    world.account()
    found = position(side, "0.040", "76000", ns=world.now_ns + 10**9, margin="122")
    world.accept_all(world.account("10000", [found]))
    return world


def price_at_ratio(side: PositionSide, enter: float) -> float:
    """Return the mark at which 0.04 BTC at 76,000 on 122 USD of margin has this ratio."""
    low, high = 0.0, 122.0 / 0.04
    for _ in range(80):
        move = 0.5 * (low + high)
        mark = 76_000.0 - side.sign * move
        ratio = 0.004 * 0.04 * mark / (122.0 - 0.04 * move)
        low, high = (low, move) if ratio >= enter else (move, high)
    return 76_000.0 - side.sign * low


def answer(world: World, order: object) -> None:
    """The venue fills a cut at the mark and releases margin pro rata."""
    (leg,) = world.kernel.state.legs.values()
    before, margin = leg.qty, leg.isolated_margin_usd
    ns = world.later(0.02)
    qty = min(order.qty, before)
    world.step(
        Fill(
            symbol=BTC, trade_id=f"t{ns}", client_order_id=order.client_order_id,
            venue_order_id="v", side=order.side, position_side=None, qty=qty,
            price=Decimal(repr(world.kernel.state.markets[BTC].mark)), fee_usd=Decimal(0),
            realized_pnl_usd=Decimal(0), is_maker=False, event_ns=ns, received_ns=ns,
        )
    )  # fmt: skip
    left = before - qty
    if left > 0:
        ns = world.later(0.02)
        share = (margin * left / before).quantize(Decimal("0.01"))
        place = position(leg.side, str(left), "76000", ns=ns, margin=str(share))
        world.step(PositionUpdate(ns, ns, place))


@settings(max_examples=60, deadline=None)
@given(
    side=st.sampled_from([LONG, SHORT]), enter=st.sampled_from(ENTERS),
    width=st.floats(0.00005, 0.01), period_s=st.floats(2.0, 600.0), step_s=st.floats(0.5, 5.0),
)  # fmt: skip
def test_a_sine_around_a_threshold_acts_at_most_once_a_minute(
    side: PositionSide, enter: float, width: float, period_s: float, step_s: float
) -> None:
    world = near_liquidation(side)
    middle = price_at_ratio(side, enter)
    acted: list[int] = []
    for n in range(240):
        if not held(world.kernel.state, world.kernel.policy):
            break
        wave = math.sin(2.0 * math.pi * n * step_s / period_s)
        effects = world.mark(middle * (1.0 + width * wave), after_s=step_s)
        acted += [
            world.now_ns
            for e in effects
            if isinstance(e, Record) and e.decision.kind in ("cut", "flatten")
        ]
        for order in orders_of(effects):
            if order.purpose in (Purpose.CUT, Purpose.FLATTEN):
                answer(world, order)
            else:
                world.accept_all(effects)
    gaps = [(b - a) / NS_PER_S for a, b in pairwise(acted)]
    closing = world.kernel.state.legs and not held(world.kernel.state, world.kernel.policy)
    assume(acted)
    assert all(gap >= 60.0 for gap in gaps[: len(gaps) - bool(closing)]), gaps
    assert len(acted) <= 2 + 240 * step_s / 60.0


@pytest.mark.parametrize("enter", ENTERS)
def test_the_price_of_a_ratio_is_found(enter: float) -> None:
    for side in (LONG, SHORT):
        kit = Kit(own=False, long=side is LONG)
        kit.leg.qty, kit.leg.isolated_margin_usd = Decimal("0.04"), Decimal(122)
        kit.mark(price_at_ratio(side, enter))
        assert kit.view.margin_ratio() == pytest.approx(enter)
