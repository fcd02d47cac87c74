"""Column types: exact decimals and integer instants on every database we support."""

from decimal import Decimal, InvalidOperation
from typing import Any

from sqlalchemy import BigInteger, Integer, Numeric, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine
from typing_extensions import override

from bot.domain.errors import JournalBroken

Whole = BigInteger().with_variant(Integer(), "sqlite")
"""64-bit integers: instants in ns and sequence numbers."""


class Exact(TypeDecorator[Decimal]):
    """A Decimal kept to the last digit: TEXT on SQLite (its NUMERIC rounds through float)."""

    impl = Text
    cache_ok = True

    @override
    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return TEXT for SQLite, unbounded NUMERIC elsewhere."""
        kind: TypeEngine[Any] = Text() if dialect.name == "sqlite" else Numeric()
        return dialect.type_descriptor(kind)

    @override
    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        """Return what the database is handed.

        Raises:
            JournalBroken: the value is NaN or infinite, which no money is.
        """
        if value is None:
            return None
        if not value.is_finite():
            raise JournalBroken(f"a finite number is needed in the journal, was {value}")
        if dialect.name != "sqlite":
            return value
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
