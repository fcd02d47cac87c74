"""Reading one field of a venue's JSON row: present, of the right kind, or VenueDataInvalid."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final, TypeVar

from bot.domain.errors import VenueDataInvalid
from bot.domain.units import NS_PER_MS, ZERO, exact

Row = Mapping[str, object]
T = TypeVar("T")
SCALE_MAX: Final = 40
_MS_MIN: Final = 1_000_000_000_000
_MS_MAX: Final = 10_000_000_000_000


def row(value: object, what: str) -> Row:
    """Return `value` as a JSON object or refuse it."""
    if not isinstance(value, dict):
        raise VenueDataInvalid(f"{what}: an object is needed, was {str(value)[:60]!r}")
    return value


def text(source: Row, key: str, what: str) -> str:
    """Return a string field, or an integer id as text."""
    value = source.get(key)
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise VenueDataInvalid(f"{what}.{key}: text is needed, was {str(value)[:60]!r}")
    return str(value)


def flag(source: Row, key: str, what: str) -> bool:
    """Return a boolean field; the venue also writes "true" and "false"."""
    value = source.get(key)
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise VenueDataInvalid(f"{what}.{key}: true or false is needed, was {str(value)[:60]!r}")


def choice(source: Row, key: str, table: Mapping[str, T], what: str) -> T:
    """Return what `table` makes of a field, refusing words it does not know."""
    word = text(source, key, what).upper()
    if word not in table:
        raise VenueDataInvalid(f"{what}.{key}: unknown word {word[:60]!r}")
    return table[word]


def number(source: Row, key: str, what: str) -> Decimal:
    """Return an exact, finite number of a scale that can be written out."""
    value = exact(source.get(key), f"{what}.{key}")
    scale = value.as_tuple().exponent
    if isinstance(scale, int) and scale < -SCALE_MAX:
        raise VenueDataInvalid(f"{what}.{key}: more than {SCALE_MAX} decimals")
    return value


def positive(source: Row, key: str, what: str) -> Decimal:
    """Return an exact number above zero."""
    value = number(source, key, what)
    if value <= ZERO:
        raise VenueDataInvalid(f"{what}.{key}: must be above zero, was {value}")
    return value


def amount(source: Row, key: str, what: str) -> Decimal:
    """Return an exact number that is zero or more."""
    value = number(source, key, what)
    if value < ZERO:
        raise VenueDataInvalid(f"{what}.{key}: must not be negative, was {value}")
    return value


def positive_or_none(source: Row, key: str, what: str) -> Decimal | None:
    """Return an exact number above zero; the venue writes none as nothing or as zero."""
    given = source.get(key)
    if given is None or given == "":
        return None
    value = amount(source, key, what)
    return value if value > ZERO else None


def whole_or_none(source: Row, key: str, what: str) -> int | None:
    """Return a whole number of zero or more, None when the field is not there."""
    if source.get(key) is None:
        return None
    value = amount(source, key, what)
    if value != value.to_integral_value():
        raise VenueDataInvalid(f"{what}.{key}: a whole number is needed, was {value}")
    return int(value)


def instant_ns(source: Row, key: str, what: str) -> int:
    """Return an instant given in milliseconds as ns UTC; 2001 to 2286, else nonsense."""
    value = number(source, key, what)
    if not _MS_MIN <= value < _MS_MAX:
        raise VenueDataInvalid(f"{what}.{key}: milliseconds UTC are needed, was {value}")
    return int(value) * NS_PER_MS


def rows(value: object, what: str) -> list[object]:
    """Return `value` as a JSON array or refuse it."""
    if not isinstance(value, list):
        raise VenueDataInvalid(f"{what}: an array is needed, was {str(value)[:60]!r}")
    return value
