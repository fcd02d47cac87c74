"""Bybit's public linear stream: trades, tickers (mark, index, funding, interest), liquidations.

`S` of a liquidation is the side of the POSITION, of a trade the side of the taker. A ticker begins
with a snapshot; a delta holds what changed, so a field that is not there is unchanged.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from bot.domain.errors import VenueDataInvalid
from bot.domain.orders import PositionSide
from bot.domain.units import NS_PER_S
from bot.venue.streams import believe
from bot.venue.streams.told import Forced, Funding, Interest, Quote, Told, Trade
from bot.venue.streams.unreadable import UNREADABLE

NAME: Final = "bybit"
_POSITIONS: Final = {"Buy": PositionSide.LONG, "Sell": PositionSide.SHORT}
_BUYS: Final = {"Buy": True, "Sell": False}
_NOTHING: Final = msgspec.Raw(b"")


class _Envelope(msgspec.Struct):
    topic: str = ""
    type: str = ""
    ts: int = 0
    data: msgspec.Raw = _NOTHING
    op: str = ""
    success: bool | None = None
    ret_msg: str = ""


class _Trade(msgspec.Struct, gc=False):
    T: int
    s: str
    S: str
    v: float
    p: float


class _Ticker(msgspec.Struct, gc=False, rename="camel"):
    symbol: str
    mark_price: str = ""
    index_price: str = ""
    open_interest: str = ""
    funding_rate: str = ""
    next_funding_time: str = ""
    funding_interval_hour: str = ""


class _Forced(msgspec.Struct, gc=False):
    T: int
    s: str
    S: str
    v: float
    p: float


# Not strict: the venue writes numbers as strings.
_ENVELOPES: Final = msgspec.json.Decoder(_Envelope)
_TRADES: Final = msgspec.json.Decoder(list[_Trade], strict=False)
_TICKERS: Final = msgspec.json.Decoder(_Ticker)
_FORCED: Final = msgspec.json.Decoder(list[_Forced], strict=False)


def decode(raw: bytes | str) -> tuple[Told, ...]:
    """Return what a frame tells; nothing for answers and for topics that were not asked for.

    Raises:
        VenueDataInvalid: it cannot be believed, or the venue refused a subscription.
    """
    try:
        frame = _ENVELOPES.decode(raw)
        read = _TOPICS.get(frame.topic.partition(".")[0])
        if read is None:
            return _answer(frame)
        return read(frame)
    except UNREADABLE as failed:
        raise VenueDataInvalid(f"unreadable frame: {str(failed)[:120]}") from None


def _answer(frame: _Envelope) -> tuple[Told, ...]:
    if frame.success is False:
        raise VenueDataInvalid(f"the venue refused a subscription: {frame.ret_msg[:120]}")
    if not frame.op and not frame.topic:
        raise VenueDataInvalid("unreadable frame: neither a topic nor an answer")
    return ()


def _trades(frame: _Envelope) -> tuple[Told, ...]:
    return tuple(_trade(row) for row in _TRADES.decode(frame.data))


def _trade(row: _Trade) -> Trade:
    is_buy = _BUYS.get(row.S)
    if is_buy is None:
        raise VenueDataInvalid(f"{row.s[:20]} trade side {row.S[:20]!r}")
    return Trade(
        row.s,
        believe.instant(row.T, "trade time"),
        believe.positive(row.p, "trade price"),
        believe.positive(row.v, "trade quantity"),
        is_buy,
    )


def _ticker(frame: _Envelope) -> tuple[Told, ...]:
    row = _TICKERS.decode(frame.data)
    event_ns = believe.instant(frame.ts, "ticker time")
    mark, index = _price(row.mark_price, "mark price"), _price(row.index_price, "index price")
    found: list[Told] = []
    if mark is not None or index is not None:
        found.append(Quote(row.symbol, event_ns, mark, index))
    if row.funding_rate or row.next_funding_time or row.funding_interval_hour:
        found.append(_funding(row, event_ns))
    if row.open_interest:
        units = believe.number(row.open_interest, "open interest")
        found.append(Interest(row.symbol, event_ns, believe.amount(units, "open interest")))
    return tuple(found)


def _funding(row: _Ticker, event_ns: int) -> Funding:
    rate = interval_s = next_ns = None
    if row.funding_rate:
        rate = believe.rate(believe.number(row.funding_rate, "funding rate"), "funding rate")
    if row.funding_interval_hour:
        hours = believe.number(row.funding_interval_hour, "funding interval")
        interval_s = believe.interval(hours * 3600, "funding interval")
    if row.next_funding_time not in ("", "0"):
        due_ms = believe.number(row.next_funding_time, "next funding")
        next_ns = believe.instant(int(due_ms), "next funding") // NS_PER_S * NS_PER_S
    return Funding(row.symbol, event_ns, rate, next_ns, interval_s)


def _price(text: str, what: str) -> float | None:
    return believe.positive(believe.number(text, what), what) if text else None


def _liquidations(frame: _Envelope) -> tuple[Told, ...]:
    return tuple(_liquidation(row) for row in _FORCED.decode(frame.data))


def _liquidation(row: _Forced) -> Forced:
    side = _POSITIONS.get(row.S)
    if side is None:
        raise VenueDataInvalid(f"{row.s[:20]} liquidation side {row.S[:20]!r}")
    return Forced(
        row.s,
        believe.instant(row.T, "liquidation time"),
        side,
        believe.positive(row.v, "liquidation quantity"),
        believe.positive(row.p, "liquidation price"),
    )


_TOPICS: Final[dict[str, Callable[[_Envelope], tuple[Told, ...]]]] = {
    "publicTrade": _trades,
    "tickers": _ticker,
    "allLiquidation": _liquidations,
}
