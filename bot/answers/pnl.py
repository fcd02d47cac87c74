"""Answers `pnl`: what the account and its strategies made, by day or by week."""

from datetime import UTC, datetime, timedelta

from bot.answers.exits import Ends, by_exit
from bot.answers.question import Answered, Question, QuestionUnclear, iso, rounded
from bot.domain.units import NS_PER_S
from bot.kernel.snapshot import Trade
from bot.kernel.track import equity_usd

NAME = "pnl"
NOTE = "Changes of equity include deposits and withdrawals; results of trades do not."
Spans = dict[str, Answered]


def answer(question: Question) -> Answered:
    """Return totals, and a row a period (args.by: day or week, UTC), the newest first; USD.

    Raises:
        QuestionUnclear: args.by is neither.
    """
    by = question.args.get("by", "") or "day"
    if by not in ("day", "week"):
        raise QuestionUnclear(f"by: was {by!r:.40}, allowed: day, week")
    state = question.state
    books, anchors = state.books, state.anchors
    known = state.wallet_ns > 0
    equity = equity_usd(state) if known else None
    started = known and anchors.day_start_usd > 0.0
    return {
        "as_of": iso(state.now_ns),
        "by": by,
        "equity_usd": rounded(equity, 2),
        "day_result_usd": rounded(equity - anchors.day_start_usd, 2)
        if started and equity is not None
        else None,
        "own_day_result_usd": rounded(anchors.own_day_usd, 2) if known else None,
        "trades": books.trades,
        "wins": books.wins,
        "fees_usd": rounded(books.fees_usd, 2) if known else None,
        "funding_usd": rounded(books.funding_usd, 2) if known else None,
        "by_exit": by_exit(state.closed_trades, Ends(question.rows("exits") or [])),
        "periods": _periods(question, by, equity),
        "note": NOTE,
    }


def _periods(question: Question, by: str, equity: float | None) -> list[Answered]:
    spans: Spans = {}
    for row in question.rows("curve") or []:
        span = spans.setdefault(_name(int(str(row["event_ns"])), by), {})
        span["end_usd"] = float(str(row["equity_usd"]))
    if equity is not None and question.state.now_ns:
        spans.setdefault(_name(question.state.now_ns, by), {})["end_usd"] = equity
    trades = _trades(question.state.closed_trades, by)
    rows: list[Answered] = []
    before: float | None = None
    now = _name(question.state.now_ns, by) if question.state.now_ns else ""
    for name in sorted(spans):
        start, before = before, float(str(spans[name]["end_usd"]))
        if start is None and name == now:
            start = _began_usd(question, by)
        made, count = trades.get(name, (0.0, 0))
        rows.append(
            {
                "period": name,
                "end_usd": rounded(before, 2),
                "change_usd": None if start is None else rounded(before - start, 2),
                "change_frac": rounded((before - start) / start, 6) if start else None,
                "trades": count,
                "trades_result_usd": rounded(made, 2),
            }
        )
    return rows[::-1]


def _began_usd(question: Question, by: str) -> float | None:
    """Return equity at the beginning of the running period, where nothing older is recorded."""
    anchors = question.state.anchors
    return (anchors.day_start_usd if by == "day" else anchors.week_start_usd) or None


def _trades(closed: list[Trade], by: str) -> dict[str, tuple[float, int]]:
    """Return result after costs in USD and number of the trades that ended in each period."""
    found: dict[str, tuple[float, int]] = {}
    for trade in closed:
        name = _name(trade.closed_ns, by)
        made, count = found.get(name, (0.0, 0))
        found[name] = (made + float(trade.result_usd), count + 1)
    return found


def _name(ns: int, by: str) -> str:
    day = datetime.fromtimestamp(ns // NS_PER_S, tz=UTC).date()
    return str(day if by == "day" else day - timedelta(days=day.weekday()))
