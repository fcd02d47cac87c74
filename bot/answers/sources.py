"""Answers `sources`: what was told from outside the venues, how old it is, what it still says."""

from bot.answers.question import Answered, Question, age_s, iso, rounded
from bot.answers.sensed import asked, price_of
from bot.domain.units import NS_PER_S
from bot.kernel.clusters.map import live_qty
from bot.kernel.observe.readings import LIMITS, STRIKE_STANDS_NS
from bot.kernel.sensed import Told
from bot.kernel.snapshot import Sensed

NAME = "sources"


def answer(question: Question) -> Answered:
    """Return readings, announced events and watched positions; ages in seconds."""
    now_ns = question.state.now_ns
    return {
        "as_of": iso(now_ns),
        "readings": [
            _reading(symbol, name, told, now_ns)
            for symbol, sensed in asked(question)
            for name, told in _all(sensed)
        ],
        "windows": [
            row for symbol, sensed in asked(question) for row in _windows(symbol, sensed, now_ns)
        ],
        "watched": [
            row for symbol, sensed in asked(question) for row in _watched(question, symbol, sensed)
        ],
    }


def _all(sensed: Sensed) -> list[tuple[str, Told]]:
    kept = sensed.senses.readings
    return [*sorted(kept.newest.items()), *sorted(kept.strikes.items())]


def _reading(symbol: str, name: str, told: Told, now_ns: int) -> Answered:
    limit_ns = LIMITS[name][2] if name in LIMITS else STRIKE_STANDS_NS
    age_ns = max(now_ns - told.event_ns, 0)
    weight = 0.5 ** (age_ns / told.half_life_ns) if told.half_life_ns > 0 else None
    return {
        "symbol": symbol,
        "name": name,
        "value": told.value,
        "source": told.source,
        "origin": told.origin or None,
        "known_at": iso(told.event_ns),
        "received_at": iso(told.received_ns),
        "age_s": age_s(now_ns, told.event_ns),
        "half_life_s": told.half_life_ns / NS_PER_S if told.half_life_ns > 0 else None,
        "says_still": rounded(weight, 3),
        "stands": age_ns <= limit_ns,
    }


def _windows(symbol: str, sensed: Sensed, now_ns: int) -> list[Answered]:
    return [
        {
            "symbol": symbol,
            "title": window.title,
            "start": iso(window.start_ns),
            "end": iso(window.end_ns),
            "floor": window.floor,
            "source": source,
            "open": window.start_ns <= now_ns < window.end_ns,
        }
        for source, windows in sorted(sensed.senses.windows.items())
        for window in windows
        if window.end_ns > now_ns
    ]


def _watched(question: Question, symbol: str, sensed: Sensed) -> list[Answered]:
    price = price_of(question, symbol, sensed)
    return [
        {
            "symbol": symbol,
            "label": point.label,
            "side": "long" if point.is_long else "short",
            "liq_price": point.price,
            "entry_price": point.entry_price,
            "qty": point.qty,
            "counts_qty": rounded(live_qty(point, sensed.clusters.bar_ns), 3),
            "distance_frac": rounded(point.price / price - 1.0, 5) if price else None,
            "source": point.source,
            "origin": point.origin or None,
            "seen_at": iso(point.known_ns),
        }
        for point in sorted(sensed.clusters.points, key=lambda point: (point.price, point.key))
    ]
