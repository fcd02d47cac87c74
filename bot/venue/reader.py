"""Public frames into events, with the memory that needs: ids, funding, freshness. No I/O."""

from collections.abc import Iterable, Mapping
from typing import Final, assert_never

from bot.domain.market import FeedStatus, FundingRate
from bot.domain.messages import Event
from bot.domain.units import NS_PER_S
from bot.venue.profiles import binance as profile
from bot.venue.streams import binance as wire
from bot.venue.streams.binance import AggTrade, BookTicker, ForceOrder, MarkPriceUpdate

FUNDING_EVERY_NS: Final = 60 * NS_PER_S
"""An unchanged predicted rate is repeated this often."""
_WHOLE_INTERVALS_S: Final = frozenset({3600, 7200, 14400, 21600, 28800, 43200, 86400})


class PublicReader:
    """Reads the frames of one connection at a time; `symbols` are the contracts asked for."""

    def __init__(self, symbols: Iterable[str]) -> None:
        self._symbols = {profile.venue_id(symbol): symbol for symbol in symbols}
        self._intervals_s: dict[str, int] = {}
        self._trade_ids: dict[str, int] = {}
        self._fresh_ids: set[str] = set()
        self._funding: dict[str, FundingRate] = {}
        self._told_ns: dict[str, int] = {}
        self.gaps = 0
        self.repeats = 0

    def learn_intervals(self, listed_s: Mapping[str, int]) -> None:
        """Take the funding intervals that differ from the default, by contract id."""
        self._intervals_s = dict(listed_s)

    def connected(self) -> None:
        """Begin a connection: trade ids may restart, but a jump forward is still a gap."""
        self._fresh_ids = set(self._symbols)

    def told_ns(self, symbol: str) -> int | None:
        """Return the venue's time of the newest price of `symbol`, None before the first."""
        return self._told_ns.get(symbol)

    def read(self, raw: bytes | str, received_ns: int) -> list[Event]:
        """Return what a frame says; nothing for answers and for contracts not asked for.

        Raises:
            VenueDataInvalid: the frame cannot be believed.
        """
        frame = wire.decode(raw)
        if type(frame) is AggTrade:  # most are
            traded = self._symbols.get(frame.s)
            return [] if traded is None else self._trade(frame, traded, received_ns)
        if frame is None:
            return []
        contract = frame.o.s if isinstance(frame, ForceOrder) else frame.s
        symbol = self._symbols.get(contract)
        if symbol is None:
            return []
        match frame:
            case AggTrade():
                return self._trade(frame, symbol, received_ns)
            case MarkPriceUpdate():
                return self._mark(frame, symbol, received_ns)
            case BookTicker():
                top = wire.book_top(frame, symbol, received_ns)
                self._tell(symbol, top.event_ns)
                return [top]
            case ForceOrder():
                forced = wire.liquidation(frame, symbol, received_ns)
                return [] if forced is None else [forced]
            case _:
                assert_never(frame)

    def _trade(self, frame: AggTrade, symbol: str, received_ns: int) -> list[Event]:
        bucket = wire.trade(frame, symbol, received_ns)
        last = self._trade_ids.get(symbol)
        if frame.s in self._fresh_ids:
            self._fresh_ids.discard(frame.s)
        elif last is not None and frame.a <= last:
            self.repeats += 1
            return []
        self._trade_ids[symbol] = frame.a
        missed = 0 if last is None else frame.a - last - 1
        if missed <= 0:
            return [bucket]
        self.gaps += 1
        reason = f"gap: {missed} trades missing before id {frame.a}"
        return [FeedStatus("trades", symbol, bucket.event_ns, received_ns, True, reason), bucket]

    def _mark(self, frame: MarkPriceUpdate, symbol: str, received_ns: int) -> list[Event]:
        mark = wire.mark(frame, symbol, received_ns)
        funding = wire.funding(frame, symbol, self._interval_s(frame, symbol), received_ns)
        self._tell(symbol, mark.event_ns)
        if funding is None or not self._is_news(funding):
            return [mark]
        self._funding[symbol] = funding
        return [mark, funding]

    def _interval_s(self, frame: MarkPriceUpdate, symbol: str) -> int:
        """The listed interval; when the next payment moves on, the step is the interval itself."""
        known = self._intervals_s.get(frame.s, profile.FUNDING_INTERVAL_S)
        before = self._funding.get(symbol)
        if before is None or before.next_ns is None:
            return known
        step_s = frame.T // 1000 - before.next_ns // NS_PER_S
        if step_s in _WHOLE_INTERVALS_S and step_s < known:
            self._intervals_s[frame.s] = step_s
            return step_s
        return known

    def _is_news(self, funding: FundingRate) -> bool:
        before = self._funding.get(funding.symbol)
        return (
            before is None
            or funding.rate_frac != before.rate_frac
            or funding.next_ns != before.next_ns
            or funding.event_ns - before.event_ns >= FUNDING_EVERY_NS
        )

    def _tell(self, symbol: str, event_ns: int) -> None:
        self._told_ns[symbol] = max(event_ns, self._told_ns.get(symbol, 0))
