"""Answers `levels`: the zones that matter, nearest first, and what state each is in."""

from bot.answers.question import Answered, Question, iso, rounded
from bot.answers.sensed import asked, price_of
from bot.kernel.levels import LevelZone, worn_strength
from bot.kernel.snapshot import Market, Zone

NAME = "levels"
STRENGTH_MIN = 0.3
"""Weaker zones are kept but not shown."""


def answer(question: Question) -> Answered:
    """Return the known zones of every market; distances as shares of the price."""
    state = question.state
    rows = [
        _zone(market, zone)
        for symbol, market in sorted(state.markets.items())
        if question.symbol in ("", symbol)
        for zone in sorted(market.zones, key=lambda zone: -zone.low)
    ]
    hidden = sum(1 for spec in question.policy.levels.book if spec.known_from_ns > state.now_ns)
    found = [
        _found(symbol, zone, price)
        for symbol, sensed in asked(question)
        if (price := price_of(question, symbol, sensed)) is not None
        for zone in reversed(sensed.book.zones)
        if zone.manual or worn_strength(zone) >= STRENGTH_MIN
    ]
    warnings = [text for _, sensed in asked(question) for text in sensed.book.warnings]
    return {
        "as_of": iso(state.now_ns),
        "not_yet_known": hidden,
        "levels": rows,
        "zones": found,
        "warnings": warnings,
    }


def _found(symbol: str, zone: LevelZone, price: float) -> Answered:
    """Return a zone of the level book: merged from what every generator holds to matter."""
    return {
        "symbol": symbol,
        "name": zone.name,
        "low": zone.low,
        "high": zone.high,
        "side": {1: "support", -1: "resistance"}.get(zone.side),
        "state": zone.state,
        "strength": rounded(worn_strength(zone), 3),
        "kinds": list(zone.kinds),
        "touches": zone.touches,
        "distance_frac": rounded(_distance(zone, price), 6),
        "note": zone.note or None,
        "warning": zone.warning or None,
    }


def _zone(market: Market, zone: Zone) -> Answered:
    price = market.mark or market.last
    return {
        "symbol": market.symbol,
        "name": zone.name,
        "low": zone.low,
        "high": zone.high,
        "side": {1: "support", -1: "resistance"}.get(zone.side),
        "state": zone.state,
        "bars_in_state": zone.bars_in_state,
        "distance_frac": rounded(_distance(zone, price), 6) if price > 0.0 else None,
        "known_from": iso(zone.known_from_ns),
        "note": zone.note or None,
    }


def _distance(zone: Zone | LevelZone, price: float) -> float:
    """Return the signed way from the price to the nearest edge; 0.0 inside."""
    if zone.low <= price <= zone.high:
        return 0.0
    edge = zone.high if price > zone.high else zone.low
    return (edge - price) / price
