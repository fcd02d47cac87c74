"""The tables of the journal. Rows are not domain values: bot.journal.rows maps them by hand."""

from decimal import Decimal
from typing import ClassVar

from sqlalchemy import Index, MetaData, Table, UniqueConstraint
from sqlmodel import Field, SQLModel

from bot.journal.columns import Exact, Whole, Words

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
}


class Row(SQLModel):
    """What every row carries: its number and its instant (ns UTC, the venue's where it has one)."""

    metadata: ClassVar[MetaData] = MetaData(naming_convention=NAMING)

    id: int | None = Field(default=None, primary_key=True, sa_type=Whole)
    event_ns: int = Field(sa_type=Whole)


class Step(Row):
    """A row that one step of the kernel wrote."""

    run_id: str = Field(sa_type=Words)
    seq: int = Field(sa_type=Whole)


class Run(Row, table=True):
    """One start of the daemon."""

    __tablename__ = "runs"
    run_id: str = Field(sa_type=Words, unique=True)
    read_only: bool


class Intent(Step, table=True):
    """An order as it was about to be sent: committed before a risking order leaves."""

    __tablename__ = "intents"
    client_order_id: str = Field(sa_type=Words, unique=True)
    written_ns: int = Field(sa_type=Whole)
    symbol: str = Field(sa_type=Words)
    side: str = Field(sa_type=Words)
    position_side: str = Field(sa_type=Words)
    kind: str = Field(sa_type=Words)
    purpose: str = Field(sa_type=Words)
    qty: Decimal = Field(sa_type=Exact)
    price: Decimal | None = Field(sa_type=Exact)
    trigger_price: Decimal | None = Field(sa_type=Exact)
    trigger_by: str = Field(sa_type=Words)
    time_in_force: str = Field(sa_type=Words)
    reduce_only: bool
    close_position: bool
    hedged: bool
    reason: str = Field(sa_type=Words)


class Order(Step, table=True):
    """The last known state of an order, ours or a human's."""

    __tablename__ = "orders"
    __table_args__ = (Index("ix_orders_ours_status", "ours", "status"),)
    client_order_id: str = Field(sa_type=Words, unique=True)
    venue_order_id: str = Field(sa_type=Words, index=True)
    ours: bool
    symbol: str = Field(sa_type=Words)
    side: str = Field(sa_type=Words)
    position_side: str | None = Field(sa_type=Words)
    kind: str = Field(sa_type=Words)
    status: str = Field(sa_type=Words)
    qty: Decimal = Field(sa_type=Exact)
    filled_qty: Decimal = Field(sa_type=Exact)
    average_price: Decimal | None = Field(sa_type=Exact)
    price: Decimal | None = Field(sa_type=Exact)
    trigger_price: Decimal | None = Field(sa_type=Exact)
    trigger_by: str | None = Field(sa_type=Words)
    reduce_only: bool
    close_position: bool
    reason: str = Field(sa_type=Words)


class OrderNote(Step, table=True):
    """One line in the life of an order: what was said about it, and when."""

    __tablename__ = "order_notes"
    client_order_id: str = Field(sa_type=Words, index=True)
    what: str = Field(sa_type=Words)
    filled_qty: Decimal | None = Field(sa_type=Exact)
    code: str = Field(sa_type=Words)
    reason: str = Field(sa_type=Words)


class FillRow(Step, table=True):
    """One execution, kept once for ever."""

    __tablename__ = "fills"
    __table_args__ = (UniqueConstraint("symbol", "trade_id"),)
    symbol: str = Field(sa_type=Words)
    trade_id: str = Field(sa_type=Words)
    client_order_id: str = Field(sa_type=Words, index=True)
    venue_order_id: str = Field(sa_type=Words)
    side: str = Field(sa_type=Words)
    position_side: str | None = Field(sa_type=Words)
    qty: Decimal = Field(sa_type=Exact)
    price: Decimal = Field(sa_type=Exact)
    fee_usd: Decimal = Field(sa_type=Exact)
    realized_pnl_usd: Decimal = Field(sa_type=Exact)
    is_maker: bool
    is_liquidation: bool
    is_adl: bool


class Position(Step, table=True):
    """A position leg after a change."""

    __tablename__ = "positions"
    symbol: str = Field(sa_type=Words)
    side: str = Field(sa_type=Words)
    qty: Decimal = Field(sa_type=Exact)
    entry_price: Decimal = Field(sa_type=Exact)
    margin_mode: str | None = Field(sa_type=Words)
    hedged: bool
    leverage: int | None
    isolated_margin_usd: Decimal | None = Field(sa_type=Exact)
    venue_liq_price: Decimal | None = Field(sa_type=Exact)
    adl_rank: int | None
    cause: str = Field(sa_type=Words)


class Wallet(Step, table=True):
    """The wallet after a change."""

    __tablename__ = "wallets"
    wallet_usd: Decimal = Field(sa_type=Exact)
    change_usd: Decimal | None = Field(sa_type=Exact)
    cause: str = Field(sa_type=Words)


class Equity(Step, table=True):
    """A point of the equity curve."""

    __tablename__ = "equity"
    equity_usd: Decimal = Field(sa_type=Exact)
    wallet_usd: Decimal = Field(sa_type=Exact)


class Anchor(Step, table=True):
    """What losses are counted from; one row per change."""

    __tablename__ = "anchors"
    high_water_usd: Decimal = Field(sa_type=Exact)
    day_start_usd: Decimal = Field(sa_type=Exact)
    week_start_usd: Decimal = Field(sa_type=Exact)


class DecisionRow(Step, table=True):
    """One line of the story."""

    __tablename__ = "decisions"
    decision_id: str = Field(sa_type=Words, unique=True)
    kind: str = Field(sa_type=Words)
    symbol: str = Field(sa_type=Words)
    what: str = Field(sa_type=Words)
    why: str = Field(sa_type=Words)
    measured: str = Field(sa_type=Words)
    limit: str = Field(sa_type=Words)
    cause: str = Field(sa_type=Words, index=True)
    client_order_id: str = Field(sa_type=Words, index=True)


class CommandRow(Step, table=True):
    """An order of the operator; arguments as JSON."""

    __tablename__ = "commands"
    command_id: str = Field(sa_type=Words, unique=True)
    name: str = Field(sa_type=Words)
    args: str = Field(sa_type=Words)
    operator: str = Field(sa_type=Words)


class AnswerRow(Step, table=True):
    """What a command was answered."""

    __tablename__ = "answers"
    command_id: str = Field(sa_type=Words, index=True)
    accepted: bool
    text: str = Field(sa_type=Words)


class Mode(Step, table=True):
    """A change of trading mode or latch."""

    __tablename__ = "modes"
    mode: str = Field(sa_type=Words)
    latched: bool
    reason: str = Field(sa_type=Words)


class Notice(Step, table=True):
    """What the operator was told."""

    __tablename__ = "notices"
    severity: str = Field(sa_type=Words)
    kind: str = Field(sa_type=Words)
    symbol: str = Field(sa_type=Words)
    text: str = Field(sa_type=Words)


class Income(Step, table=True):
    """One row of the venue's ledger, booked once for ever."""

    __tablename__ = "income"
    __table_args__ = (UniqueConstraint("kind", "income_id", "symbol"),)
    kind: str = Field(sa_type=Words)
    income_id: str = Field(sa_type=Words)
    symbol: str = Field(sa_type=Words)
    asset: str = Field(sa_type=Words)
    amount: Decimal = Field(sa_type=Exact)
    info: str = Field(sa_type=Words)


class Coverage(Step, table=True):
    """What the coverage task saw or did for a leg; one row per change."""

    __tablename__ = "coverage"
    __table_args__ = (Index("ix_coverage_symbol_side", "symbol", "side"),)
    symbol: str = Field(sa_type=Words)
    side: str = Field(sa_type=Words)
    covered: bool
    action: str = Field(sa_type=Words)
    client_order_id: str = Field(sa_type=Words, index=True)


class Snapshot(Step, table=True):
    """The kernel's durable state, with a checksum: SQLite does not notice a flipped bit."""

    __tablename__ = "snapshots"
    sha256: str = Field(sa_type=Words)
    state: bytes


TABLES: dict[str, Table] = dict(Row.metadata.tables)
