"""Bounds that the tables of the configuration share, and a table that knows its keys."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints


def _number(value: object) -> object:
    """Refuse true and false where a number is meant (they would be read as 1 and 0)."""
    if isinstance(value, bool):
        raise ValueError("a number is needed, not true or false")
    return value


Float = Annotated[float, BeforeValidator(_number), Field(allow_inf_nan=False)]
Int = Annotated[int, BeforeValidator(_number)]
Frac = Annotated[Float, Field(gt=0.0, le=1.0)]
Budget = Annotated[Float, Field(ge=0.02, le=0.50)]
Seconds = Annotated[Float, Field(gt=0.0, le=3600.0)]
Hours = Annotated[Float, Field(ge=0.0, le=720.0)]
Bps = Annotated[Float, Field(ge=0.0, le=500.0)]
Usd = Annotated[Float, Field(gt=0.0, le=1e9)]
Atr = Annotated[Float, Field(ge=0.0, le=20.0)]
Factor = Annotated[Float, Field(ge=0.0, le=1.0)]
FactorByThreat = Annotated[tuple[Factor, ...], Field(min_length=5, max_length=5)]
LeverageByThreat = Annotated[
    tuple[Annotated[Float, Field(ge=0.0, le=125.0)], ...], Field(min_length=5, max_length=5)
]
Bars = Annotated[Int, Field(ge=1, le=10_000)]
BarSeconds = Annotated[Int, Field(ge=1, le=86_400)]
Symbol = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{2,20}/USDT:USDT$")]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Words = Annotated[str, StringConstraints(min_length=1, max_length=80)]


class Table(BaseModel):
    """A frozen table that knows all its keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")
