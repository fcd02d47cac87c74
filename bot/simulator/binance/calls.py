"""One parsed request, its parameters checked on reading, and the table entry that serves it."""

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from enum import IntEnum
from typing import Final

import msgspec

from bot.domain.instrument import Instrument
from bot.domain.units import MAGNITUDE_MAX
from bot.simulator.binance.refusals import Refused, illegal, missing
from bot.simulator.binance.signing import ApiKey
from bot.simulator.binance.world import World

LIMIT_MAX: Final = 1_500


class Access(IntEnum):
    """What a route asks of the caller."""

    OPEN = 0
    KEY = 1
    READ = 2
    TRADE = 3


class Call:
    """A request of an identified caller; readers raise Refused in the venue's words."""

    __slots__ = ("key", "params", "world")

    def __init__(self, world: World, params: dict[str, str], key: ApiKey | None) -> None:
        self.world = world
        self.params = params
        self.key = key

    @property
    def account_id(self) -> str:
        """The caller's account.

        Raises:
            Refused: -2014 when the caller showed no key.
        """
        if self.key is None:
            raise Refused(-2014, "API-key format invalid.")
        return self.key.account_id

    def has(self, name: str) -> bool:
        """Whether the parameter was sent with a value."""
        return bool(self.params.get(name))

    def text(self, name: str) -> str:
        """Return a mandatory text.

        Raises:
            Refused: -1102 when absent or empty.
        """
        value = self.params.get(name)
        if not value:
            raise missing(name)
        return value

    def instrument(self) -> Instrument:
        """Return the contract named by `symbol`.

        Raises:
            Refused: -1102 without a symbol, -1121 for an unknown one.
        """
        return self.world.instrument(self.text("symbol"))

    def optional_instrument(self) -> Instrument | None:
        """Return the contract named by `symbol`, or None without one."""
        return self.instrument() if self.has("symbol") else None

    def flag(self, name: str) -> bool:
        """Return a boolean parameter; absent means false.

        Raises:
            Refused: -1100 for anything but true and false.
        """
        value = self.params.get(name, "false").lower()
        if value not in ("true", "false"):
            raise illegal(name)
        return value == "true"

    def number(self, name: str, default: int | None = None) -> int | None:
        """Return an integer parameter, `default` when absent.

        Raises:
            Refused: -1100 when it is no integer.
        """
        value = self.params.get(name)
        if not value:
            return default
        digits = value.removeprefix("-")
        if not digits.isascii() or not digits.isdigit() or len(digits) > 19:
            raise illegal(name)
        return int(value)

    def limit(self, default: int, highest: int = LIMIT_MAX) -> int:
        """Return `limit`, at most `highest`.

        Raises:
            Refused: -1130 when below one.
        """
        value = self.number("limit", default)
        if value is None or value < 1:
            raise Refused(-1130, "Data sent for parameter 'limit' is not valid.")
        return min(value, highest)

    def decimal(self, name: str) -> Decimal | None:
        """Return an exact number, None when absent.

        Raises:
            Refused: -1100 when it is no finite number.
        """
        value = self.params.get(name)
        if not value:
            return None
        try:
            number = Decimal(value)
        except InvalidOperation:
            raise illegal(name) from None
        if not number.is_finite() or abs(number) > MAGNITUDE_MAX:
            raise illegal(name)
        return number

    def need_decimal(self, name: str) -> Decimal:
        """Return a mandatory exact number.

        Raises:
            Refused: -1102 when absent, -1100 when no finite number.
        """
        number = self.decimal(name)
        if number is None:
            raise missing(name)
        return number


Weigh = Callable[[dict[str, str]], int]
Handler = Callable[[Call], object]


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the protocol: address, who may, what it weighs, who serves it."""

    method: str
    path: str
    serve: Handler
    access: Access = Access.OPEN
    weight: int | Weigh = 1
    orders: int = 0

    def weigh(self, params: dict[str, str]) -> int:
        """Return the request weight."""
        return self.weight if isinstance(self.weight, int) else self.weight(params)


def with_symbol(weight: int, without: int) -> Weigh:
    """Return a weight that rises when no symbol is named."""
    return lambda params: weight if params.get("symbol") else without


def by_limit(steps: tuple[tuple[int, int], ...], default: int, *, beyond: int) -> Weigh:
    """Return a weight by `limit`: (up to this limit, weighs this much) in rising order."""

    def weigh(params: dict[str, str]) -> int:
        text = params.get("limit", "")
        limit = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else default
        return next((weight for highest, weight in steps if limit <= highest), beyond)

    return weigh
