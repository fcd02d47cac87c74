"""The one queue into the kernel: facts are kept, market data fold or give way to the latest."""

import asyncio
from collections import OrderedDict, deque

from bot.domain.errors import InvariantBroken
from bot.domain.market import (
    BookTop,
    Candle,
    EventCalendar,
    FundingRate,
    Liquidation,
    LiquidationSum,
    MarkPrice,
    OpenInterest,
    Reading,
    TradeBucket,
    WatchList,
)
from bot.domain.messages import Event
from bot.domain.units import NS_PER_S
from bot.kernel.quiet import QuietBand

FACTS_MAX = 10_000
MARKET_MAX = 20_000

Key = tuple[object, ...]


def market_key(event: Event) -> Key | None:
    """Return what `event` may coalesce with, None for a fact that must be kept.

    Trades and liquidations fold within one second of venue time, so that a fold never crosses
    the end of a bar.
    """
    match event:
        case MarkPrice() | BookTop():
            rest: Key = ()
        case TradeBucket():
            rest = (event.event_ns // NS_PER_S,)
        case Liquidation():
            rest = (event.venue, event.side, event.event_ns // NS_PER_S)
        case OpenInterest():
            rest = (event.venue,)
        case FundingRate():
            rest = (event.venue, event.event_ns if event.settled else 0)
        case Candle():
            rest = (event.timeframe_s, event.event_ns)
        case LiquidationSum():
            rest = (event.venue, event.window_s, event.event_ns)
        case Reading():
            return (Reading, event.source, event.name, event.event_ns)
        case EventCalendar():
            return (EventCalendar, event.source)
        case WatchList():
            rest = (event.source,)
        case _:
            return None
    return (type(event), event.symbol, *rest)


def fold_trades(old: TradeBucket, new: TradeBucket) -> TradeBucket:
    """Return one bucket that tells of both."""
    later = new if new.event_ns >= old.event_ns else old
    return TradeBucket(
        symbol=old.symbol,
        event_ns=later.event_ns,
        received_ns=max(old.received_ns, new.received_ns),
        count=old.count + new.count,
        qty=old.qty + new.qty,
        buy_qty=old.buy_qty + new.buy_qty,
        high=max(old.high, new.high),
        low=min(old.low, new.low),
        last=later.last,
    )


def fold_liquidations(old: Liquidation, new: Liquidation) -> Liquidation:
    """Return one liquidation of both quantities at their average price."""
    qty = old.qty + new.qty
    price = (old.price * old.qty + new.price * new.qty) / qty if qty else new.price
    return Liquidation(
        symbol=old.symbol,
        event_ns=max(old.event_ns, new.event_ns),
        received_ns=max(old.received_ns, new.received_ns),
        venue=old.venue,
        side=old.side,
        qty=qty,
        price=price,
    )


def merge(old: Event, new: Event) -> Event:
    """Return what two events of the same key become: a fold, or the one the venue made later."""
    if isinstance(old, TradeBucket) and isinstance(new, TradeBucket):
        return fold_trades(old, new)
    if isinstance(old, Liquidation) and isinstance(new, Liquidation):
        return fold_liquidations(old, new)
    return new if new.event_ns >= old.event_ns else old


class Inbox:
    """A bounded queue with one consumer; events leave in order of (first) arrival.

    A fact that finds no room ends the run: `take` raises, because going on would be guessing.
    Market data that find no room push out the oldest of their kind, counted in `dropped`.
    """

    def __init__(self, facts_max: int = FACTS_MAX, market_max: int = MARKET_MAX) -> None:
        self._facts: deque[tuple[int, Event]] = deque()
        self._market: OrderedDict[Key, tuple[int, Event]] = OrderedDict()
        self._facts_max = facts_max
        self._market_max = market_max
        self._arrivals = 0
        self._overflowed = False
        self._wake = asyncio.Event()
        self._quiet: dict[str, QuietBand] = {}
        self.folded = 0
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._facts) + len(self._market)

    def put(self, event: Event) -> None:
        """Take an event in; never blocks, never raises."""
        self._arrivals += 1
        # Nothing can come of these: whoever wakes the reader next brings them along.
        if type(event) is TradeBucket:
            self._put_market((TradeBucket, event.symbol, event.event_ns // NS_PER_S), event)
            if not self.is_quiet(event):
                self._wake.set()
            return
        if type(event) is BookTop:
            self._put_market((BookTop, event.symbol), event)
            return
        key = market_key(event)
        if key is not None:
            self._put_market(key, event)
        elif len(self._facts) >= self._facts_max:
            self._overflowed = True
        else:
            self._facts.append((self._arrivals, event))
        self._wake.set()

    def quiet(self, symbol: str, band: QuietBand | None) -> None:
        """Learn in which band trades of a symbol may wait for company; None: in none."""
        if band is None:
            self._quiet.pop(symbol, None)
        else:
            self._quiet[symbol] = band

    def loud(self) -> None:
        """Forget every band: something has happened since they were told."""
        self._quiet.clear()

    def is_quiet(self, event: TradeBucket) -> bool:
        """Whether a trade lies in the band that was told of its symbol."""
        band = self._quiet.get(event.symbol)
        return band is not None and band.holds(event)

    def _put_market(self, key: Key, event: Event) -> None:
        waiting = self._market.get(key)
        if waiting is not None:
            self._market[key] = (waiting[0], merge(waiting[1], event))
            self.folded += 1
            return
        if len(self._market) >= self._market_max:
            self._market.popitem(last=False)
            self.dropped += 1
        self._market[key] = (self._arrivals, event)

    async def take(self) -> Event:
        """Return the next event, waiting for one.

        Raises:
            InvariantBroken: a fact was lost because nobody took events in time.
        """
        while True:
            if self._overflowed:
                raise InvariantBroken(
                    f"inbox: more than {self._facts_max} facts wait and one was lost; restart"
                )
            if self._facts or self._market:
                return self._pop()
            self._wake.clear()
            await self._wake.wait()

    def _pop(self) -> Event:
        if not self._market:
            return self._facts.popleft()[1]
        oldest = next(iter(self._market.values()))
        if self._facts and self._facts[0][0] < oldest[0]:
            return self._facts.popleft()[1]
        return self._market.popitem(last=False)[1][1]
