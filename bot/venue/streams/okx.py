"""OKX's public stream: trades, mark, index, funding, open interest and liquidations of swaps.

Sizes are in CONTRACTS: the reader makes coins of them by ctVal. `posSide` of a liquidation is the
side of the position; where it says "net", the side of the order tells.
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

NAME: Final = "okx"
PONG: Final = "pong"
NUMBER_MAX: Final = 1 << 53
_BY_POSITION: Final = {"long": PositionSide.LONG, "short": PositionSide.SHORT}
_BY_ORDER: Final = {"sell": PositionSide.LONG, "buy": PositionSide.SHORT}
_BUYS: Final = {"buy": True, "sell": False}
_NOTHING: Final = msgspec.Raw(b"")


class _Arg(msgspec.Struct, frozen=True):
    channel: str = ""
    instId: str = ""  # noqa: N815  (the venue's name)


class _Envelope(msgspec.Struct):
    arg: _Arg = _Arg()
    data: msgspec.Raw = _NOTHING
    event: str = ""
    code: str = ""
    msg: str = ""


class _Trade(msgspec.Struct, gc=False, rename="camel"):
    inst_id: str
    trade_id: int
    px: float
    sz: float
    side: str
    ts: int
    count: int = 1


class _Mark(msgspec.Struct, gc=False, rename="camel"):
    inst_id: str
    mark_px: float
    ts: int


class _Index(msgspec.Struct, gc=False, rename="camel"):
    inst_id: str
    idx_px: float
    ts: int


class _Funding(msgspec.Struct, gc=False, rename="camel"):
    inst_id: str
    funding_rate: float
    funding_time: int
    next_funding_time: int
    ts: int
    sett_state: str = ""
    sett_funding_rate: str = ""


class _Interest(msgspec.Struct, gc=False, rename="camel"):
    inst_id: str
    oi: float
    oi_ccy: float
    ts: int


class _Detail(msgspec.Struct, gc=False, rename="camel"):
    side: str
    sz: float
    bk_px: float
    ts: int
    pos_side: str = ""


class _Forced(msgspec.Struct, rename="camel"):
    inst_id: str
    details: list[_Detail]


# Not strict: the venue writes numbers as strings.
_ENVELOPES: Final = msgspec.json.Decoder(_Envelope)
_TRADES: Final = msgspec.json.Decoder(list[_Trade], strict=False)
_MARKS: Final = msgspec.json.Decoder(list[_Mark], strict=False)
_INDEXES: Final = msgspec.json.Decoder(list[_Index], strict=False)
_FUNDINGS: Final = msgspec.json.Decoder(list[_Funding], strict=False)
_INTERESTS: Final = msgspec.json.Decoder(list[_Interest], strict=False)
_FORCED: Final = msgspec.json.Decoder(list[_Forced], strict=False)


def decode(raw: bytes | str) -> tuple[Told, ...]:
    """Return what a frame tells; nothing for answers and for channels that were not asked for.

    Raises:
        VenueDataInvalid: it cannot be believed, or the venue refused a subscription.
    """
    if raw in (PONG, PONG.encode()):
        return ()
    try:
        frame = _ENVELOPES.decode(raw)
        read = None if frame.event else _CHANNELS.get(frame.arg.channel)
        if read is None:
            return _answer(frame)
        return tuple(read(frame))
    except UNREADABLE as failed:
        raise VenueDataInvalid(f"unreadable frame: {str(failed)[:120]}") from None


def _answer(frame: _Envelope) -> tuple[Told, ...]:
    if frame.event == "error":
        raise VenueDataInvalid(f"the venue refused: {frame.code[:10]} {frame.msg[:120]}")
    if not frame.event and not frame.arg.channel:
        raise VenueDataInvalid("unreadable frame: neither a channel nor an answer")
    return ()


def _trades(frame: _Envelope) -> list[Told]:
    return [_trade(row) for row in _TRADES.decode(frame.data)]


def _trade(row: _Trade) -> Trade:
    is_buy = _BUYS.get(row.side)
    if is_buy is None:
        raise VenueDataInvalid(f"{row.inst_id[:40]} trade side {row.side[:20]!r}")
    if not 1 <= row.count <= row.trade_id < NUMBER_MAX:
        raise VenueDataInvalid(f"{row.inst_id[:40]}: {row.count} trades to id {row.trade_id}")
    return Trade(
        row.inst_id,
        believe.instant(row.ts, "trade time"),
        believe.positive(row.px, "trade price"),
        believe.positive(row.sz, "trade quantity"),
        is_buy,
        row.trade_id,
        row.count,
    )


def _marks(frame: _Envelope) -> list[Told]:
    return [_mark(row) for row in _MARKS.decode(frame.data)]


def _mark(row: _Mark) -> Quote:
    event_ns = believe.instant(row.ts, "mark time")
    return Quote(row.inst_id, event_ns, believe.positive(row.mark_px, "mark price"))


def _indexes(frame: _Envelope) -> list[Told]:
    """An index is named by its pair; its swap is the contract that follows it."""
    return [
        Quote(
            f"{row.inst_id}-SWAP",
            believe.instant(row.ts, "index time"),
            index=believe.positive(row.idx_px, "index"),
        )
        for row in _INDEXES.decode(frame.data)
    ]


def _fundings(frame: _Envelope) -> list[Told]:
    return [item for row in _FUNDINGS.decode(frame.data) for item in _funding(row)]


def _funding(row: _Funding) -> list[Told]:
    """The rate of the running interval, and that of the interval before once it is settled."""
    event_ns = believe.instant(row.ts, "funding time")
    due_ns = believe.instant(row.funding_time, "next funding")
    after_ns = believe.instant(row.next_funding_time, "funding after next")
    interval_s = believe.interval((after_ns - due_ns) / NS_PER_S, "funding interval")
    rate = believe.rate(row.funding_rate, "funding rate")
    found: list[Told] = [Funding(row.inst_id, event_ns, rate, due_ns, interval_s)]
    if row.sett_state == "settled" and row.sett_funding_rate:
        paid = believe.number(row.sett_funding_rate, "settled funding")
        paid_ns = due_ns - interval_s * NS_PER_S
        paid = believe.rate(paid, "settled funding")
        found.append(Funding(row.inst_id, paid_ns, paid, due_ns, interval_s, settled=True))
    return found


def _interests(frame: _Envelope) -> list[Told]:
    return [
        Interest(
            row.inst_id,
            believe.instant(row.ts, "interest time"),
            believe.amount(row.oi, "open interest"),
            believe.amount(row.oi_ccy, "open interest in coins"),
        )
        for row in _INTERESTS.decode(frame.data)
    ]


def _liquidations(frame: _Envelope) -> list[Told]:
    rows = _FORCED.decode(frame.data)
    return [_liquidation(row.inst_id, detail) for row in rows for detail in row.details]


def _liquidation(contract: str, row: _Detail) -> Forced:
    side = _BY_POSITION.get(row.pos_side)
    if side is None and row.pos_side in ("", "net"):
        side = _BY_ORDER.get(row.side)
    if side is None:
        words = f"{row.pos_side[:20]!r} {row.side[:20]!r}"
        raise VenueDataInvalid(f"{contract[:40]} liquidation side {words}")
    return Forced(
        contract,
        believe.instant(row.ts, "liquidation time"),
        side,
        believe.positive(row.sz, "liquidation size"),
        believe.positive(row.bk_px, "liquidation price"),
    )


_CHANNELS: Final[dict[str, Callable[[_Envelope], list[Told]]]] = {
    "trades": _trades,
    "mark-price": _marks,
    "index-tickers": _indexes,
    "funding-rate": _fundings,
    "open-interest": _interests,
    "liquidation-orders": _liquidations,
}
