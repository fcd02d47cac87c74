"""Jumps and self-excitation of recorded falls: what generated cascades are drawn from."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
JUMP_SIGMAS = 4.0
"""A return beyond this many local deviations is a jump."""
LOCAL_BARS = 288
LOCAL_MIN = 24
SHAPE_MAX = 0.5
BRANCHINGS = np.linspace(0.0, 0.9, 19)
DECAYS_BARS = np.array([2.0, 4.0, 8.0, 16.0, 32.0, 64.0])


class Hazard(msgspec.Struct, frozen=True, kw_only=True):
    """Laws of one bar: diffusion, jump sizes, and how jumps bring more jumps.

    `sigma_bar` is the deviation of a log return without jumps; a jump is `jump_floor` and what
    lies beyond it, generalised Pareto with mean `jump_mean` and shape `jump_shape` (0: exponential,
    larger: a longer tail); `base_rate` jumps come by themselves per bar, each brings `branching`
    others, spread over `decay_bars`. In the worst day of a recording `storm_sigma_bar` is the
    deviation without jumps, `storm_drift_bar` what every bar lost besides them, `storm_rate` their
    number.
    """

    sigma_bar: float
    storm_sigma_bar: float
    storm_drift_bar: float
    storm_rate: float
    jump_mean: float
    base_rate: float
    branching: float
    decay_bars: float
    jumps: int
    bars: int
    jump_floor: float = 0.0
    jump_shape: float = 0.0


DEFAULT = Hazard(
    sigma_bar=0.0015, storm_sigma_bar=0.003, storm_drift_bar=0.0003, storm_rate=0.02,
    jump_mean=0.008, base_rate=0.004, branching=0.5, decay_bars=8.0, jumps=0, bars=0,
)  # fmt: skip
"""Used where nothing recorded is given: round numbers, not a fit."""


def fitted(closes: Iterable[Sequence[float]]) -> Hazard:
    """Return the laws that recorded closes (one sequence per folder) tell; DEFAULT of too few.

    Diffusion by bipower variation; jumps by their size against the local deviation. What is taken
    for a jump lies beyond a threshold, so the law is that of the excess (peaks over a threshold):
    the mean of the sizes themselves would count the threshold as if it were a jump. Branching and
    decay by the likelihood of the jump times under a Hawkes process with an exponential kernel.
    """
    beyond: list[float] = []
    floors: list[float] = []
    tapes: list[tuple[npt.NDArray[np.int64], int]] = []
    bipower: list[float] = []
    worst: list[tuple[float, float, float]] = []
    for series in closes:
        returns = np.diff(np.log(np.asarray(series, float)))
        if returns.size <= LOCAL_BARS:
            continue
        local = _local_sigma(returns)
        at = np.flatnonzero((local > 0.0) & (np.abs(returns) > JUMP_SIGMAS * local))
        beyond += (np.abs(returns[at]) - JUMP_SIGMAS * local[at]).tolist()
        floors += (JUMP_SIGMAS * local[at]).tolist()
        tapes.append((at, returns.size))
        bipower.append(_bipower(returns))
        worst.append(_worst_day(returns, at))
    bars = sum(length for _, length in tapes)
    if len(beyond) < LOCAL_MIN:
        return DEFAULT
    branching, decay = _excitation(tapes)
    variance, drift, rate = (float(value) for value in np.mean(worst, axis=0))
    return Hazard(
        sigma_bar=math.sqrt(float(np.mean(bipower))),
        storm_sigma_bar=math.sqrt(variance),
        storm_drift_bar=max(drift, 0.0),
        storm_rate=rate * (1.0 - branching),
        jump_mean=float(np.mean(beyond)),
        base_rate=len(beyond) / bars * (1.0 - branching),
        branching=branching,
        decay_bars=decay,
        jumps=len(beyond),
        bars=bars,
        jump_floor=float(np.mean(floors)),
        jump_shape=_shape(np.array(beyond)),
    )


def _shape(beyond: Floats) -> float:
    """Return the shape of a generalised Pareto law by weighted moments (Hosking and Wallis 1987).

    At most SHAPE_MAX: beyond it a few hundred recorded jumps say nothing of the variance.
    """
    ordered = np.sort(beyond)
    count = ordered.size
    weights = (count - 1 - np.arange(count)) / (count - 1)
    first, second = float(ordered.mean()), float(np.mean(weights * ordered))
    return min(max(2.0 - first / (first - 2.0 * second), 0.0), SHAPE_MAX)


def _bipower(returns: Floats) -> float:
    """Return the variance of a bar without its jumps (Barndorff-Nielsen and Shephard)."""
    return 0.5 * math.pi * float(np.mean(np.abs(returns[1:] * returns[:-1])))


def _worst_day(returns: Floats, jumps: npt.NDArray[np.int64]) -> tuple[float, float, float]:
    """Return (variance, loss besides jumps, jumps) per bar of the day that lost most."""
    total = np.concatenate(([0.0], np.cumsum(returns)))
    begin = int((total[LOCAL_BARS:] - total[:-LOCAL_BARS]).argmin())
    day = returns[begin : begin + LOCAL_BARS]
    inside = jumps[(jumps >= begin) & (jumps < begin + LOCAL_BARS)]
    rest = float(day.sum() - returns[inside].sum())
    return _bipower(day), -rest / LOCAL_BARS, inside.size / LOCAL_BARS


def _local_sigma(returns: Floats) -> Floats:
    """Return the deviation of up to LOCAL_BARS returns before each; 0.0 with too few of them.

    By bipower variation: a jump does not hide the next one by raising what is usual.
    """
    pairs = 0.5 * math.pi * np.abs(returns[1:] * returns[:-1])
    total = np.concatenate(([0.0, 0.0], np.cumsum(pairs)))
    out = np.zeros(returns.size)
    for at in range(LOCAL_MIN, returns.size):
        begin = max(0, at - LOCAL_BARS)
        spread = max(float(total[at] - total[begin + 1]), 0.0)
        out[at] = math.sqrt(spread / (at - begin - 1))
    return out


def _excitation(tapes: Sequence[tuple[npt.NDArray[np.int64], int]]) -> tuple[float, float]:
    best, found = -math.inf, (0.0, float(DECAYS_BARS[0]))
    for branching in BRANCHINGS:
        for decay in DECAYS_BARS:
            score = sum(
                _likelihood(at, length, float(branching), float(decay)) for at, length in tapes
            )
            if score > best:
                best, found = score, (float(branching), float(decay))
    return found


def _likelihood(at: npt.NDArray[np.int64], length: int, branching: float, decay: float) -> float:
    """Return the log likelihood of jump times, with the base rate that keeps their mean number."""
    count = at.size
    if count == 0:
        return 0.0
    base = count / length * (1.0 - branching)
    excited, before, score = 0.0, 0, 0.0
    for n, time in enumerate(at.tolist()):
        if n:
            excited = (excited + branching / decay) * math.exp(-(time - before) / decay)
        score += math.log(base + excited)
        before = time
    reach = branching * (1.0 - np.exp(-(length - at) / decay))
    return score - base * length - float(reach.sum())


def drawn_jumps(hazard: Hazard, bars: int, trigger: int, dice: np.random.Generator) -> Any:  # noqa: ANN401 - an array of floats
    """Return the summed jump of every bar (positive numbers are falls); shape (bars,).

    At bar `trigger` a burst begins the cascade; a jump that comes by itself falls or rises alike,
    one that another brought goes the way of the burst.
    """
    out = np.zeros(bars)
    excited = 0.0
    keep = math.exp(-1.0 / hazard.decay_bars)
    for bar in range(bars):
        alone = dice.poisson(hazard.storm_rate if bar >= trigger else hazard.base_rate)
        brought = dice.poisson(excited)
        if bar == trigger:
            brought += 3
        falls = brought + dice.binomial(alone, 0.5)
        rises = alone + brought - falls
        out[bar] = _sum(dice, falls, hazard) - _sum(dice, rises, hazard)
        excited = excited * keep + falls * hazard.branching * (1.0 - keep)
    return out


def _sum(dice: np.random.Generator, count: int, hazard: Hazard) -> float:
    if not count:
        return 0.0
    beyond = dice.exponential(1.0, count)
    shape = hazard.jump_shape
    if shape > 0.0:
        beyond = (1.0 - shape) * np.expm1(shape * beyond) / shape
    return float(count * hazard.jump_floor + hazard.jump_mean * beyond.sum())
