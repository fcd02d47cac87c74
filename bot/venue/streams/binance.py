"""Binance's hot public streams: typed decoding of trades, marks, forced orders and book tops.

Unknown keys are ignored (the venue adds some without notice); what is missing, not finite, not
above zero or absurd makes the whole frame VenueDataInvalid.
"""

from typing import Final

import msgspec

from bot.domain.errors import VenueDataInvalid
from bot.domain.market import BookTop, FundingRate, Liquidation, MarkPrice, TradeBucket
from bot.domain.orders import PositionSide
from bot.domain.units import NS_PER_MS
from bot.venue.profiles import binance
from bot.venue.streams.unreadable import UNREADABLE

NUMBER_MAX: Final = 1e18
FUNDING_MAX: Final = 0.5
"""No contract pays half its notional per interval; such a number is a broken frame."""
_MS_MIN: Final = 1_000_000_000_000
_MS_MAX: Final = 10_000_000_000_000
_LIQUIDATED: Final = {"SELL": PositionSide.LONG, "BUY": PositionSide.SHORT}


class AggTrade(msgspec.Struct, tag_field="e", tag="aggTrade", gc=False):
    """One aggregated trade; `a` is its consecutive id, `m` true when the seller was the taker."""

    s: str
    a: int
    p: float
    q: float
    T: int
    m: bool


class MarkPriceUpdate(msgspec.Struct, tag_field="e", tag="markPriceUpdate", gc=False):
    """Mark `p`, index `i`, predicted funding `r` to be paid at `T`."""

    s: str
    E: int
    p: float
    i: float
    r: str = ""
    T: int = 0


class BookTicker(msgspec.Struct, tag_field="e", tag="bookTicker", gc=False):
    """Best bid and ask."""

    s: str
    E: int
    b: float
    B: float
    a: float
    A: float


class ForcedOrder(msgspec.Struct, gc=False):
    """The order the venue sent for somebody: side of the ORDER, cumulative fill `z` at `ap`."""

    s: str
    S: str
    z: float
    ap: float
    T: int


class ForceOrder(msgspec.Struct, tag_field="e", tag="forceOrder", gc=False):
    """One liquidation, newest per symbol and second: the venue tells no more."""

    o: ForcedOrder


Frame = AggTrade | MarkPriceUpdate | BookTicker | ForceOrder


class _Wrapped(msgspec.Struct):
    """What /stream addresses put round a frame."""

    data: msgspec.Raw


class _Answer(msgspec.Struct):
    """The venue's word on SUBSCRIBE: `error` (or a bare code) is a refusal."""

    id: int | str | None = None
    error: dict[str, object] | None = None
    code: int | None = None
    e: str = ""


# Not strict: the venue writes numbers as strings.
_FRAMES: Final[msgspec.json.Decoder[Frame]] = msgspec.json.Decoder(Frame, strict=False)
_WRAPPED: Final = msgspec.json.Decoder(_Wrapped)
_ANSWERS: Final = msgspec.json.Decoder(_Answer)


def decode(raw: bytes | str) -> Frame | None:
    """Return the frame in `raw`; None for an answer to a subscription or an event of other kind.

    Raises:
        VenueDataInvalid: not JSON, fields missing, or the venue refused a subscription.
    """
    try:
        return _FRAMES.decode(raw)
    except UNREADABLE as failed:
        return _other(raw, str(failed))


def _other(raw: bytes | str, why: str) -> Frame | None:
    """The slow path: wrapped frames, answers, other events, junk."""
    try:
        wrapped = _WRAPPED.decode(raw)
    except UNREADABLE:
        _check_answer(raw, why)
        return None
    try:
        return _FRAMES.decode(wrapped.data)
    except UNREADABLE as failed:
        _check_answer(wrapped.data, str(failed))
        return None


def _check_answer(raw: bytes | str | msgspec.Raw, why: str) -> None:
    try:
        answer = _ANSWERS.decode(raw)
    except UNREADABLE:
        raise VenueDataInvalid(f"unreadable frame: {why[:120]}") from None
    if answer.error is not None or answer.code is not None:
        words = str(answer.error or answer.code)[:120]
        raise VenueDataInvalid(f"the venue refused a subscription: {words}")
    known = ("aggTrade", "markPriceUpdate", "bookTicker", "forceOrder")
    if answer.e in known or (not answer.e and answer.id is None):
        raise VenueDataInvalid(f"unreadable frame: {why[:120]}")


def trade(frame: AggTrade, symbol: str, received_ns: int) -> TradeBucket:
    """Return one trade as a bucket of one."""
    price, qty = _positive(frame.p, "trade price"), _positive(frame.q, "trade quantity")
    return TradeBucket(
        symbol=symbol,
        event_ns=_instant(frame.T, "trade time"),
        received_ns=received_ns,
        count=1,
        qty=qty,
        buy_qty=0.0 if frame.m else qty,
        high=price,
        low=price,
        last=price,
    )


def mark(frame: MarkPriceUpdate, symbol: str, received_ns: int) -> MarkPrice:
    """Return mark and index price."""
    return MarkPrice(
        symbol=symbol,
        event_ns=_instant(frame.E, "mark time"),
        received_ns=received_ns,
        mark=_positive(frame.p, "mark price"),
        index=_positive(frame.i, "index price"),
    )


def funding(
    frame: MarkPriceUpdate, symbol: str, interval_s: int, received_ns: int
) -> FundingRate | None:
    """Return the predicted rate of the running interval; None where the contract has none."""
    if frame.r == "" or frame.T == 0:
        return None
    rate = _number(frame.r)
    if not -FUNDING_MAX < rate < FUNDING_MAX:
        raise VenueDataInvalid(f"{symbol} funding rate: absurd, was {rate!r}")
    return FundingRate(
        symbol=symbol,
        event_ns=_instant(frame.E, "funding time"),
        received_ns=received_ns,
        venue=binance.NAME,
        rate_frac=rate,
        interval_s=interval_s,
        settled=False,
        next_ns=_instant(frame.T, "next funding"),
    )


def book_top(frame: BookTicker, symbol: str, received_ns: int) -> BookTop:
    """Return the best bid and ask; a crossed book is refused."""
    bid, ask = _positive(frame.b, "bid"), _positive(frame.a, "ask")
    if bid > ask:
        raise VenueDataInvalid(f"{symbol} book is crossed: bid {bid!r} above ask {ask!r}")
    return BookTop(
        symbol=symbol,
        event_ns=_instant(frame.E, "book time"),
        received_ns=received_ns,
        bid=bid,
        bid_qty=_amount(frame.B, "bid quantity"),
        ask=ask,
        ask_qty=_amount(frame.A, "ask quantity"),
    )


def liquidation(frame: ForceOrder, symbol: str, received_ns: int) -> Liquidation | None:
    """Return a liquidation by the side of the POSITION; None when nothing was filled yet."""
    forced = frame.o
    if forced.z == 0.0:
        return None
    side = _LIQUIDATED.get(forced.S)
    if side is None:
        raise VenueDataInvalid(f"{symbol} liquidation side {forced.S[:20]!r}")
    return Liquidation(
        symbol=symbol,
        event_ns=_instant(forced.T, "liquidation time"),
        received_ns=received_ns,
        venue=binance.NAME,
        side=side,
        qty=_positive(forced.z, "liquidation quantity"),
        price=_positive(forced.ap, "liquidation price"),
    )


def _positive(value: float, what: str) -> float:
    if not 0.0 < value < NUMBER_MAX:  # false for NaN as well
        raise VenueDataInvalid(f"{what}: a number above zero is needed, was {value!r}")
    return value


def _amount(value: float, what: str) -> float:
    if not 0.0 <= value < NUMBER_MAX:
        raise VenueDataInvalid(f"{what}: a number of zero or more is needed, was {value!r}")
    return value


def _number(value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise VenueDataInvalid(f"funding rate: a number is needed, was {value[:40]!r}") from None


def _instant(value_ms: int, what: str) -> int:
    if not _MS_MIN <= value_ms < _MS_MAX:
        raise VenueDataInvalid(f"{what}: milliseconds UTC are needed, was {value_ms!r}")
    return value_ms * NS_PER_MS
