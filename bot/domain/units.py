"""What a number means: money and quantities as exact decimals, instants as integer nanoseconds."""

import math
from decimal import Decimal, InvalidOperation
from typing import Final, NewType

from bot.domain.errors import VenueDataInvalid

Price = NewType("Price", Decimal)
Qty = NewType("Qty", Decimal)
Usd = NewType("Usd", Decimal)

ZERO: Final = Decimal(0)
NS_PER_MS: Final = 1_000_000
NS_PER_S: Final = 1_000_000_000
NS_PER_MIN: Final = 60 * NS_PER_S
NS_PER_H: Final = 3_600 * NS_PER_S
NS_PER_DAY: Final = 86_400 * NS_PER_S
MAGNITUDE_MAX: Final = Decimal("1e18")


def exact(value: object, what: str) -> Decimal:
    """Return `value` (a string, int, Decimal, or a float by its repr) as a finite Decimal.

    Raises:
        VenueDataInvalid: the value is missing, not a number, not finite, or absurdly large.
    """
    if isinstance(value, bool) or value is None:
        raise VenueDataInvalid(f"{what}: a number is needed, was {value!r}")
    try:
        number = Decimal(repr(value)) if isinstance(value, float) else Decimal(str(value))
    except InvalidOperation:
        raise VenueDataInvalid(f"{what}: a number is needed, was {str(value)[:40]!r}") from None
    if not number.is_finite() or abs(number) > MAGNITUDE_MAX:
        raise VenueDataInvalid(f"{what}: a finite number is needed, was {str(value)[:40]!r}")
    return number


def exact_positive(value: object, what: str) -> Decimal:
    """Return `value` as a finite Decimal above zero.

    Raises:
        VenueDataInvalid: as `exact`, or the value is zero or negative.
    """
    number = exact(value, what)
    if number <= ZERO:
        raise VenueDataInvalid(f"{what}: must be above zero, was {number}")
    return number


def finite(value: object, what: str) -> float:
    """Return `value` as a finite float64 (market prices and analytics).

    Raises:
        VenueDataInvalid: the value is missing, not a number, NaN or infinite.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise VenueDataInvalid(f"{what}: a number is needed, was {str(value)[:40]!r}")
    try:
        number = float(value)
    except ValueError:
        raise VenueDataInvalid(f"{what}: a number is needed, was {str(value)[:40]!r}") from None
    if not math.isfinite(number) or abs(number) > float(MAGNITUDE_MAX):
        raise VenueDataInvalid(f"{what}: a finite number is needed, was {str(value)[:40]!r}")
    return number


def finite_positive(value: object, what: str) -> float:
    """Return `value` as a finite float64 above zero.

    Raises:
        VenueDataInvalid: as `finite`, or the value is zero or negative.
    """
    number = finite(value, what)
    if number <= 0.0:
        raise VenueDataInvalid(f"{what}: must be above zero, was {number!r}")
    return number
