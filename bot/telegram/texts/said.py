"""A short answer and its detail, and how numbers are spelt in them."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

Document = dict[str, Any]
UNKNOWN = "unknown"
TEXT_MAX = 4_000
"""Telegram takes 4,096 characters; a little is left for the head."""


class Said(msgspec.Struct, frozen=True):
    """What is sent at once, and what a button adds."""

    short: str
    detail: str = ""


def cut(text: str, most: int = TEXT_MAX) -> str:
    """Return `text`, or its beginning with a word that there was more."""
    return text if len(text) <= most else text[: most - 40].rsplit("\n", 1)[0] + "\n... and more"


def usd(value: Any, digits: int = 2) -> str:  # noqa: ANN401 - JSON value
    """Return an amount in USD."""
    return UNKNOWN if value is None else f"{float(value):,.{digits}f} USD"


def signed(value: Any) -> str:  # noqa: ANN401 - JSON value
    """Return a result in USD with its sign."""
    return UNKNOWN if value is None else f"{float(value):+,.2f} USD"


def millions(value: Any) -> str:  # noqa: ANN401 - JSON value
    """Return a large amount in millions of USD."""
    return UNKNOWN if value is None else f"{float(value) / 1e6:,.1f} M USD"


def percent(value: Any, digits: int = 2) -> str:  # noqa: ANN401 - JSON value
    """Return a fraction in percent."""
    return UNKNOWN if value is None else f"{100 * float(value):.{digits}f} %"


def away(value: Any) -> str:  # noqa: ANN401 - JSON value
    """Return how far a price lies from the mark, and on which side of it."""
    if value is None:
        return f"{UNKNOWN} how far"
    return f"{percent(abs(float(value)))} {'below' if float(value) < 0.0 else 'above'}"


def price(value: Any) -> str:  # noqa: ANN401 - JSON value
    """Return a price in quote, with the digits that matter."""
    if value is None:
        return UNKNOWN
    number = float(value)
    return f"{number:,.2f}" if abs(number) >= 100 else f"{number:,.6g}"


def coin(symbol: Any) -> str:  # noqa: ANN401 - JSON value
    """Return the coin of a symbol."""
    return str(symbol).split("/", 1)[0]


def span(value: Any) -> str:  # noqa: ANN401 - JSON value
    """Return a length of time given in seconds."""
    if value is None:
        return UNKNOWN
    seconds = float(value)
    if seconds < 120.0:
        return f"{seconds:.2g} s" if seconds < 10.0 else f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7_200.0 else f"{seconds / 3600:.1f} h"


def age(value: Any) -> str:  # noqa: ANN401 - JSON value
    """Return how old something is."""
    if value is None:
        return "never heard"
    seconds = float(value)
    return f"{seconds:.1f} s ago" if seconds < 120 else f"{seconds / 60:.0f} min ago"


def moment(value: Any, zone: str) -> str:  # noqa: ANN401 - JSON value
    """Return an instant of a document in the user's time."""
    if not value:
        return "never"
    at = datetime.fromisoformat(str(value)).astimezone(ZoneInfo(zone))
    return f"{at:%d %b %H:%M:%S}"


def bullets(values: Any) -> list[str]:  # noqa: ANN401 - JSON value
    """Return a line for each value."""
    return [f"- {value}" for value in values or ()]
