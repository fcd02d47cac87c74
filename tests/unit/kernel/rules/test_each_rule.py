"""Every row of the table of triggers acts where it says, and lets go where it says."""

from collections.abc import Callable
from decimal import Decimal

import msgspec
import pytest

from bot.domain.orders import OrderKind, OrderSide, OrderStatus, PositionSide, Purpose
from bot.domain.policy import LimitPolicy, RulePolicy
from bot.domain.units import NS_PER_S
from bot.kernel import ladder
from bot.kernel.rules import RULES
from bot.kernel.snapshot import Leg, OrderBelief, Rung, leg_key
from tests.fakes.kernel_world import BTC, CONTRACT, PATIENT, policy
from tests.unit.kernel.rules.rule_kit import Kit

BY_NAME = {rule.NAME: rule for rule in RULES}
SHORT = PositionSide.SHORT


def factor(kit: Kit, name: str, before: float = 1.0) -> float:
    """Ask one rule, given what it has in force."""
    view = kit.view
    view.rungs = {name: Rung(before, kit.state.now_ns)} if before < 1.0 else {}
    found = BY_NAME[name].demand(view)
    return 1.0 if found is None else found.exposure_factor


def blocks(kit: Kit, name: str) -> bool:
    found = BY_NAME[name].demand(kit.view)
    return found is not None and found.blocks_entries


def day(usd: float) -> Callable[[Kit], None]:
    def change(kit: Kit) -> None:
        kit.state.anchors.own_day_usd = usd + 100.0 * 0.0005 * 76.0

    return change


def week(usd: float) -> Callable[[Kit], None]:
    def change(kit: Kit) -> None:
        kit.state.anchors.own_week_usd = usd + 100.0 * 0.0005 * 76.0

    return change


def peak(usd: float) -> Callable[[Kit], None]:
    def change(kit: Kit) -> None:
        kit.state.anchors.high_water_usd = usd

    return change


def margin(usd: str) -> Callable[[Kit], None]:
    def change(kit: Kit) -> None:
        kit.leg.isolated_margin_usd = Decimal(usd)

    return change


def judged(**facts: object) -> Callable[[Kit], None]:
    return lambda kit: kit.judged(**facts)


def funding(rate: float, hours: int = 8) -> Callable[[Kit], None]:
    def change(kit: Kit) -> None:
        kit.market.funding_frac, kit.market.funding_interval_s = rate, hours * 3_600
        kit.leg.trade.risk_usd = 1e9

    return change


def ends(refused: int, of: int) -> Callable[[Kit], None]:
    def change(kit: Kit) -> None:
        kit.state.order_ends = [(kit.state.now_ns, n < refused) for n in range(of)]

    return change


def hedged_rank(rank: int) -> Callable[[Kit], None]:
    def change(kit: Kit) -> None:
        kit.leg.adl_rank, kit.leg.entry_price = rank, Decimal(70_000)
        kit.state.legs[leg_key(BTC, SHORT)] = Leg(
            symbol=BTC, side=SHORT, qty=Decimal("0.1"), entry_price=Decimal(76_000)
        )

    return change


def bare(seconds: float) -> Callable[[Kit], None]:
    def change(kit: Kit) -> None:
        kit.leg.uncovered_since_ns = kit.state.now_ns - round(seconds * NS_PER_S)

    return change


CASES = [
    ("margin_ratio", margin("2000"), 1.0, 1.0),
    ("margin_ratio", margin("80"), 1.0, 0.75),
    ("margin_ratio", margin("90"), 0.75, 0.75),
    ("margin_ratio", margin("110"), 0.75, 1.0),
    ("liquidation_distance", margin("600"), 1.0, 0.75),
    ("liquidation_distance", margin("200"), 1.0, 0.25),
    ("liquidation_distance", margin("2000"), 1.0, 1.0),
    ("threat", judged(threat=2), 1.0, 1.0),
    ("threat", judged(threat=3), 1.0, 0.6),
    ("threat", judged(threat=4), 1.0, 0.3),
    ("threat", judged(threat=5), 1.0, 0.0),
    ("daily_loss", day(-90.0), 1.0, 1.0),
    ("daily_loss", day(-101.0), 1.0, 0.5),
    ("daily_loss", day(-201.0), 1.0, 0.0),
    ("daily_loss", day(-50.0), 0.0, 0.0),
    ("weekly_loss", week(-301.0), 1.0, 0.5),
    ("weekly_loss", week(-501.0), 1.0, 0.0),
    ("weekly_loss", week(-200.0), 1.0, 1.0),
    ("drawdown", peak(11_000.0), 1.0, 1.0),
    ("drawdown", peak(11_200.0), 1.0, 0.5),
    ("drawdown", peak(10_950.0), 0.5, 0.5),
    ("drawdown", peak(11_800.0), 1.0, 0.0),
    ("funding_cost", funding(0.0001), 1.0, 1.0),
    ("funding_cost", funding(0.0006), 1.0, 0.5),
    ("funding_cost", funding(0.0001, hours=1), 1.0, 0.5),
    ("funding_cost", funding(-0.01), 1.0, 1.0),
    ("oi_froth", judged(froth=0.5, severities={"fund_froth": 1.0}), 1.0, 1.0),
    ("venue_health", ends(1, 12), 1.0, 1.0),
    ("venue_health", ends(3, 12), 1.0, 0.5),
    ("venue_health", ends(3, 4), 1.0, 1.0),
    ("adl_rank", hedged_rank(2), 1.0, 1.0),
    ("adl_rank", hedged_rank(3), 1.0, 0.5),
    ("missing_stop", bare(1.0), 1.0, 1.0),
    ("missing_stop", bare(2.5), 1.0, 0.0),
]  # fmt: skip


@pytest.mark.parametrize(("name", "change", "before", "wanted"), CASES)
def test_a_rule_acts_where_it_says(
    name: str, change: Callable[[Kit], None], before: float, wanted: float
) -> None:
    kit = Kit()
    change(kit)
    assert factor(kit, name, before) == wanted


def test_every_rule_measures_something_or_says_that_it_does_not_know() -> None:
    kit = Kit()
    for rule in RULES:
        found = rule.gauge(kit.view)
        assert found.unit
        assert found.measured is None or found.measured == found.measured
    for name in ("margin_ratio", "liquidation_distance", "threat", "drawdown", "daily_loss"):
        gauge = BY_NAME[name].gauge(kit.view)
        assert gauge.measured is not None
        assert gauge.limit is not None


def test_a_stop_whose_answer_is_due_is_waited_for_longer() -> None:
    kit = Kit()
    bare(5.0)(kit)
    kit.state.orders["bw1"] = OrderBelief(
        client_order_id="bw1", symbol=BTC, side=OrderSide.SELL, position_side=kit.leg.side,
        kind=OrderKind.STOP_MARKET, purpose=Purpose.STOP, status=OrderStatus.PENDING,
        qty=kit.leg.qty,
    )  # fmt: skip
    assert factor(kit, "missing_stop") == 1.0
    bare(11.0)(kit)
    assert factor(kit, "missing_stop") == 0.0


def test_old_prices_and_an_announced_settlement_only_block() -> None:
    kit = Kit(policy(rules=RulePolicy()))
    kit.market.funding_ns = kit.market.open_interest_ns = kit.state.now_ns
    assert not blocks(kit, "stale_data")
    kit.market.mark_received_ns = kit.state.now_ns - 6 * NS_PER_S
    assert blocks(kit, "stale_data")
    assert factor(kit, "stale_data") == 1.0


def test_what_is_not_known_blocks_and_keeps_what_is_in_force() -> None:
    kit = Kit()
    kit.sensed.assessment = None
    assert blocks(kit, "threat")
    assert factor(kit, "threat", 0.3) == 0.3
    kit.state.anchors.day_start_usd = kit.state.anchors.week_start_usd = 0.0
    kit.state.anchors.high_water_usd = 0.0
    for name in ("daily_loss", "weekly_loss", "drawdown"):
        assert blocks(kit, name)
        assert factor(kit, name, 0.5) == 0.5


# ------------------------------------------------------------------ the region


def retail(equity: str) -> Kit:
    """2x and 50 % close-out, as ESMA 2018/796 has it for retail accounts."""
    rules = msgspec.structs.replace(PATIENT, close_out_frac=0.5)
    kit = Kit(policy(rules=rules, limits=LimitPolicy(leverage_max=2.0)), own=False)
    kit.leg.isolated_margin_usd = None
    kit.state.wallet_usd = Decimal(equity)
    return kit


@pytest.mark.parametrize(("equity", "wanted"), [("3800", 1.0), ("1901", 1.0), ("1899", 0.0)])
def test_eu_retail_closes_everything_at_half_of_initial_margin(equity: str, wanted: float) -> None:
    """0.1 BTC at 76,000 takes 3,800 USD of initial margin at 2x."""
    kit = retail(equity)
    assert factor(kit, "close_out") == wanted
    gauge = BY_NAME["close_out"].gauge(kit.view)
    assert gauge.measured == pytest.approx(float(equity) / 3_800.0)
    assert gauge.limit == 0.5


def test_eu_retail_acts_in_every_mode_and_on_what_a_hand_opened() -> None:
    verdict = ladder.judge(retail("1899").desk, retail("1899").view)
    assert verdict.state == "FLAT"


def test_eu_retail_allows_no_more_than_two_times() -> None:
    from bot.kernel import allowance

    kit = retail("2000")
    assert CONTRACT.symbol == BTC
    assert allowance.target_qty(kit.view) * 76_000.0 <= 2.0 * 2_000.0 + 1e-6
