"""OKX's public channels as our own market: prices, trades, book tops, funding, liquidations."""

from collections.abc import Sequence
from typing import Final, assert_never

import msgspec
from typing_extensions import override

from bot.domain.errors import VenueDataInvalid
from bot.domain.market import (
    BookTop,
    FundingRate,
    Liquidation,
    MarkPrice,
    OpenInterest,
    TradeBucket,
)
from bot.domain.messages import Event
from bot.venue.feeds.contracts import Contract
from bot.venue.feeds.memory import FundingMemory
from bot.venue.feeds.okx import OkxDialect
from bot.venue.feeds.reader import NEWS_NS, REPEAT_NS
from bot.venue.okx.account import Sizes
from bot.venue.profiles import okx
from bot.venue.streams import believe
from bot.venue.streams.okx import decode
from bot.venue.streams.told import Forced, Funding, Interest, Quote, Told, Top, Trade
from bot.venue.streams.unreadable import UNREADABLE

BOOK: Final = "bbo-tbt"


class _Arg(msgspec.Struct):
    instId: str  # noqa: N815  (the venue's name)


class _Book(msgspec.Struct):
    bids: list[list[str]]
    asks: list[list[str]]
    ts: str


class _BookFrame(msgspec.Struct):
    arg: _Arg
    data: list[_Book] = []


_BOOKS: Final = msgspec.json.Decoder(_BookFrame)


class TradedDialect(OkxDialect):
    """Asks for book tops as well."""

    @override
    def messages(self) -> Sequence[str]:
        """Return the requests for all channels."""
        args = [{"channel": BOOK, "instId": item.venue_id} for item in self._listed()]
        book = msgspec.json.encode({"op": "subscribe", "args": args}).decode()
        return [*super().messages(), book]


class OkxMarket:
    """Reads the frames of one connection at a time; contracts become coins by their size."""

    def __init__(self, symbols: Sequence[str], sizes: Sizes) -> None:
        self._symbols = {okx.venue_id(symbol): symbol for symbol in symbols}
        self._sizes = sizes
        self._quotes: dict[str, tuple[float | None, float | None]] = {}
        self._funding = FundingMemory()
        self._interest_ns: dict[str, int] = {}
        self._told_ns: dict[str, int] = {}

    def contracts(self) -> list[Contract]:
        """Return the traded contracts."""
        return [
            Contract(symbol=symbol, venue_id=name, qty_factor=float(self._sizes.known[name]))
            for name, symbol in self._symbols.items()
            if name in self._sizes.known
        ]

    def connected(self) -> None:
        """Begin a connection: fragments of the one before are no base."""
        self._quotes.clear()
        self._funding.begin()

    def told_ns(self, symbol: str) -> int | None:
        """Return the venue's time of the newest price of `symbol`, None before the first."""
        return self._told_ns.get(symbol)

    def read(self, raw: bytes | str, received_ns: int) -> list[Event]:
        """Return what a frame says; nothing for answers and for contracts not asked for.

        Raises:
            VenueDataInvalid: the frame cannot be believed.
        """
        head = raw[:60] if isinstance(raw, str) else raw[:60].decode("utf-8", "replace")
        if BOOK in head and '"event"' not in head:
            return self._book(raw, received_ns)
        events: list[Event] = []
        for told in decode(raw):
            symbol = self._symbols.get(told.contract)
            if symbol is not None and told.event_ns is not None:
                events += self._one(told, told.event_ns, symbol, received_ns)
        return events

    def _one(self, told: Told, event_ns: int, symbol: str, received_ns: int) -> list[Event]:
        size = float(self._sizes.known.get(told.contract, 0))
        match told:
            case Trade():
                qty = told.units * size
                buys = qty if told.is_buy else 0.0
                price = told.price
                return [
                    TradeBucket(
                        symbol, event_ns, received_ns, told.count, qty, buys, price, price, price
                    )
                ]
            case Quote():
                return self._quote(told, event_ns, symbol, received_ns)
            case Funding():
                return self._rate(told, event_ns, symbol, received_ns)
            case Interest():
                if event_ns - self._interest_ns.get(symbol, 0) < NEWS_NS:
                    return []
                self._interest_ns[symbol] = event_ns
                qty = told.units * size
                return [OpenInterest(symbol, event_ns, received_ns, okx.NAME, qty)]
            case Forced():
                qty = told.units * size
                return [
                    Liquidation(symbol, event_ns, received_ns, okx.NAME, told.side, qty, told.price)
                ]
            case Top():
                return []
            case _:
                assert_never(told)

    def _quote(self, told: Quote, event_ns: int, symbol: str, received_ns: int) -> list[Event]:
        mark, index = self._quotes.get(symbol, (None, None))
        mark = told.mark if told.mark is not None else mark
        index = told.index if told.index is not None else index
        self._quotes[symbol] = (mark, index)
        if mark is None or told.mark is None:
            return []
        self._tell(symbol, event_ns)
        return [MarkPrice(symbol, event_ns, received_ns, mark, index)]

    def _rate(self, told: Funding, event_ns: int, symbol: str, received_ns: int) -> list[Event]:
        contract = Contract(symbol=symbol, venue_id=told.contract)
        whole = self._funding.whole(told, event_ns, contract)
        if whole is None or told.settled:
            return []
        rate = FundingRate(
            symbol, event_ns, received_ns, okx.NAME, whole.rate_frac, whole.interval_s,
            settled=False, next_ns=whole.next_ns,
        )  # fmt: skip
        news = self._funding.is_news(rate, news_ns=NEWS_NS, repeat_ns=REPEAT_NS)
        return [rate] if news else []

    def _book(self, raw: bytes | str, received_ns: int) -> list[Event]:
        try:
            frame = _BOOKS.decode(raw)
            symbol = self._symbols.get(frame.arg.instId)
            if symbol is None or not frame.data or not (frame.data[0].bids and frame.data[0].asks):
                return []
            row = frame.data[0]
            sides = [
                (believe.number(side[0][0], "price"), believe.number(side[0][1], "quantity"))
                for side in (row.bids, row.asks)
            ]
            stamp = int(believe.number(row.ts, "book time"))
        except (*UNREADABLE, IndexError) as failed:
            raise VenueDataInvalid(f"unreadable frame: {str(failed)[:120]}") from None
        (bid, bid_units), (ask, ask_units) = sides
        if not 0.0 < bid <= ask:
            raise VenueDataInvalid(f"{symbol} book is crossed: {bid!r} above {ask!r}")
        event_ns = believe.instant(stamp, "book time")
        self._tell(symbol, event_ns)
        size = float(self._sizes.known.get(frame.arg.instId, 0))
        return [
            BookTop(symbol, event_ns, received_ns, bid, bid_units * size, ask, ask_units * size)
        ]

    def _tell(self, symbol: str, event_ns: int) -> None:
        self._told_ns[symbol] = max(event_ns, self._told_ns.get(symbol, 0))
