"""Answers `chart`: one symbol's bars with what matters around them, ready to be drawn."""

from bot.answers import clusters, levels, positions
from bot.answers.question import Answered, Question, QuestionUnclear, iso, rounded
from bot.kernel.snapshot import Bar

NAME = "chart"
BARS_MAX = 200


def answer(question: Question) -> Answered:
    """Return the newest bars of args.symbol (else of what is held, else of the first market).

    Raises:
        QuestionUnclear: nothing is known of the symbol that was asked for.
    """
    state = question.state
    held = [leg.symbol for leg in state.legs.values() if leg.qty > 0]
    symbol = question.symbol or next(iter([*sorted(held), *sorted(state.markets)]), "")
    market = state.markets.get(symbol)
    if market is None and question.symbol:
        known = ", ".join(sorted(state.markets)) or "none yet"
        raise QuestionUnclear(f"chart: nothing is known of {symbol!r:.40}; known: {known}")
    if market is None:
        return {"as_of": iso(state.now_ns), "symbol": None, "mark": None, "bars": []}
    one = Question(state=state, policy=question.policy, args={"symbol": symbol})
    bars = [*market.bars, *([market.bar] if market.bar is not None else [])]
    mapped = clusters.answer(one)["clusters"]
    found = mapped[0] if isinstance(mapped, list) and mapped else {}
    return {
        "as_of": iso(state.now_ns),
        "symbol": symbol,
        "bar_s": question.policy.bar_s,
        "mark": market.mark if market.mark > 0.0 else None,
        "bars": [_bar(bar) for bar in bars[-BARS_MAX:]],
        "levels": levels.answer(one)["levels"],
        "zones": levels.answer(one)["zones"],
        "positions": positions.answer(one)["positions"],
        "estimated": found.get("estimated", []),
    }


def _bar(bar: Bar) -> Answered:
    prices = (bar.open, bar.high, bar.low, bar.close)
    names = ("open", "high", "low", "close")
    return {
        "at": iso(bar.open_ns),
        **{name: rounded(value, 8) for name, value in zip(names, prices, strict=True)},
    }
