"""Answers `funding`: what holding costs, over venues, against its own history."""

from bot.answers.question import Answered, Question, age_s, iso, rounded
from bot.answers.sensed import asked
from bot.kernel.observe import funding
from bot.kernel.sensed import FundingVenue
from bot.kernel.snapshot import Sensed

NAME = "funding"
HORIZONS_H = (8.0, 24.0, 72.0)


def answer(question: Question) -> Answered:
    """Return funding per eight hours and a year; positive: longs pay. None is unknown."""
    now_ns = question.state.now_ns
    return {
        "as_of": iso(now_ns),
        "funding": [_row(symbol, sensed, now_ns) for symbol, sensed in asked(question)],
    }


def _row(symbol: str, sensed: Sensed, now_ns: int) -> Answered:
    sense, found = sensed.senses.funding, funding.funding_now(sensed.senses, now_ns)
    venues = [_venue(venue, now_ns) for _, venue in sorted(sense.venues.items())]
    if found is None:
        return {"symbol": symbol, "mean_8h_frac": None, "by_venue": venues}
    facts = sensed.assessment.facts if sensed.assessment is not None else None
    z = facts.funding_z if facts is not None else None
    price_z = facts.ret_24h / facts.sd if facts and facts.ret_24h is not None and facts.sd else None
    return {
        "symbol": symbol,
        "mean_8h_frac": rounded(found.mean_8h, 8),
        "apr_frac": rounded(found.apr, 5),
        "low_8h_frac": rounded(found.low_8h, 8),
        "high_8h_frac": rounded(found.high_8h, 8),
        "kind": found.source,
        "venues": list(found.venues),
        "largest_weight_frac": rounded(found.largest_weight, 4),
        "negative_across_venues": found.negative_across_venues,
        "z": rounded(z, 2),
        "percentile": rounded(funding.percentile(sense, found.mean_8h), 4),
        "lowest_since": iso(funding.lowest_since_ns(sense, found.mean_8h) or 0),
        "flipped_at": iso(sense.flipped_ns),
        "squeeze_risk": funding.squeeze_risk(z, price_z, facts.oi_z if facts else None),
        "carry_long_frac": {
            f"{hours:g} h": rounded(funding.carry_frac(found.mean_8h, 1, hours), 8)
            for hours in HORIZONS_H
        },
        "by_venue": venues,
    }


def _venue(venue: FundingVenue, now_ns: int) -> Answered:
    return {
        "venue": venue.venue,
        "interval_h": venue.interval_s / 3_600,
        "predicted_8h_frac": rounded(venue.predicted_8h, 8) if venue.predicted_ns else None,
        "predicted_age_s": age_s(now_ns, venue.predicted_ns),
        "settled_8h_frac": rounded(venue.settled_8h, 8) if venue.settled_ns else None,
        "settled_at": iso(venue.settled_ns),
    }
