"""Moving averages: Wilder's and exponential, as functions and as small states."""

import math

import msgspec


def wilder(previous: float, value: float, count: int, length: int) -> float:
    """Return Wilder's average after `value`, the `count`-th: a plain mean until `length`."""
    n = min(count, length)
    return previous + (value - previous) / n


class Ema(msgspec.Struct):
    """An exponential average over `length` values, seeded by their plain mean."""

    length: int
    value: float = 0.0
    count: int = 0

    @property
    def ready(self) -> bool:
        """Whether the seed is complete."""
        return self.count >= self.length


def fold(state: Ema, value: float) -> bool:
    """Take one value; False and nothing changed when it is not finite."""
    if not math.isfinite(value):
        return False
    state.count += 1
    if state.count <= state.length:
        state.value += (value - state.value) / state.count
    else:
        state.value += (value - state.value) * 2.0 / (state.length + 1.0)
    return True
