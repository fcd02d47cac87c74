"""Levels that people named, from the instant they named them."""

import re
from collections.abc import Sequence

from bot.kernel.levels.scene import Scene
from bot.kernel.levels.state import Level

NAME = "manual"
WEIGHT = 0.9
SAID = {"support": 1, "resistance": -1}
WORD = re.compile(r"\b(support|resistance)\b", re.IGNORECASE)


def levels(scene: Scene) -> Sequence[Level]:
    """Return the named levels of this symbol that are known by now."""
    return [
        Level(
            kind=NAME,
            name=spec.name,
            low=spec.low,
            high=spec.high,
            strength=1.0,
            weight=WEIGHT,
            timeframe_s=86_400,
            formed_ns=spec.known_from_ns,
            known_from_ns=spec.known_from_ns,
            said=said(spec.name),
        )
        for spec in scene.manual
        if spec.symbol == scene.symbol and spec.known_from_ns <= scene.now_ns
    ]


def said(name: str) -> int:
    """Return +1 when a name says support, -1 when it says resistance, 0 for neither or both."""
    words = {word.lower() for word in WORD.findall(name)}
    return SAID[words.pop()] if len(words) == 1 else 0
