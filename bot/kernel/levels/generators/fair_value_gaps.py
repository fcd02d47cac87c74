"""Fair value gaps: prices that three bars in a row left untraded between first and third."""

from collections.abc import Iterator, Sequence

import msgspec
import numpy as np

from bot.kernel.levels.scene import Scene, written
from bot.kernel.levels.state import Frame, Level

NAME = "fair value gap"
WEIGHT = 0.4
WIDTH_MIN_ATR = 0.25
HALF_LIFE_BARS = 120
KEPT = 10
FRAMES_MAX_S = 14_400


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """A gap whose middle bar is `index`, known at the close of the bar after it."""

    index: int
    is_up: bool
    low: float
    high: float


def levels(scene: Scene) -> Sequence[Level]:
    """Return the gaps that price has not crossed since, with what share of each is filled."""
    if scene.atr_1h <= 0.0:
        return []
    found: list[Level] = []
    for frame in scene.frames():
        if frame.timeframe_s <= FRAMES_MAX_S:
            found += list(_open_gaps(scene, frame))[-KEPT:]
    return found


def gaps(frame: Frame) -> list[Gap]:
    """Return every gap of a frame, oldest first, whatever came after it."""
    if len(frame) < 3:
        return []
    high, low = np.asarray(frame.high), np.asarray(frame.low)
    body = np.asarray(frame.close)[1:-1] - np.asarray(frame.open)[1:-1]
    up = (high[:-2] < low[2:]) & (body > 0.0)
    down = (low[:-2] > high[2:]) & (body < 0.0)
    found = [
        Gap(index=int(i) + 1, is_up=True, low=frame.high[i], high=frame.low[i + 2])
        for i in np.flatnonzero(up)
    ]
    found += [
        Gap(index=int(i) + 1, is_up=False, low=frame.high[i + 2], high=frame.low[i])
        for i in np.flatnonzero(down)
    ]
    return sorted(found, key=lambda gap: gap.index)


def filled_frac(gap: Gap, frame: Frame) -> float:
    """Return the share of a gap that later bars traded, from its near edge; 1.0: all of it."""
    after = gap.index + 2
    if after >= len(frame):
        return 0.0
    width = gap.high - gap.low
    way = gap.high - min(frame.low[after:]) if gap.is_up else max(frame.high[after:]) - gap.low
    return min(max(way / width, 0.0), 1.0)


def _open_gaps(scene: Scene, frame: Frame) -> Iterator[Level]:
    least = WIDTH_MIN_ATR * scene.atr(frame.timeframe_s)
    for gap in gaps(frame):
        if gap.high - gap.low < least or not scene.near(gap.low, gap.high):
            continue
        filled = filled_frac(gap, frame)
        if filled >= 1.0:
            continue
        yield Level(
            kind=NAME,
            name=f"{'up' if gap.is_up else 'down'} gap {written(gap.low)}-{written(gap.high)}",
            low=gap.low,
            high=gap.high,
            strength=1.0 - filled,
            weight=WEIGHT,
            timeframe_s=frame.timeframe_s,
            formed_ns=frame.open_ns[gap.index],
            known_from_ns=frame.close_ns(gap.index + 1),
            half_life_ns=HALF_LIFE_BARS * frame.bar_ns,
            params={"filled_frac": filled, "touched": float(filled > 0.0)},
        )
