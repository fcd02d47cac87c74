"""Average prices since an event: since the low of a cascade, and since the last turns of price."""

from collections.abc import Iterator, Sequence

import numpy as np

from bot.kernel.levels.history import FOUR_HOURS_S, HOUR_S
from bot.kernel.levels.scene import Scene, written
from bot.kernel.levels.state import Frame, Level, VwapAnchor

NAME = "anchored vwap"
WEIGHT = 0.4
NAMED, TURN = 1.0, 0.6
BARS_MIN = 3


def levels(scene: Scene) -> Sequence[Level]:
    """Return the average since each anchor that the hourly bars still reach back to."""
    frame = scene.book.frames.get(HOUR_S)
    if frame is None or not len(frame):
        return []
    found: list[Level] = []
    for anchor, strength in _anchors(scene):
        price = average_since(frame, anchor.ns)
        if price is not None and scene.near(price, price):
            found.append(_level(anchor, price, strength))
    return found


def average_since(frame: Frame, since_ns: int) -> float | None:
    """Return the volume-weighted typical price since an instant; None: unknown or no volume."""
    start_ns = since_ns - since_ns % frame.bar_ns
    if start_ns < frame.open_ns[0]:
        return None
    first = int(np.searchsorted(np.asarray(frame.open_ns), start_ns))
    if len(frame) - first < BARS_MIN:
        return None
    volume = np.asarray(frame.volume[first:])
    total = float(volume.sum())
    if total <= 0.0:
        return None
    prices = np.asarray(frame.high[first:]) + frame.low[first:] + frame.close[first:]
    return float((prices * volume).sum()) / 3.0 / total


def _anchors(scene: Scene) -> Iterator[tuple[VwapAnchor, float]]:
    for anchor in scene.book.anchors:
        yield anchor, NAMED
    turns = scene.book.zigzags.get(FOUR_HOURS_S)
    for pivot in turns.pivots[-2:] if turns is not None else ():
        word = f"{'high' if pivot.is_high else 'low'} {written(pivot.price)}"
        yield VwapAnchor(name=word, ns=pivot.ns, known_ns=pivot.known_ns), TURN


def _level(anchor: VwapAnchor, price: float, strength: float) -> Level:
    return Level(
        kind=NAME,
        name=f"vwap since {anchor.name}",
        low=price,
        high=price,
        strength=strength,
        weight=WEIGHT,
        timeframe_s=HOUR_S,
        formed_ns=anchor.ns,
        known_from_ns=anchor.known_ns,
    )
