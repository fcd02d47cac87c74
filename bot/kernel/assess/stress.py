"""Stress 0-100: the chance that nothing is wrong, turned round; monotone in every severity."""

import math
from collections.abc import Mapping
from typing import Final

WEIGHTS: Final[dict[str, float]] = {
    "liq": 0.65, "vol": 0.60, "ret": 0.60, "shock": 0.70, "fund": 0.55, "oi": 0.50,
    "fund_froth": 0.50, "fg": 0.35, "skew": 0.30, "oi_froth": 0.30, "etf": 0.20, "corr": 0.20,
}  # fmt: skip
WEIGHT_TOTAL: Final = sum(WEIGHTS.values())
_WEIGHED: Final = tuple(WEIGHTS.items())
EXPONENT_MAX: Final = 1.6
WORDS: Final = ((30.0, "Calm"), (55.0, "Elevated"), (78.0, "High"))


def stress(severities: Mapping[str, float]) -> float:
    """Return Stress of the known severities; the exponent keeps a missing one from calming it."""
    calm, known = 1.0, 0.0
    for name, weight in _WEIGHED:
        if name in severities:
            calm *= 1.0 - weight * severities[name]
            known += weight
    if known <= 0.0:
        return 0.0
    return 100.0 * (1.0 - math.pow(calm, min(WEIGHT_TOTAL / known, EXPONENT_MAX)))


def known_share(severities: Mapping[str, float]) -> float:
    """Return the share of all weight that is known."""
    return sum([weight for name, weight in WEIGHTS.items() if name in severities]) / WEIGHT_TOTAL


def stress_word(value: float) -> str:
    """Return the word of a Stress."""
    for limit, word in WORDS:
        if value < limit:
            return word
    return "Extreme"
