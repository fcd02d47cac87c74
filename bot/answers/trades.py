"""Answers `trades`: what the strategies did, open trades first."""

from bot.answers.exits import Ends, by_exit, result_usd
from bot.answers.question import Answered, Question, exact, iso, rounded
from bot.kernel.snapshot import Trade

NAME = "trades"


def answer(question: Question) -> Answered:
    """Return trades, the newest first: result in USD and in R, and by what each ended."""
    state = question.state
    opened = [leg.trade for leg in state.legs.values() if leg.trade is not None]
    wanted = [
        trade
        for trade in (*opened, *reversed(state.closed_trades))
        if question.symbol in ("", trade.symbol)
    ]
    ends = Ends(question.rows("exits") or [])
    return {
        "as_of": iso(state.now_ns),
        "trades_total": state.books.trades,
        "wins_total": state.books.wins,
        "by_exit": by_exit(wanted, ends),
        "trades": [_trade(trade, ends) for trade in wanted[: question.limit]],
    }


def _trade(trade: Trade, ends: Ends) -> Answered:
    result = result_usd(trade)
    return {
        "trade_id": trade.trade_id,
        "strategy": trade.strategy,
        "symbol": trade.symbol,
        "side": trade.side.value,
        "state": "closed" if trade.closed_ns else "open",
        "opened_at": iso(trade.opened_ns),
        "closed_at": iso(trade.closed_ns),
        "planned_qty": exact(trade.planned_qty),
        "entry_qty": exact(trade.entry_qty),
        "entry_price": _average(trade.entry_value_usd, trade.entry_qty),
        "exit_price": _average(trade.exit_value_usd, trade.exit_qty),
        "stop_price": trade.stop_price,
        "target_price": trade.target_price,
        "risk_usd": rounded(trade.risk_usd, 2),
        "fees_usd": rounded(float(trade.fees_usd), 4),
        "funding_usd": rounded(float(trade.funding_usd), 4),
        "result_usd": rounded(result, 2),
        "result_r": None
        if result is None or trade.risk_usd <= 0.0
        else rounded(result / trade.risk_usd, 3),
        "left_by": ends.of(trade),
        "reason": trade.reason,
    }


def _average(value_usd: object, qty: object) -> float | None:
    """Return value over quantity; None while nothing filled."""
    quantity = float(str(qty))
    return None if quantity == 0.0 else rounded(float(str(value_usd)) / quantity, 4)
