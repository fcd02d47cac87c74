"""All that enters the kernel, as one union; what leaves it is told in bot.domain.effects."""

from decimal import Decimal

import msgspec

from bot.domain.account import AccountState, IncomeRow, PositionState
from bot.domain.effects import (
    AdjustMargin as AdjustMargin,
    Answer as Answer,
    CancelOrder as CancelOrder,
    Effect as Effect,
    FetchAccount as FetchAccount,
    FetchFills as FetchFills,
    FetchOrder as FetchOrder,
    Notify as Notify,
    Record as Record,
    RecordEquity as RecordEquity,
    RecordMode as RecordMode,
    SubmitOrder as SubmitOrder,
)
from bot.domain.instrument import Instrument
from bot.domain.market import (
    BookTop,
    Candle,
    EventCalendar,
    FeedStatus,
    FundingRate,
    Liquidation,
    LiquidationSum,
    MarkPrice,
    OpenInterest,
    Reading,
    TradeBucket,
    WatchList,
)
from bot.domain.orders import OrderSide, OrderState, PositionSide

# ------------------------------------------------------------------ events: account


class Started(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """The first event of a run."""

    run_id: str
    event_ns: int
    received_ns: int
    read_only: bool = False


class InstrumentsLoaded(msgspec.Struct, frozen=True, tag=True):
    """Contracts with filters and tiers as the venue has them now."""

    event_ns: int
    received_ns: int
    instruments: tuple[Instrument, ...]


class AccountSnapshot(msgspec.Struct, frozen=True, tag=True):
    """A full reading of the account, by request: the truth to reconcile with."""

    event_ns: int
    received_ns: int
    account: AccountState


class SnapshotFailed(msgspec.Struct, frozen=True, tag=True):
    """The account could not be read: unknown, which is not flat."""

    event_ns: int
    received_ns: int
    reason: str


class OrderUpdate(msgspec.Struct, frozen=True, tag=True):
    """The venue's word on one order."""

    event_ns: int
    received_ns: int
    order: OrderState


class Fill(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """One execution; (symbol, trade_id) is unique for ever."""

    symbol: str
    trade_id: str
    client_order_id: str
    venue_order_id: str
    side: OrderSide
    position_side: PositionSide | None
    qty: Decimal
    price: Decimal
    fee_usd: Decimal
    realized_pnl_usd: Decimal
    is_maker: bool
    event_ns: int
    received_ns: int
    is_liquidation: bool = False
    is_adl: bool = False


class PositionUpdate(msgspec.Struct, frozen=True, tag=True):
    """The venue's word on one leg after a change."""

    event_ns: int
    received_ns: int
    position: PositionState
    cause: str = ""


class WalletUpdate(msgspec.Struct, frozen=True, tag=True):
    """Wallet balance after a change; cause is the venue's word (ORDER, FUNDING_FEE, DEPOSIT...)."""

    event_ns: int
    received_ns: int
    wallet_usd: Decimal
    change_usd: Decimal | None
    cause: str


class IncomeBooked(msgspec.Struct, frozen=True, tag=True):
    """Rows of the venue's ledger since the last request."""

    event_ns: int
    received_ns: int
    rows: tuple[IncomeRow, ...]


# ------------------------------------------------------------------ events: outcomes


class OrderAccepted(msgspec.Struct, frozen=True, tag=True):
    """The venue took the order."""

    event_ns: int
    received_ns: int
    client_order_id: str
    venue_order_id: str


class OrderRefused(msgspec.Struct, frozen=True, tag=True):
    """The order certainly does not exist: refused by the venue, or it never left us."""

    event_ns: int
    received_ns: int
    client_order_id: str
    code: str
    reason: str


class OrderOutcomeUnknown(msgspec.Struct, frozen=True, tag=True):
    """The request may have been executed: counts as exposure until proven."""

    event_ns: int
    received_ns: int
    client_order_id: str
    reason: str


class OrderNotFound(msgspec.Struct, frozen=True, tag=True):
    """Asked by client id, the venue knows no such order (now; it may still appear)."""

    event_ns: int
    received_ns: int
    client_order_id: str


class CancelFailed(msgspec.Struct, frozen=True, tag=True):
    """A cancel did not succeed; the order must be asked for."""

    event_ns: int
    received_ns: int
    client_order_id: str
    code: str
    reason: str


class FillsFailed(msgspec.Struct, frozen=True, tag=True):
    """Executions could not be read; they must be asked for again."""

    event_ns: int
    received_ns: int
    symbol: str
    since_ns: int
    reason: str


class MarginAdjusted(msgspec.Struct, frozen=True, tag=True):
    """Answer to AdjustMargin."""

    event_ns: int
    received_ns: int
    symbol: str
    side: PositionSide
    amount_usd: Decimal
    done: bool
    reason: str


class CoverageReported(msgspec.Struct, frozen=True, tag=True):
    """What the independent coverage task saw or did for one leg."""

    event_ns: int
    received_ns: int
    symbol: str
    side: PositionSide
    covered: bool
    action: str
    client_order_id: str = ""


# ------------------------------------------------------------------ events: control


class Command(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """An authenticated order of the operator."""

    command_id: str
    name: str
    args: dict[str, str]
    operator: str
    event_ns: int
    received_ns: int


class TimerFired(msgspec.Struct, frozen=True, tag=True):
    """A scheduled instant came."""

    name: str
    event_ns: int
    received_ns: int


Event = (
    TradeBucket
    | MarkPrice
    | BookTop
    | Candle
    | FundingRate
    | OpenInterest
    | Liquidation
    | LiquidationSum
    | Reading
    | EventCalendar
    | WatchList
    | FeedStatus
    | Started
    | InstrumentsLoaded
    | AccountSnapshot
    | SnapshotFailed
    | OrderUpdate
    | Fill
    | PositionUpdate
    | WalletUpdate
    | IncomeBooked
    | OrderAccepted
    | OrderRefused
    | OrderOutcomeUnknown
    | OrderNotFound
    | CancelFailed
    | FillsFailed
    | MarginAdjusted
    | CoverageReported
    | Command
    | TimerFired
)
MARKET_EVENTS = (
    TradeBucket, MarkPrice, BookTop, Candle, FundingRate, OpenInterest, Liquidation,
    LiquidationSum, Reading,
)  # fmt: skip
