"""Domain values to rows and back, field by field: a row is never trusted as a domain value."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from bot.domain.account import IncomeRow, PositionState
from bot.domain.errors import JournalBroken
from bot.domain.messages import (
    Answer,
    Command,
    CoverageReported,
    Fill,
    MarginAdjusted,
    Notify,
    RecordEquity,
    RecordMode,
    WalletUpdate,
)
from bot.domain.orders import (
    ApprovedOrder,
    OrderKind,
    OrderSide,
    OrderState,
    OrderStatus,
    PositionSide,
    TriggerBy,
)
from bot.domain.risk import Decision, Severity
from bot.domain.units import ZERO

Values = dict[str, Any]
OURS = "bw"
"""Client order ids that begin so were made by this program."""


def intent_values(order: ApprovedOrder, event_ns: int, written_ns: int) -> Values:
    """Return the row of an order about to be sent."""
    return {
        "event_ns": event_ns,
        "written_ns": written_ns,
        "client_order_id": order.client_order_id,
        "symbol": order.symbol,
        "side": order.side.value,
        "position_side": order.position_side.value,
        "kind": order.kind.value,
        "purpose": order.purpose.value,
        "qty": order.qty,
        "price": order.price,
        "trigger_price": order.trigger_price,
        "trigger_by": order.trigger_by.value,
        "time_in_force": order.time_in_force.value,
        "reduce_only": order.reduce_only,
        "close_position": order.close_position,
        "hedged": order.hedged,
        "reason": order.reason,
    }


def pending_state(order: ApprovedOrder, event_ns: int) -> OrderState:
    """Return what is known of an order whose intent was just written: it may be under way."""
    return OrderState(
        client_order_id=order.client_order_id,
        venue_order_id="",
        symbol=order.symbol,
        side=order.side,
        kind=order.kind,
        status=OrderStatus.PENDING,
        qty=order.qty,
        filled_qty=ZERO,
        reduce_only=order.reduce_only,
        close_position=order.close_position,
        event_ns=event_ns,
        position_side=order.position_side if order.hedged else None,
        price=order.price,
        trigger_price=order.trigger_price,
        trigger_by=order.trigger_by if order.kind.is_conditional else None,
        reason=order.reason,
    )


def order_key(order: OrderState) -> str:
    """Return the client order id, or one made of the venue's id when a human's order has none."""
    return order.client_order_id or f"venue:{order.symbol}:{order.venue_order_id}"


def order_values(order: OrderState) -> Values:
    """Return the row of an order's state."""
    return {
        "event_ns": order.event_ns,
        "client_order_id": order_key(order),
        "venue_order_id": order.venue_order_id,
        "ours": order.client_order_id.startswith(OURS),
        "symbol": order.symbol,
        "side": order.side.value,
        "position_side": order.position_side.value if order.position_side else None,
        "kind": order.kind.value,
        "status": order.status.value,
        "qty": order.qty,
        "filled_qty": order.filled_qty,
        "average_price": order.average_price,
        "price": order.price,
        "trigger_price": order.trigger_price,
        "trigger_by": order.trigger_by.value if order.trigger_by else None,
        "reduce_only": order.reduce_only,
        "close_position": order.close_position,
        "reason": order.reason,
    }


def order_state(row: Mapping[Any, Any]) -> OrderState:
    """Return the order a row describes.

    Raises:
        JournalBroken: the row holds words that no version of this program writes.
    """
    key = row["client_order_id"]
    try:
        return OrderState(
            client_order_id="" if key.startswith("venue:") else key,
            venue_order_id=row["venue_order_id"],
            symbol=row["symbol"],
            side=OrderSide(row["side"]),
            kind=OrderKind(row["kind"]),
            status=OrderStatus(row["status"]),
            qty=row["qty"],
            filled_qty=row["filled_qty"],
            reduce_only=row["reduce_only"],
            close_position=row["close_position"],
            event_ns=row["event_ns"],
            position_side=PositionSide(row["position_side"]) if row["position_side"] else None,
            price=row["price"],
            trigger_price=row["trigger_price"],
            trigger_by=TriggerBy(row["trigger_by"]) if row["trigger_by"] else None,
            average_price=row["average_price"],
            reason=row["reason"],
        )
    except ValueError as error:
        raise JournalBroken(f"order {key} in the journal is damaged: {error}") from error


def fill_values(fill: Fill) -> Values:
    """Return the row of one execution."""
    return {
        "event_ns": fill.event_ns,
        "symbol": fill.symbol,
        "trade_id": fill.trade_id,
        "client_order_id": fill.client_order_id,
        "venue_order_id": fill.venue_order_id,
        "side": fill.side.value,
        "position_side": fill.position_side.value if fill.position_side else None,
        "qty": fill.qty,
        "price": fill.price,
        "fee_usd": fill.fee_usd,
        "realized_pnl_usd": fill.realized_pnl_usd,
        "is_maker": fill.is_maker,
        "is_liquidation": fill.is_liquidation,
        "is_adl": fill.is_adl,
    }


def position_values(position: PositionState, cause: str) -> Values:
    """Return the row of a leg after a change."""
    return {
        "event_ns": position.event_ns,
        "symbol": position.symbol,
        "side": position.side.value,
        "qty": position.qty,
        "entry_price": position.entry_price,
        "margin_mode": position.margin_mode.value if position.margin_mode else None,
        "hedged": position.hedged,
        "leverage": position.leverage,
        "isolated_margin_usd": position.isolated_margin_usd,
        "venue_liq_price": position.venue_liq_price,
        "adl_rank": position.adl_rank,
        "cause": cause,
    }


def wallet_values(event: WalletUpdate) -> Values:
    """Return the row of a wallet balance."""
    return {
        "event_ns": event.event_ns,
        "wallet_usd": event.wallet_usd,
        "change_usd": event.change_usd,
        "cause": event.cause,
    }


def income_values(row: IncomeRow) -> Values:
    """Return the row of a ledger entry."""
    return {
        "event_ns": row.event_ns,
        "kind": row.kind,
        "income_id": row.income_id,
        "symbol": row.symbol,
        "asset": row.asset,
        "amount": row.amount,
        "info": row.info,
    }


def command_values(command: Command) -> Values:
    """Return the row of an operator's command; arguments as JSON with sorted keys."""
    return {
        "event_ns": command.event_ns,
        "command_id": command.command_id,
        "name": command.name,
        "args": json.dumps(command.args, sort_keys=True, ensure_ascii=False),
        "operator": command.operator,
    }


def coverage_values(event: CoverageReported) -> Values:
    """Return the row of a coverage report."""
    return {
        "event_ns": event.event_ns,
        "symbol": event.symbol,
        "side": event.side.value,
        "covered": event.covered,
        "action": event.action,
        "client_order_id": event.client_order_id,
    }


def decision_values(decision: Decision) -> Values:
    """Return the row of a decision."""
    return {
        "event_ns": decision.event_ns,
        "decision_id": decision.decision_id,
        "kind": decision.kind,
        "symbol": decision.symbol,
        "what": decision.what,
        "why": decision.why,
        "measured": decision.measured,
        "limit": decision.limit,
        "cause": decision.cause,
        "client_order_id": decision.client_order_id,
    }


def equity_values(point: RecordEquity) -> Values:
    """Return the row of a point of the equity curve."""
    return {
        "event_ns": point.event_ns,
        "equity_usd": point.equity_usd,
        "wallet_usd": point.wallet_usd,
    }


def anchor_values(point: RecordEquity) -> Values:
    """Return the row of the anchors that losses are counted from."""
    return {
        "event_ns": point.event_ns,
        "high_water_usd": point.high_water_usd,
        "day_start_usd": point.day_start_usd,
        "week_start_usd": point.week_start_usd,
    }


def mode_values(change: RecordMode) -> Values:
    """Return the row of a change of mode or latch."""
    return {
        "event_ns": change.event_ns,
        "mode": change.mode.value,
        "latched": change.latched,
        "reason": change.reason,
    }


def notice_values(notice: Notify) -> Values:
    """Return the row of a notice to the operator."""
    return {
        "event_ns": notice.event_ns,
        "severity": notice.severity.value,
        "kind": notice.kind,
        "symbol": notice.symbol,
        "text": notice.text,
    }


def margin_notice_values(event: MarginAdjusted) -> Values:
    """Return the notice that isolated margin was moved, or could not be."""
    done = "added" if event.done else "not added"
    severity = Severity.INFO if event.done else Severity.WARNING
    reason = f": {event.reason}" if event.reason else ""
    return {
        "event_ns": event.event_ns,
        "severity": severity.value,
        "kind": "margin_adjusted",
        "symbol": event.symbol,
        "text": f"{event.side.value} margin {done}: {event.amount_usd} USD{reason}",
    }


def answer_values(answer: Answer, event_ns: int) -> Values:
    """Return the row of an answer to a command, given at `event_ns`."""
    return {
        "event_ns": event_ns,
        "command_id": answer.command_id,
        "accepted": answer.accepted,
        "text": answer.text,
    }


def snapshot_values(event_ns: int, state: bytes) -> Values:
    """Return the row of a state with its checksum."""
    return {
        "event_ns": event_ns,
        "sha256": hashlib.sha256(state).hexdigest(),
        "state": state,
    }
