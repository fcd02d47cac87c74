"""Answers `trades`: what the strategies did, open trades first."""

from bot.answers.question import Answered, Question, exact, iso, rounded
from bot.domain.units import ZERO
from bot.kernel.snapshot import Trade

NAME = "trades"


def answer(question: Question) -> Answered:
    """Return open and closed trades, the newest first, with their result in USD and in R."""
    state = question.state
    opened = [leg.trade for leg in state.legs.values() if leg.trade is not None]
    wanted = [
        trade
        for trade in (*opened, *reversed(state.closed_trades))
        if question.symbol in ("", trade.symbol)
    ]
    return {
        "as_of": iso(state.now_ns),
        "trades_total": state.books.trades,
        "wins_total": state.books.wins,
        "trades": [_trade(trade) for trade in wanted[: question.limit]],
    }


def _trade(trade: Trade) -> Answered:
    result = _result_usd(trade)
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
        "reason": trade.reason,
    }


def _average(value_usd: object, qty: object) -> float | None:
    """Return value over quantity; None while nothing filled."""
    quantity = float(str(qty))
    return None if quantity == 0.0 else rounded(float(str(value_usd)) / quantity, 4)


def _result_usd(trade: Trade) -> float | None:
    """Return what a closed trade brought after fees and funding; None while it is open."""
    if trade.closed_ns == 0 or trade.entry_qty == ZERO:
        return None
    gain = trade.side.sign * (trade.exit_value_usd - trade.entry_value_usd)
    return float(gain - trade.fees_usd + trade.funding_usd)
