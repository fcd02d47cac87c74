"""Where a trade's stop may rest: on the loss side, beyond its zone, never on a round number."""

from collections.abc import Sequence

Span = tuple[float, float]
ROUND_STEP_FRAC = 0.0125
"""Round numbers are multiples of the power of ten nearest to this share of price, e.g. 1,000."""
ROUND_SLACK = 1.25
SMALLEST_STEP = 1e-8
UNIT_STEP = SMALLEST_STEP * 10.0 * 10.0 * 10.0 * 10.0 * 10.0 * 10.0 * 10.0 * 10.0
"""What the search for a step reaches on its eighth turn: dear contracts begin there."""
MOVES_MAX = 8
NUDGE_FRAC = 2e-4


def round_step(price: float) -> float:
    """Return the spacing of round numbers at a price: a power of ten near 1.25 % of it."""
    reach = price * ROUND_STEP_FRAC * ROUND_SLACK
    step = UNIT_STEP if reach >= UNIT_STEP else SMALLEST_STEP
    while step * 10.0 <= reach:
        step *= 10.0
    return step


def round_near(price: float, band_frac: float) -> float | None:
    """Return the round number that `price` lies on, within `band_frac` of it; None: on none."""
    step = round_step(price)
    nearest = round(price / step) * step
    return nearest if abs(price - nearest) < band_frac * price else None


def zone_of(stop: float, zones: Sequence[Span]) -> Span | None:
    """Return the zone that a stop lies in, edges included; None: in none."""
    return next((zone for zone in zones if zone[0] <= stop <= zone[1]), None)


def beyond(stop: float, sign: int, zones: Sequence[Span], band_frac: float) -> float:
    """Return `stop` moved away from the market until it lies in no zone and on no round number.

    Away from the market alone: the trade then risks more a coin and is sized smaller.
    """
    for _ in range(MOVES_MAX):
        zone = zone_of(stop, zones)
        if zone is not None:
            edge = zone[0] if sign > 0 else zone[1]
            stop = edge * (1.0 - sign * band_frac)
            continue
        number = round_near(stop, band_frac)
        if number is None:
            return stop
        stop = number * (1.0 - sign * 1.01 * band_frac)
    return stop


def nudged(stop: float, sign: int, mark: float) -> float:
    """Return a stop that a budget put here, a hair nearer to the market than a round number.

    Away from the market would cost more than the budget; not across the mark.
    """
    number = round_near(stop, NUDGE_FRAC)
    if number is None:
        return stop
    moved = number * (1.0 + sign * 1.01 * NUDGE_FRAC)
    return moved if sign * (mark - moved) > 0.0 else stop
