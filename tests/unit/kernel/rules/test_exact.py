"""What each rule says to the last word and digit: at its limit, a hair beside it, and unknown."""

import math
from collections.abc import Callable
from decimal import Decimal

import msgspec
import pytest

from bot.domain.account import MarginMode
from bot.domain.market import EventWindow
from bot.domain.orders import OrderKind, OrderSide, OrderStatus, PositionSide, Purpose
from bot.domain.policy import LimitPolicy, RulePolicy, Step
from bot.domain.risk import Demand, Gauge
from bot.domain.units import NS_PER_DAY, NS_PER_MIN, NS_PER_S
from bot.kernel.clusters import grid
from bot.kernel.levels.state import LevelZone
from bot.kernel.market import Bar
from bot.kernel.rules import RULES, scopes_of
from bot.kernel.rules._ladder import anew, demanded, factor_in_force, next_enter, stepped
from bot.kernel.rules._money import believed_equity_usd
from bot.kernel.rules.drawdown import grossman_zhou
from bot.kernel.snapshot import Leg, OrderBelief, Rung, leg_key
from tests.fakes.kernel_world import BTC, PATIENT, policy
from tests.unit.kernel.rules.rule_kit import Kit

BY_NAME = {rule.NAME: rule for rule in RULES}
SHORT = PositionSide.SHORT
Change = Callable[[Kit], None]


def kit_with(*, own: bool = True, long: bool = True, **rules: object) -> Kit:
    return Kit(policy(rules=msgspec.structs.replace(PATIENT, **rules)), own=own, long=long)


def ask(kit: Kit, name: str, before: float = 1.0, since_ns: int | None = None) -> Demand | None:
    view = kit.view
    if before < 1.0:
        view.rungs = {name: Rung(before, kit.state.now_ns if since_ns is None else since_ns)}
    return BY_NAME[name].demand(view)


def said(found: Demand | None) -> tuple[object, ...] | None:
    """All of a demand; numbers that do not exist are words."""
    if found is None:
        return None
    numbers = tuple(
        "nothing" if math.isnan(number) else round(number, 9)
        for number in (found.measured, found.limit)
    )
    return (
        found.rule, found.symbol, round(found.exposure_factor, 9), found.reason, *numbers,
        found.blocks_entries,
    )  # fmt: skip


def gauged(kit: Kit, name: str) -> tuple[object, ...]:
    found: Gauge = BY_NAME[name].gauge(kit.view)
    measured = None if found.measured is None else round(found.measured, 9)
    return (measured, found.limit, found.unit, found.rising)


def unknown(name: str, reason: str, before: float = 1.0) -> tuple[object, ...]:
    return (name, BTC, before, reason, "nothing", "nothing", True)


# ------------------------------------------------------------------ ladder and money


def test_a_step_in_force_is_told_with_its_own_threshold() -> None:
    view = Kit().view
    steps = (Step(1.0, 0.5, 0.5), Step(2.0, 1.5, 0.0))
    assert said(demanded(view, "n", steps, 1.25, "why", 0.5)) == (
        "n", BTC, 0.5, "why", 1.25, 1.0, True,
    )  # fmt: skip
    assert demanded(view, "n", steps, 1.25, "why", 1.0) is None
    assert said(demanded(view, "n", steps, 1.25, "why", 0.0))[5] == 2.0
    assert said(anew(view, "n", steps, 1.0, "why")) == ("n", BTC, 0.5, "why", 1.0, 1.0, True)
    assert anew(view, "n", steps, 0.999, "why") is None
    view.rungs = {"n": Rung(0.5, 1)}
    assert anew(view, "n", steps, 0.75, "why") is None, "whatever was in force"
    assert said(stepped(view, "n", steps, 0.75, "why", rising=True))[2] == 0.5
    assert stepped(view, "n", steps, 0.75, "why", rising=True, way_out=0.4) is None
    assert said(stepped(view, "n", steps, 0.4, "why", rising=True, way_out=0.75))[2] == 0.5


def test_falling_steps_are_left_upwards() -> None:
    steps = (Step(3.0, 3.5, 0.75),)
    assert factor_in_force(steps, 3.4, 0.75, rising=False) == 0.75
    assert factor_in_force(steps, 3.4, 1.0, rising=False) == 1.0
    assert factor_in_force(steps, 3.6, 0.75, rising=False) == 1.0
    assert factor_in_force(steps, 3.6, 0.75, rising=False, way_out=3.2) == 0.75
    assert [next_enter(steps, value, rising=False) for value in (None, 3.1, 3.0, 2.0)] == [
        3.0, 3.0, None, None,
    ]  # fmt: skip


def test_the_next_step_is_the_nearest_in_whatever_order_they_are_written() -> None:
    """risk.toml writes them by value: `risk` once told 0.75 daily ranges where 1.25 acts first."""
    falling = (Step(0.75, 1.25, 0.0), Step(1.25, 1.75, 0.25))
    for steps in (falling, falling[::-1]):
        asked = [next_enter(steps, value, rising=False) for value in (None, 5.0, 1.0, 0.5)]
        assert asked == [1.25, 1.25, 0.75, None]
    rising = (Step(0.5, 0.4, 0.5), Step(0.35, 0.28, 0.75))
    for steps in (rising, rising[::-1]):
        asked = [next_enter(steps, value, rising=True) for value in (None, 0.1, 0.4, 0.6)]
        assert asked == [0.35, 0.35, 0.5, None]


def test_rules_are_silent_when_each_is_off_and_only_then() -> None:
    off = dict.fromkeys(BY_NAME, "off")
    assert set(scopes_of(RulePolicy(acts_on=off))) == {"off"}
    for name in BY_NAME:
        scopes = dict(
            zip(BY_NAME, scopes_of(RulePolicy(acts_on={**off, name: "own"})), strict=True)
        )
        assert scopes == {**off, name: "own"}
    assert "off" in scopes_of(RulePolicy())
    assert "all" in scopes_of(RulePolicy())
    assert list(BY_NAME) == sorted(BY_NAME)
    assert len(BY_NAME) == 17


def test_equity_is_believed_without_its_unexplained_jump() -> None:
    kit = Kit()
    kit.mark(77_000.0)
    assert believed_equity_usd(kit.state) == pytest.approx(10_100.0)
    kit.state.unexplained_usd = -700.0
    assert believed_equity_usd(kit.state) == pytest.approx(10_100.0), "explained by now"
    kit.state.unexplained_ns = 1
    assert believed_equity_usd(kit.state) == pytest.approx(10_800.0)
    kit.state.wallet_ns = 1
    assert believed_equity_usd(kit.state) == pytest.approx(10_800.0)
    kit.state.wallet_ns = 0
    assert believed_equity_usd(kit.state) is None


def test_equity_is_not_believed_while_a_fill_and_the_wallet_disagree() -> None:
    kit = Kit()
    kit.state.fill_ns = kit.state.fill_seen_ns = kit.state.now_ns
    kit.state.wallet_ns = kit.state.now_ns - 1
    assert believed_equity_usd(kit.state) is None


# ------------------------------------------------------------------ adl_rank

QUEUE = "first in the queue for auto-deleveraging (lights)"


def hedged(kit: Kit, qty: str = "0.1") -> Kit:
    kit.state.legs[leg_key(BTC, SHORT)] = Leg(
        symbol=BTC, side=SHORT, qty=Decimal(qty), entry_price=Decimal(76_000)
    )
    return kit


def ranked(rank: int | None, entry: int = 70_000, **rules: object) -> Kit:
    kit = kit_with(**rules)
    kit.leg.adl_rank, kit.leg.entry_price = rank, Decimal(entry)
    return kit


def test_the_queue_for_adl() -> None:
    half = ("adl_rank", BTC, 0.5, QUEUE, 4.0, 4.0, True)
    block = ("adl_rank", BTC, 1.0, QUEUE, 4.0, 4.0, True)
    assert said(ask(hedged(ranked(3)), "adl_rank")) == half
    assert said(ask(hedged(ranked(4)), "adl_rank")) == (*half[:4], 5.0, 4.0, True)
    assert ask(hedged(ranked(2)), "adl_rank") is None
    assert said(ask(hedged(ranked(3, 76_000)), "adl_rank")) == block, "no profit to take"
    assert said(ask(hedged(ranked(3, 75_999)), "adl_rank")) == half
    assert said(ask(ranked(3), "adl_rank")) == block, "it hedges nothing"
    assert said(ask(hedged(ranked(3), "0"), "adl_rank")) == block
    assert ask(ranked(2), "adl_rank") is None
    assert said(ask(ranked(4), "adl_rank")) == (*block[:4], 5.0, 4.0, True)
    own_side = ranked(3)
    own_side.state.legs["other"] = msgspec.structs.replace(own_side.leg)
    assert said(ask(own_side, "adl_rank")) == block, "two legs of one side hedge nothing"


def test_the_queue_for_adl_lets_go_a_light_lower() -> None:
    held = ("adl_rank", BTC, 0.5, QUEUE, 3.0, 4.0, True)
    assert said(ask(ranked(2), "adl_rank", 0.5)) == held
    assert ask(ranked(1), "adl_rank", 0.5) is None
    assert said(ask(ranked(3), "adl_rank", 0.5)) == (*held[:4], 4.0, 4.0, True)
    assert said(ask(ranked(None), "adl_rank", 0.5)) == unknown(
        "adl_rank", "its rank is not known", 0.5
    )
    assert ask(ranked(None), "adl_rank") is None
    flat = ranked(3)
    flat.leg.qty = Decimal(0)
    assert ask(flat, "adl_rank") is None
    tiny = hedged(ranked(3))
    tiny.leg.qty = Decimal("0.5")
    assert said(ask(tiny, "adl_rank")) is not None
    words = (4.0, "lights of five in the ADL queue", True)
    assert gauged(ranked(3), "adl_rank") == (4.0, *words)
    assert gauged(ranked(0), "adl_rank") == (1.0, *words)
    assert gauged(ranked(None), "adl_rank") == (None, *words)


# ------------------------------------------------------------------ losses and the peak


def losing(day: float = 0.0, week: float = 0.0) -> Kit:
    """What was lost, and an open result of nothing: the fee of the way out is in the anchor."""
    kit = Kit()
    fee = -0.0005 * 7_600.0
    kit.state.anchors.own_open_day_usd = kit.state.anchors.own_open_week_usd = fee
    kit.state.anchors.own_day_usd, kit.state.anchors.own_week_usd = day, week
    return kit


@pytest.mark.parametrize(
    ("name", "lost", "factor", "limit"),
    [
        ("daily_loss", 100.0, 0.5, 0.01), ("daily_loss", 199.99, 0.5, 0.01),
        ("daily_loss", 200.0, 0.0, 0.02), ("daily_loss", 99.99, None, 0.01),
        ("weekly_loss", 300.0, 0.5, 0.03), ("weekly_loss", 499.99, 0.5, 0.03),
        ("weekly_loss", 500.0, 0.0, 0.05), ("weekly_loss", 299.99, None, 0.03),
    ],
)  # fmt: skip
def test_losses_of_day_and_week(name: str, lost: float, factor: float | None, limit: float) -> None:
    word = name.removesuffix("ly_loss").replace("dai", "day")
    kit = losing(day=-lost) if name == "daily_loss" else losing(week=-lost)
    wanted = (name, BTC, factor, f"strategies' {word} loss above limit", lost / 1e4, limit, True)
    found = said(ask(kit, name))
    assert found == (None if factor is None else (*wanted[:4], round(lost / 1e4, 9), *wanted[5:]))
    this = "today" if word == "day" else "this week"
    limits = {"daily_loss": (0.01, 0.02), "weekly_loss": (0.03, 0.05)}[name]
    following = next((each for each in limits if lost / 1e4 < each), None)
    assert gauged(kit, name) == (
        round(lost / 1e4, 9), following, f"strategies' loss {this}", True,
    )  # fmt: skip


@pytest.mark.parametrize(("name", "word"), [("daily_loss", "day"), ("weekly_loss", "week")])
def test_a_loss_without_a_known_beginning(name: str, word: str) -> None:
    kit = losing()
    kit.state.anchors.day_start_usd = kit.state.anchors.week_start_usd = 0.0
    why = f"equity at the start of the {word} is not known"
    assert said(ask(kit, name, 0.5)) == unknown(name, why, 0.5)
    assert gauged(kit, name)[:2] == (None, {"day": 0.01, "week": 0.03}[word])
    kit.state.anchors.day_start_usd = kit.state.anchors.week_start_usd = 0.5
    assert ask(kit, name, 0.5) is None


def test_the_open_result_counts_from_where_the_day_and_the_week_began() -> None:
    kit = losing()
    kit.mark(75_000.0)
    fee = 0.0005 * (7_500.0 - 7_600.0)
    lost = round((100.0 + fee) / 10_000.0, 9)
    assert gauged(kit, "daily_loss")[0] == gauged(kit, "weekly_loss")[0] == lost
    kit.state.anchors.own_open_day_usd -= 100.0
    assert gauged(kit, "daily_loss")[0] == round(fee / 10_000.0, 9)
    kit.state.anchors.own_open_week_usd -= 100.0
    assert gauged(kit, "weekly_loss")[0] == round(fee / 10_000.0, 9)
    kit.state.anchors.day_start_usd = kit.state.anchors.week_start_usd = 5_000.0
    assert gauged(kit, "daily_loss")[0] == gauged(kit, "weekly_loss")[0] == round(fee / 5e3, 9)


@pytest.mark.parametrize("before_it_ns", [0, 1])
def test_a_halt_belongs_to_its_day_and_its_week(before_it_ns: int) -> None:
    kit = losing()
    kit.judged(cascade="CALM")
    anchors = kit.state.anchors
    day_ns, week_ns = anchors.day * NS_PER_DAY, (anchors.week * 7 - 3) * NS_PER_DAY
    day = said(ask(kit, "daily_loss", 0.0, day_ns - before_it_ns))
    week = said(ask(kit, "weekly_loss", 0.0, week_ns - before_it_ns))
    if before_it_ns:
        assert (day, week) == (None, None)
        assert ask(kit, "daily_loss", 0.5, day_ns) is None, "half a size is no halt"
        assert ask(kit, "weekly_loss", 0.5, week_ns) is None
        kit.judged(cascade="ACTIVE")
        assert said(ask(kit, "daily_loss", 0.0, day_ns - 1))[2] == 0.0
        kit.sensed.assessment = None
        assert said(ask(kit, "daily_loss", 0.0, day_ns - 1))[2] == 0.0, "nobody looked"
        return
    assert day == ("daily_loss", BTC, 0.0, "strategies' day loss above limit", 0.0, 0.02, True)
    assert week == ("weekly_loss", BTC, 0.0, "strategies' week loss above limit", 0.0, 0.05, True)


FALL = "equity under its peak by more than the limit"


@pytest.mark.parametrize(
    ("equity", "factor", "limit", "following"),
    [
        (9_001.0, None, None, 0.10), (8_999.99, 0.5, 0.10, 0.15), (8_501.0, 0.5, 0.10, 0.15),
        (8_499.99, 0.0, 0.15, None),
    ],
)  # fmt: skip
def test_the_fall_from_the_peak(
    equity: float, factor: float | None, limit: float, following: float | None
) -> None:
    kit = Kit()
    kit.state.wallet_usd = Decimal(repr(equity))
    fall = round(1.0 - equity / 10_000.0, 9)
    wanted = ("drawdown", BTC, factor, FALL, fall, limit, True)
    assert said(ask(kit, "drawdown")) == (None if factor is None else wanted)
    assert gauged(kit, "drawdown") == (fall, following, "fall from the peak", True)


def test_the_fall_along_the_curve() -> None:
    kit = kit_with(grossman_zhou=True)
    table = (
        (9_501.0, None, 1.0), (9_499.99, 0.05, 0.701754386), (9_199.99, 0.08, 0.507246377),
        (8_999.99, 0.10, 0.37037037), (8_799.99, 0.12, 0.227272727), (8_499.99, 0.15, 0.0),
    )  # fmt: skip
    for equity, limit, factor in table:
        kit.state.wallet_usd = Decimal(repr(equity))
        fall = round(1.0 - equity / 10_000.0, 9)
        found = said(ask(kit, "drawdown"))
        wanted = ("drawdown", BTC, factor, FALL, fall, limit, factor <= 0.0)
        assert found == (None if limit is None else wanted)
    assert gauged(kit, "drawdown") == (0.150001, None, "fall from the peak", True)
    kit.state.wallet_usd = Decimal(9_599)
    assert gauged(kit, "drawdown")[:2] == (0.0401, 0.05)
    assert said(ask(kit, "drawdown", grossman_zhou(0.05, 0.85)))[2] == 0.701754386, (
        "left at 4 percent"
    )
    kit.state.wallet_usd = Decimal(9_601)
    assert ask(kit, "drawdown", grossman_zhou(0.05, 0.85)) is None
    deep = kit_with(grossman_zhou=True, grossman_zhou_alpha=0.9)
    deep.state.wallet_usd = Decimal(8_999)
    assert said(ask(deep, "drawdown"))[2:6] == (0.0, FALL, 0.1001, 0.1)


@pytest.mark.parametrize("flaw", ["no peak", "no equity"])
def test_a_fall_that_is_not_known(flaw: str) -> None:
    kit = Kit()
    if flaw == "no peak":
        kit.state.anchors.high_water_usd = 0.0
    else:
        kit.state.wallet_ns = 0
    why = "the fall from the peak is not known just now"
    assert said(ask(kit, "drawdown", 0.5)) == unknown("drawdown", why, 0.5)
    assert gauged(kit, "drawdown") == (None, 0.10, "fall from the peak", True)
    kit.state.wallet_ns, kit.state.anchors.high_water_usd = 1, 0.5
    assert ask(kit, "drawdown") is None, "half a dollar is a peak"


# ------------------------------------------------------------------ close_out


def retail(equity: str, own: bool = False) -> Kit:
    rules = msgspec.structs.replace(PATIENT, close_out_frac=0.5)
    kit = Kit(policy(rules=rules, limits=LimitPolicy(leverage_max=2.0)), own=own)
    kit.state.wallet_usd = Decimal(equity)
    return kit


def test_the_close_out_of_a_region() -> None:
    why = "equity under the region's share of initial margin"
    unit = "equity over initial margin, acts below"
    assert ask(retail("1900"), "close_out") is None, "at half it stands"
    assert said(ask(retail("1881"), "close_out")) == (
        "close_out", BTC, 0.0, why, 0.495, 0.5, True,
    )  # fmt: skip
    assert gauged(retail("1881"), "close_out") == (0.495, 0.5, unit, False)
    none = Kit()
    assert ask(none, "close_out") is None
    assert gauged(none, "close_out") == (None, None, unit, False)
    lost = retail("1881")
    lost.state.wallet_ns = 0
    assert said(ask(lost, "close_out", 0.5)) == unknown(
        "close_out", "equity is not known just now", 0.5
    )
    assert gauged(lost, "close_out") == (None, 0.5, unit, False)
    flat = retail("1881")
    flat.leg.qty = Decimal(0)
    assert ask(flat, "close_out") is None
    assert gauged(flat, "close_out") == (None, 0.5, unit, False)
    small = retail("1")
    small.leg.qty, small.leg.entry_price = Decimal("0.001"), Decimal(1_000)
    small.mark(1_000.0)
    assert gauged(small, "close_out")[0] == 2.0, "half a dollar of margin is margin"
    assert ask(small, "close_out") is None
    high = retail("1881")
    high.mark(80_000.0)
    assert gauged(high, "close_out")[0] == round((1_881.0 + 400.0) / 3_800.0, 9)


# ------------------------------------------------------------------ event_window


def test_an_announced_event_is_told_with_the_time_left() -> None:
    kit = Kit()
    now_ns = kit.state.now_ns
    unit = "seconds of an announced event left"
    assert ask(kit, "event_window") is None
    assert gauged(kit, "event_window") == (0.0, 0.0, unit, True)
    rates = EventWindow("rates", now_ns, now_ns + 90 * NS_PER_S, 3)
    jobs = EventWindow("jobs", now_ns - NS_PER_S, now_ns + 240 * NS_PER_S, 3)
    over = EventWindow("over", now_ns - 9 * NS_PER_S, now_ns, 3)
    kit.sensed.senses.windows["calendar"] = (over, rates, jobs)
    assert said(ask(kit, "event_window")) == (
        "event_window", BTC, 1.0, "announced event: rates (s left)", 90.0, 0.0, True,
    )  # fmt: skip
    assert gauged(kit, "event_window") == (240.0, 0.0, unit, True)
    kit.state.sensed.clear()
    assert gauged(kit, "event_window") == (0.0, 0.0, unit, True)
    assert ask(kit, "event_window") is None


# ------------------------------------------------------------------ funding_cost

APR = "funding paid a year above limit"
COST = "funding to the horizon above its share of the trade's risk"


def paying(rate: float, risk_usd: float = 1e12, *, long: bool = True, **rules: object) -> Kit:
    kit = kit_with(long=long, **rules)
    kit.market.funding_frac = rate
    assert kit.leg.trade is not None
    kit.leg.trade.risk_usd = risk_usd
    return kit


def test_funding_by_the_year() -> None:
    at = 0.6 / 1_095.0
    assert ask(paying(at * 0.999), "funding_cost") is None
    assert said(ask(paying(at * 1.01), "funding_cost")) == (
        "funding_cost", BTC, 0.5, APR, 0.606, 0.6, True,
    )  # fmt: skip
    assert ask(paying(at * 1.01, long=False), "funding_cost") is None, "a short is paid"
    assert said(ask(paying(-at * 1.01, long=False), "funding_cost"))[2:5] == (0.5, APR, 0.606)
    assert said(ask(paying(at * 0.76), "funding_cost", 0.5))[2] == 0.5
    assert ask(paying(at * 0.74), "funding_cost", 0.5) is None
    unit = (0.6, "funding paid a year", True)
    assert gauged(paying(at), "funding_cost") == (0.6, *unit)
    assert gauged(paying(at, long=False), "funding_cost") == (-0.6, *unit)
    assert gauged(paying(0.0001), "funding_cost") == (0.1095, *unit)
    lost = paying(at, flows_stale_s=600.0)
    lost.market.funding_frac = None
    assert gauged(lost, "funding_cost") == (None, *unit)
    assert said(ask(lost, "funding_cost", 0.5)) == unknown(
        "funding_cost", "the funding rate is not known", 0.5
    )


def test_funding_by_the_risk_of_the_trade() -> None:
    kit = paying(0.0001)
    horizon_h = kit.desk.policy.sizing.horizon_h
    cost_usd = 0.0001 * horizon_h / 8.0 * 7_600.0
    risky = paying(0.0001, cost_usd / 0.25)
    assert said(ask(risky, "funding_cost")) == (
        "funding_cost", BTC, 0.5, COST, 0.25, 0.2, True,
    )  # fmt: skip
    assert said(ask(paying(0.0001, cost_usd / 0.16), "funding_cost", 0.5))[3:6] == (COST, 0.16, 0.2)
    assert ask(paying(0.0001, cost_usd / 0.19), "funding_cost") is None
    assert ask(paying(0.0001, cost_usd / 0.14), "funding_cost", 0.5) is None
    assert ask(paying(0.0001, 0.0), "funding_cost") is None, "a risk that is not known"
    assert said(ask(paying(0.0001, 0.5), "funding_cost"))[3] == COST, "half a dollar is a risk"
    bare = paying(0.0001, cost_usd)
    bare.leg.trade = None
    assert ask(bare, "funding_cost") is None
    flat = paying(0.0001, cost_usd)
    flat.leg.qty = Decimal(0)
    assert ask(flat, "funding_cost") is None
    dear = paying(0.001, 0.001 * horizon_h / 8.0 * 7_600.0 / 0.3)
    assert said(ask(dear, "funding_cost"))[3:6] == (APR, 1.095, 0.6), "the larger share speaks"


def due(kit: Kit, left_s: float) -> Kit:
    interval_ns = 28_800 * NS_PER_S
    kit.state.now_ns += interval_ns - kit.state.now_ns % interval_ns - round(left_s * NS_PER_S)
    return kit


def test_a_dear_settlement_closes_the_minutes_before_it() -> None:
    free = {"funding_apr_max": 100.0}
    block = "a funding payment of 0.0500% is due (s)"
    assert said(ask(due(paying(0.0005, **free), 900.0), "funding_cost")) == (
        "funding_cost", BTC, 1.0, block, 900.0, 900.0, True,
    )  # fmt: skip
    assert ask(due(paying(0.0005, **free), 901.0), "funding_cost") is None
    assert ask(due(paying(0.00049, **free), 60.0), "funding_cost") is None
    assert ask(due(paying(0.0005, long=False, **free), 60.0), "funding_cost") is None
    assert said(ask(due(paying(-0.0007, long=False, **free), 60.0), "funding_cost"))[3] == (
        "a funding payment of 0.0700% is due (s)"
    )


# ------------------------------------------------------------------ levels

BEYOND = "a level behind the position broke against it (hourly ranges beyond it)"


def behind(mark: float, *zones: LevelZone, long: bool = True) -> Kit:
    kit = Kit(long=long)
    kit.mark(mark)
    kit.market.zones = list(zones)
    return kit


def zone(low: float, high: float, side: int = -1, state: str = "BROKEN") -> LevelZone:
    return LevelZone(name="x", low=low, high=high, side=side, state=state)


def test_a_level_that_broke_is_measured_from_its_far_edge() -> None:
    found = behind(75_000.0, zone(75_200.0, 75_600.0))
    assert said(ask(found, "level_broken")) == (
        "level_broken", BTC, 0.5, BEYOND, 0.5, 0.0, True,
    )  # fmt: skip
    unit = (0.0, "hourly ranges beyond a broken level", True)
    assert gauged(found, "level_broken") == (0.5, *unit)
    above = behind(77_000.0, zone(76_400.0, 76_800.0, 1), long=False)
    assert said(ask(above, "level_broken"))[2:6] == (0.5, BEYOND, 0.5, 0.0)
    both = behind(75_000.0, zone(75_200.0, 75_200.0), zone(75_400.0, 75_400.0))
    assert gauged(both, "level_broken") == (1.0, *unit), "the deepest counts"
    rejected = behind(75_000.0, zone(75_200.0, 75_200.0, state="RETEST_REJECTED"))
    assert said(ask(rejected, "level_broken"))[2] == 0.5
    for quiet in (
        zone(75_200.0, 75_200.0, state="ACTIVE"),
        zone(75_200.0, 75_200.0, side=1),
        zone(75_000.0, 75_000.0),
        zone(75_961.0, 75_961.0),
    ):
        kit = behind(75_000.0, quiet)
        assert gauged(kit, "level_broken") == (None, *unit), quiet
        assert ask(kit, "level_broken") is None
    edge = behind(75_000.0, zone(75_960.0, 75_960.0))
    assert gauged(edge, "level_broken")[0] == 2.4, "a tenth of a range behind the entry counts"


def test_a_level_lets_go_a_quarter_range_back_and_wants_a_range() -> None:
    back = behind(75_000.0, zone(74_950.0, 74_950.0))
    assert ask(back, "level_broken", 0.5) is None, "minus one: no level at all lies beyond"
    for spoil in ("qty", "atr"):
        kit = behind(75_000.0, zone(75_200.0, 75_200.0))
        if spoil == "qty":
            kit.leg.qty = Decimal(0)
        else:
            kit.market.atr_1h = 0.0
        assert ask(kit, "level_broken", 0.5) is None
        assert gauged(kit, "level_broken")[0] is None
    small = behind(75_000.0, zone(75_200.0, 75_200.0))
    small.market.atr_1h = 0.5
    assert gauged(small, "level_broken")[0] == 400.0


# ------------------------------------------------------------------ liquidation and margin

NEAR = "liquidation nearer than limit (daily ranges)"
RANGES = "daily ranges to liquidation, acts below"


def near(ranges: float, *, own: bool = True) -> Kit:
    """A venue's liquidation price so many daily ranges below the mark."""
    kit = Kit(own=own)
    day = 400.0 * math.sqrt(24.0)
    kit.leg.isolated_margin_usd = Decimal(7_000)
    kit.leg.venue_liq_price = Decimal(repr(76_000.0 - ranges * day))
    return kit


@pytest.mark.parametrize(
    ("ranges", "own", "factor", "limit", "following"),
    [
        (3.01, True, None, None, 3.0), (2.99, True, 0.75, 3.0, 2.0), (1.9, True, 0.5, 2.0, 1.25),
        (1.2, True, 0.25, 1.25, 0.75), (0.7, True, 0.0, 0.75, None),
        (1.3, False, None, None, 1.25), (1.2, False, 0.25, 1.25, 0.75),
        (0.7, False, 0.0, 0.75, None),
    ],
)  # fmt: skip
def test_the_way_to_liquidation(
    ranges: float, own: bool, factor: float | None, limit: float, following: float | None
) -> None:
    kit = near(ranges, own=own)
    wanted = ("liquidation_distance", BTC, factor, NEAR, ranges, limit, True)
    assert said(ask(kit, "liquidation_distance")) == (None if factor is None else wanted)
    assert gauged(kit, "liquidation_distance") == (ranges, following, RANGES, False)


def test_a_way_to_liquidation_that_is_not_known() -> None:
    lost = Kit()
    lost.leg.isolated_margin_usd, lost.leg.margin_mode = None, MarginMode.ISOLATED
    why = "the liquidation price is not known"
    assert said(ask(lost, "liquidation_distance", 0.5)) == unknown("liquidation_distance", why, 0.5)
    assert gauged(lost, "liquidation_distance") == (None, 3.0, RANGES, False)
    young = near(1.0)
    young.market.atr_1h_count = 0
    why = "the daily range is not known yet"
    assert said(ask(young, "liquidation_distance")) == unknown("liquidation_distance", why)
    assert gauged(young, "liquidation_distance")[:2] == (None, 3.0)
    still = near(1.0)
    still.market.atr_1h = 0.0
    assert said(ask(still, "liquidation_distance")) == unknown("liquidation_distance", why)
    safe = Kit()
    safe.leg.isolated_margin_usd = Decimal(9_000)
    assert ask(safe, "liquidation_distance") is None, "no price liquidates it"
    flat = near(0.5)
    flat.leg.qty = Decimal(0)
    assert ask(flat, "liquidation_distance") is None


def test_a_cut_for_liquidation_is_left_at_the_distance_of_the_whole_size() -> None:
    """With 0.2 BTC on what margin there is, and what a cut gave back, the way would be shorter."""
    kit = Kit()
    kit.leg.isolated_margin_usd = Decimal(1_000)
    alone = gauged(kit, "liquidation_distance")[0]
    assert alone == pytest.approx(5.0, abs=0.2)
    assert ask(kit, "liquidation_distance", 0.75) is None
    kit.leg.user_qty = Decimal("0.2")
    held_again = said(ask(kit, "liquidation_distance", 0.75))
    why = "liquidation would be near at the size that is bought back (daily ranges)"
    assert held_again[2:4] == (0.75, why)
    assert held_again[4] == pytest.approx(2.4, abs=0.1)
    kit.leg.released_usd = Decimal(1_000)
    assert ask(kit, "liquidation_distance", 0.75) is None, "the margin comes back with the size"
    assert ask(kit, "liquidation_distance") is None
    kit.leg.released_usd = Decimal(0)
    kit.leg.user_qty = Decimal("0.05")
    assert ask(kit, "liquidation_distance", 0.75) is None


def test_the_margin_ratio() -> None:
    kit = Kit()
    words = "share of equity held as margin"
    assert gauged(kit, "margin_ratio") == (0.0152, 0.35, words, True)
    kit.leg.isolated_margin_usd = Decimal(76)
    assert gauged(kit, "margin_ratio") == (0.4, 0.5, words, True)
    assert said(ask(kit, "margin_ratio")) == (
        "margin_ratio", BTC, 0.75, "margin ratio above limit", 0.4, 0.35, True,
    )  # fmt: skip
    kit.leg.isolated_margin_usd = Decimal("30.4")
    assert gauged(kit, "margin_ratio")[:2] == (1.0, None)
    assert said(ask(kit, "margin_ratio"))[2:6] == (0.0, "margin ratio above limit", 1.0, 0.8)
    kit.market.instrument = None
    why = "the margin ratio is not known"
    assert said(ask(kit, "margin_ratio", 0.75)) == unknown("margin_ratio", why, 0.75)
    assert gauged(kit, "margin_ratio") == (None, 0.35, words, True)


# ------------------------------------------------------------------ missing_stop

BARE = "no working stop for too long (s)"


def bare(seconds: float) -> Kit:
    kit = Kit()
    kit.leg.uncovered_since_ns = kit.state.now_ns - round(seconds * NS_PER_S)
    return kit


def a_stop(kit: Kit, **changes: object) -> Kit:
    belief = OrderBelief(
        client_order_id="bw1", symbol=BTC, side=OrderSide.SELL, position_side=kit.leg.side,
        kind=OrderKind.STOP_MARKET, purpose=Purpose.STOP, status=OrderStatus.UNKNOWN,
        qty=kit.leg.qty,
    )  # fmt: skip
    for name, value in changes.items():
        setattr(belief, name, value)
    kit.state.orders["bw1"] = belief
    return kit


def test_a_leg_without_a_stop() -> None:
    words = (2.0, "seconds without a stop", True)
    assert gauged(Kit(), "missing_stop") == (0.0, *words)
    assert ask(Kit(), "missing_stop") is None
    assert gauged(bare(2.5), "missing_stop") == (2.5, *words)
    assert ask(bare(2.0), "missing_stop") is None
    assert said(ask(bare(2.5), "missing_stop")) == ("missing_stop", BTC, 0.0, BARE, 2.5, 2.0, True)
    dead = bare(60.0)
    dead.leg.cut_off_ns = dead.state.now_ns - NS_PER_S
    assert ask(dead, "missing_stop") is None, "nothing could be sent until a second ago"
    dead.leg.cut_off_ns = dead.state.now_ns - 3 * NS_PER_S
    assert said(ask(dead, "missing_stop"))[4] == 3.0
    one = Kit()
    one.leg.uncovered_since_ns = 1
    assert gauged(one, "missing_stop")[0] > 1e9
    assert said(ask(one, "missing_stop"))[2] == 0.0


@pytest.mark.parametrize(
    ("changes", "waits"),
    [
        ({}, True), ({"status": OrderStatus.PENDING}, True), ({"status": OrderStatus.LOST}, False),
        ({"purpose": Purpose.TARGET}, False), ({"symbol": "ETH/USDT:USDT"}, False),
        ({"position_side": SHORT}, False),
    ],
)  # fmt: skip
def test_only_a_stop_of_this_leg_whose_fate_is_open_is_waited_for(
    changes: dict[str, object], waits: bool
) -> None:
    found = said(ask(a_stop(bare(9.9), **changes), "missing_stop"))
    assert found == (None if waits else ("missing_stop", BTC, 0.0, BARE, 9.9, 2.0, True))
    late = said(ask(a_stop(bare(10.5), **changes), "missing_stop"))
    assert late == ("missing_stop", BTC, 0.0, BARE, 10.5, 10.0 if waits else 2.0, True)


# ------------------------------------------------------------------ oi_froth, threat

FROTH = "open interest and funding are frothy"


def frothy(froth: float, crowd: float = 1.0, qty: str = "0.1") -> Kit:
    kit = kit_with(oi_froth=0.8, oi_froth_leave=0.6, oi_froth_leverage=1.0)
    kit.judged(froth=froth, severities={"fund_froth": crowd})
    kit.leg.qty = Decimal(qty)
    return kit


def test_froth() -> None:
    block = ("oi_froth", BTC, 1.0, FROTH, 0.9, 0.8, True)
    assert said(ask(frothy(0.9), "oi_froth")) == block
    assert ask(frothy(0.8), "oi_froth") is None
    assert said(ask(frothy(0.9, 0.1), "oi_froth")) == block
    assert ask(frothy(0.9, 0.0), "oi_froth") is None
    half = frothy(0.9, qty="0.2")
    assert said(ask(half, "oi_froth")) == (*block[:2], round(1e4 / 15_200.0, 9), *block[3:])
    exact = frothy(0.9)
    exact.state.wallet_usd = Decimal(7_600)
    assert said(ask(exact, "oi_froth")) == block, "at the cap nothing is cut"
    half.leg.foreign = True
    assert said(ask(half, "oi_froth")) == block, "what a hand opened is not counted"
    poor = frothy(0.9)
    poor.state.wallet_usd = Decimal(-5)
    assert said(ask(poor, "oi_froth"))[2] == 0.0
    rich = frothy(0.9, qty="0.2")
    rich.mark(80_000.0)
    assert said(ask(rich, "oi_froth"))[2] == round(10_800.0 / 16_000.0, 9)
    assert said(ask(frothy(0.61, 0.0), "oi_froth", 0.4)) == ("oi_froth", BTC, 0.4, FROTH, 0.61,
                                                              0.8, True)  # fmt: skip
    assert ask(frothy(0.6, 1.0), "oi_froth", 0.4) is None
    nothing = frothy(0.9)
    nothing.judged(froth=None, severities={"fund_froth": 1.0})
    assert ask(nothing, "oi_froth") is None
    unnamed = frothy(0.9)
    unnamed.judged(froth=0.9, severities={})
    assert ask(unnamed, "oi_froth") is None
    assert gauged(frothy(0.9), "oi_froth") == (0.9, 0.8, "froth 0-1", True)
    nothing.sensed.assessment = None
    assert gauged(nothing, "oi_froth") == (None, 0.8, "froth 0-1", True)


def test_threat_speaks_of_the_side_that_is_held() -> None:
    long, short = Kit(), Kit(long=False)
    for kit in (long, short):
        kit.judged(threat=4, threat_word="High", threat_short=3)
    assert said(ask(long, "threat")) == (
        "threat", BTC, 0.3, "Threat above limit (High)", 4.0, 4.0, True,
    )  # fmt: skip
    assert said(ask(short, "threat")) == (
        "threat", BTC, 0.6, "Threat above limit (market against shorts)", 3.0, 3.0, True,
    )  # fmt: skip
    assert gauged(long, "threat") == (4.0, 5.0, "Threat 1-5", True)
    assert gauged(short, "threat") == (3.0, 4.0, "Threat 1-5", True)
    long.sensed.assessment = None
    assert said(ask(long, "threat", 0.3)) == unknown(
        "threat", "the market has not been judged yet", 0.3
    )
    assert gauged(long, "threat") == (None, 3.0, "Threat 1-5", True)


# ------------------------------------------------------------------ stale_data, venue_health


def test_old_data_block_and_are_named() -> None:
    kit = Kit(policy(rules=RulePolicy()))
    now_ns, market = kit.state.now_ns, kit.market
    market.feed_live = True
    market.funding_ns = market.open_interest_ns = now_ns - 900 * NS_PER_S
    market.mark_received_ns = now_ns - 5 * NS_PER_S
    assert ask(kit, "stale_data") is None
    words = (5.0, "seconds since the last price", True)
    assert gauged(kit, "stale_data") == (5.0, *words)
    market.mark_received_ns = now_ns - 6 * NS_PER_S
    price = ("stale_data", BTC, 1.0, "price older than limit (s)", 6.0, 5.0, True)
    assert said(ask(kit, "stale_data")) == price
    market.mark_received_ns, market.feed_live = now_ns - NS_PER_S, False
    assert said(ask(kit, "stale_data")) == (*price[:4], 1.0, 5.0, True)
    market.feed_live, market.open_interest_ns = True, now_ns - 901 * NS_PER_S
    old = ("stale_data", BTC, 1.0, "open interest older than limit (s)", 901.0, 900.0, True)
    assert said(ask(kit, "stale_data")) == old
    market.funding_ns = now_ns - 902 * NS_PER_S
    assert said(ask(kit, "stale_data")) == (*old[:3], "funding older than limit (s)", 902.0,
                                            900.0, True)  # fmt: skip
    market.funding_ns = 0
    assert said(ask(kit, "stale_data"))[3:5] == ("funding older than limit (s)", math.inf)
    market.funding_ns = market.open_interest_ns = now_ns
    market.mark_received_ns = 0
    assert said(ask(kit, "stale_data")) == (*price[:4], math.inf, 5.0, True)
    assert gauged(kit, "stale_data") == (math.inf, *words)


def refusing(bad: int, of: int, ago_ns: int = 0) -> Kit:
    kit = Kit()
    kit.state.user_stream_live = True
    kit.state.order_ends = [(kit.state.now_ns - ago_ns, n < bad) for n in range(of)]
    return kit


def test_a_venue_that_refuses() -> None:
    why = "share of orders refused within a minute"
    half = ("venue_health", BTC, 0.5, why, 0.2, 0.2, True)
    assert said(ask(refusing(2, 10), "venue_health")) == half
    assert ask(refusing(9, 9), "venue_health") is None, "too few to judge"
    assert ask(refusing(1, 10), "venue_health") is None
    assert said(ask(refusing(11, 100), "venue_health", 0.5)) == (*half[:4], 0.11, 0.2, True)
    assert ask(refusing(9, 100), "venue_health", 0.5) is None
    assert ask(refusing(9, 10, NS_PER_MIN), "venue_health") is None, "a minute ago"
    assert said(ask(refusing(9, 10, NS_PER_MIN - 1), "venue_health"))[4] == 0.9
    words = (0.2, "share of orders refused", True)
    assert gauged(refusing(2, 10), "venue_health") == (0.2, *words)
    assert gauged(refusing(9, 9), "venue_health") == (None, *words)


def apart(seconds: float) -> Kit:
    kit = refusing(0, 0)
    kit.sensed.senses.dislocated_ns = kit.state.now_ns - round(seconds * NS_PER_S)
    return kit


def test_a_mark_apart_from_its_index() -> None:
    why = "mark and index stand apart (s)"
    half = ("venue_health", BTC, 0.5, why, 30.0, 30.0, True)
    assert said(ask(apart(30.0), "venue_health")) == half
    assert said(ask(apart(31.5), "venue_health")) == (*half[:4], 31.5, 30.0, True)
    assert ask(apart(29.9), "venue_health") is None
    assert said(ask(apart(30.0), "venue_health", 0.25))[2] == 0.25
    assert said(ask(apart(30.0), "venue_health", 0.75))[2] == 0.5
    assert ask(apart(-40.0), "venue_health") is None, "an instant that is yet to come"
    blind = apart(1.0)
    blind.state.user_stream_live = False
    assert said(ask(blind, "venue_health")) == (
        "venue_health", BTC, 1.0, "the account stream is down", 1.0, 0.0, True,
    )  # fmt: skip
    one = refusing(0, 0)
    one.sensed.senses.dislocated_ns = 1
    assert said(ask(one, "venue_health"))[2] == 0.5


# ------------------------------------------------------------------ broken_support, clusters


class Hours:
    """Hours as the level book keeps them."""

    def __init__(self, low: list[float], high: list[float]) -> None:
        self.low, self.high = low, high

    def __len__(self) -> int:
        return len(self.low)

    def tail(self, count: int) -> "Hours":
        return Hours(self.low[-count:], self.high[-count:])


def after_a_day(close: float, *, long: bool = True) -> Kit:
    """A day between 75,000 and 77,000, two hours before it far outside, and the newest hour."""
    kit = kit_with(long=long, support_days=1)
    low = [70_000.0, 70_000.0, *[75_000.0] * 24, 60_000.0]
    high = [90_000.0, 90_000.0, *[77_000.0] * 24, 99_000.0]
    kit.sensed.book.frames[3_600] = Hours(low, high)
    kit.market.bars = [Bar(0, close, close, close, close, 1.0)]
    return kit


def test_support_is_the_extreme_of_whole_days_without_the_newest_hour() -> None:
    why = "closed beyond the 1-day extreme 75000 (share of price)"
    unit = (0.0, "of price beyond the days' extreme", True)
    broken = after_a_day(74_250.0)
    assert said(ask(broken, "broken_support")) == (
        "broken_support", BTC, 0.0, why, 0.01, 0.0, True,
    )  # fmt: skip
    assert gauged(broken, "broken_support") == (0.01, *unit)
    above = after_a_day(77_770.0, long=False)
    assert said(ask(above, "broken_support"))[3:5] == (why.replace("75000", "77000"), 0.01)
    assert ask(after_a_day(75_001.0), "broken_support") is None
    assert said(ask(after_a_day(75_700.0), "broken_support", 0.0))[2] == 0.0, "not yet back"
    assert ask(after_a_day(75_800.0), "broken_support", 0.0) is None
    young = after_a_day(74_250.0)
    young.sensed.book.frames[3_600] = Hours([75_000.0] * 23, [77_000.0] * 23)
    silent = after_a_day(74_250.0)
    silent.market.bars = []
    deaf = after_a_day(74_250.0)
    deaf.state.sensed.clear()
    for kit in (young, silent, deaf):
        assert said(ask(kit, "broken_support", 0.5)) == unknown(
            "broken_support", "no 1 days of hours are known yet", 0.5
        )
        assert gauged(kit, "broken_support") == (None, *unit)
    assert Kit().desk.policy.rules.support_days == 5


def crowded(qty: float, *, long: bool = True, mark: float = 76_000.0) -> Kit:
    """Forced orders one per cent away on the side that hurts; an hour of 100 coins traded."""
    kit = Kit(long=long)
    kit.mark(mark)
    kit.market.bars = [Bar(0, mark, mark, mark, mark, 100.0 / 12)]
    kit.sensed.weights = (1.0, 0.0) if long else (0.0, 1.0)
    cell = grid.cell(mark * (0.99 if long else 1.01))
    pool = kit.sensed.clusters.longs if long else kit.sensed.clusters.shorts
    pool[cell] = qty
    if long:
        kit.sensed.clusters.long_top = cell
    else:
        kit.sensed.clusters.short_bottom = cell
    return kit


def test_a_pool_of_forced_orders_is_measured_in_books() -> None:
    why = "forced orders within a daily range exceed the book (ratio)"
    unit = (1.0, "forced orders over the book", True)
    found = crowded(15.0)
    measured = gauged(found, "cluster_proximity")[0]
    assert measured == pytest.approx(1.5, rel=0.02)
    assert gauged(found, "cluster_proximity") == (measured, *unit)
    assert said(ask(found, "cluster_proximity")) == (
        "cluster_proximity", BTC, 0.5, why, measured, 1.0, False,
    )  # fmt: skip
    short = crowded(15.0, long=False)
    assert gauged(short, "cluster_proximity")[0] == pytest.approx(1.5, rel=0.03)
    other = crowded(15.0)
    other.sensed.weights = (0.0, 1.0)
    assert gauged(other, "cluster_proximity") == (None, *unit), "its own side has no trust"
    half = crowded(15.0)
    half.sensed.weights = (0.5, 0.0)
    assert gauged(half, "cluster_proximity")[0] == pytest.approx(0.75, rel=0.02)
    far = crowded(15.0)
    far.market.atr_1h = 10.0
    assert gauged(far, "cluster_proximity")[0] == 0.0, "beyond a daily range"
    wild = crowded(0.0)
    wild.market.atr_1h = 20_000.0
    wild.sensed.clusters.longs.clear()
    deep = grid.cell(36_000.0)
    wild.sensed.clusters.longs[deep] = 15.0
    wild.sensed.clusters.long_top = deep
    assert gauged(wild, "cluster_proximity")[0] == 0.0, "no further than half the price"
