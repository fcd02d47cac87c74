"""Trades and prices of a venue that is not traded, folded: they never become our own prices."""

import msgspec

from bot.venue.streams.told import Quote, Trade


class VenueFlow(msgspec.Struct, frozen=True, gc=False):
    """What one venue's market did since the flow before: base quantities, prices in quote."""

    symbol: str
    event_ns: int
    venue: str
    mark: float | None
    index: float | None
    last: float | None
    count: int
    qty: float
    buy_qty: float
    high: float | None
    low: float | None


class Folding:
    """The running fold of one contract; prices stay, trades are taken away with each flow."""

    def __init__(self, symbol: str, venue: str) -> None:
        self._symbol = symbol
        self._venue = venue
        self._event_ns = 0
        self._mark: float | None = None
        self._mark_ns = 0
        self._index: float | None = None
        self._index_ns = 0
        self._last: float | None = None
        self._last_ns = 0
        self._begin()

    def _begin(self) -> None:
        self._count = 0
        self._qty = self._buy_qty = 0.0
        self._high: float | None = None
        self._low: float | None = None

    def quote(self, told: Quote, event_ns: int, price_factor: float) -> None:
        """Take prices; what was not told, or comes late, changes nothing."""
        self._event_ns = max(self._event_ns, event_ns)
        if told.mark is not None and event_ns >= self._mark_ns:
            self._mark, self._mark_ns = told.mark * price_factor, event_ns
        if told.index is not None and event_ns >= self._index_ns:
            self._index, self._index_ns = told.index * price_factor, event_ns

    def trade(self, told: Trade, qty_factor: float, price_factor: float) -> None:
        """Add one trade."""
        price, qty = told.price * price_factor, told.units * qty_factor
        self._event_ns = max(self._event_ns, told.event_ns)
        if told.event_ns >= self._last_ns:
            self._last, self._last_ns = price, told.event_ns
        self._count += told.count
        self._qty += qty
        if told.is_buy:
            self._buy_qty += qty
        self._high = price if self._high is None else max(self._high, price)
        self._low = price if self._low is None else min(self._low, price)

    def take(self) -> VenueFlow | None:
        """Return what was folded and begin anew; None before anything was told."""
        if self._event_ns == 0:
            return None
        flow = VenueFlow(
            self._symbol, self._event_ns, self._venue, self._mark, self._index, self._last,
            self._count, self._qty, self._buy_qty, self._high, self._low,
        )  # fmt: skip
        self._begin()
        return flow
