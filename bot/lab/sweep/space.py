"""What is varied: axes of named values, all of their sets, or some drawn at random."""

import itertools
import math
from collections.abc import Sequence

import msgspec
import numpy as np

from bot.domain.errors import ConfigInvalid

Params = dict[str, float]
SETS_MAX = 1_000_000


class Axis(msgspec.Struct, frozen=True, kw_only=True):
    """One parameter and the values it may take, rising."""

    name: str
    values: tuple[float, ...]


def axis_of(text: str) -> Axis:
    """Return the axis of "name=1,2,3" or "name=0.1..0.9:5" (five values, evenly spaced).

    Raises:
        ConfigInvalid: the text says no axis.
    """
    name, _, said = text.partition("=")
    try:
        values = _values(said)
    except ValueError:
        values = ()
    if not name.strip() or not values or not all(map(math.isfinite, values)):
        raise ConfigInvalid(f"--param {text:.60}: give NAME=1,2,3 or NAME=0.1..0.9:5")
    return Axis(name=name.strip(), values=tuple(sorted(set(values))))


def _values(said: str) -> tuple[float, ...]:
    if ".." not in said:
        return tuple(float(part) for part in said.split(","))
    span, _, count = said.partition(":")
    low, _, high = span.partition("..")
    many = int(count or 5)
    ends = float(low), float(high)
    if many < 1 or not all(map(math.isfinite, ends)):
        raise ValueError(said)
    return tuple(round(float(v), 12) for v in np.linspace(*ends, many))


def grid(axes: Sequence[Axis]) -> list[Params]:
    """Return every set of values, the last axis moving fastest.

    Raises:
        ConfigInvalid: no axis, one named twice, or more sets than are sensible.
    """
    names = [axis.name for axis in axes]
    if not axes or len(set(names)) < len(names):
        raise ConfigInvalid("sweep: give each parameter once with --param NAME=...")
    size = math.prod(len(axis.values) for axis in axes)
    if size > SETS_MAX:
        raise ConfigInvalid(f"sweep: {size} sets are too many (at most {SETS_MAX}); use fewer")
    return [
        dict(zip(names, values, strict=True))
        for values in itertools.product(*(axis.values for axis in axes))
    ]


def drawn(axes: Sequence[Axis], count: int, seed: int) -> list[Params]:
    """Return up to `count` different sets, drawn from the grid without putting back."""
    whole = grid(axes)
    dice = np.random.default_rng(seed)
    picked = dice.permutation(len(whole))[:count]
    return [whole[index] for index in sorted(picked.tolist())]


def key_of(params: Params) -> str:
    """Return a set as text, the same for the same values."""
    return ",".join(f"{name}={params[name]!r}" for name in sorted(params))
