"""Bybit's public topics as our own market: prices, trades, book tops, funding, liquidations."""

from collections.abc import Sequence
from typing import Final, assert_never

import msgspec

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
from bot.venue.feeds.reader import NEWS_NS, REPEAT_NS
from bot.venue.profiles import bybit
from bot.venue.streams import believe
from bot.venue.streams.bybit import decode
from bot.venue.streams.told import Forced, Funding, Interest, Quote, Told, Top, Trade
from bot.venue.streams.unreadable import UNREADABLE

KINDS: Final = ("tickers", "publicTrade", "orderbook.1", "allLiquidation")
TOPICS_PER_MESSAGE: Final = 10
BOTH: Final = 2
_BOOK: Final = "orderbook"


class _Book(msgspec.Struct):
    s: str
    b: list[tuple[float, float]]
    a: list[tuple[float, float]]


class _BookFrame(msgspec.Struct):
    topic: str
    ts: int
    data: _Book


_BOOKS: Final = msgspec.json.Decoder(_BookFrame, strict=False)


class Asking:
    """How the topics of the traded contracts are asked for."""

    heartbeat_s: float | None = None
    ping: str = '{"op":"ping"}'
    ping_s: float = 15.0

    def __init__(self, symbols: Sequence[str]) -> None:
        self._symbols = symbols

    def symbols(self) -> Sequence[str]:
        """Return the symbols whose prices must stay fresh."""
        return self._symbols

    def messages(self) -> Sequence[str]:
        """Return the requests for all topics; one that is refused takes few others with it."""
        topics = [f"{kind}.{bybit.venue_id(s)}" for s in self._symbols for kind in KINDS]
        parts = range(0, len(topics), TOPICS_PER_MESSAGE)
        return [
            msgspec.json.encode(
                {"op": "subscribe", "args": topics[at : at + TOPICS_PER_MESSAGE]}
            ).decode()
            for at in parts
        ]


class BybitMarket:
    """Reads the frames of one connection at a time; a delta is laid over what was said before."""

    def __init__(self, symbols: Sequence[str]) -> None:
        self._contracts = {
            bybit.venue_id(symbol): Contract(
                symbol=symbol, venue_id=bybit.venue_id(symbol), interval_s=None
            )
            for symbol in symbols
        }
        self._quotes: dict[str, tuple[float | None, float | None]] = {}
        self._tops: dict[str, tuple[tuple[float, float], tuple[float, float]]] = {}
        self._funding = FundingMemory()
        self._interest_ns: dict[str, int] = {}
        self._told_ns: dict[str, int] = {}

    def connected(self) -> None:
        """Begin a connection: snapshots come first, fragments of the one before are no base."""
        self._quotes.clear()
        self._tops.clear()
        self._funding.begin()

    def told_ns(self, symbol: str) -> int | None:
        """Return the venue's time of the newest price of `symbol`, None before the first."""
        return self._told_ns.get(symbol)

    def read(self, raw: bytes | str, received_ns: int) -> list[Event]:
        """Return what a frame says; nothing for answers and for contracts not asked for.

        Raises:
            VenueDataInvalid: the frame cannot be believed.
        """
        head = raw[:80] if isinstance(raw, str) else raw[:80].decode("utf-8", "replace")
        if _BOOK in head:
            return self._book(raw, received_ns)
        events: list[Event] = []
        for told in decode(raw):
            contract = self._contracts.get(told.contract)
            if contract is not None:
                events += self._one(told, contract, received_ns)
        return events

    def _one(self, told: Told, contract: Contract, received_ns: int) -> list[Event]:
        match told:
            case Trade():
                return [_trade(told, contract.symbol, received_ns)]
            case Quote():
                return self._quote(told, contract.symbol, received_ns)
            case Funding():
                return self._rate(told, contract, received_ns)
            case Interest():
                return self._open(told, contract.symbol, received_ns)
            case Forced():
                return [
                    Liquidation(
                        contract.symbol, told.event_ns, received_ns, bybit.NAME, told.side,
                        told.units, told.price,
                    )
                ]  # fmt: skip
            case Top():
                return []
            case _:
                assert_never(told)

    def _quote(self, told: Quote, symbol: str, received_ns: int) -> list[Event]:
        mark, index = self._quotes.get(symbol, (None, None))
        mark = told.mark if told.mark is not None else mark
        index = told.index if told.index is not None else index
        self._quotes[symbol] = (mark, index)
        if mark is None or told.event_ns is None:
            return []
        self._tell(symbol, told.event_ns)
        return [MarkPrice(symbol, told.event_ns, received_ns, mark, index)]

    def _rate(self, told: Funding, contract: Contract, received_ns: int) -> list[Event]:
        if told.event_ns is None:
            return []
        whole = self._funding.whole(told, told.event_ns, contract)
        if whole is None:
            return []
        rate = FundingRate(
            contract.symbol, told.event_ns, received_ns, bybit.NAME, whole.rate_frac,
            whole.interval_s, settled=False, next_ns=whole.next_ns,
        )  # fmt: skip
        news = self._funding.is_news(rate, news_ns=NEWS_NS, repeat_ns=REPEAT_NS)
        return [rate] if news else []

    def _open(self, told: Interest, symbol: str, received_ns: int) -> list[Event]:
        if told.event_ns is None or told.event_ns - self._interest_ns.get(symbol, 0) < NEWS_NS:
            return []
        self._interest_ns[symbol] = told.event_ns
        return [OpenInterest(symbol, told.event_ns, received_ns, bybit.NAME, told.units)]

    def _book(self, raw: bytes | str, received_ns: int) -> list[Event]:
        """Read the best bid and ask; at depth 1 every frame is whole, or one side unchanged."""
        try:
            frame = _BOOKS.decode(raw)
        except UNREADABLE as failed:
            raise VenueDataInvalid(f"unreadable frame: {str(failed)[:120]}") from None
        contract = self._contracts.get(frame.data.s)
        if contract is None:
            return []
        before = self._tops.get(contract.symbol)
        sides = []
        for number, rows in enumerate((frame.data.b, frame.data.a)):
            kept = [(price, qty) for price, qty in rows if qty > 0.0]
            if kept:
                sides.append((believe.positive(kept[0][0], "book price"), kept[0][1]))
            elif before is not None:
                sides.append(before[number])
        if len(sides) != BOTH:
            return []
        (bid, bid_qty), (ask, ask_qty) = sides
        if bid > ask:
            raise VenueDataInvalid(f"{contract.symbol} book is crossed: {bid!r} above {ask!r}")
        self._tops[contract.symbol] = (sides[0], sides[1])
        event_ns = believe.instant(frame.ts, "book time")
        self._tell(contract.symbol, event_ns)
        return [BookTop(contract.symbol, event_ns, received_ns, bid, bid_qty, ask, ask_qty)]

    def _tell(self, symbol: str, event_ns: int) -> None:
        self._told_ns[symbol] = max(event_ns, self._told_ns.get(symbol, 0))


def _trade(told: Trade, symbol: str, received_ns: int) -> TradeBucket:
    return TradeBucket(
        symbol=symbol,
        event_ns=told.event_ns,
        received_ns=received_ns,
        count=told.count,
        qty=told.units,
        buy_qty=told.units if told.is_buy else 0.0,
        high=told.price,
        low=told.price,
        last=told.price,
    )
