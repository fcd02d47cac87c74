"""Column types: exact decimals and integer instants on every database we support."""

from decimal import Decimal, InvalidOperation
from typing import Any

from sqlalchemy import BigInteger, Integer, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator
from typing_extensions import override

from bot.domain.errors import JournalBroken

Whole = BigInteger().with_variant(Integer(), "sqlite")
"""64-bit integers: instants in ns and sequence numbers."""


class Words(TypeDecorator[str]):
    """Text as people and venues say it; PostgreSQL knows no NUL, so there it is shown as U+FFFD."""

    impl = Text
    cache_ok = True

    @override
    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Return what the database is handed.

        Raises:
            TypeError: it is no text; a driver that would spell it out is not asked.
        """
        if value is None or dialect.name == "sqlite":
            return value
        if not isinstance(value, str):
            raise TypeError(f"text is needed in the journal, was {type(value).__name__}")
        return value.replace("\0", "\ufffd")


class Exact(TypeDecorator[Decimal]):
    """A Decimal kept to the last digit, as TEXT: NUMERIC rounds through float in SQLite.

    PostgreSQL's would forget the exponent and the sign of zero: one money, one spelling.
    """

    impl = Text
    cache_ok = True

    @override
    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> str | None:
        """Return what the database is handed.

        Raises:
            JournalBroken: the value is NaN or infinite, which no money is.
        """
        if value is None:
            return None
        if not value.is_finite():
            raise JournalBroken(f"a finite number is needed in the journal, was {value}")
        # Plain digits read well; an exponent is written only where plain digits would lose it.
        exponent = value.as_tuple().exponent
        plain = isinstance(exponent, int) and -40 <= exponent <= 0
        return format(value, "f") if plain else str(value)

    @override
    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        """Return the stored number, digit for digit.

        Raises:
            JournalBroken: the stored text is not a number: the file was damaged.
        """
        if value is None:
            return None
        try:
            number = Decimal(value)
        except (InvalidOperation, TypeError, ValueError):
            raise JournalBroken(f"a number in the journal is damaged: {value!r:.60}") from None
        if not number.is_finite():
            raise JournalBroken(f"a number in the journal is not finite: {value!r:.60}")
        return number
