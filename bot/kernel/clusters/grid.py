"""A grid in log price: cells, smoothing, and the peaks that stand out."""

import itertools
import math
from collections.abc import Mapping

import msgspec
import numpy as np
import numpy.typing as npt

STEP = 0.0005
"""Width of a cell in log price: five basis points."""
SIGMAS = 4.0

Column = npt.NDArray[np.float64]


class Peak(msgspec.Struct, frozen=True, kw_only=True):
    """A local maximum: its index in the column, its height, and the range it stands for."""

    index: int
    height: float
    first: int
    last: int


def cell(price: float) -> int:
    """Return the cell of a price above zero."""
    return math.floor(math.log(price) / STEP)


def price_of(index: float) -> float:
    """Return the price in the middle of a cell."""
    return math.exp((index + 0.5) * STEP)


def column(cells: Mapping[int, float], scale: float, first: int, last: int) -> Column:
    """Return the masses of the cells `first` to `last`, both included."""
    masses = np.zeros(last - first + 1)
    for index, mass in cells.items():
        if first <= index <= last:
            masses[index - first] = mass * scale
    return masses


def smooth(masses: Column, sigma: float) -> Column:
    """Return masses spread by a Gaussian of `sigma` cells; what leaves the edges is lost."""
    reach = math.ceil(SIGMAS * sigma)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    spread = np.convolve(masses, kernel / kernel.sum(), mode="full")
    return spread[reach : reach + masses.size]


def peaks(masses: Column, prominence_frac: float, distance: int) -> list[Peak]:
    """Return peaks that stand out by a share of the highest, at least `distance` cells apart.

    Of two too near to each other the higher one stays. A peak reaches to the lowest place between
    it and its neighbours.
    """
    top = float(masses.max(initial=0.0))
    if top <= 0.0:
        return []
    rises = np.flatnonzero(np.diff(np.concatenate(([-1.0], masses))) > 0.0)
    falls = np.flatnonzero(np.diff(np.concatenate((masses, [-1.0]))) < 0.0)
    tops = sorted(set(rises.tolist()) & set(falls.tolist()))
    tops += [i for i in _plateaus(masses) if i not in tops]
    least = prominence_frac * top
    standing = [i for i in sorted(tops) if _prominence(masses, i) >= least]
    chosen: list[int] = []
    for i in sorted(standing, key=lambda i: (-masses[i], i)):
        if all(abs(i - j) >= distance for j in chosen):
            chosen.append(i)
    chosen.sort()
    valleys = [int(a + np.argmin(masses[a : b + 1])) for a, b in itertools.pairwise(chosen)]
    edges = [0, *valleys, masses.size - 1]
    return [
        Peak(index=i, height=float(masses[i]), first=edges[n], last=edges[n + 1])
        for n, i in enumerate(chosen)
    ]


def _plateaus(masses: Column) -> list[int]:
    """Return the first index of every flat top."""
    found = []
    start = 0
    for i in range(1, masses.size + 1):
        if i < masses.size and masses[i] == masses[start]:
            continue
        left = masses[start - 1] if start > 0 else -1.0
        right = masses[i] if i < masses.size else -1.0
        if i - start > 1 and left < masses[start] > right:
            found.append(start)
        start = i
    return found


def _prominence(masses: Column, index: int) -> float:
    """Return how far a peak rises above the higher of the two valleys that part it from higher."""
    height = masses[index]
    left, right = masses[:index], masses[index + 1 :]
    higher = np.flatnonzero(left > height)
    left = left[int(higher[-1]) + 1 :] if higher.size else left
    higher = np.flatnonzero(right > height)
    right = right[: int(higher[0])] if higher.size else right
    bases = [float(part.min()) if part.size else float(height) for part in (left, right)]
    if not left.size:
        bases[0] = 0.0
    if not right.size:
        bases[1] = 0.0
    return float(height) - max(bases)
