"""Hyperliquid's public stream: trades, contract state (mark, oracle, funding, interest), book tops.

The contract state carries no time: whoever reads it stamps it with the newest block time heard on
the same connection. There is NO market-wide liquidation feed. The fills of an address that is
watched name its liquidations, its own or those it took over; nothing else is observed.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from bot.domain.errors import VenueDataInvalid
from bot.domain.orders import PositionSide
from bot.venue.profiles.hyperliquid_frames import ASSETS, ENVELOPES
from bot.venue.streams import believe
from bot.venue.streams.told import Forced, Funding, Interest, Quote, Told, Top, Trade
from bot.venue.streams.unreadable import UNREADABLE

NAME: Final = "hyperliquid"
INTERVAL_S: Final = 3600
"""Every contract pays every hour, by the venue's documentation."""
_BUYS: Final = {"B": True, "A": False}


class _Trade(msgspec.Struct, gc=False):
    coin: str
    side: str
    px: float
    sz: float
    time: int


class _Top(msgspec.Struct, gc=False):
    coin: str
    time: int


class _Liquidation(msgspec.Struct, gc=False, rename="camel"):
    liquidated_user: str


class _Fill(msgspec.Struct, gc=False):
    coin: str
    px: float
    sz: float
    side: str
    time: int
    liquidation: _Liquidation | None = None


class _Fills(msgspec.Struct, rename="camel"):
    user: str
    fills: list[_Fill]
    is_snapshot: bool = False


# Not strict: the venue writes numbers as strings.
_TRADES: Final = msgspec.json.Decoder(list[_Trade], strict=False)
_TOPS: Final = msgspec.json.Decoder(_Top)
_FILLS: Final = msgspec.json.Decoder(_Fills, strict=False)
_WORDS: Final = msgspec.json.Decoder(str)


def decode(raw: bytes | str) -> tuple[Told, ...]:
    """Return what a frame tells; nothing for answers and for channels that were not asked for.

    Raises:
        VenueDataInvalid: it cannot be believed, or the venue refused a subscription.
    """
    try:
        frame = ENVELOPES.decode(raw)
        read = _CHANNELS.get(frame.channel)
        return () if read is None else read(frame.data)
    except UNREADABLE as failed:
        raise VenueDataInvalid(f"unreadable frame: {str(failed)[:120]}") from None


def _refused(data: msgspec.Raw) -> tuple[Told, ...]:
    raise VenueDataInvalid(f"the venue refused: {_WORDS.decode(data)[:120]}")


def _trades(data: msgspec.Raw) -> tuple[Told, ...]:
    return tuple(_trade(row) for row in _TRADES.decode(data))


def _trade(row: _Trade) -> Trade:
    return Trade(
        row.coin,
        believe.instant(row.time, "trade time"),
        believe.positive(row.px, "trade price"),
        believe.positive(row.sz, "trade quantity"),
        _is_buy(row.side, row.coin),
    )


def _is_buy(side: str, coin: str) -> bool:
    is_buy = _BUYS.get(side)
    if is_buy is None:
        raise VenueDataInvalid(f"{coin[:20]} side {side[:20]!r}")
    return is_buy


def _asset(data: msgspec.Raw) -> tuple[Told, ...]:
    row = ASSETS.decode(data)
    state = row.ctx
    mark = believe.positive(state.mark_px, "mark price")
    index = believe.positive(state.oracle_px, "oracle price")
    rate = believe.rate(state.funding, "funding rate")
    return (
        Quote(row.coin, None, mark, index),
        Funding(row.coin, None, rate, None, INTERVAL_S),
        Interest(row.coin, None, believe.amount(state.open_interest, "open interest")),
    )


def _top(data: msgspec.Raw) -> tuple[Told, ...]:
    row = _TOPS.decode(data)
    return (Top(row.coin, believe.instant(row.time, "book time")),)


def _fills(data: msgspec.Raw) -> tuple[Told, ...]:
    """Liquidations among the fills of a watched address; its past (the snapshot) is not news."""
    told = _FILLS.decode(data)
    if told.is_snapshot:
        return ()
    return tuple(
        _forced(row, row.liquidation, told.user)
        for row in told.fills
        if row.liquidation is not None
    )


def _forced(row: _Fill, liquidation: _Liquidation, user: str) -> Forced:
    """The liquidated side sold a long or bought a short; a taker-over did the opposite."""
    is_buy = _is_buy(row.side, row.coin)
    own = liquidation.liquidated_user.lower() == user.lower()
    return Forced(
        row.coin,
        believe.instant(row.time, "liquidation time"),
        PositionSide.SHORT if is_buy is own else PositionSide.LONG,
        believe.positive(row.sz, "liquidation size"),
        believe.positive(row.px, "liquidation price"),
    )


_CHANNELS: Final[dict[str, Callable[[msgspec.Raw], tuple[Told, ...]]]] = {
    "trades": _trades,
    "activeAssetCtx": _asset,
    "bbo": _top,
    "userFills": _fills,
    "error": _refused,
}
