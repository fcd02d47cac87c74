"""Answers `pulse`: Pulse, Stress and Threat of each symbol with sub-scores and evidence."""

from bot.answers.question import Answered, Question, age_s, iso, rounded
from bot.answers.sensed import asked
from bot.domain.sense import Assessment
from bot.kernel.assess import words
from bot.kernel.assess.stress import known_share

NAME = "pulse"


def answer(question: Question) -> Answered:
    """Return the newest judgement of each symbol; None where nothing was judged yet."""
    state = question.state
    return {
        "as_of": iso(state.now_ns),
        "account_threat": account_threat(question),
        "markets": [
            {"symbol": symbol, **_judged(sensed.assessment, state.now_ns)}
            for symbol, sensed in asked(question)
        ],
    }


def account_threat(question: Question) -> int | None:
    """Return the highest Threat to what the account holds, by side; None when nothing is held."""
    found = []
    for leg in question.state.legs.values():
        sensed = question.state.sensed.get(leg.symbol)
        if leg.qty > 0 and sensed is not None and sensed.assessment is not None:
            judged = sensed.assessment
            found.append(judged.threat if leg.side.sign > 0 else judged.threat_short)
    return max(found, default=None)


def _judged(found: Assessment | None, now_ns: int) -> Answered:
    if found is None:
        return {"judged_at": None}
    return {
        "judged_at": iso(found.ns),
        "age_s": age_s(now_ns, found.ns),
        "headline": words.headline(found),
        "pulse": rounded(found.pulse, 1),
        "pulse_word": found.pulse_word,
        "stress": rounded(found.stress, 1),
        "stress_word": found.stress_word,
        "threat": found.threat,
        "threat_word": found.threat_word,
        "stress_short": rounded(found.stress_short, 1),
        "threat_short": found.threat_short,
        "severities": {name: rounded(v, 3) for name, v in sorted(found.severities.items())},
        "severities_short": {
            name: rounded(v, 3) for name, v in sorted(found.severities_short.items())
        },
        "known_share": rounded(known_share(found.severities), 3),
        "evidence": list(words.evidence(found)),
        "evidence_short": list(words.evidence(found, -1)),
        "degraded": list(found.degraded),
        "floor": found.floor,
        "floor_reasons": list(found.floor_reasons),
        "systemic": list(found.systemic),
        "cascade": found.cascade,
        "cascade_words": found.cascade_words,
        "flush": found.flush.state,
        "flush_completeness": rounded(found.flush.completeness, 3),
        "flush_evidence": list(found.flush.evidence),
        "flush_short": found.flush_short.state,
    }
