"""By what closed trades ended, and what each kind of end brought."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import Any

from bot.answers.question import Answered, rounded
from bot.domain.units import NS_PER_S, ZERO
from bot.kernel.snapshot import Trade
from bot.kernel.track import OURS

HAND, LIQUIDATION, ADL, EARLIER, UNSEEN = "hand", "LIQUIDATION", "ADL", "earlier life", "unknown"
SKEW_NS = NS_PER_S
"""The venue's clock stamps an execution, ours the end of a trade."""


class Ends:
    """Executions of the journal, looked up by the end of a trade."""

    def __init__(self, executions: Iterable[Answered]) -> None:
        """Take rows of the journal, the newest first; see Store.exits."""
        self._by_leg: dict[tuple[str, str], tuple[list[int], list[str]]] = {}
        for row in reversed(list(executions)):
            key = (str(row["symbol"]), str(row["side"]))
            instants, whose = self._by_leg.setdefault(key, ([], []))
            instants.append(int(str(row["event_ns"])))
            whose.append(_who(row))

    def of(self, trade: Trade) -> str | None:
        """Return by what a trade ended: STOP, TARGET, CUT, hand ...; None while it is open."""
        if trade.closed_ns == 0:
            return None
        instants, whose = self._by_leg.get((trade.symbol, trade.side.exit.value), ([], []))
        at = bisect_right(instants, trade.closed_ns + SKEW_NS) - 1
        return whose[at] if at >= 0 and instants[at] >= trade.opened_ns - SKEW_NS else UNSEEN


def _who(row: Answered) -> str:
    if row["is_liquidation"]:
        return LIQUIDATION
    if row["is_adl"]:
        return ADL
    if row["purpose"]:
        return str(row["purpose"])
    return EARLIER if str(row["client_order_id"]).startswith(OURS) else HAND


def result_usd(trade: Trade) -> float | None:
    """Return what a closed trade brought after fees and funding; None while it is open."""
    if trade.closed_ns == 0 or trade.entry_qty == ZERO:
        return None
    return float(trade.result_usd)


def by_exit(trades: Sequence[Trade], ends: Ends) -> list[Answered]:
    """Return a row a kind of end: trades, won, result in USD, mean R; the most frequent first."""
    found: dict[str, dict[str, Any]] = {}
    for trade in trades:
        result, end = result_usd(trade), ends.of(trade)
        if result is None or end is None:
            continue
        row = found.setdefault(end, {"trades": 0, "wins": 0, "result_usd": 0.0, "r": []})
        row["trades"] += 1
        row["wins"] += result > 0.0
        row["result_usd"] += result
        if trade.risk_usd > 0.0:
            row["r"].append(result / trade.risk_usd)
    return [
        {
            "left_by": end,
            "trades": row["trades"],
            "wins": row["wins"],
            "result_usd": rounded(row["result_usd"], 2),
            "mean_r": rounded(sum(row["r"]) / len(row["r"]), 3) if row["r"] else None,
        }
        for end, row in sorted(found.items(), key=lambda pair: (-pair[1]["trades"], pair[0]))
    ]
