"""Turns of price: fractals (k lower bars on both sides) and confirmed pivots of the zigzag."""

from collections.abc import Iterator, Sequence

import numpy as np

from bot.domain.units import NS_PER_DAY
from bot.kernel.levels.scene import Scene, written
from bot.kernel.levels.state import Frame, Level

NAME = "swing"
ZIGZAG = "zigzag"
WEIGHT, ZIGZAG_WEIGHT = 0.5, 0.6
SIDE_BARS = 3
KEPT = 12
DEEP_ATR = 3.0
HALF_LIFE_BARS = 120


def levels(scene: Scene) -> Sequence[Level]:
    """Return the newest fractals and pivots of every frame, each from its confirmation on."""
    found: list[Level] = []
    for frame in scene.frames():
        found += _fractals(scene, frame)
    found += _pivots(scene)
    return found


def fractals(values: Sequence[float], side_bars: int) -> list[int]:
    """Return where a value tops `side_bars` before it strictly and as many after it or equals them.

    A tie belongs to its first bar. The last `side_bars` values are never named: they are not yet
    confirmed.
    """
    if len(values) < 2 * side_bars + 1:
        return []
    column = np.asarray(values)
    middle = column[side_bars:-side_bars]
    hit = np.ones(middle.size, dtype=np.bool_)
    for back in range(1, side_bars + 1):
        hit &= middle > column[side_bars - back : column.size - side_bars - back]
        hit &= middle >= column[side_bars + back : column.size - side_bars + back]
    return [int(i) + side_bars for i in np.flatnonzero(hit)]


def _fractals(scene: Scene, frame: Frame) -> Iterator[Level]:
    atr = scene.atr(frame.timeframe_s)
    lows = [-low for low in frame.low]
    for word, sign, values, opposite in (
        ("high", 1.0, frame.high, lows),
        ("low", -1.0, lows, frame.high),
    ):
        for index in fractals(values, SIDE_BARS)[-KEPT:]:
            price = sign * values[index]
            if not scene.near(price, price):
                continue
            after = opposite[index : index + SIDE_BARS + 1]
            depth = values[index] + max(after)
            yield Level(
                kind=NAME,
                name=f"swing {word} {written(price)}",
                low=price,
                high=price,
                strength=min(depth / (DEEP_ATR * atr), 1.0) if atr > 0.0 else 0.5,
                weight=WEIGHT,
                timeframe_s=frame.timeframe_s,
                formed_ns=frame.open_ns[index],
                known_from_ns=frame.close_ns(index + SIDE_BARS),
                half_life_ns=HALF_LIFE_BARS * frame.bar_ns,
            )


def _pivots(scene: Scene) -> Iterator[Level]:
    for timeframe_s, zigzag in scene.book.zigzags.items():
        for pivot in zigzag.pivots:
            if scene.near(pivot.price, pivot.price):
                yield Level(
                    kind=ZIGZAG,
                    name=f"turn {'down' if pivot.is_high else 'up'} {written(pivot.price)}",
                    low=pivot.price,
                    high=pivot.price,
                    strength=1.0,
                    weight=ZIGZAG_WEIGHT,
                    timeframe_s=timeframe_s,
                    formed_ns=pivot.ns,
                    known_from_ns=pivot.known_ns,
                    half_life_ns=max(HALF_LIFE_BARS * timeframe_s * 10**9, 10 * NS_PER_DAY),
                )
