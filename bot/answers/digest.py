"""Answers `digest`: the last day of the account on one page, for a message a day."""

from bot.answers import positions
from bot.answers.exits import Ends, by_exit, result_usd
from bot.answers.pulse import account_threat
from bot.answers.question import Answered, Question, iso, rounded
from bot.answers.status import answer as status_of
from bot.domain.units import NS_PER_DAY

NAME = "digest"
DAY_NS = NS_PER_DAY
POINT_NS = NS_PER_DAY // 24
"""Equity a day ago is read from the last point of each hour."""
TAKEN = (
    "mode", "mode_reason", "latched", "latch_reason", "equity_usd", "drawdown_frac", "unprotected",
)  # fmt: skip


def answer(question: Question) -> Answered:
    """Return what changed within 24 h: equity in USD, trades by their end, and what is held.

    `change_usd` is None where no equity of before is recorded; it includes transfers.
    """
    state = question.state
    since_ns = state.now_ns - DAY_NS
    status = status_of(question)
    told = state.wallet_ns > 0
    points = [
        (int(str(row["event_ns"])), float(str(row["equity_usd"]))) for row in _curve(question)
    ]
    closed = [trade for trade in state.closed_trades if trade.closed_ns >= since_ns]
    results = [result for trade in closed if (result := result_usd(trade)) is not None]
    equity = status["equity_usd"]
    first = points[0][1] if points and told else None
    change = None if first is None or equity is None else float(str(equity)) - first
    return {
        "as_of": iso(state.now_ns),
        **{name: status[name] for name in TAKEN},
        "since": iso(points[0][0]) if points else None,
        "whole_day": bool(points) and points[0][0] - since_ns < 2 * POINT_NS,
        "change_usd": rounded(change, 2),
        "change_frac": rounded(change / first, 6) if change is not None and first else None,
        "lowest_usd": rounded(min((usd for _, usd in points), default=None), 2),
        "trades": len(closed),
        "wins": sum(1 for result in results if result > 0.0),
        "trades_result_usd": rounded(sum(results), 2) if results else None,
        "by_exit": by_exit(closed, Ends(question.rows("exits") or [])),
        "held": positions.answer(question)["positions"],
        "threat": account_threat(question),
    }


def _curve(question: Question) -> list[Answered]:
    return question.rows("curve") or []
