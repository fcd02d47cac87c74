"""First: runs, intents, orders, fills, money, decisions, commands, snapshots."""

from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from alembic import op

from bot.journal.columns import Exact

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make every table of the first schema."""
    _orders()
    _account()
    _story()
    _control()


def _whole(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False)


def _words(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _flags(*names: str) -> list[sa.Column[bool]]:
    return [sa.Column(name, sa.Boolean(), nullable=False) for name in names]


def _numbers(*names: str) -> list[sa.Column[Decimal]]:
    return [sa.Column(name, Exact(), nullable=False) for name in names]


def _maybe(kind: sa.types.TypeEngine[Any], *names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind, nullable=True) for name in names]


def _table(name: str, *parts: sa.schema.SchemaItem, unique: tuple[str, ...] = ()) -> None:
    key = [sa.UniqueConstraint(*unique, name=f"uq_{name}_{'_'.join(unique)}")] if unique else []
    op.create_table(
        name,
        _whole("id"),
        _whole("event_ns"),
        *parts,
        sa.PrimaryKeyConstraint("id", name=f"pk_{name}"),
        *key,
    )


def _step() -> list[sa.Column[Any]]:
    return [*_words("run_id"), _whole("seq")]


def _index(table: str, *columns: str) -> None:
    op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns))


def _orders() -> None:
    _table(
        "intents",
        *_step(),
        _whole("written_ns"),
        *_words("client_order_id", "symbol", "side", "position_side", "kind", "purpose"),
        *_words("trigger_by", "time_in_force", "reason"),
        *_numbers("qty"),
        *_maybe(Exact(), "price", "trigger_price"),
        *_flags("reduce_only", "close_position", "hedged"),
        unique=("client_order_id",),
    )
    _table(
        "orders",
        *_step(),
        *_words("client_order_id", "venue_order_id", "symbol", "side", "kind", "status", "reason"),
        *_maybe(sa.Text(), "position_side", "trigger_by"),
        *_numbers("qty", "filled_qty"),
        *_maybe(Exact(), "average_price", "price", "trigger_price"),
        *_flags("ours", "reduce_only", "close_position"),
        unique=("client_order_id",),
    )
    _index("orders", "ours", "status")
    _index("orders", "venue_order_id")
    _table(
        "order_notes",
        *_step(),
        *_words("client_order_id", "what", "code", "reason"),
        *_maybe(Exact(), "filled_qty"),
    )
    _index("order_notes", "client_order_id")
    _table(
        "fills",
        *_step(),
        *_words("symbol", "trade_id", "client_order_id", "venue_order_id", "side"),
        *_maybe(sa.Text(), "position_side"),
        *_numbers("qty", "price", "fee_usd", "realized_pnl_usd"),
        *_flags("is_maker", "is_liquidation", "is_adl"),
        unique=("symbol", "trade_id"),
    )
    _index("fills", "client_order_id")


def _account() -> None:
    _table(
        "positions",
        *_step(),
        *_words("symbol", "side", "cause"),
        *_numbers("qty", "entry_price"),
        *_maybe(sa.Text(), "margin_mode"),
        *_flags("hedged"),
        *_maybe(sa.Integer(), "leverage", "adl_rank"),
        *_maybe(Exact(), "isolated_margin_usd", "venue_liq_price"),
    )
    _table(
        "wallets",
        *_step(),
        *_numbers("wallet_usd"),
        *_maybe(Exact(), "change_usd"),
        *_words("cause"),
    )
    _table("equity", *_step(), *_numbers("equity_usd", "wallet_usd"))
    _table("anchors", *_step(), *_numbers("high_water_usd", "day_start_usd", "week_start_usd"))
    _table(
        "income",
        *_step(),
        *_words("kind", "income_id", "symbol", "asset", "info"),
        *_numbers("amount"),
        unique=("kind", "income_id", "symbol"),
    )
    _table(
        "coverage",
        *_step(),
        *_words("symbol", "side", "action", "client_order_id"),
        *_flags("covered"),
    )
    _index("coverage", "symbol", "side")
    _index("coverage", "client_order_id")


def _story() -> None:
    _table(
        "decisions",
        *_step(),
        *_words("decision_id", "kind", "symbol", "what", "why", "measured", "limit", "cause"),
        *_words("client_order_id"),
        unique=("decision_id",),
    )
    _index("decisions", "cause")
    _index("decisions", "client_order_id")
    _table("notices", *_step(), *_words("severity", "kind", "symbol", "text"))
    _table("modes", *_step(), *_words("mode", "reason"), *_flags("latched"))


def _control() -> None:
    _table("runs", *_words("run_id"), *_flags("read_only"), unique=("run_id",))
    _table(
        "commands",
        *_step(),
        *_words("command_id", "name", "args", "operator"),
        unique=("command_id",),
    )
    _table("answers", *_step(), *_words("command_id", "text"), *_flags("accepted"))
    _index("answers", "command_id")
    _table(
        "snapshots",
        *_step(),
        *_words("sha256"),
        sa.Column("state", sa.LargeBinary(), nullable=False),
    )
