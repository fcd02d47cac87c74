"""How a request is worded: its fields, decimals as venues take them, names, addresses."""

from collections.abc import Callable
from decimal import Decimal

from bot.domain.errors import ConfigInvalid, VenueRefused

Fields = dict[str, str | int | float]


def plain(value: Decimal) -> str:
    """Write a decimal without exponent and without padding."""
    return format(value.normalize(), "f")


def for_requests(name_of: Callable[[str], str]) -> Callable[[str], str]:
    """Return what names a contract in a request, of what names it in a configuration.

    A symbol that the venue cannot have is then a certain no (VenueRefused, code -1121): nothing
    was sent.
    """

    def named(symbol: str) -> str:
        try:
            return name_of(symbol)
        except ConfigInvalid as invalid:
            raise VenueRefused(str(invalid), code="-1121") from None

    return named


def stream_origin(origin: str) -> str:
    """Return the origin of streams at the address of requests."""
    return origin.replace("https://", "wss://").replace("http://", "ws://").rstrip("/")
