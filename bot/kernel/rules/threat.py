"""Cut, and take no new risk, as the market's Threat to the leg's side rises."""

from bot.domain.risk import Demand, Gauge
from bot.kernel.rules._ladder import next_enter, stepped, unknown
from bot.kernel.view import LegView

NAME = "threat"
ACTS_ON = "own"
SHARED = False


def demand(view: LegView) -> Demand | None:
    """Return the ladder's factor for Threat 1-5; a market that was not judged blocks new risk."""
    found = view.assessment
    if found is None:
        return unknown(view, NAME, "the market has not been judged yet")
    level = found.threat if view.leg.side.sign > 0 else found.threat_short
    steps = view.policy.rules.threat
    word = found.threat_word if view.leg.side.sign > 0 else "market against shorts"
    return stepped(view, NAME, steps, float(level), f"Threat above limit ({word})", rising=True)


def gauge(view: LegView) -> Gauge:
    """Return the Threat to the leg's side."""
    found, level = view.assessment, None
    if found is not None:
        level = float(found.threat if view.leg.side.sign > 0 else found.threat_short)
    return Gauge(level, next_enter(view.policy.rules.threat, level, rising=True), "Threat 1-5")
