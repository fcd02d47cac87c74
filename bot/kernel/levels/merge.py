"""Merges levels to zones with one strength, and puts what humans said on its right side."""

import math
from collections.abc import Iterable, Sequence

import msgspec

from bot.kernel.levels.generators import fibonacci
from bot.kernel.levels.generators.manual import NAME as MANUAL
from bot.kernel.levels.scene import written
from bot.kernel.levels.state import Level

GAP_ATR, GAP_FRAC = 0.25, 0.0015
TIMEFRAME_WEIGHTS = {3_600: 0.6, 14_400: 0.8}
ZONES_MAX = 60


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A zone as its levels make it, before it has a life."""

    low: float
    high: float
    levels: tuple[Level, ...]
    strength: float

    @property
    def name(self) -> str:
        """The name people gave it, or its weightiest level's."""
        return max(self.levels, key=_rank).name

    @property
    def manual(self) -> bool:
        """Whether people named it."""
        return any(level.kind == MANUAL for level in self.levels)

    @property
    def kinds(self) -> list[str]:
        """The kinds of level in it, each once, by name."""
        return sorted({level.kind for level in self.levels})

    @property
    def known_from_ns(self) -> int:
        """When its last edge was known."""
        return max(level.known_from_ns for level in self.levels)


def flaw(level: Level) -> str | None:
    """Return why a level cannot be used; None when it can."""
    numbers = (level.low, level.high, level.strength, level.weight)
    if not all(map(math.isfinite, numbers)) or not 0.0 < level.low <= level.high:
        return f"{level.name}: edges must be finite, above zero and in order"
    if not (0.0 <= level.strength <= 1.0 and 0.0 <= level.weight <= 1.0):
        return f"{level.name}: strength and weight must lie between 0 and 1"
    return fibonacci.flaw(level) if level.kind == fibonacci.NAME else None


def gap_tolerance(price: float, atr_1h: float) -> float:
    """Return how far apart, in quote, two levels may lie and still be one zone."""
    return max(GAP_ATR * atr_1h, GAP_FRAC * price)


def merge(levels: Iterable[Level], price: float, atr_1h: float, now_ns: int) -> list[Draft]:
    """Return zones, lowest first: neighbours within the tolerance, no wider than one hourly ATR.

    A band that alone is wider than that stays a zone of its own. The strongest are kept, and all
    that people named.
    """
    tolerance = gap_tolerance(price, atr_1h)
    widest = max(atr_1h, 2.0 * tolerance)
    groups: list[list[Level]] = []
    wide: list[list[Level]] = []
    low = high = 0.0
    for level in sorted(levels, key=lambda level: (level.low, level.high, level.name)):
        if level.high - level.low > widest:
            wide.append([level])
        elif groups and level.low - high <= tolerance and max(high, level.high) - low <= widest:
            groups[-1].append(level)
            high = max(high, level.high)
        else:
            groups.append([level])
            low, high = level.low, level.high
    drafts = [_draft(group, now_ns) for group in [*groups, *wide]]
    drafts.sort(key=lambda draft: (not draft.manual, -draft.strength, draft.low))
    return sorted(drafts[:ZONES_MAX], key=lambda draft: (draft.low, draft.high))


def _draft(group: Sequence[Level], now_ns: int) -> Draft:
    return Draft(
        low=min(level.low for level in group),
        high=max(level.high for level in group),
        levels=tuple(group),
        strength=strength(group, now_ns),
    )


def strength(levels: Iterable[Level], now_ns: int) -> float:
    """Return 1 - prod(1 - s): each kind counts once, by its best level."""
    best: dict[str, float] = {}
    for level in levels:
        best[level.kind] = max(best.get(level.kind, 0.0), _score(level, now_ns))
    return 1.0 - math.prod(1.0 - score for score in best.values())


def _score(level: Level, now_ns: int) -> float:
    age_ns = max(now_ns - level.formed_ns, 0)
    decay = 0.5 ** (age_ns / level.half_life_ns) if level.half_life_ns > 0 else 1.0
    frame = TIMEFRAME_WEIGHTS.get(level.timeframe_s, 1.0)
    return level.weight * frame * decay * level.strength


def _rank(level: Level) -> tuple[bool, float, float, str]:
    return level.kind == MANUAL, level.weight * level.strength, -level.low, level.name


def placed(draft: Draft, price: float) -> tuple[int, str]:
    """Return the side a zone has by its price, and a warning where a human said the other.

    A price inside the zone contradicts nobody.
    """
    side = 1 if price >= draft.low else -1
    if draft.low <= price <= draft.high:
        return side, ""
    for level in draft.levels:
        if level.said == -side:
            said, is_now, way = (
                ("support", "resistance", "above")
                if level.said > 0
                else ("resistance", "support", "below")
            )
            edges = " - ".join(written(edge) for edge in dict.fromkeys((level.low, level.high)))
            return side, (
                f"{level.name} ({edges}) was said to be {said} but lies {way} the price "
                f"{written(price)}: taken as {is_now}"
            )
    return side, ""
