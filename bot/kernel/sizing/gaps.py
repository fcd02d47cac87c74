"""How far price jumps over a stop: the tail law of short losses (peaks over threshold).

A generalised Pareto law with scale `b` and shape `xi` above a threshold `u` (McNeil and Frey 2000):
losses of the stop's latency horizon, as shares of price.
"""

from typing import NamedTuple

XI_MIN, XI_PRIOR, FIT_MIN = 0.25, 0.35, 50


class Tail(NamedTuple):
    """A fitted (or assumed) tail; `share` is the share of losses above `u`."""

    u: float = 0.006
    share: float = 0.02
    b: float = 0.003
    xi: float = XI_PRIOR


PRIOR = Tail()
"""What is assumed while no fit with enough excesses exists."""


def careful(tail: Tail, excesses: int) -> Tail:
    """Return the tail to use: never thinner than `XI_MIN`, the prior shape with few excesses."""
    if excesses < FIT_MIN:
        return tail._replace(xi=XI_PRIOR)
    return tail._replace(xi=max(tail.xi, XI_MIN))


def var_frac(tail: Tail, p: float) -> float:
    """Return the loss exceeded with chance `p` per horizon."""
    excess: float = (p / tail.share) ** -tail.xi - 1.0
    return tail.u + tail.b / tail.xi * excess


def shortfall_frac(tail: Tail, p: float) -> float:
    """Return the mean loss beyond `var_frac`."""
    return (var_frac(tail, p) + tail.b - tail.xi * tail.u) / (1.0 - tail.xi)


def overshoot_frac(tail: Tail, stop_distance_frac: float) -> float:
    """Return the mean way past a stop at `stop_distance_frac`, given that a gap passes it.

    Nearer than the threshold the law does not speak: there the threshold's own value holds.
    """
    beyond = max(stop_distance_frac - tail.u, 0.0)
    return (tail.b + tail.xi * beyond) / (1.0 - tail.xi)
