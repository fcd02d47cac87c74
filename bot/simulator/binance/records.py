"""What the protocol remembers of orders beyond the exchange: birth, time in force, children."""

from collections.abc import Iterator
from typing import Final

import msgspec

from bot.domain.orders import OrderState, TimeInForce

CLOSED_MAX: Final = 2_000


class OrderRecord(msgspec.Struct, kw_only=True):
    """The newest state of one order; `born_order_id` is the order a trigger gave birth to."""

    state: OrderState
    created_ns: int
    time_in_force: TimeInForce = TimeInForce.GTC
    born_order_id: str = ""
    triggered_ns: int = 0

    @property
    def is_open(self) -> bool:
        """Whether the order still works."""
        return self.state.status.is_live


class RecordBook:
    """Records of one account, oldest first; of closed orders the newest are kept."""

    def __init__(self) -> None:
        self._records: dict[tuple[bool, str], OrderRecord] = {}
        self._by_client_id: dict[tuple[bool, str], OrderRecord] = {}
        self._lives: dict[str, TimeInForce] = {}
        self._closed = 0

    def note(self, state: OrderState) -> OrderRecord:
        """Take in a new state of an order and return its record."""
        key = (state.kind.is_conditional, state.venue_order_id)
        record = self._records.get(key)
        if record is None:
            life = self._lives.pop(state.venue_order_id, TimeInForce.GTC)
            record = OrderRecord(state=state, created_ns=state.event_ns, time_in_force=life)
            self._records[key] = record
            self._by_client_id[(key[0], state.client_order_id)] = record
            self._closed += not record.is_open
            self._forget()
            return record
        was_open = record.is_open
        record.state = state
        self._closed += was_open and not record.is_open
        return record

    def set_time_in_force(self, venue_order_id: str, time_in_force: TimeInForce) -> None:
        """Remember how long an order that is about to be told lives."""
        self._lives[venue_order_id] = time_in_force

    def _forget(self) -> None:
        if self._closed <= CLOSED_MAX:
            return
        for key in [k for k, r in self._records.items() if not r.is_open][: CLOSED_MAX // 10]:
            gone = self._records.pop(key)
            own_id = (key[0], gone.state.client_order_id)
            if self._by_client_id.get(own_id) is gone:
                del self._by_client_id[own_id]
            self._closed -= 1

    def find(
        self,
        symbol: str,
        *,
        conditional: bool,
        venue_order_id: str = "",
        client_order_id: str = "",
    ) -> OrderRecord | None:
        """Return the record by either id, of any symbol when `symbol` is empty.

        Of several orders under one client id the newest is meant.
        """
        if venue_order_id:
            record = self._records.get((conditional, venue_order_id))
        else:
            record = self._by_client_id.get((conditional, client_order_id))
        return record if record is not None and symbol in ("", record.state.symbol) else None

    def by_id(self, venue_order_id: str, *, conditional: bool) -> OrderRecord | None:
        """Return the record with this venue id."""
        return self._records.get((conditional, venue_order_id))

    def all(self, *, conditional: bool, symbol: str = "") -> Iterator[OrderRecord]:
        """Walk the records of one book, oldest first; all symbols when `symbol` is empty."""
        for (is_conditional, _), record in self._records.items():
            if is_conditional is conditional and (not symbol or record.state.symbol == symbol):
                yield record

    def to_list(self) -> list[OrderRecord]:
        """Return everything, for saving."""
        return list(self._records.values())

    def load(self, records: list[OrderRecord]) -> None:
        """Take everything back."""
        self._records = {(r.state.kind.is_conditional, r.state.venue_order_id): r for r in records}
        self._by_client_id = {
            (r.state.kind.is_conditional, r.state.client_order_id): r for r in records
        }
        self._closed = sum(not r.is_open for r in records)
