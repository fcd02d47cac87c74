"""Answers `strategies`: what trades, with which numbers, and what came of it."""

from bot.answers.question import Answered, Question, iso, rounded
from bot.domain.units import ZERO

NAME = "strategies"


def answer(question: Question) -> Answered:
    """Return a row for each enabled strategy: parameters that were set, trades, result in USD."""
    state, policy = question.state, question.policy.strategies
    opened = [leg.trade.strategy for leg in state.legs.values() if leg.trade is not None]
    rows: list[Answered] = []
    for name in policy.enabled:
        closed = [trade for trade in state.closed_trades if trade.strategy == name]
        rows.append(
            {
                "name": name,
                "params": dict(policy.params.get(name, {})),
                "open": opened.count(name),
                "closed": len(closed),
                "won": sum(1 for trade in closed if trade.result_usd > ZERO),
                "result_usd": rounded(sum(float(trade.result_usd) for trade in closed), 2)
                if closed
                else None,
            }
        )
    return {"as_of": iso(state.now_ns), "enabled": list(policy.enabled), "strategies": rows}
