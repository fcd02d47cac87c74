"""Round prices, where people put their orders for no other reason."""

import math
from collections.abc import Iterator, Sequence

from bot.kernel.levels.scene import Scene, written
from bot.kernel.levels.state import Level

NAME = "round"
WEIGHT = 0.5
REACH_FRAC = 0.15
STRENGTHS = (1.0, 0.8, 0.4)
SHARES = {"BTC": (1.0, 0.5, 0.1)}
SHARES_OTHER = (1.0, 0.5, 0.25)


def levels(scene: Scene) -> Sequence[Level]:
    """Return multiples of a power of ten, of its half, and of a finer share of it."""
    return [
        Level(
            kind=NAME,
            name=f"round {written(price)}",
            low=price,
            high=price,
            strength=strength,
            weight=WEIGHT,
        )
        for price, strength in _multiples(scene)
    ]


def _multiples(scene: Scene) -> Iterator[tuple[float, float]]:
    unit = 10.0 ** math.floor(math.log10(scene.price))
    shares = SHARES.get(scene.symbol.split("/", 1)[0], SHARES_OTHER)
    low, high = scene.price * (1.0 - REACH_FRAC), scene.price * (1.0 + REACH_FRAC)
    seen: set[float] = set()
    for share, strength in zip(shares, STRENGTHS, strict=True):
        step = unit * share
        for count in range(math.ceil(low / step), math.floor(high / step) + 1):
            price = round(count * step, 10)
            if price > 0.0 and price not in seen:
                seen.add(price)
                yield price, strength
