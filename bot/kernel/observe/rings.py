"""Rolling memory: values by numbered slot, sums by time bucket, monotone records."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from bot.kernel.sensed import Peak, Ring, Wheel

PEAKS_MAX = 500
Floats = npt.NDArray[np.float64]


# ------------------------------------------------------------------ slots


def put(ring: Ring, slot: int, value: float) -> bool:
    """Store the value of a slot, holes for those skipped; False when it lies too far back."""
    size = ring.size
    if ring.newest < 0:
        ring.values = [None] * size
        ring.newest = slot
    elif slot > ring.newest:
        values = ring.values
        for hole in range(max(ring.newest + 1, slot - size + 1), slot):
            values[hole % size] = None
        ring.newest = slot
    elif slot <= ring.newest - size:
        return False
    ring.values[slot % size] = value
    return True


def get(ring: Ring, slot: int) -> float | None:
    """Return the value of a slot; None for a hole, the future, or what has been forgotten."""
    if slot < 0 or not ring.newest - ring.size < slot <= ring.newest:
        return None
    return ring.values[slot % ring.size]


def last_known(ring: Ring, slot: int, back: int) -> float | None:
    """Return the newest value at `slot` or up to `back` slots before it."""
    newest, size, values = ring.newest, ring.size, ring.values
    oldest = max(slot - back, newest - size + 1, 0)
    each = slot if slot < newest else newest  # noqa: FURB136 - asked a dozen times a judgement
    while each >= oldest:
        value = values[each % size]
        if value is not None:
            return value
        each -= 1
    return None


def span(ring: Ring, first: int, last: int) -> list[float | None]:
    """Return slots `first` to `last`, both included, cut to what is remembered."""
    low, high = max(first, ring.newest - ring.size + 1, 0), min(last, ring.newest)
    if high < low:
        return []
    start, end = low % ring.size, high % ring.size + 1
    if start < end:
        return ring.values[start:end]
    return ring.values[start:] + ring.values[:end]


def known(ring: Ring, first: int, last: int) -> list[float]:
    """Return the values of slots `first` to `last`, both included, holes left out."""
    return [value for value in span(ring, first, last) if value is not None]


def row(ring: Ring, first: int, last: int) -> Floats:
    """Return slots `first` to `last` as an array, holes as NaN (for robust statistics only)."""
    out = np.full(max(last - first + 1, 0), np.nan)
    values = span(ring, first, last)
    if values:
        start = max(first, ring.newest - ring.size + 1, 0) - first
        out[start : start + len(values)] = np.array(values, dtype=np.float64)
    return out


# ------------------------------------------------------------------ time buckets


def new_wheel(grain_ns: int, spans: tuple[int, ...]) -> Wheel:
    """Return an empty wheel of buckets of `grain_ns` with totals over each of `spans` buckets."""
    size, kinds = spans[-1], len(spans)
    zeros = [0] * size
    return Wheel(grain_ns, spans, -1, zeros, list(zeros), [0] * kinds, [0] * kinds)


def roll(wheel: Wheel, now_ns: int) -> None:
    """Let buckets leave the windows as time passes; earlier times change nothing."""
    bucket = now_ns // wheel.grain_ns
    newest = wheel.newest
    if bucket <= newest:
        return
    size = wheel.spans[-1]
    wheel.newest = bucket
    if newest < 0 or bucket - newest >= size:
        wheel.long_cents = [0] * size
        wheel.short_cents = [0] * size
        wheel.long_totals = [0] * len(wheel.spans)
        wheel.short_totals = [0] * len(wheel.spans)
        return
    long_totals, short_totals = wheel.long_totals, wheel.short_totals
    if not long_totals[-1] and not short_totals[-1]:
        return  # cents are never negative: every bucket of the longest window is empty
    passed = range(newest + 1, bucket + 1)
    if long_totals[-1]:
        _leave(wheel.long_cents, long_totals, wheel.spans, passed)
    if short_totals[-1]:
        _leave(wheel.short_cents, short_totals, wheel.spans, passed)


def _leave(cents: list[int], totals: list[int], spans: tuple[int, ...], passed: range) -> None:
    """Take out of each total what is as old as its span, for every bucket that has passed."""
    size = spans[-1]
    for kind, span in enumerate(spans):
        for each in passed[:span]:  # what lies further back has left this total before
            gone = cents[(each - span) % size]
            if gone:
                totals[kind] -= gone
    for each in passed:
        cents[each % size] = 0


def add(wheel: Wheel, ns: int, long_cents: int, short_cents: int) -> bool:
    """Add cents at an instant, late or not; False when it lies before the longest window."""
    roll(wheel, ns)
    bucket, size = ns // wheel.grain_ns, wheel.spans[-1]
    age = wheel.newest - bucket
    if age >= size:
        return False
    wheel.long_cents[bucket % size] += long_cents
    wheel.short_cents[bucket % size] += short_cents
    for kind, span in enumerate(wheel.spans):
        if age < span:
            wheel.long_totals[kind] += long_cents
            wheel.short_totals[kind] += short_cents
    return True


# ------------------------------------------------------------------ records


def note_high(peaks: list[Peak], ns: int, value: float) -> None:
    """Remember a value so that `highest_since` can tell when one as high was last seen."""
    while peaks and peaks[-1].value <= value:
        peaks.pop()
    peaks.append(Peak(ns, value))
    del peaks[:-PEAKS_MAX]


def highest_since(peaks: list[Peak], value: float) -> int | None:
    """Return when a remembered value was last at least `value`; None: never."""
    at = bisect_right(peaks, -value, key=lambda peak: -peak.value)
    return peaks[at - 1].ns if at > 0 else None


# ------------------------------------------------------------------ robust numbers


def median(values: Iterable[float]) -> float | None:
    """Return the median; None without values."""
    ordered = sorted(values)
    count = len(ordered)
    if count == 0:
        return None
    middle = count // 2
    if count % 2:
        return ordered[middle]
    return 0.5 * (ordered[middle - 1] + ordered[middle])


def deviation(values: Sequence[float] | Floats) -> float | None:
    """Return 1.4826 times the median distance from the median; None without values."""
    if len(values) == 0:
        return None
    found = np.asarray(values, dtype=np.float64)
    return 1.4826 * _middle(np.abs(found - _middle(found)))


def _middle(found: Floats) -> float:
    """Return the median of finite values: numpy's own looks for NaN first, at twice the price."""
    half = found.size // 2
    if found.size % 2:
        return float(np.partition(found, half)[half])
    parted = np.partition(found, (half - 1, half))
    return 0.5 * float(parted[half - 1] + parted[half])
