"""Answers `liquidations`: what was forced, by window, side and venue, against what is ordinary."""

from bot.answers.question import Answered, Question, iso, rounded
from bot.answers.sensed import asked, price_of
from bot.kernel.observe import totals
from bot.kernel.observe.totals import LiqNow, LiqTotal
from bot.kernel.sensed import WINDOWS_S
from bot.kernel.snapshot import Sensed

NAME = "liquidations"
DAY_S = 86_400


def answer(question: Question) -> Answered:
    """Return sums in USD as of the last judgement; scopes of different reach are never mixed."""
    return {
        "as_of": iso(question.state.now_ns),
        "liquidations": [_row(question, symbol, sensed) for symbol, sensed in asked(question)],
    }


def _row(question: Question, symbol: str, sensed: Sensed) -> Answered:
    senses, now_ns, found = sensed.senses, question.state.now_ns, sensed.assessment
    price = price_of(question, symbol, sensed)
    qty = found.open_interest_qty if found is not None else None
    interest_usd = qty * price if qty is not None and price is not None else None
    sums = [totals.window_total(senses, window_s, now_ns) for window_s in WINDOWS_S]
    by_venue = totals.by_venue(senses, DAY_S, now_ns)
    hhi, largest = totals.concentration(by_venue)
    day = totals.now_of(senses.liquidations, now_ns)
    since_ns = totals.highest_since_ns(senses.liquidations, day) if day is not None else None
    facts = found.facts if found is not None else None
    usual = facts.liq_base_usd if facts is not None else None
    whole = day.long_24h + day.short_24h if day is not None else None
    return {
        "symbol": symbol,
        "source": day.source if day is not None else None,
        "venues": list(day.venues) if day is not None else [],
        "long_24h_usd": rounded(day.long_24h, 0) if day is not None else None,
        "short_24h_usd": rounded(day.short_24h, 0) if day is not None else None,
        "long_share": rounded(facts.long_share, 4) if facts is not None else None,
        "times_ordinary": rounded(whole / usual, 2) if whole is not None and usual else None,
        "acceleration": rounded(_acceleration(day), 2),
        "highest_since": iso(since_ns or 0),
        "prints": [_total(each, interest_usd) for each in sums if each is not None],
        "by_venue_24h": [_total(each, interest_usd) for each in by_venue],
        "concentration": rounded(hhi, 3),
        "largest_venue_share": rounded(largest, 3),
        "cascade": found.cascade if found is not None else None,
        "cascade_words": found.cascade_words if found is not None else None,
    }


def _acceleration(day: LiqNow | None) -> float | None:
    return totals.acceleration(day.last_1h, day.long_24h + day.short_24h) if day else None


def _total(total: LiqTotal, interest_usd: float | None) -> Answered:
    return {
        "asset": total.asset,
        "window_s": total.window_s,
        "venues": list(total.venues),
        "source": total.source,
        "long_usd": rounded(total.long_usd, 0),
        "short_usd": rounded(total.short_usd, 0),
        "estimated_usd": rounded(total.estimated_usd, 0),
        "confidence": rounded(total.confidence, 3),
        "coverage": rounded(total.coverage, 3),
        "of_open_interest": rounded(totals.intensity(total, interest_usd), 6),
    }
