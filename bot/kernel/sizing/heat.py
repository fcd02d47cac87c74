"""What all open risks are worth together when correlations turn against them.

heat = sqrt(r' C r) with r_i the signed risk of a position over equity. Correlations are stressed:
positions of one side move toward one, a hedge never counts for more than HEDGE_MAX.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

HEDGE_MAX = 0.4
OBSERVATIONS_MIN = 30
VALID_SIZE = 2
"""Up to here entries within one always make a valid matrix."""
Matrix = npt.NDArray[np.float64]


def correlation(x: Sequence[float | None], y: Sequence[float | None]) -> float | None:
    """Return the correlation of two aligned series of log prices' changes; None: not known.

    Fewer than `OBSERVATIONS_MIN` common changes, or a series that stands still, say nothing.
    """
    pairs = []
    for i in range(1, min(len(x), len(y))):
        x0, x1, y0, y1 = x[i - 1], x[i], y[i - 1], y[i]
        if x0 and x1 and y0 and y1:
            pairs.append((math.log(x1 / x0), math.log(y1 / y0)))
    if len(pairs) < OBSERVATIONS_MIN:
        return None
    moves = np.array(pairs)
    spread = moves.std(axis=0)
    if not (spread > 1e-12).all():
        return None
    return float(np.clip(np.corrcoef(moves.T)[0, 1], -1.0, 1.0))


def stressed(rho: float | None, *, same_side: bool, stress: float) -> float:
    """Return the correlation that counts between two positions.

    Same side: `stress` of the way toward one (unknown: one). Opposite sides: as measured, but no
    more credit than `HEDGE_MAX` (unknown: none).
    """
    if same_side:
        return 1.0 if rho is None else (1.0 - stress) * rho + stress
    return 0.0 if rho is None else min(rho, HEDGE_MAX)


def matrix(sides: Sequence[int], rho: Callable[[int, int], float | None], stress: float) -> Matrix:
    """Return the stressed correlation matrix of positions by side; always a valid one."""
    size = len(sides)
    found = np.eye(size)
    for i in range(size):
        for j in range(i):
            same = sides[i] == sides[j]
            value = stressed(rho(i, j), same_side=same, stress=stress)
            found[i, j] = found[j, i] = value
    return _repaired(found)


def _repaired(found: Matrix) -> Matrix:
    """Clip negative eigenvalues: pairwise estimates need not fit together.

    Clipping can only raise r' C r, so the repair never makes risk look smaller.
    """
    if len(found) <= VALID_SIZE:
        return found
    values, vectors = np.linalg.eigh(found)
    if values[0] >= 0.0:
        return found
    clipped: Matrix = (vectors * np.maximum(values, 0.0)) @ vectors.T
    return clipped


def heat(risks: Sequence[float], correlations: Matrix) -> float:
    """Return the joint risk; `risks` are signed shares of equity."""
    r = np.asarray(risks, dtype=np.float64)
    return math.sqrt(max(float(r @ correlations @ r), 0.0))


def room_frac(risks: Sequence[float], sign: int, correlations: Matrix, cap: float) -> float:
    """Return how much risk a new position of side `sign` may add until the heat reaches `cap`.

    The new position is the last row of `correlations`. A hedge is never allowed more than a
    position alone would be: what it releases today it may not release tomorrow.
    """
    held = np.asarray(risks, dtype=np.float64)
    if not len(held):
        return cap
    before = float(held @ correlations[:-1, :-1] @ held)
    cross = sign * float(held @ correlations[:-1, -1])
    own = float(correlations[-1, -1])
    left = cap * cap - before
    if left <= 0.0:
        return 0.0
    root = (-cross + math.sqrt(cross * cross + own * left)) / own
    return min(max(root, 0.0), cap)
