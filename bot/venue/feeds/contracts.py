"""What another venue calls our contracts, and what its units are in ours."""

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from bot.domain.errors import ConfigInvalid
from bot.venue.profiles import binance

_THOUSANDS: Final = (1_000_000, 10_000, 1_000)
NONE_NAMED: Final[Mapping[str, str]] = {}


class Contract(msgspec.Struct, frozen=True, kw_only=True):
    """One contract of another venue that senses the market of `symbol`.

    Quantity in our coins = units * qty_factor; price in our terms = their price * price_factor.
    """

    symbol: str
    venue_id: str
    qty_factor: float = 1.0
    price_factor: float = 1.0
    interval_s: int | None = None
    """Funding interval as listed, seconds; None where the venue does not list it."""


def base_of(symbol: str) -> str:
    """Return the coin of a unified symbol ("1000PEPE/USDT:USDT" -> "1000PEPE").

    Raises:
        ConfigInvalid: not a linear USDT contract.
    """
    return binance.venue_id(symbol).partition("_")[0].removesuffix(binance.SETTLE)


def multiple_of(base: str) -> tuple[int, str]:
    """Return how many coins one `base` is, and the coin ("1000PEPE" -> 1000, "PEPE")."""
    for many in _THOUSANDS:
        coin = base.removeprefix(str(many))
        if coin != base and coin.isalpha():
            return many, coin
    return 1, base


def spellings(symbol: str, named: Mapping[str, str] = NONE_NAMED) -> Iterator[tuple[str, float]]:
    """Return names another venue may give the coin, with our coins per one of theirs.

    Venues fold cheap coins by thousands and write it in front, behind, as "k", or not at all.
    A name in `named` (by our symbol) is the only one tried; an empty one stands for nothing.
    """
    base = base_of(symbol)
    many, coin = multiple_of(base)
    if symbol in named:
        if named[symbol]:
            yield named[symbol], _coins(named[symbol]) / many
        return
    yield base, 1.0
    if many == 1:
        return
    yield f"{coin}{many}", 1.0
    if many == 1_000:
        yield f"k{coin}", 1.0
    yield coin, 1.0 / many


def _coins(name: str) -> int:
    """Return how many coins one `name` is, however the thousands are written."""
    many, rest = multiple_of(name)
    if many == 1 and name.startswith("k") and name[1:].isupper():
        return 1_000
    if many == 1:
        return next((each for each in _THOUSANDS if rest.endswith(str(each))), 1)
    return many


def symbols_known(symbols: tuple[str, ...]) -> None:
    """Refuse symbols that no venue could sense.

    Raises:
        ConfigInvalid: none given, or not a linear USDT contract.
    """
    if not symbols:
        raise ConfigInvalid("sense: no symbols configured")
    for symbol in symbols:
        base_of(symbol)
