"""Hysteresis over a ladder of steps: down at once, up only past the way out."""

from collections.abc import Sequence

from bot.domain.policy import Step


def factor_in_force(steps: Sequence[Step], value: float, before: float, *, rising: bool) -> float:
    """Return the exposure factor for `value`, given the one in force `before`.

    `rising` means larger values are worse; otherwise smaller ones are. A step once entered stays
    until the value has passed its `leave`.
    """
    factor = 1.0
    for step in steps:
        entered = value >= step.enter if rising else value <= step.enter
        left = value < step.leave if rising else value > step.leave
        if entered or (not left and before <= step.factor):
            factor = min(factor, step.factor)
    return factor
