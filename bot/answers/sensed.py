"""The sensed symbols a question is about, as several answers need them."""

from bot.answers.question import Question
from bot.kernel.snapshot import Market, Sensed


def asked(question: Question) -> list[tuple[str, Sensed]]:
    """Return (symbol, what is sensed), by symbol; of the symbol asked for, or of all."""
    wanted = question.symbol
    return [(s, sensed) for s, sensed in sorted(question.state.sensed.items()) if wanted in ("", s)]


def price_of(question: Question, symbol: str, sensed: Sensed) -> float | None:
    """Return mark, else last, else the newest close; None while no price is known."""
    market: Market | None = question.state.markets.get(symbol)
    known = (market.mark, market.last) if market is not None else ()
    return next((p for p in (*known, sensed.senses.price.close) if p > 0.0), None)


def atr_1h(question: Question, symbol: str) -> float:
    """Return the hourly ATR in quote; 0.0 while unknown."""
    market = question.state.markets.get(symbol)
    return market.atr_1h if market is not None and market.atr_1h_count else 0.0
