"""What leaves the kernel: orders, cancels, questions, notices and records."""

from decimal import Decimal

import msgspec

from bot.domain.orders import ApprovedOrder, PositionSide
from bot.domain.risk import Decision, Severity, TradingMode


class SubmitOrder(msgspec.Struct, frozen=True, tag=True):
    """Send this order; risking orders wait for their durable intent."""

    order: ApprovedOrder


class CancelOrder(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Cancel one order, in the book it rests in; `protecting` when it can only lower risk."""

    symbol: str
    client_order_id: str
    venue_order_id: str
    conditional: bool
    protecting: bool
    reason: str


class AdjustMargin(msgspec.Struct, frozen=True, tag=True):
    """Add isolated margin that the guard's own cut released (never a top-up)."""

    symbol: str
    side: PositionSide
    amount_usd: Decimal
    reason: str


class FetchAccount(msgspec.Struct, frozen=True, tag=True):
    """Read the whole account."""

    reason: str


class FetchOrder(msgspec.Struct, frozen=True, tag=True):
    """Ask for one order by its client id."""

    symbol: str
    client_order_id: str
    conditional: bool


class FetchFills(msgspec.Struct, frozen=True, tag=True):
    """Read the executions of a symbol since `since_ns`: some may have been missed."""

    symbol: str
    since_ns: int


class Notify(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Tell the operator: what, why, what next."""

    event_ns: int
    severity: Severity
    kind: str
    text: str
    symbol: str = ""


class Record(msgspec.Struct, frozen=True, tag=True):
    """Write a decision to the journal."""

    decision: Decision


class RecordEquity(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Write a point of the equity curve with its anchors."""

    event_ns: int
    equity_usd: Decimal
    wallet_usd: Decimal
    high_water_usd: Decimal
    day_start_usd: Decimal
    week_start_usd: Decimal


class RecordMode(msgspec.Struct, frozen=True, tag=True):
    """Write a change of trading mode or latch."""

    event_ns: int
    mode: TradingMode
    latched: bool
    reason: str


class Answer(msgspec.Struct, frozen=True, tag=True):
    """The answer to a command."""

    command_id: str
    accepted: bool
    text: str


Effect = (
    SubmitOrder
    | CancelOrder
    | AdjustMargin
    | FetchAccount
    | FetchOrder
    | FetchFills
    | Notify
    | Record
    | RecordEquity
    | RecordMode
    | Answer
)
