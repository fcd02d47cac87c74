"""The year of the bench with the day's loss, funding and a calm market, for the compiled ladder."""

from collections.abc import Sequence

import msgspec
import numpy as np

from bot.domain.policy import Policy
from bot.domain.strategy import Intent, Memory
from bot.domain.units import NS_PER_H, NS_PER_MS
from bot.kernel.sensed import Senses
from bot.kernel.snapshot import Sensed
from bot.lab.bench.yearly import BandBounce, Year, policy_of
from bot.lab.fast.brackets import Bracket
from bot.lab.fast.laddered import Bars
from bot.lab.fast.rungs import Rules
from bot.lab.stage import ACCOUNT
from bot.sdk import View
from bot.simulator.contracts import BTC
from bot.simulator.exchange import MarketTick
from tests.unit.kernel.rules.rule_kit import assessment

LEVELS = [500.0 * step for step in range(40, 300)]
SINCE = [0] * len(LEVELS)
"""Every level is known from the beginning."""
FUNDING_NS = 8 * NS_PER_H


class KnownBounce(BandBounce):
    """Buys as BandBounce, but only levels that are known by then."""

    def __init__(self, levels: Sequence[float], since: Sequence[int], rule: Bracket) -> None:
        super().__init__(levels, rule)
        self._since = dict(zip(levels, since, strict=True))

    def evaluate(self, view: View, memory: Memory) -> tuple[Memory, tuple[Intent, ...]]:
        """Wish a long at a known level."""
        memory, wishes = super().evaluate(view, memory)
        known = (w for w in wishes if self._since[float(w.signal_id.split("|")[0])] <= view.now_ns)
        return memory, tuple(known)


class LadderedYear(Year):
    """Kernel, gate and exchange; a market so deep that orders move nothing."""

    volume_qty = 1e24

    def __init__(
        self, rules: Rules, begin_ms: int, *, bar_s: int = 60, funding_frac: float = 0.0,
        rule: Bracket | None = None, since: Sequence[int] = SINCE,
    ) -> None:  # fmt: skip
        self.bar_s, self._since = bar_s, since
        self._rules, self._funding_frac = rules, funding_frac
        super().__init__(LEVELS, rule or Bracket(), begin_ms * NS_PER_MS)

    def strategy(self, levels: Sequence[float], rule: Bracket) -> BandBounce:
        """Return who wishes the trades, at levels that are known by then."""
        return KnownBounce(levels, self._since, rule)

    def policy(self, rule: Bracket) -> Policy:
        """Return the bench's policy with one rule: the strategies' loss of the day."""
        plain = policy_of(rule)
        rules = msgspec.structs.replace(
            plain.rules,
            acts_on={**plain.rules.acts_on, "daily_loss": "own"},
            daily_loss_half_frac=self._rules.half_frac,
            daily_loss_halt_frac=self._rules.halt_frac,
        )
        return msgspec.structs.replace(plain, rules=rules, scenarios=(), bar_s=self.bar_s)

    def _tick(self, ns: int, price: float, *, gap: bool = False) -> None:
        stage = self.stage
        stage.now_ns = ns
        stage.exchange.apply(
            MarketTick(
                symbol=BTC.symbol, event_ns=ns, last=price, mark=price, index=price, gap=gap,
                funding_frac=self._funding_frac,
            )
        )  # fmt: skip
        stage.equity.marks[BTC.symbol] = price
        if stage.exchange.has_news:
            stage.deliver()
        if stage.kernel is not None:
            calm = Sensed(senses=Senses(symbol=BTC.symbol), assessment=assessment())
            stage.kernel.state.sensed[BTC.symbol] = calm

    def deals(self) -> list[tuple[int, int, float]]:
        """Return (opened ns, closed ns, result in USD) of every finished trade."""
        assert self.stage.kernel is not None
        return [
            (
                trade.opened_ns,
                trade.closed_ns,
                float(
                    trade.exit_value_usd - trade.entry_value_usd
                    - trade.fees_usd + trade.funding_usd
                ),
            )
            for trade in self.stage.kernel.state.closed_trades
        ]  # fmt: skip

    def cuts(self) -> list[tuple[float, float]]:
        """Return (coins, price) of every cut."""
        cuts = ("CUT", "FLATTEN")
        return [(f.qty, f.price) for f in self.stage.fills if f.purpose in cuts]

    def equity_usd(self) -> float:
        """Return what the venue says the account is worth."""
        return self.stage.exchange.equity_usd(ACCOUNT)


def bars_of(
    columns: Sequence[Sequence[float]], open_ms: Sequence[int], bar_s: int, funding_frac: float
) -> Bars:
    """Return the same bars as the compiled lab reads them."""
    ns = np.array(open_ms, np.int64) * NS_PER_MS
    due = (ns + bar_s * 1_000 * NS_PER_MS) % FUNDING_NS == 0
    first, high, low, close = (np.asarray(column, np.float64) for column in columns)
    return Bars(ns, first, high, low, close, np.where(due, funding_frac, 0.0))
