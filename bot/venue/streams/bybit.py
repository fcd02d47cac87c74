"""Bybit's liquidation stream: every liquidation, `S` is the side of the POSITION."""

from typing import Final

import msgspec

from bot.domain.errors import VenueDataInvalid
from bot.domain.market import Liquidation
from bot.domain.orders import PositionSide
from bot.domain.units import NS_PER_MS
from bot.venue.streams.unreadable import UNREADABLE

NAME: Final = "bybit"
_SIDES: Final = {"Buy": PositionSide.LONG, "Sell": PositionSide.SHORT}


class _Row(msgspec.Struct, gc=False):
    T: int
    s: str
    S: str
    v: float
    p: float


class _Frame(msgspec.Struct):
    topic: str
    data: list[_Row]


_FRAMES: Final = msgspec.json.Decoder(_Frame, strict=False)


def liquidations(raw: bytes | str, received_ns: int) -> tuple[Liquidation, ...]:
    """Return all rows of an `allLiquidation` frame; quantities are in coins.

    Raises:
        VenueDataInvalid: not such a frame, or a row that cannot be believed.
    """
    try:
        frame = _FRAMES.decode(raw)
    except UNREADABLE as failed:
        raise VenueDataInvalid(f"unreadable frame: {str(failed)[:120]}") from None
    if not frame.topic.startswith("allLiquidation."):
        raise VenueDataInvalid(f"not a liquidation frame: {frame.topic[:40]!r}")
    return tuple(_liquidation(item, received_ns) for item in frame.data)


def _liquidation(source: _Row, received_ns: int) -> Liquidation:
    side = _SIDES.get(source.S)
    if side is None or not (0.0 < source.v < 1e18 and 0.0 < source.p < 1e18 and source.T > 0):
        raise VenueDataInvalid(f"{source.s[:20]} liquidation makes no sense")
    base = source.s.removesuffix("USDT")
    if base == source.s or not base:
        raise VenueDataInvalid(f"{source.s[:20]!r} is not a linear USDT contract")
    return Liquidation(
        symbol=f"{base}/USDT:USDT",
        event_ns=source.T * NS_PER_MS,
        received_ns=received_ns,
        venue=NAME,
        side=side,
        qty=source.v,
        price=source.p,
    )
