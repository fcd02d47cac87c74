"""The bar work of the public bench, played event by event: kernel, gate, stops and exchange.

Its rules know neither senses, nor de-leveraging rules, nor a loss budget that could end the year,
so the first two are off and the last is as wide as it can be; sizing, gate, protection,
orders under way, matching, margin and the record of effects are those of a live run.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from bot.domain.market import Candle, MarkPrice
from bot.domain.messages import AccountSnapshot, InstrumentsLoaded, Started
from bot.domain.orders import PositionSide
from bot.domain.policy import GuardPolicy, LimitPolicy, Policy, RulePolicy, SizingPolicy
from bot.domain.strategy import Intent, Memory
from bot.domain.units import NS_PER_MS, NS_PER_S
from bot.kernel.rules import NAMES
from bot.kernel.step import Kernel
from bot.lab.fast.brackets import Bracket
from bot.lab.fast.work import LEVELS, columns_of, peak_rss_mb
from bot.lab.stage import ACCOUNT, Stage, TapeClock
from bot.sdk import View
from bot.simulator.contracts import BTC
from bot.simulator.exchange import BarModel, Exchange, MarketTick
from bot.simulator.inprocess import InProcessVenue

BAR_S: Final = 60
AMPLE_QTY: Final = 1e6
"""Volume told for every bar: the work assumes that its orders move nothing."""
RUN_ID: Final = "0000b001"
Numbers = dict[str, Any]


class BandBounce:
    """Buys a level whose band is entered from above at a close; stop and target from the level."""

    name = "band_bounce"
    warmup_bars = 2
    needs: tuple[str, ...] = ()

    def __init__(self, levels: Sequence[float], rule: Bracket) -> None:
        self._levels = sorted(levels)
        self._edges = [level * (1.0 + rule.band_frac) for level in self._levels]
        self._rule = rule

    def start(self) -> Memory:
        """Begin without memory."""
        return {}

    def evaluate(self, view: View, memory: Memory) -> tuple[Memory, tuple[Intent, ...]]:
        """Wish a long when the close has fallen into a level's band."""
        now = view.close
        at = bisect_left(self._edges, now)
        if at == len(self._edges) or now < self._levels[at]:
            return memory, ()
        if view.bar(1).close <= self._edges[at]:
            return memory, ()
        level = self._levels[at]
        wish = Intent(
            symbol=view.symbol,
            side=PositionSide.LONG,
            stop_price=level * (1.0 - self._rule.stop_frac),
            target_price=level * (1.0 + self._rule.target_frac),
            reason=f"band of {level:.8g} entered from above",
            signal_id=f"{level:.8g}|{view.now_ns}",
        )
        return memory, (wish,)


def policy_of(rule: Bracket) -> Policy:
    """Return the policy of the work: its risk and leverage, no refusal for small reward."""
    return Policy(
        guard=GuardPolicy(loss_budget_frac=0.95, floor_frac=0.94, sigma_target=10.0),
        bar_s=BAR_S,
        bars_from="candles",
        sense_on=False,
        rules=RulePolicy(
            acts_on=dict.fromkeys(NAMES, "off"),
            account_stale_s=float("inf"),
            daily_loss_half_frac=1.0,
            daily_loss_halt_frac=1.0,
            weekly_loss_half_frac=1.0,
            weekly_loss_halt_frac=1.0,
        ),
        sizing=SizingPolicy(
            risk_frac=rule.risk_frac,
            leverage_max=rule.leverage_max,
            entry_slip_bps=0.0,
            stop_slip_bps=0.0,
            gap_chance_frac=0.0,
            funding_assumed_frac=0.0,
            reward_min_r=0.0,
            cost_share_max_frac=1.0,
            stop_round_bps=0.0,
            kelly_trades_min=10**9,
        ),
        limits=LimitPolicy(notional_cap_default_usd=1e9),
    )


class Year:
    """The stage of the work: one account, one contract, one strategy."""

    bar_s = BAR_S
    volume_qty = AMPLE_QTY

    def policy(self, rule: Bracket) -> Policy:
        """Return what the kernel is told by its owner."""
        return policy_of(rule)

    def strategy(self, levels: Sequence[float], rule: Bracket) -> BandBounce:
        """Return who wishes the trades."""
        return BandBounce(levels, rule)

    def __init__(self, levels: Sequence[float], rule: Bracket, begin_ns: int) -> None:
        exchange = Exchange([BTC], fill_model=BarModel(slip_calm_bps=0.0, slip_fast_bps=0.0))
        exchange.open_account(ACCOUNT, Decimal(repr(rule.cash_usd)))
        exchange.set_leverage(ACCOUNT, BTC.symbol, int(rule.leverage_max))
        exchange.drain()
        venue = InProcessVenue(exchange, ACCOUNT, TapeClock(exchange))
        kernel = Kernel(self.policy(rule), (self.strategy(levels, rule),), RUN_ID)
        self.stage = Stage(exchange, venue, kernel, 0)
        self.stage.now_ns = begin_ns
        exchange.advance(begin_ns)
        self.stage.tell(Started(run_id=RUN_ID, event_ns=begin_ns, received_ns=begin_ns))
        self.stage.tell(InstrumentsLoaded(begin_ns, begin_ns, (BTC,)))
        self.stage.tell(AccountSnapshot(begin_ns, begin_ns, venue.account_now()))

    def play(self, columns: Sequence[Sequence[float]], open_ms: Sequence[int]) -> None:
        """Walk bars (open, high, low, close): the exchange first, then the kernel."""
        stage, bar_ns = self.stage, self.bar_s * NS_PER_S
        for ms, first, high, low, close in zip(open_ms, *columns, strict=True):
            ns = ms * NS_PER_MS
            if stage.next_ns is not None or stage.equity.holding:
                self._tick(ns, first, gap=True)
                stage.catch_up(ns)
                if stage.equity.holding:
                    self._tick(ns + bar_ns // 3, low)
                    self._tick(ns + 2 * bar_ns // 3, high)
                stage.catch_up(ns + bar_ns - 1)
            ns += bar_ns
            self._tick(ns, close)
            stage.tell(MarkPrice(BTC.symbol, ns, ns, close, close))
            stage.tell(
                Candle(
                    BTC.symbol, ns, ns, self.bar_s, first, high, low, close, self.volume_qty
                )
            )  # fmt: skip

    def _tick(self, ns: int, price: float, *, gap: bool = False) -> None:
        stage = self.stage
        stage.now_ns = ns
        stage.exchange.apply(
            MarketTick(symbol=BTC.symbol, event_ns=ns, last=price, mark=price, index=price, gap=gap)
        )
        stage.equity.marks[BTC.symbol] = price
        if stage.exchange.has_news:
            stage.deliver()


def run_year(folder: Path, cpu_s: Callable[[], float]) -> Numbers:
    """Play the year of bars in `folder`, made there when missing, and return its figures.

    Raises:
        DataInvalid: the data cannot be read or made.
    """
    open_ms, *columns = columns_of("year", folder)
    figures = play_year(
        [column.tolist() for column in columns], open_ms.tolist(), LEVELS.tolist(), cpu_s
    )
    return {
        "work": "w1",
        "engine": "kernel, event by event",
        **figures,
        "peak_rss_mb": peak_rss_mb(),
    }


def play_year(
    columns: Sequence[Sequence[float]],
    open_ms: Sequence[int],
    levels: Sequence[float],
    cpu_s: Callable[[], float],
) -> Numbers:
    """Play bars event by event; return trades, equity and what the walk alone cost."""
    rule = Bracket()
    year = Year(levels, rule, open_ms[0] * NS_PER_MS)
    began_s = cpu_s()
    year.play(columns, open_ms)
    spent_s = cpu_s() - began_s
    stage = year.stage
    return {
        "rate": len(open_ms) / spent_s,
        "unit": "bars per CPU second",
        "trades": stage.tally.trades,
        "final_equity_usd": stage.exchange.equity_usd(ACCOUNT),
        "items": len(open_ms),
        "events": stage.events,
        "refused": stage.refused,
        "cpu_s": spent_s,
    }
