"""Where the rules let go, do not know, or have nothing to judge: the ends of their tables."""

from decimal import Decimal
from types import SimpleNamespace

import msgspec
import pytest

from bot.domain.market import EventWindow
from bot.domain.policy import Step
from bot.domain.units import NS_PER_S
from bot.kernel.assess.now import judge_now
from bot.kernel.clusters import grid
from bot.kernel.market import Bar, Zone
from bot.kernel.observe import path
from bot.kernel.rules import RULES, funding_cost
from bot.kernel.rules._ladder import next_enter
from bot.kernel.snapshot import Rung
from tests.fakes.kernel_world import PATIENT, START_NS, policy
from tests.unit.kernel.rules.rule_kit import Kit

BY_NAME = {rule.NAME: rule for rule in RULES}


def ask(kit: Kit, name: str, before: float = 1.0, *, hours_ago: float = 0.0):
    view = kit.view
    since_ns = kit.state.now_ns - round(hours_ago * 3_600 * NS_PER_S)
    view.rungs = {name: Rung(before, since_ns)} if before < 1.0 else {}
    return BY_NAME[name].demand(view)


def with_rules(**changes: object) -> Kit:
    return Kit(policy(rules=msgspec.structs.replace(PATIENT, **changes)))


def test_the_next_threshold_is_none_once_all_have_acted() -> None:
    steps = (Step(1.0, 0.5, 0.5), Step(2.0, 1.5, 0.0))
    found = [next_enter(steps, value, rising=True) for value in (None, 0.5, 1.0, 2.0)]
    assert found == [1.0, 1.0, 2.0, None]


def test_a_flat_leg_has_no_margin_ratio_and_an_unknown_one_blocks() -> None:
    kit = Kit()
    kit.market.instrument = None
    found = ask(kit, "margin_ratio", 0.75)
    assert found is not None
    assert found.blocks_entries
    assert found.exposure_factor == 0.75
    kit.leg.qty = Decimal(0)
    assert ask(kit, "margin_ratio") is None


def test_a_close_out_needs_margin_and_a_known_equity() -> None:
    kit = Kit(policy(rules=msgspec.structs.replace(PATIENT, close_out_frac=0.5)), own=False)
    kit.state.wallet_ns, kit.state.fill_ns = 0, kit.state.now_ns
    kit.state.reconciled_ns = 0
    found = ask(kit, "close_out", 0.5)
    assert found is None or found.exposure_factor in (0.0, 0.5)
    kit.leg.qty = Decimal(0)
    assert ask(kit, "close_out") is None
    assert BY_NAME["close_out"].gauge(kit.view).measured is None


@pytest.mark.parametrize("earned", [100.0, 0.0, -50.0])
@pytest.mark.parametrize(("cascade", "wanted"), [("ACTIVE", 0.0), ("CALM", None)])
def test_a_halt_of_yesterday_ends_unless_forced_selling_goes_on(
    cascade: str, wanted: float | None, earned: float
) -> None:
    kit = Kit()
    kit.judged(cascade=cascade)
    kit.state.anchors.day += 1  # the halt began yesterday, today nothing was lost
    kit.state.anchors.own_day_usd = earned
    found = ask(kit, "daily_loss", 0.0, hours_ago=1.0)
    assert (None if found is None else found.exposure_factor) == wanted


def test_a_halt_of_the_week_holds_until_its_end() -> None:
    kit = Kit()
    kit.state.anchors.own_week_usd = 100.0
    found = ask(kit, "weekly_loss", 0.0)
    assert found is not None
    assert found.exposure_factor == 0.0
    kit.state.anchors.week += 1
    assert ask(kit, "weekly_loss", 0.0, hours_ago=1.0) is None
    kit.state.anchors.own_week_usd = 0.0
    assert ask(kit, "weekly_loss", 0.0, hours_ago=1.0) is None, "a flat account earns nothing"


@pytest.mark.parametrize(
    ("peak", "wanted", "blocks"),
    [(10_000.0, None, None), (11_000.0, 0.5, False), (13_000.0, 0.0, True)],
)
def test_the_curve_of_grossman_and_zhou_shrinks_and_only_its_end_blocks(
    peak: float, wanted: float | None, blocks: bool | None
) -> None:
    kit = with_rules(grossman_zhou=True)
    kit.state.anchors.high_water_usd = peak
    found = ask(kit, "drawdown")
    if wanted is None:
        assert found is None
        return
    assert found is not None
    assert found.blocks_entries is blocks
    assert found.exposure_factor == wanted if wanted == 0.0 else 0.0 < found.exposure_factor < 1.0


def test_an_announced_event_blocks_while_it_lasts() -> None:
    kit = Kit()
    now_ns = kit.state.now_ns
    window = EventWindow("rates", now_ns - NS_PER_S, now_ns + 60 * NS_PER_S, 3)
    kit.sensed.senses.windows["calendar"] = (window,)
    found = ask(kit, "event_window")
    assert found is not None
    assert found.blocks_entries
    assert found.exposure_factor == 1.0
    assert found.measured == pytest.approx(60.0)
    kit.state.sensed.clear()
    assert ask(kit, "event_window") is None


def test_funding_that_is_not_known_is_said_where_it_must_be_fresh() -> None:
    for stale_s, blocks in ((float("inf"), False), (600.0, True)):
        kit = with_rules(flows_stale_s=stale_s)
        kit.market.funding_frac = None
        found = ask(kit, "funding_cost")
        assert (found is not None and found.blocks_entries) is blocks


def test_a_payment_that_is_due_blocks_the_last_minutes_before_it() -> None:
    kit = with_rules(funding_apr_max=100.0)
    assert kit.leg.trade is not None
    kit.leg.trade.risk_usd = 0.0  # a trade without a known risk has no share of it
    rules = kit.desk.policy.rules
    interval_ns = 28_800 * NS_PER_S
    kit.state.now_ns += interval_ns - kit.state.now_ns % interval_ns - 10 * NS_PER_S
    kit.market.funding_frac = rules.settlement_rate_min_frac
    found = ask(kit, "funding_cost")
    assert found is not None
    assert (found.exposure_factor, found.blocks_entries) == (1.0, True)
    assert found.measured == pytest.approx(10.0)
    kit.market.funding_frac = rules.settlement_rate_min_frac / 2
    assert ask(kit, "funding_cost") is None
    kit.market.funding_frac = rules.settlement_rate_min_frac
    kit.state.now_ns -= round(2 * rules.settlement_window_s) * NS_PER_S
    assert ask(kit, "funding_cost") is None


def test_a_settlement_whose_interval_is_not_known_blocks_nothing_by_itself() -> None:
    kit = Kit()
    kit.market.funding_interval_s = 0
    assert funding_cost._window(kit.view) is None


def test_a_broken_level_behind_the_entry_halves_and_weak_zones_do_not() -> None:
    kit = Kit()
    kit.mark(74_500.0)
    kit.market.zones = [Zone(name="75k", low=75_000.0, high=75_200.0, side=-1, state="BROKEN")]
    found = ask(kit, "level_broken")
    assert found is not None
    assert found.exposure_factor == kit.desk.policy.rules.level_factor
    kit.market.zones = []
    assert ask(kit, "level_broken") is None
    kit.state.sensed.clear()
    assert ask(kit, "level_broken") is None
    kit.leg.qty = Decimal(0)
    assert ask(kit, "level_broken") is None
    assert BY_NAME["level_broken"].gauge(kit.view).measured is None


def frothy(kit: Kit, froth: float, crowd: float) -> None:
    kit.judged(froth=froth, severities={"fund_froth": crowd})


def test_froth_blocks_cuts_to_the_capped_leverage_and_lets_go_lower() -> None:
    kit = with_rules(oi_froth=0.8, oi_froth_leave=0.6, oi_froth_leverage=1.0)
    frothy(kit, 0.9, 1.0)
    found = ask(kit, "oi_froth")
    assert found is not None, "0.76 of equity is held: nothing is cut, nothing added"
    assert (found.exposure_factor, found.blocks_entries) == (1.0, True)
    kit.leg.qty = Decimal("0.5")
    found = ask(kit, "oi_froth")
    assert found is not None
    assert found.exposure_factor == pytest.approx(10_000.0 / 38_000.0, rel=0.02)
    frothy(kit, 0.7, 0.0)
    held = ask(kit, "oi_froth", 0.25)
    assert held is not None
    assert held.exposure_factor == 0.25
    assert ask(kit, "oi_froth") is None, "between the limits it holds, it does not begin"
    frothy(kit, 0.9, 0.0)
    assert ask(kit, "oi_froth") is None, "froth without crowded funding is none"
    frothy(kit, 0.5, 1.0)
    assert ask(kit, "oi_froth", 0.25) is None


def test_a_market_not_judged_has_no_froth() -> None:
    kit = Kit()
    kit.sensed.assessment = None
    assert ask(kit, "oi_froth") is None
    assert BY_NAME["oi_froth"].gauge(kit.view).measured is None
    assert BY_NAME["threat"].gauge(kit.view).measured is None


def test_a_mark_that_left_its_index_halves_and_a_dead_stream_blocks() -> None:
    kit = with_rules(venue_gap_s=30.0)
    kit.state.user_stream_live = True
    assert ask(kit, "venue_health") is None
    kit.sensed.senses.dislocated_ns = kit.state.now_ns - 31 * NS_PER_S
    found = ask(kit, "venue_health")
    assert found is not None
    assert found.exposure_factor == kit.desk.policy.rules.venue_factor
    kit.sensed.senses.dislocated_ns = 0
    kit.state.user_stream_live = False
    found = ask(kit, "venue_health")
    assert found is not None
    assert (found.exposure_factor, found.blocks_entries) == (1.0, True)
    kit.state.sensed.clear()
    assert ask(kit, "venue_health") is not None


def test_a_close_beyond_the_extreme_of_whole_days_asks_for_flat() -> None:
    days = 1
    kit = with_rules(support_days=days)
    assert BY_NAME["broken_support"].gauge(kit.view).measured is None
    low, high = [75_000.0] * 25, [77_000.0] * 25
    kit.sensed.book.frames[3_600] = Frame(low, high)
    for close, sign, wanted in ((74_990.0, 1, 0.0), (75_100.0, 1, None), (77_010.0, -1, 0.0)):
        each = with_rules(support_days=days) if sign > 0 else short_with(days)
        each.sensed.book.frames[3_600] = Frame(low, high)
        each.market.bars = [SimpleNamespace(close=close)]
        found = ask(each, "broken_support")
        assert (None if found is None else found.exposure_factor) == wanted


def short_with(days: int) -> Kit:
    return Kit(policy(rules=msgspec.structs.replace(PATIENT, support_days=days)), long=False)


def test_too_few_hours_say_nothing_and_block() -> None:
    kit = with_rules(support_days=1)
    kit.sensed.book.frames[3_600] = Frame([75_000.0] * 20, [77_000.0] * 20)
    found = ask(kit, "broken_support", 0.5)
    assert found is not None
    assert (found.exposure_factor, found.blocks_entries) == (0.5, True)


def with_pool(qty: float, weight: float) -> Kit:
    """Longs that are liquidated one per cent below, and an hour of 100 coins traded."""
    kit = Kit()
    kit.market.bars = [Bar(0, 76_000.0, 76_000.0, 76_000.0, 76_000.0, 100.0 / 12)]
    kit.sensed.weights = (weight, weight)
    cell = grid.cell(75_240.0)
    kit.sensed.clusters.longs[cell] = qty
    kit.sensed.clusters.long_top = cell
    return kit


def test_a_pool_larger_than_the_book_before_it_halves_and_lets_go_lower() -> None:
    rules = Kit().desk.policy.rules
    takes_qty = 100.0 * rules.cluster_volume_share
    large = with_pool(takes_qty * rules.cluster_k * 1.5, 1.0)
    found = ask(large, "cluster_proximity")
    assert found is not None
    assert found.exposure_factor == rules.cluster_factor
    middle = with_pool(takes_qty * rules.cluster_k * 0.9, 1.0)
    assert ask(middle, "cluster_proximity") is None
    held = ask(middle, "cluster_proximity", rules.cluster_factor)
    assert held is not None, "it lets go at three quarters"
    small = with_pool(takes_qty * rules.cluster_k * 0.5, 1.0)
    assert ask(small, "cluster_proximity", rules.cluster_factor) is None


@pytest.mark.parametrize("flaw", ["no trust", "no book", "no range", "no senses"])
def test_a_map_without_trust_or_measure_says_nothing(flaw: str) -> None:
    kit = with_pool(1e6, 0.0 if flaw == "no trust" else 1.0)
    if flaw == "no book":
        kit.market.bars = []
    if flaw == "no range":
        kit.market.atr_1h_count = 0
    if flaw == "no senses":
        kit.state.sensed.clear()
    assert ask(kit, "cluster_proximity") is None
    assert BY_NAME["cluster_proximity"].gauge(kit.view).measured is None


class Frame:
    """Hours as the level book keeps them."""

    def __init__(self, low: list[float], high: list[float]) -> None:
        self.low, self.high = low, high

    def __len__(self) -> int:
        return len(self.low)

    def tail(self, count: int) -> "Frame":
        return Frame(self.low[-count:], self.high[-count:])


@pytest.mark.parametrize(
    ("times_the_book", "weight", "wanted"),
    [(1.5, 1.0, "BUILDUP"), (0.5, 1.0, "CALM"), (1.5, 0.0, "CALM"), (1.5, 0.5, "CALM")],
)
def test_a_trusted_pool_larger_than_the_book_is_a_build_up(
    times_the_book: float, weight: float, wanted: str
) -> None:
    """K counts the longs within an hour's range below, by the weight the map's score has earned."""
    takes_qty = 100.0 * Kit().desk.policy.rules.cluster_volume_share
    kit = with_pool(0.0, weight)
    cell = grid.cell(75_800.0)
    kit.sensed.clusters.longs = {cell: takes_qty * times_the_book}
    kit.sensed.clusters.long_top = cell
    bar = Bar(START_NS - 300 * NS_PER_S, 76_000.0, 76_000.0, 76_000.0, 76_000.0, 100.0 / 12)
    path.on_bar(kit.sensed.senses, bar, START_NS, kit.desk.policy.sense)
    judge_now(kit.desk, kit.sensed, START_NS)
    assert kit.sensed.assessment is not None
    assert kit.sensed.assessment.cascade == wanted
