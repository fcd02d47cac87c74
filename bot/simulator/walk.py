"""One tick's walk: which orders and liquidations lie on the way, in the order of the way."""

from collections.abc import Callable, Iterator
from decimal import ROUND_DOWN, Decimal
from math import inf
from typing import Final

from bot.domain.errors import InvariantBroken
from bot.domain.orders import OrderSide, OrderStatus, TriggerBy
from bot.simulator.accounts import Account, Leg, Order
from bot.simulator.book import Book
from bot.simulator.conditional import fire, is_due, triggers_below
from bot.simulator.liquidation import (
    cross_unsafe,
    isolated_unsafe,
    liquidate_cross,
    liquidate_isolated,
)
from bot.simulator.market import MarketState
from bot.simulator.matching import fill_resting, offered
from bot.simulator.terms import MarketTick

STEPS_MAX: Final = 100_000
_BISECTIONS: Final = 50
_STOP, _LIMIT, _ISOLATED, _CROSS = range(4)
Prices = tuple[float, float, float]
"""(last, mark, index)."""
Due = tuple[float, int, int, Account, Order | Leg | None]
"""(fraction of the way, rank, sequence, account, what)."""


class Band:
    """Cached bounds of one symbol's prices inside which no order and no isolated leg acts."""

    __slots__ = ("cross", "generation", "high", "low")

    def __init__(self, book: Book, symbol: str) -> None:
        self.generation = book.generation
        self.low = [-inf, -inf, -inf]
        self.high = [inf, inf, inf]
        self.cross: list[Account] = []
        for account in book.ledger.accounts.values():
            self._add_orders(account, symbol)
            self._add_legs(book, account, symbol)

    def _add_orders(self, account: Account, symbol: str) -> None:
        for stop in account.stops.live.values():
            if stop.request.symbol == symbol and stop.status is OrderStatus.WORKING:
                which = _which(stop.request.trigger_by)
                self._bound(which, stop.trigger, below=triggers_below(stop.request))
        for order in account.orders.live.values():
            if order.request.symbol == symbol and order.limit:
                self._bound(0, order.limit, below=order.request.side is OrderSide.BUY)

    def _add_legs(self, book: Book, account: Account, symbol: str) -> None:
        legs = account.held(symbol)
        if not legs:
            return
        if not account.is_isolated(symbol):
            self.cross.append(account)
            return
        for leg in legs:
            price = book.liquidation_price(account, leg)
            if price is not None:
                # a hair toward the market, so that rounding never hides a liquidation
                hair = float(price) * (1.0 + leg.side.sign * 1e-9)
                self._bound(1, hair, below=leg.size > 0.0)
            elif leg.isolated_usd <= 0:
                self._bound(1, inf, below=True)

    def _bound(self, which: int, price: float, *, below: bool) -> None:
        if below:
            self.low[which] = max(self.low[which], price)
        else:
            self.high[which] = min(self.high[which], price)

    def holds(self, tick: MarketTick) -> bool:
        """Tell whether the tick stays strictly inside all bounds."""
        low, high = self.low, self.high
        return (
            low[0] < tick.last < high[0]
            and low[1] < tick.mark < high[1]
            and low[2] < tick.index < high[2]
        )


class Way:
    """The straight line from one set of prices to the next; with `jump` only its order counts."""

    def __init__(self, market: MarketState, tick: MarketTick) -> None:
        self.end: Prices = (tick.last, tick.mark, tick.index)
        self.jump = tick.gap or market.last <= 0.0
        known = market.last > 0.0
        self.start: Prices = (market.last, market.mark, market.index) if known else self.end

    def point(self, at: float) -> list[float]:
        """Return the prices at fraction `at`."""
        if at >= 1.0:
            return list(self.end)
        return [a + (b - a) * at for a, b in zip(self.start, self.end, strict=True)]

    def fraction(self, which: int, price: float, at: float) -> float:
        """Return where on the way `price` is met, not before `at`."""
        start, end = self.start[which], self.end[which]
        if start == end:
            return at
        return min(1.0, max(at, (price - start) / (end - start)))


def walk(book: Book, market: MarketState, tick: MarketTick, *, orders: bool = True) -> None:
    """Move the market to the tick and let everything act that lies on the way.

    Without a gap all three prices walk in a straight line, and what acts sees them where they
    are at that moment; across a gap everything acts at the new prices, nearest trigger first.
    Without `orders` only liquidations are looked for.
    """
    way = Way(market, tick)
    at = 0.0
    touched: set[int] = set()
    for _ in range(STEPS_MAX):
        found = _candidates(book, way, at, touched, tick, orders=orders)
        due = min(found, default=None, key=lambda d: d[:3])
        if due is None:
            market.last, market.mark, market.index = way.end
            return
        at = due[0]
        _stand(market, way, due)
        _act(book, market, due, tick, touched)
    raise InvariantBroken(f"{market.symbol}: one tick set off more than {STEPS_MAX} actions")


def _act(book: Book, market: MarketState, due: Due, tick: MarketTick, touched: set[int]) -> None:
    _, rank, seq, account, what = due
    if isinstance(what, Leg):
        liquidate_isolated(book, account, what)
    elif what is None:
        liquidate_cross(book, account)
    elif rank == _STOP:
        fire(book, account, what, market)
    else:
        touched.add(seq)
        fill_resting(book, account, what, _volume(book, what, tick))


def _stand(market: MarketState, way: Way, due: Due) -> None:
    """Put the market where the due thing happens; a crossed trigger is met to the last digit."""
    at = 1.0 if way.jump else due[0]
    here = way.point(at)
    what = due[4]
    if isinstance(what, Order) and not way.jump:
        which, price = _watched(what)
        if min(way.start[which], way.end[which]) <= price <= max(way.start[which], way.end[which]):
            here = [
                price if way.start[i] == way.start[which] and way.end[i] == way.end[which] else x
                for i, x in enumerate(here)
            ]
    market.last, market.mark, market.index = here


def _candidates(
    book: Book, way: Way, at: float, touched: set[int], tick: MarketTick, *, orders: bool
) -> Iterator[Due]:
    """Yield everything that acts between `at` and the end of the way."""
    symbol = tick.symbol
    for account in book.ledger.accounts.values():
        if orders:
            yield from _due_stops(account, symbol, way, at)
            yield from _due_limits(book, account, way, at, touched, tick)
        yield from _due_legs(book, account, symbol, way, at)


def _due_limits(
    book: Book, account: Account, way: Way, at: float, touched: set[int], tick: MarketTick
) -> Iterator[Due]:
    for order in account.orders.live.values():
        if order.request.symbol != tick.symbol or not order.limit or order.seq in touched:
            continue
        buys = order.request.side is OrderSide.BUY
        reached = tick.last <= order.limit if buys else tick.last >= order.limit
        if reached and _volume(book, order, tick):
            yield way.fraction(0, order.limit, at), _LIMIT, order.seq, account, order


def _due_stops(account: Account, symbol: str, way: Way, at: float) -> Iterator[Due]:
    here = way.point(at)
    for stop in account.stops.live.values():
        if stop.request.symbol != symbol or stop.status is not OrderStatus.WORKING:
            continue
        which, trigger = _watched(stop)
        if is_due(stop, here[which]):
            yield at, _STOP, stop.seq, account, stop
        elif is_due(stop, way.end[which]):
            yield way.fraction(which, trigger, at), _STOP, stop.seq, account, stop


def _due_legs(book: Book, account: Account, symbol: str, way: Way, at: float) -> Iterator[Due]:
    legs = account.held(symbol)
    if not legs:
        return
    if not account.is_isolated(symbol):

        def unsafe(fraction: float) -> bool:
            return cross_unsafe(book, account, symbol, way.point(fraction)[1])

        yield from _crossing(unsafe, at, account, None, _CROSS)
        return
    for leg in legs:
        yield from _crossing(_isolated_check(book, leg, way), at, account, leg, _ISOLATED)


def _isolated_check(book: Book, leg: Leg, way: Way) -> Callable[[float], bool]:
    return lambda fraction: isolated_unsafe(book, leg, way.point(fraction)[1])


def _crossing(
    unsafe: Callable[[float], bool], at: float, account: Account, leg: Leg | None, rank: int
) -> Iterator[Due]:
    """Yield the first moment from `at` on at which an account side is unsafe, if there is one."""
    if unsafe(at):
        yield at, rank, 0, account, leg
        return
    if not unsafe(1.0):
        return
    safe, bad = at, 1.0
    for _ in range(_BISECTIONS):
        middle = (safe + bad) / 2.0
        if unsafe(middle):
            bad = middle
        else:
            safe = middle
    yield bad, rank, 0, account, leg


def _volume(book: Book, order: Order, tick: MarketTick) -> Decimal:
    """Return what a resting order gets: at a touch what was traded, beyond it what is offered."""
    if tick.last != order.limit:
        return offered(book, order, tick.last)
    lot = book.instruments[order.request.symbol].lot
    return (Decimal(repr(tick.qty)) / lot).to_integral_value(ROUND_DOWN) * lot


def _watched(order: Order) -> tuple[int, float]:
    """Return which price an order watches, and the value it waits for."""
    if order.request.kind.is_conditional:
        return _which(order.request.trigger_by), order.trigger
    return 0, order.limit


def _which(trigger_by: TriggerBy) -> int:
    if trigger_by is TriggerBy.LAST:
        return 0
    return 1 if trigger_by is TriggerBy.MARK else 2
