"""Answers `market`: price, volatility, funding, interest and judgement of each symbol in a row."""

from bot.answers.heard import venues
from bot.answers.question import Answered, Question, age_s, iso, rounded
from bot.answers.sensed import asked, atr_1h, price_of
from bot.kernel.snapshot import Sensed

NAME = "market"


def answer(question: Question) -> Answered:
    """Return one row a symbol, then one a venue; prices in quote, fractions, None is unknown."""
    rows = [_row(question, symbol, sensed) for symbol, sensed in asked(question)]
    return {"as_of": iso(question.state.now_ns), "markets": rows, "venues": venues(question)}


def _row(question: Question, symbol: str, sensed: Sensed) -> Answered:
    market = question.state.markets.get(symbol)
    found = sensed.assessment
    facts = found.facts if found is not None else None
    price, atr = price_of(question, symbol, sensed), atr_1h(question, symbol)
    return {
        "symbol": symbol,
        "price": price,
        "mark_age_s": age_s(question.state.now_ns, market.mark_received_ns) if market else None,
        "feed_live": market.feed_live if market is not None else None,
        "atr_1h_frac": rounded(atr / price, 6) if price and atr > 0.0 else None,
        "ret_24h_frac": rounded(facts.ret_24h, 6) if facts else None,
        "range_24h_frac": rounded(facts.range_24h, 6) if facts else None,
        "daily_sd_frac": rounded(facts.sd, 6) if facts else None,
        "rsi": rounded(facts.rsi, 1) if facts else None,
        "funding_8h_frac": rounded(found.funding_8h_frac, 8) if found else None,
        "open_interest_coin": rounded(found.open_interest_known_qty, 3) if found else None,
        "liq_long_24h_usd": rounded(found.liq_long_24h_usd, 0) if found else None,
        "liq_short_24h_usd": rounded(found.liq_short_24h_usd, 0) if found else None,
        "pulse": rounded(found.pulse, 1) if found else None,
        "stress": rounded(found.stress, 1) if found else None,
        "threat": found.threat if found else None,
        "cascade": found.cascade if found else None,
        "degraded": list(found.degraded) if found else ["nothing was judged yet"],
    }
