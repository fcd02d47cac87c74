"""Smooth seeded noise as a pure function of time: any instant can be asked, in any order."""

from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Words = npt.NDArray[np.uint64]

_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
_MUL_1: Final = np.uint64(0xBF58476D1CE4E5B9)
_MUL_2: Final = np.uint64(0x94D049BB133111EB)
_SPREAD: Final = float(np.sqrt(3.0))
"""Uniform draws in [-1, 1] times this have variance one."""


def stir(words: Words) -> Words:
    """Return splitmix64 of every element."""
    with np.errstate(over="ignore"):
        z = words + _GOLDEN
        z = (z ^ (z >> np.uint64(30))) * _MUL_1
        z = (z ^ (z >> np.uint64(27))) * _MUL_2
        return z ^ (z >> np.uint64(31))


def _knot(seed: int, numbers: npt.NDArray[np.int64]) -> Floats:
    """Return a draw of variance one for each knot number."""
    words = stir(numbers.astype(np.uint64) ^ stir(np.array([seed], dtype=np.uint64)))
    return ((words >> np.uint64(11)).astype(np.float64) / (1 << 52) - 1.0) * _SPREAD


def octave(seed: int, at_s: Floats, period_s: float) -> Floats:
    """Return noise of about unit variance that changes over `period_s` seconds."""
    place = at_s / period_s
    left = np.floor(place)
    t = place - left
    ease = t * t * (3.0 - 2.0 * t)
    number = left.astype(np.int64)
    first = int(number.min())
    knots = _knot(seed, np.arange(first, int(number.max()) + 2))
    return knots[number - first] * (1.0 - ease) + knots[number - first + 1] * ease


def rough(seed: int, at_s: Floats, shortest_s: float, longest_s: float) -> Floats:
    """Return octaves from shortest to longest, each as tall as the root of its period in minutes.

    Scaled by a volatility per root minute this wanders like a price, yet never drifts off.
    """
    total = np.zeros_like(at_s)
    period = shortest_s
    step = 0
    while period <= longest_s:
        total += np.sqrt(period / 60.0) * octave(seed + 7919 * step, at_s, period)
        period *= 2.0
        step += 1
    return total
