"""What a frame of any venue tells, in the venue's own units: contract id, units, prices as sent."""

import msgspec

from bot.domain.orders import PositionSide


class Trade(msgspec.Struct, frozen=True, gc=False):
    """One trade, or `count` that the venue folded; `number` counts up by `count` where known."""

    contract: str
    event_ns: int
    price: float
    units: float
    is_buy: bool
    number: int | None = None
    count: int = 1


class Quote(msgspec.Struct, frozen=True, gc=False):
    """Mark and index price; None: unchanged, or not in this frame. No time: stamp by another."""

    contract: str
    event_ns: int | None
    mark: float | None = None
    index: float | None = None


class Funding(msgspec.Struct, frozen=True, gc=False):
    """Funding of one interval; None: unchanged, or not in this frame."""

    contract: str
    event_ns: int | None
    rate_frac: float | None
    next_ns: int | None = None
    interval_s: int | None = None
    settled: bool = False


class Interest(msgspec.Struct, frozen=True, gc=False):
    """Open interest in the venue's units; `coins` where the venue says that too."""

    contract: str
    event_ns: int | None
    units: float
    coins: float | None = None


class Forced(msgspec.Struct, frozen=True, gc=False):
    """One liquidation by the side of the POSITION."""

    contract: str
    event_ns: int
    side: PositionSide
    units: float
    price: float


class Top(msgspec.Struct, frozen=True, gc=False):
    """A sign of life with the venue's time: its book moved."""

    contract: str
    event_ns: int


Told = Trade | Quote | Funding | Interest | Forced | Top
