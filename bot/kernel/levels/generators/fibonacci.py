"""Retracements of the last confirmed leg of the zigzag; every level carries its two anchors."""

from collections.abc import Sequence

from bot.kernel.levels.scene import Scene, written
from bot.kernel.levels.state import Level, Pivot

NAME = "fibonacci"
WEIGHT = 0.35
RATIOS = {0.382: 0.5, 0.5: 0.6, 0.618: 1.0, 0.786: 0.5}
HALF_LIFE_BARS = 120


def levels(scene: Scene) -> Sequence[Level]:
    """Return the retracements of the newest leg of every timeframe that has one."""
    found: list[Level] = []
    for timeframe_s, zigzag in scene.book.zigzags.items():
        if len(zigzag.pivots) >= 2:
            found += leg(zigzag.pivots[-2], zigzag.pivots[-1], timeframe_s)
    return [level for level in found if scene.near(level.low, level.high)]


def leg(start: Pivot, end: Pivot, timeframe_s: int) -> list[Level]:
    """Return the retracements of one leg, measured back from its end."""
    return [
        retracement(start.price, end.price, ratio, timeframe_s, end.ns, end.known_ns)
        for ratio in RATIOS
    ]


def retracement(
    start: float, end: float, ratio: float, timeframe_s: int, formed_ns: int, known_ns: int
) -> Level:
    """Return the level that gives back `ratio` of the way from `start` to `end`."""
    price = end - ratio * (end - start)
    return Level(
        kind=NAME,
        name=f"{ratio:.3g} of {written(start)}-{written(end)}",
        low=price,
        high=price,
        strength=RATIOS.get(ratio, 0.5),
        weight=WEIGHT,
        timeframe_s=timeframe_s,
        formed_ns=formed_ns,
        known_from_ns=known_ns,
        half_life_ns=HALF_LIFE_BARS * timeframe_s * 10**9,
        params={"start": start, "end": end, "ratio": ratio},
    )


def flaw(level: Level) -> str | None:
    """Return why a Fibonacci level cannot be checked; None when its anchors give its price."""
    start, end, ratio = (level.params.get(key) for key in ("start", "end", "ratio"))
    if start is None or end is None or ratio is None or level.timeframe_s <= 0:
        return f"{level.name}: a retracement needs its leg (start, end, ratio) and timeframe"
    price = end - ratio * (end - start)
    if abs(price - level.low) > 1e-3 * price:
        return f"{level.name}: its leg gives {written(price)}, not {written(level.low)}"
    return None
