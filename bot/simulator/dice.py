"""Seeded chance: a splitmix64 stream whose whole state is one integer."""

from typing import Final

_WORD: Final = (1 << 64) - 1
_GOLDEN: Final = 0x9E3779B97F4A7C15


def mix(value: int) -> int:
    """Return 64 well-stirred bits of `value`: the same in, the same out, on every machine."""
    z = (value + _GOLDEN) & _WORD
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _WORD
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _WORD
    return z ^ (z >> 31)


def unit(value: int) -> float:
    """Return a number in [0, 1) drawn from `value` alone."""
    return (mix(value) >> 11) / (1 << 53)


class Dice:
    """A stream of numbers in [0, 1); `state` (0 .. 2**63) is all there is to keep."""

    def __init__(self, seed: int) -> None:
        self.state = mix(seed) >> 1

    def roll(self) -> float:
        """Return the next number in [0, 1)."""
        self.state = mix(self.state) >> 1
        return unit(self.state)

    def normal(self) -> float:
        """Return a roughly standard normal number (sum of twelve, within +-6)."""
        return sum(self.roll() for _ in range(12)) - 6.0
