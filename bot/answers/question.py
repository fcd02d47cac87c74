"""What an answer may look at: belief, policy and the journal, read only."""

from datetime import UTC, datetime
from decimal import Decimal

import msgspec

from bot.domain.errors import BotError
from bot.domain.feeds import VenueHealth
from bot.domain.policy import Policy
from bot.domain.units import NS_PER_S
from bot.kernel.snapshot import BotState
from bot.ports import Shelf

Answered = dict[str, object]
ROWS_DEFAULT = 50
ROWS_MAX = 1000


class QuestionUnclear(BotError):
    """The question cannot be answered as asked; the message says what to change."""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """A name, its arguments and where the answer lies; `shelf` is None without a journal."""

    state: BotState
    policy: Policy
    args: dict[str, str] = {}
    shelf: Shelf | None = None
    feeds: tuple[VenueHealth, ...] | None = None
    """How every venue that is heard is doing; None where nobody listens."""

    @property
    def symbol(self) -> str:
        """The symbol asked for, or empty for all."""
        return self.args.get("symbol", "")

    @property
    def limit(self) -> int:
        """How many rows are wanted.

        Raises:
            QuestionUnclear: the limit is not a whole number within bounds.
        """
        text = self.args.get("limit", "") or str(ROWS_DEFAULT)
        if not text.isdigit() or not 1 <= int(text) <= ROWS_MAX:
            raise QuestionUnclear(f"limit: was {text!r:.40}, allowed: 1 to {ROWS_MAX}")
        return int(text)

    def rows(self, table: str) -> list[Answered] | None:
        """Return journal rows, newest first; None without a journal (unknown, not empty)."""
        if self.shelf is None:
            return None
        return self.shelf.rows(table, limit=self.limit, symbol=self.symbol)


def iso(ns: int) -> str | None:
    """Return an instant as UTC text to the millisecond; None for 0, which means never."""
    if ns == 0:
        return None
    whole = datetime.fromtimestamp(ns // NS_PER_S, tz=UTC)
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{ns % NS_PER_S // 1_000_000:03d}Z"


def exact(value: Decimal | None) -> str | None:
    """Return a decimal as plain text, without exponent."""
    return None if value is None else f"{value:f}"


def rounded(value: float | None, digits: int) -> float | None:
    """Return a float cut to `digits`; None stays None, infinity becomes None."""
    if value is None or value != value or value in (float("inf"), float("-inf")):  # noqa: PLR0124 - NaN
        return None
    return round(value, digits)


def age_s(now_ns: int, then_ns: int) -> float | None:
    """Return seconds since an instant; None when it never came."""
    return None if then_ns == 0 else round((now_ns - then_ns) / NS_PER_S, 3)
