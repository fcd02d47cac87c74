"""A desk with one leg whose facts tests set by hand, and a clock they move."""

from decimal import Decimal

import msgspec

from bot.domain.messages import Record
from bot.domain.orders import PositionSide
from bot.domain.policy import Policy
from bot.domain.sense import Assessment, Facts, Flush
from bot.domain.units import NS_PER_S
from bot.kernel.desk import Desk
from bot.kernel.sensed import Senses
from bot.kernel.snapshot import BotState, Leg, Market, Sensed, Trade, leg_key
from bot.kernel.view import LegView
from tests.fakes.kernel_world import BTC, CONTRACT, START_NS, policy

CALM_FLUSH = Flush(state="NONE", side=1, partial=True, completeness=0.0, evidence=())


def assessment(**changes: object) -> Assessment:
    """A calm market, but for what is named."""
    calm = Assessment(
        symbol=BTC, ns=START_NS, pulse=50.0, pulse_word="", stress=0.0, stress_word="", threat=1,
        threat_word="Low", stress_short=0.0, threat_short=1, severities={}, severities_short={},
        facts=Facts(), degraded=(), floor=1, floor_reasons=(), systemic=(), cascade="CALM",
        cascade_words="", flush=CALM_FLUSH, flush_short=CALM_FLUSH, froth=None, liq_source="",
        liq_venues=(), liq_coverage=0.0, liq_long_24h_usd=None, liq_short_24h_usd=None,
        open_interest_qty=None, open_interest_venues=(),
    )  # fmt: skip
    return msgspec.structs.replace(calm, **changes)


class Kit:
    """One held leg of 0.1 BTC at 76,000 in an account of 10,000 USD; the market is calm."""

    def __init__(
        self, a_policy: Policy | None = None, *, own: bool = True, long: bool = True
    ) -> None:
        side = PositionSide.LONG if long else PositionSide.SHORT
        self.state = BotState(run_id="kit", now_ns=START_NS, wallet_usd=Decimal(10_000))
        state = self.state
        state.wallet_ns = state.reconciled_ns = state.account_ns = START_NS
        state.anchors.high_water_usd = state.anchors.day_start_usd = 10_000.0
        state.anchors.week_start_usd = 10_000.0
        state.anchors.day = START_NS // (86_400 * NS_PER_S)
        state.anchors.week = (state.anchors.day + 3) // 7
        self.market = Market(symbol=BTC, instrument=CONTRACT, atr_1h=400.0, atr_1h_count=20)
        self.market.funding_frac, self.market.funding_interval_s = 0.0001, 28_800
        state.markets[BTC] = self.market
        self.sensed = Sensed(senses=Senses(symbol=BTC), assessment=assessment())
        state.sensed[BTC] = self.sensed
        self.leg = Leg(symbol=BTC, side=side, qty=Decimal("0.1"), entry_price=Decimal(76_000))
        self.leg.isolated_margin_usd = Decimal(2_000)
        self.leg.user_qty, self.leg.opened_ns = self.leg.qty, START_NS
        self.leg.foreign = not own
        if own:
            self.leg.trade = Trade(
                trade_id="t", strategy="s", signal_id="s1", symbol=BTC, side=side,
                stop_price=75_000.0, target_price=78_000.0, planned_qty=self.leg.qty,
                risk_usd=100.0, reason="", opened_ns=START_NS, decision_id="d",
                entry_qty=self.leg.qty,
            )  # fmt: skip
        state.legs[leg_key(BTC, side)] = self.leg
        self.desk = Desk(state, a_policy or policy())
        self.mark(76_000.0, after_s=0.0)

    def mark(self, price: float, *, after_s: float = 1.0) -> None:
        self.state.now_ns += round(after_s * NS_PER_S)
        self.market.mark = price
        self.market.mark_ns = self.market.mark_received_ns = self.state.now_ns

    def wait(self, hours: float) -> None:
        self.mark(self.market.mark, after_s=hours * 3_600.0)

    def judged(self, **changes: object) -> None:
        self.sensed.assessment = assessment(**changes)

    @property
    def view(self) -> LegView:
        return LegView(self.state, self.desk.policy, self.leg, self.market)

    def told(self) -> list[str]:
        """What the ladder wrote since the last look."""
        lines = [
            f"{e.decision.what} | {e.decision.why} | {e.decision.measured} / {e.decision.limit}"
            for e in self.desk.effects
            if isinstance(e, Record) and e.decision.kind in ("ladder", "flapping")
        ]
        self.desk.effects = []
        return lines
