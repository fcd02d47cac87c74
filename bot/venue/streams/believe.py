"""What a number in a frame must be to be believed; else the frame is VenueDataInvalid."""

from typing import Final

import msgspec

from bot.domain.errors import VenueDataInvalid
from bot.domain.units import NS_PER_MS

NUMBER_MAX: Final = 1e18
FUNDING_MAX: Final = 0.5
"""No contract pays half its notional per interval; such a number is a broken frame."""
INTERVALS_S: Final = frozenset({3600 * hours for hours in (1, 2, 4, 6, 8, 12, 24)})
"""Every funding interval in use at the venues; another number is a misread field."""
_MS_MIN: Final = 1_000_000_000_000
_MS_MAX: Final = 10_000_000_000_000
_NUMBERS: Final = msgspec.json.Decoder(float)


def number(text: str, what: str) -> float:
    """Return the number that `text` spells as JSON would: no padding, no underscores, no NaN."""
    try:
        return _NUMBERS.decode(text)
    except (msgspec.DecodeError, UnicodeError):
        raise VenueDataInvalid(f"{what}: a number is needed, was {text[:40]!r}") from None


def positive(value: float, what: str) -> float:
    """Return `value`, a finite number above zero."""
    if not 0.0 < value < NUMBER_MAX:  # false for NaN as well
        raise VenueDataInvalid(f"{what}: a number above zero is needed, was {value!r}")
    return value


def amount(value: float, what: str) -> float:
    """Return `value`, a finite number of zero or more."""
    if not 0.0 <= value < NUMBER_MAX:
        raise VenueDataInvalid(f"{what}: a number of zero or more is needed, was {value!r}")
    return value


def rate(value: float, what: str) -> float:
    """Return `value`, a funding rate of one interval as a fraction."""
    if not -FUNDING_MAX < value < FUNDING_MAX:
        raise VenueDataInvalid(f"{what}: absurd, was {value!r}")
    return value


def instant(value_ms: int, what: str) -> int:
    """Return milliseconds UTC as ns; 2001 to 2286, else nonsense."""
    if not _MS_MIN <= value_ms < _MS_MAX:
        raise VenueDataInvalid(f"{what}: milliseconds UTC are needed, was {value_ms!r}")
    return value_ms * NS_PER_MS


def interval(value_s: float, what: str) -> int:
    """Return a funding interval in whole seconds, one of those in use."""
    if value_s not in INTERVALS_S:
        raise VenueDataInvalid(f"{what}: not a funding interval, was {value_s!r} s")
    return int(value_s)
