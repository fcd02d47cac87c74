"""The state of one account: wallet, legs, both order books, ledger and executions."""

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

import msgspec

from bot.domain.account import IncomeRow, MarginMode
from bot.domain.messages import Fill
from bot.domain.orders import OrderSide, OrderState, OrderStatus, PositionSide
from bot.domain.units import ZERO
from bot.simulator.terms import OrderRequest

LEVERAGE_DEFAULT: Final = 20
MONEY_STEP: Final = Decimal("0.00000001")
PRICE_STEP: Final = Decimal("0.000000000001")
HISTORY_MAX: Final = 20_000
ORDERS_MAX: Final = 2_000
"""Executions and ledger rows, and ended orders of each book, that are kept; ids always are."""


def money(amount: Decimal) -> Decimal:
    """Return `amount` in whole 1e-8 USD, the venue's smallest unit."""
    return amount.quantize(MONEY_STEP, ROUND_HALF_EVEN)


def tidy(price: Decimal) -> Decimal:
    """Return an average price to 1e-12 without trailing zeros and never in scientific notation."""
    short = price.quantize(PRICE_STEP).normalize()
    return short.quantize(Decimal(1)) if int(short.as_tuple().exponent) > 0 else short


class Leg(msgspec.Struct, kw_only=True):
    """One direction of one symbol; `size` (signed) and `entry` shadow the exact numbers.

    `isolated_usd` is the margin walled off for the leg, before unrealised profit.
    """

    symbol: str
    side: PositionSide
    qty: Decimal = ZERO
    entry_price: Decimal = ZERO
    isolated_usd: Decimal = ZERO
    event_ns: int = 0
    size: float = 0.0
    entry: float = 0.0

    def set(self, qty: Decimal, entry_price: Decimal) -> None:
        """Set quantity and entry price; a flat leg forgets its entry."""
        self.qty = qty
        self.entry_price = entry_price if qty > ZERO else ZERO
        self.size = self.side.sign * float(qty)
        self.entry = float(self.entry_price)

    def profit_usd(self, price: Decimal, qty: Decimal) -> Decimal:
        """Return the profit of closing `qty` at `price`, before fees."""
        return money(self.side.sign * (price - self.entry_price) * qty)

    def unrealised(self, mark: float) -> float:
        """Return the unrealised profit in USD at `mark`."""
        return self.size * (mark - self.entry) if self.size else 0.0


class Order(msgspec.Struct, kw_only=True):
    """One order in either book; `parent` is the conditional order that gave birth to it."""

    request: OrderRequest
    venue_order_id: str
    seq: int
    qty: Decimal
    status: OrderStatus
    event_ns: int
    filled_qty: Decimal = ZERO
    cost_usd: Decimal = ZERO
    reason: str = ""
    parent: str = ""
    trigger: float = 0.0
    limit: float = 0.0

    @property
    def left_qty(self) -> Decimal:
        """What may still fill."""
        return self.qty - self.filled_qty

    def state(self) -> OrderState:
        """Return the order as the venue tells it."""
        r = self.request
        average = self.cost_usd / self.filled_qty if self.filled_qty else None
        return OrderState(
            client_order_id=r.client_order_id,
            venue_order_id=self.venue_order_id,
            symbol=r.symbol,
            side=r.side,
            kind=r.kind,
            status=self.status,
            qty=self.qty,
            filled_qty=self.filled_qty,
            reduce_only=r.reduce_only,
            close_position=r.close_position,
            event_ns=self.event_ns,
            position_side=r.position_side,
            price=r.price,
            trigger_price=r.trigger_price,
            trigger_by=r.trigger_by if r.kind.is_conditional else None,
            average_price=tidy(average) if average else None,
            reason=self.reason,
        )


class Shelf(msgspec.Struct, kw_only=True):
    """One book of orders: the open ones, the ended ones, and every client id ever seen."""

    live: dict[str, Order] = {}
    ended: dict[str, Order] = {}
    ids: dict[str, str] = {}

    def find(
        self, symbol: str, client_order_id: str | None, venue_order_id: str | None
    ) -> Order | None:
        """Return the order by either id, open or ended; the venue's own id comes first."""
        key = venue_order_id or self.ids.get(client_order_id or "", "")
        order = self.live.get(key) or self.ended.get(key)
        return order if order is not None and order.request.symbol == symbol else None

    def end(self, order: Order) -> None:
        """Move `order` out of the open book."""
        self.live.pop(order.venue_order_id, None)
        self.ended[order.venue_order_id] = order
        if len(self.ended) > ORDERS_MAX:
            del self.ended[next(iter(self.ended))]


class Account(msgspec.Struct, kw_only=True):
    """Everything one account owns and owes; `wallet_usd` includes isolated margin."""

    account_id: str
    hedge_mode: bool
    wallet_usd: Decimal = ZERO
    legs: dict[str, Leg] = {}
    leverages: dict[str, int] = {}
    modes: dict[str, MarginMode] = {}
    orders: Shelf
    stops: Shelf
    trades: list[Fill] = []
    rows: list[IncomeRow] = []

    def leg(self, symbol: str, side: PositionSide) -> Leg:
        """Return the leg, flat when never touched."""
        key = f"{symbol}|{side}"
        found = self.legs.get(key)
        if found is None:
            found = self.legs[key] = Leg(symbol=symbol, side=side)
        return found

    def peek(self, symbol: str, side: PositionSide) -> Leg:
        """Return the leg to read it; one never touched is flat and stays unknown."""
        return self.legs.get(f"{symbol}|{side}") or Leg(symbol=symbol, side=side)

    def held(self, symbol: str | None = None) -> list[Leg]:
        """Return the legs with a position, of one symbol or of all."""
        return [leg for leg in self.legs.values() if leg.size and symbol in (None, leg.symbol)]

    def leverage(self, symbol: str) -> int:
        """Return the leverage setting."""
        return self.leverages.get(symbol, LEVERAGE_DEFAULT)

    def mode(self, symbol: str) -> MarginMode:
        """Return the margin mode of a symbol."""
        return self.modes.get(symbol, MarginMode.CROSS)

    def is_isolated(self, symbol: str) -> bool:
        """Tell whether the symbol's margin is walled off."""
        return self.mode(symbol) is MarginMode.ISOLATED

    def cross_wallet_usd(self) -> Decimal:
        """Return the wallet without what isolated legs hold."""
        return self.wallet_usd - sum((leg.isolated_usd for leg in self.legs.values()), ZERO)

    def closing_leg(self, request: OrderRequest) -> Leg:
        """Return the leg that an order of this side would shrink."""
        if request.position_side is not None:
            return self.peek(request.symbol, request.position_side)
        buys = request.side is OrderSide.BUY
        return self.peek(request.symbol, PositionSide.SHORT if buys else PositionSide.LONG)

    def opening_leg(self, request: OrderRequest) -> Leg:
        """Return the leg that an order of this side would grow."""
        if request.position_side is not None:
            return self.peek(request.symbol, request.position_side)
        buys = request.side is OrderSide.BUY
        return self.peek(request.symbol, PositionSide.LONG if buys else PositionSide.SHORT)

    def shelf(self, *, conditional: bool) -> Shelf:
        """Return one of the two order books."""
        return self.stops if conditional else self.orders


def shrinks(account: Account, request: OrderRequest) -> bool:
    """Tell whether the order may only reduce: flagged so, or a closing order of hedge mode."""
    if request.reduce_only or request.close_position:
        return True
    side = request.position_side
    return account.hedge_mode and side is not None and request.side is side.exit
