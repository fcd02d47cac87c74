"""Answers `oi`: open interest in coins by venue, its changes, and price against it."""

import math

from bot.answers.question import Answered, Question, age_s, iso, rounded
from bot.answers.sensed import asked
from bot.kernel.assess.quadrants import quadrants
from bot.kernel.observe import open_interest
from bot.kernel.sensed import HORIZONS_S
from bot.kernel.snapshot import Sensed

NAME = "oi"


def answer(question: Question) -> Answered:
    """Return interest over the venues that are fresh; changes of those known at both ends."""
    now_ns = question.state.now_ns
    return {
        "as_of": iso(now_ns),
        "open_interest": [_row(symbol, sensed, now_ns) for symbol, sensed in asked(question)],
    }


def _row(symbol: str, sensed: Sensed, now_ns: int) -> Answered:
    sense, found = sensed.senses.open_interest, sensed.assessment
    fresh = open_interest.present(sense, now_ns)
    return {
        "symbol": symbol,
        "open_interest_coin": rounded(open_interest.total_qty(fresh), 3),
        "venues": [venue.venue for venue in fresh],
        "changes": [_change(sensed, now_ns, horizon_s) for horizon_s in HORIZONS_S],
        "quadrants": [
            {
                "horizon_s": each.horizon_s,
                "name": each.name,
                "confidence": rounded(each.confidence, 3),
                "price_z": rounded(each.price_z, 2),
                "oi_z": rounded(each.oi_z, 2),
            }
            for each in quadrants(sensed.senses, now_ns)
        ],
        "froth": rounded(found.froth, 3) if found is not None else None,
        "flush": found.flush.state if found is not None else None,
        "flush_completeness": rounded(found.flush.completeness, 3) if found is not None else None,
        "flush_evidence": list(found.flush.evidence) if found is not None else [],
        "by_venue": [
            {
                "venue": venue.venue,
                "open_interest_coin": rounded(venue.qty, 3),
                "age_s": age_s(now_ns, venue.ns),
                "fresh": venue in fresh,
            }
            for _, venue in sorted(sense.venues.items())
        ],
    }


def _change(sensed: Sensed, now_ns: int, horizon_s: int) -> Answered:
    found = open_interest.change(sensed.senses.open_interest, now_ns, horizon_s)
    return {
        "horizon_s": horizon_s,
        "change_frac": rounded(math.expm1(found.log_change), 6) if found is not None else None,
        "venues": list(found.venues) if found is not None else [],
        "coverage": rounded(found.coverage, 3) if found is not None else None,
    }
