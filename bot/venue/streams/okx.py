"""OKX's liquidation stream: sizes are in CONTRACTS, `posSide` is the side of the position."""

from collections.abc import Mapping
from typing import Final

import msgspec

from bot.domain.errors import VenueDataInvalid
from bot.domain.market import Liquidation
from bot.domain.orders import PositionSide
from bot.domain.units import NS_PER_MS
from bot.venue.streams.unreadable import UNREADABLE

NAME: Final = "okx"
_BY_POSITION: Final = {"long": PositionSide.LONG, "short": PositionSide.SHORT}
_BY_ORDER: Final = {"sell": PositionSide.LONG, "buy": PositionSide.SHORT}


class _Detail(msgspec.Struct, gc=False):
    side: str
    sz: float
    bkPx: float  # noqa: N815  (the venue's name)
    ts: int
    posSide: str = ""  # noqa: N815  (the venue's name)


class _Entry(msgspec.Struct):
    instId: str  # noqa: N815  (the venue's name)
    details: list[_Detail]


class _Channel(msgspec.Struct):
    channel: str


class _Frame(msgspec.Struct):
    arg: _Channel
    data: list[_Entry]


class LiquidatedContracts(msgspec.Struct, frozen=True):
    """One liquidation before its contract size is known: `contracts` is not a coin quantity."""

    instrument_id: str
    side: PositionSide
    contracts: float
    price: float
    event_ns: int


_FRAMES: Final = msgspec.json.Decoder(_Frame, strict=False)


def contracts(raw: bytes | str) -> tuple[LiquidatedContracts, ...]:
    """Return every detail of every entry of a `liquidation-orders` frame.

    Raises:
        VenueDataInvalid: not such a frame, or a row that cannot be believed.
    """
    try:
        frame = _FRAMES.decode(raw)
    except UNREADABLE as failed:
        raise VenueDataInvalid(f"unreadable frame: {str(failed)[:120]}") from None
    if frame.arg.channel != "liquidation-orders":
        raise VenueDataInvalid(f"not a liquidation frame: {frame.arg.channel[:40]!r}")
    return tuple(_one(entry.instId, detail) for entry in frame.data for detail in entry.details)


def liquidations(
    raw: bytes | str, coins_per_contract: Mapping[str, float], received_ns: int
) -> tuple[Liquidation, ...]:
    """Return liquidations in coins; `coins_per_contract` is OKX's ctVal by instrument id.

    Raises:
        VenueDataInvalid: as `contracts`, or a contract of unknown size or another settlement.
    """
    found = []
    for item in contracts(raw):
        size = coins_per_contract.get(item.instrument_id)
        base, _, rest = item.instrument_id.partition("-")
        if size is None or rest != "USDT-SWAP":
            raise VenueDataInvalid(f"{item.instrument_id[:40]}: contract size is not known")
        found.append(
            Liquidation(
                symbol=f"{base}/USDT:USDT",
                event_ns=item.event_ns,
                received_ns=received_ns,
                venue=NAME,
                side=item.side,
                qty=item.contracts * size,
                price=item.price,
            )
        )
    return tuple(found)


def _one(instrument_id: str, source: _Detail) -> LiquidatedContracts:
    side = _BY_POSITION.get(source.posSide) or _BY_ORDER.get(source.side)
    believable = 0.0 < source.sz < 1e18 and 0.0 < source.bkPx < 1e18 and source.ts > 0
    if side is None or not believable:
        raise VenueDataInvalid(f"{instrument_id[:40]} liquidation makes no sense")
    return LiquidatedContracts(
        instrument_id=instrument_id,
        side=side,
        contracts=source.sz,
        price=source.bkPx,
        event_ns=source.ts * NS_PER_MS,
    )
