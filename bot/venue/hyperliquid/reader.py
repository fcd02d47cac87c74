"""Public frames of the traded contracts into events: trades, marks, funding, interest, book tops.

The contract state carries no time: it is stamped with the newest time heard on the connection.
"""

from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from bot.domain.errors import VenueDataInvalid
from bot.domain.market import BookTop, FundingRate, MarkPrice, OpenInterest, TradeBucket
from bot.domain.messages import Event
from bot.domain.units import NS_PER_S
from bot.venue.profiles import hyperliquid as profile
from bot.venue.profiles.hyperliquid_frames import ASSETS, ENVELOPES, Asset
from bot.venue.streams import believe
from bot.venue.streams.unreadable import UNREADABLE

REPEAT_NS: Final = 60 * NS_PER_S
"""Funding and open interest that did not change are repeated this often."""
_SIDES: Final = {"B": True, "A": False}
_INTERVAL_NS: Final = profile.FUNDING_INTERVAL_S * NS_PER_S


class _Trade(msgspec.Struct, gc=False):
    coin: str
    side: str
    px: float
    sz: float
    time: int
    tid: int


class _Level(msgspec.Struct, gc=False):
    px: float
    sz: float


class _Top(msgspec.Struct, gc=False):
    coin: str
    time: int
    bbo: tuple[_Level | None, _Level | None]


# Not strict: the venue writes numbers as strings.
_TRADES: Final = msgspec.json.Decoder(list[_Trade], strict=False)
_TOPS: Final = msgspec.json.Decoder(_Top, strict=False)
_WORDS: Final = msgspec.json.Decoder(str)
Heard = Callable[[str, float], None]


class TradedReader:
    """Reads one connection at a time; `heard` is told every mark price."""

    def __init__(self, symbols: Iterable[str], heard: Heard) -> None:
        self._symbols = {profile.venue_id(symbol): symbol for symbol in symbols}
        self._heard = heard
        self._told_ns: dict[str, int] = {}
        self._clock_ns = 0
        self._traded: dict[str, tuple[int, set[int]]] = {}
        self._funding: dict[str, FundingRate] = {}
        self._interest: dict[str, OpenInterest] = {}
        self.gaps = 0
        """The venue numbers no trades: what was missed cannot be counted."""
        self.repeats = 0

    def connected(self) -> None:
        """Begin a connection: it starts with trades of the one before, which are not news."""
        self._clock_ns = 0
        self._funding.clear()
        self._interest.clear()

    def told_ns(self, symbol: str) -> int | None:
        """Return the venue's time of the newest sign of life of `symbol`."""
        return self._told_ns.get(symbol)

    def read(self, raw: bytes | str, received_ns: int) -> list[Event]:
        """Return what a frame says; nothing for answers and contracts not asked for.

        Raises:
            VenueDataInvalid: it cannot be believed, or the venue refused a subscription.
        """
        try:
            frame = ENVELOPES.decode(raw)
            match frame.channel:
                case "trades":
                    return self._trades(_TRADES.decode(frame.data), received_ns)
                case "activeAssetCtx":
                    return self._state(ASSETS.decode(frame.data), received_ns)
                case "bbo":
                    return self._top(_TOPS.decode(frame.data), received_ns)
                case "error":
                    said = _WORDS.decode(frame.data)[:120]
                    raise VenueDataInvalid(f"the venue refused: {said}")
                case _:
                    return []
        except UNREADABLE as failed:
            raise VenueDataInvalid(f"unreadable frame: {str(failed)[:120]}") from None

    def _tell(self, symbol: str, event_ns: int) -> None:
        self._clock_ns = max(self._clock_ns, event_ns)
        self._told_ns[symbol] = max(event_ns, self._told_ns.get(symbol, 0))

    def _trades(self, rows: list[_Trade], received_ns: int) -> list[Event]:
        events: list[Event] = []
        for row in sorted(rows, key=lambda row: row.time):
            symbol = self._symbols.get(row.coin)
            if symbol is None:
                continue
            event_ns = believe.instant(row.time, "trade time")
            is_buy = _SIDES.get(row.side)
            if is_buy is None:
                raise VenueDataInvalid(f"{row.coin[:20]} side {row.side[:20]!r}")
            price = believe.positive(row.px, "trade price")
            qty = believe.positive(row.sz, "trade quantity")
            if self._is_old(symbol, event_ns, row.tid):
                self.repeats += 1
                continue
            self._tell(symbol, event_ns)
            buys = qty if is_buy else 0.0
            events.append(
                TradeBucket(symbol, event_ns, received_ns, 1, qty, buys, price, price, price)
            )
        return events

    def _is_old(self, symbol: str, event_ns: int, number: int) -> bool:
        """Tell whether a trade was told before; within one instant its number decides."""
        newest_ns, numbers = self._traded.get(symbol, (0, set()))
        if event_ns < newest_ns or (event_ns == newest_ns and number in numbers):
            return True
        if event_ns > newest_ns:
            numbers = set()
        numbers.add(number)
        self._traded[symbol] = (event_ns, numbers)
        return False

    def _state(self, row: Asset, received_ns: int) -> list[Event]:
        symbol = self._symbols.get(row.coin)
        if symbol is None:
            return []
        state = row.ctx
        mark = believe.positive(state.mark_px, "mark price")
        index = believe.positive(state.oracle_px, "oracle price")
        rate_frac = believe.rate(state.funding, "funding rate")
        qty = believe.amount(state.open_interest, "open interest")
        if not self._clock_ns:
            return []  # nothing with a time was heard yet on this connection
        event_ns = self._clock_ns
        self._heard(symbol, mark)
        events: list[Event] = [MarkPrice(symbol, event_ns, received_ns, mark, index)]
        due_ns = (event_ns // _INTERVAL_NS + 1) * _INTERVAL_NS
        funding = FundingRate(
            symbol, event_ns, received_ns, profile.NAME, rate_frac,
            profile.FUNDING_INTERVAL_S, False, due_ns,
        )  # fmt: skip
        before = self._funding.get(symbol)
        if (
            before is None
            or (before.rate_frac, before.next_ns) != (rate_frac, due_ns)
            or event_ns - before.event_ns >= REPEAT_NS
        ):
            self._funding[symbol] = funding
            events.append(funding)
        interest = OpenInterest(symbol, event_ns, received_ns, profile.NAME, qty)
        known = self._interest.get(symbol)
        if known is None or known.qty != qty or event_ns - known.event_ns >= REPEAT_NS:
            self._interest[symbol] = interest
            events.append(interest)
        return events

    def _top(self, row: _Top, received_ns: int) -> list[Event]:
        symbol = self._symbols.get(row.coin)
        if symbol is None:
            return []
        event_ns = believe.instant(row.time, "book time")
        self._tell(symbol, event_ns)
        bid, ask = row.bbo
        if bid is None or ask is None:
            return []
        return [
            BookTop(
                symbol,
                event_ns,
                received_ns,
                believe.positive(bid.px, "bid"),
                believe.amount(bid.sz, "bid quantity"),
                believe.positive(ask.px, "ask"),
                believe.amount(ask.sz, "ask quantity"),
            )
        ]
