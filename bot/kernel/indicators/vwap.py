"""The volume-weighted average price since an anchor, with its standard deviation."""

import math

import msgspec


class Vwap(msgspec.Struct, kw_only=True):
    """Running mean and spread (West's update) of typical prices, weighted by volume."""

    anchor_ns: int = 0
    volume: float = 0.0
    mean: float = 0.0
    spread: float = 0.0


def fold(state: Vwap, high: float, low: float, close: float, volume: float) -> bool:
    """Take one bar; False and nothing changed when it is not believable or traded nothing."""
    sound = math.isfinite(high) and 0.0 < low <= close <= high
    if not sound or not (math.isfinite(volume) and volume > 0.0):
        return False
    typical = (high + low + close) / 3.0
    state.volume += volume
    step = typical - state.mean
    state.mean += step * volume / state.volume
    state.spread += volume * step * (typical - state.mean)
    return True


def value(state: Vwap) -> float | None:
    """Return the average price; None before anything traded."""
    return state.mean if state.volume > 0.0 else None


def deviation(state: Vwap) -> float | None:
    """Return the volume-weighted standard deviation around it; None before anything traded."""
    return math.sqrt(max(state.spread, 0.0) / state.volume) if state.volume > 0.0 else None
