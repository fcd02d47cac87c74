"""Chance by seed: named streams that do not disturb each other."""

import random
import zlib

from bot.simulator.dice import unit


def stream(seed: int, name: str) -> random.Random:
    """Return the stream `name` of a seed: the same on every machine and under every hash seed."""
    return random.Random(zlib.crc32(f"{seed}:{name}".encode()) ^ (seed << 33))  # noqa: S311 - chance for tests, no secret


def toss(seed: int, serial: int, count: int) -> float:
    """Return a number in [0, 1) that depends on these three alone.

    A fault that is taken out of a list must not change what the others hit.
    """
    return unit((seed << 40) ^ (serial << 24) ^ count)
