"""From events of the exchange to frames of the user stream, in the venue's order and words."""

from collections.abc import Callable, Iterable

import msgspec

from bot.domain.messages import Event, Fill, OrderUpdate, PositionUpdate, WalletUpdate
from bot.domain.orders import OrderState, OrderStatus
from bot.domain.units import ZERO
from bot.simulator.binance.account_rows import LegReading, position_frame
from bot.simulator.binance.frames import (
    STATUS_WORD,
    Row,
    account_frame,
    algo_frame,
    order_frame,
)
from bot.simulator.binance.numbers import money_text
from bot.simulator.binance.records import OrderRecord, RecordBook

Told = list[tuple[str, Row]]
"""(event name, frame) pairs, in sending order."""


class Teller:
    """Tells one account's events; holds fills until the order's new state arrives."""

    def __init__(
        self,
        records: RecordBook,
        venue_id: Callable[[str], str],
        read: Callable[[PositionUpdate], LegReading],
        cross_wallet: Callable[[], str],
    ) -> None:
        self._records = records
        self._venue_id = venue_id
        self._read = read
        self._cross_wallet = cross_wallet
        self._fills: dict[str, list[Fill]] = {}
        self._legs: dict[tuple[str, str], LegReading] = {}
        self._wallet: WalletUpdate | None = None
        self._cause = ""
        self._out: Told = []

    def tell(self, events: Iterable[Event]) -> Told:
        """Return the frames of one batch of events."""
        self._out = []
        for event in events:
            match event:
                case OrderUpdate():
                    self._flush_money()
                    self._tell_order(event.order)
                case Fill():
                    self._fills.setdefault(event.venue_order_id, []).append(event)
                case PositionUpdate():
                    self._same_cause(event.cause)
                    leg = event.position
                    self._legs[(leg.symbol, leg.side)] = self._read(event)
                case WalletUpdate():
                    self._same_cause(event.cause)
                    self._wallet = event
                case _:
                    continue
        self._flush_money()
        return self._out

    # ------------------------------------------------------------------ orders

    def _tell_order(self, state: OrderState) -> None:
        if state.kind.is_conditional:
            self._tell_conditional(state)
            return
        known = self._records.by_id(state.venue_order_id, conditional=False)
        before = known.state if known is not None else None
        record = self._records.note(state)
        if before is None:
            self._link_parent(record)
            if state.filled_qty > ZERO or not state.status.is_live:
                self._tell_birth(record)
        fills = self._fills.pop(state.venue_order_id, [])
        if fills:
            self._tell_fills(record, fills)
        if fills and state.status in (OrderStatus.FILLED, OrderStatus.WORKING):
            return
        execution = STATUS_WORD[state.status]
        if before is not None and execution == "NEW":
            execution = "AMENDMENT"
        self._order(record, state, execution, None)

    def _tell_birth(self, record: OrderRecord) -> None:
        born = msgspec.structs.replace(
            record.state, status=OrderStatus.WORKING, filled_qty=ZERO, average_price=None
        )
        self._order(record, born, "NEW", None)

    def _tell_fills(self, record: OrderRecord, fills: list[Fill]) -> None:
        filled = record.state.filled_qty - sum((f.qty for f in fills), ZERO)
        for fill in fills:
            filled += fill.qty
            is_last = fill is fills[-1]
            partial = msgspec.structs.replace(
                record.state, filled_qty=filled, status=OrderStatus.WORKING
            )
            ended = record.state.status is OrderStatus.FILLED
            execution = "CALCULATED" if fill.is_liquidation else "TRADE"
            self._order(record, record.state if is_last and ended else partial, execution, fill)

    def _order(
        self, record: OrderRecord, state: OrderState, execution: str, fill: Fill | None
    ) -> None:
        frame = order_frame(
            record, state, self._venue_id(state.symbol), execution=execution, fill=fill
        )
        self._out.append(("ORDER_TRADE_UPDATE", frame))

    # ------------------------------------------------------------------ conditional orders

    def _link_parent(self, record: OrderRecord) -> None:
        client_order_id = record.state.client_order_id
        parent = self._records.find(
            record.state.symbol, conditional=True, client_order_id=client_order_id
        )
        if parent is not None and not parent.born_order_id and parent.triggered_ns:
            parent.born_order_id = record.state.venue_order_id

    def _tell_conditional(self, state: OrderState) -> None:
        record = self._records.note(state)
        match state.status:
            case OrderStatus.TRIGGERING:
                record.triggered_ns = state.event_ns
                self._algo(record, "TRIGGERING")
            case OrderStatus.FILLED:
                if not record.triggered_ns:
                    record.triggered_ns = state.event_ns
                    self._algo(record, "TRIGGERING")
                self._algo(record, "TRIGGERED")
                self._algo(record, "FINISHED")
            case _:
                self._algo(record, STATUS_WORD[state.status])

    def _algo(self, record: OrderRecord, status: str) -> None:
        frame = algo_frame(record, self._venue_id(record.state.symbol), status)
        self._out.append(("ALGO_UPDATE", frame))

    # ------------------------------------------------------------------ money

    def _same_cause(self, cause: str) -> None:
        if cause != self._cause:
            self._flush_money()
            self._cause = cause

    def _flush_money(self) -> None:
        wallet, legs = self._wallet, self._legs
        if wallet is None and not legs:
            return
        balances: list[Row] = []
        event_ns = 0
        if wallet is not None:
            event_ns = wallet.event_ns
            change = ZERO if wallet.cause == "ORDER" else wallet.change_usd or ZERO
            balances.append(
                {
                    "a": "USDT",
                    "wb": money_text(wallet.wallet_usd),
                    "cw": self._cross_wallet(),
                    "bc": money_text(change),
                }
            )
        positions = [position_frame(leg) for leg in legs.values()]
        event_ns = max([event_ns, *(leg.leg.event_ns for leg in legs.values())])
        cause = self._cause or "ORDER"
        self._out.append(("ACCOUNT_UPDATE", account_frame(cause, event_ns, balances, positions)))
        self._wallet, self._legs, self._cause = None, {}, ""
