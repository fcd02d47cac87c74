"""Orders, fills and decisions for journal tests, and a clock that a test moves."""

from decimal import Decimal

from bot.domain.messages import Fill
from bot.domain.orders import (
    ApprovedOrder,
    OrderKind,
    OrderSide,
    OrderState,
    OrderStatus,
    PositionSide,
    Purpose,
    TimeInForce,
    TriggerBy,
)
from bot.domain.risk import Decision

NOW_NS = 1_769_800_000_000_000_000
BTC = "BTC/USDT:USDT"


class HandClock:
    """A clock that stands until it is moved."""

    def __init__(self, now_ns: int = NOW_NS) -> None:
        self.at_ns = now_ns

    def now_ns(self) -> int:
        return self.at_ns

    def monotonic_ns(self) -> int:
        return self.at_ns

    async def sleep_s(self, seconds: float) -> None:
        self.at_ns += int(seconds * 1e9)


def approved(client_order_id="bwrun00001-1-1", *, qty="0.010", purpose=Purpose.ENTRY, **changes):
    fields = {
        "client_order_id": client_order_id,
        "symbol": BTC,
        "side": OrderSide.BUY,
        "position_side": PositionSide.LONG,
        "kind": OrderKind.MARKET,
        "purpose": purpose,
        "qty": Decimal(qty),
        "price": None,
        "trigger_price": None,
        "trigger_by": TriggerBy.MARK,
        "time_in_force": TimeInForce.GTC,
        "reduce_only": purpose is not Purpose.ENTRY,
        "close_position": False,
        "hedged": False,
        "reason": "swept and held 76,000",
    }
    return ApprovedOrder(**(fields | changes))


def state(client_order_id="bwrun00001-1-1", status=OrderStatus.WORKING, **changes):
    fields = {
        "client_order_id": client_order_id,
        "venue_order_id": "9001",
        "symbol": BTC,
        "side": OrderSide.BUY,
        "kind": OrderKind.MARKET,
        "status": status,
        "qty": Decimal("0.010"),
        "filled_qty": Decimal(0),
        "reduce_only": False,
        "close_position": False,
        "event_ns": NOW_NS,
    }
    return OrderState(**(fields | changes))


def fill(trade_id="t1", client_order_id="bwrun00001-1-1", **changes):
    fields = {
        "symbol": BTC,
        "trade_id": trade_id,
        "client_order_id": client_order_id,
        "venue_order_id": "9001",
        "side": OrderSide.BUY,
        "position_side": None,
        "qty": Decimal("0.010"),
        "price": Decimal("76012.30"),
        "fee_usd": Decimal("0.3040492"),
        "realized_pnl_usd": Decimal(0),
        "is_maker": False,
        "event_ns": NOW_NS,
        "received_ns": NOW_NS,
    }
    return Fill(**(fields | changes))


def decision(decision_id, *, cause="", client_order_id="", event_ns=NOW_NS, what="cut"):
    return Decision(
        decision_id=decision_id,
        event_ns=event_ns,
        kind="guard",
        symbol=BTC,
        what=what,
        why="margin ratio",
        measured="0.61",
        limit="0.60",
        cause=cause,
        client_order_id=client_order_id,
    )
