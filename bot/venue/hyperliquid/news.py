"""Messages of the account's own channels as domain events, every one of them, none collapsed.

Executions name their order by the venue's number. The channel of orders tells which client id that
is, and so does the answer to a placement; executions that come before either wait in line.
"""

from collections import OrderedDict
from decimal import Decimal
from typing import Final

import msgspec

from bot.domain.account import PositionState
from bot.domain.errors import VenueDataInvalid
from bot.domain.messages import Event, OrderUpdate, PositionUpdate, WalletUpdate
from bot.domain.orders import OrderState
from bot.domain.units import ZERO
from bot.venue import fields
from bot.venue.fields import Row
from bot.venue.hyperliquid import parse
from bot.venue.hyperliquid.cloid import from_cloid

REMEMBERED: Final = 4_096
ROUNDING_USD: Final = Decimal("0.00001")
"""The venue rounds value and profit apart from each other."""
ORDER, FUNDING, STATE = "ORDER", "FUNDING_FEE", "clearinghouseState"
CHANNELS: Final = ("orderUpdates", "userFills", "userFundings", "clearinghouseState")


class News(msgspec.Struct, frozen=True):
    """What one message says: events, whether the account must be read anew, whose orders.

    `touched` are symbols where orders of another hand moved: their channel tells too little.
    """

    events: tuple[Event, ...] = ()
    reread: str = ""
    client_order_ids: tuple[str, ...] = ()
    touched: tuple[str, ...] = ()
    opened: str = ""
    """The channel that the venue says is open."""


class Ear:
    """Reads the messages of one account; remembers names of orders and what was held."""

    def __init__(self, user: str) -> None:
        self._user = user
        self._orders: OrderedDict[str, OrderState] = OrderedDict()
        self._names: OrderedDict[str, str] = OrderedDict()
        self._held: dict[str, PositionState] = {}
        self._wallet: Decimal | None = None
        self._funded = ZERO
        self._traded = False

    def begin(self) -> None:
        """Begin a connection: what was held may have changed unseen."""
        self._held.clear()
        self._wallet = None
        self._funded, self._traded = ZERO, False

    def know(self, *orders: OrderState) -> None:
        """Take orders as they are sent or read whole: their channel tells no kind, no trigger."""
        for state in orders:
            self._remember(state)

    def news(self, message: object, received_ns: int) -> News:
        """Read one message; channels we do not use say nothing.

        Raises:
            VenueDataInvalid: a message of a channel we use that cannot be believed.
        """
        source = fields.row(message, "private stream")
        data = source.get("data")
        match source.get("channel"):
            case "orderUpdates":
                return self._updates(fields.rows(data, "orderUpdates"), received_ns)
            case "userFills":
                return self._fills(fields.row(data, "userFills"), received_ns)
            case "userFundings":
                return self._fundings(fields.row(data, "userFundings"))
            case "clearinghouseState":
                whole = fields.row(data, "clearinghouseState")
                state = fields.row(whole.get("clearinghouseState"), "clearinghouseState")
                return self._state(state, received_ns)
            case "subscriptionResponse":
                wanted = fields.row(data, "subscription").get("subscription")
                kind = fields.text(fields.row(wanted, "subscription"), "type", "subscription")
                return News(opened=kind)
            case "error":
                raise VenueDataInvalid(f"private stream error: {str(data)[:120]}")
            case _:
                return News()

    # ------------------------------------------------------------------ orders

    def _updates(self, rows: list[object], received_ns: int) -> News:
        events: list[Event] = []
        names: list[str] = []
        touched: list[str] = []
        for item in rows:
            source = fields.row(item, "orderUpdates")
            short = fields.row(source.get("order"), "orderUpdates")
            if not parse.is_ours(short):
                continue
            state = self._order(source, short)
            if state is None:
                touched.append(parse.coin(short, "orderUpdates"))
                continue
            self._remember(state)
            events.append(OrderUpdate(state.event_ns, received_ns, state))
            names.append(state.client_order_id)
        return News(tuple(events), "", tuple(names), tuple(touched))

    def _order(self, source: Row, short: Row) -> OrderState | None:
        """Return the order with what its channel leaves out; None: it was never seen whole."""
        oid = fields.text(short, "oid", "orderUpdates")
        name = from_cloid(short.get("cloid"), oid)
        before = self._orders.get(oid) or self._orders.get(name)
        if before is None:
            return None
        whole: dict[str, object] = {"reduceOnly": before.reduce_only, "isTrigger": False, **short}
        fresh = parse.with_status({**source, "order": whole})
        return msgspec.structs.replace(
            fresh,
            kind=before.kind,
            trigger_price=before.trigger_price,
            trigger_by=before.trigger_by,
            close_position=before.close_position,
            reduce_only=before.reduce_only,
            qty=before.qty if before.close_position else fresh.qty,
            average_price=before.average_price,
        )

    def _remember(self, state: OrderState) -> None:
        for key in (state.venue_order_id, state.client_order_id):
            if key:
                self._orders[key] = state
                self._orders.move_to_end(key)
        if state.venue_order_id:
            self._names[state.venue_order_id] = state.client_order_id
        while len(self._orders) > REMEMBERED:
            self._orders.popitem(last=False)
        while len(self._names) > REMEMBERED:
            self._names.popitem(last=False)

    # ------------------------------------------------------------------ executions

    def _fills(self, data: Row, received_ns: int) -> News:
        """Tell executions; those of before (the snapshot) are read by request."""
        if data.get("isSnapshot") is True:
            return News()
        events: list[Event] = []
        unnamed = ""
        for item in fields.rows(data.get("fills"), "userFills"):
            source = fields.row(item, "fill")
            if not parse.is_ours(source):
                continue
            oid = fields.text(source, "oid", "fill")
            name = self._names.get(oid) or from_cloid(source.get("cloid"), oid)
            if oid not in self._names and "cloid" not in source:
                unnamed = f"execution of order {oid}, which nobody named"
            events.append(parse.fill(source, name, self._user, received_ns))
            self._traded = True
        return News(tuple(events), unnamed)

    def _fundings(self, data: Row) -> News:
        """Remember payments: the wallet after them comes with the account's state."""
        if data.get("isSnapshot") is True:
            return News()
        for item in fields.rows(data.get("fundings"), "userFundings"):
            self._funded += fields.number(fields.row(item, "funding"), "usdc", "funding")
        return News()

    # ------------------------------------------------------------------ state

    def _state(self, state: Row, received_ns: int) -> News:
        """Tell what is held as far as it changed: quantity, entry, margin; and the wallet."""
        at_ns = fields.instant_ns(state, "time", STATE)
        held = {position.symbol: position for position in parse.positions(state)}
        wallet = parse.wallet_usd(state)
        cause = FUNDING if self._funded else ORDER if self._traded else STATE
        events: list[Event] = []
        for symbol, before in self._held.items():
            after = held.get(symbol)
            if after is None or after.side is not before.side:
                events.append(PositionUpdate(at_ns, received_ns, _flat(before, at_ns), cause))
        for symbol, after in held.items():
            known = self._held.get(symbol)
            if known is None or _differs(known, after):
                events.append(PositionUpdate(at_ns, received_ns, after, cause))
        if self._wallet is None or abs(wallet - self._wallet) > ROUNDING_USD:
            change = self._funded or None
            events.append(WalletUpdate(at_ns, received_ns, wallet, change, cause))
        self._held, self._wallet = held, wallet
        self._funded, self._traded = ZERO, False
        return News(tuple(events))


def _flat(before: PositionState, at_ns: int) -> PositionState:
    return PositionState(
        symbol=before.symbol,
        side=before.side,
        qty=ZERO,
        entry_price=ZERO,
        margin_mode=before.margin_mode,
        event_ns=at_ns,
    )


def _differs(before: PositionState, after: PositionState) -> bool:
    return (before.side, before.qty, before.entry_price, before.isolated_margin_usd) != (
        after.side,
        after.qty,
        after.entry_price,
        after.isolated_margin_usd,
    )
