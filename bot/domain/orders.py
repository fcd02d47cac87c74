"""From wish to fill: sides, order kinds, the approved order, order state and fills."""

from decimal import Decimal
from enum import StrEnum
from typing import Self

import msgspec

from bot.domain.units import ZERO


class OrderSide(StrEnum):
    """Direction of an order."""

    BUY = "BUY"
    SELL = "SELL"

    @property
    def sign(self) -> int:
        """+1 for a buy, -1 for a sell."""
        return 1 if self is OrderSide.BUY else -1


class PositionSide(StrEnum):
    """Direction of a position."""

    LONG = "LONG"
    SHORT = "SHORT"

    sign: int
    """+1 for a long, -1 for a short."""

    def __new__(cls, value: str) -> Self:
        """Make a member that knows its sign: it is asked for at every price."""
        side = str.__new__(cls, value)
        side._value_ = value
        side.sign = 1 if value == "LONG" else -1
        return side

    @property
    def entry(self) -> OrderSide:
        """The order side that grows this position."""
        return OrderSide.BUY if self is PositionSide.LONG else OrderSide.SELL

    @property
    def exit(self) -> OrderSide:
        """The order side that shrinks this position."""
        return OrderSide.SELL if self is PositionSide.LONG else OrderSide.BUY


class OrderKind(StrEnum):
    """Order types the house uses."""

    MARKET = "MARKET"
    LIMIT = "LIMIT"
    STOP_MARKET = "STOP_MARKET"
    TAKE_PROFIT_MARKET = "TAKE_PROFIT_MARKET"

    is_conditional: bool
    """Whether the order rests in the venue's separate book of conditional orders."""

    def __new__(cls, value: str) -> Self:
        """Make a member that knows its book: it is asked for at every reading."""
        kind = str.__new__(cls, value)
        kind._value_ = value
        kind.is_conditional = value in ("STOP_MARKET", "TAKE_PROFIT_MARKET")
        return kind


class TimeInForce(StrEnum):
    """How long a limit order lives; GTX is post-only."""

    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"
    GTX = "GTX"


class TriggerBy(StrEnum):
    """Which price sets off a conditional order."""

    MARK = "MARK"
    LAST = "LAST"
    INDEX = "INDEX"


class Purpose(StrEnum):
    """Why the house sends an order; everything but ENTRY can only lower exposure."""

    ENTRY = "ENTRY"
    STOP = "STOP"
    TARGET = "TARGET"
    CUT = "CUT"
    FLATTEN = "FLATTEN"


class OrderDraft(msgspec.Struct, frozen=True, kw_only=True):
    """An order somebody inside the kernel wants; only the gate turns it into an ApprovedOrder."""

    symbol: str
    side: OrderSide
    position_side: PositionSide
    kind: OrderKind
    purpose: Purpose
    qty: Decimal
    reason: str
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    trigger_by: TriggerBy = TriggerBy.MARK
    time_in_force: TimeInForce = TimeInForce.GTC
    close_position: bool = False

    @property
    def reduce_only(self) -> bool:
        """Every order but an entry is reduce-only."""
        return self.purpose is not Purpose.ENTRY


NOT_SENT = ("throttled", "unreachable")
"""Codes of our own for orders that could not leave for the venue: nobody refused them."""


class ApprovedOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order that passed the gate: exactly what goes to the venue. Made in kernel.gate only."""

    client_order_id: str
    symbol: str
    side: OrderSide
    position_side: PositionSide
    kind: OrderKind
    purpose: Purpose
    qty: Decimal
    price: Decimal | None
    trigger_price: Decimal | None
    trigger_by: TriggerBy
    time_in_force: TimeInForce
    reduce_only: bool
    close_position: bool
    hedged: bool
    reason: str

    @property
    def protecting(self) -> bool:
        """Whether the order can only lower risk (it may then leave before the journal)."""
        return self.reduce_only


class OrderStatus(StrEnum):
    """Life of an order as we know it."""

    PENDING = "PENDING"
    UNKNOWN = "UNKNOWN"
    WORKING = "WORKING"
    TRIGGERING = "TRIGGERING"
    FILLED = "FILLED"
    CANCELLED = "CANCELLED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    LOST = "LOST"

    is_live: bool
    """Whether the order may still change the position."""

    def __new__(cls, value: str) -> Self:
        """Make a member that knows whether it is live: it is asked for at every price."""
        status = str.__new__(cls, value)
        status._value_ = value
        status.is_live = value in ("PENDING", "UNKNOWN", "WORKING", "TRIGGERING")
        return status


class OrderState(msgspec.Struct, frozen=True, kw_only=True):
    """One order as the venue (or our belief) has it; `position_side` None means one-way mode."""

    client_order_id: str
    venue_order_id: str
    symbol: str
    side: OrderSide
    kind: OrderKind
    status: OrderStatus
    qty: Decimal
    filled_qty: Decimal
    reduce_only: bool
    close_position: bool
    event_ns: int
    position_side: PositionSide | None = None
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    trigger_by: TriggerBy | None = None
    average_price: Decimal | None = None
    reason: str = ""

    @property
    def remaining_qty(self) -> Decimal:
        """What may still fill."""
        return max(self.qty - self.filled_qty, ZERO)
