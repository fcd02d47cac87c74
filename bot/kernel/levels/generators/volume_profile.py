"""Volume by price over a day, a week and a month: its peak, its value area and its thin places."""

from collections.abc import Iterator, Sequence

import msgspec
import numpy as np

from bot.domain.units import NS_PER_DAY
from bot.kernel.levels.history import HOUR_S
from bot.kernel.levels.scene import Scene, written
from bot.kernel.levels.state import Frame, Level

NAME = "volume profile"
THIN = "thin volume"
WEIGHT, THIN_WEIGHT = 0.6, 0.3
WINDOWS_DAYS = {1: 0.6, 7: 0.8, 30: 1.0}
BIN_FRAC, BIN_ATR = 0.0005, 0.1
VALUE_FRAC = 0.70
THIN_FRAC = 0.30
THIN_KEPT = 2
BARS_MIN = 12


class ValueArea(msgspec.Struct, frozen=True, kw_only=True):
    """Bin indices: the peak, and the lowest and highest bin of the value area."""

    peak: int
    low: int
    high: int
    share: float


def value_area(volumes: Sequence[float], wanted: float = VALUE_FRAC) -> ValueArea | None:
    """Return the peak and the bins around it that hold `wanted` of the volume; None: no volume.

    From the peak (of equals, the one nearest the volume's mean) two bins at a time are added on
    the side where they hold more.
    """
    total = float(sum(volumes))
    if total <= 0.0:
        return None
    mean = sum(i * volume for i, volume in enumerate(volumes)) / total
    most = max(volumes)
    peak = min((i for i, v in enumerate(volumes) if v == most), key=lambda i: abs(i - mean))
    low = high = peak
    held, last = volumes[peak], len(volumes) - 1
    while held < wanted * total and (low > 0 or high < last):
        above = sum(volumes[high + 1 : high + 3]) if high < last else -1.0
        below = sum(volumes[max(low - 2, 0) : low]) if low > 0 else -1.0
        if above >= below:
            held, high = held + above, min(high + 2, last)
        else:
            held, low = held + below, max(low - 2, 0)
    return ValueArea(peak=peak, low=low, high=high, share=held / total)


def levels(scene: Scene) -> Sequence[Level]:
    """Return peak, value area and nearest thin places of each window that has volume."""
    frame = scene.book.frames.get(HOUR_S)
    if frame is None:
        return []
    width = max(scene.tick, BIN_FRAC * scene.price, BIN_ATR * scene.atr_1h)
    found: list[Level] = []
    for days, strength in WINDOWS_DAYS.items():
        first = _first(frame, scene.now_ns - days * NS_PER_DAY)
        if len(frame) - first >= BARS_MIN:
            found += _window(scene, frame, first, width, (days, strength))
    return [level for level in found if scene.near(level.low, level.high)]


def _first(frame: Frame, since_ns: int) -> int:
    return int(np.searchsorted(np.asarray(frame.open_ns), since_ns))


def profile(frame: Frame, first: int, width: float) -> tuple[int, list[float]]:
    """Return the lowest bin's number (price over `width`) and the volume of each bin upwards.

    A bar's volume is spread evenly over the bins between its low and its high.
    """
    lows = np.floor(np.asarray(frame.low[first:]) / width).astype(np.int64)
    highs = np.floor(np.asarray(frame.high[first:]) / width).astype(np.int64)
    share = np.asarray(frame.volume[first:]) / (highs - lows + 1)
    start = int(lows.min())
    edges = np.zeros(int(highs.max()) - start + 2)
    np.add.at(edges, lows - start, share)
    np.add.at(edges, highs - start + 1, -share)
    volumes = np.maximum(np.cumsum(edges)[:-1], 0.0)
    return start, [float(volume) for volume in volumes]


def _window(
    scene: Scene, frame: Frame, first: int, width: float, window: tuple[int, float]
) -> Iterator[Level]:
    days, strength = window
    start, volumes = profile(frame, first, width)
    area = value_area(volumes)
    if area is None:
        return
    known_ns = frame.close_ns(len(frame) - 1)
    marks = [
        ("point of control", area.peak + 0.5, NAME, strength),
        ("value area low", float(area.low), NAME, 0.7 * strength),
        ("value area high", area.high + 1.0, NAME, 0.7 * strength),
    ]
    thin = _thin(volumes, area, scene.price / width - start)
    marks += [("thin volume", index + 0.5, THIN, strength) for index in thin]
    for word, place, kind, share in marks:
        price = (start + place) * width
        yield Level(
            kind=kind,
            name=f"{days} d {word} {written(round(price, 8))}",
            low=price,
            high=price,
            strength=share,
            weight=WEIGHT if kind == NAME else THIN_WEIGHT,
            timeframe_s=days * 86_400,
            formed_ns=known_ns,
            known_from_ns=known_ns,
        )


def _thin(volumes: Sequence[float], area: ValueArea, place: float) -> list[int]:
    """Return the local minima below a share of the peak, nearest the price first."""
    limit = THIN_FRAC * volumes[area.peak]
    found = [
        i
        for i in range(1, len(volumes) - 1)
        if volumes[i] < limit and volumes[i - 1] > volumes[i] <= volumes[i + 1]
    ]
    return sorted(found, key=lambda i: (abs(i - place), i))[:THIN_KEPT]
