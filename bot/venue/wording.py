"""How a request is worded: its fields, and decimals as venues take them."""

from decimal import Decimal

Fields = dict[str, str | int | float]


def plain(value: Decimal) -> str:
    """Write a decimal without exponent and without padding."""
    return format(value.normalize(), "f")
